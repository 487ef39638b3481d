//! How a gradient moves the parameters.
//!
//! A rule is a file with an `ENTRY`, a `build` function and an `impl UpdateRule`, and its line in `REGISTRY`. The heavy ball and
//! Nesterov's momentum are written into the fused loops; every other rule takes the general path, which asks it for one
//! update after the other and knows no rule by name.

mod decay;
mod heavy_ball;
mod nesterov;
mod sign;

pub use decay::{Decay, DecayEnters};
pub use heavy_ball::HeavyBall;
pub use nesterov::Nesterov;

use crate::setting::{Entry, Settings, Table, Tables, entries};
use std::sync::Arc;

/// An update of the parameters by a gradient, in float64: parameters are rounded to the precision of a run after each update.
pub trait UpdateRule: std::fmt::Debug + Send + Sync {
    /// Arrays of the size of the parameters that it keeps between steps; they begin as zeros.
    fn memory(&self) -> usize {
        0
    }

    /// Moves the parameters.
    fn update(&self, step: &mut Step<'_>);

    /// Adds to `point` (p) how the next update would move the parameters if the gradient were zero; false where that is not known
    /// before the gradient is.
    fn drift(&self, memory: &[Vec<f64>], rate: f64, point: &mut [f64]) -> bool {
        let _ = (memory, rate, point);
        false
    }

    /// The momentum, if this is momentum as the fused loops have it.
    fn as_momentum(&self) -> Option<Momentum> {
        None
    }

    /// The settings that describe it.
    fn table(&self) -> Table;
}

/// One update.
#[derive(Debug)]
pub struct Step<'a> {
    /// The parameters (p), to be moved.
    pub theta: &'a mut [f64],
    /// The gradient (p) with its noise, `J' w + zeta`.
    pub gradient: &'a [f64],
    /// What the rule keeps between steps.
    pub memory: &'a mut [Vec<f64>],
    /// The step size.
    pub rate: f64,
    /// The number of the step, from 0 on.
    pub number: u64,
}

/// Momentum as the fused loops have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Momentum {
    /// The coefficient `b`.
    pub coefficient: f64,
    /// Whether it is Nesterov's.
    pub nesterov: bool,
}

/// A rule of any kind.
#[derive(Debug, Clone)]
pub struct AnyRule(Arc<dyn UpdateRule>);

type Build = fn(&Settings) -> AnyRule;

/// The rules that a file may name.
const REGISTRY: &[(Entry, Build)] =
    &[(heavy_ball::ENTRY, heavy_ball::build), (nesterov::ENTRY, nesterov::build), (sign::ENTRY, sign::build)];

/// The settings of every rule.
pub const ENTRIES: &[Entry] = &entries::<Build, { REGISTRY.len() }>(REGISTRY);

/// The value of a setting that is a rule.
pub static RULES: Tables = Tables {
    name: "Rules",
    doc: "The value of `dynamics.rule`: the name of a rule, or a table with a kind and its settings, as in \
          `{ kind = \"nesterov\", momentum = 0.9 }`",
    entries: ENTRIES,
    plain: None,
    expected: "the name of a rule, or a table as in { kind = \"nesterov\", momentum = 0.9 }",
    normalise: Ok,
};

impl AnyRule {
    /// A rule of your own.
    pub fn new(rule: impl UpdateRule + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// The rule that a checked value of a setting describes.
    ///
    /// # Panics
    /// If the table is not one of [`RULES`].
    pub fn from_table(table: &Table) -> Self {
        let of_kind = REGISTRY.iter().find(|(entry, _)| entry.kind == table.kind());
        let (_, build) = of_kind.unwrap_or_else(|| panic!("{:?} is not a rule", table.kind()));
        build(table.settings())
    }

    /// The word that selects it in a file.
    pub fn kind(&self) -> &'static str {
        self.0.table().kind()
    }
}

impl std::ops::Deref for AnyRule {
    type Target = dyn UpdateRule;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl PartialEq for AnyRule {
    fn eq(&self, other: &Self) -> bool {
        self.0.table() == other.0.table()
    }
}
