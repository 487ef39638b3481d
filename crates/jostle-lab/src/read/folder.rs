//! A finished run, read back from its folder: what figures and claims are made from.

use crate::LabError;
use crate::experiment::{Experiment, Overrides};
use crate::plan::build;
use crate::record::{Active, CellRecord, LassoRecord, Manifest, Predicted, Status, StdOfLambda};
use jostle::ensemble::Ensemble;
use jostle_files::{ArrayReader, StorageError, Table, read_parquet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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
    /// What [`Run::rebuilt_cells`] has made.
    rebuilt: OnceLock<Vec<Ensemble>>,
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
        let [cells, replicas, steps] = ["cell", "replica", "step"].map(|name| metrics.integers(name));
        let cells = cell_rows(cells?, replicas?, steps?).and_then(|cells| check_cells(cells, &manifest));
        let cells = cells.map_err(|what| not_a_run(format!("metrics.parquet {what}")))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            manifest,
            experiment,
            metrics,
            cells,
            rebuilt: OnceLock::new(),
        })
    }

    /// Number of (finished) cells.
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Number of replicas of a cell.
    pub fn replicas(&self, cell: usize) -> usize {
        self.cells.get(cell).map_or(0, |rows| rows.replicas)
    }

    /// Where the rows of a cell stand.
    fn rows(&self, cell: usize) -> Result<&CellRows, StorageError> {
        let missing = || StorageError::NoCell { cell, cells: self.cells.len() };
        self.cells.get(cell).ok_or_else(|| missing().in_file(&self.folder.join("metrics.parquet")))
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
        let CellRows { rows, replicas } = self.rows(cell)?;
        let steps = &self.metrics.integers("step")?[rows.clone()];
        Ok(steps[..steps.len() / replicas].iter().map(|step| *step as u64).collect())
    }

    /// The values of a quantity in a cell: one list over the recorded steps for every replica.
    ///
    /// # Errors
    /// The quantity was not recorded.
    pub fn paths(&self, cell: usize, quantity: &str) -> Result<Vec<Vec<f64>>, StorageError> {
        let CellRows { rows, replicas } = self.rows(cell)?;
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

    /// The cells of the run, built again from its settings when they are first asked for.
    ///
    /// # Errors
    /// The settings or the data cannot be read any more.
    pub fn rebuilt_cells(&self) -> Result<&[Ensemble], LabError> {
        if let Some(cells) = self.rebuilt.get() {
            return Ok(cells);
        }
        let origin = self.folder.join("experiment.toml").display().to_string();
        let overrides = Overrides::default();
        let experiment = Experiment::from_text(&self.experiment, &origin, &self.folder, &overrides)?;
        let cells = build(experiment)?.cells;
        Ok(self.rebuilt.get_or_init(|| cells))
    }

    /// How many replicas of a cell diverged.
    pub fn diverged(&self, cell: usize) -> usize {
        self.manifest.cells.get(cell).map_or(0, |record| record.diverged.len())
    }

    /// The predicted Lasso of a cell; none in folders of older versions.
    pub fn predicted_lasso(&self, cell: usize) -> Option<&LassoRecord> {
        self.manifest.cells.get(cell)?.predicted_lasso.as_ref()
    }

    /// From which size on a coefficient of a cell counts as active.
    pub fn active(&self, cell: usize) -> Option<&Active> {
        self.manifest.cells.get(cell)?.active.as_ref()
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
        Ok(rows_of(ArrayReader::open(&self.folder.join("final.npz"))?.read_matrix(name)?))
    }

    /// A vector of `final.npz`, if it is there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn final_vector(&self, name: &str) -> Result<Option<Vec<f64>>, StorageError> {
        let mut arrays = ArrayReader::open(&self.folder.join("final.npz"))?;
        if arrays.has(name) { arrays.read_vector(name).map(Some) } else { Ok(None) }
    }

    /// The names of the features of a cell's data, if they have any.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn feature_names(&self, cell: usize) -> Result<Option<Vec<String>>, StorageError> {
        let mut arrays = ArrayReader::open(&self.folder.join("final.npz"))?;
        data_name(&arrays, "feature_names", cell).map(|name| arrays.read_texts(&name)).transpose()
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
        Ok(rows_of(arrays.read_matrix(&name)?))
    }
}

/// The name under which a cell finds shared data, or its own.
fn data_name(arrays: &ArrayReader, name: &str, cell: usize) -> Option<String> {
    [name.to_owned(), format!("{name}_{cell}")].into_iter().find(|name| arrays.has(name))
}

/// The rows of a matrix, which may have no columns.
fn rows_of((rows, columns, values): (usize, usize, Vec<f64>)) -> Vec<Vec<f64>> {
    (0..rows).map(|row| values[row * columns..(row + 1) * columns].to_vec()).collect()
}

/// Where the cells stand in the table. Its rows are cell after cell, replica after replica and step after step, from step
/// 0 on, with the same steps for all replicas of a cell; else what is wrong.
fn cell_rows(cells: &[i64], replicas: &[i64], steps: &[i64]) -> Result<Vec<CellRows>, String> {
    let mut found: Vec<CellRows> = Vec::new();
    let mut from = 0;
    for rows in cells.chunk_by(|a, b| a == b) {
        let (k, range) = (found.len(), from..from + rows.len());
        if rows[0] != k as i64 {
            return Err(format!("has rows of cell {} where cell {k} should begin (row {from})", rows[0]));
        }
        let (replicas, steps) = (&replicas[range.clone()], &steps[range.clone()]);
        // Step 0 is always recorded, so that every replica's rows begin with it.
        let length = steps.iter().skip(1).position(|step| *step == 0).map_or(steps.len(), |at| at + 1);
        let first = &steps[..length];
        let is_in_order = first[0] == 0 && first.windows(2).all(|pair| pair[0] < pair[1]);
        let ids = replicas.chunks(length).map(|ids| (ids[0], ids.iter().all(|id| *id == ids[0])));
        let are_apart =
            ids.clone().all(|(_, same)| same) && ids.clone().zip(ids.skip(1)).all(|(a, b)| a.0 < b.0);
        if !is_in_order || !are_apart || steps.chunks(length).any(|of_replica| of_replica != first) {
            return Err(format!("does not have the same steps, from 0 on, for every replica of cell {k}"));
        }
        found.push(CellRows { replicas: rows.len() / length, rows: range.clone() });
        from = range.end;
    }
    Ok(found)
}

/// Compares the cells of the table with those of the manifest.
fn check_cells(cells: Vec<CellRows>, manifest: &Manifest) -> Result<Vec<CellRows>, String> {
    let expected = manifest.cells.len();
    if cells.len() != expected {
        return Err(format!("has {} cells, but manifest.json lists {expected}", cells.len()));
    }
    if manifest.status == Status::Done && expected != manifest.cells_in_total {
        return Err(format!(
            "has {expected} cells of {}, but manifest.json says done",
            manifest.cells_in_total
        ));
    }
    let differs = |(rows, record): &(&CellRows, &CellRecord)| rows.replicas != record.replicas as usize;
    match cells.iter().zip(&manifest.cells).enumerate().find(|(_, pair)| differs(pair)) {
        Some((k, (rows, record))) => Err(format!(
            "has {} replicas of cell {k}, but manifest.json lists {}",
            rows.replicas, record.replicas
        )),
        None => Ok(cells),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[(i64, i64, i64)]) -> Result<Vec<(usize, Range<usize>)>, String> {
        let column = |of: fn(&(i64, i64, i64)) -> i64| rows.iter().map(of).collect::<Vec<_>>();
        let cells = cell_rows(&column(|row| row.0), &column(|row| row.1), &column(|row| row.2))?;
        Ok(cells.into_iter().map(|cell| (cell.replicas, cell.rows)).collect())
    }

    #[test]
    fn rows_are_cell_after_cell_and_replica_after_replica() {
        let rows = [(0, 0, 0), (0, 0, 5), (0, 1, 0), (0, 1, 5), (1, 0, 0), (1, 0, 7), (1, 0, 9)];
        assert_eq!(read(&rows).unwrap(), [(2, 0..4), (1, 4..7)]);
        assert!(read(&[]).unwrap().is_empty());
    }

    #[test]
    fn rows_in_another_order_are_told() {
        let steps = "does not have the same steps, from 0 on, for every replica of cell 0";
        for rows in [
            &[(0, 0, 5), (0, 0, 0)][..],
            &[(0, 0, 5), (0, 0, 6)],
            &[(0, 0, 0), (0, 0, 5), (0, 1, 0)],
            &[(0, 0, 0), (0, 0, 5), (0, 1, 0), (0, 1, 6)],
            &[(0, 0, 0), (0, 1, 5)],
            &[(0, 0, 0), (0, 0, 5), (0, 0, 0), (0, 0, 5)],
            &[(0, 0, 0), (0, 0, 5), (0, 0, 5)],
        ] {
            assert_eq!(read(rows).unwrap_err(), steps, "{rows:?}");
        }
        let said = read(&[(0, 0, 0), (2, 0, 0)]).unwrap_err();
        assert_eq!(said, "has rows of cell 2 where cell 1 should begin (row 1)");
    }
}
