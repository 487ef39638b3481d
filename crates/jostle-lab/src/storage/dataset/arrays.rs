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
    let (samples, dim, x) = file.read_matrix("X")?;
    let y = file.read_vector("y")?;
    let truth = if file.has("truth") { Some(file.read_vector("truth")?) } else { None };
    check_length("y", y.len(), samples, "rows")?;
    check_length("truth", truth.as_ref().map_or(dim, Vec::len), dim, "columns")?;
    if x.is_empty() {
        let shape = show_shape(&[samples, dim]);
        return Err(StorageError::Lengths {
            found: format!("X has shape {shape}"),
            expected: "training data need at least one row and one column".to_string(),
        });
    }
    for (i, row) in x.chunks(dim).enumerate() {
        for (j, value) in row.iter().enumerate() {
            check_finite(*value, || format!("X[row {i}, column {j}]"))?;
        }
    }
    for (name, values) in [("y", Some(&y)), ("truth", truth.as_ref())] {
        for (i, value) in values.into_iter().flatten().enumerate() {
            check_finite(*value, || format!("{name}[{i}]"))?;
        }
    }
    Ok(DataSet { x, samples, dim, y, truth, feature_names: None })
}

pub(super) fn size(path: &Path) -> Result<(usize, usize), StorageError> {
    match *ArrayReader::open(path)?.shape("X")? {
        [samples, dim] => Ok((samples, dim)),
        ref shape => Err(StorageError::Lengths {
            found: format!("X has shape {}", show_shape(shape)),
            expected: "training data have two dimensions: samples and features".to_string(),
        }),
    }
}

fn check_length(name: &str, found: usize, expected: usize, sides: &str) -> Result<(), StorageError> {
    if found == expected {
        return Ok(());
    }
    Err(StorageError::Lengths {
        found: format!("{name} has {found} values"),
        expected: format!("X has {expected} {sides}"),
    })
}
