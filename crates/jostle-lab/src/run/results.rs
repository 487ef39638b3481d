//! `metrics.parquet` and `final.npz`, written cell by cell.

use super::checkpoints::Checkpoints;
use crate::experiment::{CheckedCell, GridValue};
use jostle::ensemble::{Ensemble, Replica, UnitResult};
use jostle::model::Scaling;
use jostle::process::Source;
use jostle::theory::PredictedLasso;
use jostle_files::{
    ArrayWriter, AtomicFile, Column, ColumnData, ColumnType, Schema, StorageError, Table, TableWriter,
};
use std::path::Path;
use std::sync::Arc;

/// The result files of a run in the making; they appear in the folder when they are complete and published.
pub(super) struct ResultFiles {
    table: TableWriter,
    arrays: ArrayWriter,
    checkpoints: Checkpoints,
    quantities: Vec<&'static str>,
    key_types: Vec<ColumnType>,
    /// The data that were written last, and under which names.
    data: Option<Source>,
    data_are_shared: bool,
}

impl ResultFiles {
    /// Files for the results of `cells`, which were made from the settings `checked`.
    pub(super) fn create(
        folder: &Path,
        cells: &[Ensemble],
        checked: &[CheckedCell],
    ) -> Result<Self, StorageError> {
        let mut quantities = Vec::new();
        for quantity in cells.iter().flat_map(|cell| &cell.protocol().quantities) {
            if !quantities.contains(&quantity.name) {
                quantities.push(quantity.name);
            }
        }
        let names: Vec<String> =
            checked.first().into_iter().flat_map(|cell| &cell.keys).map(|(name, _)| name.clone()).collect();
        let key_types: Vec<ColumnType> =
            (0..names.len()).map(|k| common_type(checked.iter().map(|cell| &cell.keys[k].1))).collect();
        let mut columns = vec![("cell".to_owned(), ColumnType::Integer)];
        columns.extend(names.into_iter().zip(key_types.iter().copied()));
        columns.push(("replica".to_owned(), ColumnType::Integer));
        columns.push(("step".to_owned(), ColumnType::Integer));
        columns.extend(quantities.iter().map(|name| ((*name).to_owned(), ColumnType::Number)));
        let data_are_shared =
            cells.windows(2).all(|pair| same_data(&pair[0].process().source, &pair[1].process().source));
        Ok(Self {
            table: TableWriter::with_metadata(
                &folder.join("metrics.parquet"),
                Schema::new(columns)?,
                &predicted(checked),
            )?,
            arrays: ArrayWriter::create(&folder.join("final.npz"))?,
            checkpoints: Checkpoints::new(folder),
            quantities,
            key_types,
            data: None,
            data_are_shared,
        })
    }

    /// Appends the results of cell number `k`, and its predicted Lasso; those of a prediction come with the deviations of the
    /// coefficients.
    pub(super) fn append(
        &mut self,
        k: usize,
        cell: &Ensemble,
        checked: &CheckedCell,
        result: &UnitResult,
        deviations: &[&[f64]],
        lasso: Option<&PredictedLasso>,
    ) -> Result<(), StorageError> {
        self.append_rows(k, cell, &checked.keys, result)?;
        let replicas = &result.replicas;
        let (params, dim) = (cell.process().num_params(), cell.process().num_coefficients());
        self.matrix(&format!("theta_{k}"), params, replicas, |r| &r.theta)?;
        if cell.process().model.link().is_some_and(|link| link.scaling() != Scaling::Fixed)
            && !cell.process().start.linearise
        {
            self.matrix(&format!("log_abs_theta_{k}"), params, replicas, |r| &r.log_abs_theta)?;
        }
        if dim > 0 {
            self.matrix(&format!("beta_{k}"), dim, replicas, |r| &r.beta)?;
        }
        if !deviations.is_empty() {
            self.arrays.matrix(
                &format!("beta_deviation_{k}"),
                deviations.len(),
                dim,
                &deviations.concat(),
            )?;
        }
        if replicas.iter().all(|r| r.average.is_some()) {
            self.matrix(&format!("beta_mean_{k}"), dim, replicas, |r| {
                r.average.as_deref().unwrap_or(&r.beta)
            })?;
        }
        self.append_intercepts(k, cell, replicas)?;
        if let Some(lasso) = lasso {
            self.arrays.vector(&format!("lasso_lambda_{k}"), &lasso.lambda)?;
            self.arrays.vector(&format!("lasso_beta_{k}"), &lasso.lasso.beta)?;
        }
        self.checkpoints.append(k, cell, replicas)?;
        self.append_data(k, cell, matches!(checked.problem.kind, "file" | "images"))
    }

    /// Brings everything to the disk; the files then only need their names.
    pub(super) fn complete(self) -> Result<CompleteFiles, StorageError> {
        let (table, arrays) = (self.table.complete()?, self.arrays.complete()?);
        Ok(CompleteFiles { table, arrays, checkpoints: self.checkpoints })
    }

    /// Of linear predictors whose features or labels were moved: the coefficients and the intercept for features and
    /// labels as they were in the file.
    fn append_intercepts(
        &mut self,
        k: usize,
        cell: &Ensemble,
        replicas: &[Replica],
    ) -> Result<(), StorageError> {
        let Source::Shared(problem) = &cell.process().source else { return Ok(()) };
        let Some(scaling) = problem.scaling() else { return Ok(()) };
        if cell.process().num_coefficients() != problem.dim()
            || cell.process().start.linearise
            || problem.outputs() > 1
        {
            return Ok(());
        }
        let averages: Option<Vec<&[f64]>> = replicas.iter().map(|r| r.average.as_deref()).collect();
        let finals = replicas.iter().map(|r| &r.beta[..]).collect();
        for (name, betas) in [("", Some(finals)), ("mean_", averages)] {
            let Some(betas): Option<Vec<&[f64]>> = betas else { continue };
            let original: Vec<f64> =
                betas.iter().flat_map(|beta| scaling.original_coefficients(beta)).collect();
            let intercepts: Vec<f64> = betas.iter().map(|beta| scaling.intercept(beta)).collect();
            let name_of = |what: &str| format!("{what}_{name}{k}");
            self.arrays.matrix(&name_of("beta_original"), betas.len(), problem.dim(), &original)?;
            self.arrays.vector(&name_of("intercept"), &intercepts)?;
        }
        Ok(())
    }

    fn append_rows(
        &mut self,
        k: usize,
        cell: &Ensemble,
        keys: &[(String, GridValue)],
        result: &UnitResult,
    ) -> Result<(), StorageError> {
        let steps = cell.protocol().recording.steps(cell.process().dynamics.steps());
        let rows = steps.len() * result.replicas.len();
        let mut columns = vec![Column::new("cell", ColumnData::Integer(vec![k as i64; rows]))];
        for ((name, value), kind) in keys.iter().zip(&self.key_types) {
            columns.push(Column::new(name.clone(), repeated(value, *kind, rows)));
        }
        let replicas =
            result.replicas.iter().flat_map(|r| std::iter::repeat_n(i64::from(r.replica), steps.len()));
        columns.push(Column::new("replica", ColumnData::Integer(replicas.collect())));
        let all_steps = result.replicas.iter().flat_map(|_| steps.iter().map(|step| *step as i64));
        columns.push(Column::new("step", ColumnData::Integer(all_steps.collect())));
        for name in &self.quantities {
            let count = cell.protocol().quantities.len();
            let values = match cell.protocol().quantities.iter().position(|quantity| quantity.name == *name) {
                Some(at) => result
                    .replicas
                    .iter()
                    .flat_map(|r| r.rows.iter().skip(at).step_by(count).copied())
                    .collect(),
                None => vec![f64::NAN; rows],
            };
            columns.push(Column::new(*name, ColumnData::Number(values)));
        }
        self.table.append(&Table::new(columns)?)
    }

    fn matrix(
        &mut self,
        name: &str,
        columns: usize,
        replicas: &[Replica],
        values: impl Fn(&Replica) -> &[f64],
    ) -> Result<(), StorageError> {
        let all: Vec<f64> = replicas.iter().flat_map(|r| values(r).iter().copied()).collect();
        self.arrays.matrix(name, replicas.len(), columns, &all)
    }

    /// The data: `X`, `y`, `truth`, `X_test` and `y_test` when all cells share them, otherwise with the cell's number.
    /// With a data set a replica, their rows follow one another. Data that came from files are not copied, but for the
    /// truth; the names of features and what was done to them are kept.
    fn append_data(&mut self, k: usize, cell: &Ensemble, from_file: bool) -> Result<(), StorageError> {
        if self.data_are_shared && self.data.is_some() {
            return Ok(());
        }
        self.data = Some(cell.process().source.clone());
        let name = |array: &str| if self.data_are_shared { array.to_owned() } else { format!("{array}_{k}") };
        if !from_file {
            let data_sets = match cell.process().source {
                Source::PerReplica(_) => cell.protocol().replicas,
                Source::Shared(_) => 1,
            };
            let mut train = (Vec::new(), Vec::new());
            let mut test = (Vec::new(), Vec::new());
            for replica in 0..data_sets {
                let problem = cell.process().source.problem(replica);
                train.0.extend_from_slice(problem.x());
                train.1.extend_from_slice(problem.y());
                if let Some(samples) = problem.test() {
                    test.0.extend_from_slice(samples.x());
                    test.1.extend_from_slice(samples.y());
                }
            }
            let dim = cell.process().source.dim();
            self.arrays.matrix(&name("X"), train.1.len(), dim, &train.0)?;
            self.arrays.vector(&name("y"), &train.1)?;
            if !test.1.is_empty() {
                self.arrays.matrix(&name("X_test"), test.1.len(), dim, &test.0)?;
                self.arrays.vector(&name("y_test"), &test.1)?;
            }
        }
        let problem = cell.process().source.problem(0);
        if let Some(names) = problem.feature_names() {
            self.arrays.texts(&name("feature_names"), names)?;
        }
        if let Some(scaling) = problem.scaling() {
            self.arrays.vector(&name("feature_means"), &scaling.feature_means)?;
            self.arrays.vector(&name("feature_scales"), &scaling.feature_scales)?;
            self.arrays.vector(&name("label_means"), &scaling.label_means)?;
        }
        if !problem.test_rows().is_empty() {
            let rows: Vec<i64> = problem.test_rows().iter().map(|row| *row as i64).collect();
            self.arrays.integers(&name("test_rows"), &rows)?;
        }
        match problem.truth() {
            Some(truth) => self.arrays.vector(&name("truth"), truth),
            None => Ok(()),
        }
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

fn same_data(a: &Source, b: &Source) -> bool {
    match (a, b) {
        (Source::Shared(a), Source::Shared(b)) => Arc::ptr_eq(a, b),
        (Source::PerReplica(a), Source::PerReplica(b)) => a == b,
        _ => false,
    }
}

/// The column type that holds every value of a grid key.
fn common_type<'a>(values: impl Iterator<Item = &'a GridValue>) -> ColumnType {
    values.fold(ColumnType::Integer, |common, value| match (common, value) {
        (ColumnType::Text, _) | (_, GridValue::Text(_)) => ColumnType::Text,
        (ColumnType::Number, _) | (_, GridValue::Number(_)) => ColumnType::Number,
        _ => ColumnType::Integer,
    })
}

fn repeated(value: &GridValue, kind: ColumnType, rows: usize) -> ColumnData {
    match (kind, value) {
        (ColumnType::Integer, GridValue::Integer(v)) => ColumnData::Integer(vec![*v; rows]),
        (ColumnType::Number, GridValue::Integer(v)) => ColumnData::Number(vec![*v as f64; rows]),
        (ColumnType::Number, GridValue::Number(v)) => ColumnData::Number(vec![*v; rows]),
        (_, GridValue::Text(v)) => ColumnData::Text(vec![v.clone(); rows]),
        (_, GridValue::Integer(v)) => ColumnData::Text(vec![v.to_string(); rows]),
        (_, GridValue::Number(v)) => ColumnData::Text(vec![format!("{v:?}"); rows]),
    }
}
