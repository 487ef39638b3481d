//! What determines a trajectory: the data, the model, the start, the dynamics and the noises.
//!
//! Theory reads a process, and an [`Ensemble`](crate::ensemble::Ensemble) runs many replicas of it.

mod check;
mod linearisation;
mod source;
mod start;

pub use source::{Source, model_from_settings};
pub use start::{Origin, START_ENTRIES, Start};

use crate::dynamics::{Dynamics, RateUnit};
use crate::model::ModelSpec;
use crate::noise::Noise;

/// Everything that determines the law of a trajectory.
#[derive(Clone)]
pub struct Process {
    /// The training data.
    pub source: Source,
    /// The model, its start and its loss factor.
    pub model: ModelSpec,
    /// Where replicas begin.
    pub start: Start,
    /// How parameters move.
    pub dynamics: Dynamics,
    /// The noises.
    pub noises: Vec<Noise>,
}

impl Process {
    /// A process without noise, which begins at the model's own start.
    pub fn new(
        source: impl Into<Source>,
        model: impl Into<ModelSpec>,
        dynamics: impl Into<Dynamics>,
    ) -> Self {
        Self {
            source: source.into(),
            model: model.into(),
            start: Start::default(),
            dynamics: dynamics.into(),
            noises: Vec::new(),
        }
    }

    /// The same with a further noise. The noise in position `k` has random numbers of its own.
    #[must_use]
    pub fn noise(mut self, noise: impl Into<Noise>) -> Self {
        self.noises.push(noise.into());
        self
    }

    /// The same from another start.
    #[must_use]
    pub fn start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// Whether the replicas are linear predictors.
    pub fn has_coefficients(&self) -> bool {
        // Whether there are any does not depend on the point.
        let zeros = || vec![0.0; self.model.model(self.source.dim()).num_params()];
        let of_network = || self.model.model(self.source.dim()).coefficients(&zeros()).is_some();
        if self.start.linearise {
            return self.source.outputs() == 1;
        }
        self.model.link().is_some() || of_network()
    }

    /// Whether replicas are stepped as networks: not those of a link, nor the linearisation with one output.
    pub(crate) fn is_network(&self) -> bool {
        self.model.link().is_none() && !(self.start.linearise && self.source.outputs() == 1)
    }

    /// Why replicas take the general path although the model is a linear predictor with a link; none where a fused loop serves
    /// them.
    pub(crate) fn beyond_fused(&self) -> Option<&'static str> {
        let is_linearised = self.start.linearise && self.source.outputs() == 1;
        match &self.dynamics {
            Dynamics::GradientDescent(dynamics) if self.model.link().is_some() || is_linearised => {
                dynamics.beyond_fused(&self.noises)
            }
            Dynamics::GradientDescent(_) | Dynamics::Flow(_) => None,
        }
    }

    /// Number of parameters `p`; of coordinates, where the model is linearised.
    pub fn num_params(&self) -> usize {
        if self.start.linearise {
            return self.source.samples() * self.source.outputs();
        }
        self.model.model(self.source.dim()).num_params()
    }

    /// Number of coefficients: the dimension, or 0 where the model is no linear predictor.
    pub fn num_coefficients(&self) -> usize {
        match self.has_coefficients() {
            true if self.start.linearise => self.source.samples(),
            true => self.source.dim(),
            false => 0,
        }
    }

    /// Whether all replicas on the same data have their start, but for a perturbation, and the unit of their step size in
    /// common.
    pub fn begins_together(&self) -> bool {
        !self.model.init_per_replica() && !self.start.differs()
    }

    /// What the Lasso that theory predicts needs and the process does not give.
    pub(crate) fn lacks_for_lasso(&self) -> Option<&'static str> {
        if !self.start.is_init() {
            return Some("start.kind = \"init\"");
        }
        (self.dynamics.unit() != RateUnit::One).then_some("dynamics.learning_rate_unit = \"one\"")
    }
}
