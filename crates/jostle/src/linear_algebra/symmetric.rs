//! Symmetric matrices of sample space (n x n).

use super::eigen::finite;
use faer::{Mat, MatRef, Side};

/// A symmetric matrix.
#[derive(Debug, Clone)]
pub(crate) struct Symmetric(pub(super) Mat<f64>);

/// `U diag(values) U'`, with the values in increasing order.
pub(crate) struct Eigen {
    pub(crate) values: Vec<f64>,
    basis: Mat<f64>,
}

impl Symmetric {
    /// The matrix of zeros.
    pub(crate) fn zeros(size: usize) -> Self {
        Self(Mat::zeros(size, size))
    }

    /// The matrix with this diagonal.
    pub(crate) fn from_diagonal(diagonal: &[f64]) -> Self {
        let n = diagonal.len();
        Self(Mat::from_fn(n, n, |a, b| if a == b { diagonal[a] } else { 0.0 }))
    }

    /// The diagonal.
    pub(crate) fn diagonal(&self) -> Vec<f64> {
        (0..self.0.nrows()).map(|a| self.0[(a, a)]).collect()
    }

    /// The trace.
    pub(crate) fn trace(&self) -> f64 {
        (0..self.0.nrows()).map(|a| self.0[(a, a)]).sum()
    }

    /// The entry `(a, b)`.
    pub(crate) fn entry(&self, a: usize, b: usize) -> f64 {
        self.0[(a, b)]
    }

    /// `A v`.
    pub(crate) fn times(&self, v: &[f64]) -> Vec<f64> {
        (&self.0 * MatRef::from_column_major_slice(v, v.len(), 1)).col_as_slice(0).to_vec()
    }

    /// `v' A v`.
    pub(crate) fn form(&self, v: &[f64]) -> f64 {
        super::dot(v, &self.times(v))
    }

    /// Every entry `(a, b)` replaced by a function of it.
    pub(crate) fn map(mut self, f: impl Fn(usize, usize, f64) -> f64) -> Self {
        for b in 0..self.0.ncols() {
            for a in 0..self.0.nrows() {
                self.0[(a, b)] = f(a, b, self.0[(a, b)]);
            }
        }
        self
    }

    /// The sum over all entries `(a, b)` of a function of them.
    pub(crate) fn sum(&self, f: impl Fn(usize, usize, f64) -> f64) -> f64 {
        let columns =
            (0..self.0.ncols()).map(|b| (0..self.0.nrows()).map(|a| f(a, b, self.0[(a, b)])).sum::<f64>());
        columns.sum()
    }

    /// Solves `(A + shift) s = rhs` by Cholesky's factorisation; `None` if the sum is not positive definite.
    pub(crate) fn shifted(&self, shift: f64) -> Option<impl Fn(&[f64]) -> Vec<f64> + use<>> {
        let mut sum = self.0.clone();
        for a in 0..sum.nrows() {
            sum[(a, a)] += shift;
        }
        let factor = sum.llt(Side::Lower).ok()?;
        Some(move |rhs: &[f64]| {
            use faer::linalg::solvers::Solve;
            let mut solution = rhs.to_vec();
            factor.solve_in_place(faer::MatMut::from_column_major_slice_mut(&mut solution, rhs.len(), 1));
            solution
        })
    }

    /// The eigenvalues and eigenvectors; `None` if they cannot be computed.
    pub(crate) fn eigen(&self) -> Option<Eigen> {
        let found = finite(self.0.as_ref())?.self_adjoint_eigen(Side::Lower).ok()?;
        let values = found.S().column_vector().iter().copied().collect();
        Some(Eigen { values, basis: found.U().to_owned() })
    }
}

impl Eigen {
    /// `U' A U`: the entries of a matrix between eigenvectors.
    pub(crate) fn rotate(&self, matrix: &Symmetric) -> Symmetric {
        Symmetric(self.basis.transpose() * (&matrix.0 * &self.basis))
    }

    /// `U' v`.
    pub(crate) fn project(&self, v: &[f64]) -> Vec<f64> {
        (self.basis.transpose() * MatRef::from_column_major_slice(v, v.len(), 1)).col_as_slice(0).to_vec()
    }

    /// `U A U'`: back again.
    pub(crate) fn rotate_back(&self, matrix: &Symmetric) -> Symmetric {
        Symmetric(&self.basis * &matrix.0 * self.basis.transpose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Symmetric {
        Symmetric(Mat::from_fn(3, 3, |a, b| [[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 2.0]][a][b]))
    }

    #[test]
    fn a_rotation_makes_a_matrix_diagonal_and_back() {
        let eigen = matrix().eigen().unwrap();
        let rotated = eigen.rotate(&matrix());
        assert!(rotated.sum(|a, b, v| if a == b { (v - eigen.values[a]).abs() } else { v.abs() }) < 1e-13);
        let back = eigen.rotate_back(&rotated);
        assert!(back.sum(|a, b, v| (v - matrix().0[(a, b)]).abs()) < 1e-13);
        assert!(
            eigen.values.is_sorted() && (eigen.values.iter().sum::<f64>() - matrix().trace()).abs() < 1e-13
        );
    }

    #[test]
    fn a_shifted_matrix_is_solved_where_it_is_positive_definite() {
        let solve = matrix().shifted(0.5).unwrap();
        // (A + 1/2) (1, -2, 3).
        let solution = solve(&[4.5 - 2.0 + 1.5, 1.0 - 7.0 - 3.0, 0.5 + 2.0 + 7.5]);
        for (found, expected) in solution.iter().zip([1.0, -2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-14);
        }
        assert!(matrix().shifted(-10.0).is_none());
        assert!((matrix().form(&[1.0, -2.0, 3.0]) - (4.0 + 12.0 + 18.0 - 4.0 + 3.0 + 12.0)).abs() < 1e-13);
    }
}
