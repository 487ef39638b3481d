//! Gradient descent in discrete time, with a step size schedule, batches and momentum.
//!
//! One step is `theta <- theta - learning_rate * (J(theta)' w + zeta)`; with momentum `b` the bracket `g` is first
//! accumulated, `m <- b m + g`, and `m` takes its place (heavy ball, as in PyTorch without dampening).

use super::rule::{AnyRule, Decay, DecayEnters, HeavyBall, Momentum, Nesterov, RULES};
use super::{Augment, Batch, GradientAt, Sampling, Schedule, TOLERANCE};
use crate::error::InputError;
use crate::geometry::Batches;
use crate::noise::{Needs, Noise};
use crate::schedule::SCHEDULES;
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};

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
    /// How a batch is drawn.
    pub sampling: Sampling,
    /// The heavy-ball coefficient `b`, in [0, 1).
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// The update rule; none for the momentum above. [`Momentum`](super::rule::Momentum) that is given here is moved there.
    pub rule: Option<AnyRule>,
    /// The coefficient of weight decay, 0 for none.
    pub weight_decay: f64,
    /// Where weight decay enters.
    pub decay_enters: DecayEnters,
    /// The point at which the gradient is taken.
    pub gradient_at: GradientAt,
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
            sampling: Sampling::WITH_REPLACEMENT,
            momentum: 0.0,
            nesterov: false,
            rule: None,
            weight_decay: 0.0,
            decay_enters: DecayEnters::Gradient,
            gradient_at: GradientAt::PARAMETERS,
            augment: Augment::None,
            tolerance: TOLERANCE,
        }
    }

    /// The dynamics that checked settings of its entry in [`ENTRIES`](super::ENTRIES) describe.
    pub fn from_settings(settings: &Settings) -> Self {
        Self {
            steps: settings.integer("steps"),
            learning_rate: Schedule::from_table(settings.table("learning_rate")),
            unit: RateUnit::named(settings.text("learning_rate_unit")),
            batch: Batch::from_settings(settings, "batch"),
            sampling: sampling_of(settings),
            momentum: settings.number("momentum"),
            nesterov: settings.flag("nesterov"),
            rule: settings.has("rule").then(|| AnyRule::from_table(settings.table("rule"))),
            weight_decay: settings.number("weight_decay"),
            decay_enters: chosen(settings, "decay_enters", DecayEnters::named),
            gradient_at: chosen(settings, "gradient_at", GradientAt::named),
            augment: Augment::named(settings.text("augment")),
            tolerance: settings.number("tolerance"),
        }
    }

    /// Checks the batch against the number of samples `n`, and normalises a batch of all `n`, each once, to
    /// [`Batch::Full`], which it is.
    ///
    /// # Errors
    /// A batch that is larger than `n`.
    pub fn for_samples(mut self, samples: usize) -> Result<Self, SettingError> {
        if let Batch::Size(size) = self.batch {
            if size > samples {
                let problem = format!(
                    "is {size}, more than the {samples} samples of the problem; \
                    expected \"full\" or at most {samples}"
                );
                return Err(SettingError::new("batch", problem));
            }
            // Of all samples, each once, in some order.
            if size == samples && self.batches(samples) == Batches::without_replacement(size) {
                self.batch = Batch::Full;
            }
        }
        Ok(self)
    }

    /// `B'`: the batch size that, drawn with replacement, has the same noise covariance in a single step:
    /// `B` with replacement, `B (n - 1) / (n - B)` for different samples; infinite for the full batch.
    pub fn effective_batch(&self, samples: usize) -> f64 {
        match self.batch {
            Batch::Full => f64::INFINITY,
            Batch::Size(size) => self.sampling.batches(size).effective(samples),
        }
    }

    /// The same with its step size, which counts `unit`s, written out.
    pub(crate) fn in_units(&self, unit: f64) -> Self {
        if self.unit == RateUnit::One {
            return self.clone();
        }
        Self { learning_rate: self.learning_rate.times(unit), unit: RateUnit::One, ..self.clone() }
    }

    /// Whether a sample may be in a batch twice; the full batch has each sample once.
    pub fn draws_with_replacement(&self) -> bool {
        matches!(self.batch, Batch::Size(size) if self.sampling.batches(size) == Batches::with_replacement(size))
    }

    /// The law of a single batch of `n` samples, by its moments.
    pub fn batches(&self, samples: usize) -> Batches {
        match self.batch {
            Batch::Full => Batches::without_replacement(samples),
            Batch::Size(size) => self.sampling.batches(size),
        }
    }

    /// Whether the samples of different steps are independent, or the same.
    pub fn has_independent_steps(&self) -> bool {
        self.batch == Batch::Full || self.sampling.is_independent()
    }

    /// `eta / (1 - b)` in a step: the effective step size, with the heavy ball.
    pub(crate) fn effective_rate(&self, step: u64) -> f64 {
        self.learning_rate.at(step) / (1.0 - self.momentum)
    }

    /// Whether a step is more than momentum, which is written into all step loops.
    pub(crate) fn is_beyond_momentum(&self) -> bool {
        self.rule.is_some() || self.weight_decay > 0.0 || !self.gradient_at.is_parameters()
    }

    /// The rule of the steps with its weight decay, where they are more than momentum.
    pub(crate) fn general_rule(&self) -> Option<AnyRule> {
        if !self.is_beyond_momentum() {
            return None;
        }
        let momentum = self.momentum;
        let of_momentum = || {
            if self.nesterov {
                AnyRule::new(Nesterov { momentum })
            } else {
                AnyRule::new(HeavyBall { momentum })
            }
        };
        let rule = self.rule.clone().unwrap_or_else(of_momentum);
        if self.weight_decay == 0.0 {
            return Some(rule);
        }
        Some(AnyRule::new(Decay { rule, decay: self.weight_decay, enters: self.decay_enters }))
    }

    /// Why a reparametrised linear predictor takes the general path; none where a fused loop serves it.
    pub(crate) fn beyond_fused(&self, noises: &[Noise]) -> Option<&'static str> {
        let behind = self.momentum > 0.0 && noises.iter().any(Noise::bypasses_momentum);
        [
            (self.rule.is_some(), "no fused loop has its update rule"),
            (self.weight_decay > 0.0, "no fused loop has weight decay"),
            (!self.gradient_at.is_parameters(), "the gradient is not taken at the parameters"),
            (self.nesterov && self.momentum > 0.0, "no fused loop has Nesterov's momentum"),
            (self.augment != Augment::None, "images are changed at every step"),
            (behind, "noise enters behind the momentum"),
            (
                noises.iter().any(|noise| noise.needs().contains(Needs::NETWORK)),
                "no fused loop has one of the noises",
            ),
        ]
        .into_iter()
        .find_map(|(is_so, why)| is_so.then_some(why))
    }

    /// Moves momentum that is given as a rule to where the step loops look for it.
    fn with_momentum_in_its_place(mut self) -> Result<Self, SettingError> {
        if let Some(rule) = &self.rule {
            for (given, setting, found) in [
                (self.momentum > 0.0, "momentum", self.momentum.to_string()),
                (self.nesterov, "nesterov", "true".into()),
            ] {
                if given {
                    let problem = format!("is {found} beside dynamics.rule; expected it there, or no rule");
                    return Err(SettingError::new(setting, problem));
                }
            }
            if let Some(Momentum { coefficient, nesterov }) = rule.as_momentum() {
                (self.momentum, self.nesterov, self.rule) = (coefficient, nesterov, None);
            }
        }
        if let Some(rule) = self.general_rule()
            && let Some(why) = self.gradient_at.refuses(&*rule)
        {
            let problem = format!("is {:?}, which {why}", self.gradient_at.name());
            return Err(SettingError::new("gradient_at", problem));
        }
        Ok(self)
    }

    /// Checks that the dynamics fits the number of samples and the noises, and normalises the batch and the momentum.
    pub(super) fn fit(self, samples: usize, noises: &[Noise]) -> Result<Self, InputError> {
        let dynamics = self.with_momentum_in_its_place().map_err(InputError::in_section("dynamics"))?;
        let dynamics = dynamics.for_samples(samples).map_err(InputError::in_section("dynamics"))?;
        if let Some(k) = noises.iter().position(|noise| noise.needs().contains(Needs::FULL_BATCH))
            && dynamics.batch != Batch::Full
        {
            let problem = format!(
                "adds to the full gradient; expected dynamics.batch = \"full\", not {}",
                dynamics.batch
            );
            return Err(InputError::in_section(format!("noise.{k}"))(SettingError::new("kind", problem)));
        }
        if dynamics.unit != RateUnit::One && (dynamics.momentum > 0.0 || dynamics.is_beyond_momentum()) {
            let problem = "is a threshold of steps without momentum; expected \"one\" with momentum, weight decay or another rule";
            return Err(InputError::in_section("dynamics")(SettingError::new("learning_rate_unit", problem)));
        }
        if dynamics.unit == RateUnit::Threshold && !dynamics.has_independent_steps() {
            let problem = format!(
                "is a threshold of steps with independent batches; expected \"one\" with dynamics.sampling = {}",
                dynamics.sampling
            );
            return Err(InputError::in_section("dynamics")(SettingError::new("learning_rate_unit", problem)));
        }
        Ok(dynamics)
    }

    /// The tolerance of early exits: without momentum, with independent batches, and with a step size that never grows.
    pub(super) fn early_exit(&self) -> Option<f64> {
        let shrinks = self.learning_rate.never_grows();
        let converges =
            self.momentum == 0.0 && !self.is_beyond_momentum() && shrinks && self.augment == Augment::None;
        (self.tolerance > 0.0 && converges && self.has_independent_steps()).then_some(self.tolerance)
    }
}

/// What the text of a checked setting names.
fn chosen<T>(settings: &Settings, setting: &str, named: impl Fn(&str) -> Option<T>) -> T {
    let name = settings.text(setting);
    named(name).unwrap_or_else(|| panic!("{setting} is {name:?}, which is not one of its choices"))
}

/// The way of sampling that checked settings name, in the new form or in the old one.
fn sampling_of(settings: &Settings) -> Sampling {
    if settings.has("replacement") {
        return Sampling::with_replacement(settings.flag("replacement"));
    }
    chosen(settings, "sampling", Sampling::named)
}

pub(super) const ENTRY: Entry = Entry {
    kind: "gradient-descent",
    summary: "gradient descent with batches, step-size schedules and momentum",
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
            kind: Kind::Table(&SCHEDULES),
            fallback: Fallback::Required,
            doc: "Step size: a number, or a schedule, of which each kind has settings of its own (see Schedules below).",
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
            kind: Kind::CountOr("full"),
            fallback: Fallback::Text("full"),
            doc: "Samples of one step: \"full\" or a batch size.",
        },
        Setting {
            name: "sampling",
            symbol: "",
            kind: Kind::Choice(Sampling::NAMES),
            fallback: Fallback::TextUnless { value: "with-replacement", other: "replacement" },
            doc: "How a batch is drawn: independent samples (\"with-replacement\"); different samples, the batches of different \
                  steps being independent (\"without-replacement\"); or, in epochs of floor(n/B) steps, consecutive pieces \
                  of a permutation that is drawn for each epoch, whose n mod B last samples are left out (\"reshuffled\").",
        },
        Setting {
            name: "replacement",
            symbol: "",
            kind: Kind::Flag,
            fallback: Fallback::Absent,
            doc: "The old form of sampling: true is \"with-replacement\", and false \"without-replacement\", which is not \
                  the \"SGD without replacement\" of the literature (\"reshuffled\").",
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
            doc: "Whether the momentum is Nesterov's, theta <- theta - learning_rate (g + b m), as in PyTorch.",
        },
        Setting {
            name: "rule",
            symbol: "",
            kind: Kind::Table(&RULES),
            fallback: Fallback::Absent,
            doc: "The update rule, in place of momentum and nesterov (see Rules below).",
        },
        Setting {
            name: "weight_decay",
            symbol: "",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Number(0.0),
            doc: "Coefficient of weight decay.",
        },
        Setting {
            name: "decay_enters",
            symbol: "",
            kind: Kind::Choice(DecayEnters::NAMES),
            fallback: Fallback::Text("gradient"),
            doc: "Where weight decay enters: the gradient, g + weight_decay theta, which passes through the rule (L2, coupled); or the \
                  step, theta <- theta - learning_rate weight_decay theta, before the rule moves on (decoupled, as in AdamW).",
        },
        Setting {
            name: "gradient_at",
            symbol: "",
            kind: Kind::Choice(GradientAt::NAMES),
            fallback: Fallback::Text("parameters"),
            doc: "Where the gradient is taken: at the parameters, or at theta - learning_rate b m, where momentum will carry \
                  them (\"look-ahead\", Nesterov's own form of his momentum).",
        },
        Setting {
            name: "augment",
            symbol: "",
            kind: Kind::Choice(Augment::NAMES),
            fallback: Fallback::Text("none"),
            doc: "\"crop-flip\" shifts the images of a batch by up to 4 pixels, reflected at the border, and mirrors every \
                  second one.",
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
        let dynamics = GradientDescent {
            batch: Batch::Size(8),
            sampling: Sampling::WITHOUT_REPLACEMENT,
            ..GradientDescent::new(1, 0.1)
        };
        assert_eq!(dynamics.clone().for_samples(8).unwrap().batch, Batch::Full);
        assert_eq!(dynamics.clone().for_samples(9).unwrap().batch, Batch::Size(8));
        assert!(dynamics.for_samples(7).unwrap_err().to_string().contains("at most 7"));
    }

    #[test]
    fn the_effective_batch_counts_what_sampling_without_replacement_saves() {
        let with = GradientDescent { batch: Batch::Size(4), ..GradientDescent::new(1, 0.1) };
        let without = GradientDescent { sampling: Sampling::WITHOUT_REPLACEMENT, ..with.clone() };
        assert_eq!(with.effective_batch(10), 4.0);
        assert_eq!(without.effective_batch(10), 4.0 * 9.0 / 6.0);
    }
}
