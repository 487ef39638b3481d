//! Isotropic Gaussian noise in parameter space, the same everywhere: what has no shape.

use super::{Noise, ParameterNoise, PerturbGradient, Point, Products, Scratch, Step};
use crate::float::Float;
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings};

/// Adds `std * N(0, I)` to the gradient, so that a step moves by `learning_rate * std * N(0, I)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IsotropicNoise {
    /// Standard deviation `sigma` of every entry.
    pub std: f64,
    /// Whether it is added after the momentum, instead of to the gradient that the momentum accumulates.
    pub bypasses_momentum: bool,
}

impl IsotropicNoise {
    /// Noise of a standard deviation that enters the gradient.
    pub fn new(std: f64) -> Self {
        Self { std, bypasses_momentum: false }
    }
}

impl<F: Float> PerturbGradient<F> for IsotropicNoise {
    fn perturb_gradient(
        &self,
        step: &Step<'_, F>,
        _: &dyn Products<F>,
        _: &mut Scratch<F>,
        gradient: &mut [F],
    ) {
        step.draws.add_normals(step.stream(0), F::of(self.std), gradient);
    }
}

impl ParameterNoise for IsotropicNoise {
    fn variances(&self, point: &Point<'_>) -> Vec<f64> {
        vec![self.std * self.std; point.theta.len()]
    }

    fn is_multiplicative(&self) -> bool {
        false
    }

    fn bypasses_momentum(&self) -> bool {
        self.bypasses_momentum
    }
}

impl From<IsotropicNoise> for Noise {
    fn from(noise: IsotropicNoise) -> Self {
        Self::parameter(noise)
    }
}

pub(super) fn build(settings: &Settings) -> Noise {
    let bypasses_momentum = settings.text("enters") == "step";
    Noise::parameter(IsotropicNoise { std: settings.number("std"), bypasses_momentum })
}

pub(super) const ENTRY: Entry = Entry {
    kind: "isotropic",
    summary: "spherical Gaussian noise, the same everywhere",
    detail: "Adds std * N(0, I) to the gradient: the step moves by learning_rate * std * N(0, I), as in the released \
             code of Shape Matters (so it scales with the step size, not with its square root). Momentum accumulates it with \
             the gradient, unless it enters the step.",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 2",
    settings: &[
        Setting {
            name: "std",
            symbol: "sigma",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Required,
            doc: "Standard deviation of every entry of the added gradient.",
        },
        Setting {
            name: "enters",
            symbol: "",
            kind: Kind::Choice(&["gradient", "step"]),
            fallback: Fallback::Text("gradient"),
            doc: "What it is added to: the gradient, before the momentum, or the step behind it, theta <- theta - \
                  learning_rate * (m + std * N(0, I)), as the released code does to networks. The same without momentum; \
                  \"step\" with momentum for networks only.",
        },
    ],
};
