//! `metrics.parquet`, `final.npz` and checkpoints, written cell by cell.

use super::arrays::{Finals, Whole};
use super::checkpoints::Checkpoints;
use super::rows::Rows;
use crate::experiment::CheckedCell;
use crate::plan::Plan;
use jostle_files::{ArrayWriter, AtomicFile, StorageError, TableWriter};
use std::path::Path;

/// The result files of a run in the making; they appear in the folder when they are complete and published.
pub(super) struct ResultFiles {
    rows: Rows,
    finals: Finals,
    table: TableWriter,
    arrays: ArrayWriter,
    checkpoints: Checkpoints,
}

impl ResultFiles {
    /// Files for the results of a plan.
    pub(super) fn create(folder: &Path, plan: &Plan) -> Result<Self, StorageError> {
        let rows = Rows::new(plan);
        let metadata = predicted(&plan.experiment().cells);
        Ok(Self {
            table: TableWriter::with_metadata(&folder.join("metrics.parquet"), rows.schema()?, &metadata)?,
            arrays: ArrayWriter::create(&folder.join("final.npz"))?,
            checkpoints: Checkpoints::new(folder),
            finals: Finals::new(plan.cells()),
            rows,
        })
    }

    /// Appends the results of cell number `k`.
    pub(super) fn append(&mut self, k: usize, whole: &Whole<'_>) -> Result<(), StorageError> {
        self.table.append(&self.rows.table(k, whole.cell, &whole.checked.keys, whole.result)?)?;
        self.finals.append(&mut self.arrays, k, whole)?;
        self.checkpoints.append(k, whole.cell, &whole.result.replicas)
    }

    /// Brings everything to the disk; the files then only need their names.
    pub(super) fn complete(self) -> Result<CompleteFiles, StorageError> {
        let (table, arrays) = (self.table.complete()?, self.arrays.complete()?);
        Ok(CompleteFiles { table, arrays, checkpoints: self.checkpoints })
    }
}

/// The result files of a run, whole and on the disk.
pub(super) struct CompleteFiles {
    table: AtomicFile,
    arrays: AtomicFile,
    checkpoints: Checkpoints,
}

impl CompleteFiles {
    /// Whether the folder holds exactly these files already.
    pub(super) fn repeat(&self) -> bool {
        self.table.repeats() && self.arrays.repeats() && self.checkpoints.repeat()
    }

    /// Gives the files their names.
    pub(super) fn publish(self) -> Result<(), StorageError> {
        self.table.publish()?;
        self.arrays.publish()?;
        self.checkpoints.publish()
    }
}

/// What the table says of itself where theory stands in the place of replicas.
fn predicted(checked: &[CheckedCell]) -> Vec<(&'static str, String)> {
    let cells: Vec<String> =
        (0..checked.len()).filter(|k| checked[*k].is_predicted()).map(|k| k.to_string()).collect();
    if cells.is_empty() { Vec::new() } else { vec![("jostle.predicted_cells", cells.join(","))] }
}
