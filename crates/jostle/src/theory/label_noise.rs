//! What label noise minimises: the Lasso whose strength is set by step size and noise.
//!
//! On the square models, fresh label noise of standard deviation `delta` makes `ln |w_j|` (and `ln |u_j|`, `ln |v_j|`)
//! drift by
//!
//! ```text
//! -rate ( [X' r]_j / n + lambda_j )  a step,    rate = m eta / (1 - b),    lambda_j = rate delta^2/2 |X_j|^2/n
//! ```
//!
//! so that the time average of `beta` tends to the minimiser of `|X beta - y|^2 / 2n + sum_j lambda_j |beta_j|`
//! (Pillaud-Vivien, Reygner, Flammarion 2022, arXiv 2206.09841), and coordinates off its support shrink by
//! `rate lambda_j` times their slack. **Convention:** `lambda` always goes with the objective `1/2n` above. What it
//! depends on, besides `eta`, `delta` and the columns:
//!
//! | | factor |
//! |---|---|
//! | loss `(c/n) sum r^2` | `m = 4 c` for `w^2` and `u^2 - v^2`, `m = 2 c` for `a * b`: 1 in the papers |
//! | labels perturbed in a step | 1 for `labels = "one"`, 1/batch for `labels = "batch"` (1/n with the full batch) |
//! | heavy-ball momentum `b` | 1/(1 - b) |
//! | mini-batches of effective size `B'` | adds `rate/(2 B') (1/n) sum_i x_ij^2 E r_i^2`, see [`sampling_strength`] |
//!
//! The formulas are of first order in `eta^2 |X_j|^2 delta^2 / n`: 0.1 % at `eta delta = 0.03`.

use super::{TheoryError, described};
use crate::dynamics::GradientDescent;
use crate::linear_algebra::weighted_squares;
use crate::model::{LinkKind, ModelSpec, Unit};
use crate::noise::{LabelNoise, Point, SampleCovariance, SampleNoise};
use crate::problem::Problem;

/// The l1 strength of label noise at one step size.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelNoiseStrength {
    /// `lambda_j` (d), for the objective `|X beta - y|^2 / 2n + sum_j lambda_j |beta_j|`.
    pub lambda: Vec<f64>,
    /// `rate = m eta / (1 - b)`: steps times the rate are the time of the flow `d ln w = -(X' r / n + lambda) dt`.
    pub rate: f64,
}

impl LabelNoiseStrength {
    /// Steps after which a coordinate off the support has shrunk by `ratio` in `w` if its KKT slack is `lambda_j` (d),
    /// to be divided by the slack in units of `lambda_j` otherwise: `ln(1/ratio) / (rate lambda_j)`, which is
    /// `2 ln(1/ratio) / (eta delta)^2` for columns with `|X_j|^2 = n`. Infinite where `lambda_j` is zero.
    ///
    /// # Errors
    /// A ratio outside (0, 1).
    pub fn contraction_steps(&self, ratio: f64) -> Result<Vec<f64>, TheoryError> {
        if !(ratio > 0.0 && ratio < 1.0) {
            return Err(TheoryError::Fraction { name: "ratio", value: ratio });
        }
        Ok(self.lambda.iter().map(|lambda| -ratio.ln() / (self.rate * lambda)).collect())
    }
}

/// `lambda_j = rate delta^2/2 |X_j|^2/n` (d) at the step size of `step`, divided by the batch when all its labels are
/// perturbed.
///
/// # Errors
/// A model other than `w^2`, `u^2 - v^2` and `a * b`.
pub fn label_noise_strength(
    problem: &Problem,
    model: &ModelSpec,
    dynamics: &GradientDescent,
    noise: &LabelNoise,
    step: u64,
) -> Result<LabelNoiseStrength, TheoryError> {
    let rate = rate(model, dynamics, step)?;
    let residuals = vec![0.0; problem.samples()];
    let covariance = noise.covariance(&Point {
        problem,
        model: &*model.model(problem.dim()),
        theta: &[],
        residuals: &residuals,
        loss_factor: model.loss_factor,
        batch: dynamics.batch.size(problem.samples()),
        replacement: dynamics.draws_with_replacement(),
        step,
    });
    let variances = label_variances(&covariance, model.loss_factor);
    Ok(LabelNoiseStrength { lambda: strength(problem, rate, &variances), rate })
}

/// What drawing mini-batches adds to `lambda` (d), `rate/(2 B') (1/n) sum_i x_ij^2 E r_i^2`, for given mean squared
/// residuals `E r_i^2` (n) and the effective batch `B'`; zero for the full batch. The square of the mean gradient,
/// which vanishes at interpolation, is left out.
///
/// # Errors
/// A model other than `w^2`, `u^2 - v^2` and `a * b`, or another number of residuals than samples.
pub fn sampling_strength(
    problem: &Problem,
    model: &ModelSpec,
    dynamics: &GradientDescent,
    mean_squared_residuals: &[f64],
    step: u64,
) -> Result<Vec<f64>, TheoryError> {
    let (found, n) = (mean_squared_residuals.len(), problem.samples());
    if found != n {
        let expected = format!("{n} (the number of samples)");
        return Err(TheoryError::Length { array: "mean_squared_residuals", found, expected });
    }
    let residuals: Vec<f64> = mean_squared_residuals.iter().map(|square| square.sqrt()).collect();
    let effective = dynamics.effective_batch(n);
    let covariance = SampleCovariance::of_mini_batch(&residuals, 1, model.loss_factor, effective);
    let variances = label_variances(&covariance, model.loss_factor);
    Ok(strength(problem, rate(model, dynamics, step)?, &variances))
}

/// The variance `n C_ii / 4 c^2` (n) that single perturbed labels would need for the same perturbation `C` of the sample
/// weights.
pub(crate) fn label_variances(covariance: &SampleCovariance, loss_factor: f64) -> Vec<f64> {
    let unit = covariance.blocks.len() as f64 / (4.0 * loss_factor * loss_factor);
    covariance.blocks.iter().map(|variance| unit * variance).collect()
}

/// `m`.
pub(super) fn multiple(model: &ModelSpec) -> Result<f64, TheoryError> {
    model.rate().filter(|_| model.link() != Some(LinkKind::Unit(Unit))).ok_or_else(|| {
        let theorem = "the l1 strength of label noise";
        TheoryError::Model { theorem, model: model.form.to_string() }
    })
}

/// `m eta / (1 - b)`.
pub(crate) fn rate(model: &ModelSpec, dynamics: &GradientDescent, step: u64) -> Result<f64, TheoryError> {
    described::check_descent("the l1 strength of label noise", dynamics)?;
    Ok(multiple(model)? * dynamics.effective_rate(step))
}

/// `rate/2 (1/n) sum_i x_ij^2 variance_i` (d).
pub(crate) fn strength(problem: &Problem, rate: f64, variance: &[f64]) -> Vec<f64> {
    let factor = 0.5 * rate / problem.samples() as f64;
    let squares = weighted_squares(problem.x(), problem.dim(), variance);
    squares.into_iter().map(|square| factor * square).collect()
}

#[cfg(test)]
mod tests;
