//! Training data from files: X, y and perhaps the truth, as npz, CSV or Parquet.

mod arrays;
mod csv;
mod parquet;

use super::StorageError;
use super::error::{Item, check_unique};
use std::path::Path;

/// Training data, all of it finite.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    /// Features (n x d), row by row: one row a sample.
    pub x: Vec<f64>,
    /// The number of samples n, at least one.
    pub samples: usize,
    /// The number of features d, at least one.
    pub dim: usize,
    /// Labels (n x c), row by row.
    pub y: Vec<f64>,
    /// The number of labels c of a sample, at least one.
    pub outputs: usize,
    /// The true parameter (d), where the file knows it.
    pub truth: Option<Vec<f64>>,
    /// Samples to test on (m x d) and their labels (m x c), where the file has them.
    pub test: Option<(Vec<f64>, Vec<f64>)>,
    /// The names of the features (d), where the file has them.
    pub feature_names: Option<Vec<String>>,
}

/// The formats of training data.
#[derive(Clone, Copy)]
enum Format {
    Npz,
    Csv,
    Parquet,
}

impl Format {
    fn of(path: &Path) -> Result<Self, StorageError> {
        let found = path.extension().map(|e| e.to_string_lossy().into_owned());
        match found.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("npz") => Ok(Self::Npz),
            Some("csv") => Ok(Self::Csv),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(StorageError::Extension { found }),
        }
    }
}

/// Loads training data, in the format that the extension of `path` names.
///
/// * `.npz`: arrays `X` (n x d), `y` (n, or n x c) and optionally `truth` (d) and `X_test` (m x d) with `y_test`; no
///   `target`.
/// * `.csv` (with a header line) and `.parquet`: the column `target` is y, every other column a feature.
///
/// # Errors
/// The file cannot be read, names or lengths do not fit, or a value is missing, no number, or not finite; the message
/// says where.
pub fn load(path: &Path, target: Option<&str>) -> Result<DataSet, StorageError> {
    let read = || match Format::of(path)? {
        Format::Npz => arrays::load(path, target),
        Format::Csv => csv::load(path, target),
        Format::Parquet => parquet::load(path, target),
    };
    read().map_err(|e| e.in_file(path))
}

/// The size (n, d) of the data at `path`, samples to test on counted among the n, found without reading them: to be compared with the memory there is.
///
/// Exact for npz and Parquet, whose headers say it. For CSV, n is an upper bound from the length of the file.
///
/// # Errors
/// The file cannot be opened, or its header does not make sense.
pub fn size_hint(path: &Path) -> Result<(usize, usize), StorageError> {
    let read = || match Format::of(path)? {
        Format::Npz => arrays::size(path),
        Format::Csv => csv::size(path),
        Format::Parquet => parquet::size(path),
    };
    read().map_err(|e| e.in_file(path))
}

/// The position of the target among the columns of a table of training data.
fn find_target(names: &[String], target: Option<&str>) -> Result<usize, StorageError> {
    check_unique(Item::Column, names.iter().map(String::as_str))?;
    let target = target.ok_or_else(|| StorageError::TargetMissing { present: names.to_vec() })?;
    let position = names.iter().position(|name| name == target);
    let position = position.ok_or_else(|| StorageError::missing(Item::Column, target, names.to_vec()))?;
    if names.len() == 1 {
        return Err(StorageError::Empty { what: "features: no column besides the target" });
    }
    Ok(position)
}

/// NaN and infinities would spread through every replica, so they are refused where they enter.
fn check_finite(found: f64, place: impl FnOnce() -> String) -> Result<(), StorageError> {
    if found.is_finite() { Ok(()) } else { Err(StorageError::NotFinite { place: place(), found }) }
}
