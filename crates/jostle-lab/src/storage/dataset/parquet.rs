//! Training data in a Parquet file.

use super::{DataSet, check_finite, find_target};
use crate::storage::atomic::open;
use crate::storage::table::wrong_type;
use crate::storage::table_file::parquet_size;
use crate::storage::{Column, ColumnData, StorageError, read_parquet};
use std::path::Path;

pub(super) fn load(path: &Path, target: Option<&str>) -> Result<DataSet, StorageError> {
    let table = read_parquet(path)?;
    let target = find_target(&table.names(), target)?;
    let samples = table.rows();
    if samples == 0 {
        return Err(StorageError::Empty { what: "rows of data" });
    }
    let mut columns = table.into_columns();
    let y = numbers(columns.remove(target))?;
    let dim = columns.len();
    let mut x = vec![0.0; samples * dim];
    let mut names = Vec::with_capacity(dim);
    for (j, column) in columns.into_iter().enumerate() {
        names.push(column.name.clone());
        for (row, value) in x.chunks_mut(dim).zip(numbers(column)?) {
            row[j] = value;
        }
    }
    Ok(DataSet { x, samples, dim, y, outputs: 1, truth: None, test: None, feature_names: Some(names) })
}

pub(super) fn size(path: &Path) -> Result<(usize, usize), StorageError> {
    match parquet_size(open(path)?)? {
        (_, 0) => Err(StorageError::Empty { what: "columns" }),
        (rows, columns) => Ok((rows, columns - 1)),
    }
}

/// The values of a column; flags count as 0 and 1.
fn numbers(column: Column) -> Result<Vec<f64>, StorageError> {
    let values = match column.data {
        ColumnData::Number(values) => values,
        ColumnData::Integer(values) => values.into_iter().map(|v| v as f64).collect(),
        ColumnData::Flag(values) => values.into_iter().map(f64::from).collect(),
        ColumnData::Text(_) => return Err(wrong_type(&column, "numbers")),
    };
    for (row, value) in values.iter().enumerate() {
        check_finite(*value, || format!("row {row}, column {:?}", column.name))?;
    }
    Ok(values)
}
