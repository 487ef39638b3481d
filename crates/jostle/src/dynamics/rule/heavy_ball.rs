//! Gradient descent, with the momentum of the heavy ball.

use super::{AnyRule, Momentum, RULES, Step, UpdateRule};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings, Table, Value};

/// `m <- b m + g`, `theta <- theta - learning_rate m`; without momentum (`b = 0`) gradient descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeavyBall {
    /// The coefficient `b`, in [0, 1).
    pub momentum: f64,
}

impl UpdateRule for HeavyBall {
    fn memory(&self) -> usize {
        1
    }

    fn update(&self, step: &mut Step<'_>) {
        let velocity = &mut step.memory[0];
        for ((theta, m), g) in step.theta.iter_mut().zip(velocity).zip(step.gradient) {
            *m = self.momentum * *m + g;
            *theta -= step.rate * *m;
        }
    }

    fn drift(&self, memory: &[Vec<f64>], rate: f64, point: &mut [f64]) -> bool {
        point.iter_mut().zip(&memory[0]).for_each(|(p, m)| *p -= rate * self.momentum * m);
        true
    }

    fn as_momentum(&self) -> Option<Momentum> {
        Some(Momentum { coefficient: self.momentum, nesterov: false })
    }

    fn table(&self) -> Table {
        Table::new(&RULES, ENTRY.kind, [("momentum", Value::Number(self.momentum))])
    }
}

pub(super) fn build(settings: &Settings) -> AnyRule {
    AnyRule::new(HeavyBall { momentum: settings.number("momentum") })
}

pub(super) const ENTRY: Entry = Entry {
    kind: "heavy-ball",
    summary: "gradient descent, with the momentum of the heavy ball",
    detail: "m <- b m + g and theta <- theta - learning_rate m, so that the effective step size is learning_rate / (1 - b). \
             The same as dynamics.momentum = b.",
    reference: "Polyak 1964",
    settings: &[Setting {
        name: "momentum",
        symbol: "b",
        kind: Kind::Number(Range::UnitOpen),
        fallback: Fallback::Number(0.0),
        doc: "Heavy-ball coefficient.",
    }],
};
