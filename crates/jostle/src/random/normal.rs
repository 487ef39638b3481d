//! Pairs of standard normal numbers from pairs of 64-bit words (Box-Muller), bit-identical on every level.
//!
//! `sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v)` with `u`, `v` uniform on the 2^52 midpoints of (0, 1), so that
//! `|normal| <= 8.58`. The logarithm, sine and cosine are the polynomials of fdlibm (errors below 1 unit in the last
//! place on their ranges), written with fused multiply-adds: nothing is left to a platform's own library.

use crate::simd::{Bits, Vector};

/// The numbers `(k + 1/2) / 2^52` with `k` the top 52 bits of each word.
#[inline(always)]
fn midpoints<V: Vector>(words: V::Bits) -> V {
    let from_one_to_two = V::from_bits(words.shr::<12>() | V::Bits::from(1.0f64.to_bits()));
    from_one_to_two - V::from(1.0 - f64::EPSILON / 2.0)
}

/// Two vectors of independent normal numbers from two vectors of independent 64-bit words.
#[inline(always)]
pub(super) fn box_muller<V: Vector>(first: V::Bits, second: V::Bits) -> [V; 2] {
    let radius = (ln_of_fraction(midpoints::<V>(first)) * V::from(-2.0)).sqrt();
    let [cos, sin] = cos_sin_of_turn(midpoints::<V>(second));
    [radius * cos, radius * sin]
}

/// The natural logarithm of numbers in (0, 1).
#[inline(always)]
fn ln_of_fraction<V: Vector>(x: V) -> V {
    const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_0000_0000;
    const TWO_POW_52: f64 = 4_503_599_627_370_496.0;
    // x = 2^k m with m in [sqrt(1/2), sqrt(2)); k is biased by 1024 to stay non-negative.
    let shifted = x.to_bits() - V::Bits::from(SQRT_HALF_BITS) + V::Bits::from(1024 << 52);
    let biased = shifted.shr::<52>();
    let k = V::from_bits(biased | V::Bits::from(TWO_POW_52.to_bits())) - V::from(TWO_POW_52 + 1024.0);
    let m = V::from_bits(x.to_bits() - (biased - V::Bits::from(1024)).shl::<52>());
    // ln m = 2 artanh(s) with s = (m - 1) / (m + 1), as in fdlibm's e_log.c.
    let f = m - V::from(1.0);
    let s = f / (f + V::from(2.0));
    let z = s * s;
    let r = polynomial(
        z,
        &[
            1.479819860511658591e-1,
            1.531383769920937332e-1,
            1.818357216161805012e-1,
            2.222219843214978396e-1,
            2.857142874366239149e-1,
            3.999999999940941908e-1,
            6.666666666666735130e-1,
        ],
    ) * z;
    let half_square = f * f * V::from(0.5);
    let low = s.mul_add(half_square + r, k * V::from(1.90821492927058770002e-10));
    k.mul_add(V::from(6.93147180369123816490e-1), f - (half_square - low))
}

/// `(cos 2 pi t, sin 2 pi t)` for numbers in [0, 1).
#[inline(always)]
fn cos_sin_of_turn<V: Vector>(t: V) -> [V; 2] {
    // Adding this constant rounds to a whole number, and leaves it in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let quarters = t * V::from(4.0);
    let rounded = quarters + V::from(ROUND);
    let quadrant = rounded.to_bits();
    let angle = (quarters - (rounded - V::from(ROUND))) * V::from(std::f64::consts::FRAC_PI_2);
    let z = angle * angle;
    let sin_tail = polynomial(
        z,
        &[
            1.58969099521155010221e-10,
            -2.50507602534068634195e-08,
            2.75573137070700676789e-06,
            -1.98412698298579493134e-04,
            8.33333333332248946124e-03,
            -1.66666666666666324348e-01,
        ],
    );
    let sin = (angle * z).mul_add(sin_tail, angle);
    let cos_tail = polynomial(
        z,
        &[
            -1.13596475577881948265e-11,
            2.08757232129817482790e-09,
            -2.75573143513906633035e-07,
            2.48015872894767294178e-05,
            -1.38888888888741095749e-03,
            4.16666666666666019037e-02,
        ],
    );
    let cos = (z * z).mul_add(cos_tail, V::from(1.0) - z * V::from(0.5));
    // Turn by the quadrant: odd ones swap sine and cosine, and signs follow.
    let (one, two) = (V::Bits::from(1), V::Bits::from(2));
    let swap = V::Bits::from(0) - (quadrant & one);
    let (sin_bits, cos_bits) = (sin.to_bits(), cos.to_bits());
    let difference = (sin_bits ^ cos_bits) & swap;
    let cos_sign = ((quadrant + one) & two).shl::<62>();
    let sin_sign = (quadrant & two).shl::<62>();
    [V::from_bits(cos_bits ^ difference ^ cos_sign), V::from_bits(sin_bits ^ difference ^ sin_sign)]
}

/// Horner's rule, highest coefficient first.
#[inline(always)]
fn polynomial<V: Vector>(x: V, coefficients: &[f64]) -> V {
    let mut value = V::from(coefficients[0]);
    for c in &coefficients[1..] {
        value = value.mul_add(x, V::from(*c));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::philox4x32;
    use crate::simd::Portable;

    fn scalar(value: Portable<1>) -> f64 {
        let mut out = [0.0];
        value.write(&mut out);
        out[0]
    }

    #[test]
    fn the_elementary_functions_agree_with_the_standard_library() {
        for k in 0..100_000u32 {
            let words = philox4x32([k, 0, 0, 0], [1, 2]);
            // Spread over many binades, since small fractions are rare but make the tails.
            let u = f64::from(words[0]) / 4_294_967_296.0 + 1e-12;
            let u = u.powi((k % 4) as i32 + 1);
            let ln = scalar(ln_of_fraction(Portable::<1>::from(u)));
            assert!((ln - u.ln()).abs() <= 4e-16 * u.ln().abs(), "ln {u}: {ln} against {}", u.ln());
            let t = f64::from(words[1]) / 4_294_967_296.0;
            let [cos, sin] = cos_sin_of_turn(Portable::<1>::from(t)).map(scalar);
            let (sin_exact, cos_exact) = (2.0 * std::f64::consts::PI * t).sin_cos();
            // The comparison itself rounds 2 pi t, which moves the standard library's answer by up to 1e-15.
            assert!((cos - cos_exact).abs() < 1.5e-15 && (sin - sin_exact).abs() < 1.5e-15, "turn {t}");
        }
    }

    #[test]
    fn the_extreme_words_give_finite_normals() {
        for first in [0, u64::MAX] {
            for second in [0, u64::MAX, 1 << 62, 3 << 62] {
                let pair = box_muller::<Portable<1>>(first.into(), second.into()).map(scalar);
                assert!(pair.iter().all(|x| x.abs() < 8.58), "{pair:?}");
            }
        }
    }
}
