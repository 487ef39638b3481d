//! Rates that are given one by one.

use super::{Rates, SCHEDULES, Schedule};
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings, Table, Value};

/// A piecewise constant rate: from each step on, the rate that is listed with it.
#[derive(Debug)]
struct List(Vec<(u64, f64)>);

impl List {
    /// The entry that a step belongs to.
    fn place(&self, step: u64) -> usize {
        self.0.partition_point(|(from, _)| *from <= step) - 1
    }
}

impl Rates for List {
    fn at(&self, step: u64) -> f64 {
        self.0[self.place(step)].1
    }

    fn sum(&self, steps: u64) -> f64 {
        let ends = self.0[1..].iter().map(|(from, _)| *from).chain([u64::MAX]);
        self.0
            .iter()
            .zip(ends)
            .map(|((from, rate), end)| rate * end.min(steps).saturating_sub(*from) as f64)
            .sum()
    }

    fn next_change(&self, step: u64) -> Option<u64> {
        self.0.get(self.place(step) + 1).map(|(from, _)| *from)
    }

    fn is_piecewise_constant(&self) -> bool {
        true
    }

    fn largest(&self) -> f64 {
        self.0.iter().map(|(_, rate)| *rate).fold(0.0, f64::max)
    }

    fn never_grows(&self) -> bool {
        self.0.is_sorted_by(|(_, before), (_, after)| before >= after)
    }

    fn times(&self, factor: f64) -> Schedule {
        Schedule::new(Self(self.0.iter().map(|(from, rate)| (*from, rate * factor)).collect()))
    }

    fn table(&self) -> Table {
        Table::new(&SCHEDULES, ENTRY.kind, [("rates", Value::Pairs(self.0.clone()))])
    }
}

pub(super) fn build(settings: &Settings) -> Result<Schedule, SettingError> {
    let rates = settings.pairs("rates");
    let refuse = |problem: String| Err(SettingError::new("rates", problem));
    match rates.first() {
        Some((0, _)) => {}
        Some((step, _)) => return refuse(format!("begins at step {step}; expected step 0")),
        None => return refuse("is empty; expected a rate from step 0 on".to_owned()),
    }
    if let Some((step, rate)) = rates.iter().find(|(_, rate)| !(rate.is_finite() && *rate > 0.0)) {
        return refuse(format!("has the rate {rate:?} at step {step}; expected a number above 0"));
    }
    if let Some(pair) = rates.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
        let (before, after) = (pair[0].0, pair[1].0);
        return refuse(format!("goes from step {before} to step {after}; expected increasing steps"));
    }
    Ok(Schedule::new(List(rates.to_vec())))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "list",
    summary: "rates that are given one by one",
    detail: "{ kind = \"list\", rates = [[0, 0.1], [500, 0.03]] } has the rate 0.1 before step 500 and 0.03 from then on.",
    reference: "",
    settings: &[Setting {
        name: "rates",
        symbol: "",
        kind: Kind::Pairs("rate"),
        fallback: Fallback::Required,
        doc: "The rate from each step on. The first step is 0, and the steps increase.",
    }],
};
