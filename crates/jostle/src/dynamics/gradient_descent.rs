//! Gradient descent in discrete time, with a step size schedule, batches and momentum.
//!
//! One step is `theta <- theta - learning_rate * (J(theta)' w + zeta)`; with momentum `b` the bracket `g` is first
//! accumulated, `m <- b m + g`, and `m` takes its place (heavy ball, as in PyTorch without dampening).

use super::{Augment, Batch, Schedule, TOLERANCE};
use crate::error::InputError;
use crate::geometry::Batches;
use crate::noise::{Needs, Noise};
use crate::setting::{
    Entry, Fallback, Kind, Range, Setting, SettingError, Settings, effective_batch_without_replacement,
};

/// What a step size counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateUnit {
    /// Itself.
    One,
    /// The largest step size at which the linearisation at the start is stable in mean square, with the batches of the run.
    Threshold,
    /// The largest step size at which gradient descent is stable there, `2 / lambda_max`.
    GdLimit,
}

impl RateUnit {
    /// The unit of this name in files; what has no name there counts itself.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "threshold" => Self::Threshold,
            "gd-limit" => Self::GdLimit,
            _ => Self::One,
        }
    }
}

/// Gradient descent in discrete time.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientDescent {
    /// Number of steps.
    pub steps: u64,
    /// The step size `eta` of every step.
    pub learning_rate: Schedule,
    /// What the step size counts.
    pub unit: RateUnit,
    /// The samples of one step.
    pub batch: Batch,
    /// Whether a batch is drawn with replacement.
    pub replacement: bool,
    /// The heavy-ball coefficient `b`, in [0, 1).
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// What is done to the images of a batch.
    pub augment: Augment,
    /// Without noise and momentum, a replica stops early once its parameters are known to move no further than this
    /// times their norm; 0 for never.
    pub tolerance: f64,
}

impl GradientDescent {
    /// Plain full-batch gradient descent.
    pub fn new(steps: u64, learning_rate: f64) -> Self {
        let learning_rate = Schedule::constant(learning_rate);
        Self {
            steps,
            learning_rate,
            unit: RateUnit::One,
            batch: Batch::Full,
            replacement: true,
            momentum: 0.0,
            nesterov: false,
            augment: Augment::None,
            tolerance: TOLERANCE,
        }
    }

    /// The dynamics that checked settings of its entry in [`ENTRIES`](super::ENTRIES) describe.
    pub fn from_settings(settings: &Settings) -> Self {
        Self {
            steps: settings.integer("steps"),
            learning_rate: settings.schedule("learning_rate").clone(),
            unit: RateUnit::named(settings.text("learning_rate_unit")),
            batch: settings.batch("batch"),
            replacement: settings.flag("replacement"),
            momentum: settings.number("momentum"),
            nesterov: settings.flag("nesterov"),
            augment: Augment::named(settings.text("augment")),
            tolerance: settings.number("tolerance"),
        }
    }

    /// Checks the batch against the number of samples `n`, and normalises a batch of all `n` drawn without
    /// replacement to [`Batch::Full`], which it is.
    ///
    /// # Errors
    /// A batch without replacement that is larger than `n`.
    pub fn for_samples(mut self, samples: usize) -> Result<Self, SettingError> {
        if let Batch::Size(size) = self.batch {
            if size > samples {
                let problem = format!(
                    "is {size}, more than the {samples} samples of the problem; \
                    expected \"full\" or at most {samples}"
                );
                return Err(SettingError::new("batch", problem));
            }
            if size == samples && !self.replacement {
                self.batch = Batch::Full;
            }
        }
        Ok(self)
    }

    /// `B'`: the batch size that, drawn with replacement, has the same noise covariance:
    /// `B` with replacement, `B (n - 1) / (n - B)` without; infinite for the full batch.
    pub fn effective_batch(&self, samples: usize) -> f64 {
        match self.batch {
            Batch::Full => f64::INFINITY,
            Batch::Size(size) if self.replacement => size as f64,
            Batch::Size(size) => effective_batch_without_replacement(size, samples),
        }
    }

    /// The same with its step size, which counts `unit`s, written out.
    pub(crate) fn in_units(&self, unit: f64) -> Self {
        if self.unit == RateUnit::One {
            return self.clone();
        }
        Self { learning_rate: self.learning_rate.times(unit), unit: RateUnit::One, ..self.clone() }
    }

    /// Whether the samples of a step are drawn with replacement; those of the full batch are not drawn.
    pub fn draws_with_replacement(&self) -> bool {
        self.replacement && self.batch != Batch::Full
    }

    /// The batches of `n` samples, by their moments.
    pub fn batches(&self, samples: usize) -> Batches {
        match self.batch {
            Batch::Full => Batches::without_replacement(samples),
            Batch::Size(size) if self.replacement => Batches::with_replacement(size),
            Batch::Size(size) => Batches::without_replacement(size),
        }
    }

    /// `eta / (1 - b)` in a step: the effective step size, with the heavy ball.
    pub(crate) fn effective_rate(&self, step: u64) -> f64 {
        self.learning_rate.at(step) / (1.0 - self.momentum)
    }

    /// Checks that the dynamics fits the number of samples and the noises, and normalises the batch.
    pub(super) fn fit(self, samples: usize, noises: &[Noise]) -> Result<Self, InputError> {
        let dynamics = self.for_samples(samples).map_err(InputError::in_section("dynamics"))?;
        if let Some(k) = noises.iter().position(|noise| noise.needs().contains(Needs::FULL_BATCH))
            && dynamics.batch != Batch::Full
        {
            let problem = format!(
                "adds to the full gradient; expected dynamics.batch = \"full\", not {}",
                dynamics.batch
            );
            return Err(InputError::in_section(format!("noise.{k}"))(SettingError::new("kind", problem)));
        }
        if dynamics.unit != RateUnit::One && dynamics.momentum > 0.0 {
            let problem =
                "is a threshold of steps without momentum; expected \"one\" with dynamics.momentum above 0";
            return Err(InputError::in_section("dynamics")(SettingError::new("learning_rate_unit", problem)));
        }
        Ok(dynamics)
    }

    /// The tolerance of early exits: without momentum, and with a step size that never grows.
    pub(super) fn early_exit(&self) -> Option<f64> {
        let shrinks = self.learning_rate.drops().iter().all(|(_, factor)| *factor <= 1.0);
        (self.tolerance > 0.0 && self.momentum == 0.0 && shrinks && self.augment == Augment::None)
            .then_some(self.tolerance)
    }
}

pub(super) const ENTRY: Entry = Entry {
    kind: "gradient-descent",
    summary: "gradient descent with batches, step-size drops and momentum",
    detail: "theta <- theta - learning_rate * (J(theta)' w + zeta). With a batch size, w holds the residuals of \
             that many samples, drawn anew at every step; with momentum b, m <- b m + g and theta <- theta - \
             learning_rate * m (so that the effective step size is learning_rate / (1 - b)).",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 2; Polyak 1964 for momentum",
    settings: &[
        Setting {
            name: "steps",
            symbol: "T",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Required,
            doc: "Number of steps.",
        },
        Setting {
            name: "learning_rate",
            symbol: "eta",
            kind: Kind::Schedule,
            fallback: Fallback::Required,
            doc: "Step size; with drops it is multiplied by each factor from its step on.",
        },
        Setting {
            name: "learning_rate_unit",
            symbol: "",
            kind: Kind::Choice(&["one", "threshold", "gd-limit"]),
            fallback: Fallback::Text("one"),
            doc: "What learning_rate counts: itself; the exact mean-square stability threshold at the start for these \
                  batches; or gradient descent's limit 2/lambda_max there.",
        },
        Setting {
            name: "batch",
            symbol: "B",
            kind: Kind::Batch,
            fallback: Fallback::Text("full"),
            doc: "Samples of one step: \"full\" or a batch size.",
        },
        Setting {
            name: "replacement",
            symbol: "",
            kind: Kind::Flag,
            fallback: Fallback::Flag(true),
            doc: "Whether the samples of a batch are drawn with replacement.",
        },
        Setting {
            name: "momentum",
            symbol: "b",
            kind: Kind::Number(Range::UnitOpen),
            fallback: Fallback::Number(0.0),
            doc: "Heavy-ball coefficient.",
        },
        Setting {
            name: "nesterov",
            symbol: "",
            kind: Kind::Flag,
            fallback: Fallback::Flag(false),
            doc: "Whether the momentum is Nesterov's, theta <- theta - learning_rate (g + b m), as in PyTorch; networks only.",
        },
        Setting {
            name: "augment",
            symbol: "",
            kind: Kind::Choice(Augment::NAMES),
            fallback: Fallback::Text("none"),
            doc: "\"crop-flip\" shifts the images of a batch by up to 4 pixels, reflected at the border, and mirrors every \
                  second one; networks only.",
        },
        Setting {
            name: "tolerance",
            symbol: "",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Number(TOLERANCE),
            doc: "Without noise and momentum, a replica stops once its parameters will move no further than this \
                  times their norm (in f32 at least 2e-6); 0: never.",
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_everything_without_replacement_is_the_full_batch() {
        let dynamics =
            GradientDescent { batch: Batch::Size(8), replacement: false, ..GradientDescent::new(1, 0.1) };
        assert_eq!(dynamics.clone().for_samples(8).unwrap().batch, Batch::Full);
        assert_eq!(dynamics.clone().for_samples(9).unwrap().batch, Batch::Size(8));
        assert!(dynamics.for_samples(7).unwrap_err().to_string().contains("at most 7"));
    }

    #[test]
    fn the_effective_batch_counts_what_sampling_without_replacement_saves() {
        let with = GradientDescent { batch: Batch::Size(4), ..GradientDescent::new(1, 0.1) };
        let without = GradientDescent { replacement: false, ..with.clone() };
        assert_eq!(with.effective_batch(10), 4.0);
        assert_eq!(without.effective_batch(10), 4.0 * 9.0 / 6.0);
    }
}
