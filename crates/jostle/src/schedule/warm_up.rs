//! Rates that rise to a constant one.

use super::{Rates, SCHEDULES, Schedule};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings, Table, Value};

/// How the rate goes from `initial` to `rate`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Linear,
    Exponential,
}

const SHAPES: &[&str] = &["linear", "exponential"];

/// A rate that goes from `initial` to `rate` in some steps, and stays there.
#[derive(Debug, Clone)]
struct WarmUp {
    initial: f64,
    rate: f64,
    steps: u64,
    shape: Shape,
}

impl WarmUp {
    /// `ln(rate / initial) / steps`.
    fn exponent(&self) -> f64 {
        libm::log(self.rate / self.initial) / self.steps as f64
    }
}

impl Rates for WarmUp {
    fn at(&self, step: u64) -> f64 {
        if step >= self.steps {
            return self.rate;
        }
        match self.shape {
            Shape::Linear => self.initial + (self.rate - self.initial) * (step as f64 / self.steps as f64),
            Shape::Exponential => self.initial * libm::exp(step as f64 * self.exponent()),
        }
    }

    fn sum(&self, steps: u64) -> f64 {
        let (rising, constant) = (steps.min(self.steps) as f64, steps.saturating_sub(self.steps) as f64);
        let sum = match self.shape {
            Shape::Linear => {
                let slope = (self.rate - self.initial) / self.steps as f64;
                self.initial * rising + slope * (rising * (rising - 1.0) / 2.0)
            }
            Shape::Exponential if self.exponent() == 0.0 => self.initial * rising,
            Shape::Exponential => {
                self.initial * libm::expm1(rising * self.exponent()) / libm::expm1(self.exponent())
            }
        };
        sum + self.rate * constant
    }

    fn next_change(&self, step: u64) -> Option<u64> {
        (step < self.steps).then_some(step + 1)
    }

    fn largest(&self) -> f64 {
        self.initial.max(self.rate)
    }

    fn never_grows(&self) -> bool {
        self.rate <= self.initial
    }

    fn times(&self, factor: f64) -> Schedule {
        Schedule::new(Self { initial: self.initial * factor, rate: self.rate * factor, ..self.clone() })
    }

    fn table(&self) -> Table {
        let shape = match self.shape {
            Shape::Linear => SHAPES[0],
            Shape::Exponential => SHAPES[1],
        };
        let settings = [
            ("initial", Value::Number(self.initial)),
            ("rate", Value::Number(self.rate)),
            ("steps", Value::Integer(self.steps)),
            ("shape", Value::Text(shape.to_owned())),
        ];
        Table::new(&SCHEDULES, ENTRY.kind, settings)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "other kinds refuse settings that do not go together")]
pub(super) fn build(settings: &Settings) -> Result<Schedule, SettingError> {
    let shape = if settings.text("shape") == SHAPES[0] { Shape::Linear } else { Shape::Exponential };
    let (initial, rate) = (settings.number("initial"), settings.number("rate"));
    Ok(Schedule::new(WarmUp { initial, rate, steps: settings.integer("steps"), shape }))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "warm-up",
    summary: "a rate that rises to a constant one",
    detail: "Step t has the rate initial + (rate - initial) t / steps (linear) or initial (rate / initial)^(t / steps) \
             (exponential), and from the step `steps` on the rate itself. A rate below the initial one makes it a decay.",
    reference: "Goyal et al. 2017 (arXiv 1706.02677), section 2.2, for the linear one",
    settings: &[
        Setting {
            name: "initial",
            symbol: "",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Required,
            doc: "The rate of the first step.",
        },
        Setting {
            name: "rate",
            symbol: "",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Required,
            doc: "The rate after the warm-up.",
        },
        Setting {
            name: "steps",
            symbol: "",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Required,
            doc: "Steps of the warm-up.",
        },
        Setting {
            name: "shape",
            symbol: "",
            kind: Kind::Choice(SHAPES),
            fallback: Fallback::Text(SHAPES[0]),
            doc: "How the rate rises.",
        },
    ],
};
