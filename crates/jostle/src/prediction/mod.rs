//! What label noise does to an ensemble, without simulating it.
//!
//! On the square models the logarithms of the parameters move within the row space of `X`, apart from what the noise
//! takes from them at a known rate:
//!
//! ```text
//! beta = exp(ln u_0^2 + c + x) - exp(ln v_0^2 + c - x),    x = 2 X'z,    dz/ds = -(X beta - y)/n
//! dc_j/ds = -rate (1/n) sum_i x_ij^2 c_i^2                 = -2 lambda_j, per step -2 rate lambda_j
//! ```
//!
//! (`v = 0` for `w^2`; the time `s` is the sum of the rates `m eta / (1 - b)` of the steps, as in
//! [`crate::theory::label_noise`]), so that an ensemble of any size moves in `n` dimensions, fast until `X beta` has found the
//! labels and slowly from then on: there `beta` is the interpolator that is closest to the start in an entropy whose
//! scale shrinks ([`entropy_projection`](crate::theory::entropy_projection()) with `tau_j^2 = exp(ln u_0^2 + c_j)`), until in the limit it is the one
//! with the smallest `sum_j |X_j|^2 |beta_j|`. What is kept beyond this limit of small steps, to first order in the step
//! size:
//!
//! * the fluctuations around the mean, `Cov(beta) = rate delta^2 D X' K^+ X D` once they are stationary (`K = X D X'`),
//!   and on the way there and after a drop of the step size;
//! * the difference between the mean of a coefficient and the exponential of its mean logarithm, half the variance of
//!   the logarithm;
//! * what the second order of `ln(1 - rate h)` takes from the logarithms, with the residuals as they fluctuate;
//! * for mini-batches the noise of sampling, `c_i^2 = delta^2 + E r_i^2 / B'`, with the mean squared residuals that this
//!   noise itself makes.
//!
//! The flow is that of Li, Wang and Arora 2021 (arXiv 2110.06914) and Pillaud-Vivien, Reygner and Flammarion 2022 (arXiv
//! 2206.09841); the corrections are ours, and tested against the ensembles themselves.

mod beginning;
mod conditions;
mod cost;
mod flow;
mod fluctuation;
mod heavy_ball;
mod result;
mod start;
mod walk;

pub use cost::{Cost, cost};
pub use result::{Cause, Expansion, Outside, Prediction, Simulated};

use beginning::Beginning;
use conditions::Conditions;
use flow::Flow;
use fluctuation::Unbounded;
use start::{Parametrisation, Start};
use walk::{Hurry, LARGEST_VARIANCE, Point, Reason, hurry, walk};

use crate::Watch;
use crate::ensemble::Ensemble;
use crate::observable::{Moments, SumOfSquares};
use crate::problem::Problem;
use crate::process::{Process, Source};
use crate::theory::TheoryError;

/// Whether there is a prediction for an ensemble; which of its observables have one is in
/// [`crate::observable::Observable::expect`].
///
/// # Errors
/// Dynamics, a model or a noise that the flow does not describe.
pub fn check(process: &Process) -> Result<(), TheoryError> {
    conditions::check(process).map(|_| ())
}

/// The means of an ensemble's observables at the recorded steps, for the data set of one replica (any, where replicas
/// share their data); `None` if the watch asked to stop.
///
/// # Errors
/// As [`check`].
pub fn predict(
    ensemble: &Ensemble,
    replica: u32,
    watch: &dyn Watch,
) -> Result<Option<Prediction>, TheoryError> {
    let problem = ensemble.process().source.problem(replica);
    let conditions = Conditions::new(ensemble.process(), &problem)?;
    Ok(predict_on(ensemble, &problem, &conditions, replica, watch))
}

/// [`predict`], on a data set that is there.
fn predict_on(
    ensemble: &Ensemble,
    problem: &Problem,
    conditions: &Conditions,
    replica: u32,
    watch: &dyn Watch,
) -> Option<Prediction> {
    let link = conditions.link;
    let mut theta = ensemble.process().model.initial(problem.dim(), replica);
    let recorded = ensemble.protocol().recording.steps(ensemble.process().dynamics.steps());
    let mut rows = vec![f64::NAN; recorded.len() * ensemble.protocol().quantities.len()];
    let mut flow = Flow::new(problem, Start::new(link, &theta));
    let feedback = feedback(problem, conditions, &flow.start);
    let hurry =
        if conditions.momentum.is_some() { hurry(&flow, conditions, watch)? } else { Hurry::default() };
    let mut simulated = beginning::plan(ensemble, conditions, feedback, &hurry);
    let (mut spread, mut handover) = (0.0, 0.0);
    for round in 0..=beginning::ROUNDS {
        let Some(now) = simulated else { break };
        let reason = match beginning::simulate(ensemble, link, replica, &now, watch, &mut rows)? {
            Ok(found) => {
                flow = Flow::new(problem, found.start.clone());
                let residuals = walk::squared_residuals(&flow, conditions, now.steps, watch);
                if watch.should_stop() {
                    return None;
                }
                handover = residuals.map_or(0.0, |residuals| found.disagreement(residuals));
                (theta, spread) = (found.signs, found.spread);
                let over = round == beginning::ROUNDS || now.steps == ensemble.process().dynamics.steps();
                if !over && !Beginning::agrees(handover) {
                    simulated = Some(beginning::of_steps(ensemble, 2 * now.steps, now.cause));
                    continue;
                }
                (spread > LARGEST_VARIANCE).then(|| different(spread))
            }
            Err(reason) => {
                rows.fill(f64::NAN);
                Some(reason)
            }
        };
        let Some(reason) = reason else { break };
        let step = first_without(&recorded, &rows);
        let expansion = Expansion { start: spread, handover, ..Expansion::default() };
        let nothing = Prediction::nothing(ensemble, rows, Outside { step, reason });
        return Some(Prediction { simulated, expansion, ..nothing });
    }
    let from = simulated.map_or(0, |s| s.steps);
    let scene = Scene { ensemble, problem, conditions, columns: column_squares(problem) };
    let width = ensemble.protocol().quantities.len();
    let mut next = if from == 0 { 0 } else { recorded.partition_point(|step| *step <= from) };
    // What has a mean by theory, and none at some step.
    let mut without: Option<Outside> = None;
    let end = walk(&flow, conditions, from, &recorded, watch, &mut |point| {
        debug_assert_eq!(point.step, recorded[next]);
        let row = &mut rows[next * width..(next + 1) * width];
        scene.measure(&point, row);
        let missing =
            row.iter().zip(&ensemble.protocol().quantities).find(|(v, q)| q.expect.is_some() && v.is_nan());
        if let (None, Some((_, quantity))) = (&without, missing) {
            let reason = format!("{} is not a number in theory", quantity.name);
            without = Some(Outside { step: point.step, reason });
        }
        next += 1;
    })?;
    let of_flow = end
        .outside
        .map(|reason| Outside { step: recorded[next.min(recorded.len() - 1)], reason: reason.to_string() });
    let expansion = Expansion { start: spread, handover, ..end.expansion };
    let Some(outside) = without.or(of_flow) else {
        return Some(Prediction {
            simulated,
            expansion,
            ..Prediction::at_the_end(link, &flow, &theta, rows, &end)
        });
    };
    let at = recorded.partition_point(|step| *step < outside.step);
    rows[at * width..].fill(f64::NAN);
    Some(Prediction { simulated, expansion, ..Prediction::nothing(ensemble, rows, outside) })
}

fn is_shared(ensemble: &Ensemble) -> bool {
    matches!(ensemble.process().source, Source::Shared(_))
}

fn different(spread: f64) -> String {
    format!(
        "replicas that were simulated have come to differ for good: the mean square of their difference is {spread:.3} of \
         the coefficients' own"
    )
}

/// The first recorded step whose means are missing.
fn first_without(recorded: &[u64], rows: &[f64]) -> u64 {
    let width = rows.len() / recorded.len();
    let at = rows.chunks(width.max(1)).position(|row| row.iter().all(|v| v.is_nan()));
    recorded[at.unwrap_or(recorded.len() - 1)]
}

/// `max_i rate K_ii / B'` at the start.
fn feedback(problem: &Problem, conditions: &Conditions, start: &Start) -> f64 {
    let zeros = vec![0.0; problem.dim()];
    let slope = start.coefficients(&zeros, &zeros).slope;
    let diagonal = (0..problem.samples())
        .map(|i| problem.row(i).iter().zip(&slope).map(|(x, d)| x * x * d).sum::<f64>());
    conditions.feedback(conditions.segments[0].rate) * diagonal.fold(0.0, f64::max)
}

/// What the moments of a point depend on beside the point.
struct Scene<'a> {
    ensemble: &'a Ensemble,
    problem: &'a Problem,
    conditions: &'a Conditions,
    /// `|X_j|^2` (d).
    columns: Vec<f64>,
}

fn column_squares(problem: &Problem) -> Vec<f64> {
    let mut squares = vec![0.0; problem.dim()];
    for i in 0..problem.samples() {
        for (square, x) in squares.iter_mut().zip(problem.row(i)) {
            *square += x * x;
        }
    }
    squares
}

impl Scene<'_> {
    /// The means of the observables at a point.
    fn measure(&self, point: &Point, row: &mut [f64]) {
        let (n, c) = (self.problem.samples() as f64, self.ensemble.process().model.loss_factor);
        let Point { node, spread, sums, .. } = point;
        let slope = &node.coefficients.slope;
        let variance: Vec<f64> = spread.iter().zip(slope).map(|(nu, d)| nu * d).collect();
        let kernel: f64 = slope.iter().zip(&self.columns).map(|(d, x)| d * x).sum();
        let smooth: f64 = node.gradients().zip(slope).map(|(g, d)| g * g * d).sum();
        let gradient = smooth + sums.gradient;
        // The squared slopes of a coefficient's parameters are a multiple of D.
        let slopes = if self.conditions.link == Parametrisation::Product { 2.0 } else { 4.0 };
        let of_labels: f64 = self.conditions.label_variance.iter().sum::<f64>() / n * kernel;
        let of_sampling = self.conditions.sampling * (sums.weighted_residuals - gradient / n);
        let factor = (2.0 * c / n).powi(2) * slopes;
        let moments = Moments {
            problem: self.problem,
            loss_factor: c,
            mean: &node.coefficients.beta,
            variance: &variance,
            slope,
            active_threshold: self
                .ensemble
                .protocol()
                .active
                .at(self.problem.truth(), &node.coefficients.beta),
            squared_residuals: node.squared_residuals() + sums.residual_ratio * kernel,
            squared_gradient: SumOfSquares::new(factor * gradient, factor * factor * sums.gradient_variance),
            noise_trace: 4.0 * c * c * slopes / n * (of_labels + of_sampling),
        };
        for (value, quantity) in row.iter_mut().zip(&self.ensemble.protocol().quantities) {
            *value = quantity.expect.map_or(f64::NAN, |expect| expect(&moments));
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unbounded(Unbounded::StepSize(size)) => {
                write!(
                    f,
                    "gradient descent is unstable: its step size is {size:.3} of the largest stable one"
                )
            }
            Self::Unbounded(Unbounded::Feedback) => {
                write!(f, "single samples drive their own noise: mean squares grow without end")
            }
            Self::Unbounded(Unbounded::Numbers) => write!(f, "the flow leaves the range of numbers"),
            Self::Variance(variance) => write!(
                f,
                "fluctuations are not small: the coefficients' mean square fluctuation is {variance:.3} of their own"
            ),
        }
    }
}

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod tests;
