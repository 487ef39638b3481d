//! Where gradient flow on the quadratic model ends: the interpolator closest to the start in relative entropy.
//!
//! Flow on `beta = w^2` moves `ln beta` within the row space of `X`, so that its limit from `w = tau` is
//!
//! ```text
//! argmin { sum_j beta_j ln(beta_j / tau_j^2) - beta_j : X beta = y, beta >= 0 }  =  tau^2 exp(X' nu)
//! ```
//!
//! (HaoChen et al. 2020, arXiv 2006.08680, the limit that its GD runs approach; Woodworth et al. 2020, arXiv
//! 2002.09277). Gradient descent of step size `eta` ends within a relative distance of order `eta` of it. (Some
//! write `tau^2 exp(2 X' nu)`, with half the `nu`; ours are the Lagrange multipliers.)
//!
//! The multipliers `nu` maximise the concave dual `y . nu - sum_j tau_j^2 exp(X_j . nu)` over n numbers. We maximise
//! it by a damped Newton method rather than solve the exponential cone programme and polish. Every dual iterate is a
//! stationary point of the Lagrangian, so that the residual is the whole certificate. The iteration also converges
//! where every interpolator has the same coefficients at zero (a sparse truth with `n > d/2`): there the dual has no
//! maximiser for polishing to tend to, but the coefficients shrink by a factor of about `e` a step. The cone programme
//! is the oracle of the tests. When the iteration finds no interpolator, non-negative least squares decide whether
//! there is one.

use super::interpolation::distance_to_interpolation;
use super::{Sign, TheoryError};
use crate::linear_algebra::{column_space, dot, norm, product, solve_weighted_gram, transpose_product};
use crate::problem::Problem;

/// The relative primal residual up to which a solution counts as found.
pub const TOLERANCE: f64 = 1e-12;

/// Residual from which the path of solutions is followed further, and the largest change of `ln tau^2` at once.
const PATH_TOLERANCE: f64 = 1e-3;
const PATH_STEP: f64 = 4.0;
/// The smallest share of such a change, so that the path comes to an end.
const SHORTEST: f64 = 0.01;

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
    /// Distance between the primal and the dual value, `|nu . (X beta - y)|`: `beta` minimises the Lagrangian at `nu`
    /// up to rounding, so that nothing else separates the two.
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
    check_init(problem.dim(), init)?;
    let log_scale = log_scale(problem.dim(), init);
    let projection = Dual::new(problem, log_scale).maximise();
    let floor = rounding_floor(problem, &projection.beta);
    if projection.primal_residual <= TOLERANCE.max(floor) {
        return Ok(projection);
    }
    if let Some(distance) = distance_to_interpolation(problem, Sign::NonNegative) {
        return Err(TheoryError::NoInterpolator { sign: Sign::NonNegative, distance });
    }
    Err(TheoryError::NotConverged { quantity: "entropy projection", residual: projection.primal_residual })
}

/// A start needs one scale, or one for each coordinate, none of them zero.
pub(super) fn check_init(dim: usize, init: &[f64]) -> Result<(), TheoryError> {
    if init.len() != 1 && init.len() != dim {
        let expected = format!("1 or {dim} (the dimension)");
        return Err(TheoryError::Length { array: "init", found: init.len(), expected });
    }
    if let Some((position, value)) = init.iter().enumerate().find(|(_, v)| **v == 0.0 || !v.is_finite()) {
        return Err(TheoryError::Init { position, value: *value });
    }
    Ok(())
}

/// `ln tau_j^2` (d).
fn log_scale(dim: usize, init: &[f64]) -> Vec<f64> {
    (0..dim).map(|j| 2.0 * init[j % init.len()].abs().ln()).collect()
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
    if labels > 0.0 {
        labels
    } else {
        norm(&product(problem.x(), problem.dim(), beta)).max(f64::MIN_POSITIVE)
    }
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

/// Where the iteration is: multipliers in the basis, and `ln beta`. The latter is kept beside the multipliers, because
/// recomputed from large ones it would carry their rounding errors.
struct Position {
    reduced: Vec<f64>,
    log_beta: Vec<f64>,
    iterations: usize,
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

    /// Follows the solutions from scales of at least the size that the labels ask for down to the wanted ones: the
    /// solution for a tiny scale is nearly that of a linear programme, too far for Newton's method alone.
    fn maximise(&self) -> EntropyProjection {
        let natural = (norm(self.problem.y()) / norm(self.problem.x()).max(f64::MIN_POSITIVE)).ln();
        let mut scale: Vec<f64> = self.log_scale.iter().map(|l| l.max(natural)).collect();
        let mut position = Position {
            reduced: vec![0.0; self.rows.len() / self.problem.dim()],
            log_beta: scale.clone(),
            iterations: 0,
        };
        loop {
            let missing: Vec<f64> = self.log_scale.iter().zip(&scale).map(|(l, s)| l - s).collect();
            let most = missing.iter().fold(0.0, |most: f64, m| most.max(-m));
            if most == 0.0 {
                return self.newton(&mut position, TOLERANCE);
            }
            let found = self.newton(&mut position, PATH_TOLERANCE);
            if found.primal_residual.is_nan() || found.primal_residual > PATH_TOLERANCE {
                return found;
            }
            let share = self.follow(&mut position, &found.beta, &missing, (PATH_STEP / most).min(1.0));
            for ((s, m), l) in scale.iter_mut().zip(&missing).zip(&self.log_scale) {
                // Arriving exactly, so that the loop ends.
                *s = if share == 1.0 { *l } else { *s + share * m };
            }
        }
    }

    /// Moves along the tangent of the path of solutions by a share of the change of `ln tau^2`: at most the given one,
    /// and so far that no coefficient grows by more than a factor of `e`, as long as that gets anywhere. Returns the
    /// share.
    fn follow(&self, position: &mut Position, beta: &[f64], change: &[f64], at_most: f64) -> f64 {
        let dim = self.problem.dim();
        let lost: Vec<f64> = beta.iter().zip(change).map(|(b, c)| -b * c).collect();
        let direction = solve_weighted_gram(&self.rows, dim, beta, &product(&self.rows, dim, &lost));
        let mut moves = transpose_product(&self.rows, dim, &direction);
        for (m, c) in moves.iter_mut().zip(change) {
            *m += c;
        }
        let upwards = moves.iter().fold(0.0, |most: f64, m| most.max(*m));
        let share = (1.0 / upwards).clamp(SHORTEST * at_most, at_most);
        position.advance(&direction, &moves, share);
        share
    }

    /// Damped Newton on the negative dual `g`. Along a direction that changes `ln beta` by `m`, at most by `M` upwards,
    ///
    /// ```text
    /// g(t) - g(0) <= -t q + q (exp(t M) - 1 - t M)/M^2,    q = sum_j beta_j m_j^2,
    /// ```
    ///
    /// since `(exp(x) - 1 - x)/x^2` increases in `x`. The bound is least at `t = ln(1 + M)/M`, where it is below zero:
    /// `g` decreases at every iteration, steps become full ones as `M` tends to 0, and no line search is needed
    /// (compare Sun and Tran-Dinh 2019, Mathematical Programming 178, for sums of exponentials).
    fn newton(&self, position: &mut Position, wanted: f64) -> EntropyProjection {
        let dim = self.problem.dim();
        let mut best = self.evaluate(position);
        let mut current = best.clone();
        let limit = position.iterations + MAX_ITERATIONS;
        while position.iterations < limit {
            // On the path, near is enough; at its end, steps are taken as long as they gain anything.
            if wanted > TOLERANCE && best.primal_residual <= wanted {
                break;
            }
            let mut gradient = self.residual(&current.beta);
            if let Some(basis) = &self.basis {
                gradient = product(basis, gradient.len(), &gradient);
            }
            let descent: Vec<f64> = gradient.iter().map(|g| -g).collect();
            let direction = solve_weighted_gram(&self.rows, dim, &current.beta, &descent);
            let moves = transpose_product(&self.rows, dim, &direction);
            if !moves.iter().all(|m| m.is_finite()) {
                break;
            }
            let upwards = moves.iter().fold(0.0, |most: f64, m| most.max(*m));
            position.advance(&direction, &moves, if upwards > 0.0 { upwards.ln_1p() / upwards } else { 1.0 });
            position.iterations += 1;
            current = self.evaluate(position);
            let reached = best.primal_residual <= wanted.max(rounding_floor(self.problem, &best.beta));
            let settled = reached && current.primal_residual > 0.5 * best.primal_residual;
            if current.primal_residual < best.primal_residual {
                best = current.clone();
            }
            if settled
                || !current.primal_residual.is_finite()
                || position.iterations > best.iterations + PATIENCE
            {
                break;
            }
        }
        best
    }

    fn evaluate(&self, position: &Position) -> EntropyProjection {
        let dual = match &self.basis {
            Some(basis) => transpose_product(basis, self.problem.samples(), &position.reduced),
            None => position.reduced.clone(),
        };
        let beta: Vec<f64> = position.log_beta.iter().map(|l| l.exp()).collect();
        let residual = self.residual(&beta);
        let (primal_residual, gap) = (norm(&residual) / self.scale, dot(&dual, &residual).abs());
        EntropyProjection { beta, dual, primal_residual, gap, iterations: position.iterations }
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

impl Position {
    fn advance(&mut self, direction: &[f64], moves: &[f64], length: f64) {
        for (value, d) in self.reduced.iter_mut().zip(direction) {
            *value += length * d;
        }
        for (l, m) in self.log_beta.iter_mut().zip(moves) {
            *l += length * m;
        }
    }
}

#[cfg(test)]
mod tests;
