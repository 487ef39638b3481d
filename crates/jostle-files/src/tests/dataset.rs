//! Training data from files, and every way in which they can be wrong.

use super::super::{
    ArrayWriter, Column, ColumnData, DataFile, DataSet, Reading, StorageError, Table, load, write_parquet,
};
use super::{assert_says, file, folder};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const X: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

fn arrays(x: &[f64], shape: (usize, usize), y: &[f64], truth: Option<&[f64]>) -> (TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join("data.npz");
    let mut writer = ArrayWriter::create(&path).unwrap();
    writer.matrix("X", shape.0, shape.1, x).unwrap();
    writer.vector("y", y).unwrap();
    if let Some(truth) = truth {
        writer.vector("truth", truth).unwrap();
    }
    writer.finish().unwrap();
    (folder, path)
}

/// With this target, or without any.
fn reading(target: Option<&str>) -> Reading {
    Reading { target: target.map(str::to_owned), ..Reading::default() }
}

fn csv(text: &str, target: Option<&str>) -> Result<DataSet, StorageError> {
    let (_folder, path) = file("data.csv", text);
    load(&path, reading(target))
}

/// Samples and features, found without reading them.
fn size(path: &Path, target: Option<&str>) -> Result<(usize, usize), StorageError> {
    DataFile::open(path, reading(target)).map(|file| (file.size().samples, file.size().dim))
}

fn columns(data: Vec<(&str, ColumnData)>) -> (TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join("data.parquet");
    let columns = data.into_iter().map(|(name, data)| Column::new(name, data)).collect();
    write_parquet(&Table::new(columns).unwrap(), &path).unwrap();
    (folder, path)
}

#[test]
fn npz_is_read_with_and_without_truth() {
    let (_folder, path) = arrays(&X, (2, 3), &[7.0, 8.0], Some(&[0.0, 1.0, 0.0]));
    let expected = DataSet {
        x: X.to_vec(),
        samples: 2,
        dim: 3,
        y: vec![7.0, 8.0],
        outputs: 1,
        truth: Some(vec![0.0, 1.0, 0.0]),
        ..DataSet::default()
    };
    assert_eq!(load(&path, reading(None)).unwrap(), expected);
    assert_eq!(size(&path, None).unwrap(), (2, 3));
    let (_folder, path) = arrays(&X, (2, 3), &[7.0, 8.0], None);
    assert_eq!(load(&path, reading(None)).unwrap(), DataSet { truth: None, ..expected });
}

/// An npz file of arrays with two dimensions.
fn matrices(arrays: &[(&str, (usize, usize), &[f64])]) -> (TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join("data.npz");
    let mut writer = ArrayWriter::create(&path).unwrap();
    for (name, (rows, columns), values) in arrays {
        writer.matrix(name, *rows, *columns, values).unwrap();
    }
    writer.finish().unwrap();
    (folder, path)
}

#[test]
fn npz_may_hold_several_labels_a_sample_and_samples_to_test_on() {
    let y = [7.0, 8.0, 9.0, 10.0];
    let test = [("X_test", (1, 3), &X[..3]), ("y_test", (1, 2), &[5.0, 6.0])];
    let train = [("X", (2, 3), &X[..]), ("y", (2, 2), &y[..])];
    let (_folder, path) = matrices(&[train, test].concat());
    let data = load(&path, reading(None)).unwrap();
    assert_eq!((data.outputs, data.y), (2, y.to_vec()));
    assert_eq!(data.test, Some((X[..3].to_vec(), vec![5.0, 6.0])));
    assert_eq!(size(&path, None).unwrap(), (3, 3));
}

#[test]
fn samples_to_test_on_must_look_like_the_training_samples() {
    let train = [("X", (2, 3), &X[..]), ("y", (2, 1), &[7.0, 8.0][..])];
    let with = |test: &[(&str, (usize, usize), &[f64])]| {
        let (_folder, path) = matrices(&[&train[..], test].concat());
        load(&path, reading(None))
    };
    assert_says(
        with(&[("X_test", (1, 2), &X[..2]), ("y_test", (1, 1), &[5.0])]),
        &["data.npz: X_test has 2 columns, but X has 3 columns"],
    );
    assert_says(
        with(&[("X_test", (1, 3), &X[..3]), ("y_test", (1, 2), &[5.0, 6.0])]),
        &["data.npz: y_test has 2 columns, but y has 1 columns"],
    );
    assert_says(
        with(&[("X_test", (1, 3), &X[..3]), ("y_test", (2, 1), &[5.0, 6.0])]),
        &["data.npz: y_test has 2 rows, but X_test has 1 rows"],
    );
    assert_says(with(&[("X_test", (1, 3), &X[..3])]), &["data.npz: has no array \"y_test\""]);
    assert_says(
        with(&[("X_test", (1, 3), &X[..3]), ("y_test", (1, 1), &[f64::NAN])]),
        &["data.npz: y_test[row 0, column 0] is NaN"],
    );
}

#[test]
fn csv_and_parquet_take_the_target_out_of_the_features() {
    let expected = DataSet {
        x: vec![1.0, 3.0, -4e-2, 6.0],
        samples: 2,
        dim: 2,
        y: vec![2.0, 5.0],
        outputs: 1,
        feature_names: Some(vec!["age".into(), "dose, mg".into()]),
        remarks: vec!["labels y".into()],
        ..DataSet::default()
    };
    let text = "\u{feff}age, y ,\"dose, mg\"\r\n1,2,3\r\n -4e-2 ,5,\"6\"";
    assert_eq!(csv(text, Some("y")).unwrap(), expected);
    let (_folder, path) = columns(vec![
        ("age", ColumnData::Number(vec![1.0, -0.04])),
        ("y", ColumnData::Integer(vec![2, 5])),
        ("dose, mg", ColumnData::Integer(vec![3, 6])),
    ]);
    assert_eq!(load(&path, reading(Some("y"))).unwrap(), expected);
    assert_eq!(size(&path, Some("y")).unwrap(), (2, 2));
}

#[test]
fn flags_count_as_zero_and_one() {
    let flags = ColumnData::Flag(vec![true, false]);
    let (_folder, path) = columns(vec![("treated", flags), ("y", ColumnData::Integer(vec![2, 5]))]);
    assert_eq!(load(&path, reading(Some("y"))).unwrap().x, [1.0, 0.0]);
}

#[test]
fn wrong_lengths_are_said_with_both_numbers() {
    let (_folder, path) = arrays(&X, (3, 2), &[0.0; 2], None);
    assert_says(load(&path, reading(None)), &["data.npz: y has 2 values, but X has 3 rows"]);
    let (_folder, path) = arrays(&X, (3, 2), &[0.0; 3], Some(&[0.0; 5]));
    assert_says(load(&path, reading(None)), &["data.npz: truth has 5 values, but X has 2 columns"]);
    assert_says(csv("a,y\n1,2\n3\n", Some("y")), &["data.csv: line 3 has 1 cells, but the header has 2"]);
}

#[test]
fn values_that_are_not_finite_are_said_with_their_place() {
    let mut x = X;
    x[5] = f64::NAN;
    let (_folder, path) = arrays(&x, (2, 3), &[0.0; 2], None);
    assert_says(
        load(&path, reading(None)),
        &["data.npz: X[row 1, column 2] is NaN; expected a finite number"],
    );
    let (_folder, path) = arrays(&X, (2, 3), &[0.0, f64::NEG_INFINITY], None);
    assert_says(load(&path, reading(None)), &["y[1] is -inf"]);
    let (_folder, path) = arrays(&X, (2, 3), &[0.0; 2], Some(&[f64::INFINITY, 0.0, 0.0]));
    assert_says(load(&path, reading(None)), &["truth[0] is inf"]);
    assert_says(csv("a,y\n1,2\nnan,2\n", Some("y")), &["line 3, column \"a\" is NaN"]);
    assert_says(csv("a,y\n1,1e999\n", Some("y")), &["line 2, column \"y\" is inf"]);
    let (_folder, path) = columns(vec![
        ("y", ColumnData::Number(vec![0.0, 1.0])),
        ("a", ColumnData::Number(vec![0.0, f64::NAN])),
    ]);
    assert_says(load(&path, reading(Some("y"))), &["data.parquet: row 1, column \"a\" is NaN"]);
}

#[test]
fn cells_that_are_not_numbers_are_said_with_their_line() {
    assert_says(csv("age,y\n1,2\nabc,2\n", Some("y")), &["line 3, column \"age\": \"abc\" is not a number"]);
    assert_says(
        csv("age,y\n1,2\nabc,2\n", Some("y")),
        &["; drop = [\"age\"] leaves the column out, and categorical"],
    );
    let (_folder, path) = file("data.csv", b"age,y\n1,2\n\xff,2\n");
    assert_says(load(&path, reading(Some("y"))), &["is not a readable CSV file: line 3 is not UTF-8 text"]);
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    assert_says(csv("age,y\n\n1,2\n\n\nabc,2\n", Some("y")), &["line 6, column \"age\""]);
    assert_says(csv("age,y\r\n\r\n1,2\r\nabc,2\r\n", Some("y")), &["line 4, column \"age\""]);
    assert_says(csv("\"the\nage\",y\n1,2\nabc,2\n", Some("y")), &["line 4, column \"the\\nage\""]);
    assert_says(csv("age,y\n1,2\n\n3\n", Some("y")), &["line 4 has 1 cells"]);
    assert_says(csv("\u{feff}age,y\r\n\r\n1,2\r\n\r\nabc,2\r\n", Some("y")), &["line 5, column \"age\""]);
    assert_says(csv("\n\nage,y\n1,2\nabc,2", Some("y")), &["line 5, column \"age\""]);
}

#[test]
fn the_target_is_needed_for_tables_and_only_there() {
    assert_says(csv("age,y\n1,2\n", None), &["data.csv: needs target = \"...\"", "columns: age, y"]);
    assert_says(
        csv("age,yield\n1,2\n", Some("yeild")),
        &["no column \"yeild\"; did you mean \"yield\"?; present: age, yield"],
    );
    let (_folder, path) = arrays(&X, (2, 3), &[0.0; 2], None);
    assert_says(
        load(&path, reading(Some("y"))),
        &["data.npz: holds y as an array of its own", "\"y\"", "arrays: X, y"],
    );
}

#[test]
fn names_that_occur_twice_are_refused() {
    assert_says(csv("age,y,age\n1,2,3\n", Some("y")), &["has two columns named \"age\""]);
}

#[test]
fn files_without_data_are_refused() {
    assert_says(csv("", Some("y")), &["data.csv: has no header line"]);
    assert_says(csv("age,y\n", Some("y")), &["has no rows of data"]);
    assert_says(csv("y\n1\n", Some("y")), &["has no features"]);
    let (_folder, path) = arrays(&[], (0, 3), &[], None);
    assert_says(load(&path, reading(None)), &["X has shape (0, 3), but training data need at least one row"]);
    let (_folder, path) = arrays(&[], (3, 0), &[0.0; 3], None);
    assert_says(load(&path, reading(None)), &["X has shape (3, 0)"]);
    let (_folder, path) = columns(vec![("y", ColumnData::Number(vec![])), ("a", ColumnData::Number(vec![]))]);
    assert_says(load(&path, reading(Some("y"))), &["has no rows of data"]);
}

#[test]
fn an_array_too_few_or_of_another_shape_is_named() {
    let folder = folder();
    let path = folder.path().join("data.npz");
    let mut writer = ArrayWriter::create(&path).unwrap();
    writer.vector("X", &[1.0, 2.0]).unwrap();
    writer.finish().unwrap();
    assert_says(load(&path, reading(None)), &["X has shape (2,), but training data have two dimensions"]);
    assert_says(size(&path, None), &["X has shape (2,), but training data have two dimensions"]);
    let mut writer = ArrayWriter::create(&path).unwrap();
    writer.matrix("X", 1, 2, &[1.0, 2.0]).unwrap();
    writer.vector("Y", &[1.0]).unwrap();
    writer.finish().unwrap();
    assert_says(load(&path, reading(None)), &["has no array \"y\"; did you mean \"Y\"?; present: X, Y"]);
}

#[test]
fn formats_are_told_by_their_extension() {
    assert_says(
        load(Path::new("data.txt"), reading(None)),
        &["data.txt: has the extension \".txt\"; expected .npz, .parquet, .csv or .tsv (also as .csv.gz)"],
    );
    assert_says(
        size(Path::new("data"), None),
        &["data: has no extension; expected .npz, .parquet, .csv or .tsv (also as .csv.gz)"],
    );
    for name in ["none.npz", "none.csv", "none.parquet"] {
        assert_says(load(Path::new(name), reading(Some("y"))), &[name, "cannot open the file"]);
        assert_says(size(Path::new(name), Some("y")), &[name, "cannot open the file"]);
    }
    let (_folder, path) = file("DATA.CSV", "a,y\n1,2\n");
    assert_eq!(load(&path, reading(Some("y"))).unwrap().samples, 1);
}

#[test]
fn the_size_of_a_csv_file_is_known_without_its_numbers_in_memory() {
    for (text, rows) in [("a,y\n1,2\n3,4\n5,6", 3), ("a,y\n1.25,2\n", 1)] {
        let (_folder, path) = file("data.csv", text);
        assert_eq!(size(&path, Some("y")).unwrap(), (rows, 1));
    }
}
