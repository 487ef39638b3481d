//! Vectors of float64 numbers with run-time dispatch: the only module that talks to the processor.
//!
//! A kernel is written once, generic over [`Vector`], and compiled for every [`Level`]. Each lane of a vector runs the
//! same sequence of correctly rounded operations (`+ - * / sqrt` and fused multiply-add) on every level, so the width
//! of the hardware's vectors cannot change a single bit of a result.
//!
//! Everything here is `#[inline(always)]`: a function called from a `#[target_feature]` entry point that is *not*
//! inlined would be compiled for the baseline processor, and be ten times slower.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

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

    /// Numbers in one hardware vector.
    pub fn width(self) -> usize {
        match self {
            Level::Portable => Portable::<4>::WIDTH,
            Level::Avx2 => 4,
            Level::Avx512 => 8,
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

/// A vector of float64 numbers.
pub(crate) trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + From<f64>
{
    /// Numbers in the vector.
    const WIDTH: usize;
    /// The same vector seen as unsigned 64-bit integers.
    type Bits: Bits;
    /// Reads `WIDTH` numbers.
    ///
    /// # Safety
    /// `from` must be valid for reading `WIDTH` numbers.
    unsafe fn load(from: *const f64) -> Self;
    /// Writes `WIDTH` numbers.
    ///
    /// # Safety
    /// `to` must be valid for writing `WIDTH` numbers.
    unsafe fn store(self, to: *mut f64);
    /// `self * factor + summand`, rounded once.
    fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// Square roots.
    fn sqrt(self) -> Self;
    /// Whether every number is at most `limit`; false if one is NaN.
    fn all_at_most(self, limit: f64) -> bool;
    /// The bit patterns.
    fn to_bits(self) -> Self::Bits;
    /// The numbers with these bit patterns.
    fn from_bits(bits: Self::Bits) -> Self;

    /// Writes to the front of a slice.
    #[inline(always)]
    fn write(self, to: &mut [f64]) {
        assert!(to.len() >= Self::WIDTH);
        // SAFETY: the slice holds at least `WIDTH` numbers.
        unsafe { self.store(to.as_mut_ptr()) }
    }
}

/// A vector of unsigned 64-bit integers; arithmetic wraps.
pub(crate) trait Bits:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + From<u64>
{
    /// The product of the low 32 bits of each.
    fn mul_low(self, other: Self) -> Self;
    /// Shift to the left by a constant.
    fn shl<const BY: u32>(self) -> Self;
    /// Logical shift to the right by a constant.
    fn shr<const BY: u32>(self) -> Self;
    /// Reads the first integers of a slice.
    fn read(from: &[u64]) -> Self;
    /// Writes to the front of a slice.
    fn write(self, to: &mut [u64]);
}

/// Calls `$run::<V, ..>(args)` compiled for a level: `dispatch!(level, run, [types], (argument: type, ..))`.
///
/// `$run` must be generic over a [`Vector`] first and be `#[inline(always)]`. The types in brackets must be concrete
/// or parameters in scope that are repeated as `[Name: Bound]`.
macro_rules! dispatch {
    ($level:expr, $run:ident, [$($generic:ident : $bound:path),*], [$($concrete:ty),*],
     ($($arg:ident : $type:ty),* $(,)?)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2<$($generic: $bound),*>($($arg: $type),*) {
            $run::<$crate::simd::Avx2 $(, $generic)* $(, $concrete)*>($($arg),*);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,fma")]
        fn avx512<$($generic: $bound),*>($($arg: $type),*) {
            $run::<$crate::simd::Avx512 $(, $generic)* $(, $concrete)*>($($arg),*);
        }
        match $level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a kernel is only asked for a level of `Level::available`, which asked the processor.
            #[allow(unsafe_code)]
            $crate::simd::Level::Avx512 => unsafe { avx512::<$($generic),*>($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            #[allow(unsafe_code)]
            $crate::simd::Level::Avx2 => unsafe { avx2::<$($generic),*>($($arg),*) },
            _ => $run::<$crate::simd::Portable<4> $(, $generic)* $(, $concrete)*>($($arg),*),
        }
    }};
}
pub(crate) use dispatch;
