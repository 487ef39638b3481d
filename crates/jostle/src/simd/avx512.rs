//! Vectors of 8 float64 numbers in one AVX-512 register.

#![allow(clippy::wildcard_imports, reason = "two dozen intrinsics, all of one prefix")]

use super::{Bits, Vector};
use std::arch::x86_64::*;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

/// 8 float64 numbers. Values exist only inside functions compiled for AVX-512.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512d);

/// 8 unsigned 64-bit integers.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Bits(__m512i);

macro_rules! elementwise {
    ($vector:ident, $trait:ident, $method:ident, $intrinsic:ident) => {
        impl $trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: see the type: the processor has been asked for AVX-512.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    };
}

elementwise!(Avx512, Add, add, _mm512_add_pd);
elementwise!(Avx512, Sub, sub, _mm512_sub_pd);
elementwise!(Avx512, Mul, mul, _mm512_mul_pd);
elementwise!(Avx512, Div, div, _mm512_div_pd);
elementwise!(Avx512Bits, Add, add, _mm512_add_epi64);
elementwise!(Avx512Bits, Sub, sub, _mm512_sub_epi64);
elementwise!(Avx512Bits, BitAnd, bitand, _mm512_and_si512);
elementwise!(Avx512Bits, BitOr, bitor, _mm512_or_si512);
elementwise!(Avx512Bits, BitXor, bitxor, _mm512_xor_si512);

impl From<f64> for Avx512 {
    #[inline(always)]
    fn from(value: f64) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_set1_pd(value) })
    }
}

impl From<u64> for Avx512Bits {
    #[inline(always)]
    fn from(value: u64) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_set1_epi64(value.cast_signed()) })
    }
}

impl Vector for Avx512 {
    const WIDTH: usize = 8;
    type Bits = Avx512Bits;

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the caller promises 8 readable numbers; unaligned loads are used.
        Self(unsafe { _mm512_loadu_pd(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller promises 8 writable numbers.
        unsafe { _mm512_storeu_pd(to, self.0) }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_fmadd_pd(self.0, factor.0, summand.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_sqrt_pd(self.0) })
    }
    #[inline(always)]
    fn all_at_most(self, limit: f64) -> bool {
        // SAFETY: see the type.
        unsafe { _mm512_cmp_pd_mask::<_CMP_LE_OQ>(self.0, _mm512_set1_pd(limit)) == 0xff }
    }
    #[inline(always)]
    fn to_bits(self) -> Avx512Bits {
        // SAFETY: see the type.
        Avx512Bits(unsafe { _mm512_castpd_si512(self.0) })
    }
    #[inline(always)]
    fn from_bits(bits: Avx512Bits) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_castsi512_pd(bits.0) })
    }
}

impl Bits for Avx512Bits {
    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_mul_epu32(self.0, other.0) })
    }
    #[inline(always)]
    fn shl<const BY: u32>(self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_sll_epi64(self.0, _mm_set_epi64x(0, i64::from(BY))) })
    }
    #[inline(always)]
    fn shr<const BY: u32>(self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_srl_epi64(self.0, _mm_set_epi64x(0, i64::from(BY))) })
    }
    #[inline(always)]
    fn read(from: &[u64]) -> Self {
        assert!(from.len() >= 8);
        // SAFETY: the slice holds at least 8 integers; the load needs no alignment.
        Self(unsafe { _mm512_loadu_si512(from.as_ptr().cast()) })
    }
    #[inline(always)]
    fn write(self, to: &mut [u64]) {
        assert!(to.len() >= 8);
        // SAFETY: the slice holds at least 8 integers; the store needs no alignment.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), self.0) }
    }
}
