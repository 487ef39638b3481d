//! The table of metrics, in memory and as a Parquet file.

use super::super::{
    Column, ColumnData, ColumnType, Schema, StorageError, Table, TableWriter, read_parquet, write_parquet,
};
use super::{assert_says, folder, names_in};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float32Array, Float64Array, Int32Array, LargeStringArray, RecordBatch,
    StringArray, TimestampSecondArray, UInt64Array,
};
use parquet::arrow::ArrowWriter;
use std::path::Path;
use std::sync::Arc;

fn metrics(rows: std::ops::Range<i64>) -> Table {
    let number = |i: i64| match i % 7 {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => -0.0,
        _ => (i as f64).sqrt(),
    };
    Table::new(vec![
        Column::new("step", ColumnData::Integer(rows.clone().collect())),
        Column::new("train_loss", ColumnData::Number(rows.clone().map(number).collect())),
        Column::new("labels", ColumnData::Text(rows.clone().map(|i| format!("kind {}", i % 3)).collect())),
        Column::new("diverged", ColumnData::Flag(rows.map(|i| i % 2 == 0).collect())),
    ])
    .unwrap()
}

fn bits(table: &Table) -> Vec<u64> {
    table.numbers("train_loss").unwrap().iter().map(|v| v.to_bits()).collect()
}

fn write_foreign(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_table_comes_back_bit_for_bit() {
    let folder = folder();
    let path = folder.path().join("metrics.parquet");
    let table = metrics(0..1000);
    write_parquet(&table, &path).unwrap();
    let back = read_parquet(&path).unwrap();
    assert_eq!(back.schema(), table.schema());
    assert_eq!(bits(&back), bits(&table));
    assert_eq!(back.integers("step").unwrap(), table.integers("step").unwrap());
    assert_eq!(back.texts("labels").unwrap(), table.texts("labels").unwrap());
    assert_eq!(back.flags("diverged").unwrap(), table.flags("diverged").unwrap());
    assert_eq!(names_in(&folder), ["metrics.parquet"]);
}

#[test]
fn the_bytes_depend_on_the_rows_and_not_on_how_they_were_appended() {
    let folder = folder();
    let (whole, pieces) = (folder.path().join("whole.parquet"), folder.path().join("pieces.parquet"));
    write_parquet(&metrics(0..300_000), &whole).unwrap();
    let mut writer = TableWriter::create(&pieces, metrics(0..0).schema()).unwrap();
    for cut in [0..1, 1..1, 1..131_072, 131_072..140_000, 140_000..300_000] {
        writer.append(&metrics(cut)).unwrap();
        assert!(!pieces.exists());
    }
    writer.finish().unwrap();
    assert!(std::fs::read(&whole).unwrap() == std::fs::read(&pieces).unwrap());
    assert_eq!(bits(&read_parquet(&pieces).unwrap()), bits(&metrics(0..300_000)));
}

#[test]
fn a_table_without_rows_keeps_its_columns() {
    let folder = folder();
    let path = folder.path().join("empty.parquet");
    write_parquet(&metrics(0..0), &path).unwrap();
    assert_eq!(read_parquet(&path).unwrap(), metrics(0..0));
}

#[test]
fn an_abandoned_table_leaves_nothing() {
    let folder = folder();
    let mut writer = TableWriter::create(&folder.path().join("m.parquet"), metrics(0..0).schema()).unwrap();
    writer.append(&metrics(0..200_000)).unwrap();
    drop(writer);
    assert!(names_in(&folder).is_empty());
}

#[test]
fn appending_other_columns_is_an_error() {
    let folder = folder();
    let path = folder.path().join("m.parquet");
    let schema =
        Schema::new(vec![("step".into(), ColumnType::Integer), ("loss".into(), ColumnType::Number)]).unwrap();
    let mut writer = TableWriter::create(&path, schema).unwrap();
    let step = Column::new("step", ColumnData::Integer(vec![1]));
    let table = |columns: &[Column]| Table::new(columns.to_vec()).unwrap();
    let other = Column::new("lost", ColumnData::Number(vec![1.0]));
    let text = Column::new("loss", ColumnData::Text(vec!["1".into()]));
    assert_says(
        writer.append(&table(&[step.clone(), other])),
        &["m.parquet", "no column \"loss\"", "\"lost\""],
    );
    assert_says(writer.append(&table(&[step.clone(), text])), &["column \"loss\" is text; expected numbers"]);
    assert_says(writer.append(&table(&[step])), &["the table has 1 columns, but 2 are declared"]);
}

#[test]
fn columns_must_have_one_length_and_their_own_names() {
    let column = |name: &str, n: usize| Column::new(name, ColumnData::Number(vec![0.0; n]));
    assert_says(
        Table::new(vec![column("a", 3), column("b", 4)]),
        &["column \"b\" has 4 values, but column \"a\" has 3"],
    );
    assert_says(Table::new(vec![column("a", 3), column("a", 3)]), &["has two columns named \"a\""]);
    let twice = vec![("a".to_string(), ColumnType::Flag), ("a".to_string(), ColumnType::Text)];
    assert_says(Schema::new(twice), &["has two columns named \"a\""]);
}

#[test]
fn a_column_is_read_as_what_it_is() {
    let table = metrics(0..5);
    assert_eq!(*table.numbers("step").unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_says(table.integers("train_loss"), &["column \"train_loss\" is numbers; expected whole numbers"]);
    assert_says(table.numbers("labels"), &["column \"labels\" is text; expected numbers"]);
    assert_says(table.numbers("train_lost"), &["no column \"train_lost\"; did you mean \"train_loss\"?"]);
}

#[test]
fn tables_of_others_are_widened_to_our_types() {
    let folder = folder();
    let path = folder.path().join("foreign.parquet");
    let words: DictionaryArray<Int32Type> = ["a", "b", "a"].into_iter().collect();
    write_foreign(
        &path,
        vec![
            ("single", Arc::new(Float32Array::from(vec![0.5, f32::NAN, 2.0])) as ArrayRef),
            ("short", Arc::new(Int32Array::from(vec![1, -2, 3]))),
            ("words", Arc::new(words)),
            ("long", Arc::new(LargeStringArray::from(vec!["x", "y", "z"]))),
        ],
    );
    let table = read_parquet(&path).unwrap();
    assert_eq!(table.numbers("single").unwrap()[2], 2.0);
    assert!(table.numbers("single").unwrap()[1].is_nan());
    assert_eq!(table.integers("short").unwrap(), [1, -2, 3]);
    assert_eq!(table.texts("words").unwrap(), ["a", "b", "a"]);
    assert_eq!(table.texts("long").unwrap(), ["x", "y", "z"]);
}

#[test]
fn what_a_table_of_others_cannot_mean_is_said() {
    let folder = folder();
    let path = folder.path().join("foreign.parquet");
    let read = |name: &str, array: ArrayRef| -> Result<Table, StorageError> {
        write_foreign(&path, vec![(name, array)]);
        read_parquet(&path)
    };
    let holes: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), None]));
    assert_says(read("loss", holes), &["foreign.parquet: row 2, column \"loss\" is null; expected a value"]);
    let holes: ArrayRef = Arc::new(StringArray::from(vec![None, Some("a")]));
    assert_says(read("kind", holes), &["row 0, column \"kind\" is null"]);
    let huge: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    assert_says(read("count", huge), &["column \"count\""]);
    let time: ArrayRef = Arc::new(TimestampSecondArray::from(vec![0]));
    assert_says(read("when", time), &["column \"when\" is of the type Timestamp", "expected numbers, text"]);
}

#[test]
fn a_file_that_is_no_table_is_refused() {
    let (_folder, path) = super::file("m.parquet", "step,loss\n1,2\n");
    assert_says(read_parquet(&path), &["m.parquet: is not a readable Parquet file"]);
    assert_says(read_parquet(&path.with_file_name("n.parquet")), &["n.parquet: cannot open the file"]);
    assert_says(read_parquet(path.parent().unwrap()), &["cannot open the file: is a directory"]);
}
