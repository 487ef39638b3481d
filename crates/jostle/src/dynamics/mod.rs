//! How theta moves.

mod batch;
mod gradient_descent;
pub(crate) mod kernel;
mod schedule;
pub(crate) mod stepper;

pub use batch::Batch;
pub(crate) use batch::effective_batch_without_replacement;
pub use gradient_descent::GradientDescent;
pub use schedule::Schedule;

use crate::setting::{Entry, SettingError, Settings};

/// How theta moves.
#[derive(Debug, Clone, PartialEq)]
pub enum Dynamics {
    /// Gradient descent in discrete time.
    GradientDescent(GradientDescent),
}

impl From<GradientDescent> for Dynamics {
    fn from(dynamics: GradientDescent) -> Self {
        Self::GradientDescent(dynamics)
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
            other => panic!("{other:?} is not a kind of dynamics"),
        }
    }

    /// Number of steps.
    pub fn steps(&self) -> u64 {
        match self {
            Self::GradientDescent(dynamics) => dynamics.steps,
        }
    }

    /// The same dynamics for another number of steps.
    #[must_use]
    pub fn with_steps(self, steps: u64) -> Self {
        match self {
            Self::GradientDescent(dynamics) => GradientDescent { steps, ..dynamics }.into(),
        }
    }

    /// The samples of one step.
    pub fn batch(&self) -> Batch {
        match self {
            Self::GradientDescent(dynamics) => dynamics.batch,
        }
    }

    /// `B'`: the batch size that, drawn with replacement, has the same noise covariance; infinite for the full batch.
    pub fn effective_batch(&self, samples: usize) -> f64 {
        match self {
            Self::GradientDescent(dynamics) => dynamics.effective_batch(samples),
        }
    }

    /// Checks the batch against the number of samples `n`, and normalises it.
    ///
    /// # Errors
    /// A batch without replacement that is larger than `n`.
    pub fn for_samples(self, samples: usize) -> Result<Self, SettingError> {
        match self {
            Self::GradientDescent(dynamics) => Ok(dynamics.for_samples(samples)?.into()),
        }
    }

    /// The tolerance of early exits, if replicas come to rest where there is no noise and may stop then.
    pub fn early_exit(&self) -> Option<f64> {
        match self {
            Self::GradientDescent(dynamics) => dynamics.early_exit(),
        }
    }
}

/// The kinds of dynamics that a file may name.
pub const ENTRIES: &[Entry] = &[gradient_descent::ENTRY];
