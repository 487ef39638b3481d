//! Rates that follow half a period of a cosine.

use super::{Rates, SCHEDULES, Schedule};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings, Table, Value};
use std::f64::consts::PI;

/// A rate that goes from `initial` to `last` along a cosine, and stays there.
#[derive(Debug, Clone)]
struct Cosine {
    initial: f64,
    last: f64,
    steps: u64,
}

impl Rates for Cosine {
    fn at(&self, step: u64) -> f64 {
        if step >= self.steps {
            return self.last;
        }
        let angle = PI * (step as f64 / self.steps as f64);
        self.last + (self.initial - self.last) * (0.5 * (1.0 + libm::cos(angle)))
    }

    fn sum(&self, steps: u64) -> f64 {
        let (falling, constant) = (steps.min(self.steps) as f64, steps.saturating_sub(self.steps) as f64);
        // sum_{t < s} cos(a t) = sin(a s / 2) cos(a (s - 1) / 2) / sin(a / 2)
        let half = 0.5 * PI / self.steps as f64;
        let cosines = libm::sin(half * falling) * libm::cos(half * (falling - 1.0)) / libm::sin(half);
        let falling = self.last * falling + (self.initial - self.last) * (0.5 * (falling + cosines));
        falling + self.last * constant
    }

    fn next_change(&self, step: u64) -> Option<u64> {
        (step < self.steps).then_some(step + 1)
    }

    fn largest(&self) -> f64 {
        self.initial.max(self.last)
    }

    fn never_grows(&self) -> bool {
        self.last <= self.initial
    }

    fn times(&self, factor: f64) -> Schedule {
        Schedule::new(Self { initial: self.initial * factor, last: self.last * factor, ..self.clone() })
    }

    fn table(&self) -> Table {
        let settings = [
            ("initial", Value::Number(self.initial)),
            ("final", Value::Number(self.last)),
            ("steps", Value::Integer(self.steps)),
        ];
        Table::new(&SCHEDULES, ENTRY.kind, settings)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "other kinds refuse settings that do not go together")]
pub(super) fn build(settings: &Settings) -> Result<Schedule, SettingError> {
    let (initial, last) = (settings.number("initial"), settings.number("final"));
    Ok(Schedule::new(Cosine { initial, last, steps: settings.integer("steps") }))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "cosine",
    summary: "a rate that falls along half a period of a cosine",
    detail: "Step t has the rate final + (initial - final) (1 + cos(pi t / steps)) / 2, and from the step `steps` on \
             the final one.",
    reference: "Loshchilov and Hutter 2017 (arXiv 1608.03983), equation 5, without restarts",
    settings: &[
        Setting {
            name: "initial",
            symbol: "",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Required,
            doc: "The rate of the first step.",
        },
        Setting {
            name: "final",
            symbol: "",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Number(0.0),
            doc: "The rate at the end.",
        },
        Setting {
            name: "steps",
            symbol: "",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Required,
            doc: "Steps after which the final rate is reached.",
        },
    ],
};
