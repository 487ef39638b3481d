//! The Lasso that theory predicts for the time average of a run, for exactly its settings.
//!
//! Under noise in sample space with covariance `C` the parameters of the square models drift as under label noise whose
//! variance at sample `i` is `v_i = n C_ii / 4c^2` ([`super::label_noise`]), so that the time average of `beta` tends to
//! the weighted Lasso with
//!
//! ```text
//! lambda_j = rate/2 (1/n) sum_i x_ij^2 v_i,    v_i = labels + sampling E r_i^2
//! ```
//!
//! (Pillaud-Vivien, Reygner, Flammarion 2022, arXiv 2206.09841; for the residual variance of mini-batches, Andriushchenko
//! et al. 2022, arXiv 2210.05337.) The labels' part adds up all noises. The part that comes from the residuals (of
//! mini-batches, or of noise made like them) depends on the answer: the mean residuals are those of the Lasso, and their
//! stationary variance is that of the linearised dynamics around it. We iterate until the two agree. The square of the
//! mean gradient, a share of about `lambda_j^2 / E r^2`, is left out of `lambda`.

mod inverse;

pub use inverse::{StdOfLambda, std_of_lambda, stds_of_lambdas};

use super::convention::{Convention, Factor, shortened};
use super::described;
use super::label_noise::{label_variances, multiple, strength};
use super::lasso::{Lasso, lasso, lasso_from};
use super::stationary::{Fluctuations, SecondOrder};
use super::support_recovery::mean_squared_columns;
use super::{Sign, TheoryError};
use crate::dynamics::Dynamics;
use crate::linear_algebra::{product, transpose_product};
use crate::model::Form;
use crate::noise::{Noise, Point};
use crate::problem::Problem;
use crate::process::Process;
use crate::process::Source;

/// The relative change of the mean squared residuals at which the iteration ends.
const TOLERANCE: f64 = 1e-10;
const MAX_ITERATIONS: usize = 1000;
const UNDAMPED: f64 = 30.0;

/// Mean squared residuals below this share of the squared labels count as vanishing.
const VANISHING: f64 = 1e-12;

/// The Lasso that the time average of a run tends to.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedLasso {
    /// `lambda_j` (d), for the objective `|X beta - y|^2 / 2n + sum_j lambda_j |beta_j|`.
    pub lambda: Vec<f64>,
    /// The signs that the model can reach.
    pub sign: Sign,
    /// Steps times the rate are the time of the flow `d ln |w| = -(X' r / n + lambda) dt`: `m eta / (1 - b)`, or `m h`
    /// in continuous time.
    pub rate: f64,
    /// The step whose step size was taken.
    pub step: u64,
    /// The Lasso with this `lambda`, with its certificate.
    pub lasso: Lasso,
    /// `E r_i^2` (n) once the run is stationary, as predicted, or as given: `c/n` times its sum is the mean loss.
    pub mean_squared_residuals: Vec<f64>,
    /// What `lambda` is made of.
    pub convention: Convention,
}

impl PredictedLasso {
    /// `|beta - Lasso| / |Lasso|`, or `|beta|` where the Lasso is zero.
    pub fn relative_distance(&self, beta: &[f64]) -> f64 {
        relative_distance(beta, &self.lasso.beta)
    }

    /// `|X (beta - Lasso)| / |X Lasso|`, or `|X beta|` where that is zero. All solutions of a Lasso have the same
    /// predictions, so that this means something also where the Lasso is one of several.
    pub fn predictions_distance(&self, problem: &Problem, beta: &[f64]) -> f64 {
        let predictions = |b: &[f64]| product(problem.x(), problem.dim(), b);
        relative_distance(&predictions(beta), &predictions(&self.lasso.beta))
    }

    /// The KKT slack `lambda_j + g_j` (d) with `g = X'(X beta - y)/n` at the Lasso: minus the slope of `ln |w_j|` in units
    /// of `rate` a step. For signed coefficients `lambda_j - |g_j|`, minus the slope of the slower of the two parameters.
    pub fn slack(&self, problem: &Problem) -> Vec<f64> {
        let mut residual = product(problem.x(), problem.dim(), &self.lasso.beta);
        let n = problem.samples() as f64;
        residual.iter_mut().zip(problem.y()).for_each(|(f, y)| *f = (y - *f) / n);
        let correlations = transpose_product(problem.x(), problem.dim(), &residual);
        self.lambda.iter().zip(&correlations).map(|(l, c)| l - self.sign.reach(*c)).collect()
    }
}

fn relative_distance(values: &[f64], to: &[f64]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let missed = squares(&mut values.iter().zip(to).map(|(v, t)| v - t));
    let norm = squares(&mut to.iter().copied());
    (missed / if norm > 0.0 { norm } else { 1.0 }).sqrt()
}

impl std::fmt::Display for PredictedLasso {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (low, high) = range(&self.lambda);
        let (low, high) = (shortened(low), shortened(high));
        let values = if low == high { low } else { format!("from {low} to {high}") };
        write!(
            f,
            "{} Lasso with lambda_j {values}: {} of {} coefficients are not zero{}\n{}",
            self.sign,
            self.lasso.support().len(),
            self.lambda.len(),
            if self.lasso.is_unique { "" } else { " (of one of several solutions)" },
            self.convention
        )
    }
}

/// The Lasso that the time average of a process's replicas on `problem` tends to, at the step size of the last step.
///
/// # Errors
/// Settings for which no Lasso is known, with the reason: another model than `w^2`, `u^2 - v^2` and `a * b`; a coordinate
/// that starts at zero; noise on the parameters; no label noise, and residuals that vanish; step sizes too large for
/// stationary residuals.
pub fn predicted_lasso(process: &Process, problem: &Problem) -> Result<PredictedLasso, TheoryError> {
    predicted_lasso_at(process, problem, process.dynamics.steps().saturating_sub(1), None)
}

/// The Lasso that the time average of every replica of a process tends to, or why there is none that all share.
///
/// # Errors
/// Replicas with data or starts of their own, step sizes in other units than one, and what [`predicted_lasso`] refuses, in
/// words.
pub fn predicted_lasso_of(process: &Process) -> Result<PredictedLasso, String> {
    let Source::Shared(problem) = &process.source else {
        return Err(
            "replicas have data of their own (problem.data_per_replica), and each a Lasso of its own"
                .to_owned(),
        );
    };
    if let Some(lacks) = process.lacks_for_lasso() {
        return Err(format!("it needs {lacks}"));
    }
    predicted_lasso(process, problem).map_err(|error| error.to_string())
}

/// The same as [`predicted_lasso`] at the step size of `step`, and with mean squared residuals `E r_i^2` (n) as measured, where they are given.
///
/// # Errors
/// As [`predicted_lasso`], or another number of residuals than samples.
pub fn predicted_lasso_at(
    process: &Process,
    problem: &Problem,
    step: u64,
    measured: Option<&[f64]>,
) -> Result<PredictedLasso, TheoryError> {
    let motion = Motion::of(process, step)?;
    let shares = Shares::of(process, &process.noises, problem)?;
    if shares.sampling == 0.0 && !shares.has_label_noise() {
        let reason =
            "there is neither noise in the labels nor from mini-batches, and the limit depends on the start";
        return Err(no_lasso("noise", reason));
    }
    let sign = motion.sign;
    let (lambda, lasso, mean_squared_residuals) = match measured {
        Some(measured) => {
            let (found, expected) =
                (measured.len(), format!("{} (the number of samples)", problem.samples()));
            if found != problem.samples() {
                return Err(TheoryError::Length { array: "mean_squared_residuals", found, expected });
            }
            let lambda = strength(problem, motion.noise_rate, &shares.variances(measured));
            let lasso = lasso(problem, &lambda, sign)?;
            (lambda, lasso, measured.to_vec())
        }
        None => self_consistent(problem, &motion, &shares, &|squares| shares.variances(squares))?,
    };
    let convention = convention(process, problem, &shares, &mean_squared_residuals, step);
    Ok(PredictedLasso { lambda, sign, rate: motion.rate, step, lasso, mean_squared_residuals, convention })
}

fn no_lasso(place: impl Into<String>, reason: impl Into<String>) -> TheoryError {
    TheoryError::NoLasso { place: place.into(), reason: reason.into() }
}

/// How the parameters move in one step of a process.
struct Motion {
    sign: Sign,
    /// `m eta / (1 - b)`, or `m h` in continuous time.
    rate: f64,
    /// The same for the noise.
    noise_rate: f64,
    /// What steps of a size and momentum add to the relaxation of residuals.
    second: SecondOrder,
}

impl Motion {
    fn of(process: &Process, step: u64) -> Result<Self, TheoryError> {
        described::check("the predicted Lasso", &process.dynamics)?;
        let multiple = multiple(&process.model)?;
        let Form::Link { link, init } = &process.model.form else {
            unreachable!("other models have been refused");
        };
        if let Some(j) = init.iter().position(|init| *init == 0.0) {
            return Err(no_lasso(
                "model.init",
                format!("is 0 at coordinate {j}, where parameters never move"),
            ));
        }
        let dynamics = &process.dynamics;
        Ok(Self {
            sign: Sign::of(*link),
            rate: multiple * dynamics.step_time(step),
            noise_rate: multiple * dynamics.noise_rate(step) / (1.0 - dynamics.momentum()),
            second: SecondOrder::of(dynamics),
        })
    }
}

/// The variances `v_i = labels_i + sampling E r_i^2`.
struct Shares {
    labels: Vec<f64>,
    sampling: f64,
    /// The labels' part of each noise, on average over the samples.
    of_noises: Vec<f64>,
}

impl Shares {
    /// Of `noises` in the place of the process's own.
    fn of(process: &Process, noises: &[Noise], problem: &Problem) -> Result<Self, TheoryError> {
        let n = problem.samples();
        let (mut labels, mut sampling) = (vec![0.0; n], 1.0 / process.dynamics.effective_batch(n));
        let mut of_noises = Vec::new();
        let model = process.model.model(problem.dim());
        for (k, noise) in noises.iter().enumerate() {
            let Noise::Sample(noise) = noise else {
                let reason = "acts on the parameters, not on the labels or the samples";
                return Err(no_lasso(format!("noise.{k}"), reason));
            };
            // Every noise of the sample space is a part free of the residuals, and one proportional to their squares.
            let [free, whole] = [0.0, 1.0].map(|residual| {
                let residuals = vec![residual; n];
                let covariance = noise.covariance(&Point {
                    problem,
                    model: &*model,
                    theta: &[],
                    residuals: &residuals,
                    loss_factor: process.model.loss_factor,
                    batch: process.dynamics.batch_size(n),
                    replacement: process.dynamics.draws_with_replacement(),
                    step: 0,
                });
                label_variances(&covariance, process.model.loss_factor)
            });
            of_noises.push(mean(&free));
            sampling += mean(&whole) - mean(&free);
            labels.iter_mut().zip(&free).for_each(|(l, f)| *l += f);
        }
        Ok(Self { labels, sampling, of_noises })
    }

    fn has_label_noise(&self) -> bool {
        self.of_noises.iter().any(|share| *share > 0.0)
    }

    fn variances(&self, squares: &[f64]) -> Vec<f64> {
        self.labels.iter().zip(squares).map(|(l, r)| l + self.sampling * r).collect()
    }
}

/// The fixed point of `lambda`, its Lasso, and the mean squared residuals, with the `variances` of the labels as they follow
/// from the mean squared residuals.
fn self_consistent(
    problem: &Problem,
    motion: &Motion,
    shares: &Shares,
    variances: &dyn Fn(&[f64]) -> Vec<f64>,
) -> Result<(Vec<f64>, Lasso, Vec<f64>), TheoryError> {
    let &Motion { sign, noise_rate: rate, second, .. } = motion;
    let n = problem.samples();
    let labels = mean(&problem.y().iter().map(|y| y * y).collect::<Vec<_>>());
    let unstable = || no_lasso("dynamics.learning_rate", "is too large for residuals to become stationary");
    let mut squares = vec![0.0; n];
    if !shares.has_label_noise() {
        squares.fill(labels);
    }
    let mut start = vec![0.0; problem.dim()];
    let mut change = f64::INFINITY;
    for iteration in 0..MAX_ITERATIONS {
        let variances = variances(&squares);
        let lambda = strength(problem, rate, &variances);
        let lasso = lasso_from(problem, &lambda, sign, &start)?;
        let mut residuals = product(problem.x(), problem.dim(), &lasso.beta);
        residuals.iter_mut().zip(problem.y()).for_each(|(f, y)| *f -= y);
        let fluctuations = Fluctuations::new(problem, &lasso.beta, &residuals, rate, second, shares.sampling)
            .and_then(|fluctuations| fluctuations.variances(&variances))
            .ok_or_else(unstable)?;
        let next: Vec<f64> = residuals.iter().zip(&fluctuations).map(|(r, v)| r * r + v).collect();
        let largest = next.iter().copied().fold(0.0, f64::max);
        if !largest.is_finite() {
            return Err(unstable());
        }
        change = next.iter().zip(&squares).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        change /= if largest > 0.0 { largest } else { 1.0 };
        if !shares.has_label_noise() && largest <= VANISHING * labels {
            let reason = "no label is perturbed, and the noise of mini-batches vanishes with the residuals: the limit \
                          depends on the start";
            return Err(no_lasso("noise", reason));
        }
        if change <= TOLERANCE {
            return Ok((lambda, lasso, next));
        }
        start.clone_from(&lasso.beta);
        // Where the Lasso answers strongly, whole steps go round in circles.
        let share = (UNDAMPED / iteration as f64).min(1.0);
        squares.iter_mut().zip(&next).for_each(|(s, n)| *s += share * (n - *s));
    }
    Err(TheoryError::NotConverged { quantity: "predicted Lasso", residual: change })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, 0.0), |(low, high), v| (low.min(*v), high.max(*v)))
}

/// The smallest and the largest `|X_j|^2/n`, shortened, where they are not the same.
fn unequal_columns(problem: &Problem) -> Option<(String, String)> {
    let (low, high) = range(&mean_squared_columns(problem));
    (high - low > 1e-12 * high).then(|| (shortened(low), shortened(high)))
}

fn convention(
    process: &Process,
    problem: &Problem,
    shares: &Shares,
    squares: &[f64],
    step: u64,
) -> Convention {
    let (dynamics, c) = (&process.dynamics, process.model.loss_factor);
    let n = problem.samples();
    let momentum = 1.0 / (1.0 - dynamics.momentum());
    let size = if matches!(dynamics, Dynamics::Flow(_)) { "gamma, whose noise the flow has" } else { "eta" };
    let mut factors = vec![
        Factor {
            what: "loss factor",
            value: multiple(&process.model).unwrap_or(f64::NAN),
            sentence: format!(
                "the loss is c/n sum r^2 with c = {c}; 1 in the papers (c = 1/4 for w^2 and u^2 - v^2, 1/2 for a * b)"
            ),
        },
        Factor {
            what: "step size",
            value: dynamics.noise_rate(step),
            sentence: if dynamics.changes_step_size() {
                format!("{size}, at step {step}; before that, other Lassos are approached")
            } else {
                size.to_string()
            },
        },
        Factor {
            what: "momentum",
            value: momentum,
            sentence: if dynamics.momentum() > 0.0 {
                format!("1/(1 - b) for the heavy ball, b = {}", dynamics.momentum())
            } else {
                "none".to_string()
            },
        },
    ];
    for (noise, share) in process.noises.iter().zip(&shares.of_noises) {
        if let Noise::Sample(noise) = noise {
            let sentence = noise.describe(dynamics.batch_size(n));
            factors.push(Factor { what: "labels", value: *share, sentence });
        }
    }
    factors.push(Factor {
        what: "sampling",
        value: shares.sampling * mean(squares),
        sentence: if shares.sampling > 0.0 {
            format!(
                "the residuals' own variance: {} of E r_i^2 (effective batch {}), which is {} on average",
                shortened(shares.sampling),
                shortened(1.0 / shares.sampling),
                shortened(mean(squares))
            )
        } else {
            "full batches add no residual variance".to_string()
        },
    });
    factors.push(Factor {
        what: "columns",
        value: mean(&mean_squared_columns(problem)),
        sentence: match unequal_columns(problem) {
            None => "|X_j|^2/n, the same for all columns: the ordinary Lasso".to_string(),
            Some((low, high)) => format!("|X_j|^2/n, from {low} to {high}: a weighted Lasso"),
        },
    });
    Convention {
        objective: "|X beta - y|^2 / 2n + sum_j lambda_j |beta_j|",
        formula: "lambda_j = loss factor x step size x momentum x (labels + sampling) / 2 x columns_j",
        factors,
    }
}

#[cfg(test)]
mod tests;
