//! What is recorded of how many replicas, and building an ensemble from it.

use super::{Ensemble, Recording};
use crate::error::InputError;
use crate::float::Precision;
use crate::observable::{ActiveThreshold, Observable, named};
use crate::process::Process;

/// What an ensemble is beside its process.
#[derive(Clone)]
pub struct Protocol {
    /// The recorded steps.
    pub recording: Recording,
    /// What is recorded.
    pub quantities: Vec<&'static Observable>,
    /// From which size on a coefficient is active.
    pub active: ActiveThreshold,
    /// Average the coefficients over the steps after this one.
    pub average_from: Option<u64>,
    /// Number of replicas `R`.
    pub replicas: u32,
    /// Seed of the noise.
    pub seed: u64,
    /// Floating-point format of the trajectories.
    pub precision: Precision,
}

/// One replica in double precision, of which nothing is recorded but where it ends.
impl Default for Protocol {
    fn default() -> Self {
        Self {
            recording: Recording::Log(200),
            quantities: Vec::new(),
            active: ActiveThreshold::default(),
            average_from: None,
            replicas: 1,
            seed: 0,
            precision: Precision::F64,
        }
    }
}

impl Ensemble {
    /// One replica of a process, of which nothing is recorded but where it ends.
    ///
    /// # Errors
    /// As [`Ensemble::with`].
    pub fn new(process: Process) -> Result<Self, InputError> {
        Self::with(process, Protocol::default())
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The replicas, and what is recorded of them.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The same process with another protocol.
    ///
    /// # Errors
    /// As [`Ensemble::with`].
    pub fn under(self, protocol: Protocol) -> Result<Self, InputError> {
        Self::with(self.process, protocol)
    }

    /// The same with this number of replicas.
    ///
    /// # Errors
    /// Fewer given starts than replicas.
    pub fn replicas(mut self, replicas: u32) -> Result<Self, InputError> {
        self.process.start.check_replicas(replicas)?;
        self.protocol.replicas = replicas;
        Ok(self)
    }

    /// The same, of which the observables of these names are recorded; see [`crate::observable::REGISTRY`].
    ///
    /// # Errors
    /// A name that no observable has, or an observable that needs what is not there.
    pub fn record<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Result<Self, InputError> {
        let quantities = names.into_iter().map(named).collect::<Result<_, _>>()?;
        let protocol = Protocol { quantities, ..self.protocol.clone() };
        self.under(protocol)
    }

    /// The same, recorded at other steps; about 200 of them, evenly spaced in the logarithm, where nothing is said.
    #[must_use]
    pub fn at(mut self, recording: Recording) -> Self {
        self.protocol.recording = recording;
        self
    }

    /// The same with an average of the coefficients over the steps after this one.
    ///
    /// # Errors
    /// A step that is not before the last one, or a model that has no coefficients.
    pub fn average_from(self, step: u64) -> Result<Self, InputError> {
        let protocol = Protocol { average_from: Some(step), ..self.protocol.clone() };
        self.under(protocol)
    }

    /// The same with another seed of the noise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.protocol.seed = seed;
        self
    }

    /// The same in another floating-point format.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.protocol.precision = precision;
        self
    }
}
