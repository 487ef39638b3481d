//! Arrays that begin at a cache line, so that no vector of the kernels lies across two.

use std::ops::{Deref, DerefMut};

const CACHE_LINE_BYTES: usize = 64;

/// Numbers of which the first stands at the beginning of a cache line.
#[derive(Debug)]
pub(crate) struct Aligned<F> {
    numbers: Vec<F>,
    offset: usize,
    length: usize,
}

impl<F: Copy + Default> Aligned<F> {
    /// So many zeros.
    pub(crate) fn zeros(length: usize) -> Self {
        let line = CACHE_LINE_BYTES / size_of::<F>();
        let numbers = vec![F::default(); if length == 0 { 0 } else { length + line }];
        // Where an array cannot be aligned, it works all the same.
        let offset = numbers.as_ptr().align_offset(CACHE_LINE_BYTES).min(numbers.len() - length);
        Self { numbers, offset, length }
    }

    /// A copy of these numbers.
    pub(crate) fn copy_of(numbers: &[F]) -> Self {
        let mut copy = Self::zeros(numbers.len());
        copy.copy_from_slice(numbers);
        copy
    }
}

impl<F> Deref for Aligned<F> {
    type Target = [F];
    #[inline(always)]
    fn deref(&self) -> &[F] {
        &self.numbers[self.offset..self.offset + self.length]
    }
}

impl<F> DerefMut for Aligned<F> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [F] {
        &mut self.numbers[self.offset..self.offset + self.length]
    }
}

impl<F: Copy + Default> Clone for Aligned<F> {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_their_copies_begin_at_a_cache_line() {
        for length in [0, 1, 7, 64, 1001] {
            let numbers: Vec<f64> = (0..length).map(f64::from).collect();
            let array = Aligned::copy_of(&numbers);
            for copy in [&array, &array.clone()] {
                assert_eq!(copy[..], numbers);
                assert!(length == 0 || (copy.as_ptr() as usize).is_multiple_of(CACHE_LINE_BYTES));
            }
        }
    }
}
