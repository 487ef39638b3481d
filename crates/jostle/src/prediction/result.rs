//! A prediction, with what it rests on.

use super::flow::Flow;
use super::start::Parametrisation;
use super::walk::End;
use crate::ensemble::Ensemble;

/// What theory says of an ensemble: the ensemble's means, as one replica's results would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The observables' means, recorded step after recorded step; NaN where there is no prediction.
    pub rows: Vec<f64>,
    /// Parameters (p) with the logarithms of [`Prediction::log_abs_theta`] and the signs of the start.
    pub theta: Vec<f64>,
    /// Means of the natural logarithms of the final absolute parameters (p).
    pub log_abs_theta: Vec<f64>,
    /// Means of the final coefficients (d).
    pub beta: Vec<f64>,
    /// Standard deviations of the final coefficients (d).
    pub deviation: Vec<f64>,
    /// The steps at the beginning that were simulated, with this many replicas.
    pub simulated: Option<Simulated>,
    /// From where on there is no prediction. Final parameters and coefficients are NaN then.
    pub outside: Option<Outside>,
    /// What the prediction is an expansion in.
    pub expansion: Expansion,
}

/// Steps at the beginning that are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simulated {
    /// Their number.
    pub steps: u64,
    /// The replicas.
    pub replicas: u32,
    /// Why.
    pub cause: Cause,
}

/// Why the first steps are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Momentum makes the mean late, and underdamped motion overshoots.
    Momentum,
    /// Coefficients or residuals change much in a step.
    StepSize,
    /// Mini-batches drive their own noise.
    Feedback,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Momentum => "with momentum the mean is late at first, and may overshoot",
            Self::StepSize => "the mean moves far in a step at first",
            Self::Feedback => "mini-batches drive their own noise at first",
        })
    }
}

/// From where on there is no prediction, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Outside {
    /// The first recorded step without one.
    pub step: u64,
    /// Why.
    pub reason: String,
}

/// The largest values along the way of what a prediction is an expansion in; errors are of their second order.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Expansion {
    /// `gamma lambda_max(X D X') / n`, with `gamma = rate (1 - b)/(1 + b)`: gradient descent is unstable from 1 on.
    pub step_size: f64,
    /// The mean square fluctuation of the coefficients, relative to their own.
    pub variance: f64,
    /// `max_i rate (X D X')_ii / B'`, the share of the residuals in the noise that makes them.
    pub feedback: f64,
    /// The relative change of the coefficients, or of the sum of squared residuals, within `(1 + b) / (2 (1 - b))` steps, by which
    /// discrete steps and momentum make the mean late; after the steps that are simulated.
    pub inertia: f64,
    /// The mean square, relative to the coefficients' own, of what simulated steps leave different between replicas for good.
    pub start: f64,
    /// The relative difference between the flow's sum of squared residuals and that of the replicas where it takes over from
    /// them, apart from three standard errors.
    pub handover: f64,
    /// By how many powers of `e` the sum of squared residuals falls on the flow's way.
    pub decay: f64,
}

impl Expansion {
    /// By how much the means of losses, errors and norms may be off, relative to themselves, apart from the standard error of
    /// steps that are simulated:
    ///
    /// ```text
    /// 0.02 + 5 (variance + start) + 2 step_size^2 + feedback^2 + inertia + handover
    ///      + (step_size + feedback + inertia) (decay - 4)+
    /// ```
    ///
    /// The factors are estimates that ensembles of 200 random settings agree with. The last part is there because an error of the
    /// rate at which a loss falls adds up.
    pub fn trust(&self) -> f64 {
        let Self { step_size, variance, feedback, inertia, start, handover, decay } = *self;
        0.02 + 5.0 * (variance + start)
            + 2.0 * step_size * step_size
            + feedback * feedback
            + inertia
            + handover
            + (step_size + feedback + inertia) * (decay - 4.0).max(0.0)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.step_size = self.step_size.max(other.step_size);
        self.variance = self.variance.max(other.variance);
        self.feedback = self.feedback.max(other.feedback);
        self.inertia = self.inertia.max(other.inertia);
        self.start = self.start.max(other.start);
        self.handover = self.handover.max(other.handover);
        self.decay = self.decay.max(other.decay);
    }
}

impl Prediction {
    /// A prediction with the rows so far and nothing beyond.
    pub(super) fn nothing(ensemble: &Ensemble, rows: Vec<f64>, outside: Outside) -> Self {
        let (params, dim) = (ensemble.process().num_params(), ensemble.process().source.dim());
        Self {
            rows,
            theta: vec![f64::NAN; params],
            log_abs_theta: vec![f64::NAN; params],
            beta: vec![f64::NAN; dim],
            deviation: vec![f64::NAN; dim],
            simulated: None,
            outside: Some(outside),
            expansion: Expansion::default(),
        }
    }

    pub(super) fn at_the_end(
        link: Parametrisation,
        flow: &Flow<'_>,
        theta: &[f64],
        rows: Vec<f64>,
        end: &End,
    ) -> Self {
        let End { node, fluctuation, .. } = end;
        // The mean logarithm is below that of the mean.
        let typical: Vec<f64> =
            node.scale.iter().zip(&fluctuation.log_variance).map(|(c, v)| c - 0.5 * v).collect();
        let (theta, log_abs_theta) = flow.start.parameters(link, theta, &typical, &node.x);
        let variances = fluctuation.spread.iter().zip(&node.coefficients.slope).map(|(nu, d)| nu * d);
        Self {
            rows,
            theta,
            log_abs_theta,
            beta: node.coefficients.beta.clone(),
            deviation: variances.map(f64::sqrt).collect(),
            simulated: None,
            outside: None,
            expansion: end.expansion,
        }
    }
}
