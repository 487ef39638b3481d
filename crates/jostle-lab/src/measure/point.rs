//! A point from an npz file: its Jacobian or its kernel, and its residuals.

use crate::run::LabError;
use crate::storage::{ArrayReader, StorageError};
use jostle::geometry::{DenseKernel, GeometryError, Jacobian, KernelSource};
use std::ops::Range;
use std::path::Path;

/// A point that was given as arrays.
pub(super) struct Point {
    pub(super) source: Arrays,
    /// Residuals (nc).
    pub(super) residuals: Vec<f64>,
}

/// One of the two arrays that a kernel may come from.
pub(super) enum Arrays {
    Kernel(DenseKernel),
    Jacobian(Jacobian),
}

const SOURCES: &[&str] = &["jacobian", "kernel"];

/// Reads `residuals` (n, or n x c) and `jacobian` (n x p, or nc x p, or n x c x p) or `kernel` (nc x nc).
///
/// # Errors
/// The file cannot be read, an array is missing, or shapes and values do not fit.
pub(super) fn read(path: &Path) -> Result<Point, LabError> {
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
    let source = match name {
        "kernel" => Arrays::Kernel(DenseKernel::new(values, outputs).map_err(point)?),
        _ => Arrays::Jacobian(Jacobian::new(values, shape[shape.len() - 1], outputs).map_err(point)?),
    };
    Ok(Point { source, residuals: residuals.values })
}

fn wrong(path: &Path, array: &str, found: &[usize], expected: &str) -> LabError {
    let found = format!("{array} has shape {}", shown(found));
    StorageError::Lengths { found, expected: format!("it has to be {expected}") }.in_file(path).into()
}

fn shown(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

impl KernelSource for Arrays {
    fn samples(&self) -> usize {
        match self {
            Self::Kernel(kernel) => kernel.samples(),
            Self::Jacobian(jacobian) => jacobian.samples(),
        }
    }

    fn outputs(&self) -> usize {
        match self {
            Self::Kernel(kernel) => kernel.outputs(),
            Self::Jacobian(jacobian) => jacobian.outputs(),
        }
    }

    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        match self {
            Self::Kernel(kernel) => kernel.block(rows, columns, out),
            Self::Jacobian(jacobian) => jacobian.block(rows, columns, out),
        }
    }

    fn product(&self, v: &[f64], out: &mut [f64]) {
        match self {
            Self::Kernel(kernel) => kernel.product(v, out),
            Self::Jacobian(jacobian) => jacobian.product(v, out),
        }
    }

    fn params(&self) -> Option<usize> {
        match self {
            Self::Kernel(kernel) => kernel.params(),
            Self::Jacobian(jacobian) => KernelSource::params(jacobian),
        }
    }

    fn jacobian(&self) -> Option<&[f64]> {
        match self {
            Self::Kernel(kernel) => kernel.jacobian(),
            Self::Jacobian(jacobian) => KernelSource::jacobian(jacobian),
        }
    }
}

/// Says which file an unusable kernel is in; a batch or a learning rate was not the file's.
pub(super) fn placed(error: GeometryError, path: &Path) -> LabError {
    match error {
        GeometryError::Batch { .. } | GeometryError::LearningRate { .. } => error.into(),
        source => LabError::Point { file: path.to_path_buf(), source },
    }
}
