//! Rates that are multiplied by factors at given steps.

use super::{Rates, SCHEDULES, Schedule};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings, Table, Value};

/// A piecewise constant rate: `initial`, multiplied by `factor` from `step` on, for every drop in turn.
#[derive(Debug)]
struct Drops {
    initial: f64,
    drops: Vec<(u64, f64)>,
}

/// See [`Schedule::with_drops`]; constant without drops.
pub(super) fn schedule(initial: f64, drops: Vec<(u64, f64)>) -> Result<Schedule, SettingError> {
    if !(initial.is_finite() && initial > 0.0) {
        return Err(SettingError::new("initial", format!("is {initial:?}; expected a number above 0")));
    }
    for (k, (step, factor)) in drops.iter().enumerate() {
        if !(factor.is_finite() && *factor > 0.0) {
            let problem = format!("has the factor {factor:?} at step {step}; expected a number above 0");
            return Err(SettingError::new("drops", problem));
        }
        if k > 0 && drops[k - 1].0 >= *step {
            let before = drops[k - 1].0;
            return Err(SettingError::new(
                "drops",
                format!("go from step {before} to step {step}; expected increasing steps"),
            ));
        }
    }
    Ok(if drops.is_empty() { Schedule::constant(initial) } else { Schedule::new(Drops { initial, drops }) })
}

impl Rates for Drops {
    fn at(&self, step: u64) -> f64 {
        self.drops.iter().take_while(|(from, _)| *from <= step).fold(self.initial, |rate, (_, f)| rate * f)
    }

    fn sum(&self, steps: u64) -> f64 {
        let (mut sum, mut rate, mut from) = (0.0, self.initial, 0);
        for (step, factor) in self.drops.iter().take_while(|(step, _)| *step < steps) {
            sum += rate * (step - from) as f64;
            (rate, from) = (rate * factor, *step);
        }
        sum + rate * (steps - from) as f64
    }

    fn next_change(&self, step: u64) -> Option<u64> {
        self.drops.iter().map(|(from, _)| *from).find(|from| *from > step)
    }

    fn is_piecewise_constant(&self) -> bool {
        true
    }

    fn largest(&self) -> f64 {
        self.drops.iter().map(|(step, _)| self.at(*step)).fold(self.initial, f64::max)
    }

    fn never_grows(&self) -> bool {
        self.drops.iter().all(|(_, factor)| *factor <= 1.0)
    }

    fn times(&self, factor: f64) -> Schedule {
        Schedule::new(Self { initial: self.initial * factor, drops: self.drops.clone() })
    }

    fn table(&self) -> Table {
        let drops = Value::Pairs(self.drops.clone());
        Table::new(&SCHEDULES, ENTRY.kind, [("initial", Value::Number(self.initial)), ("drops", drops)])
    }
}

pub(super) fn build(settings: &Settings) -> Result<Schedule, SettingError> {
    let drops = if settings.has("drops") { settings.pairs("drops").to_vec() } else { Vec::new() };
    schedule(settings.number("initial"), drops)
}

pub(super) const ENTRY: Entry = Entry {
    kind: "drops",
    summary: "a rate that is multiplied by a factor at each of some steps",
    detail: "A table without a kind means the same: { initial = 0.01, drops = [[100_000, 0.1]] }.",
    reference: "",
    settings: &[
        Setting {
            name: "initial",
            symbol: "",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Required,
            doc: "The rate before the first drop.",
        },
        Setting {
            name: "drops",
            symbol: "",
            kind: Kind::Pairs("factor"),
            fallback: Fallback::Absent,
            doc: "From each step on, the rate is multiplied by the factor, which is above 0; the steps increase.",
        },
    ],
};
