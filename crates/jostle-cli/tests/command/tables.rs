//! From tables as users have them to results that name the features and say what was done.

use crate::lab::Lab;
use jostle_files::{ArrayReader, ArrayWriter};
use serde_json::Value;

/// Gradient descent on a table, with further settings of the problem.
fn experiment(problem: &str) -> String {
    format!(
        r#"name = "table"

[problem]
kind = "file"
path = "data.csv"
target = "price"
{problem}

[model]
kind = "linear"

[dynamics]
kind = "gradient-descent"
steps = 4_000
learning_rate = 0.3

[[noise]]
kind = "label"
std = 1e-9

[observe]
at = {{ every = 2000 }}
average_from = 2_000

[ensemble]
replicas = 2
"#
    )
}

/// Six rows in no exact relation, with the index that pandas writes.
const TABLE: &str =
    ",area,rooms,w,price\n0,50,2,1,11\n1,60,1,2,12\n2,80,3,1,20\n3,100,2,3,22\n4,120,5,1,31\n5,90,4,2,24\n";

fn lab(problem: &str) -> Lab {
    let lab = Lab::with(&experiment(problem));
    lab.write("data.csv", TABLE);
    lab
}

fn refuses(lab: &Lab) -> String {
    let answer = lab.refuses(&["run", "x.toml", "--out", "out"]);
    answer.replace(&format!("{}/", lab.path("").canonicalize().unwrap().display()), "/lab/")
}

fn vector(lab: &Lab, name: &str) -> Vec<f64> {
    ArrayReader::open(&lab.path("out/final.npz")).unwrap().read(name).unwrap().values
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{found} is not {expected}");
    }
}

const SAID: &str = "data.csv: 6 samples of 2 features: area, rooms; labels price; column 1 (\"\") left out as the row index: \
                    it has no name, and numbers or names the rows (named in columns, it is kept)";

#[test]
fn samples_and_features_are_said_wherever_data_are_used() {
    let lab = lab("drop = [\"w\"]\nstandardise = true\ncentre = true");
    let scaled = "features with mean 0 and standard deviation 1, and labels from which their mean 20.000000 is subtracted";
    let said = format!("{SAID}; {scaled}");
    assert!(lab.succeeds(&["check", "x.toml"]).contains(&format!("\n# data: {said}\n")));
    let run = lab.succeeds(&["run", "x.toml", "--out", "out"]);
    assert!(run.contains(&format!("\nData: {said}.\n")), "{run}");
    let quadratic = ["--set", "model.kind=\"hadamard\"", "--set", "dynamics.learning_rate=0.001"];
    let predict = [&["predict", "x.toml"][..], &quadratic].concat();
    let predicted = lab.succeeds(&predict);
    assert!(predicted.contains(&format!("\nData: {said}.\n")), "{predicted}");
    let manifest: Value = serde_json::from_str(&lab.read("out/manifest.json")).unwrap();
    assert_eq!(manifest["data"][0], *said);
    assert_eq!(manifest["data_sets"][0]["features"], serde_json::json!(["area", "rooms"]));
    for command in [&["check", "x.toml", "--json"][..], &[&predict[..], &["--json"]].concat()] {
        let json: Value = serde_json::from_str(&lab.succeeds(command)).unwrap();
        assert_eq!(json["data"][0], *said);
        assert_eq!(json["data_sets"][0]["features"][1], "rooms");
    }
    let report = lab.read("out/report.html");
    assert!(report.contains("\"feature\":\"rooms\""), "the figure of coefficients names features");
    let mut arrays = ArrayReader::open(&lab.path("out/final.npz")).unwrap();
    assert_eq!(arrays.read_texts("feature_names").unwrap(), ["area", "rooms"]);
}

/// What `LinearRegression` of scikit-learn finds on the same table.
#[test]
fn coefficients_and_intercept_of_the_file_are_those_of_least_squares() {
    let lab = lab("drop = [\"w\"]\nstandardise = true\ncentre = true");
    let said = lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let (coefficients, intercept) = ([0.20995717344754, 1.74518201284797], -2.4411134903640317);
    close(&vector(&lab, "beta_original_0")[..2], &coefficients);
    close(&vector(&lab, "intercept_0"), &[intercept; 2]);
    close(&vector(&lab, "beta_original_mean_0")[..2], &coefficients);
    close(&vector(&lab, "intercept_mean_0"), &[intercept; 2]);
    assert!(
        said.contains(
            "\nIntercept for the file's own features and labels, with the time average of the coefficients: -2.44"
        ),
        "{said}"
    );
    // Six numbers 50 to 120, and six 1 to 5.
    close(&vector(&lab, "feature_means"), &[250.0 / 3.0, 17.0 / 6.0]);
    close(&vector(&lab, "label_means"), &[20.0]);
    close(&vector(&lab, "feature_scales"), &[23.570226, 1.3437096]);
}

/// What `LinearRegression().fit(X, y, sample_weight=w)` of scikit-learn finds.
#[test]
fn weights_give_the_weighted_least_squares() {
    let lab = lab("sample_weight = \"w\"\nstandardise = true\ncentre = true");
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    close(&vector(&lab, "beta_original_0")[..2], &[0.20694192, 1.81828494]);
    close(&vector(&lab, "intercept_0"), &[-2.3176043557168775; 2]);
    let lab =
        Lab::with(&experiment("sample_weight = \"w\"").replace("\"linear\"", "\"two-layer\"\nwidth = 4"));
    lab.write("data.csv", TABLE);
    assert_eq!(
        refuses(&lab),
        "x.toml:7:17: problem.sample_weight goes with models that are linear in their samples, whose rows it scales; \
         \"two-layer\" is not"
    );
}

#[test]
fn samples_to_test_on_are_drawn_and_named_and_the_resolved_experiment_draws_them_again() {
    let lab = lab("test_fraction = 0.3\nsplit_seed = 4\nstandardise = true");
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let manifest: Value = serde_json::from_str(&lab.read("out/manifest.json")).unwrap();
    let rows = manifest["data_sets"][0]["test_rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 2, "0.3 times 6, rounded up");
    let rows: Vec<f64> = rows.iter().map(|row| row.as_f64().unwrap()).collect();
    assert_eq!(vector(&lab, "test_rows"), rows);
    assert!(
        manifest["data"][0]
            .as_str()
            .unwrap()
            .contains("; 2 samples to test on, drawn by split_seed 4: rows ")
    );
    lab.succeeds(&["run", "out/experiment.toml", "--out", "again"]);
    for file in ["metrics.parquet", "final.npz", "experiment.toml"] {
        assert!(lab.bytes(&format!("out/{file}")) == lab.bytes(&format!("again/{file}")), "{file}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_placed() {
    for (problem, answer) in [
        (
            "columns = [\"area\"]\ndrop = [\"w\"]",
            "x.toml:8:8: problem.drop stands beside columns, which says all that is a feature; expected one of them",
        ),
        (
            "delimiter = \"ab\"",
            "x.toml:7:13: problem.delimiter is \"ab\"; expected one character, as \",\" or \";\" or \"\\t\"",
        ),
        (
            "centre = true\nlabels = \"classes\"",
            "x.toml:7:10: problem.centre goes with labels = \"numbers\", because classes are not to be changed",
        ),
        (
            "test_fraction = 0.99",
            "x.toml:7:17: problem.test_fraction puts 6 of 6 samples aside; expected at least 1, and 1 left",
        ),
        (
            "columns = [\"aera\"]",
            "/lab/data.csv: has no column \"aera\"; did you mean \"area\"?; present: \"\", area, rooms, w, price",
        ),
    ] {
        assert_eq!(refuses(&lab(problem)), answer);
    }
}

#[test]
fn names_of_features_in_arrays_are_carried_to_the_results() {
    let lab = Lab::with(&experiment("").replace("data.csv", "data.npz").replace("target = \"price\"\n", ""));
    let mut file = ArrayWriter::create(&lab.path("data.npz")).unwrap();
    file.matrix("X", 3, 2, &[1.0, 0.5, -0.5, 1.0, 1.0, 1.0]).unwrap();
    file.vector("y", &[1.0, 2.0, 3.0]).unwrap();
    file.texts("feature_names", &["caf\u{e9}".to_owned(), "tea".to_owned()]).unwrap();
    file.finish().unwrap();
    let said = lab.succeeds(&["run", "x.toml", "--out", "out"]);
    assert!(said.contains("Data: data.npz: 3 samples of 2 features: caf\u{e9}, tea.\n"), "{said}");
    let mut arrays = ArrayReader::open(&lab.path("out/final.npz")).unwrap();
    assert_eq!(arrays.read_texts("feature_names").unwrap(), ["caf\u{e9}", "tea"]);
}
