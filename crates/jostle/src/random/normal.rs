//! Pairs of standard normal numbers from pairs of words (Box-Muller), bit-identical on every level.
//!
//! `sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v)`. In float64, `u` is uniform on the 2^52 midpoints of (0, 1), so that
//! `|normal| <= 8.58`; in float32 on the 2^31 midpoints, rounded, so that `|normal| <= 6.67`. The angle has 50 or 30
//! bits within its quarter turn. The logarithm, sine and cosine are the polynomials of fdlibm (float64; logarithm of
//! float32) and of Cephes (sine and cosine of float32), with errors below 1 unit in the last place on their ranges,
//! written with fused multiply-adds: nothing is left to a platform's own library.
#![allow(unreachable_pub, reason = "the public trait Float stands on this, and nobody else can name it")]

use crate::simd::{Bits, Vector, polynomial};

/// What the transformation needs to know of a format.
pub trait Normal: Sized {
    /// Bits of a word, and of the fraction of a number.
    const WORD_BITS: u32;
    const FRACTION_BITS: u32;
    /// The exponent's bias, plus one.
    const BIAS: u64;
    /// The bits of sqrt(1/2), rounded to few digits.
    const SQRT_HALF: u64;
    /// ln 2 in two parts, and the polynomial of the logarithm.
    const LN_2: [f64; 2];
    const LN: &'static [f64];
    /// The polynomials of sine and cosine on an eighth of a turn to either side.
    const SIN: &'static [f64];
    const COS: &'static [f64];

    /// Numbers in (0, 1] from uniform words.
    fn fraction<V: Vector<Float = Self>>(words: V::Bits) -> V;
    /// Numbers in (-1/2, 1/2) from uniform words.
    fn centred<V: Vector<Float = Self>>(words: V::Bits) -> V;
}

impl Normal for f64 {
    const WORD_BITS: u32 = 64;
    const FRACTION_BITS: u32 = 52;
    const BIAS: u64 = 1024;
    const SQRT_HALF: u64 = 0x3fe6_a09e_0000_0000;
    const LN_2: [f64; 2] = [6.93147180369123816490e-1, 1.90821492927058770002e-10];
    const LN: &'static [f64] = &[
        1.479819860511658591e-1,
        1.531383769920937332e-1,
        1.818357216161805012e-1,
        2.222219843214978396e-1,
        2.857142874366239149e-1,
        3.999999999940941908e-1,
        6.666666666666735130e-1,
    ];
    const SIN: &'static [f64] = &[
        1.58969099521155010221e-10,
        -2.50507602534068634195e-08,
        2.75573137070700676789e-06,
        -1.98412698298579493134e-04,
        8.33333333332248946124e-03,
        -1.66666666666666324348e-01,
    ];
    const COS: &'static [f64] = &[
        -1.13596475577881948265e-11,
        2.08757232129817482790e-09,
        -2.75573143513906633035e-07,
        2.48015872894767294178e-05,
        -1.38888888888741095749e-03,
        4.16666666666666019037e-02,
    ];

    #[inline(always)]
    fn fraction<V: Vector<Float = f64>>(words: V::Bits) -> V {
        one_to_two::<V>(words) - V::from(1.0 - f64::EPSILON / 2.0)
    }

    #[inline(always)]
    fn centred<V: Vector<Float = f64>>(words: V::Bits) -> V {
        one_to_two::<V>(words) - V::from(1.5 - f64::EPSILON / 2.0)
    }
}

/// Numbers in [1, 2) whose fractions are the top 52 bits.
#[inline(always)]
fn one_to_two<V: Vector<Float = f64>>(words: V::Bits) -> V {
    V::from_bits(words.shr(12) | V::Bits::from(1.0f64.to_bits()))
}

impl Normal for f32 {
    const WORD_BITS: u32 = 32;
    const FRACTION_BITS: u32 = 23;
    const BIAS: u64 = 128;
    const SQRT_HALF: u64 = 0x3f35_0000;
    const LN_2: [f64; 2] = [6.9313812256e-1, 9.0580006145e-6];
    const LN: &'static [f64] = &[0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693];
    const SIN: &'static [f64] = &[-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1];
    const COS: &'static [f64] = &[2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2];

    #[inline(always)]
    fn fraction<V: Vector<Float = f32>>(words: V::Bits) -> V {
        V::of_integers(words.shr(1)).mul_add(V::from(TWO_POW_MINUS_31), V::from(TWO_POW_MINUS_31 / 2.0))
    }

    #[inline(always)]
    fn centred<V: Vector<Float = f32>>(words: V::Bits) -> V {
        V::of_integers(words.shr(1)).mul_add(V::from(TWO_POW_MINUS_31), V::from(TWO_POW_MINUS_31 / 2.0 - 0.5))
    }
}

const TWO_POW_MINUS_31: f64 = 1.0 / 2_147_483_648.0;

/// Two vectors of independent normal numbers from two vectors of independent words.
#[inline(always)]
pub(super) fn box_muller<V: Vector>(first: V::Bits, second: V::Bits) -> [V; 2] {
    let radius = (ln_of_fraction(V::Float::fraction::<V>(first)) * V::from(-2.0)).sqrt();
    let [cos, sin] = cos_sin_of_turn::<V>(second);
    [radius * cos, radius * sin]
}

/// The natural logarithm of numbers in (0, 1].
#[inline(always)]
fn ln_of_fraction<V: Vector>(x: V) -> V {
    let (bits, bias) = (V::Float::FRACTION_BITS, V::Bits::from(V::Float::BIAS));
    // x = 2^k m with m in [sqrt(1/2), sqrt(2)); k is biased to stay non-negative.
    let biased =
        (x.to_bits() - V::Bits::from(V::Float::SQRT_HALF) + V::Bits::from(V::Float::BIAS << bits)).shr(bits);
    let k = V::of_integers(biased) - V::from(V::Float::BIAS as f64);
    let m = V::from_bits(x.to_bits() - (biased - bias).shl(bits));
    // ln m = 2 artanh(s) with s = (m - 1) / (m + 1), as in fdlibm's e_log.c and e_logf.c.
    let f = m - V::from(1.0);
    let s = f / (f + V::from(2.0));
    let z = s * s;
    let r = polynomial(z, V::Float::LN) * z;
    let half_square = f * f * V::from(0.5);
    let low = s.mul_add(half_square + r, k * V::from(V::Float::LN_2[1]));
    k.mul_add(V::from(V::Float::LN_2[0]), f - (half_square - low))
}

/// `(cos 2 pi t, sin 2 pi t)` for a uniform turn: the two top bits of a word are its quadrant, the others its place
/// within the quadrant, counted from the middle.
#[inline(always)]
fn cos_sin_of_turn<V: Vector>(words: V::Bits) -> [V; 2] {
    let top = V::Float::WORD_BITS - 1;
    let angle = V::Float::centred::<V>(words.shl(2)) * V::from(std::f64::consts::FRAC_PI_2);
    let z = angle * angle;
    let sin = (angle * z).mul_add(polynomial(z, V::Float::SIN), angle);
    let cos = (z * z).mul_add(polynomial(z, V::Float::COS), V::from(1.0) - z * V::from(0.5));
    // Turn by the quadrant: odd ones swap sine and cosine, and signs follow.
    let (one, two) = (V::Bits::from(1), V::Bits::from(2));
    let quadrant = words.shr(top - 1);
    let swap = V::Bits::from(0) - (quadrant & one);
    let (sin_bits, cos_bits) = (sin.to_bits(), cos.to_bits());
    let difference = (sin_bits ^ cos_bits) & swap;
    let cos_sign = ((quadrant + one) & two).shl(top - 1);
    let sin_sign = (quadrant & two).shl(top - 1);
    [V::from_bits(cos_bits ^ difference ^ cos_sign), V::from_bits(sin_bits ^ difference ^ sin_sign)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::Float;
    use crate::random::philox4x32;
    use crate::simd::{Simd, Word};

    type Single<F> = <F as Simd>::Single;

    fn scalar<F: Float>(value: Single<F>) -> f64 {
        value.sum().into()
    }

    /// A word whose top 32 bits are given.
    fn word<F: Float>(top: u32) -> <Single<F> as Vector>::Bits {
        <Single<F> as Vector>::Bits::from(u64::from(top)).shl(F::WORD_BITS - 32)
    }

    fn check_elementary_functions<F: Float>(epsilon: f64) {
        for k in 0..100_000u32 {
            let words = philox4x32([k, 0, 0, 0], [1, 2]);
            // Spread over many binades, since small fractions are rare but make the tails.
            let u = f64::from(words[0]) / 4_294_967_296.0 + 1e-9;
            let u: f64 = F::of(u.powi((k % 4) as i32 + 1)).into();
            let ln = scalar::<F>(ln_of_fraction(Single::<F>::from(u)));
            assert!((ln - u.ln()).abs() <= 2.0 * epsilon * u.ln().abs(), "ln {u}: {ln} against {}", u.ln());
            // The midpoint of the words that share these bits.
            let quarters = f64::from(words[1]) / f64::from(1u32 << 30);
            let half_step = if F::WORD_BITS == 64 { 0.0 } else { 0.5 / f64::from(1u32 << 30) };
            let [cos, sin] = cos_sin_of_turn::<Single<F>>(word::<F>(words[1])).map(scalar::<F>);
            let turn = std::f64::consts::FRAC_PI_2 * (quarters + half_step - 0.5);
            let (sin_exact, cos_exact) = turn.sin_cos();
            // The comparison itself rounds the turn, and the last bits are the place within the word.
            let allowed = 7.0 * epsilon;
            assert!(
                (cos - cos_exact).abs() < allowed && (sin - sin_exact).abs() < allowed,
                "{turn}: {cos} {sin}"
            );
        }
    }

    #[test]
    fn the_elementary_functions_agree_with_the_standard_library() {
        check_elementary_functions::<f64>(f64::EPSILON);
        check_elementary_functions::<f32>(f64::from(f32::EPSILON));
    }

    fn check_extremes<F: Float>(largest: f64) {
        let extreme = |top| word::<F>(top);
        let all = <Single<F> as Vector>::Bits::from(u64::MAX);
        let mut seen = 0.0f64;
        for first in [extreme(0), extreme(u32::MAX), all] {
            for second in [extreme(0), extreme(1 << 29), extreme(1 << 30), extreme(3 << 30), all] {
                let pair = box_muller::<Single<F>>(first, second).map(scalar::<F>);
                assert!(pair.iter().all(|x| x.abs() < largest), "{pair:?}");
                seen = pair.iter().fold(seen, |max, x| max.max(x.abs()));
            }
        }
        assert!(seen > 0.95 * largest, "{seen}");
    }

    #[test]
    fn the_extreme_words_give_finite_normals() {
        check_extremes::<f64>(8.58);
        check_extremes::<f32>(6.67);
        let _ = u32::of(0);
    }
}
