//! Tables as users have them: indices of pandas, other separators, texts, flags, classes, weights, files to test on.

use super::super::{DataFile, DataSet, DropLevel, Reading, StorageError, load};
use super::arrays::{header, npy, npz};
use super::{assert_says, file};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::path::{Path, PathBuf};
use zip::CompressionMethod;

/// What pandas 3.1 and scikit-learn 1.9 were asked about, too.
const SEMICOLONS: &str = "age;sex;smoker;charges;city
19;female;yes;16884,924;Oslo
18;male;no;1725,5523;Bergen
28;male;no;4449,462;Oslo
33;male;no;21984,47061;Tromso
";

fn table(text: &str, reading: Reading) -> Result<DataSet, StorageError> {
    let (_folder, path) = file("data.csv", text);
    load(&path, reading)
}

fn of_y(text: &str) -> Result<DataSet, StorageError> {
    table(text, Reading::of_target("y"))
}

fn names(data: &DataSet) -> Vec<&str> {
    data.feature_names.iter().flatten().map(String::as_str).collect()
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A file that pandas has written.
fn of_pandas(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/pandas").join(name)
}

#[test]
fn the_row_index_of_pandas_is_left_out_of_csv_and_said() {
    let expected = "column 1 (\"\") left out as the row index: it has no name, and numbers or names the rows (named in \
                    columns, it is kept)";
    for index in ["0,1,2", "7,3,5", "oslo,rome,bonn", "2024-01-01,2024-01-02,2024-01-03"] {
        let rows: Vec<String> =
            index.split(',').zip([1, 2, 3]).map(|(index, k)| format!("{index},{k},0.{k},{k}0")).collect();
        let data = of_y(&format!(",alpha,beta,y\n{}\n", rows.join("\n"))).unwrap();
        assert_eq!(names(&data), ["alpha", "beta"], "{index}");
        assert_eq!(data.x, [1.0, 0.1, 2.0, 0.2, 3.0, 0.3]);
        assert_eq!(data.remarks, ["labels y", expected]);
    }
    // Read and written once more, the first index has got a name.
    let data = of_y(",Unnamed: 0,alpha,y\n0,0,5,1\n1,2,6,2\n2,3,7,3\n").unwrap();
    assert_eq!((names(&data), &data.x[..]), (vec!["alpha"], &[5.0, 6.0, 7.0][..]));
    assert_eq!(data.remarks.len(), 3);
}

#[test]
fn a_column_without_a_name_that_is_no_index_is_refused_unless_it_is_named() {
    let refusal = "data.csv: column \"\" (number 1) has no name, and its values are not those of a row index: name it in \
                   the file, leave it out with drop = [\"\"], or list it in columns = [...]";
    for values in ["0.5,1.5,2.5", "3,3,4", "-1,0,1", "a,b,a"] {
        let rows: Vec<String> =
            values.split(',').zip([1, 2, 3]).map(|(v, k)| format!("{v},{k},{k}0")).collect();
        let text = format!(",alpha,y\n{}\n", rows.join("\n"));
        assert_says(of_y(&text), &[refusal]);
        let drop = Reading { drop: list(&[""]), ..Reading::of_target("y") };
        assert_eq!(names(&table(&text, drop).unwrap()), ["alpha"]);
    }
    let columns = Reading { columns: list(&["alpha", ""]), ..Reading::of_target("y") };
    let data = table(",alpha,y\n0,5,1\n1,6,2\n", columns).unwrap();
    assert_eq!((names(&data), &data.x[..]), (vec!["alpha", ""], &[5.0, 0.0, 6.0, 1.0][..]));
    // A separator at the end of every line.
    let data = of_y("alpha,y,\n1,2,\n3,4,\n").unwrap();
    assert_eq!(data.x, [1.0, 3.0]);
    assert_eq!(data.remarks[1], "column 3 left out, which has neither a name nor values");
}

#[test]
fn the_row_index_of_pandas_is_left_out_of_parquet_whatever_it_is_called() {
    let reading = || Reading::of_target("price");
    let plain = load(&of_pandas("range_index.parquet"), reading()).unwrap();
    assert_eq!((names(&plain), plain.samples, plain.remarks.len()), (vec!["alpha", "beta"], 4, 1));
    let filtered = load(&of_pandas("filtered_index.parquet"), reading()).unwrap();
    assert_eq!((names(&filtered), filtered.samples), (vec!["alpha", "beta"], 3));
    assert_eq!(filtered.x, [4.0, 1.0, 1.0, 0.5, 3.0, 0.125]);
    assert_eq!(
        filtered.remarks[1],
        "column __index_level_0__ left out as the row index of pandas (named in columns, it is kept)"
    );
    for (name, index) in [("named_index.parquet", "patient"), ("date_index.parquet", "day")] {
        let data = load(&of_pandas(name), reading()).unwrap();
        assert_eq!((&data.x, names(&data)), (&plain.x, vec!["alpha", "beta"]));
        assert!(data.remarks[1].starts_with(&format!("column {index} left out as the row index")));
    }
    let columns = Reading { columns: list(&["__index_level_0__", "beta"]), ..reading() };
    let kept = load(&of_pandas("filtered_index.parquet"), columns).unwrap();
    assert_eq!(kept.x, [3.0, 1.0, 0.0, 0.5, 2.0, 0.125]);
    let as_target =
        load(&of_pandas("filtered_index.parquet"), Reading::of_target("__index_level_0__")).unwrap();
    assert_eq!((as_target.y, as_target.dim), (vec![3.0, 0.0, 2.0], 3));
}

#[test]
fn decimals_large_integers_categories_and_flags_of_parquet_are_read() {
    let reading = || Reading { categorical: list(&["size"]), ..Reading::of_target("y") };
    let data = load(&of_pandas("types.parquet"), reading()).unwrap();
    assert_eq!(names(&data), ["cost", "big", "sex=male", "size=3", "smokes", "half", "count"]);
    let expected = [
        [0.1, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0],
        [12345678901234567.89, 9223372036854775808.0, 0.0, 0.0, 0.0, -2.0, 2.0],
        [-3.0, 18446744073709551615.0, 1.0, 1.0, 1.0, 65504.0, 3.0],
    ];
    assert_eq!(data.x, expected.as_flattened());
    let as_numbers = load(&of_pandas("types.parquet"), Reading::of_target("y")).unwrap();
    assert_eq!(names(&as_numbers)[3], "size");
    assert_eq!([as_numbers.x[3], as_numbers.x[10]], [3.0, 1.0]);
}

#[test]
fn dates_and_unknown_codecs_are_refused_with_the_way_to_go_on() {
    let reading = || Reading::of_target("price");
    let date = of_pandas("date_column.parquet");
    assert_says(
        load(&date, reading()),
        &["column \"day\" holds dates or times (", "leave it out with drop = [\"day\"], save it as numbers"],
    );
    let dropped = load(&date, Reading { drop: list(&["day"]), ..reading() }).unwrap();
    assert_eq!(names(&dropped), ["alpha", "beta"]);
    assert_says(
        load(&of_pandas("brotli.parquet"), reading()),
        &[
            "column \"alpha\" is compressed by Brotli, which is not read; save the file with zstd, snappy, gzip or lz4",
        ],
    );
}

#[test]
fn semicolons_decimal_commas_and_texts_are_read_as_pandas_and_scikit_learn_do() {
    let reading = || Reading { is_decimal_comma: true, ..Reading::of_target("charges") };
    let data = table(SEMICOLONS, reading()).unwrap();
    assert_eq!(data.y, [16884.924, 1725.5523, 4449.462, 21984.47061]);
    // OneHotEncoder(drop="if_binary")
    assert_eq!(names(&data), ["age", "sex=male", "smoker=yes", "city=Bergen", "city=Oslo", "city=Tromso"]);
    let expected = [
        [19.0, 0.0, 1.0, 0.0, 1.0, 0.0],
        [18.0, 1.0, 0.0, 1.0, 0.0, 0.0],
        [28.0, 1.0, 0.0, 0.0, 1.0, 0.0],
        [33.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    ];
    assert_eq!(data.x, expected.as_flattened());
    assert_eq!(
        data.remarks,
        [
            "labels charges",
            "cells separated by semicolons",
            "column sex as an indicator for male, none for female",
            "column smoker as an indicator for yes, none for no",
            "column city as an indicator for Bergen, Oslo, Tromso",
        ]
    );
    let first = table(SEMICOLONS, Reading { drop_level: DropLevel::First, ..reading() }).unwrap();
    assert_eq!(names(&first), ["age", "sex=male", "smoker=yes", "city=Oslo", "city=Tromso"]);
    let all = table(SEMICOLONS, Reading { drop_level: DropLevel::Never, ..reading() }).unwrap();
    assert_eq!(names(&all)[1..5], ["sex=female", "sex=male", "smoker=no", "smoker=yes"]);
    assert_eq!(all.x[..5], [19.0, 1.0, 0.0, 0.0, 1.0]);
    let size = |reading| {
        let (_folder, path) = file("data.csv", SEMICOLONS);
        DataFile::open(&path, reading).unwrap().size()
    };
    assert_eq!(
        [size(reading()).dim, size(Reading { drop_level: DropLevel::First, ..reading() }).dim],
        [6, 5]
    );
}

#[test]
fn what_separates_cells_is_recognised_or_told() {
    for (text, said) in [
        ("a;y\n1;2\n3;4\n", Some("cells separated by semicolons")),
        ("a\ty\n1\t2\n3\t4\n", Some("cells separated by tabs")),
        ("a,y\n1,2\n3,4\n", None),
        // A comma within a name, and one within a number of another column.
        ("\"a, mg\";y\n1;2\n3;4\n", Some("cells separated by semicolons")),
        ("a, mg;y\n1;2\n3;4\n", Some("cells separated by semicolons")),
    ] {
        let data = of_y(text).unwrap();
        assert_eq!((&data.x[..], &data.y[..]), (&[1.0, 3.0][..], &[2.0, 4.0][..]), "{text}");
        assert_eq!(data.remarks.get(1).map(String::as_str), said);
    }
    let bars = Reading { delimiter: Some(b'|'), ..Reading::of_target("y") };
    let data = table("a|y\n1|2\n", bars).unwrap();
    assert_eq!((data.x, &*data.remarks[1]), (vec![1.0], "cells separated by '|'"));
    let (_folder, path) = file("data.tsv", "a, b\ty\n1\t2\n");
    assert_eq!(load(&path, Reading::of_target("y")).unwrap().x, [1.0]);
}

#[test]
fn a_number_with_the_other_decimal_point_is_refused_with_the_setting_that_reads_it() {
    assert_says(
        table(SEMICOLONS, Reading::of_target("charges")),
        &["data.csv: line 2, column \"charges\": \"16884,924\" is not a number; decimal = \",\" reads it so"],
    );
    let comma = Reading { is_decimal_comma: true, ..Reading::of_target("y") };
    assert_says(
        table("a;y\n1,5;2\n1.5;3\n", comma),
        &["line 3, column \"a\": \"1.5\" is not a number; decimal = \".\" reads it so"],
    );
}

#[test]
fn compressed_csv_is_read_and_lines_are_counted_in_it() {
    let packed = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        file("data.csv.gz", encoder.finish().unwrap())
    };
    let (_folder, path) = packed("a,y\n1,2\n3,4\n");
    let data = load(&path, Reading::of_target("y")).unwrap();
    assert_eq!((data.x, data.y), (vec![1.0, 3.0], vec![2.0, 4.0]));
    let (_folder, path) = packed("a,y\n1,2\n\n,4\n");
    assert_says(load(&path, Reading::of_target("y")), &["data.csv.gz: line 4, column \"a\" is empty"]);
    let (_folder, path) = file("data.csv.gz", "a,y\n1,2\n");
    assert_says(load(&path, Reading::of_target("y")), &["cannot read the file: it is not what gzip writes"]);
}

#[test]
fn missing_values_are_refused_with_their_place_and_the_ways_to_go_on() {
    let ways = "expected a value: fill it in, or leave out its row, or the column with drop = [\"a\"]";
    for (cell, found) in [("", "is empty"), ("NA", "is NA"), ("null", "is null"), ("N/A", "is NA")] {
        let message = format!("data.csv: line 3, column \"a\" {found}; {ways}");
        assert_says(of_y(&format!("a,y\n1,2\n{cell},4\n")), &[&message]);
    }
    // Among texts as well, and without the last way in the target.
    assert_says(of_y("a,y\nred,2\n,4\nred,3\n"), &["line 3, column \"a\" is empty"]);
    assert_says(
        of_y("a,y\n1,2\n3,\n"),
        &["line 3, column \"y\" is empty; expected a value: fill it in, or leave out its row"],
    );
    let drop = Reading { drop: list(&["a"]), ..Reading::of_target("y") };
    assert_eq!(table("a,b,y\n,1,2\n,3,4\n", drop).unwrap().x, [1.0, 3.0]);
}

#[test]
fn columns_are_chosen_by_name_and_in_order() {
    let text = "a,b,c,y\n1,2,3,4\n5,6,7,8\n";
    let columns = |names: &[&str]| Reading { columns: list(names), ..Reading::of_target("y") };
    let data = table(text, columns(&["c", "a"])).unwrap();
    assert_eq!((names(&data), &data.x[..]), (vec!["c", "a"], &[3.0, 1.0, 7.0, 5.0][..]));
    assert_says(
        table("age,dose,y\n1,2,3\n", columns(&["doze"])),
        &["data.csv: has no column \"doze\"; did you mean \"dose\"?; present: age, dose, y"],
    );
    let drop = |names: &[&str]| Reading { drop: list(names), ..Reading::of_target("y") };
    assert_eq!(names(&table(text, drop(&["b"])).unwrap()), ["a", "c"]);
    assert_says(table(text, drop(&["d"])), &["has no column \"d\""]);
    assert_says(table(text, drop(&["y"])), &["column \"y\" is the target, and cannot be in drop as well"]);
    assert_says(table(text, columns(&["a", "a"])), &["has two columns named \"a\""]);
    assert_says(table(text, drop(&["a", "b", "c"])), &["has no features: no column besides the target"]);
}

#[test]
fn texts_among_numbers_and_names_of_rows_are_not_taken_for_levels() {
    let categorical = Reading { categorical: list(&["a"]), ..Reading::of_target("y") };
    assert_says(
        of_y("a,y\n1,2\nabc,4\n"),
        &["line 3, column \"a\": \"abc\" is not a number; drop = [\"a\"] leaves"],
    );
    let like_numbers = "a,y\n12%,2\n15%,4\n12%,1\n";
    assert_says(of_y(like_numbers), &["line 2, column \"a\": \"12%\" is not a number"]);
    let data = table(like_numbers, categorical.clone()).unwrap();
    assert_eq!((names(&data), &data.x[..]), (vec!["a=15%"], &[0.0, 1.0, 0.0][..]));
    assert_says(of_y("a,y\nAnn,2\nBob,4\nCyd,1\n"), &["column \"a\" has another text in every row"]);
    assert_eq!(table("a,y\nAnn,2\nBob,4\nCyd,1\n", categorical.clone()).unwrap().dim, 3);
    let codes = table("a,y\n10,2\n9,4\n10,1\n2,3\n", categorical).unwrap();
    assert_eq!(names(&codes), ["a=10", "a=2", "a=9"], "texts sort as texts");
    assert_says(
        of_y("a,y\nred,2\nred,4\n"),
        &["column \"a\" has one level only, \"red\"; leave it out with drop"],
    );
    let rows: Vec<String> = (0..102).map(|k| format!("t{},{k}", "x".repeat(k / 2))).collect();
    assert_says(of_y(&format!("a,y\n{}\n", rows.join("\n"))), &["column \"a\" has more than 50 levels"]);
}

#[test]
fn true_and_false_are_one_and_zero() {
    let data = of_y("a,b,y\nTrue,false,1\nFalse,true,2\n").unwrap();
    assert_eq!((data.x, data.feature_names.unwrap()), (vec![1.0, 0.0, 0.0, 1.0], list(&["a", "b"])));
    assert_says(of_y("a,y\n1,2\ntrue,4\n"), &["line 3, column \"a\": \"true\" is not a number"]);
    let data = of_y("a,y\nyes,1\ntrue,2\nyes,3\n").unwrap();
    assert_eq!(names(&data), ["a=yes"]);
}

#[test]
fn labels_may_be_classes_of_any_kind() {
    let classes = |text: &str| table(text, Reading { is_classes: true, ..Reading::of_target("y") });
    for (labels, said) in [
        (["no", "yes", "no"], "label -1 for no, +1 for yes"),
        (["0", "1", "0"], "label -1 for 0, +1 for 1"),
        (["false", "true", "false"], "label -1 for false, +1 for true"),
    ] {
        let rows: Vec<String> = labels.iter().map(|label| format!("5,{label}")).collect();
        let data = classes(&format!("a,y\n{}\n", rows.join("\n"))).unwrap();
        assert_eq!((data.outputs, &data.y[..]), (1, &[-1.0, 1.0, -1.0][..]));
        assert_eq!(data.remarks[1], said);
    }
    let data = classes("a,y\n1,setosa\n2,virginica\n3,versicolor\n4,setosa\n").unwrap();
    let one_hot = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
    assert_eq!((data.outputs, &data.y[..]), (3, one_hot.as_flattened()));
    assert_eq!(data.remarks[1], "labels one-hot in the order setosa, versicolor, virginica");
    assert_eq!(classes("a,y\n1,10\n2,9\n3,2\n").unwrap().remarks[1], "labels one-hot in the order 2, 9, 10");
    assert_says(
        of_y("a,y\n1,setosa\n2,other\n"),
        &["line 2, column \"y\": \"setosa\" is not a number; labels = \"classes\" takes texts as classes"],
    );
    assert_says(
        classes("a,y\n1,0.5\n2,1\n"),
        &["data.csv: column y has 0.5, not a class; expected texts, whole"],
    );
}

#[test]
fn labels_of_arrays_may_be_classes_of_any_kind() {
    let x = npy(&header("<f8", false, "(3, 1)"), &[0; 24]);
    let of = |y: Vec<u8>| {
        let (_folder, path) = file("data.npz", npz(&[("X", x.clone()), ("y", y)], CompressionMethod::Stored));
        load(&path, Reading { is_classes: true, ..Reading::default() })
    };
    let data = of(npy(&header("|u1", false, "(3,)"), &[0, 1, 0])).unwrap();
    assert_eq!(
        (data.outputs, &data.y[..], &*data.remarks[0]),
        (1, &[-1.0, 1.0, -1.0][..], "label -1 for 0, +1 for 1")
    );
    let data = of(npy(&header("|u1", false, "(3,)"), &[0, 2, 1])).unwrap();
    assert_eq!((data.outputs, &data.y[..3]), (3, &[1.0, 0.0, 0.0][..]));
    let texts: Vec<u8> = ["b", "a", "b"].iter().flat_map(|t| [t.as_bytes()[0], 0, 0, 0]).collect();
    assert_eq!(of(npy(&header("<U1", false, "(3,)"), &texts)).unwrap().y, [1.0, -1.0, 1.0]);
    let halves: Vec<u8> = [0.5_f64, 1.0, 0.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_says(
        of(npy(&header("<f8", false, "(3,)"), &halves)),
        &[
            "data.npz: y has 0.5, not a class; expected texts, whole numbers",
            "labels = \"numbers\" takes numbers as",
        ],
    );
    assert_says(
        of(npy(&header("|u1", false, "(3, 2)"), &[1, 0, 1, 1, 0, 1])),
        &[
            "data.npz: y[row 1] is [1, 1], which is not one-hot; expected one 1 and 0 otherwise, or one column of classes; \
           labels = \"numbers\" takes it as it is",
        ],
    );
}

#[test]
fn settings_of_tables_are_refused_beside_arrays() {
    let x = npy(&header("<f8", false, "(1, 1)"), &[0; 8]);
    let y = npy(&header("<f8", false, "(1,)"), &[0; 8]);
    let (_folder, path) = file("data.npz", npz(&[("X", x), ("y", y)], CompressionMethod::Stored));
    for (setting, reading) in [
        ("columns", Reading { columns: list(&["a"]), ..Reading::default() }),
        ("drop", Reading { drop: list(&["a"]), ..Reading::default() }),
        ("decimal", Reading { is_decimal_comma: true, ..Reading::default() }),
    ] {
        let expected =
            format!("data.npz: is an npz file, but {setting} is for csv and parquet; leave it out");
        assert_says(load(&path, reading), &[&expected]);
    }
}

#[test]
fn a_second_file_has_the_samples_to_test_on() {
    let with_test = |test: &str, reading: Reading| {
        let (folder, path) =
            file("train.csv", "a,city,w,y\n1,Oslo,2,10\n2,Rome,1,20\n3,Bonn,1,30\n4,Oslo,1,40\n");
        let test_path = folder.path().join("test.csv");
        std::fs::write(&test_path, test).unwrap();
        let reading = Reading { test_path: Some(test_path), sample_weight: Some("w".to_owned()), ..reading };
        let data = DataFile::open(&path, reading)?;
        let size = data.size();
        Ok::<_, StorageError>((size, data.load()?))
    };
    let y = || Reading::of_target("y");
    // Columns are found by their names; weights are not needed.
    let (size, data) = with_test("y,city,a\n50,Rome,5\n60,Bonn,6\n", y()).unwrap();
    assert_eq!((size.samples, size.dim), (6, 4));
    assert_eq!(names(&data), ["a", "city=Bonn", "city=Oslo", "city=Rome"]);
    assert_eq!(data.test, Some((vec![5.0, 0.0, 0.0, 1.0, 6.0, 1.0, 0.0, 0.0], vec![50.0, 60.0])));
    assert_eq!(data.weights, Some(vec![2.0, 1.0, 1.0, 1.0]));
    assert_says(
        with_test("a,city,y\n5,Paris,50\n", y()),
        &[
            "test.csv: line 2, column \"city\" is \"Paris\", a level that no training sample has; levels: Bonn, Oslo, Rome",
        ],
    );
    assert_says(with_test("a,y\n5,50\n", y()), &["test.csv: has no column \"city\""]);
    assert_says(
        with_test("a,city,more,y\n5,Oslo,1,50\n", y()),
        &["test.csv: column \"more\" is not among the columns of the training data"],
    );
    assert_says(with_test("a,city,y\n5,Oslo,\n", y()), &["test.csv: line 2, column \"y\" is empty"]);
}

#[test]
fn arrays_may_have_names_and_weights_and_a_second_file() {
    let number = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    let names: Vec<u8> = ["a", "b"].iter().flat_map(|t| [t.as_bytes()[0], 0, 0, 0]).collect();
    let x = ("X", npy(&header("<f8", false, "(2, 2)"), &number(&[1.0, 2.0, 3.0, 4.0])));
    let y = ("y", npy(&header("<f8", false, "(2,)"), &number(&[5.0, 6.0])));
    let w = ("w", npy(&header("<f8", false, "(2,)"), &number(&[1.0, 3.0])));
    let feature_names = ("feature_names", npy(&header("<U1", false, "(2,)"), &names));
    let (folder, path) =
        file("data.npz", npz(&[x.clone(), y.clone(), w, feature_names], CompressionMethod::Stored));
    let other = folder.path().join("other.npz");
    std::fs::write(&other, npz(&[x, y], CompressionMethod::Stored)).unwrap();
    let reading =
        Reading { sample_weight: Some("w".to_owned()), test_path: Some(other), ..Reading::default() };
    let data = load(&path, reading).unwrap();
    assert_eq!(data.feature_names, Some(list(&["a", "b"])));
    assert_eq!(data.weights, Some(vec![1.0, 3.0]));
    assert_eq!(data.test, Some((vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0])));
    let missing = Reading { sample_weight: Some("v".to_owned()), ..Reading::default() };
    assert_says(load(&path, missing), &["data.npz: has no array \"v\""]);
}

#[cfg(unix)]
#[test]
fn a_device_in_the_place_of_a_file_is_refused_at_once() {
    for name in ["zero.csv", "zero.npz", "zero.parquet"] {
        let (folder, _) = file("unused", "");
        let path = folder.path().join(name);
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert_says(
            load(&path, Reading::of_target("y")),
            &["is a device, a pipe or a socket; expected a file"],
        );
    }
}

#[test]
fn a_line_without_an_end_is_refused() {
    let (_folder, path) = file("data.csv", vec![b'1'; (1 << 26) + 10]);
    assert_says(
        load(&path, Reading::of_target("y")),
        &["cannot read the file: line 1 is longer than 64 MiB"],
    );
}
