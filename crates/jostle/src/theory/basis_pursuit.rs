//! Basis pursuit: the interpolator of the smallest weighted l1 norm, where the Lasso tends to as its penalty vanishes.
//!
//! ```text
//! min { sum_j w_j |b_j| : X b = y }        (b >= 0 where the sign says so)
//! ```
//!
//! (Chen, Donoho and Saunders 1998.) Its dual, `max { y . nu : |X_j' nu| <= w_j }` (`X_j' nu <= w_j` for `b >= 0`), has n
//! variables; clarabel solves it, the coefficients are its multipliers, and both are computed once more from the
//! support where that makes the certificate better.

use clarabel::solver::SupportedConeT::NonnegativeConeT;

use super::conic::{Programme, block};
use super::interpolation::distance_to_interpolation;
use super::lasso::spread;
use super::{Sign, TheoryError};
use crate::linear_algebra::{ThinQr, column, dot, norm, product, transpose_product};
use crate::problem::Problem;

/// What each part of the certificate may be for a solution to count as found.
pub const TOLERANCE: f64 = 1e-9;

/// Coefficients below this, in units of the largest, may be zeros that clarabel has not quite reached.
const SUPPORT: f64 = 1e-7;

/// A solution of basis pursuit.
#[derive(Debug, Clone, PartialEq)]
pub struct BasisPursuit {
    /// The coefficients (d).
    pub beta: Vec<f64>,
    /// The dual solution `nu` (n).
    pub dual: Vec<f64>,
    /// Optimality, computed from the data, `beta` and `dual` alone.
    pub certificate: BasisPursuitCertificate,
}

/// How far coefficients and a dual point are from solving basis pursuit; all zero for solutions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BasisPursuitCertificate {
    /// `sum_j w_j |b_j|`.
    pub objective: f64,
    /// `|X b - y| / |y|` (not relative where all labels are zero), plus the norm of negative coefficients where none is
    /// allowed.
    pub primal_residual: f64,
    /// The largest of `|X_j' nu| - w_j` (`X_j' nu - w_j`), in units of the largest weight.
    pub dual_violation: f64,
    /// `|sum_j w_j |b_j| - y . nu|` in units of the objective.
    pub relative_gap: f64,
}

impl BasisPursuitCertificate {
    fn worst(&self) -> f64 {
        let parts = [self.primal_residual, self.dual_violation, self.relative_gap];
        parts.into_iter().fold(0.0, |worst, part| if part <= worst { worst } else { part })
    }
}

/// The interpolator of the smallest `sum_j w_j |b_j|`, with weights `w`: one for all coordinates, or one each (d).
///
/// # Errors
/// Weights of another length, or with an entry that is negative or not finite; labels that no coefficients of the
/// sign reproduce; a certificate that stays above [`TOLERANCE`].
pub fn basis_pursuit(problem: &Problem, weights: &[f64], sign: Sign) -> Result<BasisPursuit, TheoryError> {
    let dim = problem.dim();
    let weights = spread("weights", weights, dim)?;
    if norm(problem.y()) == 0.0 {
        let (beta, dual) = (vec![0.0; dim], vec![0.0; problem.samples()]);
        let certificate = certify(problem, &weights, sign, &beta, &dual);
        return Ok(BasisPursuit { beta, dual, certificate });
    }
    let found = solve(problem, &weights, sign);
    let found = match polish(problem, &weights, sign, &found) {
        Some(polished) if polished.certificate.worst() <= found.certificate.worst() => polished,
        _ => found,
    };
    let residual = found.certificate.worst();
    if residual <= TOLERANCE {
        return Ok(found);
    }
    if let Some(distance) = distance_to_interpolation(problem, sign) {
        return Err(TheoryError::NoInterpolator { sign, distance });
    }
    Err(TheoryError::NotConverged { quantity: "basis pursuit", residual })
}

/// How far coefficients `b` (d) and a dual point `nu` (n) are from solving basis pursuit.
///
/// # Errors
/// Weights or coefficients of another length than the dimension, a dual point of another length than the samples, or a
/// weight that is negative or not finite.
pub fn basis_pursuit_certificate(
    problem: &Problem,
    weights: &[f64],
    sign: Sign,
    beta: &[f64],
    dual: &[f64],
) -> Result<BasisPursuitCertificate, TheoryError> {
    let (n, dim) = (problem.samples(), problem.dim());
    let weights = spread("weights", weights, dim)?;
    for (array, found, wanted, what) in
        [("beta", beta.len(), dim, "dimension"), ("dual", dual.len(), n, "number of samples")]
    {
        if found != wanted {
            let expected = format!("{wanted} (the {what})");
            return Err(TheoryError::Length { array, found, expected });
        }
    }
    Ok(certify(problem, &weights, sign, beta, dual))
}

fn certify(
    problem: &Problem,
    weights: &[f64],
    sign: Sign,
    beta: &[f64],
    dual: &[f64],
) -> BasisPursuitCertificate {
    let dim = problem.dim();
    let labels = norm(problem.y());
    let mut missed = product(problem.x(), dim, beta);
    missed.iter_mut().zip(problem.y()).for_each(|(m, y)| *m -= y);
    let forbidden: Vec<f64> = match sign {
        Sign::Signed => Vec::new(),
        Sign::NonNegative => beta.iter().map(|b| b.min(0.0)).collect(),
    };
    let objective: f64 = beta.iter().zip(weights).map(|(b, w)| w * b.abs()).sum();
    let heaviest = weights.iter().fold(f64::MIN_POSITIVE, |most, w| most.max(*w));
    let reach = transpose_product(problem.x(), dim, dual);
    let dual_violation =
        reach.iter().zip(weights).map(|(c, w)| (sign.reach(*c) - w) / heaviest).fold(0.0, f64::max);
    let gap = (objective - dot(problem.y(), dual)).abs();
    BasisPursuitCertificate {
        objective,
        primal_residual: norm(&missed) / if labels > 0.0 { labels } else { 1.0 } + norm(&forbidden),
        dual_violation,
        relative_gap: if gap == 0.0 { 0.0 } else { gap / objective },
    }
}

/// clarabel's solution of the dual, with labels of norm one.
fn solve(problem: &Problem, weights: &[f64], sign: Sign) -> BasisPursuit {
    let (n, dim) = (problem.samples(), problem.dim());
    let labels = norm(problem.y());
    let sides: &[f64] = if sign == Sign::Signed { &[1.0, -1.0] } else { &[1.0] };
    let mut constraints = Vec::with_capacity(sides.len() * n * dim);
    for (k, side) in sides.iter().enumerate() {
        constraints.extend(block(problem.x(), dim, 0, 0).map(|(i, j, v)| (k * dim + j, i, side * v)));
    }
    let bounds = weights.repeat(sides.len());
    let cost = problem.y().iter().map(|y| -y / labels).collect();
    let cones = vec![NonnegativeConeT(bounds.len())];
    let solution = Programme { curvature: vec![0.0; n], cost, constraints, bounds, cones }.solve();
    let mut beta = vec![0.0; dim];
    for (k, side) in sides.iter().enumerate() {
        beta.iter_mut().zip(&solution.z[k * dim..]).for_each(|(b, z)| *b += side * labels * z);
    }
    let certificate = certify(problem, weights, sign, &beta, &solution.x);
    BasisPursuit { beta, dual: solution.x, certificate }
}

/// The coefficients on the support, computed exactly, and the nearest dual point that is tight on it.
fn polish(problem: &Problem, weights: &[f64], sign: Sign, found: &BasisPursuit) -> Option<BasisPursuit> {
    let (n, dim) = (problem.samples(), problem.dim());
    let largest = found.beta.iter().fold(0.0, |most: f64, b| most.max(b.abs()));
    let support: Vec<usize> = (0..dim).filter(|j| found.beta[*j].abs() > SUPPORT * largest).collect();
    let mut factor = ThinQr::default();
    for j in &support {
        factor.append(&column(problem.x(), dim, *j)).ok()?;
    }
    let reach = transpose_product(problem.x(), dim, &found.dual);
    let slack: Vec<f64> = support.iter().map(|j| weights[*j] * found.beta[*j].signum() - reach[*j]).collect();
    let moved = factor.combine(&factor.solve_lower(&slack), n);
    let dual: Vec<f64> = found.dual.iter().zip(&moved).map(|(nu, m)| nu + m).collect();
    let mut beta = vec![0.0; dim];
    for (j, value) in support.iter().zip(factor.solve_upper(&factor.project(problem.y()))) {
        beta[*j] = value;
    }
    let certificate = certify(problem, weights, sign, &beta, &dual);
    Some(BasisPursuit { beta, dual, certificate })
}

#[cfg(test)]
mod tests;
