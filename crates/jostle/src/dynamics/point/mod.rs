//! The point at which the gradient of a step is taken.
//!
//! A point is a file with a `NAME` and an `impl GradientPoint`, and its line in `REGISTRY`.

mod look_ahead;
mod parameters;

use super::rule::UpdateRule;

/// Where the gradient of a step is taken.
pub trait GradientPoint: std::fmt::Debug + Sync {
    /// Moves `point` (p), which begins as the parameters.
    fn place(&self, here: &Here<'_>, point: &mut [f64]);

    /// Whether it is the parameters themselves, where the fused loops take it.
    fn is_parameters(&self) -> bool {
        false
    }

    /// Whether it asks for the gradient at the parameters, which takes a second pass.
    fn needs_gradient(&self) -> bool {
        false
    }

    /// Why it has no meaning with this rule, if it has none.
    fn refuses(&self, rule: &dyn UpdateRule) -> Option<&'static str> {
        let _ = rule;
        None
    }
}

/// What is known before the gradient is taken.
#[derive(Debug)]
pub struct Here<'a> {
    /// The rule of the step.
    pub rule: &'a dyn UpdateRule,
    /// What the rule keeps between steps.
    pub memory: &'a [Vec<f64>],
    /// The step size.
    pub rate: f64,
    /// The gradient at the parameters (p), without noise; empty unless it was asked for.
    pub gradient: &'a [f64],
}

/// One of the points.
#[derive(Debug, Clone, Copy)]
pub struct GradientAt {
    name: &'static str,
    point: &'static dyn GradientPoint,
}

const REGISTRY: &[(&str, &dyn GradientPoint)] =
    &[(parameters::NAME, &parameters::Parameters), (look_ahead::NAME, &look_ahead::LookAhead)];

impl GradientAt {
    /// The parameters.
    pub const PARAMETERS: Self = Self::new(REGISTRY[0].0, REGISTRY[0].1);
    /// Where momentum will carry the parameters.
    pub const LOOK_AHEAD: Self = Self::new(REGISTRY[1].0, REGISTRY[1].1);

    /// The points that a file may name.
    pub const NAMES: &'static [&'static str] = &{
        let mut names = [""; REGISTRY.len()];
        let mut k = 0;
        while k < names.len() {
            names[k] = REGISTRY[k].0;
            k += 1;
        }
        names
    };

    /// A point of your own.
    pub const fn new(name: &'static str, point: &'static dyn GradientPoint) -> Self {
        Self { name, point }
    }

    /// All points that a file may name.
    pub fn all() -> impl Iterator<Item = Self> {
        REGISTRY.iter().map(|(name, point)| Self::new(name, *point))
    }

    /// The point of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|at| at.name == name)
    }

    /// Its name in files.
    pub fn name(self) -> &'static str {
        self.name
    }
}

impl std::ops::Deref for GradientAt {
    type Target = dyn GradientPoint;

    fn deref(&self) -> &Self::Target {
        self.point
    }
}

impl PartialEq for GradientAt {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
