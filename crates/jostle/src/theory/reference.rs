//! What observables compare a replica with: found once for its data, before its first step.

use super::{PredictedLasso, TheoryError, predicted_lasso};
use crate::problem::Problem;
use crate::process::Process;

/// The Lasso that theory predicts for a process on one problem, and what goes with it.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The prediction, at the step size of the last step.
    pub predicted: PredictedLasso,
    /// The KKT slack of every coordinate (d).
    slack: Vec<f64>,
    /// `ln` of the larger of each coordinate's absolute parameters at the start (d).
    start: Vec<f64>,
}

impl Reference {
    /// The reference of the replicas of `process` that run on `problem`.
    ///
    /// # Errors
    /// As [`predicted_lasso()`].
    pub fn new(process: &Process, problem: &Problem) -> Result<Self, TheoryError> {
        let predicted = predicted_lasso(process, problem)?;
        let slack = predicted.slack(problem);
        let theta = process.model.initial(problem.dim(), 0);
        let logarithms: Vec<f64> = theta.iter().map(|t| t.abs().ln()).collect();
        Ok(Self { slack, start: larger_parts(&logarithms, problem.dim()), predicted })
    }

    /// `rms(slope_j - slack_j) / rms(slack_j)` over the coordinates off the Lasso's support, for the logarithms of the
    /// absolute parameters (p) at a step: `slope_j` is what `-ln |w_j|` has gained, in units of `rate` times the steps,
    /// of the larger parameter where a coefficient has two. One at step 0, zero where every coordinate is in the
    /// support.
    pub fn log_slope_error(&self, log_abs_theta: &[f64], step: u64) -> f64 {
        let time = self.predicted.rate * step as f64;
        let now = larger_parts(log_abs_theta, self.slack.len());
        let off = |j: &usize| self.predicted.lasso.beta[*j] == 0.0;
        let (mut missed, mut all) = (0.0, 0.0);
        for j in (0..self.slack.len()).filter(off) {
            let slope = if step == 0 { 0.0 } else { (self.start[j] - now[j]) / time };
            missed += (slope - self.slack[j]).powi(2);
            all += self.slack[j].powi(2);
        }
        if all == 0.0 { 0.0 } else { (missed / all).sqrt() }
    }
}

/// The largest of each coordinate's entries (d) in an array that has them part after part (p).
fn larger_parts(values: &[f64], dim: usize) -> Vec<f64> {
    let mut largest = vec![f64::NEG_INFINITY; dim];
    for part in values.chunks(dim) {
        largest.iter_mut().zip(part).for_each(|(l, v)| *l = l.max(*v));
    }
    largest
}
