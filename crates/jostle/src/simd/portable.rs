//! Vectors as plain arrays: every processor, and the scalar case as a vector of one.

use super::{Bits, Vector};
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

/// `N` numbers.
#[derive(Clone, Copy)]
pub struct Portable<T, const N: usize>([T; N]);

/// `N` unsigned integers.
#[derive(Clone, Copy)]
pub struct PortableBits<T, const N: usize>([T; N]);

macro_rules! elementwise {
    ($vector:ident, $number:ty, $trait:ident, $method:ident, $operation:expr) => {
        impl<const N: usize> $trait for $vector<$number, N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(std::array::from_fn(|k| $operation(self.0[k], other.0[k])))
            }
        }
    };
}

macro_rules! portable {
    ($float:ident, $word:ident) => {
        elementwise!(Portable, $float, Add, add, $float::add);
        elementwise!(Portable, $float, Sub, sub, $float::sub);
        elementwise!(Portable, $float, Mul, mul, $float::mul);
        elementwise!(Portable, $float, Div, div, $float::div);
        elementwise!(PortableBits, $word, Add, add, $word::wrapping_add);
        elementwise!(PortableBits, $word, Sub, sub, $word::wrapping_sub);
        elementwise!(PortableBits, $word, BitAnd, bitand, $word::bitand);
        elementwise!(PortableBits, $word, BitOr, bitor, $word::bitor);
        elementwise!(PortableBits, $word, BitXor, bitxor, $word::bitxor);

        impl<const N: usize> From<f64> for Portable<$float, N> {
            #[inline(always)]
            fn from(value: f64) -> Self {
                Self([value as $float; N])
            }
        }

        impl<const N: usize> From<u64> for PortableBits<$word, N> {
            #[inline(always)]
            fn from(value: u64) -> Self {
                Self([value as $word; N])
            }
        }

        impl<const N: usize> Vector for Portable<$float, N> {
            type Float = $float;
            type Bits = PortableBits<$word, N>;
            const WIDTH: usize = N;

            #[inline(always)]
            fn splat(value: $float) -> Self {
                Self([value; N])
            }
            #[inline(always)]
            unsafe fn load(from: *const $float) -> Self {
                // SAFETY: the caller promises `N` readable numbers; an array of them has no stricter alignment.
                Self(unsafe { from.cast::<[$float; N]>().read() })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $float) {
                // SAFETY: the caller promises `N` writable numbers.
                unsafe { to.cast::<[$float; N]>().write(self.0) }
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, summand: Self) -> Self {
                Self(std::array::from_fn(|k| self.0[k].mul_add(factor.0[k], summand.0[k])))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                Self(self.0.map($float::sqrt))
            }
            #[inline(always)]
            fn all_at_most(self, limit: $float) -> bool {
                self.0.iter().all(|v| *v <= limit)
            }
            #[inline(always)]
            fn sum(self) -> $float {
                let mut values = self.0;
                let mut left = N;
                while left > 1 {
                    left /= 2;
                    for k in 0..left {
                        values[k] += values[k + left];
                    }
                }
                values[0]
            }
            #[inline(always)]
            fn to_bits(self) -> PortableBits<$word, N> {
                PortableBits(self.0.map($float::to_bits))
            }
            #[inline(always)]
            fn from_bits(bits: PortableBits<$word, N>) -> Self {
                Self(bits.0.map($float::from_bits))
            }
            #[inline(always)]
            fn of_integers(integers: PortableBits<$word, N>) -> Self {
                Self(integers.0.map(|k| k as $float))
            }
            #[inline(always)]
            fn prefetch(_: *const $float) {}
        }

        impl<const N: usize> Bits for PortableBits<$word, N> {
            type Word = $word;
            const WIDTH: usize = N;

            #[inline(always)]
            fn products(self, factor: u32) -> [Self; 2] {
                let product = |k: usize| u64::from(self.0[k] as u32) * u64::from(factor);
                [
                    Self(std::array::from_fn(|k| (product(k) >> 32) as $word)),
                    Self(std::array::from_fn(|k| product(k) as $word)),
                ]
            }
            #[inline(always)]
            fn shl(self, by: u32) -> Self {
                Self(self.0.map(|v| v << by))
            }
            #[inline(always)]
            fn shr(self, by: u32) -> Self {
                Self(self.0.map(|v| v >> by))
            }
            #[inline(always)]
            fn read(from: &[$word]) -> Self {
                Self(std::array::from_fn(|k| from[k]))
            }
            #[inline(always)]
            fn write(self, to: &mut [$word]) {
                to[..N].copy_from_slice(&self.0);
            }
        }
    };
}

portable!(f64, u64);
portable!(f32, u32);
