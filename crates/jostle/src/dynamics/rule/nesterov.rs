//! Gradient descent with Nesterov's momentum.

use super::{AnyRule, Momentum, RULES, Step, UpdateRule};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings, Table, Value};

/// `m <- b m + g`, `theta <- theta - learning_rate (g + b m)`, as in PyTorch: the parameters are the look-ahead points of
/// Nesterov's own form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nesterov {
    /// The coefficient `b`, in [0, 1).
    pub momentum: f64,
}

impl UpdateRule for Nesterov {
    fn memory(&self) -> usize {
        1
    }

    fn update(&self, step: &mut Step<'_>) {
        let velocity = &mut step.memory[0];
        for ((theta, m), g) in step.theta.iter_mut().zip(velocity).zip(step.gradient) {
            *m = self.momentum * *m + g;
            *theta -= step.rate * (g + self.momentum * *m);
        }
    }

    fn as_momentum(&self) -> Option<Momentum> {
        Some(Momentum { coefficient: self.momentum, nesterov: true })
    }

    fn table(&self) -> Table {
        Table::new(&RULES, ENTRY.kind, [("momentum", Value::Number(self.momentum))])
    }
}

pub(super) fn build(settings: &Settings) -> AnyRule {
    AnyRule::new(Nesterov { momentum: settings.number("momentum") })
}

pub(super) const ENTRY: Entry = Entry {
    kind: "nesterov",
    summary: "gradient descent with Nesterov's momentum",
    detail: "m <- b m + g and theta <- theta - learning_rate (g + b m), as in PyTorch. The same as dynamics.momentum = b \
             with dynamics.nesterov = true.",
    reference: "Nesterov 1983; Sutskever et al. 2013",
    settings: &[Setting {
        name: "momentum",
        symbol: "b",
        kind: Kind::Number(Range::UnitOpen),
        fallback: Fallback::Number(0.9),
        doc: "Coefficient.",
    }],
};
