//! Tables in Parquet files, read one batch of rows after the other.

use super::cells::{Cell, Cells, Spot, Visit, Want};
use crate::StorageError;
use crate::atomic::open;
use crate::table_file::{damaged, footer, guarded};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A table in a Parquet file.
pub(super) struct ParquetCells {
    path: PathBuf,
    names: Vec<String>,
    index_columns: Vec<String>,
    rows: usize,
}

impl ParquetCells {
    /// Reads the footer.
    pub(super) fn open(path: &Path) -> Result<Self, StorageError> {
        let file = open(path)?;
        let builder = guarded(|| footer(file))?;
        let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        if names.is_empty() {
            return Err(StorageError::Empty { what: "columns" });
        }
        let rows = builder.metadata().file_metadata().num_rows();
        let rows = usize::try_from(rows).map_err(|_| damaged(&format!("its footer claims {rows} rows")))?;
        Ok(Self { path: path.to_path_buf(), names, index_columns: index_columns(&builder), rows })
    }

    fn read(&self, file: File, wanted: &[Want], visit: &mut Visit<'_>) -> Result<usize, StorageError> {
        let columns: Vec<usize> = (0..wanted.len()).filter(|at| wanted[*at] != Want::Skip).collect();
        if columns.is_empty() {
            return Ok(self.rows);
        }
        let builder = footer(file)?;
        for column in &columns {
            self.check_codec(&builder, *column)?;
            if wanted[*column] == Want::Values {
                self.check_type(*column, builder.schema().field(*column).data_type())?;
            }
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let mut row = 0;
        for batch in builder.with_projection(mask).build().map_err(|e| damaged(&e))? {
            let batch = batch.map_err(|e| damaged(&e))?;
            for (column, array) in columns.iter().zip(batch.columns()) {
                self.visit_array(row, *column, wanted[*column], array, visit)?;
            }
            row += batch.num_rows();
        }
        Ok(row)
    }

    fn visit_array(
        &self,
        first: usize,
        column: usize,
        want: Want,
        array: &ArrayRef,
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        // A dictionary of texts may hold null values that its own mask does not show.
        let nulls = array.logical_nulls();
        let mut see = |row: usize, cell: Cell<'_>| {
            let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
            let spot = Spot { row: first + row, ..Spot::default() };
            visit(spot, column, if is_null { Cell::Missing("is null") } else { cell })
        };
        let to = |kind: &DataType| {
            cast(array, kind).map_err(|e| damaged(&format!("column {:?}: {e}", self.names[column])))
        };
        let kind = values_of(array.data_type());
        let mut rows = 0..array.len();
        if kind.is_null() {
            return rows.try_for_each(|row| see(row, Cell::Missing("is null")));
        }
        if want == Want::Values && *kind == DataType::Boolean {
            let values = to(&DataType::Boolean)?;
            let values = values.as_boolean();
            return rows.try_for_each(|row| see(row, Cell::Flag(values.value(row))));
        }
        if want == Want::Values && (kind.is_integer() || kind.is_floating()) {
            let values = to(&DataType::Float64)?;
            let values = values.as_primitive::<Float64Type>();
            return rows.try_for_each(|row| see(row, Cell::Number(values.value(row))));
        }
        let texts = to(&DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        // A decimal is the number that its digits write.
        let is_decimal = want == Want::Values && kind.is_decimal();
        rows.try_for_each(|row| {
            let text = texts.value(row);
            see(
                row,
                match text {
                    text if is_decimal => text.parse().map_or(Cell::Text(text), Cell::Number),
                    "" => Cell::Missing("is empty"),
                    text => Cell::Text(text),
                },
            )
        })
    }

    fn check_type(&self, column: usize, found: &DataType) -> Result<(), StorageError> {
        let values = values_of(found);
        let is_read = values.is_integer()
            || values.is_floating()
            || values.is_decimal()
            || values.is_null()
            || matches!(
                values,
                DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            );
        if is_read {
            return Ok(());
        }
        let name = &self.names[column];
        let (what, number) = if values.is_temporal() {
            ("dates or times", ", save it as numbers (days since a first day, say)")
        } else {
            ("another kind of values", "")
        };
        let problem = format!(
            "holds {what} ({found}); expected numbers, text, or true and false: leave it out with drop = [{name:?}]{number}, \
             or take its values as names of levels with categorical = [{name:?}]"
        );
        Err(StorageError::Column { name: name.clone(), problem })
    }

    /// Refuses pages that are packed in a way that is not read, before the decoder does so in its own words.
    fn check_codec(
        &self,
        builder: &ParquetRecordBatchReaderBuilder<File>,
        column: usize,
    ) -> Result<(), StorageError> {
        let schema = builder.parquet_schema();
        for group in builder.metadata().row_groups() {
            let chunks = group.columns().iter().enumerate();
            for (_, chunk) in chunks.filter(|(leaf, _)| schema.get_column_root_idx(*leaf) == column) {
                let codec = match chunk.compression() {
                    Compression::BROTLI(_) => "Brotli",
                    Compression::LZO => "LZO",
                    _ => continue,
                };
                let name = &self.names[column];
                let problem = format!(
                    "is compressed by {codec}, which is not read; save the file with zstd, snappy, gzip or lz4, as \
                     to_parquet(..., compression=\"zstd\") of pandas does"
                );
                return Err(StorageError::Column { name: name.clone(), problem });
            }
        }
        Ok(())
    }
}

impl Cells for ParquetCells {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn index_columns(&self) -> &[String] {
        &self.index_columns
    }

    fn remark(&self) -> Option<String> {
        None
    }

    fn visit(&self, wanted: &[Want], visit: &mut Visit<'_>) -> Result<usize, StorageError> {
        let file = open(&self.path)?;
        guarded(|| self.read(file, wanted, visit))
    }

    fn place(&self, spot: Spot, column: usize) -> String {
        format!("row {}, column {:?}", spot.row, self.names[column])
    }
}

/// The type of the values of a column, in a dictionary or not.
fn values_of(found: &DataType) -> &DataType {
    match found {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

/// The columns that pandas' own metadata call the index; an index that only counts is metadata and no column.
fn index_columns(builder: &ParquetRecordBatchReaderBuilder<File>) -> Vec<String> {
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let text = metadata.and_then(|pairs| pairs.iter().find(|pair| pair.key == "pandas")?.value.as_ref());
    let parsed: Option<serde_json::Value> = text.and_then(|text| serde_json::from_str(text).ok());
    let columns = parsed.as_ref().and_then(|parsed| parsed.get("index_columns")?.as_array());
    columns.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}
