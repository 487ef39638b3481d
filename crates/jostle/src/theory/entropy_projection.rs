//! Where gradient flow on the quadratic model ends: the interpolator closest to the start in relative entropy.
//!
//! Flow on `beta = w^2` moves `ln beta` within the row space of `X`, so that its limit from `w = tau` is
//!
//! ```text
//! argmin { sum_j beta_j ln(beta_j / tau_j^2) - beta_j : X beta = y, beta >= 0 }  =  tau^2 exp(X' nu)
//! ```
//!
//! (HaoChen et al. 2020, arXiv 2006.08680, the limit that its GD runs approach; Woodworth et al. 2020, arXiv
//! 2002.09277). Gradient descent of step size `eta` ends within a relative distance of order `eta` of it.
//!
//! The multipliers `nu` maximise the concave dual `y . nu - sum_j tau_j^2 exp(X_j . nu)` over n numbers. We maximise it
//! by a damped Newton method rather than solve the exponential cone programme and polish, because the dual iterates are
//! exact stationary points of the Lagrangian at every step, so that the residual is the whole certificate, and because
//! the iteration also converges where the solution has coefficients that every interpolator has at zero (a sparse truth
//! with `n > d/2`): they shrink by a factor of about `e` a step, whereas an interior point hands over a point from
//! which polishing does not start. The cone programme is the oracle of the tests, and clarabel decides whether there
//! is an interpolator at all when the iteration finds none.

use clarabel::solver::SupportedConeT::{NonnegativeConeT, ZeroConeT};

use super::TheoryError;
use super::conic::{Programme, block};
use crate::linear_algebra::{column_space, dot, norm, product, solve_weighted_gram, transpose_product};
use crate::problem::Problem;

/// The relative primal residual up to which a solution counts as found.
pub const TOLERANCE: f64 = 1e-12;

/// Above this distance between the labels and the cone of the columns, relative to their norm, there is no
/// interpolator; below it, clarabel's answer may be a rounding error.
const DISTANCE_RESOLUTION: f64 = 1e-8;

const MAX_ITERATIONS: usize = 1000;
const PATIENCE: usize = 60;

/// The entropy projection of a start onto the non-negative interpolators, with its certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct EntropyProjection {
    /// The coefficients `tau^2 exp(X' nu)` (d).
    pub beta: Vec<f64>,
    /// The multipliers `nu` (n) of the interpolation constraints.
    pub dual: Vec<f64>,
    /// `|X beta - y| / |y|`, or relative to the predictions of the start when all labels are zero.
    pub primal_residual: f64,
    /// Distance between the primal and the dual value, `|nu . (X beta - y)|`: `beta` is the exact minimiser of the
    /// Lagrangian at `nu`, so nothing else separates the two.
    pub gap: f64,
    /// Newton steps taken.
    pub iterations: usize,
}

/// The limit of gradient flow on `beta = w^2` from `w = init`: one scale `tau` for all coordinates, or one each (d).
///
/// # Errors
/// An init of another length, or with a zero or non-finite entry; labels that no non-negative coefficients reproduce;
/// a residual that stays above [`TOLERANCE`] and above the rounding error of `X beta - y`.
pub fn entropy_projection(problem: &Problem, init: &[f64]) -> Result<EntropyProjection, TheoryError> {
    let log_scale = log_scale(problem.dim(), init)?;
    let projection = Dual::new(problem, log_scale).maximise();
    let floor = rounding_floor(problem, &projection.beta);
    if projection.primal_residual <= TOLERANCE.max(floor) {
        return Ok(projection);
    }
    let distance = distance_to_cone(problem);
    if distance > DISTANCE_RESOLUTION {
        return Err(TheoryError::NoInterpolator { distance });
    }
    Err(TheoryError::NotConverged { quantity: "entropy projection", residual: projection.primal_residual })
}

/// `ln tau_j^2` (d).
fn log_scale(dim: usize, init: &[f64]) -> Result<Vec<f64>, TheoryError> {
    if init.len() != 1 && init.len() != dim {
        let expected = format!("1 or {dim} (the dimension)");
        return Err(TheoryError::Length { array: "init", found: init.len(), expected });
    }
    if let Some((position, value)) = init.iter().enumerate().find(|(_, v)| **v == 0.0 || !v.is_finite()) {
        return Err(TheoryError::Init { position, value: *value });
    }
    Ok((0..dim).map(|j| 2.0 * init[j % init.len()].abs().ln()).collect())
}

/// What remains of `X beta - y`, relative to `y`, when every operation rounds.
fn rounding_floor(problem: &Problem, beta: &[f64]) -> f64 {
    let dim = problem.dim();
    let magnitudes: Vec<f64> = problem.x().iter().map(|v| v.abs()).collect();
    8.0 * f64::EPSILON * norm(&product(&magnitudes, dim, beta)) / label_scale(problem, beta)
}

/// `|y|`, or the size of `X beta` where the labels give no scale.
fn label_scale(problem: &Problem, beta: &[f64]) -> f64 {
    let labels = norm(problem.y());
    if labels > 0.0 { labels } else { norm(&product(problem.x(), problem.dim(), beta)).max(f64::MIN_POSITIVE) }
}

/// The dual problem in coordinates in which the rows are independent.
struct Dual<'a> {
    problem: &'a Problem,
    log_scale: Vec<f64>,
    /// Orthonormal basis (rank x n) of the span of the columns, unless the rows of `X` are independent.
    basis: Option<Vec<f64>>,
    /// `X` in that basis (rank x d).
    rows: Vec<f64>,
    scale: f64,
}

impl<'a> Dual<'a> {
    fn new(problem: &'a Problem, log_scale: Vec<f64>) -> Self {
        let (n, dim) = (problem.samples(), problem.dim());
        let basis = column_space(problem.x(), dim);
        let start: Vec<f64> = log_scale.iter().map(|l| l.exp()).collect();
        let scale = label_scale(problem, &start);
        if basis.len() == n * n {
            return Self { problem, log_scale, basis: None, rows: problem.x().to_vec(), scale };
        }
        let rows = basis.chunks_exact(n).flat_map(|q| transpose_product(problem.x(), dim, q)).collect();
        Self { problem, log_scale, basis: Some(basis), rows, scale }
    }

    /// Damped Newton: the step `t = ln(1 + m) / m`, with `m = max_j |X_j . direction|`, decreases the negative dual
    /// at every iteration and tends to a full step (Sun and Tran-Dinh 2019, Mathematical Programming 178, theorem 2:
    /// sums of exponentials are generalised self-concordant of order 2). No line search, no start to be guessed.
    fn maximise(&self) -> EntropyProjection {
        let rank = self.rows.len() / self.problem.dim();
        let mut reduced = vec![0.0; rank];
        let mut best = self.evaluate(&reduced, 0);
        let mut current = best.clone();
        for iteration in 1..=MAX_ITERATIONS {
            let residual = self.residual(&current.beta);
            let gradient = match &self.basis {
                Some(basis) => product(basis, residual.len(), &residual),
                None => residual,
            };
            let direction = solve_weighted_gram(&self.rows, self.problem.dim(), &current.beta, &gradient);
            let moves = transpose_product(&self.rows, self.problem.dim(), &direction);
            let largest = moves.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            if largest == 0.0 || !largest.is_finite() {
                break;
            }
            let length = largest.ln_1p() / largest;
            for (value, d) in reduced.iter_mut().zip(&direction) {
                *value -= length * d;
            }
            current = self.evaluate(&reduced, iteration);
            let at_rounding = best.primal_residual <= TOLERANCE && current.primal_residual > 0.5 * best.primal_residual;
            if current.primal_residual < best.primal_residual {
                best = current.clone();
            }
            if at_rounding || !current.primal_residual.is_finite() || iteration > best.iterations + PATIENCE {
                break;
            }
        }
        best
    }

    fn evaluate(&self, reduced: &[f64], iterations: usize) -> EntropyProjection {
        let n = self.problem.samples();
        let dual = match &self.basis {
            Some(basis) => transpose_product(basis, n, reduced),
            None => reduced.to_vec(),
        };
        let shift = transpose_product(self.problem.x(), self.problem.dim(), &dual);
        let beta: Vec<f64> = self.log_scale.iter().zip(shift).map(|(l, s)| (l + s).exp()).collect();
        let residual = self.residual(&beta);
        let (primal_residual, gap) = (norm(&residual) / self.scale, dot(&dual, &residual).abs());
        EntropyProjection { beta, dual, primal_residual, gap, iterations }
    }

    /// `X beta - y` (n).
    fn residual(&self, beta: &[f64]) -> Vec<f64> {
        let mut residual = product(self.problem.x(), self.problem.dim(), beta);
        for (r, y) in residual.iter_mut().zip(self.problem.y()) {
            *r -= y;
        }
        residual
    }
}

/// `min { |X b - y| : b >= 0 } / |y|`, with columns scaled to norm one.
fn distance_to_cone(problem: &Problem) -> f64 {
    let (n, dim) = (problem.samples(), problem.dim());
    let labels = norm(problem.y());
    if labels == 0.0 {
        return 0.0;
    }
    let norms = super::null_cone::column_norms(problem);
    let mut constraints: Vec<_> = block(problem.x(), dim, 0, 0).map(|(i, j, v)| (i, j, v / norms[j])).collect();
    constraints.extend((0..n).map(|i| (i, dim + i, 1.0)));
    constraints.extend((0..dim).map(|j| (n + j, j, -1.0)));
    let mut bounds: Vec<f64> = problem.y().iter().map(|y| y / labels).collect();
    bounds.resize(n + dim, 0.0);
    let curvature = (0..dim + n).map(|k| if k < dim { 0.0 } else { 1.0 }).collect();
    let cones = vec![ZeroConeT(n), NonnegativeConeT(dim)];
    let solution = Programme { curvature, cost: vec![0.0; dim + n], constraints, bounds, cones }.solve();
    norm(&solution.x[dim..])
}

#[cfg(test)]
mod tests;
