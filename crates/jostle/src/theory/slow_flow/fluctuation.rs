//! The fluctuations around the mean flow, to first order in the step size.
//!
//! The covariance `V` (n x n) of `z` obeys a linear equation whose coefficients are those of a step of gradient descent
//! on the linearised residuals: with `C = diag(q + p E r^2)` the variances of a step's labels and of its sampling,
//!
//! ```text
//! dV/ds = -(2/n) (K V + V K - (gamma - p rate) (2/n) K V K) + (rate/n) C,        E r r' = 4 K V K + mean r mean r'
//! ```
//!
//! with `gamma = rate (1 - b)/(1 + b)`. It is solved exactly for a `K` that stays as it is for the time of a few steps.

use super::conditions::Conditions;
use super::flow::{Flow, Node};
use crate::linear_algebra::Symmetric;
use crate::theory::label_noise::strength;
use crate::theory::stationary::relaxation;

/// Rounds of the equation for the mean squared residuals of mini-batches, which act back on the noise.
const ROUNDS: usize = 30;
/// The relative change at which they end, and the growth over the noise without sampling at which they never will.
const SETTLED: f64 = 1e-6;
const EXPLODED: f64 = 1e3;

/// Why there is no prediction from some step on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unbounded {
    /// Gradient descent is unstable: `gamma lambda_max(K) / n` is at least 1.
    StepSize(f64),
    /// The noise of mini-batches grows with the residuals that it makes.
    Feedback,
    /// A decomposition failed, or a number overflowed.
    Numbers,
}

/// What is known of the fluctuations at a node.
#[derive(Clone)]
pub(super) struct Fluctuation {
    /// The covariance `V` of `z`.
    covariance: Symmetric,
    /// The variances `c_i^2` (n) of a step's perturbations; empty before the first.
    perturbations: Vec<f64>,
    /// `Var(beta_j) / D_j` (d).
    pub(super) spread: Vec<f64>,
    /// The rates (d) at which the scale of the logarithms changes.
    pub(super) rates: Vec<f64>,
    /// The variances of `x` (d) that give a logarithmic normal law the variance of `beta`.
    pub(super) log_variance: Vec<f64>,
    pub(super) sums: Sums,
    /// The largest eigenvalue of `K`.
    pub(super) largest: f64,
    /// `max_i p gamma K_ii`: how far single samples are from driving their own noise without end, at 1.
    pub(super) feedback: f64,
    /// The mean of `Var(beta)/D^2`, weighted by `D^2`: the expansion asks that it be small.
    pub(super) relative_variance: f64,
}

/// Sums over samples, which change slowly from node to node.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    /// `Tr R / Tr K`, with the covariance `R` of the residuals.
    pub(super) residual_ratio: f64,
    /// `Tr K R`.
    pub(super) gradient: f64,
    /// The variance of `r' K r`.
    pub(super) gradient_variance: f64,
    /// `sum_i E r_i^2 K_ii`.
    pub(super) weighted_residuals: f64,
}

impl Sums {
    /// The values at a share of the way to others.
    pub(super) fn between(&self, other: &Self, share: f64) -> Self {
        let at = |a: f64, b: f64| between(a, b, share);
        Self {
            residual_ratio: at(self.residual_ratio, other.residual_ratio),
            gradient: at(self.gradient, other.gradient),
            gradient_variance: at(self.gradient_variance, other.gradient_variance),
            weighted_residuals: at(self.weighted_residuals, other.weighted_residuals),
        }
    }
}

/// The value at a share of the way from one to another: what decreases does so exponentially.
pub(super) fn between(a: f64, b: f64, share: f64) -> f64 {
    if 0.0 < b && b < a { a * (b / a).powf(share) } else { a + share * (b - a) }
}

impl Fluctuation {
    /// No fluctuations yet, as at a start that is not random.
    pub(super) fn none(samples: usize, dim: usize) -> Self {
        Self {
            covariance: Symmetric::zeros(samples),
            perturbations: Vec::new(),
            spread: vec![0.0; dim],
            rates: vec![0.0; dim],
            log_variance: vec![0.0; dim],
            sums: Sums::default(),
            largest: 0.0,
            feedback: 0.0,
            relative_variance: 0.0,
        }
    }

    /// The fluctuations some time later, at a node with the kernel `kernel`.
    pub(super) fn after(
        &self,
        elapsed: f64,
        flow: &Flow<'_>,
        node: &Node,
        kernel: &Symmetric,
        conditions: &Conditions,
        rate: f64,
    ) -> Result<Self, Unbounded> {
        let n = node.force.len() as f64;
        let (p, gamma) = (conditions.sampling, conditions.step_size(rate));
        let mean: Vec<f64> = node.force.iter().map(|f| -n * f).collect();
        let eigen = kernel.eigen().ok_or(Unbounded::Numbers)?;
        let values: Vec<f64> = eigen.values.iter().map(|k| k.max(0.0)).collect();
        let largest = values.last().copied().unwrap_or(0.0);
        if !largest.is_finite() {
            return Err(Unbounded::Numbers);
        }
        if gamma * largest >= n {
            return Err(Unbounded::StepSize(gamma * largest / n));
        }
        let relaxation =
            |a: usize, b: usize| relaxation(2.0 / n * values[a], 2.0 / n * values[b], gamma - p * rate);
        let before = eigen.rotate(&self.covariance).map(|a, b, v| v * (-relaxation(a, b) * elapsed).exp());
        // What noise of strength one has become in this time.
        let gain = before.clone().map(|a, b, _| {
            let decay = relaxation(a, b) * elapsed;
            if decay > 1e-12 { -(-decay).exp_m1() / relaxation(a, b) } else { elapsed }
        });
        let fixed = &conditions.label_variance;
        let mut perturbations =
            if self.perturbations.is_empty() { fixed.clone() } else { self.perturbations.clone() };
        let (mut rotated, mut residuals);
        let mut round = 0;
        loop {
            let noise = eigen.rotate(&Symmetric::from_diagonal(&perturbations));
            rotated = before.clone().map(|a, b, v| v + rate / n * gain.entry(a, b) * noise.entry(a, b));
            residuals = eigen.rotate_back(&rotated.clone().map(|a, b, v| 4.0 * values[a] * values[b] * v));
            if p == 0.0 {
                break;
            }
            let mut change: f64 = 0.0;
            for (i, variance) in residuals.diagonal().into_iter().enumerate() {
                let alone = fixed[i] + p * mean[i] * mean[i];
                let next = alone + p * variance;
                if next.is_nan() || next > EXPLODED * alone {
                    return Err(Unbounded::Feedback);
                }
                change = change.max((next - perturbations[i]).abs() / next.max(f64::MIN_POSITIVE));
                perturbations[i] = next;
            }
            round += 1;
            if change < SETTLED {
                break;
            }
            if round == ROUNDS {
                return Err(Unbounded::Feedback);
            }
        }
        let (trace, diagonal, slope) = (kernel.trace(), kernel.diagonal(), &node.coefficients.slope);
        let covariance = eigen.rotate_back(&rotated);
        let spread: Vec<f64> =
            flow.columns.forms(&covariance).iter().zip(slope).map(|(v, d)| 4.0 * v.max(0.0) * d).collect();
        let relative = |(nu, d): (&f64, &f64)| if *d > 0.0 { (nu / d).ln_1p() } else { 0.0 };
        let of_noise = |a: usize, b: usize, v: f64| (4.0 * v).powi(2) * (values[a] * values[b]).powi(3);
        let sums = Sums {
            residual_ratio: residuals.trace() / trace.max(f64::MIN_POSITIVE),
            gradient: rotated.sum(|a, b, v| if a == b { 4.0 * values[a].powi(3) * v } else { 0.0 }),
            gradient_variance: 2.0 * rotated.sum(of_noise) + 4.0 * residuals.form(&kernel.times(&mean)),
            weighted_residuals: residuals
                .diagonal()
                .iter()
                .zip(&mean)
                .zip(&diagonal)
                .map(|((variance, mean), k)| (variance + mean * mean) * k)
                .sum(),
        };
        let variance: f64 = spread.iter().zip(slope).map(|(nu, d)| nu * d).sum();
        let squares: f64 = slope.iter().map(|d| d * d).sum();
        Ok(Self {
            rates: rates(flow, node, &residuals, &perturbations, conditions, rate),
            log_variance: spread.iter().zip(slope).map(relative).collect(),
            sums,
            largest,
            feedback: p * gamma * diagonal.iter().fold(0.0, |most: f64, k| most.max(*k)),
            relative_variance: variance / squares.max(f64::MIN_POSITIVE),
            covariance,
            perturbations,
            spread,
        })
    }
}

/// `d ln beta/ds` apart from the flow: `E ln(1 - rate h)^2` to second order, where `h` is the gradient of a step,
///
/// ```text
/// -rate (1/n) sum_i x_ij^2 c_i^2 - (1 - p) (gamma X_j' R X_j + rate (1 + b)/(1 - b) (X_j' mean r)^2) / n^2
/// ```
///
/// of which the first part is `-2 lambda_j`, and the rest is smaller by a factor of the order of the step size.
fn rates(
    flow: &Flow<'_>,
    node: &Node,
    residuals: &Symmetric,
    perturbations: &[f64],
    conditions: &Conditions,
    rate: f64,
) -> Vec<f64> {
    let n = node.force.len() as f64;
    let p = conditions.sampling;
    let mut rates: Vec<f64> =
        strength(flow.problem, rate, perturbations).iter().map(|lambda| -2.0 * lambda).collect();
    if p < 1.0 && conditions.momentum.is_some() {
        let (random, smooth) = (conditions.step_size(rate), conditions.smooth_step_size(rate));
        let forms = flow.columns.forms(residuals);
        for ((rate, form), gradient) in rates.iter_mut().zip(forms).zip(node.gradients()) {
            *rate -= (1.0 - p) * (random * form + smooth * gradient * gradient) / (n * n);
        }
    }
    rates
}
