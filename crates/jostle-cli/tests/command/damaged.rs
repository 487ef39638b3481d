//! Reports of run folders that were edited or damaged.

use crate::lab::{Lab, small};
use jostle_files::{ArrayWriter, Column, ColumnData, Table, read_parquet, write_parquet};

/// A folder `out` with a run of three replicas, which record the steps 0, 20, 40 and 60.
fn finished() -> Lab {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    lab
}

/// Writes the table of the run with these of its rows.
fn keep_rows(lab: &Lab, rows: &[usize]) {
    let path = lab.path("out/metrics.parquet");
    let table = read_parquet(&path).unwrap();
    let column = |name: String| {
        let data = if let Ok(values) = table.integers(&name) {
            ColumnData::Integer(rows.iter().map(|row| values[*row]).collect())
        } else {
            let values = table.numbers(&name).unwrap();
            ColumnData::Number(rows.iter().map(|row| values[*row]).collect())
        };
        Column::new(name, data)
    };
    let table = Table::new(table.names().into_iter().map(column).collect()).unwrap();
    write_parquet(&table, &path).unwrap();
}

/// What is said of the folder after the word on what it is not; it is said by `report` and `predict --against` alike.
fn refusal(lab: &Lab) -> String {
    let line = lab.refuses(&["report", "out"]);
    let against = lab.refuses(&["predict", "x.toml", "--against", "out"]);
    assert_eq!(line, against);
    line.strip_prefix("out: not a run folder: ").unwrap_or_else(|| panic!("{line}")).to_owned()
}

#[test]
fn rows_in_another_order_are_refused() {
    let steps = "metrics.parquet does not have the same steps, from 0 on, for every replica of cell 0";
    let lab = finished();
    keep_rows(&lab, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(refusal(&lab), steps);
    let lab = finished();
    keep_rows(&lab, &[1, 2, 3, 5, 6, 7, 9, 10, 11]);
    assert_eq!(refusal(&lab), steps);
    let lab = finished();
    keep_rows(&lab, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(refusal(&lab), steps);
}

#[test]
fn a_table_that_does_not_fit_the_manifest_is_refused() {
    let lab = finished();
    keep_rows(&lab, &[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(refusal(&lab), "metrics.parquet has 2 replicas of cell 0, but manifest.json lists 3");
    keep_rows(&lab, &[]);
    assert_eq!(refusal(&lab), "metrics.parquet has 0 cells, but manifest.json lists 1");
}

#[test]
fn a_run_without_a_finished_cell_has_a_report() {
    let lab = finished();
    keep_rows(&lab, &[]);
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("out/manifest.json")).unwrap();
    let mut manifest = manifest;
    manifest["cells"] = serde_json::json!([]);
    manifest["status"] = "interrupted".into();
    lab.write("out/manifest.json", manifest.to_string());
    lab.succeeds(&["report", "out"]);
}

#[test]
fn arrays_of_another_shape_are_left_out_of_the_report() {
    for (rows, columns) in [(0, 0), (3, 0), (0, 20), (2, 7)] {
        let lab = finished();
        let mut file = ArrayWriter::create(&lab.path("out/final.npz")).unwrap();
        file.matrix("beta_0", rows, columns, &vec![0.5; rows * columns]).unwrap();
        file.vector("truth", &[1.0; 20]).unwrap();
        file.finish().unwrap();
        lab.succeeds(&["report", "out"]);
    }
}

#[test]
fn a_manifest_of_a_paper_without_its_experiments_is_refused() {
    let lab = finished();
    let manifest = r#"{"version": "0.1.0", "status": "done", "paper": "shape-matters", "scale": "quick",
        "experiments": [], "wall_seconds": 1.0, "machine": {"platform": "p", "threads": 1, "level": "l"}}"#;
    lab.write("out/manifest.json", manifest);
    let line = lab.refuses(&["report", "out"]);
    assert!(
        line.starts_with("out: not a run folder: manifest.json does not list the experiment \""),
        "{line}"
    );
}
