//! Products with single rows of a matrix, striped over 16 partial sums: the same on every vector width.

#![allow(unsafe_code)]

use crate::float::Float;
use crate::simd::{Level, STRIPES, Stripes, Vector, dispatch};

/// `out_k = row_k . beta - y_k` for the rows that are named, of a matrix whose rows are as long as beta: a multiple of
/// the stripes.
pub(super) fn residuals<F: Float>(
    level: Level,
    rows: &[F],
    members: &[usize],
    beta: &[F],
    y: &[F],
    out: &mut [F],
) {
    dispatch!(level, residuals_with, F, [],
        (rows: &[F], members: &[usize], beta: &[F], y: &[F], out: &mut [F]));
}

#[inline(always)]
fn residuals_with<V: Vector>(
    rows: &[V::Float],
    members: &[usize],
    beta: &[V::Float],
    y: &[V::Float],
    out: &mut [V::Float],
) {
    let stride = beta.len();
    for (out, i) in out.iter_mut().zip(members) {
        let row = &rows[i * stride..(i + 1) * stride];
        assert!(row.len() == beta.len() && row.len().is_multiple_of(STRIPES));
        let mut sums = Stripes::<V>::zero();
        for at in (0..row.len()).step_by(STRIPES) {
            for k in 0..Stripes::<V>::VECTORS {
                let place = at + k * V::WIDTH;
                // SAFETY: both slices are whole multiples of the stripes long.
                let (x, b) = unsafe { (V::load(row.as_ptr().add(place)), V::load(beta.as_ptr().add(place))) };
                sums.add(k, x, b);
            }
        }
        *out = sums.total() - y[*i];
    }
}

/// `out_j = sum_k w_k x_(i_k) j`, one chain over the rows that are named for every entry of a row.
pub(super) fn pull<F: Float>(level: Level, rows: &[F], members: &[usize], weights: &[F], out: &mut [F]) {
    dispatch!(level, pull_with, F, [], (rows: &[F], members: &[usize], weights: &[F], out: &mut [F]));
}

#[inline(always)]
fn pull_with<V: Vector>(rows: &[V::Float], members: &[usize], weights: &[V::Float], out: &mut [V::Float]) {
    let stride = out.len();
    assert!(stride.is_multiple_of(V::WIDTH) && members.iter().all(|i| (i + 1) * stride <= rows.len()));
    for at in (0..stride).step_by(V::WIDTH) {
        let mut sum = V::from(0.0);
        for (i, w) in members.iter().zip(weights) {
            // SAFETY: members are rows, and places are within a row.
            let x = unsafe { V::load(rows.as_ptr().add(i * stride + at)) };
            sum = x.mul_add(V::splat(*w), sum);
        }
        sum.write(&mut out[at..]);
    }
}
