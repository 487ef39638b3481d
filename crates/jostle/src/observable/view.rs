//! A replica at one step, as an observable sees it.

use super::ActiveThreshold;
use crate::dynamics::Dynamics;
use crate::dynamics::kernel::{divergence_limit, exceeds};
use crate::geometry::{Curvature, Geometry, KernelSource, Threshold, Watched, kernel_of_model};
use crate::model::{Loss, Model, predict};
use crate::noise::{Noise, Point};
use crate::problem::{Problem, TestSet};
use crate::theory::{LassoCertificate, Reference, lasso_certificate};
use crate::watch::Watch;
use std::cell::OnceCell;

/// A replica at one step. What several observables need is computed once.
pub struct View<'a> {
    /// The training data.
    pub problem: &'a Problem,
    /// The model.
    pub model: &'a dyn Model,
    /// The loss.
    pub loss: Loss,
    /// The loss factor `c`.
    pub loss_factor: f64,
    /// The dynamics.
    pub dynamics: &'a Dynamics,
    /// The noises.
    pub noises: &'a [Noise],
    /// The parameters (p).
    pub theta: &'a [f64],
    /// The coefficients `beta(theta)` (d); empty where the model is no linear predictor.
    pub beta: &'a [f64],
    /// The running time average of beta (d), when one is kept and at least one step was averaged.
    pub average: Option<&'a [f64]>,
    /// Natural logarithms of the absolute parameters (p), finite where the parameters underflow; empty unless given.
    pub log_abs_theta: &'a [f64],
    /// The step, zero unless given.
    pub step: u64,
    /// The step size of the step that leads away from here; NaN unless given.
    pub learning_rate: f64,
    /// From which size on a coefficient is active.
    pub active: ActiveThreshold,
    /// What the replica is compared with, if anything.
    pub reference: Option<&'a Reference>,
    watch: &'a dyn Watch,
    predictions: Vec<f64>,
    residuals: Vec<f64>,
    certificate: OnceCell<Option<LassoCertificate>>,
    geometry: OnceCell<Option<(Box<dyn KernelSource>, Geometry)>>,
    kernel_curvature: OnceCell<Option<Curvature>>,
}

impl<'a> View<'a> {
    /// A view of a replica at `theta`.
    #[expect(clippy::too_many_arguments, reason = "a view is the sum of its parts")]
    pub fn new(
        problem: &'a Problem,
        model: &'a dyn Model,
        (loss, loss_factor): (Loss, f64),
        dynamics: &'a Dynamics,
        noises: &'a [Noise],
        theta: &'a [f64],
        beta: &'a [f64],
        average: Option<&'a [f64]>,
    ) -> Self {
        // Of the coefficients where there are any: they are as the trajectory has rounded them.
        let predictions =
            if beta.is_empty() { model.predict(theta, problem.x()) } else { predict(problem.x(), beta) };
        let mut residuals = predictions.clone();
        loss.residuals(&mut residuals, problem.y(), problem.outputs());
        Self {
            problem,
            model,
            loss,
            loss_factor,
            dynamics,
            noises,
            theta,
            beta,
            average,
            log_abs_theta: &[],
            step: 0,
            active: ActiveThreshold::default(),
            reference: None,
            watch: &(),
            predictions,
            residuals,
            certificate: OnceCell::new(),
            geometry: OnceCell::new(),
            kernel_curvature: OnceCell::new(),
            learning_rate: f64::NAN,
        }
    }

    /// The same with the step, and the logarithms of the absolute parameters (p).
    #[must_use]
    pub fn at_step(self, step: u64, log_abs_theta: &'a [f64]) -> Self {
        Self { log_abs_theta, step, ..self }
    }

    /// The same with the step size of the step that leads away from here.
    #[must_use]
    pub fn with_learning_rate(self, learning_rate: f64) -> Self {
        Self { learning_rate, ..self }
    }

    /// The same with who may stop what takes long: what is measured then is NaN.
    #[must_use]
    pub fn watched_by(self, watch: &'a dyn Watch) -> Self {
        Self { watch, ..self }
    }

    /// The same with what the replica is compared with.
    #[must_use]
    pub fn with_reference(self, reference: Option<&'a Reference>) -> Self {
        Self { reference, ..self }
    }

    /// The same with another threshold of active coefficients.
    #[must_use]
    pub fn with_active(self, active: ActiveThreshold) -> Self {
        Self { active, ..self }
    }

    /// The running time average of beta (d), or beta where there is none yet.
    pub fn settled(&self) -> &[f64] {
        self.average.unwrap_or(self.beta)
    }

    /// How far the running time average (or beta, where there is none) is from solving the predicted Lasso.
    pub fn lasso_certificate(&self) -> Option<LassoCertificate> {
        let certify = || {
            let predicted = &self.reference?.predicted;
            lasso_certificate(self.problem, &predicted.lambda, predicted.sign, self.settled()).ok()
        };
        *self.certificate.get_or_init(certify)
    }

    /// The residuals `f_i - y_i` (n x c).
    pub fn residuals(&self) -> &[f64] {
        &self.residuals
    }

    /// Whether a squared residual is beyond 1e30 times the largest of 1 and the squared labels (or not a number).
    pub fn has_diverged(&self) -> bool {
        let limit = divergence_limit(self.problem);
        self.predictions.iter().zip(self.problem.y()).any(|(f, y)| exceeds((f - y) * (f - y), limit))
    }

    /// The training loss: `(c/n) sum_i r_i^2`, or the mean cross-entropy.
    pub fn training_loss(&self) -> f64 {
        self.loss.mean(self.loss_factor, &self.predictions, self.problem.y(), self.problem.outputs())
    }

    /// The gradient of the loss (p).
    pub fn gradient(&self) -> Vec<f64> {
        let factor = 2.0 * self.loss_factor / self.problem.samples() as f64;
        let weights: Vec<f64> = self.residuals.iter().map(|r| factor * r).collect();
        let mut gradient = vec![0.0; self.theta.len()];
        self.model.pull_back(self.theta, self.problem, &weights, &mut gradient);
        gradient
    }

    /// The geometry of a loss, with the kernel that it is measured from; none where it is not finite or zero.
    fn measure(&self, loss: (Loss, f64)) -> Option<(Box<dyn KernelSource>, Geometry)> {
        let (kernel, residuals) =
            kernel_of_model(self.model, loss, self.theta, self.problem, self.watch).ok()?;
        let geometry = Geometry::measure(&Watched::new(Box::new(&*kernel), self.watch), &residuals).ok()?;
        Some((kernel, geometry))
    }

    fn kernel_and_geometry(&self) -> Option<&(Box<dyn KernelSource>, Geometry)> {
        self.geometry.get_or_init(|| self.measure((self.loss, self.loss_factor))).as_ref()
    }

    /// The curvature `J' J / n` of the outputs, which is that of the square loss with the factor 1/2, whatever the model's
    /// loss; none where it is not finite or zero.
    pub fn kernel_curvature(&self) -> Option<Curvature> {
        let plain = (Loss::Square, 0.5);
        if (self.loss, self.loss_factor) == plain {
            return self.geometry().map(|geometry| geometry.curvature);
        }
        let measure = || self.measure(plain).map(|(_, geometry)| geometry.curvature);
        *self.kernel_curvature.get_or_init(measure)
    }

    /// The geometry, of the model's loss; none where it is not finite or zero.
    pub fn geometry(&self) -> Option<&Geometry> {
        self.kernel_and_geometry().map(|(_, geometry)| geometry)
    }

    /// The largest step size at which the linearisation is stable in mean square with the batches of the dynamics and its
    /// heavy-ball momentum; NaN where there is no geometry.
    pub fn max_stable_learning_rate(&self) -> f64 {
        let threshold = |(kernel, _): &(Box<dyn KernelSource>, Geometry)| {
            let (batches, momentum) =
                (self.dynamics.batches(self.problem.samples()), self.dynamics.momentum());
            Some(Threshold::of_kernel(kernel, batches, momentum, self.watch).ok()?.learning_rate)
        };
        self.kernel_and_geometry().and_then(threshold).unwrap_or(f64::NAN)
    }

    /// The largest step size at which gradient descent with full batches and the heavy-ball momentum `b` of the dynamics is
    /// stable, `2 (1 + b) / lambda_max(G)`; NaN where there is no geometry.
    pub fn gd_limit(&self) -> f64 {
        let limit =
            |geometry: &Geometry| 2.0 * (1.0 + self.dynamics.momentum()) / geometry.curvature.lambda_max;
        self.geometry().map_or(f64::NAN, limit)
    }

    fn predictions_of(&self, inputs: &[f64]) -> Vec<f64> {
        if self.beta.is_empty() { self.model.predict(self.theta, inputs) } else { predict(inputs, self.beta) }
    }

    /// The loss on the test samples; NaN without any.
    pub fn test_loss(&self) -> f64 {
        let of = |test: &TestSet| {
            let predictions = self.predictions_of(test.x());
            self.loss.mean(self.loss_factor, &predictions, test.y(), self.problem.outputs())
        };
        self.problem.test().map_or(f64::NAN, of)
    }

    /// The share of the training samples whose class is predicted.
    pub fn train_accuracy(&self) -> f64 {
        accuracy(&self.predictions, self.problem.y(), self.problem.outputs())
    }

    /// The share of the test samples whose class is predicted; NaN without any.
    pub fn test_accuracy(&self) -> f64 {
        let of = |test: &TestSet| accuracy(&self.predictions_of(test.x()), test.y(), self.problem.outputs());
        self.problem.test().map_or(f64::NAN, of)
    }

    /// The same point, as a covariance formula sees it.
    pub fn point(&self) -> Point<'_> {
        Point {
            problem: self.problem,
            model: self.model,
            theta: self.theta,
            residuals: &self.residuals,
            loss_factor: self.loss_factor,
            batch: self.dynamics.batch_size(self.problem.samples()),
            replacement: self.dynamics.draws_with_replacement(),
            step: self.step,
        }
    }
}

/// The class of outputs (c): their sign with one, the place of the largest with several.
fn class(outputs: &[f64]) -> usize {
    match outputs {
        [one] => usize::from(*one > 0.0),
        several => (0..several.len()).fold(0, |best, k| if several[k] > several[best] { k } else { best }),
    }
}

/// The share of the samples whose predicted class is that of the label.
fn accuracy(predictions: &[f64], labels: &[f64], outputs: usize) -> f64 {
    let pairs = predictions.chunks_exact(outputs).zip(labels.chunks_exact(outputs));
    let right = pairs.filter(|(f, y)| class(f) == class(y)).count();
    (right * outputs) as f64 / labels.len() as f64
}
