//! Isotropic Gaussian noise in parameter space, the same everywhere: what has no shape.

use super::{Noise, ParameterNoise, Point, Products, Scratch, Step};
use crate::float::Float;
use crate::random::Purpose;
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings};

/// Adds `std * N(0, I)` to the gradient, so that a step moves by `learning_rate * std * N(0, I)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IsotropicNoise {
    /// Standard deviation `sigma` of every entry.
    pub std: f64,
    /// Whether it is added to the step behind the momentum, instead of to the gradient that the momentum accumulates.
    pub behind_momentum: bool,
    /// Position among the noises of an experiment.
    pub index: usize,
}

impl ParameterNoise for IsotropicNoise {
    fn add<F: Float>(&self, step: &Step<'_, F>, _: &dyn Products<F>, _: &mut Scratch<F>, zeta: &mut [F]) {
        step.draws.add_normals(Purpose::noise(self.index, 0), F::of(self.std), zeta);
    }

    fn variances(&self, point: &Point<'_>) -> Vec<f64> {
        vec![self.std * self.std; point.theta.len()]
    }

    fn is_multiplicative(&self) -> bool {
        false
    }

    fn is_behind_momentum(&self) -> bool {
        self.behind_momentum
    }
}

pub(super) fn build(settings: &Settings, index: usize) -> Noise {
    let behind_momentum = settings.text("enters") == "step";
    Noise::Parameter(Box::new(IsotropicNoise { std: settings.number("std"), behind_momentum, index }))
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
