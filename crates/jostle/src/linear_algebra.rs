//! Dense linear algebra, the one place where faer is used: its interface moves between versions.

mod columns;
mod eigen;
mod features;
mod symmetric;
mod thin_qr;

pub(crate) use columns::Columns;
#[cfg(test)]
pub(crate) use eigen::spectral_radius;
pub(crate) use eigen::{MOST_PRODUCTS, TopEigenpair, symmetric_eigen, symmetric_eigenvalues, top_eigenpair};
pub(crate) use features::{Features, Tiles};
pub(crate) use symmetric::{Eigen, Symmetric};
pub(crate) use thin_qr::ThinQr;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};

/// `X' v` (d) for a row-major `X` (n x d).
pub(crate) fn transpose_product(x: &[f64], dim: usize, v: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; dim];
    for (row, weight) in x.chunks_exact(dim).zip(v) {
        for (o, entry) in out.iter_mut().zip(row) {
            *o += entry * weight;
        }
    }
    out
}

/// Column `j` (n) of a row-major `X` (n x d).
pub(crate) fn column(x: &[f64], dim: usize, j: usize) -> Vec<f64> {
    x[j..].iter().step_by(dim).copied().collect()
}

/// The squared norms of the columns of a row-major `X` (n x d), each sample `i` weighted by `weights[i]`.
pub(crate) fn weighted_squares(x: &[f64], dim: usize, weights: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; dim];
    for (row, weight) in x.chunks_exact(dim).zip(weights) {
        for (o, entry) in out.iter_mut().zip(row) {
            *o += weight * entry * entry;
        }
    }
    out
}

/// `X b` (n) for a row-major `X` (n x d).
pub(crate) fn product(x: &[f64], dim: usize, b: &[f64]) -> Vec<f64> {
    x.chunks_exact(dim).map(|row| dot(row, b)).collect()
}

/// `a . b`, in eight partial sums: one alone would wait for every addition.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Not fused: without the instruction, which is not on every machine, `mul_add` costs a hundred times as much.
    let ((a_eights, a_rest), (b_eights, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a_eights.iter().zip(b_eights) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// `|v|`.
pub(crate) fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}

/// `A B'` (m x n, row major) for row-major `A` (m x p) and `B` (n x p).
pub(crate) fn products_of_rows(a: &[f64], b: &[f64], width: usize, out: &mut [f64]) {
    let (rows, columns) = (a.len() / width, b.len() / width);
    matmul(
        MatMut::from_row_major_slice_mut(out, rows, columns),
        Accum::Replace,
        MatRef::from_row_major_slice(a, rows, width),
        MatRef::from_row_major_slice(b, columns, width).transpose(),
        1.0,
        Par::Seq,
    );
}

/// An orthonormal basis (rank x n, row major) of the span of the columns of a row-major `X` (n x d), by QR with column
/// pivoting; directions below `max(n, d) eps` of the largest count as absent.
pub(crate) fn column_space(x: &[f64], dim: usize) -> Vec<f64> {
    let samples = x.len() / dim;
    let qr = MatRef::from_row_major_slice(x, samples, dim).col_piv_qr();
    let (q, r) = (qr.compute_thin_Q(), qr.thin_R());
    let smallest = r[(0, 0)].abs() * samples.max(dim) as f64 * f64::EPSILON;
    let rank = (0..r.nrows()).take_while(|k| r[(*k, *k)].abs() > smallest).count();
    (0..rank * samples).map(|k| q[(k % samples, k / samples)]).collect()
}

/// The singular values above rounding, and their left singular vectors (each n), of a row-major `A` (n x p); none if they
/// cannot be computed.
pub(crate) fn left_singular(a: &[f64], rows: usize, columns: usize) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    if rows == 0 || columns == 0 {
        return Some((Vec::new(), Vec::new()));
    }
    let svd = eigen::finite(MatRef::from_row_major_slice(a, rows, columns))?.thin_svd().ok()?;
    let values: Vec<f64> = svd.S().column_vector().iter().copied().collect();
    let smallest = values[0] * rows.max(columns) as f64 * f64::EPSILON;
    let rank = values.iter().take_while(|s| **s > smallest).count();
    let vectors = (0..rank).map(|k| (0..rows).map(|i| svd.U()[(i, k)]).collect()).collect();
    Some((values[..rank].to_vec(), vectors))
}

/// The smallest eigenvalue of `A A'` (n x n) for a row-major `A` (n x p); zero if it cannot be computed.
pub(crate) fn smallest_gram_eigenvalue(a: &[f64], columns: usize) -> f64 {
    let a = MatRef::from_row_major_slice(a, a.len() / columns, columns);
    let gram = a * a.transpose();
    let values =
        eigen::finite(gram.as_ref()).and_then(|gram| gram.self_adjoint_eigenvalues(Side::Lower).ok());
    values.and_then(|values| values.first().copied()).unwrap_or(0.0)
}

/// Solves `(X diag(weights) X') s = rhs` (n) for a row-major `X` (n x d) of full row rank and weights above zero.
///
/// The product is never formed. QR of `diag(sqrt(weights)) X'` with rows in decreasing order and column pivoting is
/// stable row by row (Cox and Higham 1998), so that weights may differ by many orders of magnitude, as the
/// coefficients of a nearly sparse solution do. A direction that all weights leave empty gets no step.
pub(crate) fn solve_weighted_gram(x: &[f64], dim: usize, weights: &[f64], rhs: &[f64]) -> Vec<f64> {
    let rank = rhs.len();
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    let root: Vec<f64> = order.iter().map(|j| weights[*j].sqrt()).collect();
    let qr = Mat::from_fn(dim, rank, |j, i| root[j] * x[i * dim + order[j]]).col_piv_qr();
    let r = qr.thin_R();
    let (forward, _) = qr.P().arrays();
    let pivots: Vec<usize> = (0..r.nrows()).take_while(|k| r[(*k, *k)] != 0.0).collect();
    let mut s: Vec<f64> = forward.iter().take(pivots.len()).map(|k| rhs[*k]).collect();
    for &k in &pivots {
        let known: f64 = (0..k).map(|i| r[(i, k)] * s[i]).sum();
        s[k] = (s[k] - known) / r[(k, k)];
    }
    for &k in pivots.iter().rev() {
        let known: f64 = (k + 1..pivots.len()).map(|i| r[(k, i)] * s[i]).sum();
        s[k] = (s[k] - known) / r[(k, k)];
    }
    let mut solution = vec![0.0; rank];
    for (k, value) in s.into_iter().enumerate() {
        solution[forward[k]] = value;
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 12] = [1.0, -2.0, 0.5, 3.0, 0.0, 1.0, 4.0, -1.0, 2.0, 2.0, -3.0, 1.0];

    #[test]
    fn weighted_normal_equations_are_solved_over_fifteen_orders_of_magnitude() {
        for weights in [[1.0, 2.0, 0.5, 3.0], [1e-15, 1.0, 1e-15, 1e-8]] {
            let expected = [0.3, -1.0, 2.0];
            let mut image = transpose_product(&X, 4, &expected);
            for (v, w) in image.iter_mut().zip(weights) {
                *v *= w;
            }
            let solution = solve_weighted_gram(&X, 4, &weights, &product(&X, 4, &image));
            let back = transpose_product(&X, 4, &solution);
            for (j, w) in weights.iter().enumerate() {
                let wanted = image[j];
                assert!((w * back[j] - wanted).abs() <= 1e-14 * norm(&image), "{weights:?}: {solution:?}");
            }
        }
    }

    #[test]
    fn the_column_space_leaves_out_repeated_rows() {
        let mut x = X.to_vec();
        x.extend_from_slice(&X[..4]);
        let basis = column_space(&x, 4);
        assert_eq!(basis.len(), 3 * 4);
        for a in 0..3 {
            for b in 0..3 {
                let expected = if a == b { 1.0 } else { 0.0 };
                assert!((dot(&basis[a * 4..a * 4 + 4], &basis[b * 4..b * 4 + 4]) - expected).abs() < 1e-14);
            }
        }
        assert!(dot(&basis[..4], &[1.0, 0.0, 0.0, -1.0]).abs() < 1e-14);
    }
}
