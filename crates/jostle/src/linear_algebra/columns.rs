//! Products with a wide matrix, block of columns by block of columns, on as many threads as there are.
//!
//! Blocks do not depend on the number of threads, and their contributions are added in order, so that neither do the
//! results. A matrix of more than one block is rounded to float32, and so are the sums over one block: that halves the
//! time.

use super::Symmetric;
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::traits::ComplexField;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;
use std::ops::{Add, AddAssign, Mul};

/// Columns of a block: a few fit into a processor's second cache together with what is made of them.
const BLOCK: usize = 1024;

/// A row-major matrix `X` (n x d).
pub(crate) struct Columns<'a> {
    entries: Entries<'a>,
    dim: usize,
}

enum Entries<'a> {
    Narrow(&'a [f64]),
    Wide(Vec<f32>),
}

/// Runs an expression with the entries bound to a name.
macro_rules! with_entries {
    ($columns:expr, $entries:ident => $body:expr) => {
        match &$columns.entries {
            Entries::Narrow(entries) => {
                let $entries = *entries;
                $body
            }
            Entries::Wide(entries) => {
                let $entries = &entries[..];
                $body
            }
        }
    };
}

/// A floating-point format.
trait Entry:
    Copy + Default + Into<f64> + Add<Output = Self> + Mul<Output = Self> + AddAssign + Send + Sync + ComplexField
{
    fn of(value: f64) -> Self;
}

impl Entry for f64 {
    fn of(value: f64) -> Self {
        value
    }
}

impl Entry for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }
}

impl<'a> Columns<'a> {
    /// The columns of a row-major matrix with rows of length `dim`.
    pub(crate) fn new(x: &'a [f64], dim: usize) -> Self {
        let entries = if dim <= BLOCK {
            Entries::Narrow(x)
        } else {
            Entries::Wide(x.iter().map(|entry| *entry as f32).collect())
        };
        Self { entries, dim }
    }

    /// What a function makes of every block (its first column and its width), in order.
    fn blocks<T: Send>(&self, of_block: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
        let of_block = |first: usize| of_block(first, BLOCK.min(self.dim - first));
        if self.dim <= BLOCK {
            return vec![of_block(0)];
        }
        (0..self.dim.div_ceil(BLOCK)).into_par_iter().map(|k| of_block(k * BLOCK)).collect()
    }

    /// `X' v` (d).
    pub(crate) fn transpose_product(&self, v: &[f64]) -> Vec<f64> {
        with_entries!(self, x => {
            self.blocks(|first, width| pulled(x, self.dim, first, width, v)).concat()
        })
    }

    /// `X b` (n).
    pub(crate) fn product(&self, b: &[f64]) -> Vec<f64> {
        let parts = with_entries!(self, x => {
            self.blocks(|first, width| {
                products(x, self.dim, first, &b[first..first + width])
            })
        });
        added(parts)
    }

    /// `p = X' v` (d) and `X b` (n) for a `b` that is made of `p`: a function gets the first column of a block and what
    /// `p` is there, and gives what `b` is there. The matrix is read once.
    pub(crate) fn there_and_back(
        &self,
        v: &[f64],
        there: impl Fn(usize, &[f64]) -> Vec<f64> + Sync,
    ) -> (Vec<f64>, Vec<f64>) {
        let parts = with_entries!(self, x => {
            self.blocks(|first, width| {
                let pulled = pulled(x, self.dim, first, width, v);
                let back = products(x, self.dim, first, &there(first, &pulled));
                (pulled, back)
            })
        });
        let (pulled, back): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        (pulled.concat(), added(back))
    }

    /// `X diag(weights) X'` (n x n) for weights that are not negative.
    pub(crate) fn gram(&self, weights: &[f64]) -> Symmetric {
        let parts = with_entries!(self, x => {
            self.blocks(|first, width| gram(x, self.dim, first, &weights[first..first + width]))
        });
        let mut sum = parts.into_iter().reduce(|sum, part| sum + part).unwrap_or_else(|| Mat::zeros(0, 0));
        for b in 0..sum.ncols() {
            for a in 0..b {
                sum[(a, b)] = sum[(b, a)];
            }
        }
        Symmetric(sum)
    }

    /// `x_j' A x_j` for every column `x_j` (d).
    pub(crate) fn forms(&self, matrix: &Symmetric) -> Vec<f64> {
        with_entries!(self, x => {
            self.blocks(|first, width| forms(x, self.dim, first, width, &matrix.0)).concat()
        })
    }
}

/// The sum of the blocks' parts.
fn added(parts: Vec<Vec<f64>>) -> Vec<f64> {
    let mut parts = parts.into_iter();
    let mut sum = parts.next().unwrap_or_default();
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
    }
    sum
}

/// `X' v` on a block.
fn pulled<T: Entry>(x: &[T], dim: usize, first: usize, width: usize, v: &[f64]) -> Vec<f64> {
    let mut out = vec![T::default(); width];
    for (row, weight) in x.chunks_exact(dim).zip(v) {
        let weight = T::of(*weight);
        for (o, entry) in out.iter_mut().zip(&row[first..first + width]) {
            *o += *entry * weight;
        }
    }
    out.into_iter().map(Into::into).collect()
}

/// A block's part of `X b`.
fn products<T: Entry>(x: &[T], dim: usize, first: usize, b: &[f64]) -> Vec<f64> {
    let b: Vec<T> = b.iter().map(|b| T::of(*b)).collect();
    x.chunks_exact(dim).map(|row| dot(&row[first..first + b.len()], &b)).collect()
}

/// `a . b` in sixteen partial sums.
fn dot<T: Entry>(a: &[T], b: &[T]) -> f64 {
    let ((a_parts, a_rest), (b_parts, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [T::default(); 16];
    for (a, b) in a_parts.iter().zip(b_parts) {
        for k in 0..16 {
            sums[k] += a[k] * b[k];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| -> f64 { (*a * *b).into() }).sum();
    sums.iter().map(|sum| -> f64 { (*sum).into() }).sum::<f64>() + rest
}

/// The lower half of a block's part of `X diag(weights) X'`.
fn gram<T: Entry>(x: &[T], dim: usize, first: usize, weights: &[f64]) -> Mat<f64> {
    let (n, width) = (x.len() / dim, weights.len());
    let roots: Vec<T> = weights.iter().map(|w| T::of(w.sqrt())).collect();
    let mut scaled = Vec::with_capacity(n * width);
    for row in x.chunks_exact(dim) {
        scaled.extend(row[first..first + width].iter().zip(&roots).map(|(x, root)| *x * *root));
    }
    let scaled = MatRef::from_row_major_slice(&scaled, n, width);
    let mut product = Mat::<T>::zeros(n, n);
    triangular::matmul(
        product.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        scaled,
        BlockStructure::Rectangular,
        scaled.transpose(),
        BlockStructure::Rectangular,
        T::of(1.0),
        Par::Seq,
    );
    Mat::from_fn(n, n, |a, b| if a < b { 0.0 } else { product[(a, b)].into() })
}

/// `x_j' A x_j` on a block.
fn forms<T: Entry>(x: &[T], dim: usize, first: usize, width: usize, matrix: &Mat<f64>) -> Vec<f64> {
    let n = x.len() / dim;
    let rounded = Mat::from_fn(n, n, |a, b| T::of(matrix[(a, b)]));
    let block =
        MatRef::from_row_major_slice_with_stride(&x[first..first + (n - 1) * dim + width], n, width, dim);
    let mut image = vec![T::of(0.0); n * width];
    let product = MatMut::from_row_major_slice_mut(&mut image, n, width);
    matmul(product, Accum::Replace, rounded, block, T::of(1.0), Par::Seq);
    let mut out = vec![T::default(); width];
    for (image, row) in image.chunks_exact(width).zip(x.chunks_exact(dim)) {
        for ((o, x), a) in out.iter_mut().zip(&row[first..first + width]).zip(image) {
            *o += *x * *a;
        }
    }
    out.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear_algebra::{dot, product, transpose_product};
    use crate::random::{Draws, Purpose};

    /// One block; and more than two, in float32.
    #[test]
    fn products_by_blocks_are_the_products() {
        let n = 3;
        for (dim, accuracy) in [(37, 1e-14), (2 * BLOCK + 5, 1e-6)] {
            let mut draws = vec![0.0; (n + 1) * dim];
            Draws::new(1, &[0], 0).normals(Purpose::DESIGN, &mut draws);
            let (x, b) = draws.split_at(n * dim);
            let weights: Vec<f64> = b.iter().map(|b| b * b).collect();
            let columns = Columns::new(x, dim);
            let v = [0.5, -1.0, 2.0];
            let close = |found: f64, expected: f64, size: f64| {
                assert!((found - expected).abs() <= accuracy * size, "{dim}: {found} and {expected}");
            };
            for (found, expected) in columns.transpose_product(&v).iter().zip(transpose_product(x, dim, &v)) {
                close(*found, expected, 10.0);
            }
            for (found, expected) in columns.product(b).iter().zip(product(x, dim, b)) {
                close(*found, expected, (dim as f64).sqrt());
            }
            let (pulled, back) = columns.there_and_back(&v, |first, p| {
                assert_eq!(p[0], columns.transpose_product(&v)[first]);
                b[first..first + p.len()].to_vec()
            });
            assert_eq!((pulled, back), (columns.transpose_product(&v), columns.product(b)));
            let gram = columns.gram(&weights);
            let through: Vec<f64> =
                transpose_product(x, dim, &v).iter().zip(&weights).map(|(p, w)| p * w).collect();
            let expected = dot(&v, &product(x, dim, &through));
            close(gram.form(&v), expected, expected);
            for (j, form) in columns.forms(&gram).into_iter().enumerate().step_by(7) {
                let column: Vec<f64> = (0..n).map(|i| x[i * dim + j]).collect();
                close(form, gram.form(&column), gram.trace() * dot(&column, &column));
            }
        }
    }
}
