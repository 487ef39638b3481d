//! A point: from an npz file with its Jacobian or its kernel, and its residuals; or from parameters of an experiment's model.

use super::format::{Expected, check_format};
use super::watch::Watching;
use crate::experiment::Experiment;
use crate::plan::build;
use crate::{LabError, Progress, Unit};
use jostle::geometry::{DenseKernel, GeometryError, Jacobian, KernelSource, layers_of_model};
use jostle::model::Loss;
use jostle_files::{ArrayReader, Checkpoint, StorageError, read_checkpoint};
use std::path::Path;

/// A point: its kernel, and its residuals.
pub(super) struct Point {
    pub(super) source: Box<dyn KernelSource>,
    /// Residuals (nc).
    pub(super) residuals: Vec<f64>,
    /// The loss, where it is not the square loss of these residuals.
    pub(super) other_loss: Option<f64>,
    /// What is to be said of how it was read and made, a sentence each.
    pub(super) notes: Vec<String>,
}

const SOURCES: &[&str] = &["jacobian", "kernel"];

/// Reads `residuals` (n, or n x c) and `jacobian` (n x p, or nc x p, or n x c x p) or `kernel` (nc x nc).
///
/// # Errors
/// The file cannot be read, an array is missing, or shapes and values do not fit.
pub(super) fn read(path: &Path) -> Result<Point, LabError> {
    check_format(path, Expected::Arrays)?;
    let mut file = ArrayReader::open(path)?;
    let name = match SOURCES.iter().filter(|name| file.has(name)).collect::<Vec<_>>()[..] {
        [name] => *name,
        [] => {
            let problem = StorageError::MissingEither { names: SOURCES, present: file.names().to_vec() };
            return Err(problem.in_file(path).into());
        }
        _ => return Err(StorageError::OneTooMany { names: SOURCES }.in_file(path).into()),
    };
    let residuals = file.read("residuals")?;
    let (samples, outputs) = match residuals.shape[..] {
        [samples] => (samples, 1),
        [samples, outputs] => (samples, outputs),
        _ => return Err(wrong(path, "residuals", &residuals.shape, "n, or n x c for c outputs a sample")),
    };
    // From the header: arrays that do not fit are refused before they are read.
    let shape = file.shape(name)?;
    let rows = samples * outputs;
    let of = |rows: String| format!("{rows} for residuals of shape {}", shown(&residuals.shape));
    match (name, &shape[..]) {
        ("kernel", [a, b]) if *a == rows && *b == rows => {}
        ("kernel", _) => return Err(wrong(path, name, &shape, &of(format!("{rows} x {rows}")))),
        (_, [a, _]) if *a == rows => {}
        (_, [a, b, _]) if *a == samples && *b == outputs => {}
        _ => {
            let rows = if outputs == 1 {
                format!("{rows} x p")
            } else {
                format!("{samples} x {outputs} x p or {rows} x p")
            };
            return Err(wrong(path, name, &shape, &of(rows)));
        }
    }
    let values = file.read(name)?.values;
    let point = |source| LabError::Point { file: path.to_path_buf(), source };
    let source: Box<dyn KernelSource> = match name {
        "kernel" => Box::new(DenseKernel::new(values, outputs).map_err(point)?),
        _ => Box::new(Jacobian::new(values, shape[shape.len() - 1], outputs).map_err(point)?),
    };
    Ok(Point { source, residuals: residuals.values, other_loss: None, notes: Vec::new() })
}

/// The point at which the model of an experiment has the parameters of a file: a checkpoint, or an array `theta_0` of an npz
/// file, its first row. The experiment has one cell.
///
/// # Errors
/// An experiment of several cells, files that cannot be read or do not fit the model.
pub(super) fn read_parameters(
    path: &Path,
    experiment: Experiment,
    progress: &dyn Progress,
) -> Result<Point, LabError> {
    if experiment.cells.len() != 1 {
        return Err(LabError::SeveralCells { cells: experiment.cells.len() });
    }
    check_format(path, Expected::Parameters)?;
    let built = build(experiment)?;
    let cell = &built.cells[0];
    let problem = cell.process().source.problem(0);
    let params = cell.process().model.model(problem.dim()).num_params();
    let mut notes = Vec::new();
    let theta = if path.extension().is_some_and(|extension| extension == "safetensors") {
        let Checkpoint { theta, note } = read_checkpoint(path, &cell.process().model.tensors())?;
        notes.extend(note);
        theta
    } else {
        ArrayReader::open(path)?.read("theta_0")?.values
    };
    if theta.len() < params || !theta.len().is_multiple_of(params) {
        let found = format!("theta_0 has {} numbers", theta.len());
        let expected = format!("the model has {params} parameters");
        return Err(StorageError::Lengths { found, expected }.in_file(path).into());
    }
    let loss = (cell.process().model.loss, cell.process().model.loss_factor);
    let model = cell.process().model.model(problem.dim());
    let cost = model.kernel_cost(problem.samples());
    if !cost.layers.is_empty() {
        notes.push(
            "The kernel of the network is made by products in float32, added in float64: about eight digits are right."
                .to_owned(),
        );
    }
    let other_loss = (cell.process().model.loss == Loss::CrossEntropy).then(|| {
        let predictions = model.predict(&theta[..params], problem.x());
        cell.process().model.loss.mean(
            cell.process().model.loss_factor,
            &predictions,
            problem.y(),
            problem.outputs(),
        )
    });
    progress.begins("kernel", cost.multiply_adds, Unit::MultiplyAdds);
    let point = layers_of_model(&*model, loss, &theta[..params], &problem, &Watching(progress));
    progress.ends();
    let (source, residuals) = point.map_err(|source| LabError::Point { file: path.to_path_buf(), source })?;
    Ok(Point { source, residuals, other_loss, notes })
}

fn wrong(path: &Path, array: &str, found: &[usize], expected: &str) -> LabError {
    let found = format!("{array} has shape {}", shown(found));
    StorageError::Lengths { found, expected: format!("it has to be {expected}") }.in_file(path).into()
}

fn shown(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

/// Says which file an unusable kernel is in; a batch or a learning rate was not the file's.
pub(super) fn placed(error: GeometryError, path: &Path) -> LabError {
    match error {
        GeometryError::Batch { .. } | GeometryError::LearningRate { .. } => error.into(),
        source => LabError::Point { file: path.to_path_buf(), source },
    }
}
