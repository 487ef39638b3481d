//! An ensemble before it is checked, in one flat literal, of which a test can vary a single part.

use super::{Ensemble, Protocol, Recording};
use crate::dynamics::Dynamics;
use crate::error::InputError;
use crate::float::Precision;
use crate::model::ModelSpec;
use crate::noise::Noise;
use crate::observable::{ActiveThreshold, Observable};
use crate::process::{Process, Source, Start};

/// The parts of a [`Process`] and of a [`Protocol`].
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) source: Source,
    pub(crate) model: ModelSpec,
    pub(crate) start: Start,
    pub(crate) dynamics: Dynamics,
    pub(crate) noises: Vec<Noise>,
    pub(crate) recording: Recording,
    pub(crate) quantities: Vec<&'static Observable>,
    pub(crate) active: ActiveThreshold,
    pub(crate) average_from: Option<u64>,
    pub(crate) replicas: u32,
    pub(crate) seed: u64,
    pub(crate) precision: Precision,
}

impl Setup {
    pub(crate) fn process(&self) -> Process {
        let Self { source, model, start, dynamics, noises, .. } = self.clone();
        Process { source, model, start, dynamics, noises }
    }

    /// The ensemble, which is known to be in order.
    pub(crate) fn checked(&self) -> Ensemble {
        self.clone().check().unwrap()
    }

    pub(crate) fn check(self) -> Result<Ensemble, InputError> {
        let process = self.process();
        let Self { recording, quantities, active, average_from, replicas, seed, precision, .. } = self;
        Ensemble::with(
            process,
            Protocol { recording, quantities, active, average_from, replicas, seed, precision },
        )
    }
}
