//! Sums of products that are the same on every vector width: striped over 16 partial sums.

use super::Vector;

/// Partial sums of a row product; entry `j` goes to sum `j mod 16`.
pub(crate) const STRIPES: usize = 16;
/// Vectors that hold the partial sums, at most.
const MOST_VECTORS: usize = 4;

/// The partial sums of a row product.
#[derive(Clone, Copy)]
pub(crate) struct Stripes<V>([V; MOST_VECTORS]);

impl<V: Vector> Stripes<V> {
    /// Vectors that hold the partial sums.
    pub(crate) const VECTORS: usize = STRIPES / V::WIDTH;

    #[inline(always)]
    pub(crate) fn zero() -> Self {
        Self([V::from(0.0); MOST_VECTORS])
    }

    /// Adds the products of a vector of entries to one vector of sums.
    #[inline(always)]
    pub(crate) fn add(&mut self, vector: usize, x: V, beta: V) {
        self.0[vector] = x.mul_add(beta, self.0[vector]);
    }

    /// Puts one vector of sums.
    #[inline(always)]
    pub(crate) fn set(&mut self, vector: usize, sums: V) {
        self.0[vector] = sums;
    }

    /// The sum: partial sum `k` is added to `k + 8`, then to `k + 4`, `k + 2` and `k + 1`.
    #[inline(always)]
    pub(crate) fn total(mut self) -> V::Float {
        let mut left = Self::VECTORS;
        while left > 1 {
            left /= 2;
            for k in 0..left {
                self.0[k] = self.0[k] + self.0[k + left];
            }
        }
        self.0[0].sum()
    }
}
