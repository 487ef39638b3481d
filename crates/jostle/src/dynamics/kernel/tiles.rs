//! Products of a matrix with replicas side by side: tiles of rows (or columns) times one or two vectors of replicas stay
//! in registers, and the entries of the matrix are broadcast.

#![allow(unsafe_code)]

use crate::float::Float;
use crate::simd::{Level, Vector, dispatch};

/// `residuals (n x lanes) += X beta` for a row-major `X` (n x columns) and `beta` (columns x lanes), each entry by a
/// chain of fused multiply-adds over the columns; with labels `y` (n), residuals begin at `-y`. There are one or two
/// vectors of lanes.
pub(super) fn push<F: Float>(
    level: Level,
    lanes: usize,
    x: &[F],
    beta: &[F],
    y: Option<&[F]>,
    residuals: &mut [F],
) {
    dispatch!(level, push_vectors, F, [],
        (lanes: usize, x: &[F], beta: &[F], y: Option<&[F]>, residuals: &mut [F]));
}

/// `out (columns x lanes) = X' w` for a row-major `X` (n x columns) and `w` (n x lanes), each entry by a chain over the
/// rows. With `ahead`, what stands so many entries
/// further in memory is asked for ahead of its use.
pub(super) fn pull<F: Float>(
    level: Level,
    lanes: usize,
    x: &[F],
    w: &[F],
    out: &mut [F],
    ahead: Option<usize>,
) {
    dispatch!(level, pull_vectors, F, [], (lanes: usize, x: &[F], w: &[F], out: &mut [F], ahead: Option<usize>));
}

#[inline(always)]
fn push_vectors<V: Vector>(
    lanes: usize,
    x: &[V::Float],
    beta: &[V::Float],
    y: Option<&[V::Float]>,
    residuals: &mut [V::Float],
) {
    if lanes == V::WIDTH {
        push_all::<V, 1>(x, beta, y, residuals);
    } else {
        push_all::<V, 2>(x, beta, y, residuals);
    }
}

#[inline(always)]
fn pull_vectors<V: Vector>(
    lanes: usize,
    x: &[V::Float],
    w: &[V::Float],
    out: &mut [V::Float],
    ahead: Option<usize>,
) {
    if lanes == V::WIDTH {
        pull_all::<V, 1>(x, w, out, ahead);
    } else {
        pull_all::<V, 2>(x, w, out, ahead);
    }
}

/// Runs `$body` with the largest tiles that fit, from `0` to `$count`. There are registers for ten vectors of sums.
macro_rules! in_tiles {
    ($count:expr, $vectors:expr, |$from:ident, $size:ident| $body:expr) => {{
        let mut $from = 0;
        macro_rules! tiles {
            ($tile:literal) => {
                while $count - $from >= $tile {
                    const $size: usize = $tile;
                    $body;
                    $from += $tile;
                }
            };
        }
        if $vectors == 1 {
            tiles!(10);
        }
        tiles!(5);
        tiles!(1);
    }};
}

#[inline(always)]
fn push_all<V: Vector, const VECTORS: usize>(
    x: &[V::Float],
    beta: &[V::Float],
    y: Option<&[V::Float]>,
    residuals: &mut [V::Float],
) {
    let lanes = VECTORS * V::WIDTH;
    let (n, columns) = (residuals.len() / lanes, beta.len() / lanes);
    assert!(x.len() == n * columns && residuals.len() == n * lanes && beta.len() == columns * lanes);
    assert!(y.is_none_or(|y| y.len() == n));
    in_tiles!(n, VECTORS, |from, TILE| {
        // SAFETY: the rows from .. from + TILE exist, and the lengths of the arrays were checked above.
        unsafe { push_tile::<V, TILE, VECTORS>(x, beta, y, residuals, from) }
    });
}

#[inline(always)]
unsafe fn push_tile<V: Vector, const TILE: usize, const VECTORS: usize>(
    x: &[V::Float],
    beta: &[V::Float],
    y: Option<&[V::Float]>,
    residuals: &mut [V::Float],
    from: usize,
) {
    let lanes = VECTORS * V::WIDTH;
    let columns = beta.len() / lanes;
    // SAFETY: rows from .. from + TILE of x and of the residuals, and all rows of beta, exist.
    unsafe {
        let rows = x.as_ptr().add(from * columns);
        let place = |i: usize, v: usize| (from + i) * lanes + v * V::WIDTH;
        let mut sums = [[V::from(0.0); VECTORS]; TILE];
        for i in 0..TILE {
            for v in 0..VECTORS {
                sums[i][v] = match y {
                    Some(y) => V::splat(-*y.get_unchecked(from + i)),
                    None => V::load(residuals.as_ptr().add(place(i, v))),
                };
            }
        }
        for j in 0..columns {
            let b: [V; VECTORS] =
                std::array::from_fn(|v| V::load(beta.as_ptr().add(j * lanes + v * V::WIDTH)));
            for i in 0..TILE {
                let entry = V::splat(*rows.add(i * columns + j));
                for v in 0..VECTORS {
                    sums[i][v] = entry.mul_add(b[v], sums[i][v]);
                }
            }
        }
        for i in 0..TILE {
            for v in 0..VECTORS {
                sums[i][v].store(residuals.as_mut_ptr().add(place(i, v)));
            }
        }
    }
}

#[inline(always)]
fn pull_all<V: Vector, const VECTORS: usize>(
    x: &[V::Float],
    w: &[V::Float],
    out: &mut [V::Float],
    ahead: Option<usize>,
) {
    let lanes = VECTORS * V::WIDTH;
    let (n, columns) = (w.len() / lanes, out.len() / lanes);
    assert!(x.len() == n * columns && w.len() == n * lanes && out.len() == columns * lanes);
    in_tiles!(columns, VECTORS, |from, TILE| {
        // SAFETY: the columns from .. from + TILE exist, and the lengths of the arrays were checked above.
        unsafe { pull_tile::<V, TILE, VECTORS>(x, w, out, from, ahead) }
    });
}

#[inline(always)]
unsafe fn pull_tile<V: Vector, const TILE: usize, const VECTORS: usize>(
    x: &[V::Float],
    w: &[V::Float],
    out: &mut [V::Float],
    from: usize,
    ahead: Option<usize>,
) {
    let lanes = VECTORS * V::WIDTH;
    let (n, columns) = (w.len() / lanes, out.len() / lanes);
    let mut sums = [[V::from(0.0); VECTORS]; TILE];
    // SAFETY: columns from .. from + TILE of x and rows of out, and all rows of w, exist.
    unsafe {
        for i in 0..n {
            let weights: [V; VECTORS] =
                std::array::from_fn(|v| V::load(w.as_ptr().add(i * lanes + v * V::WIDTH)));
            let row = x.as_ptr().add(i * columns + from);
            if let Some(ahead) = ahead {
                V::prefetch(row.wrapping_add(ahead));
            }
            for j in 0..TILE {
                let entry = V::splat(*row.add(j));
                for v in 0..VECTORS {
                    sums[j][v] = entry.mul_add(weights[v], sums[j][v]);
                }
            }
        }
        for j in 0..TILE {
            for v in 0..VECTORS {
                sums[j][v].store(out.as_mut_ptr().add((from + j) * lanes + v * V::WIDTH));
            }
        }
    }
}
