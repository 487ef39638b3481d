//! The arrays of `final.npz`: where replicas end, what theory predicts, and the data.

use super::prediction::PredictedCell;
use super::sink::Job;
use crate::experiment::CheckedCell;
use crate::record::Predicted;
use jostle::ensemble::{Ensemble, Replica, UnitResult};
use jostle::model::Scaling;
use jostle::process::Source;
use jostle::theory::PredictedLasso;
use jostle_files::{ArrayWriter, StorageError};
use std::sync::Arc;

/// What takes named arrays.
pub(super) trait Arrays {
    /// A list of numbers.
    fn vector(&mut self, name: &str, values: &[f64]) -> Result<(), StorageError>;
    /// A matrix, row by row.
    fn matrix(&mut self, name: &str, rows: usize, columns: usize, values: &[f64])
    -> Result<(), StorageError>;
    /// A list of whole numbers.
    fn integers(&mut self, name: &str, values: &[i64]) -> Result<(), StorageError>;
    /// A list of texts.
    fn texts(&mut self, name: &str, values: &[String]) -> Result<(), StorageError>;
}

impl Arrays for ArrayWriter {
    fn vector(&mut self, name: &str, values: &[f64]) -> Result<(), StorageError> {
        ArrayWriter::vector(self, name, values)
    }

    fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
        values: &[f64],
    ) -> Result<(), StorageError> {
        ArrayWriter::matrix(self, name, rows, columns, values)
    }

    fn integers(&mut self, name: &str, values: &[i64]) -> Result<(), StorageError> {
        ArrayWriter::integers(self, name, values)
    }

    fn texts(&mut self, name: &str, values: &[String]) -> Result<(), StorageError> {
        ArrayWriter::texts(self, name, values)
    }
}

/// Says which arrays the cells of a run have: data that all of them share are written once.
pub(super) struct Finals {
    data_are_shared: bool,
    written: bool,
}

/// A cell that is whole, and what theory says of it.
pub(super) struct Whole<'a> {
    pub(super) cell: &'a Ensemble,
    pub(super) checked: &'a CheckedCell,
    pub(super) result: &'a UnitResult,
    prediction: Option<&'a PredictedCell>,
    lasso: Option<&'a PredictedLasso>,
}

impl<'a> Whole<'a> {
    /// Ensemble number `k`, with its results.
    pub(super) fn new(job: Job<'a>, k: usize, result: &'a UnitResult) -> Self {
        Self {
            cell: &job.plan.cells()[k],
            checked: &job.plan.experiment().cells[k],
            result,
            prediction: job.predictions.of(k),
            lasso: job.lassos[k].as_ref().ok(),
        }
    }

    /// What its prediction covers; none where it was simulated.
    pub(super) fn predicted(&self) -> Option<Predicted> {
        self.prediction.map(PredictedCell::record)
    }
}

impl Finals {
    /// For the cells of a run.
    pub(super) fn new(cells: &[Ensemble]) -> Self {
        let data_are_shared =
            cells.windows(2).all(|pair| same_data(&pair[0].process().source, &pair[1].process().source));
        Self { data_are_shared, written: false }
    }

    /// The arrays of cell number `k`.
    pub(super) fn append(
        &mut self,
        arrays: &mut dyn Arrays,
        k: usize,
        whole: &Whole<'_>,
    ) -> Result<(), StorageError> {
        let (cell, replicas) = (whole.cell, &whole.result.replicas);
        let (params, dim) = (cell.process().num_params(), cell.process().num_coefficients());
        matrix(arrays, &format!("theta_{k}"), params, replicas, |r| &r.theta)?;
        if cell.process().model.link().is_some_and(|link| link.scaling() != Scaling::Fixed)
            && !cell.process().start.linearise
        {
            matrix(arrays, &format!("log_abs_theta_{k}"), params, replicas, |r| &r.log_abs_theta)?;
        }
        if dim > 0 {
            matrix(arrays, &format!("beta_{k}"), dim, replicas, |r| &r.beta)?;
        }
        if let Some(prediction) = whole.prediction {
            let deviations = prediction.deviations();
            let all = deviations.concat();
            arrays.matrix(&format!("beta_deviation_{k}"), deviations.len(), dim, &all)?;
        }
        if replicas.iter().all(|r| r.average.is_some()) {
            matrix(arrays, &format!("beta_mean_{k}"), dim, replicas, |r| {
                r.average.as_deref().unwrap_or(&r.beta)
            })?;
        }
        intercepts(arrays, k, cell, replicas)?;
        if let Some(lasso) = whole.lasso {
            arrays.vector(&format!("lasso_lambda_{k}"), &lasso.lambda)?;
            arrays.vector(&format!("lasso_beta_{k}"), &lasso.lasso.beta)?;
        }
        // Data that are in files are not copied.
        self.data(arrays, k, cell, matches!(whole.checked.problem.kind, "file" | "images"))
    }

    /// The data: `X`, `y`, `truth`, `X_test` and `y_test` when all cells share them, otherwise with the cell's number.
    /// With a data set a replica, their rows follow one another. Data that came from files are not copied, but for the
    /// truth; the names of features and what was done to them are kept.
    fn data(
        &mut self,
        arrays: &mut dyn Arrays,
        k: usize,
        cell: &Ensemble,
        from_file: bool,
    ) -> Result<(), StorageError> {
        if self.data_are_shared && self.written {
            return Ok(());
        }
        self.written = true;
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
            arrays.matrix(&name("X"), train.1.len(), dim, &train.0)?;
            arrays.vector(&name("y"), &train.1)?;
            if !test.1.is_empty() {
                arrays.matrix(&name("X_test"), test.1.len(), dim, &test.0)?;
                arrays.vector(&name("y_test"), &test.1)?;
            }
        }
        let problem = cell.process().source.problem(0);
        if let Some(names) = problem.feature_names() {
            arrays.texts(&name("feature_names"), names)?;
        }
        if let Some(scaling) = problem.scaling() {
            arrays.vector(&name("feature_means"), &scaling.feature_means)?;
            arrays.vector(&name("feature_scales"), &scaling.feature_scales)?;
            arrays.vector(&name("label_means"), &scaling.label_means)?;
        }
        if !problem.test_rows().is_empty() {
            let rows: Vec<i64> = problem.test_rows().iter().map(|row| *row as i64).collect();
            arrays.integers(&name("test_rows"), &rows)?;
        }
        match problem.truth() {
            Some(truth) => arrays.vector(&name("truth"), truth),
            None => Ok(()),
        }
    }
}

/// Of linear predictors whose features or labels were moved: the coefficients and the intercept for features and
/// labels as they were in the file.
fn intercepts(
    arrays: &mut dyn Arrays,
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
        let original: Vec<f64> = betas.iter().flat_map(|beta| scaling.original_coefficients(beta)).collect();
        let intercepts: Vec<f64> = betas.iter().map(|beta| scaling.intercept(beta)).collect();
        let name_of = |what: &str| format!("{what}_{name}{k}");
        arrays.matrix(&name_of("beta_original"), betas.len(), problem.dim(), &original)?;
        arrays.vector(&name_of("intercept"), &intercepts)?;
    }
    Ok(())
}

fn matrix(
    arrays: &mut dyn Arrays,
    name: &str,
    columns: usize,
    replicas: &[Replica],
    values: impl Fn(&Replica) -> &[f64],
) -> Result<(), StorageError> {
    let all: Vec<f64> = replicas.iter().flat_map(|r| values(r).iter().copied()).collect();
    arrays.matrix(name, replicas.len(), columns, &all)
}

fn same_data(a: &Source, b: &Source) -> bool {
    match (a, b) {
        (Source::Shared(a), Source::Shared(b)) => Arc::ptr_eq(a, b),
        (Source::PerReplica(a), Source::PerReplica(b)) => a == b,
        _ => false,
    }
}
