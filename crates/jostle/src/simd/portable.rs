//! Vectors as plain arrays: every processor, and the scalar case as a vector of one.

use super::{Bits, Vector};
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

/// `N` float64 numbers.
#[derive(Clone, Copy)]
pub(crate) struct Portable<const N: usize>([f64; N]);

/// `N` unsigned 64-bit integers.
#[derive(Clone, Copy)]
pub(crate) struct PortableBits<const N: usize>([u64; N]);

macro_rules! elementwise {
    ($vector:ident, $trait:ident, $method:ident, $operation:expr) => {
        impl<const N: usize> $trait for $vector<N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(std::array::from_fn(|k| $operation(self.0[k], other.0[k])))
            }
        }
    };
}

elementwise!(Portable, Add, add, f64::add);
elementwise!(Portable, Sub, sub, f64::sub);
elementwise!(Portable, Mul, mul, f64::mul);
elementwise!(Portable, Div, div, f64::div);
elementwise!(PortableBits, Add, add, u64::wrapping_add);
elementwise!(PortableBits, Sub, sub, u64::wrapping_sub);
elementwise!(PortableBits, BitAnd, bitand, u64::bitand);
elementwise!(PortableBits, BitOr, bitor, u64::bitor);
elementwise!(PortableBits, BitXor, bitxor, u64::bitxor);

impl<const N: usize> From<f64> for Portable<N> {
    #[inline(always)]
    fn from(value: f64) -> Self {
        Self([value; N])
    }
}

impl<const N: usize> From<u64> for PortableBits<N> {
    #[inline(always)]
    fn from(value: u64) -> Self {
        Self([value; N])
    }
}

impl<const N: usize> Vector for Portable<N> {
    const WIDTH: usize = N;
    type Bits = PortableBits<N>;

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: the caller promises `N` readable numbers; an array of them has no stricter alignment.
        Self(unsafe { from.cast::<[f64; N]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: the caller promises `N` writable numbers.
        unsafe { to.cast::<[f64; N]>().write(self.0) }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        Self(std::array::from_fn(|k| self.0[k].mul_add(factor.0[k], summand.0[k])))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f64::sqrt))
    }
    #[inline(always)]
    fn all_at_most(self, limit: f64) -> bool {
        self.0.iter().all(|v| *v <= limit)
    }
    #[inline(always)]
    fn to_bits(self) -> PortableBits<N> {
        PortableBits(self.0.map(f64::to_bits))
    }
    #[inline(always)]
    fn from_bits(bits: PortableBits<N>) -> Self {
        Self(bits.0.map(f64::from_bits))
    }
}

impl<const N: usize> Bits for PortableBits<N> {
    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        Self(std::array::from_fn(|k| (self.0[k] & 0xffff_ffff) * (other.0[k] & 0xffff_ffff)))
    }
    #[inline(always)]
    fn shl<const BY: u32>(self) -> Self {
        Self(self.0.map(|v| v << BY))
    }
    #[inline(always)]
    fn shr<const BY: u32>(self) -> Self {
        Self(self.0.map(|v| v >> BY))
    }
    #[inline(always)]
    fn read(from: &[u64]) -> Self {
        Self(std::array::from_fn(|k| from[k]))
    }
    #[inline(always)]
    fn write(self, to: &mut [u64]) {
        to[..N].copy_from_slice(&self.0);
    }
}
