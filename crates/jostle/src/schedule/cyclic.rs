//! Rates that rise and fall again and again.

use super::{Rates, SCHEDULES, Schedule};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings, Table, Value};

/// A rate that goes from `low` to `high` and back in every period.
#[derive(Debug, Clone)]
struct Cyclic {
    low: f64,
    high: f64,
    period: u64,
}

impl Cyclic {
    /// The sum over the first `steps` steps of a period of the height above `low`, in units of `high - low`.
    fn height(&self, steps: u64) -> f64 {
        let period = self.period as f64;
        // Steps k with 2 k / period (up to the middle), and with 2 - 2 k / period (after it).
        let rising = steps.min(self.period / 2 + 1);
        let falling = (steps - rising) as f64;
        let pairs = |steps: u64| steps as f64 * (steps as f64 - 1.0);
        pairs(rising) / period + 2.0 * falling - (pairs(steps) - pairs(rising)) / period
    }
}

impl Rates for Cyclic {
    fn at(&self, step: u64) -> f64 {
        let phase = 2.0 * ((step % self.period) as f64 / self.period as f64);
        self.low + (self.high - self.low) * (1.0 - (phase - 1.0).abs())
    }

    fn sum(&self, steps: u64) -> f64 {
        let (whole, rest) = (steps / self.period, steps % self.period);
        let height = whole as f64 * self.height(self.period) + self.height(rest);
        self.low * steps as f64 + (self.high - self.low) * height
    }

    fn next_change(&self, step: u64) -> Option<u64> {
        Some(step + 1)
    }

    fn largest(&self) -> f64 {
        self.low.max(self.high)
    }

    fn never_grows(&self) -> bool {
        false
    }

    fn times(&self, factor: f64) -> Schedule {
        Schedule::new(Self { low: self.low * factor, high: self.high * factor, ..self.clone() })
    }

    fn table(&self) -> Table {
        let settings = [
            ("low", Value::Number(self.low)),
            ("high", Value::Number(self.high)),
            ("period", Value::Integer(self.period)),
        ];
        Table::new(&SCHEDULES, ENTRY.kind, settings)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "other kinds refuse settings that do not go together")]
pub(super) fn build(settings: &Settings) -> Result<Schedule, SettingError> {
    let (low, high) = (settings.number("low"), settings.number("high"));
    Ok(Schedule::new(Cyclic { low, high, period: settings.integer("period") }))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "cyclic",
    summary: "a rate that rises and falls again and again",
    detail: "With the position k = t mod period within its period, step t has the rate \
             low + (high - low) (1 - |2 k / period - 1|): low at the beginning, high in the middle.",
    reference: "Smith 2017 (arXiv 1506.01186), the triangular policy",
    settings: &[
        Setting {
            name: "low",
            symbol: "",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Required,
            doc: "The rate at the beginning of a period.",
        },
        Setting {
            name: "high",
            symbol: "",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Required,
            doc: "The rate in the middle of a period.",
        },
        Setting {
            name: "period",
            symbol: "",
            kind: Kind::Integer { min: 2 },
            fallback: Fallback::Required,
            doc: "Steps of a period.",
        },
    ],
};
