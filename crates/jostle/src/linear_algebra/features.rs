//! A kernel by its features in the eigenbasis of the curvature, and the two products that the mean-square dynamics need.
//!
//! `F` (nc x r) has `F F' = K` and `F' F` diagonal: column `k` is the k-th eigenvector of the kernel times the root of
//! its eigenvalue. Rows come in groups of `c`, one group a sample.

use super::eigen::finite;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};
use rayon::prelude::*;
use std::ops::Range;

/// Side of the square pieces that products are computed in: one product is a task, and lies in the cache.
const TILE: usize = 256;

/// The features `F` (nc x r) of a kernel in its eigenbasis.
pub(crate) struct Features {
    rows: Mat<f64>,
    outputs: usize,
    eigenvalues: Vec<f64>,
    extremes: (f64, f64),
}

impl Features {
    /// The features of a kernel (nc x nc): one symmetric eigen-decomposition. `None` if that fails.
    pub(crate) fn of_kernel(kernel: &[f64], outputs: usize) -> Option<Self> {
        let side = kernel.len().isqrt();
        let kernel = finite(MatRef::from_column_major_slice(kernel, side, side))?;
        let eigen = kernel.self_adjoint_eigen(Side::Lower).ok()?;
        let eigenvalues: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
        let (kept, extremes) = kept(&eigenvalues, side);
        let vectors = eigen.U();
        let rows = Mat::from_fn(side, kept.len(), |i, k| vectors[(i, kept[k])] * eigenvalues[kept[k]].sqrt());
        let eigenvalues = kept.iter().map(|k| eigenvalues[*k]).collect();
        Some(Self { rows, outputs, eigenvalues, extremes })
    }

    /// The features of a Jacobian (nc x p, row major) with few parameters: decomposes `J' J` (p x p) instead.
    pub(crate) fn of_jacobian(jacobian: &[f64], params: usize, outputs: usize) -> Option<Self> {
        let j = MatRef::from_row_major_slice(jacobian, jacobian.len() / params, params);
        let gram = j.transpose() * j;
        let eigen = finite(gram.as_ref())?.self_adjoint_eigen(Side::Lower).ok()?;
        let eigenvalues: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
        let (kept, extremes) = kept(&eigenvalues, params);
        let vectors = Mat::from_fn(params, kept.len(), |i, k| eigen.U()[(i, kept[k])]);
        let eigenvalues = kept.iter().map(|k| eigenvalues[*k]).collect();
        Some(Self { rows: j * vectors, outputs, eigenvalues, extremes })
    }

    /// Outputs of a sample, `c`.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The eigenvalues of the kernel (r) that count as positive, in decreasing order.
    pub(crate) fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// The smallest and the largest of all eigenvalues; the smallest is negative by rounding, or because the kernel was
    /// none.
    pub(crate) fn extremes(&self) -> (f64, f64) {
        self.extremes
    }

    /// Column `k` of `F` (nc).
    pub(crate) fn column(&self, k: usize) -> &[f64] {
        column_of(&self.rows, k)
    }

    /// The diagonal blocks of `F diag(weights) F'` (n blocks c x c); those of the kernel with all weights one.
    pub(crate) fn blocks(&self, weights: &[f64]) -> Vec<f64> {
        let c = self.outputs;
        let mut blocks = vec![0.0; self.rows.nrows() * c];
        for (k, weight) in weights.iter().enumerate() {
            for (row, block) in self.column(k).chunks_exact(c).zip(blocks.chunks_exact_mut(c * c)) {
                for a in 0..c {
                    for b in 0..c {
                        block[a * c + b] += weight * row[a] * row[b];
                    }
                }
            }
        }
        blocks
    }

    /// `F' diag(Q) F` (r x r) for symmetric blocks `Q` (n blocks c x c) along the diagonal.
    pub(crate) fn gram(&self, blocks: &[f64]) -> Tiles {
        let weighted = self.weighted(blocks);
        let rows = self.rows.nrows();
        Tiles::from_tiles(self.rows.ncols(), |i, j| {
            let left = self.rows.submatrix(0, i.start, rows, i.len());
            let mut tile = vec![0.0; i.len() * j.len()];
            matmul(
                MatMut::from_column_major_slice_mut(&mut tile, i.len(), j.len()),
                Accum::Replace,
                left.transpose(),
                weighted.submatrix(0, j.start, rows, j.len()),
                1.0,
                Par::Seq,
            );
            tile
        })
    }

    /// The diagonal blocks of `F Z F'` (n blocks c x c).
    pub(crate) fn diagonal_blocks(&self, z: &Tiles) -> Vec<f64> {
        let c = self.outputs;
        let group = (TILE / c).max(1) * c;
        let groups = self.rows.nrows().div_ceil(group);
        let parts = each(groups, |g| {
            let range = g * group..self.rows.nrows().min((g + 1) * group);
            let mut blocks = vec![0.0; range.len() * c];
            for j in 0..z.along() {
                let columns = z.range(j);
                let mut image = Mat::<f64>::zeros(range.len(), columns.len());
                for i in j..z.along() {
                    let between = z.range(i);
                    let left = self.rows.submatrix(range.start, between.start, range.len(), between.len());
                    let factor = if i == j { 1.0 } else { 2.0 };
                    matmul(image.as_mut(), Accum::Add, left, z.tile(i, j), factor, Par::Seq);
                }
                for (k, column) in columns.enumerate() {
                    let features = self.column(column)[range.clone()].chunks_exact(c);
                    let image = column_of(&image, k).chunks_exact(c);
                    for ((block, features), image) in blocks.chunks_exact_mut(c * c).zip(features).zip(image)
                    {
                        for a in 0..c {
                            for b in 0..c {
                                block[a * c + b] += image[a] * features[b];
                            }
                        }
                    }
                }
            }
            // The tiles off the diagonal were doubled instead of transposed.
            for block in blocks.chunks_mut(c * c) {
                for a in 0..c {
                    for b in 0..a {
                        let mean = f64::midpoint(block[a * c + b], block[b * c + a]);
                        block[a * c + b] = mean;
                        block[b * c + a] = mean;
                    }
                }
            }
            blocks
        });
        parts.concat()
    }

    /// `diag(Q) F`.
    fn weighted(&self, blocks: &[f64]) -> Mat<f64> {
        let c = self.outputs;
        let (rows, columns) = (self.rows.nrows(), self.rows.ncols());
        let mut weighted = Mat::zeros(rows, columns);
        for k in 0..columns {
            let samples = self.column(k).chunks_exact(c).zip(blocks.chunks_exact(c * c)).enumerate();
            for (i, (features, block)) in samples {
                for (a, row) in block.chunks_exact(c).enumerate() {
                    weighted[(i * c + a, k)] = row.iter().zip(features).map(|(q, f)| q * f).sum();
                }
            }
        }
        weighted
    }
}

/// The positions of the eigenvalues that count as positive, the largest first, and the extreme ones of all. What is no
/// larger than the most negative one is rounding too.
fn kept(eigenvalues: &[f64], side: usize) -> (Vec<usize>, (f64, f64)) {
    let [smallest, largest] = [eigenvalues.first(), eigenvalues.last()].map(|v| v.copied().unwrap_or(0.0));
    let least = (largest * side as f64 * f64::EPSILON).max(-smallest);
    let kept = (0..eigenvalues.len()).rev().filter(|k| eigenvalues[*k] > least).collect();
    (kept, (smallest, largest))
}

fn column_of(matrix: &Mat<f64>, k: usize) -> &[f64] {
    matrix.col(k).try_as_col_major().map_or(&[], |column| column.as_slice())
}

/// `f` of 0 to `count - 1`, on all threads where there are several; the results in order.
fn each<T: Send>(count: usize, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    if count == 1 { vec![f(0)] } else { (0..count).into_par_iter().map(f).collect() }
}

/// A symmetric matrix (r x r) by the square pieces of its lower half, each column major.
#[derive(Clone)]
pub(crate) struct Tiles {
    side: usize,
    tiles: Vec<Vec<f64>>,
}

impl Tiles {
    fn from_tiles(side: usize, tile: impl Fn(Range<usize>, Range<usize>) -> Vec<f64> + Sync + Send) -> Self {
        let along = side.div_ceil(TILE);
        let tiles = each(along * (along + 1) / 2, |k| {
            let (i, j) = place(k);
            tile(range(side, i), range(side, j))
        });
        Self { side, tiles }
    }

    fn along(&self) -> usize {
        self.side.div_ceil(TILE)
    }

    fn range(&self, i: usize) -> Range<usize> {
        range(self.side, i)
    }

    fn tile(&self, i: usize, j: usize) -> MatRef<'_, f64> {
        let (rows, columns) = (self.range(i).len(), self.range(j).len());
        MatRef::from_column_major_slice(&self.tiles[i * (i + 1) / 2 + j], rows, columns)
    }

    /// Every entry times `factor(i, j)`, which is symmetric.
    pub(crate) fn scaled(&self, factor: impl Fn(usize, usize) -> f64 + Sync + Send) -> Self {
        let tiles = each(self.tiles.len(), |k| {
            let (i, j) = place(k);
            let (rows, columns) = (self.range(i), self.range(j));
            let mut tile = self.tiles[k].clone();
            for (column, values) in columns.zip(tile.chunks_exact_mut(rows.len())) {
                for (row, value) in rows.clone().zip(values) {
                    *value *= factor(row, column);
                }
            }
            tile
        });
        Self { side: self.side, tiles }
    }

    /// `sum_k shares[k] matrices[k]`.
    pub(crate) fn combined<const M: usize>(matrices: [&Self; M], shares: [f64; M]) -> Self {
        let tiles = each(matrices[0].tiles.len(), |k| {
            let tiles = matrices.map(|matrix| &matrix.tiles[k][..]);
            let entry = |e: usize| (0..M).map(|m| shares[m] * tiles[m][e]).sum();
            (0..tiles[0].len()).map(entry).collect()
        });
        Self { side: matrices[0].side, tiles }
    }

    /// `sum_ij f(i, j, [x_ij of every matrix])` over both halves, for a symmetric `f`. In the same order whatever the
    /// number of threads.
    pub(crate) fn sum<const M: usize, const S: usize>(
        matrices: [&Self; M],
        f: impl Fn(usize, usize, [f64; M]) -> [f64; S] + Sync + Send,
    ) -> [f64; S] {
        let parts = each(matrices[0].tiles.len(), |k| {
            let (i, j) = place(k);
            let (rows, columns) = (matrices[0].range(i), matrices[0].range(j));
            let weight = if i == j { 1.0 } else { 2.0 };
            let mut sums = [0.0; S];
            for (b, column) in columns.enumerate() {
                let values = matrices.map(|matrix| &matrix.tiles[k][b * rows.len()..][..rows.len()]);
                for (a, row) in rows.clone().enumerate() {
                    let terms = f(row, column, values.map(|values| values[a]));
                    for s in 0..S {
                        sums[s] += terms[s];
                    }
                }
            }
            sums.map(|sum| weight * sum)
        });
        parts.into_iter().fold([0.0; S], |mut sums, part| {
            for s in 0..S {
                sums[s] += part[s];
            }
            sums
        })
    }

    /// The whole matrix.
    pub(crate) fn to_dense(&self) -> Vec<f64> {
        let mut dense = vec![0.0; self.side * self.side];
        for (k, tile) in self.tiles.iter().enumerate() {
            let (i, j) = place(k);
            let rows = self.range(i);
            for (column, values) in self.range(j).zip(tile.chunks_exact(rows.len())) {
                for (row, value) in rows.clone().zip(values) {
                    dense[row * self.side + column] = *value;
                    dense[column * self.side + row] = *value;
                }
            }
        }
        dense
    }
}

fn range(side: usize, i: usize) -> Range<usize> {
    i * TILE..side.min((i + 1) * TILE)
}

/// The row and the column of tile `k`, counted along the rows of the lower half.
fn place(k: usize) -> (usize, usize) {
    let i = ((8 * k + 1).isqrt() - 1) / 2;
    (i, k - i * (i + 1) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jacobian(rows: usize, params: usize) -> Vec<f64> {
        (0..rows * params).map(|k| ((k * k + 3 * k) as f64 * 0.37).sin()).collect()
    }

    fn kernel(jacobian: &[f64], params: usize) -> Vec<f64> {
        let j = MatRef::from_row_major_slice(jacobian, jacobian.len() / params, params);
        let k = j * j.transpose();
        (0..k.nrows() * k.ncols()).map(|e| k[(e / k.nrows(), e % k.nrows())]).collect()
    }

    #[test]
    fn features_of_a_kernel_and_of_its_jacobian_agree() {
        let j = jacobian(8, 3);
        let [a, b] =
            [Features::of_kernel(&kernel(&j, 3), 2).unwrap(), Features::of_jacobian(&j, 3, 2).unwrap()];
        assert_eq!((a.eigenvalues().len(), b.eigenvalues().len()), (3, 3));
        for (x, y) in a.eigenvalues().iter().zip(b.eigenvalues()) {
            assert!((x - y).abs() < 1e-12 * x);
        }
        for (x, y) in a.blocks(&[1.0; 3]).iter().zip(b.blocks(&[1.0; 3])) {
            assert!((x - y).abs() < 1e-12);
        }
    }

    #[test]
    fn products_in_tiles_are_those_of_the_whole_matrices() {
        // More than two tiles a side, the last of them not full, and groups of samples that end inside.
        let (samples, c) = (290, 2);
        let features = Features::of_kernel(&kernel(&jacobian(samples * c, 700), 700), c).unwrap();
        let f = &features.rows;
        let mut blocks: Vec<f64> = (0..samples * c * c).map(|k| (k as f64).cos()).collect();
        blocks.chunks_mut(4).for_each(|b| b[1] = b[2]);
        let weights =
            Mat::from_fn(
                f.nrows(),
                f.nrows(),
                |i, j| {
                    if i / c == j / c { blocks[i * c + j % c] } else { 0.0 }
                },
            );
        let expected = f.transpose() * &weights * f;
        let gram = features.gram(&blocks);
        let dense = gram.to_dense();
        let size = expected.norm_max();
        for i in 0..f.ncols() {
            for j in 0..f.ncols() {
                assert!((dense[i * f.ncols() + j] - expected[(i, j)]).abs() < 1e-11 * size, "{i} {j}");
            }
        }
        let image = f * &expected * f.transpose();
        for (k, found) in features.diagonal_blocks(&gram).iter().enumerate() {
            let (sample, a, b) = (k / (c * c), k / c % c, k % c);
            let wanted = image[(sample * c + a, sample * c + b)];
            assert!((found - wanted).abs() < 1e-11 * image.norm_max(), "{k}");
        }
        let [squares] = Tiles::sum([&gram], |_, _, [x]| [x * x]);
        assert!((squares - expected.squared_norm_l2()).abs() < 1e-11 * squares);
    }

    #[test]
    fn tiles_are_counted_along_the_rows_of_the_lower_half() {
        let places: Vec<_> = (0..6).map(place).collect();
        assert_eq!(places, [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]);
    }
}
