//! Eigenvalues of symmetric matrices: all of a dense one, the largest of one that is only known by its products.

use super::{dot, norm};
use faer::{MatRef, Side};

/// The eigenvalues of a dense symmetric matrix (n x n) in increasing order; `None` if they cannot be computed.
pub(crate) fn symmetric_eigenvalues(matrix: &[f64], side: usize) -> Option<Vec<f64>> {
    finite(MatRef::from_column_major_slice(matrix, side, side))?.self_adjoint_eigenvalues(Side::Lower).ok()
}

/// The matrix, if all its entries are finite. No decomposition may see another one: faer's iterations only end at their
/// limit there, after minutes.
pub(super) fn finite(matrix: MatRef<'_, f64>) -> Option<MatRef<'_, f64>> {
    matrix.is_all_finite().then_some(matrix)
}

/// The largest eigenvalue of a symmetric matrix, with what is known about its error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TopEigenpair {
    /// The Ritz value: at most the eigenvalue, and nearer to it than `residual`, by about `residual^2 / gap`.
    pub(crate) value: f64,
    /// A unit vector (n).
    pub(crate) vector: Vec<f64>,
    /// `|A v - value v|`.
    pub(crate) residual: f64,
}

/// Most products of one search: the basis is kept, and its orthogonality is restored at every step.
pub(crate) const MOST_PRODUCTS: usize = 300;

/// The residual, as a share of the eigenvalue, at which a search ends; the eigenvalue then has about twice as many
/// digits.
const TOLERANCE: f64 = 1e-9;

/// The largest eigenvalue of a symmetric matrix from its products alone, by Lanczos with full orthogonalisation.
///
/// Our own because a product may cost a pass over the whole kernel: this stops at the first product that suffices,
/// relative to the eigenvalue, where faer's looks only every 64 products, at an absolute tolerance.
///
/// The start must not be zero, nor orthogonal to the eigenvector: positive where the matrix has no negative entries. A product
/// that is not finite ends the search at once, and all that is found is NaN.
pub(crate) fn top_eigenpair(start: &[f64], mut product: impl FnMut(&[f64], &mut [f64])) -> TopEigenpair {
    let side = start.len();
    let length = norm(start);
    let mut basis = vec![start.iter().map(|v| v / length).collect::<Vec<f64>>()];
    let (mut diagonal, mut beside): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    loop {
        let mut next = vec![0.0; side];
        product(&basis[basis.len() - 1], &mut next);
        diagonal.push(dot(&next, &basis[basis.len() - 1]));
        // Twice is enough (Parlett 1998, section 6.9).
        for _ in 0..2 {
            for direction in &basis {
                let share = dot(direction, &next);
                next.iter_mut().zip(direction).for_each(|(n, d)| *n -= share * d);
            }
        }
        let (length, size) = (norm(&next), diagonal.len());
        if !(length.is_finite() && diagonal[size - 1].is_finite()) {
            return TopEigenpair { value: f64::NAN, vector: vec![f64::NAN; side], residual: f64::NAN };
        }
        let scale = diagonal.iter().fold(0.0f64, |most, d| most.max(d.abs()));
        let ends = size == side.min(MOST_PRODUCTS) || length <= 1e-14 * scale;
        if ends || size % 4 == 0 {
            let (value, weights) = top_of_tridiagonal(&diagonal, &beside);
            let residual = if size == side { 0.0 } else { length * weights[size - 1].abs() };
            if ends || residual <= TOLERANCE * value.abs() {
                let mut vector = vec![0.0; side];
                for (weight, direction) in weights.iter().zip(&basis) {
                    vector.iter_mut().zip(direction).for_each(|(v, d)| *v += weight * d);
                }
                return TopEigenpair { value, vector, residual };
            }
        }
        for v in &mut next {
            *v /= length;
        }
        beside.push(length);
        basis.push(next);
    }
}

/// The largest eigenvalue of a symmetric tridiagonal matrix, and its unit eigenvector.
fn top_of_tridiagonal(diagonal: &[f64], beside: &[f64]) -> (f64, Vec<f64>) {
    let size = diagonal.len();
    let mut matrix = vec![0.0; size * size];
    for k in 0..size {
        matrix[k * size + k] = diagonal[k];
        if k + 1 < size {
            matrix[k * size + k + 1] = beside[k];
            matrix[(k + 1) * size + k] = beside[k];
        }
    }
    symmetric_eigen(&matrix, size).map_or_else(
        || (diagonal[0], (0..size).map(|k| if k == 0 { 1.0 } else { 0.0 }).collect()),
        |(values, vectors)| (values[size - 1], vectors[(size - 1) * size..].to_vec()),
    )
}

/// All eigenvalues of a dense symmetric matrix in increasing order, and the eigenvectors one after the other.
pub(crate) fn symmetric_eigen(matrix: &[f64], side: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let matrix = finite(MatRef::from_column_major_slice(matrix, side, side))?;
    let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
    let vectors = (0..side * side).map(|k| eigen.U()[(k % side, k / side)]).collect();
    Some((eigen.S().column_vector().iter().copied().collect(), vectors))
}

/// The largest absolute eigenvalue of a dense matrix (n x n, row major).
#[cfg(test)]
pub(crate) fn spectral_radius(matrix: &[f64], side: usize) -> f64 {
    let values = MatRef::from_row_major_slice(matrix, side, side).eigenvalues().unwrap();
    values.iter().map(|value| value.re.hypot(value.im)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_eigenpair_is_that_of_the_dense_matrix() {
        for side in [1_usize, 2, 7, 60] {
            let entry = |i: usize, j: usize| 1.0 / (1.0 + (i + j) as f64) + if i == j { 0.3 } else { 0.0 };
            let matrix: Vec<f64> = (0..side * side).map(|k| entry(k / side, k % side)).collect();
            let top = top_eigenpair(&vec![1.0; side], |v, out| {
                out.iter_mut().zip(matrix.chunks(side)).for_each(|(o, row)| *o = dot(row, v));
            });
            let expected = symmetric_eigenvalues(&matrix, side).unwrap()[side - 1];
            assert!((top.value - expected).abs() <= 1e-12 * expected, "{side}: {} {expected}", top.value);
            assert!(top.residual <= 1e-9 * expected && (norm(&top.vector) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn what_is_not_finite_is_never_decomposed() {
        for bad in [f64::NAN, f64::INFINITY] {
            let matrix = [1.0, 0.0, 0.0, bad];
            assert_eq!(symmetric_eigenvalues(&matrix, 2), None);
            assert_eq!(symmetric_eigen(&matrix, 2), None);
            let mut products = 0;
            let top = top_eigenpair(&[1.0, 1.0, 1.0], |v, out| {
                products += 1;
                out.copy_from_slice(&[v[0], 2.0 * v[1], if products == 2 { bad } else { 3.0 * v[2] }]);
            });
            assert!(top.value.is_nan() && top.residual.is_nan() && top.vector.iter().all(|v| v.is_nan()));
            assert_eq!(products, 2);
        }
    }

    #[test]
    fn a_start_that_is_an_eigenvector_ends_the_search() {
        let mut products = 0;
        let top = top_eigenpair(&[3.0, 0.0], |v, out| {
            products += 1;
            out.copy_from_slice(&[2.0 * v[0], v[1]]);
        });
        assert_eq!((top.value, products), (2.0, 1));
    }
}
