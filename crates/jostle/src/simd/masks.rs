//! Choices between numbers by masks: all bits or none of each number.

use super::{Bits, Vector};
use crate::random::Normal;

#[inline(always)]
pub(super) fn ones<V: Vector>() -> V::Bits {
    V::Bits::from(0) - V::Bits::from(1)
}

/// All bits where a number is below zero, none elsewhere.
#[inline(always)]
pub(super) fn is_negative<V: Vector>(x: V) -> V::Bits {
    V::Bits::from(0) - x.to_bits().shr(V::Float::WORD_BITS - 1)
}

#[inline(always)]
pub(super) fn select<V: Vector>(mask: V::Bits, yes: V, no: V) -> V {
    V::from_bits((yes.to_bits() & mask) | (no.to_bits() & (mask ^ ones::<V>())))
}
