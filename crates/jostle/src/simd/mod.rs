//! Vectors of numbers with run-time dispatch, for kernels: the only module that talks to the processor.
//!
//! A kernel is written once, generic over [`Vector`], and compiled for every [`Level`]. Each lane of a vector runs the
//! same sequence of correctly rounded operations (`+ - * / sqrt` and fused multiply-add) on every level, so the width
//! of the hardware's vectors cannot change a single bit of a result.
//!
//! Everything here is `#[inline(always)]`: a function called from a `#[target_feature]` entry point that is *not*
//! inlined would be compiled for the baseline processor, and be ten times slower.
#![allow(unsafe_code)]

mod exp;
mod masks;
mod portable;
mod products;
mod stripes;
mod tanh;
mod twice;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use exp::exp;
pub(crate) use masks::{is_negative, select};
pub(crate) use portable::Portable;
pub(crate) use products::{View, add_product, product, products_of_rows};
pub(crate) use stripes::{STRIPES, Stripes};
pub(crate) use tanh::tanh;
pub(crate) use twice::Twice;

use crate::float::Float;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

/// The instruction set that the kernels run on; results do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Any processor. Without a hardware fused multiply-add this is about a hundred times slower.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F and DQ.
    Avx512,
}

impl Level {
    /// The best level of this processor.
    pub fn detect() -> Self {
        Self::available().pop().unwrap_or(Level::Portable)
    }

    /// All levels of this processor, the best one last.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Level::Avx2);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                levels.push(Level::Avx512);
            }
        }
        levels
    }

    /// Whether the processor has to imitate fused multiply-adds on this level: the same results, about a hundred
    /// times slower.
    pub fn imitates_fma(self) -> bool {
        let has_fma = cfg!(target_arch = "aarch64") || cfg!(target_feature = "fma");
        self == Level::Portable && !has_fma
    }

    /// Numbers in one hardware vector.
    pub(crate) fn width<F: Float>(self) -> usize {
        match self {
            Level::Portable => F::Portable::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => F::Avx2::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => F::Avx512::WIDTH,
            #[cfg(not(target_arch = "x86_64"))]
            _ => F::Portable::WIDTH,
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Level::Portable => "portable",
            Level::Avx2 => "AVX2",
            Level::Avx512 => "AVX-512",
        })
    }
}

/// The vectors of a floating-point format.
pub trait Simd: Sized {
    /// One number as a vector, for what is left over at the end of an array.
    type Single: Vector<Float = Self>;
    /// Vectors for any processor.
    type Portable: Vector<Float = Self>;
    /// Vectors of 32 bytes.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<Float = Self>;
    /// Vectors of 64 bytes.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<Float = Self>;
}

impl Simd for f64 {
    type Single = Portable<f64, 1>;
    type Portable = Portable<f64, 4>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::Avx2F64;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::Avx512F64;
}

impl Simd for f32 {
    type Single = Portable<f32, 1>;
    type Portable = Portable<f32, 8>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::Avx2F32;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::Avx512F32;
}

/// A vector of numbers. Constants are made `From<f64>`, rounded to the format.
pub trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + From<f64>
{
    /// The format of the numbers.
    type Float: Float;
    /// The same vector seen as unsigned integers of the same size.
    type Bits: Bits;
    /// Numbers in the vector.
    const WIDTH: usize;
    /// The same number everywhere.
    fn splat(value: Self::Float) -> Self;
    /// Reads `WIDTH` numbers.
    ///
    /// # Safety
    /// `from` must be valid for reading `WIDTH` numbers.
    unsafe fn load(from: *const Self::Float) -> Self;
    /// Writes `WIDTH` numbers.
    ///
    /// # Safety
    /// `to` must be valid for writing `WIDTH` numbers.
    unsafe fn store(self, to: *mut Self::Float);
    /// `self * factor + summand`, rounded once.
    #[must_use]
    fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// Square roots.
    #[must_use]
    fn sqrt(self) -> Self;
    /// Whether every number is at most `limit`; false if one is NaN.
    fn all_at_most(self, limit: Self::Float) -> bool;
    /// The sum of all numbers: entry `k` is added to entry `k + WIDTH / 2`, until one is left.
    fn sum(self) -> Self::Float;
    /// The bit patterns.
    fn to_bits(self) -> Self::Bits;
    /// The numbers with these bit patterns.
    fn from_bits(bits: Self::Bits) -> Self;
    /// Integers below 2^31 as numbers, rounded to the nearest.
    fn of_integers(integers: Self::Bits) -> Self;
    /// Asks for a cache line ahead of its use: into the second level of cache, from where it comes in time.
    fn prefetch(at: *const Self::Float);

    /// Reads the first numbers of a slice.
    #[inline(always)]
    fn read(from: &[Self::Float]) -> Self {
        assert!(from.len() >= Self::WIDTH);
        // SAFETY: the slice holds at least `WIDTH` numbers.
        unsafe { Self::load(from.as_ptr()) }
    }

    /// Writes to the front of a slice.
    #[inline(always)]
    fn write(self, to: &mut [Self::Float]) {
        assert!(to.len() >= Self::WIDTH);
        // SAFETY: the slice holds at least `WIDTH` numbers.
        unsafe { self.store(to.as_mut_ptr()) }
    }
}

/// A polynomial by Horner's rule, highest coefficient first.
#[inline(always)]
pub(crate) fn polynomial<V: Vector>(x: V, coefficients: &[f64]) -> V {
    let mut value = V::from(coefficients[0]);
    for c in &coefficients[1..] {
        value = value.mul_add(x, V::from(*c));
    }
    value
}

/// A vector of unsigned integers; arithmetic wraps.
pub trait Bits:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + From<u64>
{
    /// One of the integers.
    type Word: Word;
    /// Integers in the vector.
    const WIDTH: usize;
    /// The high and the low half of the products of the low 32 bits with a factor, in the low 32 bits of each integer.
    /// What stands above them is arbitrary.
    fn products(self, factor: u32) -> [Self; 2];
    /// Shift to the left.
    #[must_use]
    fn shl(self, by: u32) -> Self;
    /// Logical shift to the right.
    #[must_use]
    fn shr(self, by: u32) -> Self;
    /// Reads the first integers of a slice.
    fn read(from: &[Self::Word]) -> Self;
    /// Writes to the front of a slice.
    fn write(self, to: &mut [Self::Word]);
}

/// `u64` or `u32`.
pub trait Word: Copy + Default + Into<u64> {
    /// The low bits.
    fn of(word: u64) -> Self;
}

impl Word for u64 {
    #[inline(always)]
    fn of(word: u64) -> Self {
        word
    }
}

impl Word for u32 {
    #[inline(always)]
    fn of(word: u64) -> Self {
        word as u32
    }
}

/// Calls `$run::<V, ..>(args)` compiled for a level: `dispatch!(level, run, F, [types], (argument: type, ..))`.
///
/// `$run` must be generic over a [`Vector`] first and be `#[inline(always)]`. `F` is the name of the [`Float`] in
/// scope; the types in brackets are the parameters in scope that follow, repeated as `[Name: Bound]`.
#[doc(hidden)]
#[macro_export]
macro_rules! dispatch_on_level {
    ($level:expr, $run:ident, $float:ident, [$($generic:ident : $bound:path),*],
     ($($arg:ident : $type:ty),* $(,)?)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2<$float: $crate::Float $(, $generic: $bound)*>($($arg: $type),*) {
            $run::<<$float as $crate::simd::Simd>::Avx2 $(, $generic)*>($($arg),*);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        fn avx512<$float: $crate::Float $(, $generic: $bound)*>($($arg: $type),*) {
            $run::<<$float as $crate::simd::Simd>::Avx512 $(, $generic)*>($($arg),*);
        }
        match $level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a kernel is only asked for a level of `Level::available`, which asked the processor.
            #[allow(unsafe_code)]
            $crate::simd::Level::Avx512 => unsafe { avx512::<$float $(, $generic)*>($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            #[allow(unsafe_code)]
            $crate::simd::Level::Avx2 => unsafe { avx2::<$float $(, $generic)*>($($arg),*) },
            _ => $run::<<$float as $crate::simd::Simd>::Portable $(, $generic)*>($($arg),*),
        }
    }};
}
pub use dispatch_on_level as dispatch;
