//! The sink of a channel: every unit as it finishes, for whoever shows a run while it goes on.

use super::rows::Rows;
use super::sink::{Job, Sink};
use crate::LabError;
use crate::plan::Plan;
use jostle::ensemble::UnitResult;
use jostle_files::RecordBatch;
use std::sync::mpsc::Sender;

/// Some replicas of a cell that are finished, or the means that theory predicts for it.
#[derive(Debug, Clone)]
pub struct FinishedUnit {
    /// The number of the cell.
    pub cell: usize,
    /// The replicas.
    pub replicas: Vec<u32>,
    /// Those of them that diverged.
    pub diverged: Vec<u32>,
    /// Their rows, as in `metrics.parquet`.
    pub metrics: RecordBatch,
}

/// Sends what is finished, and keeps nothing.
pub struct Channel {
    rows: Rows,
    sender: Sender<FinishedUnit>,
}

impl Channel {
    /// Sends the results of a plan to the receiver of `sender`. The run is given up when that is gone.
    pub fn new(plan: &Plan, sender: Sender<FinishedUnit>) -> Self {
        Self { rows: Rows::new(plan), sender }
    }

    fn send(&self, job: Job<'_>, cell: usize, unit: &UnitResult) -> Result<(), LabError> {
        let (of, checked) = (&job.plan.cells()[cell], &job.plan.experiment().cells[cell]);
        let metrics = self.rows.table(cell, of, &checked.keys, unit)?.into_record_batch()?;
        let replicas = unit.replicas.iter().map(|replica| replica.replica).collect();
        let diverged = unit.replicas.iter().filter(|replica| replica.diverged.is_some());
        let diverged = diverged.map(|replica| replica.replica).collect();
        let sent = self.sender.send(FinishedUnit { cell, replicas, diverged, metrics });
        sent.map_err(|_| LabError::Unheard)
    }
}

impl Sink for Channel {
    fn begin(&mut self, job: Job<'_>) -> Result<(), LabError> {
        job.predictions.cells().try_for_each(|(cell, predicted)| self.send(job, cell, &predicted.result()))
    }

    fn finished(&mut self, job: Job<'_>, cell: usize, unit: UnitResult) -> Result<(), LabError> {
        self.send(job, cell, &unit)
    }
}
