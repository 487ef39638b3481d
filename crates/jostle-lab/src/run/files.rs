//! The sink of a run folder: whole cells in their order, as soon as they are there.

use super::arrays::Whole;
use super::computed::Computed;
use super::destination::Taken;
use super::results::ResultFiles;
use super::sink::{InOrder, Job, Sink};
use crate::LabError;
use crate::experiment::GridValue;
use crate::plan::{Plan, replica_steps};
use crate::record::{
    Active, CellRecord, Converged, Diverged, LassoRecord, Manifest, OfCell, Predicted, Status, StdOfLambda,
};
use jostle::ensemble::{Ensemble, UnitResult};
use std::time::Instant;

/// Writes the results of a run for its folder, where they appear when it is over.
pub(super) struct FolderSink {
    taken: Taken,
    files: ResultFiles,
    manifest: Manifest,
    order: InOrder,
    started: Instant,
}

impl FolderSink {
    /// Says in the folder that the run has begun, and creates its files.
    pub(super) fn create(plan: &Plan, mut taken: Taken) -> Result<Self, LabError> {
        let started = Instant::now();
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            status: Status::Running,
            data: plan.data().to_vec(),
            data_sets: plan.data_sets().to_vec(),
            cells: Vec::new(),
            cells_in_total: plan.cells().len(),
            replica_steps: 0.0,
            wall_seconds: 0.0,
            machine: plan.machine(),
        };
        taken.begin(&manifest)?;
        let files = ResultFiles::create(&taken.folder, plan)?;
        Ok(Self { taken, files, manifest, order: InOrder::new(plan), started })
    }

    /// What was computed, still to be published.
    pub(super) fn computed(self) -> Computed {
        let Self { taken, files, mut manifest, started, .. } = self;
        let is_done = manifest.cells.len() == manifest.cells_in_total;
        manifest.status = if is_done { Status::Done } else { Status::Interrupted };
        manifest.wall_seconds = started.elapsed().as_secs_f64();
        Computed { taken, files, manifest }
    }

    /// Appends the cells that have become whole.
    fn append_whole_cells(&mut self, job: Job<'_>) -> Result<(), LabError> {
        while let Some((k, result)) = self.order.next(job) {
            let whole = Whole::new(job, k, &result);
            self.files.append(k, &whole)?;
            let predicted = whole.predicted();
            if predicted.is_none() {
                self.manifest.replica_steps += replica_steps(whole.cell);
            }
            let keys = &whole.checked.keys;
            self.manifest.cells.push(record(k, whole.cell, keys, &result, predicted, &job.lassos[k]));
        }
        Ok(())
    }
}

impl Sink for FolderSink {
    fn begin(&mut self, job: Job<'_>) -> Result<(), LabError> {
        self.append_whole_cells(job)
    }

    fn finished(&mut self, job: Job<'_>, cell: usize, unit: UnitResult) -> Result<(), LabError> {
        self.order.add(cell, unit);
        self.append_whole_cells(job)
    }
}

fn record(
    k: usize,
    cell: &Ensemble,
    keys: &[(String, GridValue)],
    result: &UnitResult,
    predicted: Option<Predicted>,
    lasso: &OfCell,
) -> CellRecord {
    let value = |value: &GridValue| match value {
        GridValue::Integer(v) => (*v).into(),
        GridValue::Number(v) => (*v).into(),
        GridValue::Text(v) => v.as_str().into(),
    };
    CellRecord {
        cell: k,
        keys: keys.iter().map(|(key, v)| (key.clone(), value(v))).collect(),
        replicas: cell.protocol().replicas,
        diverged: result
            .replicas
            .iter()
            .filter_map(|r| r.diverged.map(|step| Diverged { replica: r.replica, step }))
            .collect(),
        converged: result
            .replicas
            .iter()
            .filter_map(|r| r.converged.map(|step| Converged { replica: r.replica, step }))
            .collect(),
        label_noise: StdOfLambda::of(cell),
        predicted_lasso: Some(LassoRecord::after(lasso, cell, result)),
        active: Active::of(cell),
        predicted,
    }
}
