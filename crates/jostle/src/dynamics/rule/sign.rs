//! Sign descent: every parameter moves by nearly the same distance.

use super::{AnyRule, RULES, Step, UpdateRule};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings, Table, Value};

/// `theta <- theta - learning_rate g / (|g| + epsilon)`, parameter by parameter; the sign of the gradient for `epsilon = 0`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sign {
    /// Gradients far below this are followed as they are, divided by it.
    epsilon: f64,
}

impl UpdateRule for Sign {
    fn update(&self, step: &mut Step<'_>) {
        for (theta, g) in step.theta.iter_mut().zip(step.gradient) {
            // A gradient of 0 moves nothing, also without epsilon.
            if *g != 0.0 {
                *theta -= step.rate * g / (g.abs() + self.epsilon);
            }
        }
    }

    fn table(&self) -> Table {
        Table::new(&RULES, ENTRY.kind, [("epsilon", Value::Number(self.epsilon))])
    }
}

pub(super) fn build(settings: &Settings) -> AnyRule {
    AnyRule::new(Sign { epsilon: settings.number("epsilon") })
}

pub(super) const ENTRY: Entry = Entry {
    kind: "sign",
    summary: "sign descent: every parameter moves by nearly the same distance",
    detail: "theta <- theta - learning_rate g / (|g| + epsilon) for each parameter; a parameter whose gradient is 0 stays.",
    reference: "Bernstein et al. 2018 (arXiv 1802.04434) for epsilon = 0",
    settings: &[Setting {
        name: "epsilon",
        symbol: "",
        kind: Kind::Number(Range::NonNegative),
        fallback: Fallback::Number(1e-8),
        doc: "Gradients far below this are followed as they are, divided by it.",
    }],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_moves_by_the_sign_of_a_large_gradient_and_by_the_size_of_a_small_one() {
        let moved = |epsilon: f64, g: f64| {
            let mut theta = [0.0];
            Sign { epsilon }.update(&mut Step {
                theta: &mut theta,
                gradient: &[g],
                memory: &mut [],
                rate: 0.5,
                number: 0,
            });
            theta[0]
        };
        assert_eq!([moved(0.0, 1e-300), moved(0.0, -3.0), moved(0.0, 0.0)], [-0.5, 0.5, 0.0]);
        assert_eq!([moved(1.0, 1.0), moved(1.0, -3.0), moved(1.0, 0.0)], [-0.25, 0.375, 0.0]);
    }
}
