//! What the units of a network make of their inputs, and the derivatives; the same bits on every level.

use crate::float::Float;
use crate::setting::{Fallback, Kind, Setting, Settings};
use crate::simd::{Level, Simd, Vector, dispatch, is_negative, select, tanh};

/// A unit's value `phi(z)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `max(z, 0)`, with derivative 0 at 0.
    Relu,
    /// `tanh(z)`.
    Tanh,
}

pub(super) const ACTIVATION: Setting = Setting {
    name: "activation",
    symbol: "phi",
    kind: Kind::Choice(&["relu", "tanh"]),
    fallback: Fallback::Text("relu"),
    doc: "\"relu\" for max(z, 0), with derivative 0 at 0, or \"tanh\".",
};

impl Activation {
    /// The one that checked settings name.
    pub(super) fn from_settings(settings: &Settings) -> Self {
        match settings.text(ACTIVATION.name) {
            "tanh" => Self::Tanh,
            _ => Self::Relu,
        }
    }

    /// Replaces the inputs `z` of units by their values `phi(z)`.
    pub fn apply<F: Float>(self, level: Level, units: &mut [F]) {
        match self {
            Self::Relu => dispatch!(level, values, F, [Relu: Function], (units: &mut [F])),
            Self::Tanh => dispatch!(level, values, F, [Tanh: Function], (units: &mut [F])),
        }
    }

    /// Multiplies `arriving`, one number a unit, with the derivatives `phi'(z)`, which follow from the values `phi(z)`.
    pub(super) fn pull_back<F: Float>(self, level: Level, units: &[F], arriving: &mut [F]) {
        match self {
            Self::Relu => dispatch!(level, pulled, F, [Relu: Function], (units: &[F], arriving: &mut [F])),
            Self::Tanh => dispatch!(level, pulled, F, [Tanh: Function], (units: &[F], arriving: &mut [F])),
        }
    }
}

/// An activation as vectors see it.
trait Function {
    /// `phi(z)`.
    fn value<V: Vector>(z: V) -> V;
    /// `phi'(z)` times what arrives, by the value `phi(z)`.
    fn pull<V: Vector>(value: V, arriving: V) -> V;
}

struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn value<V: Vector>(z: V) -> V {
        // A product, so that what is not a number stays so.
        select(is_negative(z), z * V::from(0.0), z)
    }
    #[inline(always)]
    fn pull<V: Vector>(value: V, arriving: V) -> V {
        V::from_bits(arriving.to_bits() & is_negative(V::from(0.0) - value))
    }
}

struct Tanh;

impl Function for Tanh {
    #[inline(always)]
    fn value<V: Vector>(z: V) -> V {
        tanh(z)
    }
    #[inline(always)]
    fn pull<V: Vector>(value: V, arriving: V) -> V {
        arriving * (V::from(1.0) - value * value)
    }
}

/// A single number as a vector.
type Single<V> = <<V as Vector>::Float as Simd>::Single;

#[inline(always)]
fn values<V: Vector, U: Function>(units: &mut [V::Float]) {
    let whole = units.len() / V::WIDTH * V::WIDTH;
    for at in (0..whole).step_by(V::WIDTH) {
        U::value(V::read(&units[at..])).write(&mut units[at..]);
    }
    for at in whole..units.len() {
        U::value(Single::<V>::read(&units[at..])).write(&mut units[at..]);
    }
}

#[inline(always)]
fn pulled<V: Vector, U: Function>(units: &[V::Float], arriving: &mut [V::Float]) {
    assert_eq!(units.len(), arriving.len());
    let whole = units.len() / V::WIDTH * V::WIDTH;
    for at in (0..whole).step_by(V::WIDTH) {
        U::pull(V::read(&units[at..]), V::read(&arriving[at..])).write(&mut arriving[at..]);
    }
    for at in whole..units.len() {
        U::pull(Single::<V>::read(&units[at..]), Single::<V>::read(&arriving[at..]))
            .write(&mut arriving[at..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_derivatives_are_those_of_the_formulas_at_every_place_of_a_vector() {
        let z: Vec<f64> = (0..37).map(|k| 0.3 * (f64::from(k) - 18.0)).collect();
        for activation in [Activation::Relu, Activation::Tanh] {
            for level in Level::available() {
                let (mut units, mut arriving) = (z.clone(), vec![2.0; z.len()]);
                activation.apply(level, &mut units);
                activation.pull_back(level, &units, &mut arriving);
                for ((z, unit), pulled) in z.iter().zip(&units).zip(&arriving) {
                    let (value, slope) = match activation {
                        Activation::Relu => (z.max(0.0), if *z > 0.0 { 1.0 } else { 0.0 }),
                        Activation::Tanh => (z.tanh(), z.cosh().powi(-2)),
                    };
                    assert!((unit - value).abs() <= 1e-15, "{activation:?} at {z} on {level}: {unit}");
                    assert!(
                        (pulled - 2.0 * slope).abs() <= 2e-15,
                        "{activation:?} at {z} on {level}: {pulled}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        for activation in [Activation::Relu, Activation::Tanh] {
            for level in Level::available() {
                let mut units: Vec<f32> = [f32::NAN, -f32::NAN].repeat(20);
                activation.apply(level, &mut units);
                assert!(units.iter().all(|u| u.is_nan()), "{activation:?} on {level}");
            }
        }
    }
}
