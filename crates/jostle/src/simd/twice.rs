//! Two vectors as one: long chains of dependent operations, such as those of a normal number, wait less.

use super::{Bits, Vector};
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

/// Two vectors side by side.
#[derive(Clone, Copy)]
pub(crate) struct Twice<V>(V, V);

macro_rules! elementwise {
    ($($trait:ident $method:ident),*) => {$(
        impl<V: $trait<Output = V>> $trait for Twice<V> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0.$method(other.0), self.1.$method(other.1))
            }
        }
    )*};
}

elementwise!(Add add, Sub sub, Mul mul, Div div, BitAnd bitand, BitOr bitor, BitXor bitxor);

impl<V: Vector> From<f64> for Twice<V> {
    #[inline(always)]
    fn from(value: f64) -> Self {
        Self(V::from(value), V::from(value))
    }
}

impl<B: Bits> From<u64> for Twice<B> {
    #[inline(always)]
    fn from(value: u64) -> Self {
        Self(B::from(value), B::from(value))
    }
}

impl<V: Vector> Vector for Twice<V> {
    type Float = V::Float;
    type Bits = Twice<V::Bits>;
    const WIDTH: usize = 2 * V::WIDTH;

    #[inline(always)]
    fn splat(value: V::Float) -> Self {
        Self(V::splat(value), V::splat(value))
    }
    #[inline(always)]
    unsafe fn load(from: *const V::Float) -> Self {
        // SAFETY: the caller promises as many readable numbers as both vectors have.
        unsafe { Self(V::load(from), V::load(from.add(V::WIDTH))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut V::Float) {
        // SAFETY: the caller promises as many writable numbers as both vectors have.
        unsafe {
            self.0.store(to);
            self.1.store(to.add(V::WIDTH));
        }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        Self(self.0.mul_add(factor.0, summand.0), self.1.mul_add(factor.1, summand.1))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt(), self.1.sqrt())
    }
    #[inline(always)]
    fn all_at_most(self, limit: V::Float) -> bool {
        self.0.all_at_most(limit) && self.1.all_at_most(limit)
    }
    #[inline(always)]
    fn sum(self) -> V::Float {
        (self.0 + self.1).sum()
    }
    #[inline(always)]
    fn to_bits(self) -> Self::Bits {
        Twice(self.0.to_bits(), self.1.to_bits())
    }
    #[inline(always)]
    fn from_bits(bits: Self::Bits) -> Self {
        Self(V::from_bits(bits.0), V::from_bits(bits.1))
    }
    #[inline(always)]
    fn of_integers(integers: Self::Bits) -> Self {
        Self(V::of_integers(integers.0), V::of_integers(integers.1))
    }
    #[inline(always)]
    fn prefetch(at: *const V::Float) {
        V::prefetch(at);
    }
}

impl<B: Bits> Bits for Twice<B> {
    type Word = B::Word;
    const WIDTH: usize = 2 * B::WIDTH;

    #[inline(always)]
    fn products(self, factor: u32) -> [Self; 2] {
        let ([high, low], [next_high, next_low]) = (self.0.products(factor), self.1.products(factor));
        [Self(high, next_high), Self(low, next_low)]
    }
    #[inline(always)]
    fn shl(self, by: u32) -> Self {
        Self(self.0.shl(by), self.1.shl(by))
    }
    #[inline(always)]
    fn shr(self, by: u32) -> Self {
        Self(self.0.shr(by), self.1.shr(by))
    }
    #[inline(always)]
    fn read(from: &[B::Word]) -> Self {
        Self(B::read(from), B::read(&from[B::WIDTH..]))
    }
    #[inline(always)]
    fn write(self, to: &mut [B::Word]) {
        self.0.write(to);
        self.1.write(&mut to[B::WIDTH..]);
    }
}
