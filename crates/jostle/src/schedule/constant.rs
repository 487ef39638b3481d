//! The same rate at every step.

use super::{Rates, SCHEDULES, Schedule};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings, Table, Value};

/// The same rate at every step.
#[derive(Debug)]
pub(super) struct Constant(pub(super) f64);

impl Rates for Constant {
    fn at(&self, _: u64) -> f64 {
        self.0
    }

    fn sum(&self, steps: u64) -> f64 {
        self.0 * steps as f64
    }

    fn next_change(&self, _: u64) -> Option<u64> {
        None
    }

    fn is_piecewise_constant(&self) -> bool {
        true
    }

    fn largest(&self) -> f64 {
        self.0
    }

    fn never_grows(&self) -> bool {
        true
    }

    fn times(&self, factor: f64) -> Schedule {
        Schedule::constant(self.0 * factor)
    }

    fn table(&self) -> Table {
        Table::new(&SCHEDULES, ENTRY.kind, [("rate", Value::Number(self.0))])
    }
}

#[expect(clippy::unnecessary_wraps, reason = "other kinds refuse settings that do not go together")]
pub(super) fn build(settings: &Settings) -> Result<Schedule, SettingError> {
    Ok(Schedule::constant(settings.number("rate")))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "constant",
    summary: "the same rate at every step",
    detail: "A number instead of a table means the same.",
    reference: "",
    settings: &[Setting {
        name: "rate",
        symbol: "",
        kind: Kind::Number(Range::Positive),
        fallback: Fallback::Required,
        doc: "The rate.",
    }],
};
