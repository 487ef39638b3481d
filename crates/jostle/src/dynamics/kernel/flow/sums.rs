//! Sums of arrays: the combinations of a step, and running time averages.

use crate::float::Float;
use crate::simd::{Level, Vector, dispatch};

/// The running time average of the coefficients (d x lanes): sums of some steps, and of all before.
#[derive(Clone)]
pub(super) struct Average<F> {
    sums: Vec<F>,
    totals: Vec<f64>,
    count: u64,
}

/// Steps that are summed before they are added to the totals.
const SUMMED: u64 = 64;

impl<F: Float> Average<F> {
    pub(super) fn new(entries: usize) -> Self {
        Self { sums: vec![F::default(); entries], totals: vec![0.0; entries], count: 0 }
    }

    pub(super) fn add(&mut self, beta: &[F]) {
        self.sums.iter_mut().zip(beta).for_each(|(sum, b)| *sum += *b);
        self.count += 1;
        if self.count.is_multiple_of(SUMMED) {
            for (total, sum) in self.totals.iter_mut().zip(&mut self.sums) {
                *total += (*sum).into();
                *sum = F::default();
            }
        }
    }

    /// Adds the same coefficients for many steps.
    pub(super) fn hold(&mut self, beta: &[F], steps: u64) {
        self.count += steps;
        for (total, b) in self.totals.iter_mut().zip(beta) {
            *total += steps as f64 * (*b).into();
        }
    }

    pub(super) fn clear(&mut self, lane: usize, lanes: usize) {
        self.sums.iter_mut().skip(lane).step_by(lanes).for_each(|sum| *sum = F::default());
    }

    /// The average (d) in one lane, once there is one.
    pub(super) fn of_lane(&self, lane: usize, lanes: usize, dim: usize) -> Option<Vec<f64>> {
        let entries = self.sums.iter().zip(&self.totals).skip(lane).step_by(lanes).take(dim);
        let mean = |(sum, total): (&F, &f64)| (total + (*sum).into()) / self.count as f64;
        (self.count > 0).then(|| entries.map(mean).collect())
    }
}

/// A sum of an array and multiples of others, each added by one fused multiply-add.
pub(super) struct Sum<'a, F> {
    start: &'a [F],
    terms: [(F, &'a [F]); MOST_TERMS],
    count: usize,
}

/// The stages of a scheme, and the noise.
const MOST_TERMS: usize = 5;

impl<'a, F: Float> Sum<'a, F> {
    pub(super) fn new(start: &'a [F]) -> Self {
        Self { start, terms: [(F::default(), start); MOST_TERMS], count: 0 }
    }

    /// Adds a multiple of an array; nothing if it is empty or the factor is zero.
    pub(super) fn add(&mut self, factor: F, array: &'a [F]) {
        if factor != F::default() && !array.is_empty() {
            self.terms[self.count] = (factor, array);
            self.count += 1;
        }
    }

    pub(super) fn write(&self, level: Level, out: &mut [F]) {
        let (start, terms) = (self.start, &self.terms[..self.count]);
        dispatch!(level, sum, F, [], (start: &[F], terms: &[(F, &[F])], out: &mut [F]));
    }
}

#[inline(always)]
fn sum<V: Vector>(start: &[V::Float], terms: &[(V::Float, &[V::Float])], out: &mut [V::Float]) {
    for at in (0..out.len()).step_by(V::WIDTH) {
        let mut value = V::read(&start[at..]);
        for (factor, array) in terms {
            value = V::read(&array[at..]).mul_add(V::splat(*factor), value);
        }
        value.write(&mut out[at..]);
    }
}
