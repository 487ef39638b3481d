//! The steps at the beginning that are simulated, because the ensemble moves there in ways that the flow does not follow.

use super::conditions::Conditions;
use super::flow::Flow;
use super::start::{Parametrisation, Start};
use super::walk::Hurry;
use super::{Cause, Simulated, is_shared};
use crate::Watch;
use crate::ensemble::{Ensemble, Replica, Unit, run_unit_until};
use crate::linear_algebra::product;
use crate::problem::Problem;
use crate::simd::Level;
use rayon::prelude::*;

/// From this share of the residuals in the noise that makes them on, the first steps are simulated, and how many.
const STRONG_FEEDBACK: f64 = 0.1;
const STEPS_OF_FEEDBACK: f64 = 1000.0;
/// From this inertia on, they are simulated without momentum, too.
const HURRIED: f64 = 0.5;
/// The multiply-adds that they may take, as far as these numbers of replicas allow.
const WORK: f64 = 4e9;
const REPLICAS: [u32; 2] = [32, 256];
/// Replicas that a thread simulates together.
const TOGETHER: u32 = 16;

/// The ensemble after the steps that were simulated.
pub(super) struct Beginning {
    /// The means of the logarithms.
    pub(super) start: Start,
    /// Parameters (p) with the signs that most replicas have.
    pub(super) signs: Vec<f64>,
    /// The mean square, relative to the coefficients' own, of what stays different between replicas once their residuals
    /// have relaxed.
    pub(super) spread: f64,
    /// The mean of the sum of squared residuals, and its standard error (NaN of one replica).
    pub(super) residuals: (f64, f64),
}

/// How often the steps are doubled, where the flow does not agree with the replicas at their end.
pub(super) const ROUNDS: usize = 3;
/// Relative difference of the sums of squared residuals up to which the flow agrees, beside this number of standard errors.
const AGREEMENT: f64 = 0.05;
const ERRORS: f64 = 3.0;

impl Beginning {
    /// The relative difference of the flow's sum of squared residuals to the replicas', apart from what chance allows.
    pub(super) fn disagreement(&self, flow: f64) -> f64 {
        let (mean, error) = self.residuals;
        let error = if error.is_nan() { f64::INFINITY } else { error };
        (((flow - mean).abs() - ERRORS * error) / mean.max(f64::MIN_POSITIVE)).max(0.0)
    }

    /// Whether the flow agrees.
    pub(super) fn agrees(disagreement: f64) -> bool {
        disagreement <= AGREEMENT
    }
}

/// Which steps of an ensemble are simulated first, if any: how many, with how many replicas, and why.
pub(super) fn plan(
    ensemble: &Ensemble,
    conditions: &Conditions,
    feedback: f64,
    hurry: &Hurry,
) -> Option<Simulated> {
    let momentum = conditions.momentum?;
    let hurried = hurry.steps + conditions.forgotten();
    let causes = [
        (Cause::Momentum, momentum > 0.0, hurried),
        (Cause::StepSize, momentum == 0.0 && hurry.inertia > HURRIED, hurried),
        (Cause::Feedback, feedback > STRONG_FEEDBACK, STEPS_OF_FEEDBACK),
    ];
    let (cause, _, steps) =
        causes.into_iter().filter(|(_, applies, _)| *applies).max_by(|a, b| a.2.total_cmp(&b.2))?;
    Some(of_steps(ensemble, steps.ceil() as u64, cause))
}

/// So many steps, with as many replicas as are affordable.
pub(super) fn of_steps(ensemble: &Ensemble, steps: u64, cause: Cause) -> Simulated {
    let steps = steps.max(1).min(ensemble.process().dynamics.steps());
    let affordable = WORK / (steps as f64 * ensemble.work_per_step().max(1.0));
    let replicas = if is_shared(ensemble) {
        (affordable as u32 / TOGETHER * TOGETHER).clamp(REPLICAS[0], REPLICAS[1])
    } else {
        1
    };
    Simulated { steps, replicas, cause }
}

/// Simulates the first steps; fills in the means of the recorded steps among them. `None` if the watch asked to stop.
///
/// # Errors
/// Some replicas diverged.
pub(super) fn simulate(
    ensemble: &Ensemble,
    link: Parametrisation,
    first: u32,
    simulated: &Simulated,
    watch: &dyn Watch,
    rows: &mut [f64],
) -> Option<Result<Beginning, String>> {
    let until = simulated.steps;
    let first = if is_shared(ensemble) { 0 } else { first };
    let units: Vec<u32> = (0..simulated.replicas).step_by(TOGETHER as usize).collect();
    let run = |at: u32| {
        let replicas = first + at..first + (at + TOGETHER).min(simulated.replicas);
        run_unit_until(ensemble, &Unit { replicas }, until, Level::detect(), watch).map(|r| r.replicas)
    };
    let found: Vec<Vec<Replica>> = units.into_par_iter().map(run).collect::<Option<_>>()?;
    let found: Vec<Replica> = found.into_iter().flatten().collect();
    let diverged = found.iter().filter(|replica| replica.diverged.is_some()).count();
    if diverged > 0 {
        return Some(Err(format!("{diverged} of {} replicas diverged within {until} steps", found.len())));
    }
    for (k, row) in rows.iter_mut().enumerate().take(found[0].rows.len()) {
        if ensemble.protocol().quantities[k % ensemble.protocol().quantities.len()].expect.is_some() {
            *row = found.iter().map(|replica| replica.rows[k]).sum::<f64>() / found.len() as f64;
        }
    }
    let problem = ensemble.process().source.problem(first);
    let squared = |replica: &Replica| {
        let predictions = product(problem.x(), problem.dim(), &replica.beta);
        predictions.iter().zip(problem.y()).map(|(f, y)| (f - y) * (f - y)).sum::<f64>()
    };
    let squared: Vec<f64> = found.iter().map(squared).collect();
    let starts: Vec<Start> = found.iter().map(|replica| Start::new(link, &replica.theta)).collect();
    let sign = |k: usize| found.iter().map(|r| r.theta[k].signum()).sum::<f64>();
    let start = Start::mean(&starts);
    let signs = (0..found[0].theta.len()).map(sign).collect();
    let (spread, residuals) = (spread(&problem, &start, &starts), with_error(&squared));
    Some(Ok(Beginning { start, signs, spread, residuals }))
}

/// A mean and its standard error.
fn with_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

/// How different replicas stay.
fn spread(problem: &Problem, mean: &Start, starts: &[Start]) -> f64 {
    if starts.len() < 2 {
        return 0.0;
    }
    let flow = Flow::new(problem, mean.clone());
    let zeros = vec![0.0; problem.dim()];
    let node = flow.node(0.0, zeros.clone(), zeros);
    let (kernel, slope) = (flow.kernel(&node), &node.coefficients.slope);
    let squares: f64 = slope.iter().map(|d| d * d).sum();
    let of = |start: &Start| -> f64 {
        let moved = mean.moved_to(start);
        let relaxed = flow.relaxed(slope, &kernel, &moved);
        relaxed.map_or(f64::INFINITY, |relaxed| relaxed.iter().map(|v| v * v).sum())
    };
    starts.iter().map(of).sum::<f64>() / (starts.len() - 1) as f64 / squares.max(f64::MIN_POSITIVE)
}
