//! One configuration, checked as a whole: what an ensemble runs replicas of.

use super::Recording;
use crate::dynamics::{Batch, Dynamics};
use crate::error::InputError;
use crate::float::Precision;
use crate::model::{LinkKind, ModelSpec, Power};
use crate::noise::Noise;
use crate::observable::{Needs, Observable, Reference};
use crate::problem::{Problem, SparseRegression};
use crate::setting::SettingError;
use std::sync::Arc;

/// Where the replicas of a cell get their training data.
#[derive(Clone)]
pub enum Source {
    /// All replicas share one problem.
    Shared(Arc<Problem>),
    /// Replica `k` has data set number `k` of its own.
    PerReplica(SparseRegression),
}

impl Source {
    /// Number of samples `n`.
    pub fn samples(&self) -> usize {
        match self {
            Source::Shared(problem) => problem.samples(),
            Source::PerReplica(source) => source.samples(),
        }
    }

    /// Dimension `d`.
    pub fn dim(&self) -> usize {
        match self {
            Source::Shared(problem) => problem.dim(),
            Source::PerReplica(source) => source.dim(),
        }
    }

    /// Whether there is a ground truth.
    pub fn has_truth(&self) -> bool {
        match self {
            Source::Shared(problem) => problem.truth().is_some(),
            Source::PerReplica(_) => true,
        }
    }

    /// The training data of a replica.
    pub fn problem(&self, replica: u32) -> Arc<Problem> {
        match self {
            Source::Shared(problem) => Arc::clone(problem),
            Source::PerReplica(source) => Arc::new(source.generate(replica)),
        }
    }
}

/// Everything that determines the trajectories of a configuration.
pub struct Cell {
    /// The training data.
    pub source: Source,
    /// The model, its start and its loss factor.
    pub model: ModelSpec,
    /// How parameters move.
    pub dynamics: Dynamics,
    /// The noises.
    pub noises: Vec<Noise>,
    /// The recorded steps.
    pub recording: Recording,
    /// What is recorded.
    pub quantities: Vec<&'static Observable>,
    /// Average the coefficients over the steps after this one.
    pub average_from: Option<u64>,
    /// Number of replicas `R`.
    pub replicas: u32,
    /// Seed of the noise.
    pub seed: u64,
    /// Floating-point format of the trajectories.
    pub precision: Precision,
}

impl Cell {
    /// Checks that the parts fit each other, and normalises the batch.
    ///
    /// # Errors
    /// A batch larger than the problem, a noise that needs full batches with mini-batches, a flow of a model or with a
    /// noise for which there is none, an observable that needs a truth, an average or a predicted Lasso that is not
    /// there, or initial values of the wrong number.
    pub fn check(mut self) -> Result<Self, InputError> {
        self.dynamics = self.dynamics.fit(self.source.samples(), &self.model, &self.noises)?;
        self.model.initial(self.source.dim())?;
        for quantity in &self.quantities {
            if let Some(lacks) = self.lacks(quantity.needs) {
                let problem = format!("has {:?}, which needs {lacks}", quantity.name);
                return Err(InputError::in_section("observe")(SettingError::new("quantities", problem)));
            }
        }
        if let Some(quantity) = self.quantities.iter().find(|quantity| quantity.needs.lasso())
            && let Err(error) = Reference::new(&self, &self.source.problem(0))
        {
            let problem = format!("has {:?}, which needs a predicted Lasso, but {error}", quantity.name);
            return Err(InputError::in_section("observe")(SettingError::new("quantities", problem)));
        }
        if let Some(from) = self.average_from.filter(|from| *from >= self.dynamics.steps()) {
            let problem =
                format!("is {from}; expected less than the {} steps of the run", self.dynamics.steps());
            return Err(InputError::in_section("observe")(SettingError::new("average_from", problem)));
        }
        Ok(self)
    }

    /// What an observable needs and the settings do not give.
    fn lacks(&self, needs: Needs) -> Option<&'static str> {
        let has_average = self.average_from.is_some();
        match needs {
            Needs::Truth | Needs::AverageAndTruth if !self.source.has_truth() => {
                Some("a problem with a truth")
            }
            Needs::AverageAndTruth | Needs::AverageAndLasso if !has_average => Some("observe.average_from"),
            Needs::LassoAtOneStepSize if self.dynamics.has_drops() => {
                Some("a dynamics.learning_rate without drops")
            }
            Needs::TwoSquares if self.model.link != LinkKind::Power(Power { depth: 2 }) => {
                Some("the model \"hadamard\" with depth = 2 and form = \"power\"")
            }
            _ => None,
        }
    }

    /// Number of parameters `p`.
    pub fn num_params(&self) -> usize {
        self.model.link.parts() * self.source.dim()
    }

    /// Multiply-adds of one replica's step, for estimates of time.
    pub fn work_per_step(&self) -> f64 {
        let (n, dim) = (self.source.samples() as f64, self.source.dim() as f64);
        let products = match self.dynamics.batch() {
            Batch::Full => 2.0 * n * dim,
            Batch::Size(size) => 2.0 * size as f64 * dim,
        };
        match self.dynamics {
            Dynamics::GradientDescent(_) => products,
            Dynamics::Flow(_) => {
                let exponentials = WORK_OF_EXP * self.num_params() as f64;
                self.dynamics.evaluations() as f64 * (products + exponentials)
            }
        }
    }

    /// Normal numbers of one replica's step, but for the few that perturb labels in gradient descent.
    pub fn normals_per_step(&self) -> f64 {
        match &self.dynamics {
            Dynamics::GradientDescent(_) => {
                let of_parameters = self.noises.iter().filter(|noise| matches!(noise, Noise::Parameter(_)));
                (of_parameters.count() * self.num_params()) as f64
            }
            Dynamics::Flow(_) if self.noises.is_empty() => 0.0,
            Dynamics::Flow(flow) => {
                let of_sample = if flow.scheme.tableau().uses_mean() { 2 } else { 1 };
                (of_sample * self.source.samples()) as f64
            }
        }
    }
}

/// Multiply-adds that take as long as an exponential in a vector.
const WORK_OF_EXP: f64 = 20.0;
