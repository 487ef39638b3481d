//! The floating-point formats that trajectories are computed in.

use crate::random::Normal;
use crate::simd::Simd;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// The name of a floating-point format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// 64 bits, 53 of them significant.
    #[default]
    F64,
    /// 32 bits, 24 of them significant: twice the numbers in a vector.
    F32,
}

impl Precision {
    /// The names that an experiment file uses.
    pub const NAMES: &'static [&'static str] = &["f64", "f32"];

    /// The format of one of [`Precision::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "f64" => Some(Self::F64),
            "f32" => Some(Self::F32),
            _ => None,
        }
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
        }
    }
}

impl Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
        })
    }
}

/// A type that exists once for each precision, such as the reference to a trait that is generic over it.
pub trait PerPrecision {
    /// The type of one precision.
    type Of<F: Float>;
}

/// `f64` or `f32`: what a step is written over, so that both precisions run the same code.
pub trait Float:
    Copy
    + Debug
    + Default
    + PartialEq
    + PartialOrd
    + Into<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
    + Send
    + Sync
    + Simd
    + Normal
    + 'static
{
    /// The name of the format.
    const PRECISION: Precision;

    /// The one of two values that is of this precision: how generic code reaches what was made for both.
    fn select<T: PerPrecision>(double: T::Of<f64>, single: T::Of<f32>) -> T::Of<Self>;

    /// The nearest number of this format.
    fn of(value: f64) -> Self;

    /// `self * factor + summand`, rounded once.
    #[must_use]
    fn mul_add(self, factor: Self, summand: Self) -> Self;

    /// The square root.
    #[must_use]
    fn sqrt(self) -> Self;

    /// The absolute value.
    #[must_use]
    fn abs(self) -> Self;
}

macro_rules! float {
    ($float:ident, $precision:expr, $double:pat, $single:pat => $selected:expr) => {
        impl Float for $float {
            const PRECISION: Precision = $precision;
            #[inline(always)]
            fn select<T: PerPrecision>($double: T::Of<f64>, $single: T::Of<f32>) -> T::Of<Self> {
                $selected
            }
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $float
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, summand: Self) -> Self {
                $float::mul_add(self, factor, summand)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $float::abs(self)
            }
        }
    };
}

float!(f64, Precision::F64, value, _ => value);
float!(f32, Precision::F32, _, value => value);
