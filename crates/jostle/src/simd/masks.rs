//! Choices between numbers by masks: all bits or none of each number.

use super::{Bits, Vector};
use crate::random::Normal;

/// All bits of every number.
#[inline(always)]
pub(super) fn ones<V: Vector>() -> V::Bits {
    V::Bits::from(0) - V::Bits::from(1)
}

/// All bits where a number has a minus sign, none elsewhere.
#[inline(always)]
pub(crate) fn is_negative<V: Vector>(x: V) -> V::Bits {
    V::Bits::from(0) - x.to_bits().shr(V::Float::WORD_BITS - 1)
}

/// One number where all bits of the mask are set, the other where none is.
#[inline(always)]
pub(crate) fn select<V: Vector>(mask: V::Bits, yes: V, no: V) -> V {
    V::from_bits((yes.to_bits() & mask) | (no.to_bits() & (mask ^ ones::<V>())))
}
