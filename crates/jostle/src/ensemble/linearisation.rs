//! The ensemble of the linear process that stands for another one.

use super::unit::{Shared, Work};
use super::{Ensemble, UnitResult};
use crate::simd::Level;
use crate::watch::Watch;

/// The linear ensemble, and what its units have in common.
pub(super) struct Linearisation {
    ensemble: Ensemble,
    shared: Shared,
}

impl Linearisation {
    /// Runs a unit of the ensemble that it stands for.
    pub(super) fn run(&self, work: Work<'_>) -> Option<UnitResult> {
        Work { ensemble: &self.ensemble, shared: &self.shared, ..work }.run_prepared()
    }
}

impl Ensemble {
    /// The linearisation at the start; `None` if the watch asked to stop.
    pub(super) fn linearised(&self, level: Level, watch: &dyn Watch) -> Option<Linearisation> {
        let problem = self.process.source.problem(0);
        let begin = self.begin(&problem, 0, level, watch)?;
        let process = self.process.linearised_at(&begin.theta, begin.unit, &problem, watch)?;
        let ensemble = Ensemble { process, protocol: self.protocol.clone() };
        Some(Linearisation { ensemble, shared: Shared::default() })
    }
}
