//! The weighted Lasso, with a certificate that anybody can compute again from the data and the coefficients.
//!
//! ```text
//! argmin |X b - y|^2 / 2n + sum_j lambda_j |b_j|        (b >= 0 where the sign says so)
//! ```
//!
//! (Tibshirani 1996; with weights, Zou 2006.) The objective with `1/2n` is the convention of every `lambda` here, and
//! scikit-learn's. It is solved by an exact active-set method, which ends at the solution up to rounding
//! (decision 0013).

use super::active_set::ActiveSet;
use super::{Sign, TheoryError};
use crate::linear_algebra::{ThinQr, column, dot, norm, product, transpose_product, weighted_squares};
use crate::problem::Problem;

/// The relative duality gap up to which nothing is said of a solution. Where columns are nearly dependent, coefficients
/// that are rounded to doubles cannot do better than some larger gap, which then is said.
pub const TOLERANCE: f64 = 1e-10;

/// Violations of the optimality conditions, in units of `|X_j| |y| / n`, up to which coefficients are a solution but for
/// rounding, so that a dual point is looked for near their residual.
const NEAR: f64 = 1e-7;

/// Rounds of moving a dual point off the columns that it violates.
const ROUNDS: usize = 20;

/// A solution of the weighted Lasso.
#[derive(Debug, Clone, PartialEq)]
pub struct Lasso {
    /// The coefficients (d), with exact zeros.
    pub beta: Vec<f64>,
    /// Whether no other coefficients are as good: the columns whose correlation with the residual reaches their
    /// `lambda_j` are independent. If not, `beta` is one solution of several.
    pub is_unique: bool,
    /// Optimality, computed from the data and `beta` alone.
    pub certificate: LassoCertificate,
    /// Columns that entered or left the support on the way.
    pub iterations: usize,
}

impl Lasso {
    /// The indices of the coefficients that are not zero.
    pub fn support(&self) -> Vec<usize> {
        (0..self.beta.len()).filter(|j| self.beta[*j] != 0.0).collect()
    }
}

/// How far coefficients are from solving a weighted Lasso.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LassoCertificate {
    /// `P = |X b - y|^2 / 2n + sum_j lambda_j |b_j|`; infinite for a negative coefficient where none is allowed.
    pub objective: f64,
    /// The duality gap, an upper bound of `P - min P`.
    pub gap: f64,
    /// The gap in units of the objective at zero, `|y|^2 / 2n`. Where all labels are zero there is no such unit: 0 for the
    /// solution, which is zero, and NaN for other coefficients.
    pub relative_gap: f64,
    /// The largest violation of the optimality conditions, on the scale of `lambda`, see [`lasso_certificate`].
    pub kkt_violation: f64,
    /// The largest violation divided by its `lambda_j`; infinite where a column without a penalty is violated.
    pub kkt_residual: f64,
}

/// The weighted Lasso for one `lambda` for all coordinates, or one each (d).
///
/// # Errors
/// A `lambda` of another length, or with an entry that is negative or not finite; numbers that overflow.
pub fn lasso(problem: &Problem, lambda: &[f64], sign: Sign) -> Result<Lasso, TheoryError> {
    lasso_from(problem, lambda, sign, &vec![0.0; problem.dim()])
}

/// The same, from a start (d) that is near to the solution: the support changes less on the way.
///
/// # Errors
/// As [`lasso`], or a start of another length.
pub fn lasso_from(
    problem: &Problem,
    lambda: &[f64],
    sign: Sign,
    start: &[f64],
) -> Result<Lasso, TheoryError> {
    let lambda = spread("lambda", lambda, problem.dim())?;
    check_length("start", start, problem.dim())?;
    let mut set = ActiveSet::new(problem, &lambda, sign, start);
    let iterations = set.solve();
    let beta = set.beta();
    let certificate = certify(problem, &lambda, sign, &beta);
    if !certificate.relative_gap.is_finite() {
        return Err(TheoryError::NotConverged { quantity: "Lasso", residual: certificate.relative_gap });
    }
    Ok(Lasso { beta, is_unique: set.is_unique(), certificate, iterations })
}

/// How far coefficients `b` (d) are from the weighted Lasso, from nothing but the data: for solutions of any solver,
/// and for iterates and averages of a run.
///
/// * **Gap.** With `u = s (y - X b)/n`, moved off the columns with `lambda_j = 0` and scaled by the best `s <= 1` with
///   `|X_j' u| <= lambda_j` (`X_j' u <= lambda_j` for `b >= 0`), it is the sum
///   `n/2 |(y - X b)/n - u|^2 + sum_j (lambda_j |b_j| - b_j X_j' u)` of terms that cannot be negative. Where `lambda` is
///   tiny beside the correlations that cancel in `X_j' u`, rounding makes that scale anything: coefficients that are a
///   solution but for rounding are given a `u` with `X_j' u = lambda_j sign b_j` on the support instead, and what rounding
///   leaves of a violation counts with `|b_j|`.
/// * **KKT violation.** With `g = X'(X b - y)/n` and `c_j = |X_j|^2/n`, the largest of `c_j` times the change of `b_j` by
///   an exact minimisation over it alone. That is `|g_j + lambda_j sign b_j|` on the support and `(|g_j| - lambda_j)_+`
///   at zero; a tiny coefficient that should be zero counts with `c_j |b_j|`. **KKT residual:** the largest of these,
///   each divided by its `lambda_j`.
///
/// # Errors
/// A `lambda` or `b` of another length, or a `lambda` with an entry that is negative or not finite.
pub fn lasso_certificate(
    problem: &Problem,
    lambda: &[f64],
    sign: Sign,
    beta: &[f64],
) -> Result<LassoCertificate, TheoryError> {
    let lambda = spread("lambda", lambda, problem.dim())?;
    check_length("beta", beta, problem.dim())?;
    Ok(certify(problem, &lambda, sign, beta))
}

/// One value for all coordinates, or one each, none below zero.
pub(super) fn spread(array: &'static str, values: &[f64], dim: usize) -> Result<Vec<f64>, TheoryError> {
    if values.len() != 1 {
        check_length(array, values, dim)?;
    }
    if let Some((position, value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite() || **v < 0.0) {
        return Err(TheoryError::Negative { array, position, value: *value });
    }
    Ok((0..dim).map(|j| values[j % values.len()]).collect())
}

fn check_length(array: &'static str, values: &[f64], dim: usize) -> Result<(), TheoryError> {
    if values.len() == dim {
        return Ok(());
    }
    let expected = format!("{dim} (the dimension)");
    Err(TheoryError::Length { array, found: values.len(), expected })
}

fn certify(problem: &Problem, lambda: &[f64], sign: Sign, beta: &[f64]) -> LassoCertificate {
    let (n, dim) = (problem.samples() as f64, problem.dim());
    let predictions = product(problem.x(), dim, beta);
    let residual: Vec<f64> = problem.y().iter().zip(&predictions).map(|(y, f)| (y - f) / n).collect();
    let correlations = transpose_product(problem.x(), dim, &residual);
    let squares = weighted_squares(problem.x(), dim, &vec![1.0 / n; problem.samples()]);
    let penalty: f64 = beta.iter().zip(lambda).map(|(b, l)| l * b.abs()).sum();
    let kkt = |j: usize| kkt_violation(beta[j], correlations[j], squares[j], lambda[j], sign);
    let violations: Vec<f64> = (0..dim).map(kkt).collect();
    let kkt_violation = violations.iter().copied().fold(0.0, f64::max);
    let ratio = |(v, l): (&f64, &f64)| if *v == 0.0 { 0.0 } else { v / l };
    let kkt_residual = violations.iter().zip(lambda).map(ratio).fold(0.0, f64::max);
    if sign == Sign::NonNegative && beta.iter().any(|b| *b < 0.0) {
        let (objective, gap, relative_gap) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
        return LassoCertificate { objective, gap, relative_gap, kkt_violation, kkt_residual };
    }
    let objective = n / 2.0 * dot(&residual, &residual) + penalty;
    let mut gap = gap(problem, lambda, sign, beta, &residual, penalty);
    let at_zero = dot(problem.y(), problem.y()) / (2.0 * n);
    let near = |(v, square): (&f64, &f64)| *v <= NEAR * (2.0 * square * at_zero).sqrt();
    if gap > TOLERANCE * at_zero && violations.iter().zip(&squares).all(near) {
        gap = gap.min(gap_near_a_solution(problem, lambda, sign, beta, &residual).unwrap_or(gap));
    }
    let relative_gap = match gap {
        0.0 => 0.0,
        _ if at_zero == 0.0 => f64::NAN,
        _ => gap / at_zero,
    };
    LassoCertificate { objective, gap, relative_gap, kkt_violation, kkt_residual }
}

/// The distance between the objective and the dual value at the point nearest to the residual `(y - X b)/n` whose
/// correlations are `lambda_j sign b_j` on the support and within their bounds elsewhere, up to rounding; none if there are
/// more coefficients than samples, or no such point is found.
fn gap_near_a_solution(
    problem: &Problem,
    lambda: &[f64],
    sign: Sign,
    beta: &[f64],
    residual: &[f64],
) -> Option<f64> {
    let (n, dim) = (problem.samples(), problem.dim());
    let mut held: Vec<usize> = (0..dim).filter(|j| beta[*j] != 0.0).collect();
    if held.len() > n {
        return None;
    }
    let norms = weighted_squares(problem.x(), dim, &vec![1.0; n]);
    let (mut point, mut factor) = (residual.to_vec(), ThinQr::default());
    let mut columns: Vec<(Vec<f64>, f64)> = Vec::new();
    let mut is_held = vec![false; dim];
    let mut correlations = transpose_product(problem.x(), dim, &point);
    for _ in 0..ROUNDS {
        for j in held.drain(..) {
            is_held[j] = true;
            let column = column(problem.x(), dim, j);
            let towards = if beta[j] == 0.0 { correlations[j] } else { beta[j] };
            // One that depends on the others is held by them, or nowhere.
            if factor.append(&column).is_ok() {
                columns.push((column, lambda[j] * towards.signum()));
            }
        }
        for _ in 0..2 {
            let excess: Vec<f64> =
                columns.iter().map(|(column, bound)| dot(column, &point) - bound).collect();
            let along = factor.combine(&factor.solve_lower(&excess), n);
            point.iter_mut().zip(&along).for_each(|(u, a)| *u -= a);
        }
        correlations = transpose_product(problem.x(), dim, &point);
        let rounding = n as f64 * f64::EPSILON * norm(&point);
        let violated = |j: &usize| sign.reach(correlations[*j]) > lambda[*j] + rounding * norms[*j].sqrt();
        let mut violated: Vec<usize> = (0..dim).filter(violated).collect();
        if violated.is_empty() {
            let missed: Vec<f64> = residual.iter().zip(&point).map(|(r, u)| r - u).collect();
            let pairs = || beta.iter().zip(lambda).zip(&correlations);
            let paired: f64 = pairs().map(|((b, l), c)| l * b.abs() - b * c).sum();
            let rounded: f64 = pairs().map(|((b, l), c)| (sign.reach(*c) - l).max(0.0) * b.abs()).sum();
            return Some(n as f64 / 2.0 * norm(&missed).powi(2) + paired.max(0.0) + rounded);
        }
        violated.retain(|j| !is_held[*j]);
        if violated.is_empty() {
            return None;
        }
        held = violated;
    }
    None
}

/// The distance between the objective and the best dual value on the ray of the residual `(y - X b)/n`.
fn gap(problem: &Problem, lambda: &[f64], sign: Sign, beta: &[f64], residual: &[f64], penalty: f64) -> f64 {
    let (n, dim) = (problem.samples(), problem.dim());
    let mut ray = residual.to_vec();
    let mut correlations = transpose_product(problem.x(), dim, &ray);
    // A column without a penalty allows a dual point no correlation (of its sign): the residual is moved off it.
    let (mut free, mut settled) = (ThinQr::default(), vec![false; dim]);
    let mut violated: Vec<usize>;
    while {
        let allows = |j: usize| lambda[j] > 0.0 || settled[j] || sign.reach(correlations[j]) <= 0.0;
        violated = (0..dim).filter(|j| !allows(*j)).collect();
        !violated.is_empty()
    } {
        for j in violated {
            settled[j] = true;
            // One that depends on the others adds no condition.
            let _ = free.append(&column(problem.x(), dim, j));
        }
        ray = residual.to_vec();
        for _ in 0..2 {
            let along = free.combine(&free.project(&ray), n);
            ray.iter_mut().zip(&along).for_each(|(r, a)| *r -= a);
        }
        correlations = transpose_product(problem.x(), dim, &ray);
    }
    // Not above one, the scale at a solution: rounding in a residual of nearly zero would be blown up.
    let mut most = 1.0_f64;
    for (c, l) in correlations.iter().zip(lambda).filter(|(_, l)| **l > 0.0) {
        let reach = sign.reach(*c);
        if reach > 0.0 {
            most = most.min(l / reach);
        }
    }
    let size = n as f64 * dot(&ray, &ray);
    let best = if size > 0.0 { dot(problem.y(), &ray) / size } else { 0.0 };
    let scale = best.clamp(0.0, most);
    let missed: Vec<f64> = residual.iter().zip(&ray).map(|(r, u)| r - scale * u).collect();
    let paired: f64 = beta.iter().zip(&correlations).map(|(b, c)| b * scale * c).sum();
    n as f64 / 2.0 * norm(&missed).powi(2) + (penalty - paired).max(0.0)
}

/// See [`lasso_certificate`], for a correlation `X_j'(y - X b)/n` and `|X_j|^2/n`.
fn kkt_violation(beta: f64, correlation: f64, square: f64, lambda: f64, sign: Sign) -> f64 {
    if square == 0.0 {
        return if beta == 0.0 { 0.0 } else { lambda };
    }
    // The target of the exact minimisation, times the square.
    let pulled = square * beta + correlation;
    let target = match sign {
        Sign::Signed => pulled.signum() * (pulled.abs() - lambda).max(0.0),
        Sign::NonNegative => (pulled - lambda).max(0.0),
    };
    (square * beta - target).abs()
}

#[cfg(test)]
pub(in crate::theory) mod tests;
