//! Vectors of 4 float64 numbers in one AVX2 register.

#![allow(clippy::wildcard_imports, reason = "two dozen intrinsics, all of one prefix")]

use super::{Bits, Vector};
use std::arch::x86_64::*;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

/// 4 float64 numbers. Values exist only inside functions compiled for AVX2.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256d);

/// 4 unsigned 64-bit integers.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Bits(__m256i);

macro_rules! elementwise {
    ($vector:ident, $trait:ident, $method:ident, $intrinsic:ident) => {
        impl $trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: see the type: the processor has been asked for AVX2.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    };
}

elementwise!(Avx2, Add, add, _mm256_add_pd);
elementwise!(Avx2, Sub, sub, _mm256_sub_pd);
elementwise!(Avx2, Mul, mul, _mm256_mul_pd);
elementwise!(Avx2, Div, div, _mm256_div_pd);
elementwise!(Avx2Bits, Add, add, _mm256_add_epi64);
elementwise!(Avx2Bits, Sub, sub, _mm256_sub_epi64);
elementwise!(Avx2Bits, BitAnd, bitand, _mm256_and_si256);
elementwise!(Avx2Bits, BitOr, bitor, _mm256_or_si256);
elementwise!(Avx2Bits, BitXor, bitxor, _mm256_xor_si256);

impl From<f64> for Avx2 {
    #[inline(always)]
    fn from(value: f64) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_set1_pd(value) })
    }
}

impl From<u64> for Avx2Bits {
    #[inline(always)]
    fn from(value: u64) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_set1_epi64x(value.cast_signed()) })
    }
}

impl Vector for Avx2 {
    const WIDTH: usize = 4;
    type Bits = Avx2Bits;

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the caller promises 4 readable numbers; unaligned loads are used.
        Self(unsafe { _mm256_loadu_pd(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller promises 4 writable numbers.
        unsafe { _mm256_storeu_pd(to, self.0) }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_fmadd_pd(self.0, factor.0, summand.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_sqrt_pd(self.0) })
    }
    #[inline(always)]
    fn all_at_most(self, limit: f64) -> bool {
        // SAFETY: see the type.
        unsafe { _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(self.0, _mm256_set1_pd(limit))) == 0b1111 }
    }
    #[inline(always)]
    fn to_bits(self) -> Avx2Bits {
        // SAFETY: see the type.
        Avx2Bits(unsafe { _mm256_castpd_si256(self.0) })
    }
    #[inline(always)]
    fn from_bits(bits: Avx2Bits) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_castsi256_pd(bits.0) })
    }
}

impl Bits for Avx2Bits {
    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_mul_epu32(self.0, other.0) })
    }
    #[inline(always)]
    fn shl<const BY: u32>(self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_sll_epi64(self.0, _mm_set_epi64x(0, i64::from(BY))) })
    }
    #[inline(always)]
    fn shr<const BY: u32>(self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_srl_epi64(self.0, _mm_set_epi64x(0, i64::from(BY))) })
    }
    #[inline(always)]
    fn read(from: &[u64]) -> Self {
        assert!(from.len() >= 4);
        // SAFETY: the slice holds at least 4 integers; the load needs no alignment.
        Self(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
    }
    #[inline(always)]
    fn write(self, to: &mut [u64]) {
        assert!(to.len() >= 4);
        // SAFETY: the slice holds at least 4 integers; the store needs no alignment.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), self.0) }
    }
}
