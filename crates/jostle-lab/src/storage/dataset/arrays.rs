//! Training data in an npz file.

use super::{DataSet, check_finite};
use crate::storage::error::show_shape;
use crate::storage::{ArrayReader, StorageError};
use std::path::Path;

pub(super) fn load(path: &Path, target: Option<&str>) -> Result<DataSet, StorageError> {
    let mut file = ArrayReader::open(path)?;
    if let Some(target) = target {
        return Err(StorageError::TargetUnused {
            target: target.to_string(),
            present: file.names().to_vec(),
        });
    }
    let (samples, dim, x) = samples_of(&mut file, "X")?;
    let (outputs, y) = labels_of(&mut file, "y", "X", samples)?;
    let truth = if file.has("truth") { Some(file.read_vector("truth")?) } else { None };
    agree(("truth", truth.as_ref().map_or(dim, Vec::len), "values"), ("X", dim, "columns"))?;
    if truth.is_some() && outputs > 1 {
        let found = format!("y has {outputs} columns");
        let expected = "a truth belongs to one".to_string();
        return Err(StorageError::Lengths { found, expected });
    }
    for (j, value) in truth.iter().flatten().enumerate() {
        check_finite(*value, || format!("truth[{j}]"))?;
    }
    let test = if TEST.iter().any(|name| file.has(name)) {
        let (samples, columns, x) = samples_of(&mut file, "X_test")?;
        agree(("X_test", columns, "columns"), ("X", dim, "columns"))?;
        let (columns, y) = labels_of(&mut file, "y_test", "X_test", samples)?;
        agree(("y_test", columns, "columns"), ("y", outputs, "columns"))?;
        Some((x, y))
    } else {
        None
    };
    Ok(DataSet { x, samples, dim, y, outputs, truth, test, feature_names: None })
}

pub(super) fn size(path: &Path) -> Result<(usize, usize), StorageError> {
    let mut file = ArrayReader::open(path)?;
    let test = if file.has("X_test") { file.shape("X_test")?[0] } else { 0 };
    match *file.shape("X")? {
        [samples, dim] => Ok((samples.saturating_add(test), dim)),
        ref shape => Err(StorageError::Lengths {
            found: format!("X has shape {}", show_shape(shape)),
            expected: "training data have two dimensions: samples and features".to_string(),
        }),
    }
}

/// The arrays of samples to test on: both or none.
const TEST: [&str; 2] = ["X_test", "y_test"];

/// A design that is not empty: its rows, its columns and its values.
fn samples_of(file: &mut ArrayReader, name: &str) -> Result<(usize, usize, Vec<f64>), StorageError> {
    let (samples, dim, x) = file.read_matrix(name)?;
    if x.is_empty() {
        let found = format!("{name} has shape {}", show_shape(&[samples, dim]));
        let expected = "training data need at least one row and one column".to_string();
        return Err(StorageError::Lengths { found, expected });
    }
    for (i, row) in x.chunks(dim).enumerate() {
        for (j, value) in row.iter().enumerate() {
            check_finite(*value, || format!("{name}[row {i}, column {j}]"))?;
        }
    }
    Ok((samples, dim, x))
}

/// Labels of the samples in the array `design`: how many each has, and their values.
fn labels_of(
    file: &mut ArrayReader,
    name: &str,
    design: &str,
    samples: usize,
) -> Result<(usize, Vec<f64>), StorageError> {
    let several = file.shape(name)?.len() == 2;
    let (rows, outputs, y) = if several {
        file.read_matrix(name)?
    } else {
        let y = file.read_vector(name)?;
        (y.len(), 1, y)
    };
    agree((name, rows, if several { "rows" } else { "values" }), (design, samples, "rows"))?;
    if outputs == 0 {
        let found = format!("{name} has shape {}", show_shape(&[rows, outputs]));
        return Err(StorageError::Lengths {
            found,
            expected: "a sample needs at least one label".to_string(),
        });
    }
    for (k, value) in y.iter().enumerate() {
        check_finite(*value, || {
            let place = format!("row {}, column {}", k / outputs, k % outputs);
            format!("{name}[{}]", if several { place } else { k.to_string() })
        })?;
    }
    Ok((outputs, y))
}

/// Refuses sides of arrays that must agree and do not: the array, its side, and how that is called.
fn agree(found: (&str, usize, &str), expected: (&str, usize, &str)) -> Result<(), StorageError> {
    if found.1 == expected.1 {
        return Ok(());
    }
    let say = |(name, count, sides): (&str, usize, &str)| format!("{name} has {count} {sides}");
    Err(StorageError::Lengths { found: say(found), expected: say(expected) })
}
