//! A finished run, read back from its folder: what figures and claims are made from.

use super::manifest::{Manifest, Predicted, Status};
use super::{LabError, StdOfLambda, build};
use crate::experiment::{Experiment, Overrides};
use crate::storage::{ArrayReader, StorageError, Table, read_parquet};
use jostle::ensemble::Cell;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A run folder's contents.
pub struct Run {
    /// The folder.
    pub folder: PathBuf,
    /// How it came to be.
    pub manifest: Manifest,
    /// The text of `experiment.toml`.
    pub experiment: String,
    metrics: Table,
    cells: Vec<CellRows>,
}

/// Where a cell's rows stand in the table: replica after replica, recorded step after recorded step.
struct CellRows {
    rows: Range<usize>,
    replicas: usize,
}

impl Run {
    /// Opens a run folder.
    ///
    /// # Errors
    /// The folder is not a run, the run is not finished, or a file of it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, LabError> {
        let not_a_run = |reason: String| LabError::NotARun { folder: folder.to_path_buf(), reason };
        let manifest = Manifest::read(folder)?;
        if manifest.status == Status::Running {
            return Err(not_a_run(
                "it is still running, or was killed before its results were written".into(),
            ));
        }
        let experiment = std::fs::read_to_string(folder.join("experiment.toml"))
            .map_err(|error| not_a_run(format!("experiment.toml cannot be read ({error})")))?;
        let metrics = read_parquet(&folder.join("metrics.parquet"))?;
        let cells = cell_rows(metrics.integers("cell")?, metrics.integers("step")?);
        Ok(Self { folder: folder.to_path_buf(), manifest, experiment, metrics, cells })
    }

    /// Number of (finished) cells.
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Number of replicas of a cell.
    pub fn replicas(&self, cell: usize) -> usize {
        self.cells[cell].replicas
    }

    /// The recorded quantities.
    pub fn quantities(&self) -> Vec<String> {
        let names = self.metrics.names();
        let from = names.iter().position(|name| name == "step").map_or(0, |at| at + 1);
        names[from..].to_vec()
    }

    /// The keys of the grid.
    pub fn keys(&self) -> Vec<String> {
        self.metrics.names().into_iter().skip(1).take_while(|name| name != "replica").collect()
    }

    /// A cell's value of a key of the grid, as a text.
    pub fn key_text(&self, cell: usize, key: &str) -> String {
        match self.manifest.cells.get(cell).and_then(|record| record.keys.get(key)) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    /// A cell's value of a key of the grid, as a number.
    pub fn key(&self, cell: usize, key: &str) -> Option<f64> {
        self.manifest.cells.get(cell)?.keys.get(key)?.as_f64()
    }

    /// The recorded steps of a cell.
    ///
    /// # Errors
    /// The table lacks the column.
    pub fn steps(&self, cell: usize) -> Result<Vec<u64>, StorageError> {
        let CellRows { rows, replicas } = &self.cells[cell];
        let steps = &self.metrics.integers("step")?[rows.clone()];
        Ok(steps[..steps.len() / replicas].iter().map(|step| *step as u64).collect())
    }

    /// The values of a quantity in a cell: one list over the recorded steps for every replica.
    ///
    /// # Errors
    /// The quantity was not recorded.
    pub fn paths(&self, cell: usize, quantity: &str) -> Result<Vec<Vec<f64>>, StorageError> {
        let CellRows { rows, replicas } = &self.cells[cell];
        let values = self.metrics.numbers(quantity)?;
        let values = &values[rows.clone()];
        Ok(values.chunks_exact(values.len() / replicas).map(<[f64]>::to_vec).collect())
    }

    /// The final values of a quantity in a cell, one for every replica.
    ///
    /// # Errors
    /// The quantity was not recorded.
    pub fn finals(&self, cell: usize, quantity: &str) -> Result<Vec<f64>, StorageError> {
        Ok(self.paths(cell, quantity)?.iter().filter_map(|path| path.last().copied()).collect())
    }

    /// The values of a quantity at the last recorded step that is at most `step`, one for every replica.
    ///
    /// # Errors
    /// The quantity was not recorded.
    pub fn values_at(&self, cell: usize, quantity: &str, step: u64) -> Result<Vec<f64>, StorageError> {
        let at = self.steps(cell)?.partition_point(|recorded| *recorded <= step) - 1;
        Ok(self.paths(cell, quantity)?.iter().map(|path| path[at]).collect())
    }

    /// The cells of the run, built anew from its settings: what theory is asked about.
    ///
    /// # Errors
    /// The settings or the data cannot be read any more.
    pub fn rebuilt_cells(&self) -> Result<Vec<Cell>, LabError> {
        let origin = self.folder.join("experiment.toml").display().to_string();
        let overrides = Overrides::default();
        let mut experiment = Experiment::from_text(&self.experiment, &origin, &self.folder, &overrides)?;
        Ok(build(&mut experiment)?.cells)
    }

    /// How many replicas of a cell diverged.
    pub fn diverged(&self, cell: usize) -> usize {
        self.manifest.cells.get(cell).map_or(0, |record| record.diverged.len())
    }

    /// The label noise of a cell whose standard deviation followed from a `lambda`.
    pub fn label_noise(&self, cell: usize) -> &[StdOfLambda] {
        self.manifest.cells.get(cell).map_or(&[], |record| &record.label_noise)
    }

    /// What the prediction of a cell covers; `None` where it was simulated.
    pub fn predicted(&self, cell: usize) -> Option<&Predicted> {
        self.manifest.cells.get(cell)?.predicted.as_ref()
    }

    /// Whether a cell has values of a quantity: all simulated cells do.
    pub fn has(&self, cell: usize, quantity: &str) -> bool {
        let missing = |predicted: &Predicted| predicted.not_predicted.iter().any(|name| name == quantity);
        !self.predicted(cell).is_some_and(missing)
    }

    /// Whether a cell's models are linear predictors, so that their coefficients are in `final.npz`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn has_coefficients(&self, cell: usize) -> Result<bool, StorageError> {
        Ok(ArrayReader::open(&self.folder.join("final.npz"))?.has(&format!("beta_{cell}")))
    }

    /// A matrix of `final.npz` (replicas x entries), as its rows.
    ///
    /// # Errors
    /// The array is not there.
    pub fn final_rows(&self, name: &str) -> Result<Vec<Vec<f64>>, StorageError> {
        let (_, columns, values) = ArrayReader::open(&self.folder.join("final.npz"))?.read_matrix(name)?;
        Ok(values.chunks_exact(columns).map(<[f64]>::to_vec).collect())
    }

    /// A vector of `final.npz` that all cells share or that cell `cell` has of its own; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn data_vector(&self, name: &str, cell: usize) -> Result<Option<Vec<f64>>, StorageError> {
        let mut arrays = ArrayReader::open(&self.folder.join("final.npz"))?;
        data_name(&arrays, name, cell).map(|name| arrays.read_vector(&name)).transpose()
    }

    /// A matrix of `final.npz` that all cells share or that cell `cell` has of its own, as its rows; none if there is
    /// no such matrix.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn data_rows(&self, name: &str, cell: usize) -> Result<Vec<Vec<f64>>, StorageError> {
        let mut arrays = ArrayReader::open(&self.folder.join("final.npz"))?;
        let Some(name) = data_name(&arrays, name, cell) else { return Ok(Vec::new()) };
        let (_, columns, values) = arrays.read_matrix(&name)?;
        Ok(values.chunks_exact(columns).map(<[f64]>::to_vec).collect())
    }
}

/// The name under which a cell finds shared data, or its own.
fn data_name(arrays: &ArrayReader, name: &str, cell: usize) -> Option<String> {
    [name.to_owned(), format!("{name}_{cell}")].into_iter().find(|name| arrays.has(name))
}

fn cell_rows(cells: &[i64], steps: &[i64]) -> Vec<CellRows> {
    let mut found: Vec<CellRows> = Vec::new();
    let mut from = 0;
    for rows in cells.chunk_by(|a, b| a == b) {
        let to = from + rows.len();
        // Step 0 is always recorded, so that every replica's rows begin with it.
        let replicas = steps[from..to].iter().filter(|step| **step == 0).count();
        found.push(CellRows { rows: from..to, replicas });
        from = to;
    }
    found
}
