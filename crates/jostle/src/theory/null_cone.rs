//! Strictly positive null vectors of the design: what decides that isotropic noise has no stationary law.
//!
//! Along `v > 0` with `X v = 0` the coefficients `w^2` of the quadratic model grow without changing a prediction. Given
//! such a vector, mass at radius `R` scales as `R^(d/2 - n - 1)`, so that `exp(-L/T)` is not integrable for `n < d/2`
//! (HaoChen et al. 2020, arXiv 2006.08680, the theorem on spherical Gaussian noise).

use clarabel::solver::SupportedConeT::{NonnegativeConeT, ZeroConeT};

use super::TheoryError;
use super::conic::{Programme, block};
use crate::linear_algebra::{column_space, dot, norm, product, transpose_product, weighted_squares};
use crate::problem::Problem;
use crate::statistics::fair_coin_tail;

/// The accuracy to which a certificate is verified, in units of its largest entry.
const RESOLUTION: f64 = 1e-9;

/// The probability that `X` (n x d) with independent columns of a symmetric, continuous law (Gaussian, say) has a
/// strictly positive null vector: `1 - 2^-(d-1) sum_{k<n} C(d-1, k)`, for `d >= 1`.
///
/// Wendel 1962, Mathematica Scandinavica 11: the columns have the origin inside their convex hull unless they all lie
/// in one half-space.
pub fn positive_null_probability(samples: usize, dim: usize) -> f64 {
    fair_coin_tail(dim.saturating_sub(1), samples)
}

/// Whether there is a strictly positive null vector, with a witness either way (Stiemke 1915): exactly one of the two
/// exists.
#[derive(Debug, Clone, PartialEq)]
pub enum NullCone {
    /// `v > 0` with `X v = 0` and `sum_j v_j = 1` (d).
    Positive {
        /// `v` (d).
        vector: Vec<f64>,
    },
    /// `z` with `X' z >= 0` and `X' z != 0` (n), of norm one: every non-negative null vector vanishes where `X' z > 0`.
    Separated {
        /// `z` (n).
        direction: Vec<f64>,
    },
}

/// Decides by a linear programme whether the design of a problem has a strictly positive null vector.
///
/// With the columns scaled to norm one, `max { t : X v = 0, v >= t, sum v = 1 }` is above zero if and only if there
/// is one. We solve its dual, `min { mu : X' z + mu >= 0, sum (X' z + mu) = 1 }`, which has n + 1 variables instead
/// of d + 1; `v` is read off its multipliers. What is returned has been verified, to 1e-9 of its largest entry.
///
/// # Errors
/// A design so close to the boundary between the two that neither witness can be verified.
pub fn null_cone(problem: &Problem) -> Result<NullCone, TheoryError> {
    let (n, dim) = (problem.samples(), problem.dim());
    let norms = column_norms(problem);
    let x: Vec<f64> = problem.x().iter().enumerate().map(|(k, v)| v / norms[k % dim]).collect();
    let mut constraints: Vec<_> = (0..n).map(|i| (0, i, x[i * dim..(i + 1) * dim].iter().sum())).collect();
    constraints.push((0, n, dim as f64));
    constraints.extend(block(&x, dim, 0, 0).map(|(i, j, v)| (1 + j, i, -v)));
    constraints.extend((0..dim).map(|j| (1 + j, n, -1.0)));
    let mut bounds = vec![0.0; dim + 1];
    bounds[0] = 1.0;
    let mut cost = vec![0.0; n + 1];
    cost[n] = 1.0;
    let cones = vec![ZeroConeT(1), NonnegativeConeT(dim)];
    let solution = Programme { curvature: vec![0.0; n + 1], cost, constraints, bounds, cones }.solve();

    // Without any null vector of sum other than zero the programme is unbounded, and its ray is a witness too.
    if let Some(direction) = verified_direction(&x, dim, &solution.x[..n]) {
        return Ok(NullCone::Separated { direction });
    }
    let margin = solution.x[n];
    let candidate = solution.z[1..].iter().map(|s| s + margin).collect();
    let vector = verified_vector(&x, dim, candidate).ok_or(TheoryError::Undecided { margin })?;
    let unscaled: Vec<f64> = vector.iter().zip(&norms).map(|(v, norm)| v / norm).collect();
    let sum: f64 = unscaled.iter().sum();
    Ok(NullCone::Positive { vector: unscaled.into_iter().map(|v| v / sum).collect() })
}

/// A strictly positive null vector `v` (d) of the design, `X v = 0` and `sum_j v_j = 1`, when there is one.
///
/// # Errors
/// As [`null_cone`].
pub fn positive_null_vector(problem: &Problem) -> Result<Option<Vec<f64>>, TheoryError> {
    Ok(match null_cone(problem)? {
        NullCone::Positive { vector } => Some(vector),
        NullCone::Separated { .. } => None,
    })
}

/// The norms of the columns (d), with one in place of zero.
fn column_norms(problem: &Problem) -> Vec<f64> {
    let squares = weighted_squares(problem.x(), problem.dim(), &vec![1.0; problem.samples()]);
    squares.into_iter().map(|s| if s > 0.0 { s.sqrt() } else { 1.0 }).collect()
}

/// `z` scaled to norm one if `X' z >= 0` and `X' z != 0`.
fn verified_direction(x: &[f64], dim: usize, z: &[f64]) -> Option<Vec<f64>> {
    let size = norm(z);
    let direction: Vec<f64> = z.iter().map(|z| z / size).collect();
    let image = transpose_product(x, dim, &direction);
    let (low, high) =
        image.iter().fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), v| (low.min(*v), high.max(*v)));
    (high > RESOLUTION && low >= -RESOLUTION * high).then_some(direction)
}

/// The projection of `v` on the null space if it is strictly positive.
fn verified_vector(x: &[f64], dim: usize, mut v: Vec<f64>) -> Option<Vec<f64>> {
    let basis = row_space(x, dim);
    // Projecting a second time removes what the first one left by rounding.
    for _ in 0..2 {
        for q in basis.chunks_exact(dim) {
            let along = dot(q, &v);
            for (v, q) in v.iter_mut().zip(q) {
                *v -= along * q;
            }
        }
    }
    let largest = v.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let positive = v.iter().all(|v| *v > RESOLUTION * largest);
    (positive && norm(&product(x, dim, &v)) <= 1e-12 * norm(&v) * norm(x)).then_some(v)
}

/// An orthonormal basis (rank x d) of the span of the rows.
fn row_space(x: &[f64], dim: usize) -> Vec<f64> {
    let n = x.len() / dim;
    let transposed: Vec<f64> = (0..x.len()).map(|k| x[(k % n) * dim + k / n]).collect();
    column_space(&transposed, n)
}

#[cfg(test)]
mod tests;
