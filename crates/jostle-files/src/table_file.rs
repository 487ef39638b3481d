//! Tables as Parquet files: written in one piece or cell by cell with the same bytes, and read back.

use super::StorageError;
use super::atomic::{AtomicFile, open};
use super::error::Item;
use super::table::{Column, ColumnData, ColumnType, Schema, Table};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, RowGroupMetaData};
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Rows of a full row group. Fixed, because the bytes of a file depend on it.
const GROUP: usize = 1 << 17;
const ZSTD_LEVEL: i32 = 3;

/// Writes a table that need not fit into memory: it grows by appending, and appears at its path when finished.
///
/// The bytes depend on the schema and the sequence of rows only, not on how the rows were cut into appended tables.
pub struct TableWriter {
    schema: Schema,
    arrow: Arc<arrow_schema::Schema>,
    group: Vec<ColumnData>,
    writer: ArrowWriter<AtomicFile>,
}

impl TableWriter {
    /// Begins a table that will appear at `path`.
    ///
    /// # Errors
    /// The folder of `path` does not take files.
    pub fn create(path: &Path, schema: Schema) -> Result<Self, StorageError> {
        Self::with_metadata(path, schema, &[])
    }

    /// The same, with keys and values in the metadata of the file.
    ///
    /// # Errors
    /// As [`TableWriter::create`].
    pub fn with_metadata(
        path: &Path,
        schema: Schema,
        metadata: &[(&str, String)],
    ) -> Result<Self, StorageError> {
        let file = AtomicFile::create(path)?;
        let fields: Vec<Field> =
            schema.columns().iter().map(|(name, kind)| Field::new(name, arrow_type(*kind), false)).collect();
        let arrow = Arc::new(arrow_schema::Schema::new(fields));
        let pair = |(key, value): &(&str, String)| KeyValue::new((*key).to_owned(), value.clone());
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(|e| write_error(e, path))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP))
            .set_key_value_metadata((!metadata.is_empty()).then(|| metadata.iter().map(pair).collect()))
            .build();
        let writer =
            ArrowWriter::try_new(file, arrow.clone(), Some(properties)).map_err(|e| write_error(e, path))?;
        let group = schema.columns().iter().map(|(_, kind)| ColumnData::empty(*kind)).collect();
        Ok(Self { schema, arrow, group, writer })
    }

    /// Appends the rows of `table`.
    ///
    /// # Errors
    /// Its columns are not those of the schema, or the disk refuses.
    pub fn append(&mut self, table: &Table) -> Result<(), StorageError> {
        self.schema.check(table).map_err(|e| e.in_file(self.writer.inner().path()))?;
        let mut row = 0;
        while row < table.rows() {
            let held = self.group.first().map_or(0, ColumnData::len);
            let end = table.rows().min(row + GROUP - held);
            for (into, column) in self.group.iter_mut().zip(table.columns()) {
                into.extend(&column.data, row..end);
            }
            if held + end - row == GROUP {
                self.write_group()?;
            }
            row = end;
        }
        Ok(())
    }

    /// Writes what is left and gives the file its name.
    ///
    /// # Errors
    /// The disk refuses; nothing is left behind then.
    pub fn finish(self) -> Result<(), StorageError> {
        self.complete()?.publish()
    }

    /// Writes what is left and brings it to the disk; the file then only needs its name.
    ///
    /// # Errors
    /// As [`TableWriter::finish`].
    pub fn complete(mut self) -> Result<AtomicFile, StorageError> {
        if self.group.first().is_some_and(|column| !column.is_empty()) {
            self.write_group()?;
        }
        let path = self.writer.inner().path().to_path_buf();
        let mut file = self.writer.into_inner().map_err(|e| write_error(e, &path))?;
        file.settle()?;
        Ok(file)
    }

    fn write_group(&mut self) -> Result<(), StorageError> {
        let kinds = self.schema.columns().iter().map(|(_, kind)| ColumnData::empty(*kind)).collect();
        let arrays = std::mem::replace(&mut self.group, kinds).into_iter().map(to_arrow).collect();
        let written = RecordBatch::try_new(self.arrow.clone(), arrays)
            .map_err(ParquetError::from)
            .and_then(|batch| self.writer.write(&batch))
            .and_then(|()| self.writer.flush());
        written.map_err(|e| write_error(e, self.writer.inner().path()))
    }
}

impl Table {
    /// The table as a record batch of Arrow.
    ///
    /// # Errors
    /// The table has no columns.
    pub fn into_record_batch(self) -> Result<RecordBatch, StorageError> {
        let columns = self.into_columns().into_iter();
        let columns = columns.map(|Column { name, data }| (name, to_arrow(data)));
        RecordBatch::try_from_iter(columns).map_err(|error| StorageError::damaged("Arrow")(&error))
    }
}

/// Writes a table to the Parquet file `path`, as [`TableWriter`] does.
///
/// # Errors
/// The disk refuses; nothing is left behind then.
pub fn write_parquet(table: &Table, path: &Path) -> Result<(), StorageError> {
    let mut writer = TableWriter::create(path, table.schema())?;
    writer.append(table)?;
    writer.finish()
}

/// Reads the Parquet file `path`: integers and floats of any width, texts and flags.
///
/// # Errors
/// The file cannot be read or is damaged, a column is of another type, or a cell is null.
pub fn read_parquet(path: &Path) -> Result<Table, StorageError> {
    open(path).and_then(|file| guarded(|| read(file))).map_err(|e| e.in_file(path))
}

fn read(file: File) -> Result<Table, StorageError> {
    let builder = footer(file)?;
    let mut columns = Vec::new();
    for field in builder.schema().fields() {
        let kind = column_type(field.data_type()).ok_or_else(|| StorageError::WrongType {
            item: Item::Column,
            name: field.name().clone(),
            found: format!("of the type {}", field.data_type()),
            expected: "numbers, text, or true or false".to_string(),
        })?;
        columns.push(Column::new(field.name(), ColumnData::empty(kind)));
    }
    super::error::check_unique(Item::Column, columns.iter().map(|column| column.name.as_str()))?;
    for batch in builder.build().map_err(|e| damaged(&e))? {
        let batch = batch.map_err(|e| damaged(&e))?;
        for (column, array) in columns.iter_mut().zip(batch.columns()) {
            append_arrow(column, array)?;
        }
    }
    Table::new(columns)
}

/// Reads the footer and checks that the columns it lists lie within the file: the decoder panics on negative places.
pub(super) fn footer(file: File) -> Result<ParquetRecordBatchReaderBuilder<File>, StorageError> {
    let bytes = file.metadata().map_err(StorageError::io("open the file"))?.len();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(&e))?;
    for chunk in builder.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let end = start.checked_add(chunk.compressed_size());
        if start < 0 || chunk.compressed_size() < 0 || end.is_none_or(|end| end as u64 > bytes) {
            return Err(damaged(&format!("column {:?} lies outside the file", chunk.column_path().string())));
        }
    }
    Ok(builder)
}

/// The decoder may panic on some damaged files; to a user that is a damaged file like any other.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
    // Nothing that the closure owns outlives a panic, so no half-changed state can be seen.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(damaged(&"its parts contradict each other")))
}

fn append_arrow(column: &mut Column, array: &ArrayRef) -> Result<(), StorageError> {
    let place = |row: usize| format!("row {row}, column {:?}", column.name);
    // A dictionary of texts may hold null values that its own mask does not show.
    if let Some(row) = array.logical_nulls().and_then(|nulls| nulls.iter().position(|valid| !valid)) {
        return Err(StorageError::Null { place: place(column.data.len() + row) });
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let array = cast_with_options(array, &arrow_type(column.data.kind()), &strict)
        .map_err(|e| damaged(&format!("column {:?}: {e}", column.name)))?;
    match &mut column.data {
        ColumnData::Integer(v) => v.extend_from_slice(array.as_primitive::<Int64Type>().values()),
        ColumnData::Number(v) => v.extend_from_slice(array.as_primitive::<Float64Type>().values()),
        ColumnData::Text(v) => v.extend(array.as_string::<i32>().iter().flatten().map(str::to_string)),
        ColumnData::Flag(v) => v.extend(array.as_boolean().values().iter()),
    }
    Ok(())
}

fn to_arrow(data: ColumnData) -> ArrayRef {
    match data {
        ColumnData::Integer(v) => Arc::new(Int64Array::from(v)),
        ColumnData::Number(v) => Arc::new(Float64Array::from(v)),
        ColumnData::Text(v) => Arc::new(StringArray::from(v)),
        ColumnData::Flag(v) => Arc::new(BooleanArray::from(v)),
    }
}

fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Integer => DataType::Int64,
        ColumnType::Number => DataType::Float64,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Flag => DataType::Boolean,
    }
}

fn column_type(found: &DataType) -> Option<ColumnType> {
    match found {
        integer if integer.is_integer() => Some(ColumnType::Integer),
        float if float.is_floating() => Some(ColumnType::Number),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ColumnType::Text),
        DataType::Boolean => Some(ColumnType::Flag),
        DataType::Dictionary(_, values) => column_type(values),
        _ => None,
    }
}

pub(super) fn damaged(reason: &dyn std::fmt::Display) -> StorageError {
    StorageError::damaged("Parquet")(reason)
}

fn write_error(error: ParquetError, path: &Path) -> StorageError {
    StorageError::io("write the file")(io::Error::other(error)).in_file(path)
}
