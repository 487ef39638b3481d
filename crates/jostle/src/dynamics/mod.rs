//! How theta moves: by gradient descent in discrete time, or along its flow in continuous time.

pub(crate) mod augment;
mod flow;
mod gradient_descent;
pub(crate) mod kernel;
pub mod point;
pub mod rule;
pub mod sampling;
mod scheme;
pub(crate) mod stepper;

pub use augment::Augment;
pub use flow::Flow;
pub use gradient_descent::{GradientDescent, RateUnit};
pub use point::GradientAt;
pub use rule::{AnyRule, DecayEnters, UpdateRule};
pub use sampling::{Batch, Sampling};
pub use scheme::Scheme;

pub use crate::schedule::Schedule;

use crate::error::InputError;
use crate::geometry::Batches;
use crate::model::ModelSpec;
use crate::noise::Noise;
use crate::setting::{Entry, Settings};

/// How theta moves.
#[derive(Debug, Clone, PartialEq)]
pub enum Dynamics {
    /// Gradient descent in discrete time.
    GradientDescent(GradientDescent),
    /// Gradient descent in continuous time.
    Flow(Flow),
}

/// The tolerance of early exits where none is given.
const TOLERANCE: f64 = 1e-9;

impl From<GradientDescent> for Dynamics {
    fn from(dynamics: GradientDescent) -> Self {
        Self::GradientDescent(dynamics)
    }
}

impl From<Flow> for Dynamics {
    fn from(dynamics: Flow) -> Self {
        Self::Flow(dynamics)
    }
}

impl Dynamics {
    /// The dynamics that checked settings describe; `kind` is one of [`ENTRIES`].
    ///
    /// # Panics
    /// If `kind` is not one of the entries.
    pub fn from_settings(kind: &str, settings: &Settings) -> Self {
        match kind {
            "gradient-descent" => GradientDescent::from_settings(settings).into(),
            "flow" => Flow::from_settings(settings).into(),
            other => panic!("{other:?} is not a kind of dynamics"),
        }
    }

    /// Number of steps.
    pub fn steps(&self) -> u64 {
        match self {
            Self::GradientDescent(dynamics) => dynamics.steps,
            Self::Flow(flow) => flow.steps,
        }
    }

    /// The same dynamics for another number of steps.
    #[must_use]
    pub fn with_steps(self, steps: u64) -> Self {
        match self {
            Self::GradientDescent(dynamics) => GradientDescent { steps, ..dynamics }.into(),
            Self::Flow(flow) => Flow { steps, ..flow }.into(),
        }
    }

    /// The samples of one step.
    pub fn batch(&self) -> Batch {
        match self {
            Self::GradientDescent(dynamics) => dynamics.batch,
            Self::Flow(_) => Batch::Full,
        }
    }

    /// `B'`: the batch size that, drawn with replacement, has the same noise covariance; infinite for the full batch.
    pub fn effective_batch(&self, samples: usize) -> f64 {
        match self {
            Self::GradientDescent(dynamics) => dynamics.effective_batch(samples),
            Self::Flow(_) => f64::INFINITY,
        }
    }

    /// Whether a step is more than momentum.
    pub fn is_beyond_momentum(&self) -> bool {
        matches!(self, Self::GradientDescent(dynamics) if dynamics.is_beyond_momentum())
    }

    /// Whether the samples of different steps are independent, or the same.
    pub fn has_independent_steps(&self) -> bool {
        match self {
            Self::GradientDescent(dynamics) => dynamics.has_independent_steps(),
            Self::Flow(_) => true,
        }
    }

    /// Whether a sample may be in a batch twice; the full batch has each sample once.
    pub fn draws_with_replacement(&self) -> bool {
        matches!(self, Self::GradientDescent(dynamics) if dynamics.draws_with_replacement())
    }

    /// The batches of `n` samples, by their moments.
    pub fn batches(&self, samples: usize) -> Batches {
        match self {
            Self::GradientDescent(dynamics) => dynamics.batches(samples),
            Self::Flow(_) => Batches::without_replacement(samples),
        }
    }

    /// Checks that the dynamics fits the number of samples `n`, the model and the noises, and normalises its batch.
    ///
    /// # Errors
    /// A batch larger than `n`; a noise that needs full batches with mini-batches; a flow of a model or with a noise for
    /// which there is none.
    pub(crate) fn fit(self, samples: usize, model: &ModelSpec, noises: &[Noise]) -> Result<Self, InputError> {
        match self {
            Self::GradientDescent(dynamics) => Ok(dynamics.fit(samples, noises)?.into()),
            Self::Flow(flow) => {
                flow.check(model, noises)?;
                Ok(flow.into())
            }
        }
    }

    /// Number of samples in one step's batch, of `samples` in all.
    pub fn batch_size(&self, samples: usize) -> usize {
        self.batch().size(samples)
    }

    /// Whether the momentum is Nesterov's, of which the thresholds of the heavy ball say nothing.
    pub fn is_nesterov(&self) -> bool {
        matches!(self, Self::GradientDescent(dynamics) if dynamics.nesterov && dynamics.momentum > 0.0)
    }

    /// The heavy-ball coefficient `b`.
    pub fn momentum(&self) -> f64 {
        match self {
            Self::GradientDescent(dynamics) => dynamics.momentum,
            Self::Flow(_) => 0.0,
        }
    }

    /// The step size that the noise of a step goes with: `eta`, or a flow's `gamma`.
    pub(crate) fn noise_rate(&self, step: u64) -> f64 {
        match self {
            Self::GradientDescent(dynamics) => dynamics.learning_rate.at(step),
            Self::Flow(flow) => flow.rate_at(step),
        }
    }

    /// What the step size counts.
    pub(crate) fn unit(&self) -> RateUnit {
        match self {
            Self::GradientDescent(dynamics) => dynamics.unit,
            Self::Flow(_) => RateUnit::One,
        }
    }

    /// The step size, or that whose noise a flow has; none for a flow without noise.
    pub(crate) fn learning_rate(&self) -> Option<&Schedule> {
        match self {
            Self::GradientDescent(dynamics) => Some(&dynamics.learning_rate),
            Self::Flow(flow) => flow.learning_rate.as_ref(),
        }
    }

    /// Whether the step size changes on the way.
    pub(crate) fn changes_step_size(&self) -> bool {
        self.learning_rate().is_some_and(|rate| !rate.is_constant())
    }

    /// The time of the flow that a step takes: `eta / (1 - b)`, or `h`.
    pub(crate) fn step_time(&self, step: u64) -> f64 {
        match self {
            Self::GradientDescent(dynamics) => dynamics.effective_rate(step),
            Self::Flow(flow) => flow.time_step,
        }
    }

    /// Evaluations of the gradient in a step.
    pub fn evaluations(&self) -> usize {
        match self {
            Self::GradientDescent(_) => 1,
            Self::Flow(flow) => flow.scheme.tableau().stages(),
        }
    }

    /// The tolerance of early exits, if replicas come to rest where there is no noise and may stop then.
    pub fn early_exit(&self) -> Option<f64> {
        match self {
            Self::GradientDescent(dynamics) => dynamics.early_exit(),
            Self::Flow(flow) => flow.early_exit(),
        }
    }
}

/// The kinds of dynamics that a file may name.
pub const ENTRIES: &[Entry] = &[gradient_descent::ENTRY, flow::ENTRY];
