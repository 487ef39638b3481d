//! What comes out of a replica.

/// One replica's results.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// Its number.
    pub replica: u32,
    /// Observables, recorded step after recorded step.
    pub rows: Vec<f64>,
    /// The final parameters (p); NaN if it diverged.
    pub theta: Vec<f64>,
    /// Natural logarithms of the final absolute parameters (p), finite where they underflow; NaN if it diverged.
    pub log_abs_theta: Vec<f64>,
    /// The final coefficients (d); NaN if it diverged.
    pub beta: Vec<f64>,
    /// The time average of the coefficients (d), where one was asked for; NaN if it diverged.
    pub average: Option<Vec<f64>>,
    /// The first step at whose start a squared residual exceeded 1e30 times the largest of 1 and the squared labels
    /// (in float32 at most 1e37), or a flow had left the numbers; mini-batches see the residuals of their samples only, and of all samples at recorded
    /// steps.
    pub diverged: Option<u64>,
    /// The step at which the replica had converged, and stopped; see [`crate::dynamics::GradientDescent::tolerance`].
    pub converged: Option<u64>,
}

/// The results of a unit, or of all units of an ensemble.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnitResult {
    /// The replicas in order.
    pub replicas: Vec<Replica>,
}

impl UnitResult {
    /// Puts the replicas of a later unit behind these.
    pub fn append(&mut self, mut later: UnitResult) {
        self.replicas.append(&mut later.replicas);
    }
}
