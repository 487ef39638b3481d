//! A replica at one step, as an observable sees it.

use super::Reference;
use crate::dynamics::Dynamics;
use crate::dynamics::kernel::{divergence_limit, exceeds};
use crate::model::{Model, predict};
use crate::noise::{Noise, Point};
use crate::problem::Problem;
use crate::theory::{LassoCertificate, lasso_certificate};
use std::cell::OnceCell;

/// A replica at one step. What several observables need is computed once.
pub struct View<'a> {
    /// The training data.
    pub problem: &'a Problem,
    /// The model.
    pub model: &'a dyn Model,
    /// The loss factor `c`.
    pub loss_factor: f64,
    /// The dynamics.
    pub dynamics: &'a Dynamics,
    /// The noises.
    pub noises: &'a [Noise],
    /// The parameters (p).
    pub theta: &'a [f64],
    /// The coefficients `beta(theta)` (d).
    pub beta: &'a [f64],
    /// The running time average of beta (d), when one is kept and at least one step was averaged.
    pub average: Option<&'a [f64]>,
    /// Natural logarithms of the absolute parameters (p), finite where the parameters underflow; empty unless given.
    pub log_abs_theta: &'a [f64],
    /// The step, zero unless given.
    pub step: u64,
    /// What the replica is compared with, if anything.
    pub reference: Option<&'a Reference>,
    residuals: Vec<f64>,
    certificate: OnceCell<Option<LassoCertificate>>,
}

impl<'a> View<'a> {
    /// A view of a replica at `theta`.
    #[expect(clippy::too_many_arguments, reason = "a view is the sum of its parts")]
    pub fn new(
        problem: &'a Problem,
        model: &'a dyn Model,
        loss_factor: f64,
        dynamics: &'a Dynamics,
        noises: &'a [Noise],
        theta: &'a [f64],
        beta: &'a [f64],
        average: Option<&'a [f64]>,
    ) -> Self {
        let mut residuals = vec![0.0; problem.samples()];
        predict(problem, beta, &mut residuals);
        residuals.iter_mut().zip(problem.y()).for_each(|(f, y)| *f -= y);
        Self {
            problem,
            model,
            loss_factor,
            dynamics,
            noises,
            theta,
            beta,
            average,
            log_abs_theta: &[],
            step: 0,
            reference: None,
            residuals,
            certificate: OnceCell::new(),
        }
    }

    /// The same with the step, and the logarithms of the absolute parameters (p).
    #[must_use]
    pub fn at_step(self, step: u64, log_abs_theta: &'a [f64]) -> Self {
        Self { log_abs_theta, step, ..self }
    }

    /// The same with what the replica is compared with.
    #[must_use]
    pub fn with_reference(self, reference: Option<&'a Reference>) -> Self {
        Self { reference, ..self }
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

    /// The residuals `f_i - y_i` (n).
    pub fn residuals(&self) -> &[f64] {
        &self.residuals
    }

    /// Whether a squared residual is beyond 1e30 times the largest of 1 and the squared labels (or not a number).
    pub fn has_diverged(&self) -> bool {
        let limit = divergence_limit(self.problem);
        self.residuals.iter().any(|r| exceeds(r * r, limit))
    }

    /// The loss `(c/n) sum_i r_i^2`.
    pub fn loss(&self) -> f64 {
        let squares: f64 = self.residuals.iter().map(|r| r * r).sum();
        self.loss_factor / self.residuals.len() as f64 * squares
    }

    /// The gradient of the loss (p).
    pub fn gradient(&self) -> Vec<f64> {
        let factor = 2.0 * self.loss_factor / self.residuals.len() as f64;
        let weights: Vec<f64> = self.residuals.iter().map(|r| factor * r).collect();
        let mut gradient = vec![0.0; self.theta.len()];
        self.model.pull_back(self.theta, self.problem, &weights, &mut gradient);
        gradient
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
        }
    }
}
