//! Vectors in AVX2 and AVX-512 registers: one body, and a table of intrinsics for each kind of vector.

#![allow(clippy::wildcard_imports, reason = "a hundred intrinsics, all of one prefix")]

use super::{Bits, Vector};
use std::arch::x86_64::*;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

macro_rules! elementwise {
    ($vector:ident, $trait:ident, $method:ident, $intrinsic:ident) => {
        impl $trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: see the type: the processor has been asked for its instructions.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    };
}

/// A vector type and the integers of the same size.
macro_rules! vector {
    (
        $(#[$doc:meta])* $vector:ident, $bits:ident: $width:literal of $float:ident / $word:ident / $signed:ident
        in $register:ty, $integers:ty;
        add $add:ident, sub $sub:ident, mul $mul:ident, div $div:ident, fma $fma:ident, sqrt $sqrt:ident,
        set $set:ident, load $load:ident, store $store:ident, to_bits $to_bits:ident, from_bits $from_bits:ident;
        add $add_bits:ident, sub $sub_bits:ident, and $and:ident, or $or:ident, xor $xor:ident,
        set $set_bits:ident, load $load_bits:ident, store $store_bits:ident, shl $shl:ident, shr $shr:ident;
        at_most |$value:ident, $limit:ident| $at_most:expr;
        sum |$summed:ident| $sum:expr;
        of_integers |$integer:ident| $of_integers:expr;
        products |$multiplied:ident, $factor:ident| $products:expr;
    ) => {
        $(#[$doc])*
        /// Values exist only inside functions compiled for the instruction set.
        #[derive(Clone, Copy)]
        pub struct $vector($register);

        /// The integers of the same size.
        #[derive(Clone, Copy)]
        pub struct $bits($integers);

        elementwise!($vector, Add, add, $add);
        elementwise!($vector, Sub, sub, $sub);
        elementwise!($vector, Mul, mul, $mul);
        elementwise!($vector, Div, div, $div);
        elementwise!($bits, Add, add, $add_bits);
        elementwise!($bits, Sub, sub, $sub_bits);
        elementwise!($bits, BitAnd, bitand, $and);
        elementwise!($bits, BitOr, bitor, $or);
        elementwise!($bits, BitXor, bitxor, $xor);

        impl From<f64> for $vector {
            #[inline(always)]
            fn from(value: f64) -> Self {
                Self::splat(value as $float)
            }
        }

        impl From<u64> for $bits {
            #[inline(always)]
            fn from(value: u64) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $set_bits(value as $signed) })
            }
        }

        impl Vector for $vector {
            type Float = $float;
            type Bits = $bits;
            const WIDTH: usize = $width;

            #[inline(always)]
            fn splat(value: $float) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $set(value) })
            }
            #[inline(always)]
            unsafe fn load(from: *const $float) -> Self {
                // SAFETY: the caller promises enough readable numbers; the load needs no alignment.
                Self(unsafe { $load(from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $float) {
                // SAFETY: the caller promises enough writable numbers.
                unsafe { $store(to, self.0) }
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, summand: Self) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $fma(self.0, factor.0, summand.0) })
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $sqrt(self.0) })
            }
            #[inline(always)]
            fn all_at_most(self, limit: $float) -> bool {
                let ($value, $limit) = (self.0, limit);
                // SAFETY: see the type.
                unsafe { $at_most }
            }
            #[inline(always)]
            fn sum(self) -> $float {
                let $summed = self.0;
                // SAFETY: see the type.
                unsafe { $sum }
            }
            #[inline(always)]
            fn to_bits(self) -> $bits {
                // SAFETY: see the type.
                $bits(unsafe { $to_bits(self.0) })
            }
            #[inline(always)]
            fn from_bits(bits: $bits) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $from_bits(bits.0) })
            }
            #[inline(always)]
            fn of_integers(integers: $bits) -> Self {
                let $integer = integers.0;
                // SAFETY: see the type.
                Self(unsafe { $of_integers })
            }
            #[inline(always)]
            fn prefetch(at: *const $float) {
                // SAFETY: a prefetch is a hint; it may be given any address.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
            }
        }

        impl Bits for $bits {
            type Word = $word;
            const WIDTH: usize = $width;

            #[inline(always)]
            fn products(self, factor: u32) -> [Self; 2] {
                let ($multiplied, $factor) = (self.0, factor.cast_signed());
                // SAFETY: see the type.
                let [high, low] = unsafe { $products };
                [Self(high), Self(low)]
            }
            #[inline(always)]
            fn shl(self, by: u32) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $shl(self.0, _mm_set_epi64x(0, i64::from(by))) })
            }
            #[inline(always)]
            fn shr(self, by: u32) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $shr(self.0, _mm_set_epi64x(0, i64::from(by))) })
            }
            #[inline(always)]
            fn read(from: &[$word]) -> Self {
                assert!(from.len() >= $width);
                // SAFETY: the slice holds enough integers; the load needs no alignment.
                Self(unsafe { $load_bits(from.as_ptr().cast()) })
            }
            #[inline(always)]
            fn write(self, to: &mut [$word]) {
                assert!(to.len() >= $width);
                // SAFETY: the slice holds enough integers; the store needs no alignment.
                unsafe { $store_bits(to.as_mut_ptr().cast(), self.0) }
            }
        }
    };
}

/// 2^52: adding it to an integer below 2^52 by `or` and taking it off again makes a float64 of the integer.
const TWO_POW_52: f64 = 4_503_599_627_370_496.0;

vector! {
    /// 4 float64 numbers.
    Avx2F64, Avx2U64: 4 of f64 / u64 / i64 in __m256d, __m256i;
    add _mm256_add_pd, sub _mm256_sub_pd, mul _mm256_mul_pd, div _mm256_div_pd, fma _mm256_fmadd_pd,
    sqrt _mm256_sqrt_pd, set _mm256_set1_pd, load _mm256_loadu_pd, store _mm256_storeu_pd,
    to_bits _mm256_castpd_si256, from_bits _mm256_castsi256_pd;
    add _mm256_add_epi64, sub _mm256_sub_epi64, and _mm256_and_si256, or _mm256_or_si256, xor _mm256_xor_si256,
    set _mm256_set1_epi64x, load _mm256_loadu_si256, store _mm256_storeu_si256,
    shl _mm256_sll_epi64, shr _mm256_srl_epi64;
    at_most |v, limit| _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(v, _mm256_set1_pd(limit))) == 0b1111;
    sum |v| {
        let two = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    };
    of_integers |k| {
        let shifted = _mm256_or_si256(k, _mm256_castpd_si256(_mm256_set1_pd(TWO_POW_52)));
        _mm256_sub_pd(_mm256_castsi256_pd(shifted), _mm256_set1_pd(TWO_POW_52))
    };
    products |a, factor| {
        let product = _mm256_mul_epu32(a, _mm256_set1_epi32(factor));
        [_mm256_srli_epi64::<32>(product), product]
    };
}

vector! {
    /// 8 float32 numbers.
    Avx2F32, Avx2U32: 8 of f32 / u32 / i32 in __m256, __m256i;
    add _mm256_add_ps, sub _mm256_sub_ps, mul _mm256_mul_ps, div _mm256_div_ps, fma _mm256_fmadd_ps,
    sqrt _mm256_sqrt_ps, set _mm256_set1_ps, load _mm256_loadu_ps, store _mm256_storeu_ps,
    to_bits _mm256_castps_si256, from_bits _mm256_castsi256_ps;
    add _mm256_add_epi32, sub _mm256_sub_epi32, and _mm256_and_si256, or _mm256_or_si256, xor _mm256_xor_si256,
    set _mm256_set1_epi32, load _mm256_loadu_si256, store _mm256_storeu_si256,
    shl _mm256_sll_epi32, shr _mm256_srl_epi32;
    at_most |v, limit| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(v, _mm256_set1_ps(limit))) == 0xff;
    sum |v| {
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    };
    of_integers |k| _mm256_cvtepi32_ps(k);
    products |a, factor| {
        let factor = _mm256_set1_epi32(factor);
        let even = _mm256_mul_epu32(a, factor);
        let odd = _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), factor);
        [
            _mm256_blend_epi32::<0xaa>(_mm256_srli_epi64::<32>(even), odd),
            _mm256_blend_epi32::<0xaa>(even, _mm256_slli_epi64::<32>(odd)),
        ]
    };
}

vector! {
    /// 8 float64 numbers.
    Avx512F64, Avx512U64: 8 of f64 / u64 / i64 in __m512d, __m512i;
    add _mm512_add_pd, sub _mm512_sub_pd, mul _mm512_mul_pd, div _mm512_div_pd, fma _mm512_fmadd_pd,
    sqrt _mm512_sqrt_pd, set _mm512_set1_pd, load _mm512_loadu_pd, store _mm512_storeu_pd,
    to_bits _mm512_castpd_si512, from_bits _mm512_castsi512_pd;
    add _mm512_add_epi64, sub _mm512_sub_epi64, and _mm512_and_si512, or _mm512_or_si512, xor _mm512_xor_si512,
    set _mm512_set1_epi64, load _mm512_loadu_si512, store _mm512_storeu_si512,
    shl _mm512_sll_epi64, shr _mm512_srl_epi64;
    at_most |v, limit| _mm512_cmp_pd_mask::<_CMP_LE_OQ>(v, _mm512_set1_pd(limit)) == 0xff;
    sum |v| {
        Avx2F64(_mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v))).sum()
    };
    of_integers |k| {
        let shifted = _mm512_or_si512(k, _mm512_castpd_si512(_mm512_set1_pd(TWO_POW_52)));
        _mm512_sub_pd(_mm512_castsi512_pd(shifted), _mm512_set1_pd(TWO_POW_52))
    };
    products |a, factor| {
        let product = _mm512_mul_epu32(a, _mm512_set1_epi32(factor));
        [_mm512_srli_epi64::<32>(product), product]
    };
}

vector! {
    /// 16 float32 numbers.
    Avx512F32, Avx512U32: 16 of f32 / u32 / i32 in __m512, __m512i;
    add _mm512_add_ps, sub _mm512_sub_ps, mul _mm512_mul_ps, div _mm512_div_ps, fma _mm512_fmadd_ps,
    sqrt _mm512_sqrt_ps, set _mm512_set1_ps, load _mm512_loadu_ps, store _mm512_storeu_ps,
    to_bits _mm512_castps_si512, from_bits _mm512_castsi512_ps;
    add _mm512_add_epi32, sub _mm512_sub_epi32, and _mm512_and_si512, or _mm512_or_si512, xor _mm512_xor_si512,
    set _mm512_set1_epi32, load _mm512_loadu_si512, store _mm512_storeu_si512,
    shl _mm512_sll_epi32, shr _mm512_srl_epi32;
    at_most |v, limit| _mm512_cmp_ps_mask::<_CMP_LE_OQ>(v, _mm512_set1_ps(limit)) == 0xffff;
    sum |v| {
        Avx2F32(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v))).sum()
    };
    of_integers |k| _mm512_cvtepi32_ps(k);
    products |a, factor| {
        let factor = _mm512_set1_epi32(factor);
        let even = _mm512_mul_epu32(a, factor);
        let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(a), factor);
        [
            _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64::<32>(even), odd),
            _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64::<32>(odd)),
        ]
    };
}
