//! Products of a matrix with one replica: a vector of chains of fused multiply-adds for every vector of entries.

#![allow(unsafe_code)]

use super::data::Padded;
use crate::float::Float;
use crate::simd::{Level, Vector, dispatch};

/// `out_k += sum_i factors_i matrix_ik`, one chain over the rows for each of the first `used` entries (or with
/// `matrix_ik^2`).
pub(super) fn chains<F: Float>(
    level: Level,
    matrix: &Padded<F>,
    used: usize,
    factors: &[F],
    out: &mut [F],
    squared: bool,
) {
    if squared {
        dispatch!(level, all_squared, F, [], (matrix: &Padded<F>, used: usize, factors: &[F], out: &mut [F]));
    } else {
        dispatch!(level, all_plain, F, [], (matrix: &Padded<F>, used: usize, factors: &[F], out: &mut [F]));
    }
}

#[inline(always)]
fn all_plain<V: Vector>(matrix: &Padded<V::Float>, used: usize, factors: &[V::Float], out: &mut [V::Float]) {
    all::<V, false>(matrix, used, factors, out);
}

#[inline(always)]
fn all_squared<V: Vector>(
    matrix: &Padded<V::Float>,
    used: usize,
    factors: &[V::Float],
    out: &mut [V::Float],
) {
    all::<V, true>(matrix, used, factors, out);
}

/// Chains that are summed side by side: enough to hide the latency of a fused multiply-add, and few enough for the
/// registers of every level.
const MOST_CHAINS: usize = 10;

#[inline(always)]
fn all<V: Vector, const SQUARED: bool>(
    matrix: &Padded<V::Float>,
    used: usize,
    factors: &[V::Float],
    out: &mut [V::Float],
) {
    let rows = matrix.numbers();
    assert!(out.len() == matrix.stride && used <= out.len() && rows.len() == factors.len() * matrix.stride);
    let vectors = used.div_ceil(V::WIDTH);
    let parts = vectors.div_ceil(MOST_CHAINS);
    let mut from = 0;
    for part in 0..parts {
        let taken = vectors / parts + usize::from(part < vectors % parts);
        macro_rules! tile_of {
            ($($size:literal)*) => {
                match taken {
                    // SAFETY: the vectors from .. from + taken lie within the stride, which is the length of out.
                    $($size => unsafe { tile::<V, $size, SQUARED>(rows, factors, out, from * V::WIDTH) },)*
                    _ => unreachable!("no part has more vectors"),
                }
            };
        }
        tile_of!(1 2 3 4 5 6 7 8 9 10);
        from += taken;
    }
}

/// The chains of the `TILE` vectors of entries that begin at `from`.
#[inline(always)]
unsafe fn tile<V: Vector, const TILE: usize, const SQUARED: bool>(
    rows: &[V::Float],
    factors: &[V::Float],
    out: &mut [V::Float],
    from: usize,
) {
    // SAFETY: the caller promises that the vectors lie within out, and that rows holds as long a row for each factor.
    unsafe {
        let mut sums: [V; TILE] = std::array::from_fn(|k| V::load(out.as_ptr().add(from + k * V::WIDTH)));
        for (i, factor) in factors.iter().enumerate() {
            let row = rows.as_ptr().add(i * out.len() + from);
            let factor = V::splat(*factor);
            for k in 0..TILE {
                let entry = V::load(row.add(k * V::WIDTH));
                sums[k] = (if SQUARED { entry * entry } else { entry }).mul_add(factor, sums[k]);
            }
        }
        for (k, sum) in sums.into_iter().enumerate() {
            sum.store(out.as_mut_ptr().add(from + k * V::WIDTH));
        }
    }
}
