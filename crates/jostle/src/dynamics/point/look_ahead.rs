//! Where momentum will carry the parameters: Nesterov's own form of his momentum.

use super::{GradientPoint, Here};
use crate::dynamics::rule::UpdateRule;

pub(super) const NAME: &str = "look-ahead";

/// `theta - learning_rate b m`. With the heavy ball these points, and not the parameters, are the parameters of Nesterov's momentum as
/// PyTorch has it, while the step size is constant.
#[derive(Debug)]
pub(super) struct LookAhead;

impl GradientPoint for LookAhead {
    fn place(&self, here: &Here<'_>, point: &mut [f64]) {
        here.rule.drift(here.memory, here.rate, point);
    }

    fn refuses(&self, rule: &dyn UpdateRule) -> Option<&'static str> {
        let memory = vec![Vec::new(); rule.memory()];
        let is_known = rule.drift(&memory, 0.0, &mut []);
        (!is_known)
            .then_some("needs a rule of which it is known how it goes on by itself, such as \"heavy-ball\"")
    }
}
