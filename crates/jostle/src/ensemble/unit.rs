//! The unit of work: a block of replicas of one ensemble. A pure function of the ensemble and the block.

use super::execute::run_in;
use super::linearisation::Linearisation;
use super::{Ensemble, UnitResult};
use crate::dynamics::Batch;
use crate::dynamics::stepper::Begin;
use crate::float::Precision;
use crate::process::Source;
use crate::simd::Level;
use crate::theory::Reference;
use crate::watch::Watch;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Replicas of one unit: as many as a kernel computes side by side, and fewer of a small ensemble, which would leave
/// processors idle in large units.
pub fn unit_replicas(ensemble: &Ensemble) -> u32 {
    let shared = matches!(ensemble.process.source, Source::Shared(_));
    let (large, small) = match (ensemble.process.dynamics.batch(), ensemble.protocol.precision) {
        _ if ensemble.process.is_network() || ensemble.process.beyond_fused().is_some() => (1, 1),
        (Batch::Full, Precision::F64) if shared => (16, 8),
        (Batch::Full, Precision::F32) if shared => (32, 16),
        (Batch::Size(1), _) if shared => (16, 4),
        _ => (1, 1),
    };
    if ensemble.protocol.replicas >= 4 * large { large } else { small }
}

/// A block of replicas of one ensemble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The replicas.
    pub replicas: Range<u32>,
}

/// The units of an ensemble, in the order of their replicas.
pub fn units(ensemble: &Ensemble) -> Vec<Unit> {
    let size = unit_replicas(ensemble);
    (0..ensemble.protocol.replicas)
        .step_by(size as usize)
        .map(|first| Unit { replicas: first..(first + size).min(ensemble.protocol.replicas) })
        .collect()
}

/// Runs a unit; `None` if the watch asked to stop.
pub fn run_unit(ensemble: &Ensemble, unit: &Unit, level: Level, watch: &dyn Watch) -> Option<UnitResult> {
    run_unit_until(ensemble, unit, ensemble.process.dynamics.steps(), level, watch)
}

/// Runs a unit up to the step `until`, with the rows of the recorded steps until then; `None` if the watch asked to
/// stop.
pub(crate) fn run_unit_until(
    ensemble: &Ensemble,
    unit: &Unit,
    until: u64,
    level: Level,
    watch: &dyn Watch,
) -> Option<UnitResult> {
    Work { ensemble, unit, until, shared: &Shared::default(), level, watch }.run()
}

/// What the units of an ensemble have in common, found by the first of them that asks.
#[derive(Default)]
pub(super) struct Shared {
    /// What replicas with shared data are compared with; none if nothing asks for it.
    pub(super) reference: OnceLock<Option<Reference>>,
    /// What is to be done once before any unit; none if the watch asked to stop.
    prepared: OnceLock<Option<Arc<Prepared>>>,
}

/// What is done once before the units of an ensemble.
pub(super) enum Prepared {
    /// Nothing: every replica begins on its own.
    Nothing,
    /// Where all replicas begin, but for their perturbations.
    Together(Begin),
    /// The linearisation that takes the place of the ensemble.
    Linear(Box<Linearisation>),
}

/// A unit that is to be run up to the step `until`, and where the units of an ensemble keep what they have in common.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) ensemble: &'a Ensemble,
    pub(super) unit: &'a Unit,
    pub(super) until: u64,
    pub(super) shared: &'a Shared,
    pub(super) level: Level,
    pub(super) watch: &'a dyn Watch,
}

impl Work<'_> {
    /// The results; `None` if the watch asked to stop.
    pub(super) fn run(self) -> Option<UnitResult> {
        // Of many units, most have not begun when the user asks to stop.
        if self.watch.should_stop() {
            return None;
        }
        match &*self.prepared()? {
            Prepared::Linear(linearisation) => linearisation.run(self),
            Prepared::Nothing | Prepared::Together(_) => self.run_prepared(),
        }
    }

    /// What is done once before the units of an ensemble; done by whoever comes first. Nobody waits for it: a thread of the
    /// pool that waits may take up another unit, which would then wait for itself.
    pub(super) fn prepared(self) -> Option<Arc<Prepared>> {
        if let Some(prepared) = self.shared.prepared.get() {
            return prepared.clone();
        }
        let prepared = self.prepare().map(Arc::new);
        let _ = self.shared.prepared.set(prepared.clone());
        prepared
    }

    fn prepare(self) -> Option<Prepared> {
        let Self { ensemble, level, watch, .. } = self;
        Some(match &ensemble.process.source {
            Source::Shared(_) if ensemble.process.start.linearise => {
                Prepared::Linear(Box::new(ensemble.linearised(level, watch)?))
            }
            Source::Shared(problem) if ensemble.process.begins_together() => {
                Prepared::Together(ensemble.begin(problem, 0, level, watch)?)
            }
            Source::Shared(_) | Source::PerReplica(_) => Prepared::Nothing,
        })
    }

    /// Does what is to be done once before the units of an ensemble.
    pub(super) fn prepare_units(self) {
        self.prepared();
    }

    /// Runs the replicas of the ensemble as it is.
    pub(super) fn run_prepared(self) -> Option<UnitResult> {
        match self.ensemble.protocol.precision {
            Precision::F64 => run_in::<f64>(self),
            Precision::F32 => run_in::<f32>(self),
        }
    }
}
