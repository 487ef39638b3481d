//! What a prediction takes, before any of it is computed.

use super::beginning;
use super::conditions::Conditions;
use crate::ensemble::Ensemble;

/// Matrices of sample space (n x n) that are alive at once, with what decompositions and products keep beside them.
const MATRICES: f64 = 36.0;
/// Vectors of dimension d that are alive at once.
const VECTORS: f64 = 100.0;
/// Steps of the solver, those among them after which fluctuations are computed, and how much an eigendecomposition and the
/// products with its basis take, in units of `n^3`.
const STEPS: f64 = 60.0;
const LOOKS: f64 = 30.0;
const DECOMPOSITION: f64 = 8.0;
/// Bytes of a number.
const NUMBER: f64 = 8.0;

/// The estimated cost of one prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Its memory.
    pub bytes: f64,
    /// Its multiply-adds in matrices of sample space.
    pub multiply_adds: f64,
    /// Replica-steps that it simulates at least.
    pub replica_steps: f64,
}

/// The estimated cost of predicting a checked ensemble on one data set.
pub fn cost(ensemble: &Ensemble) -> Cost {
    let (n, d) = (ensemble.process().source.samples() as f64, ensemble.process().source.dim() as f64);
    let momentum = ensemble.process().dynamics.momentum();
    let may_simulate = momentum > 0.0
        || ensemble.process().dynamics.effective_batch(ensemble.process().source.samples()).is_finite();
    let at_least = Conditions::forgotten_with(momentum).ceil();
    let simulated = beginning::of_steps(ensemble, at_least as u64, super::Cause::Momentum);
    let recorded = ensemble.protocol().recording.count(ensemble.process().dynamics.steps()) as f64
        * ensemble.protocol().quantities.len() as f64;
    let of_replicas = if may_simulate {
        let numbers = recorded + 4.0 * ensemble.process().num_params() as f64 + 4.0 * d;
        f64::from(simulated.replicas) * numbers + 2.0 * n * d
    } else {
        0.0
    };
    let (steps, looks) = if momentum > 0.0 { (2.0 * STEPS, 2.0 * LOOKS) } else { (STEPS, LOOKS) };
    Cost {
        bytes: NUMBER * (MATRICES * n * n + VECTORS * d + n * d + recorded + of_replicas),
        multiply_adds: steps * n * n * (0.5 * d + n / 6.0) + looks * n * n * (DECOMPOSITION * n + 2.0 * d),
        replica_steps: if momentum > 0.0 {
            f64::from(simulated.replicas) * simulated.steps as f64
        } else {
            0.0
        },
    }
}
