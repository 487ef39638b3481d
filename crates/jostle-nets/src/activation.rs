//! Functions of one number that stand between layers.

use jostle::{Float, Level, model};

/// What happens to every output of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `z`.
    Identity,
    /// `max(z, 0)`, with slope 0 at 0.
    Relu,
    /// `tanh z`.
    Tanh,
    /// `z Phi(z)` with the distribution function of a standard normal number, not its approximation by tanh.
    Gelu,
}

impl Activation {
    /// The names that an experiment file uses.
    pub const NAMES: &'static [&'static str] = &["relu", "tanh", "gelu"];

    /// The activation of one of [`Activation::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "relu" => Some(Self::Relu),
            "tanh" => Some(Self::Tanh),
            "gelu" => Some(Self::Gelu),
            _ => None,
        }
    }

    /// Whether the slope is known from the value of the function alone.
    pub(crate) fn slope_follows_from_value(self) -> bool {
        self != Self::Gelu
    }

    /// Replaces every `z` by its value.
    pub(crate) fn apply<F: Float>(self, level: Level, z: &mut [F]) {
        match self {
            Self::Identity => {}
            Self::Relu => z.iter_mut().for_each(|z| *z = if *z < F::default() { F::default() } else { *z }),
            Self::Tanh => model::Activation::Tanh.apply(level, z),
            Self::Gelu => z.iter_mut().for_each(|z| {
                let x: f64 = (*z).into();
                *z = F::of(x * normal_distribution(x));
            }),
        }
    }

    /// Multiplies every gradient by the slope; `kept` is the value of the function, or `z` where the slope
    /// [does not follow](Activation::slope_follows_from_value) from it.
    pub(crate) fn multiply_by_slope<V: Float, F: Float>(self, kept: &[V], gradient: &mut [F]) {
        let pairs = gradient.iter_mut().zip(kept);
        match self {
            Self::Identity => {}
            Self::Relu => {
                pairs.for_each(|(g, value)| *g = if *value > V::default() { *g } else { F::default() });
            }
            Self::Tanh => pairs.for_each(|(g, value)| *g *= F::of((V::of(1.0) - *value * *value).into())),
            Self::Gelu => pairs.for_each(|(g, z)| {
                let x: f64 = (*z).into();
                let density = libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
                *g *= F::of(normal_distribution(x) + x * density);
            }),
        }
    }
}

fn normal_distribution(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}
