//! Weight decay, around any rule.

use super::{AnyRule, Step, UpdateRule};
use crate::setting::Table;

/// Where weight decay enters a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecayEnters {
    /// The gradient, `g + decay theta`: the gradient of `decay |theta|^2 / 2`, which passes through the rule (coupled).
    Gradient,
    /// The step, `theta <- theta - learning_rate decay theta` before the rule moves on (decoupled, as in AdamW).
    Step,
}

impl DecayEnters {
    /// The names of both in files.
    pub const NAMES: &[&str] = &["gradient", "step"];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Gradient, Self::Step]
            .into_iter()
            .zip(Self::NAMES)
            .find(|(_, known)| **known == name)
            .map(|(e, _)| e)
    }
}

/// A rule whose parameters decay.
#[derive(Debug)]
pub struct Decay {
    /// The rule.
    pub rule: AnyRule,
    /// The coefficient, above 0.
    pub decay: f64,
    /// Where it enters.
    pub enters: DecayEnters,
}

impl UpdateRule for Decay {
    fn memory(&self) -> usize {
        self.rule.memory()
    }

    fn update(&self, step: &mut Step<'_>) {
        match self.enters {
            DecayEnters::Gradient => {
                let with_decay = |(g, theta): (&f64, &f64)| g + self.decay * theta;
                let gradient: Vec<f64> = step.gradient.iter().zip(&*step.theta).map(with_decay).collect();
                let Step { theta, memory, rate, number, .. } = step;
                self.rule.update(&mut Step {
                    theta,
                    gradient: &gradient,
                    memory,
                    rate: *rate,
                    number: *number,
                });
            }
            DecayEnters::Step => {
                let factor = step.rate * self.decay;
                step.theta.iter_mut().for_each(|theta| *theta -= factor * *theta);
                self.rule.update(step);
            }
        }
    }

    fn drift(&self, memory: &[Vec<f64>], rate: f64, point: &mut [f64]) -> bool {
        self.rule.drift(memory, rate, point)
    }

    fn table(&self) -> Table {
        self.rule.table()
    }
}
