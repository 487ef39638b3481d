//! Label noise whose Lasso is given: the strength of the predicted Lasso, solved for the variance of the labels.

use super::{Motion, Shares, mean, no_lasso, self_consistent, unequal_columns};
use crate::noise::{LabelNoise, Labels, Noise};
use crate::problem::Problem;
use crate::process::Process;
use crate::theory::TheoryError;
use crate::theory::label_noise::strength;

/// Digits of a standard deviation: what is printed is what is used, on every processor.
const DIGITS: usize = 12;

/// The standard deviation of label noise number `index` at which the mean over `j` of the predicted `lambda_j` is `lambda`,
/// at the step size of the last step, beside everything else that adds to it. Rounded to twelve digits.
///
/// # Errors
/// A noise that is not of labels; settings for which no Lasso is known, see [`predicted_lasso`](super::predicted_lasso());
/// mini-batches and other noises that make as much as `lambda` without this noise.
pub fn std_of_lambda(
    process: &Process,
    problem: &Problem,
    index: usize,
    lambda: f64,
) -> Result<f64, TheoryError> {
    let Some(noise) = process.noises.get(index).and_then(Noise::label_noise).copied() else {
        return Err(no_lasso(format!("noise.{index}"), "is not label noise"));
    };
    let motion = Motion::of(process, last_step(process))?;
    let with = |std: f64| {
        let mut noises = process.noises.clone();
        noises[index] = Noise::sample(LabelNoise { std, ..noise });
        Shares::of(process, &noises, problem)
    };
    let (others, whole) = (with(0.0)?, with(1.0)?);
    let unit: Vec<f64> = whole.labels.iter().zip(&others.labels).map(|(w, o)| w - o).collect();
    let mean_strength = |variances: &[f64]| mean(&strength(problem, motion.noise_rate, variances));
    let of_unit = mean_strength(&unit);
    if of_unit == 0.0 {
        return Err(no_lasso("problem", "every entry of X is zero"));
    }
    let variance = |squares: &[f64]| (lambda - mean_strength(&others.variances(squares))) / of_unit;
    let mut squares = vec![0.0; problem.samples()];
    if others.sampling > 0.0 {
        // The residuals are those under all the noise, this one included.
        let variances = |squares: &[f64]| {
            let of_this = variance(squares).max(0.0);
            others.variances(squares).iter().zip(&unit).map(|(o, u)| o + of_this * u).collect()
        };
        squares = self_consistent(problem, &motion, &whole, &variances)?.2;
    }
    let variance = variance(&squares);
    if !(variance > 0.0 && variance.is_finite()) {
        return Err(TheoryError::TooMuchNoise { lambda, others: mean_strength(&others.variances(&squares)) });
    }
    let std = variance.sqrt();
    Ok(format!("{std:.0$e}", DIGITS - 1).parse().unwrap_or(std))
}

fn last_step(process: &Process) -> u64 {
    process.dynamics.steps().saturating_sub(1)
}

/// A standard deviation that followed from a `lambda`, with everything that it depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct StdOfLambda {
    /// The position of the noise in the experiment.
    pub noise: usize,
    /// The mean penalty that was asked for.
    pub lambda: f64,
    /// The standard deviation.
    pub std: f64,
    /// The settings that it follows from, in words.
    pub convention: String,
}

/// The noises of a checked process whose standard deviation followed from a `lambda`.
pub fn stds_of_lambdas(process: &Process) -> Vec<StdOfLambda> {
    let of = |(noise, (label, lambda)): (usize, (LabelNoise, f64))| StdOfLambda {
        noise,
        lambda,
        std: label.std,
        convention: words(process, label),
    };
    let wanted = process.noises.iter().enumerate().filter_map(|(k, noise)| Some((k, noise.of_lambda()?)));
    wanted.map(of).collect()
}

fn words(process: &Process, noise: LabelNoise) -> String {
    let (dynamics, problem) = (&process.dynamics, process.source.problem(0));
    let mut parts = vec![format!(
        "for |X beta - y|^2 / 2n + lambda |beta|_1, at step size {}{}",
        dynamics.noise_rate(last_step(process)),
        if dynamics.changes_step_size() { " of the last step" } else { "" }
    )];
    if dynamics.momentum() > 0.0 {
        parts.push(format!("momentum {}", dynamics.momentum()));
    }
    parts.push(format!("loss factor {}", process.model.loss_factor));
    parts.push(match noise.labels {
        Labels::One => "one perturbed label a step".to_owned(),
        Labels::Batch => format!("all {} labels of a step perturbed", dynamics.batch_size(problem.samples())),
    });
    if dynamics.effective_batch(problem.samples()).is_finite() || process.noises.len() > 1 {
        parts.push("beside what mini-batches and other noises add".to_owned());
    }
    if let Some((low, high)) = unequal_columns(&problem) {
        parts.push(format!(
            "lambda the mean of the lambda_j of a weighted Lasso, for columns of |X_j|^2/n from {low} to {high}"
        ));
    }
    parts.join(", ")
}

impl std::fmt::Display for StdOfLambda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { noise, lambda, std, convention } = self;
        write!(f, "noise.{noise}.lambda = {lambda}: std = {std}, {convention}")
    }
}

#[cfg(test)]
mod tests;
