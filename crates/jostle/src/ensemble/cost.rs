//! What the replicas of an ensemble cost, for estimates of time.

use super::Ensemble;
use crate::dynamics::{Batch, Dynamics};
use crate::model::Form;
use crate::noise::Noise;
use crate::process::Origin;

/// Multiply-adds between two calls of the watch, so that progress is shown and a stop is heard in time.
pub(super) const WORK_BETWEEN_CALLS: f64 = 4e8;

/// Multiply-adds that take as long as an exponential in a vector.
const WORK_OF_EXP: f64 = 20.0;

impl Ensemble {
    /// Multiply-adds of one replica's step, for estimates of time.
    pub fn work_per_step(&self) -> f64 {
        let (n, dim) = (self.process.source.samples() as f64, self.process.source.dim() as f64);
        if let (Form::Network { network, .. }, false) =
            (&self.process.model.form, self.process.start.linearise)
        {
            return self.process.dynamics.batch_size(self.process.source.samples()) as f64
                * network.work_per_sample();
        }
        let outputs = self.process.source.outputs() as f64;
        let dim = if self.process.start.linearise { n * outputs * outputs } else { dim };
        let products = match self.process.dynamics.batch() {
            Batch::Full => 2.0 * n * dim,
            Batch::Size(size) => 2.0 * size as f64 * dim,
        };
        match self.process.dynamics {
            Dynamics::GradientDescent(_) => products,
            Dynamics::Flow(_) => {
                let exponentials = WORK_OF_EXP * self.process.num_params() as f64;
                self.process.dynamics.evaluations() as f64 * (products + exponentials)
            }
        }
    }

    /// Multiply-adds of what a replica does apart from its steps: of its recorded geometry, and of the start at a minimum
    /// where it has one of its own.
    pub fn work_beside_steps(&self) -> f64 {
        let one = self.measurement_of_records().map_or(0.0, |measurement| measurement.multiply_adds());
        let recorded = self.protocol.recording.count(self.process.dynamics.steps()) as f64;
        let own = if self.process.begins_together() { 1.0 / f64::from(self.protocol.replicas) } else { 1.0 };
        let start = self.measurement_of_start().map_or(0.0, |measurement| measurement.multiply_adds());
        one * recorded + own * (self.work_of_start() + start)
    }

    /// Multiply-adds of finding the start.
    fn work_of_start(&self) -> f64 {
        let Origin::Minimum { steps, .. } = self.process.start.origin else { return 0.0 };
        steps as f64 * self.work_of_full_step()
    }

    /// Multiply-adds of a step with the full batch on the way to the start.
    pub(super) fn work_of_full_step(&self) -> f64 {
        let full = Batch::Full.size(self.process.source.samples()) as f64;
        let of_sample = match &self.process.model.form {
            Form::Network { network, .. } => network.work_per_sample(),
            Form::Link { .. } => 2.0 * self.process.source.dim() as f64,
        };
        full * of_sample
    }

    /// Normal numbers of one replica's step, but for the few that perturb labels in gradient descent.
    pub fn normals_per_step(&self) -> f64 {
        match &self.process.dynamics {
            Dynamics::GradientDescent(_) => {
                let of_parameters =
                    self.process.noises.iter().filter(|noise| matches!(noise, Noise::Parameter(_)));
                (of_parameters.count() * self.process.num_params()) as f64
            }
            Dynamics::Flow(_) if self.process.noises.is_empty() => 0.0,
            Dynamics::Flow(flow) => {
                let of_sample = if flow.scheme.tableau().uses_mean() { 2 } else { 1 };
                (of_sample * self.process.source.samples()) as f64
            }
        }
    }
}
