//! The exponential function of vectors, bit-identical on every level.
//!
//! `x = k ln 2 + r` with `|r| <= ln 2 / 2`, and `exp(r)` by the rational function of fdlibm (`e_exp.c`, `e_expf.c`),
//! written with fused multiply-adds.

use super::masks::{is_negative, ones, select};
use super::{Bits, Vector, polynomial};
use crate::float::{Float, Precision};
use crate::random::Normal;

/// What the function needs to know of a format.
struct Format {
    /// Below the lower end results are exactly 0, and above the upper end they are those of the end.
    range: [f64; 2],
    /// Adding this rounds to a whole number, which then stands in the last bits.
    rounding: f64,
    polynomial: &'static [f64],
}

const F64: Format = Format {
    range: [-708.0, 709.0],
    rounding: 6755399441055744.0,
    polynomial: &[
        4.13813679705723846039e-08,
        -1.65339022054652515390e-06,
        6.61375632143793436117e-05,
        -2.77777777770155933842e-03,
        1.66666666666666019037e-01,
    ],
};

const F32: Format =
    Format { range: [-87.0, 88.0], rounding: 12582912.0, polynomial: &[-2.7667332906e-3, 1.6666625440e-1] };

/// `exp(x)` of numbers that are not NaN: within one unit in the last place, exactly 0 below -708 (float32: -87), and
/// never above exp(709) (float32: exp(88)).
#[inline(always)]
pub(crate) fn exp<V: Vector>(x: V) -> V {
    let format = match V::Float::PRECISION {
        Precision::F64 => &F64,
        Precision::F32 => &F32,
    };
    let (low, high) = (V::from(format.range[0]), V::from(format.range[1]));
    let below = is_negative(x - low);
    let x = select(below, low, x);
    let x = select(is_negative(high - x), high, x);
    let rounded = x.mul_add(V::from(std::f64::consts::LOG2_E), V::from(format.rounding));
    let k = rounded - V::from(format.rounding);
    let [ln2_high, ln2_low] = V::Float::LN_2;
    let high = k.mul_add(V::from(-ln2_high), x);
    let low = k * V::from(ln2_low);
    let r = high - low;
    let square = r * r;
    let c = r - square * polynomial(square, format.polynomial);
    let fraction = V::from(1.0) - ((low - (r * c) / (V::from(2.0) - c)) - high);
    let power = rounded.to_bits().shl(V::Float::FRACTION_BITS);
    V::from_bits((fraction.to_bits() + power) & (below ^ ones::<V>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::philox4x32;
    use crate::simd::{Level, dispatch};

    #[inline(always)]
    fn all<V: Vector>(x: &[V::Float], out: &mut [V::Float]) {
        for at in (0..x.len()).step_by(V::WIDTH) {
            exp(V::read(&x[at..])).write(&mut out[at..]);
        }
    }

    fn of<F: Float>(level: Level, x: &[F]) -> Vec<F> {
        let mut out = vec![F::default(); x.len()];
        let to = &mut out[..];
        dispatch!(level, all, F, [], (x: &[F], to: &mut [F]));
        out
    }

    fn check<F: Float>(epsilon: f64, [low, high]: [f64; 2]) {
        let uniform = |k: u32| f64::from(philox4x32([k, 0, 0, 0], [5, 6])[0]) / 4_294_967_296.0;
        // Over the whole range, and closely around zero.
        let x: Vec<F> = (0..1 << 16)
            .map(|k| if k % 2 == 0 { low + (high - low) * uniform(k) } else { uniform(k) - 0.5 })
            .map(F::of)
            .collect();
        let expected = of(Level::Portable, &x);
        for (x, found) in x.iter().zip(&expected) {
            let (exact, found): (f64, f64) = (Into::<f64>::into(*x).exp(), (*found).into());
            assert!((found - exact).abs() <= epsilon * exact, "exp({x:?}): {found} against {exact}");
        }
        for level in Level::available() {
            assert_eq!(of(level, &x), expected, "{level}");
        }
    }

    #[test]
    fn the_exponential_agrees_with_the_standard_library() {
        check::<f64>(f64::EPSILON, F64.range);
        check::<f32>(f64::from(f32::EPSILON), F32.range);
    }

    fn check_ends<F: Float>(format: &Format) {
        let [low, high] = format.range;
        let x = [f64::NEG_INFINITY, -1e300, 1.001 * low, -0.0, 0.0, 1e300, f64::INFINITY, high].map(F::of);
        let x: Vec<F> = x.iter().cycle().take(64).copied().collect();
        for level in Level::available() {
            let found = of(level, &x);
            let [zero, one] = [0.0, 1.0].map(F::of);
            assert_eq!(found[..5], [zero, zero, zero, one, one], "{level}");
            assert!(found[5] == found[7] && found[6] == found[7] && found[7] > F::of(1e38), "{level}");
        }
    }

    #[test]
    fn far_from_zero_the_exponential_is_zero_or_large() {
        check_ends::<f64>(&F64);
        check_ends::<f32>(&F32);
    }
}
