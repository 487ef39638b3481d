//! Sums over all pairs of samples, from one pass over the kernel.

use super::KernelSource;
use crate::float::Float;
use crate::simd::{Level, Simd, Vector, dispatch};
use rayon::prelude::*;
use std::ops::{Add, Range};

/// What the geometry of a point is made of: sums over all pairs of samples `i, k` of the blocks `K_ik` (c x c) of a
/// kernel, and of the residuals `r_i` (c). Those of a sum of kernels are not the sums of theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// `Tr K`.
    pub trace: f64,
    /// `|K|_F^2`.
    pub squares: f64,
    /// `sum_i |K_ii|_F^2`.
    pub block_squares: f64,
    /// `sum_i r_i' K_ii r_i`.
    pub noise: f64,
    /// `sum_ik |K_ki r_i|^2`.
    pub pulled: f64,
    /// `sum_ik (r_i' K_ik r_k)^2`.
    pub gram: f64,
}

impl Add for Sums {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            trace: self.trace + other.trace,
            squares: self.squares + other.squares,
            block_squares: self.block_squares + other.block_squares,
            noise: self.noise + other.noise,
            pulled: self.pulled + other.pulled,
            gram: self.gram + other.gram,
        }
    }
}

impl Sums {
    /// One pass over the kernel, block by block on all threads; the blocks' sums are added in order.
    pub(super) fn of_blocks(source: &(impl KernelSource + ?Sized), residuals: &[f64]) -> Self {
        let (n, c, step) = (source.samples(), source.outputs(), source.samples_of_a_block());
        let starts: Vec<usize> = (0..n).step_by(step).collect();
        let pairs: Vec<_> = starts.iter().flat_map(|i| starts.iter().map(move |k| (*i, *k))).collect();
        let pairs: Vec<_> = pairs.into_iter().filter(|(i, k)| k <= i).collect();
        let measured =
            pairs.par_iter().map_init(Default::default, |(block, tile): &mut (Vec<_>, Vec<_>), (i, k)| {
                let (rows, columns) = (*i..n.min(i + step), *k..n.min(k + step));
                block.resize(c * c * rows.len() * columns.len(), 0.0);
                source.block(rows.clone(), columns.clone(), block);
                if c == 1 {
                    return Self::of_tile(1, block, rows, columns, residuals);
                }
                output_by_output(c, block, rows.len(), columns.len(), tile);
                Self::of_tile(c, tile, rows, columns, residuals)
            });
        let measured: Vec<Self> = measured.collect();
        measured.into_iter().fold(Self::default(), Self::add)
    }

    /// The share of the block of the kernel between two ranges of samples, which is on the diagonal or below it, and of
    /// its mirror image. Within the tile outputs come first: `K_ik` has its entry `(a, b)` in row `a rows.len() + i` and
    /// column `b columns.len() + k`, counted from the first samples. `residuals` (nc) are those of all samples.
    ///
    /// # Panics
    /// If the arrays have other lengths.
    pub fn of_tile(
        outputs: usize,
        tile: &[f64],
        rows: Range<usize>,
        columns: Range<usize>,
        residuals: &[f64],
    ) -> Self {
        let (mut sums, width) = (Self::default(), columns.len());
        assert_eq!(tile.len(), outputs * outputs * rows.len() * width, "a tile has all pairs of its samples");
        let of = |samples: Range<usize>| -> Vec<f64> {
            let residuals = &residuals[outputs * samples.start..outputs * samples.end];
            (0..outputs).flat_map(|a| residuals[a..].iter().step_by(outputs).copied()).collect()
        };
        let (left, right) = (of(rows.clone()), of(columns.clone()));
        let is_diagonal = rows.start == columns.start;
        let mut by_column = vec![0.0; 3 * width];
        add_up(Level::detect(), outputs, tile, &left, &right, is_diagonal, &mut by_column);
        let [squares, pulled, gram] = [0, 1, 2].map(|k| by_column[k * width..][..width].iter().sum::<f64>());
        let weight = if is_diagonal { 1.0 } else { 2.0 };
        (sums.squares, sums.pulled, sums.gram) = (weight * squares, pulled, weight * gram);
        if is_diagonal {
            let side = outputs * width;
            for i in 0..width {
                for a in 0..outputs {
                    let row = &tile[(a * width + i) * side..][..side];
                    sums.trace += row[a * width + i];
                    sums.block_squares += row[i..].iter().step_by(width).map(|k| k * k).sum::<f64>();
                    let image: f64 = (0..outputs).map(|b| row[b * width + i] * right[b * width + i]).sum();
                    sums.noise += left[a * width + i] * image;
                }
            }
        }
        sums
    }
}

/// From outputs side by side to samples side by side.
fn output_by_output(c: usize, block: &[f64], rows: usize, columns: usize, tile: &mut Vec<f64>) {
    tile.resize(block.len(), 0.0);
    for (from, values) in block.chunks_exact(c * columns).enumerate() {
        let row = from % c * rows + from / c;
        for (b, out) in tile[row * c * columns..][..c * columns].chunks_exact_mut(columns).enumerate() {
            out.iter_mut().zip(values[b..].iter().step_by(c)).for_each(|(out, value)| *out = *value);
        }
    }
}

/// `|K|_F^2`, `|K_ki r_i|^2` (with the mirror image where the tile is not on the diagonal) and `(r_i' K_ik r_k)^2`, each
/// added up for every column sample `k` (3 x samples).
fn add_up<F: Float>(
    level: Level,
    outputs: usize,
    tile: &[F],
    left: &[F],
    right: &[F],
    is_diagonal: bool,
    by_column: &mut [F],
) {
    dispatch!(level, add_up_columns, F, [],
        (outputs: usize, tile: &[F], left: &[F], right: &[F], is_diagonal: bool, by_column: &mut [F]));
}

#[inline(always)]
fn add_up_columns<V: Vector>(
    outputs: usize,
    tile: &[V::Float],
    left: &[V::Float],
    right: &[V::Float],
    is_diagonal: bool,
    by_column: &mut [V::Float],
) {
    let width = right.len() / outputs;
    let whole = width / V::WIDTH * V::WIDTH;
    let mut back = vec![V::from(0.0); outputs];
    for k in (0..whole).step_by(V::WIDTH) {
        add_up_column(k, tile, left, right, is_diagonal, &mut back, by_column);
    }
    let mut back = vec![<V::Float as Simd>::Single::from(0.0); outputs];
    for k in whole..width {
        add_up_column(k, tile, left, right, is_diagonal, &mut back, by_column);
    }
}

/// A vector of column samples from `k` on; `back` has room for one vector an output.
#[inline(always)]
fn add_up_column<V: Vector>(
    k: usize,
    tile: &[V::Float],
    left: &[V::Float],
    right: &[V::Float],
    is_diagonal: bool,
    back: &mut [V],
    by_column: &mut [V::Float],
) {
    let outputs = back.len();
    let (height, width) = (left.len() / outputs, right.len() / outputs);
    let [mut squares, mut pulled, mut gram] = [V::from(0.0); 3];
    for i in 0..height {
        back.fill(V::from(0.0));
        let mut form = V::from(0.0);
        for a in 0..outputs {
            let row = &tile[(a * height + i) * outputs * width..][..outputs * width];
            let residual = V::splat(left[a * height + i]);
            let mut image = V::from(0.0);
            for (b, back) in back.iter_mut().enumerate() {
                let entry = V::read(&row[b * width + k..]);
                squares = entry.mul_add(entry, squares);
                image = entry.mul_add(V::read(&right[b * width + k..]), image);
                *back = entry.mul_add(residual, *back);
            }
            pulled = image.mul_add(image, pulled);
            form = residual.mul_add(image, form);
        }
        gram = form.mul_add(form, gram);
        if !is_diagonal {
            for image in &*back {
                pulled = image.mul_add(*image, pulled);
            }
        }
    }
    for (sum, total) in [squares, pulled, gram].into_iter().zip(by_column.chunks_exact_mut(width)) {
        sum.write(&mut total[k..]);
    }
}
