//! Replicas that have nothing left to do stop early.
//!
//! Without noise, gradient descent and mini-batch SGD come to rest. A replica stops once it is known that its
//! parameters will not move any further than `tolerance` times their norm:
//!
//! * **Full batch.** Along the path `|J' r| >= s |r|`, with `s^2` the smallest eigenvalue of the kernel `K = J J'`, so
//!   that the path that is left is at most `|r| / s` (Lojasiewicz); it is doubled, for step sizes that are not small
//!   and for the change of `s` along the way.
//! * **Mini-batches.** A step moves by `2 c learning_rate |r_i| sqrt(K_ii)` on average over the samples, and `|r|`
//!   shrinks at least at the rate `(2 c / n) s^2 / 2` per unit of `learning_rate`. The expected path that is left is
//!   at most `2 sqrt(n max K_ii) |r| / s^2`.
//! * **Full batch, rounding.** A step that changes no bit of the state will not do so later: the same is computed again.
//!
//! Looked at every [`LOOK_EVERY`] steps, whatever is recorded, so that a result does not depend on it.

use super::Ensemble;
use super::blocks::Run;
use crate::dynamics::Batch;
use crate::dynamics::kernel::Lane;
use crate::dynamics::stepper::Stepper;
use crate::float::Precision;
use crate::linear_algebra::{norm, smallest_gram_eigenvalue};
use crate::model::predict;
use crate::problem::Problem;

/// Steps between two looks.
const LOOK_EVERY: u64 = 4096;
/// A Jacobian of more numbers is not looked at: a replica with it takes all its steps, or comes to rest to the bit.
const MOST_NUMBERS: usize = 1 << 25;
/// Where a replica's own rounding ends, in units of the last place.
const ROUNDING: f64 = 16.0;

/// What is known of a block's convergence.
#[derive(Default)]
pub(super) struct EarlyExit {
    converged: Option<u64>,
    /// No use in looking closely before the residual is as small as this.
    promising: Option<f64>,
}

impl EarlyExit {
    pub(super) fn converged(&self) -> Option<u64> {
        self.converged
    }
}

/// Whether the replicas of an ensemble may stop before the last step: without noise, without momentum, and with a step size
/// that never grows.
pub(crate) fn may_stop_early(ensemble: &Ensemble) -> bool {
    tolerance(ensemble).is_some()
}

/// The tolerance as it applies: no smaller than rounding in the precision of the trajectories.
fn tolerance(ensemble: &Ensemble) -> Option<f64> {
    let epsilon = match ensemble.protocol.precision {
        Precision::F64 => f64::EPSILON,
        Precision::F32 => f64::from(f32::EPSILON),
    };
    let tolerance = ensemble.process.dynamics.early_exit().filter(|_| ensemble.process.noises.is_empty())?;
    Some(tolerance.max(ROUNDING * epsilon))
}

/// The next step after `step` at which to look.
pub(super) fn next_look(ensemble: &Ensemble, step: u64) -> u64 {
    if may_stop_early(ensemble) { (step / LOOK_EVERY + 1) * LOOK_EVERY } else { u64::MAX }
}

/// Whether a block has converged. The lanes of a block without noise are all the same.
pub(super) fn has_converged<S: Stepper>(run: &Run<'_, S>, block: &S::Block, exit: &mut EarlyExit) -> bool {
    let step = run.stepper.step(block);
    if !step.is_multiple_of(LOOK_EVERY) || step >= run.ensemble.process.dynamics.steps() {
        return false;
    }
    let Some(tolerance) = tolerance(run.ensemble) else { return false };
    if run.stepper.is_at_rest(block) || has_little_left(run, block, tolerance, exit) {
        exit.converged = Some(step);
    }
    exit.converged.is_some()
}

/// Whether the path that is left is shorter than the tolerance.
fn has_little_left<S: Stepper>(
    run: &Run<'_, S>,
    block: &S::Block,
    tolerance: f64,
    exit: &mut EarlyExit,
) -> bool {
    let problem = run.problem;
    let lane = run.stepper.lane(block, 0);
    let residual = norm(&residuals(run.ensemble, problem, &lane));
    if exit.promising.is_some_and(|promising| residual > promising) {
        return false;
    }
    let allowed = tolerance * norm(&lane.theta);
    let left = path_left(run.ensemble, problem, &lane.theta, residual, allowed);
    // The path is proportional to the residual while the kernel hardly changes.
    exit.promising = Some(residual * (allowed / left).min(1.0));
    left <= allowed
}

fn residuals(ensemble: &Ensemble, problem: &Problem, lane: &Lane) -> Vec<f64> {
    let predictions = match ensemble.process.model.link() {
        Some(_) => predict(problem.x(), &lane.beta),
        None => ensemble.process.model.model(problem.dim()).predict(&lane.theta, problem.x()),
    };
    let mut residuals = predictions;
    ensemble.process.model.loss.residuals(&mut residuals, problem.y(), problem.outputs());
    residuals
}

/// A bound of the path that is left; infinite if there is none, and perhaps too small if it is above `allowed`.
fn path_left(ensemble: &Ensemble, problem: &Problem, theta: &[f64], residual: f64, allowed: f64) -> f64 {
    let (n, params) = (problem.samples() * problem.outputs(), theta.len());
    if n > params || n * params > MOST_NUMBERS {
        return f64::INFINITY;
    }
    let model = ensemble.process.model.model(problem.dim());
    let outputs = problem.outputs();
    let mut blocks = vec![0.0; n * outputs];
    model.kernel_blocks(theta, problem, &mut blocks);
    let on_diagonal = |k: usize| blocks[k * outputs + k % outputs];
    let kernel_diagonal: Vec<f64> = (0..n).map(on_diagonal).collect();
    let of_eigenvalue = |eigenvalue: f64| match ensemble.process.dynamics.batch() {
        Batch::Full => 2.0 * residual / eigenvalue.sqrt(),
        Batch::Size(_) => {
            let largest = kernel_diagonal.iter().fold(0.0f64, |max, k| max.max(*k));
            2.0 * (n as f64 * largest).sqrt() * residual / eigenvalue
        }
    };
    // The smallest eigenvalue is no larger than their mean: no need to compute it where even that is too small.
    let optimistic = of_eigenvalue(kernel_diagonal.iter().sum::<f64>() / n as f64);
    if optimistic.is_nan() {
        return f64::INFINITY;
    }
    if optimistic > allowed {
        return optimistic;
    }
    let jacobian = model.jacobian(theta, problem, 1.0);
    let smallest = smallest_gram_eigenvalue(&jacobian, params);
    if smallest > 0.0 { of_eigenvalue(smallest) } else { f64::INFINITY }
}
