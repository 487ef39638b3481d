//! The training data of replicas, and the model on them.

use crate::error::InputError;
use crate::model::{ModelSpec, RandomFeatures};
use crate::problem::{Generator, Problem};
use crate::setting::{SettingError, Settings};
use std::sync::Arc;

/// Where replicas get their training data.
#[derive(Clone)]
pub enum Source {
    /// All replicas share one problem.
    Shared(Arc<Problem>),
    /// Replica `k` has data set number `k` of its own.
    PerReplica(Generator),
}

impl From<Problem> for Source {
    fn from(problem: Problem) -> Self {
        Self::Shared(Arc::new(problem))
    }
}

impl From<Arc<Problem>> for Source {
    fn from(problem: Arc<Problem>) -> Self {
        Self::Shared(problem)
    }
}

/// Replica `k` has data set number `k`.
impl From<Generator> for Source {
    fn from(generator: Generator) -> Self {
        Self::PerReplica(generator)
    }
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

    /// Labels `c` of a sample.
    pub fn outputs(&self) -> usize {
        match self {
            Source::Shared(problem) => problem.outputs(),
            Source::PerReplica(_) => 1,
        }
    }

    /// Whether there are samples to test on.
    pub fn has_test(&self) -> bool {
        match self {
            Source::Shared(problem) => problem.test().is_some(),
            Source::PerReplica(source) => source.test_samples() > 0,
        }
    }

    /// Whether labels are classes.
    pub fn has_classes(&self) -> bool {
        matches!(self, Source::Shared(problem) if problem.is_classification())
    }

    /// Whether there is a ground truth.
    pub fn has_truth(&self) -> bool {
        match self {
            Source::Shared(problem) => problem.truth().is_some(),
            Source::PerReplica(source) => source.has_truth(),
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

/// The model that checked settings describe on given data, and the data as the model sees them; `kind` is one of
/// [`crate::model::ENTRIES`].
///
/// # Errors
/// As [`ModelSpec::from_settings`]; random features of data that every replica has for itself.
pub fn model_from_settings(
    kind: &str,
    settings: &Settings,
    source: Source,
) -> Result<(ModelSpec, Source), InputError> {
    let model = ModelSpec::from_settings(kind, settings, source.dim(), source.outputs())?;
    if kind != "random-features" {
        return Ok((model, source));
    }
    match source {
        Source::Shared(problem) => {
            let design = RandomFeatures::from_settings(settings).design(&problem)?;
            Ok((model, Source::Shared(Arc::new(design))))
        }
        Source::PerReplica(_) => {
            let problem = "is true; expected false with model.kind = \"random-features\"";
            Err(InputError::in_section("problem")(SettingError::new("data_per_replica", problem)))
        }
    }
}
