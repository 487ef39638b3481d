//! Numbers that change from step to step: step sizes, the norm of a noise, a probability.
//!
//! A kind of schedule is a file with an `ENTRY`, a `build` function and an `impl Rates`, and its line in `REGISTRY`.
//! The step loops ask for the rate of a step and for the step at which it changes next, and know no kind. Whatever holds
//! for some kinds only is refused for the others, by default: see [`Rates::is_piecewise_constant`].

mod constant;
mod cosine;
mod cyclic;
mod drops;
mod list;
#[cfg(test)]
mod tests;
mod warm_up;

use crate::setting::{Entry, SettingError, Settings, Table, Tables, entries};
use std::sync::Arc;

/// The rates of all steps.
pub trait Rates: std::fmt::Debug + Send + Sync {
    /// The rate of step `t` (the update that leads from state `t` to state `t + 1`).
    fn at(&self, step: u64) -> f64;

    /// The sum of the rates of the first `steps` steps.
    fn sum(&self, steps: u64) -> f64;

    /// The first step after `step` that may have another rate; none if the rate is constant from `step` on.
    fn next_change(&self, step: u64) -> Option<u64>;

    /// Whether the rate is constant in stretches of many steps, which theory takes one by one.
    fn is_piecewise_constant(&self) -> bool {
        false
    }

    /// A bound that no rate exceeds.
    fn largest(&self) -> f64;

    /// Whether no rate exceeds the one of an earlier step.
    fn never_grows(&self) -> bool;

    /// The same with every rate multiplied by a factor above 0.
    fn times(&self, factor: f64) -> Schedule;

    /// The settings that describe it.
    fn table(&self) -> Table;
}

/// A schedule of any kind.
#[derive(Clone)]
pub struct Schedule(Arc<dyn Rates>);

type Build = fn(&Settings) -> Result<Schedule, SettingError>;

/// The kinds of schedules. The first one is that of a table without a kind.
const REGISTRY: &[(Entry, Build)] = &[
    (drops::ENTRY, drops::build),
    (constant::ENTRY, constant::build),
    (warm_up::ENTRY, warm_up::build),
    (cosine::ENTRY, cosine::build),
    (cyclic::ENTRY, cyclic::build),
    (list::ENTRY, list::build),
];

/// The settings of every kind of schedule.
pub const ENTRIES: &[Entry] = &entries::<Build, { REGISTRY.len() }>(REGISTRY);

/// The value of a setting that is a schedule: a number, or a table.
pub static SCHEDULES: Tables = Tables {
    name: "Schedules",
    doc: "The value of a setting that may change from step to step: a number, which is constant; \
          `{ initial = 0.01, drops = [[100_000, 0.1]] }`; or a table with a kind, as in \
          `{ kind = \"cosine\", initial = 0.1, steps = 10_000 }`",
    entries: ENTRIES,
    plain: Some(("constant", "rate")),
    expected: "a number above 0, or { initial = 0.01, drops = [[100_000, 0.1]] }",
    normalise: |table| Ok(built(&table)?.table()),
};

/// The schedule of settings whose types and ranges have been checked.
fn built(table: &Table) -> Result<Schedule, SettingError> {
    let of_kind = REGISTRY.iter().find(|(entry, _)| entry.kind == table.kind());
    let (_, build) = of_kind.unwrap_or_else(|| panic!("{:?} is not a kind of schedule", table.kind()));
    build(table.settings())
}

impl Schedule {
    /// A schedule of your own.
    pub fn new(rates: impl Rates + 'static) -> Self {
        Self(Arc::new(rates))
    }

    /// The same rate at every step.
    pub fn constant(rate: f64) -> Self {
        Self::new(constant::Constant(rate))
    }

    /// A rate that is multiplied by `factor` at each `(step, factor)`.
    ///
    /// # Errors
    /// A rate or a factor that is not above 0, or drops whose steps do not increase.
    pub fn with_drops(initial: f64, drops: Vec<(u64, f64)>) -> Result<Self, SettingError> {
        drops::schedule(initial, drops)
    }

    /// The schedule that a checked value of a setting describes.
    ///
    /// # Panics
    /// If the table is not one of [`SCHEDULES`] that has been checked.
    pub fn from_table(table: &Table) -> Self {
        built(table).unwrap_or_else(|error| panic!("a schedule that has not been checked: {error}"))
    }

    /// The rate of step `t` (the update that leads from state `t` to state `t + 1`).
    pub fn at(&self, step: u64) -> f64 {
        self.0.at(step)
    }

    /// The sum of the rates of the first `steps` steps.
    pub fn sum(&self, steps: u64) -> f64 {
        self.0.sum(steps)
    }

    /// The first step after `step` that may have another rate; none if the rate is constant from `step` on.
    pub fn next_change(&self, step: u64) -> Option<u64> {
        self.0.next_change(step)
    }

    /// Whether every step has the same rate.
    pub fn is_constant(&self) -> bool {
        self.0.next_change(0).is_none()
    }

    /// Whether the rate is constant in stretches of many steps.
    pub fn is_piecewise_constant(&self) -> bool {
        self.0.is_piecewise_constant()
    }

    /// A bound that no rate exceeds.
    pub fn largest(&self) -> f64 {
        self.0.largest()
    }

    /// Whether no rate exceeds the one of an earlier step.
    pub fn never_grows(&self) -> bool {
        self.0.never_grows()
    }

    /// The same with every rate multiplied by a factor above 0.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        self.0.times(factor)
    }

    /// The word that selects this kind of schedule in a file.
    pub fn kind(&self) -> &'static str {
        self.0.table().kind()
    }

    /// The settings that describe it.
    pub fn table(&self) -> Table {
        self.0.table()
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.0.table() == other.0.table()
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.table().fmt(f)
    }
}
