//! The hyperbolic tangent of vectors, bit-identical on every level.
//!
//! Below 5/8 the rational function of Cephes (`tanh.c`, `tanhf.c`), `x + x^3 P(x^2) / Q(x^2)`; above
//! `1 - 2 / (exp(2x) + 1)`. Both are a base plus a quotient, so that there is one division.

use super::masks::{is_negative, select};
use super::{Bits, Vector, exp, polynomial};
use crate::float::{Float, Precision};
use crate::random::Normal;

/// Above this the quotient of the exponential loses no digits that matter.
const MIDDLE: f64 = 0.625;

struct Format {
    numerator: &'static [f64],
    denominator: &'static [f64],
}

const F64: Format = Format {
    numerator: &[-9.64399179425052238628E-1, -9.92877231001918586564E1, -1.61468768441708447952E3],
    denominator: &[1.0, 1.12811678491632931402E2, 2.23548839060100448583E3, 4.84406305325125486048E3],
};

const F32: Format = Format {
    numerator: &[-5.70498872745E-3, 2.06390887954E-2, -5.37397155531E-2, 1.33314422036E-1, -3.33332819422E-1],
    denominator: &[1.0],
};

/// `tanh(x)`: within two units in the last place, an odd function, NaN for NaN.
#[inline(always)]
pub(crate) fn tanh<V: Vector>(x: V) -> V {
    let format = match V::Float::PRECISION {
        Precision::F64 => &F64,
        Precision::F32 => &F32,
    };
    let sign = x.to_bits() & V::Bits::from(1).shl(V::Float::WORD_BITS - 1);
    let size = V::from_bits(x.to_bits() ^ sign);
    let square = size * size;
    let is_nan = is_negative(V::from_bits(V::from(f64::INFINITY).to_bits() - size.to_bits()));
    let is_small = is_negative(size - V::from(MIDDLE));
    let numerator = select(is_small, size * square * polynomial(square, format.numerator), V::from(-2.0));
    let one = V::from(1.0);
    let denominator = select(is_small, polynomial(square, format.denominator), exp(size + size) + one);
    let base = select(is_small, size, one);
    V::from_bits((base + numerator / denominator).to_bits() ^ sign | is_nan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::philox4x32;
    use crate::simd::{Level, dispatch};

    #[inline(always)]
    fn all<V: Vector>(x: &[V::Float], out: &mut [V::Float]) {
        for at in (0..x.len()).step_by(V::WIDTH) {
            tanh(V::read(&x[at..])).write(&mut out[at..]);
        }
    }

    fn of<F: Float>(level: Level, x: &[F]) -> Vec<F> {
        let mut out = vec![F::default(); x.len()];
        let to = &mut out[..];
        dispatch!(level, all, F, [], (x: &[F], to: &mut [F]));
        out
    }

    fn check<F: Float>(epsilon: f64) {
        let uniform = |k: u32| f64::from(philox4x32([k, 0, 0, 0], [5, 7])[0]) / 2_147_483_648.0 - 1.0;
        // Over the whole range, around the border of the branches, and closely around zero.
        let x: Vec<F> =
            (0..3 << 14).map(|k| uniform(k) * [20.0, 1.0, 1e-4][k as usize % 3]).map(F::of).collect();
        let expected = of(Level::Portable, &x);
        for (x, found) in x.iter().zip(&expected) {
            let (exact, found): (f64, f64) = (Into::<f64>::into(*x).tanh(), (*found).into());
            assert!((found - exact).abs() <= epsilon * exact.abs(), "tanh({x:?}): {found} against {exact}");
        }
        for level in Level::available() {
            assert_eq!(of(level, &x), expected, "{level}");
            let mirrored: Vec<F> = x.iter().map(|x| -*x).collect();
            assert!(of(level, &mirrored).iter().zip(&expected).all(|(a, b)| *a == -*b), "{level}");
        }
    }

    #[test]
    fn the_tangent_agrees_with_the_standard_library() {
        check::<f64>(2.0 * f64::EPSILON);
        check::<f32>(2.0 * f64::from(f32::EPSILON));
    }

    fn check_ends<F: Float>() {
        let x = [0.0, -0.0, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN].map(F::of);
        let x: Vec<F> = x.iter().cycle().take(64).copied().collect();
        for level in Level::available() {
            let found: Vec<f64> = of(level, &x).into_iter().map(Into::into).collect();
            assert_eq!(found[..6], [0.0, 0.0, 1.0, -1.0, 1.0, -1.0], "{level}");
            assert!(found[1].is_sign_negative() && found[6].is_nan() && found[7].is_nan(), "{level}");
        }
    }

    #[test]
    fn far_from_zero_the_tangent_is_a_sign_and_what_is_no_number_stays_so() {
        check_ends::<f64>();
        check_ends::<f32>();
    }
}
