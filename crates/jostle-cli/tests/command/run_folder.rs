//! What a run leaves in its folder.

use crate::lab::{Lab, small};
use jostle_files::{ArrayReader, ArrayWriter, read_parquet};
use serde_json::Value;

const FILES: [&str; 5] = ["experiment.toml", "final.npz", "manifest.json", "metrics.parquet", "report.html"];

fn manifest(lab: &Lab) -> Value {
    serde_json::from_str(&lab.read("out/manifest.json")).unwrap()
}

/// The arrays of the run with their shapes.
fn arrays(lab: &Lab) -> Vec<(String, Vec<usize>)> {
    let mut file = ArrayReader::open(&lab.path("out/final.npz")).unwrap();
    let names = file.names().to_vec();
    names.into_iter().map(|name| (name.clone(), file.shape(&name).unwrap())).collect()
}

fn shapes(expected: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
    expected.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()
}

#[test]
fn the_folder_is_named_after_the_experiment_and_holds_five_files() {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml"]);
    assert_eq!(lab.names_in(""), ["runs", "x.toml"]);
    assert_eq!(lab.names_in("runs"), ["small"]);
    assert_eq!(lab.names_in("runs/small"), FILES);
}

#[test]
fn metrics_have_a_row_for_every_replica_and_recorded_step() {
    let lab = Lab::with(&small(&[("steps = 60", "steps = 50")]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let metrics = read_parquet(&lab.path("out/metrics.parquet")).unwrap();
    let quantities = ["train_loss", "test_error", "l1_norm", "active"];
    assert_eq!(metrics.names(), [&["cell", "replica", "step"][..], &quantities[..]].concat());
    // The last step is recorded although it is no multiple of 20.
    assert_eq!(metrics.integers("step").unwrap(), [0, 20, 40, 50].repeat(3));
    assert_eq!(metrics.integers("replica").unwrap(), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    assert_eq!(metrics.integers("cell").unwrap(), [0; 12]);
    // All replicas begin at the same point.
    let losses = metrics.numbers("train_loss").unwrap();
    assert!(losses[0] == losses[4] && losses[0] == losses[8] && losses[3] != losses[7]);
    assert_eq!(metrics.numbers("active").unwrap()[0], 20.0);
}

#[test]
fn keys_of_the_grid_are_columns_of_the_metrics_and_part_of_the_manifest() {
    let grid = "replicas = 3\n[grid]\n\"noise.0.std\" = [0, 0.5]\n\"dynamics.batch\" = [\"full\", 4]";
    let lab = Lab::with(&small(&[("replicas = 3", grid)]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let metrics = read_parquet(&lab.path("out/metrics.parquet")).unwrap();
    assert_eq!(metrics.names()[..5], ["cell", "noise.0.std", "dynamics.batch", "replica", "step"]);
    let every = |step: usize| (0..metrics.rows()).step_by(step);
    let cells: Vec<_> = every(12).map(|row| metrics.integers("cell").unwrap()[row]).collect();
    let stds: Vec<_> = every(12).map(|row| metrics.numbers("noise.0.std").unwrap()[row]).collect();
    let batches: Vec<_> = every(12).map(|row| &metrics.texts("dynamics.batch").unwrap()[row]).collect();
    assert_eq!((cells, stds), (vec![0, 1, 2, 3], vec![0.0, 0.0, 0.5, 0.5]));
    assert_eq!(batches, ["full", "4", "full", "4"]);

    let manifest = manifest(&lab);
    assert_eq!(manifest["cells"].as_array().unwrap().len(), 4);
    assert_eq!(manifest["cells"][3]["cell"], 3);
    assert_eq!(manifest["cells"][3]["keys"]["noise.0.std"], 0.5);
    assert_eq!(manifest["cells"][3]["keys"]["dynamics.batch"], "4");
    let names: Vec<_> = arrays(&lab).into_iter().map(|(name, _)| name).collect();
    let finals =
        (0..4).flat_map(|k| [format!("theta_{k}"), format!("log_abs_theta_{k}"), format!("beta_{k}")]);
    assert!(finals.into_iter().all(|name| names.contains(&name)), "{names:?}");
    // All cells share the data.
    assert!(["X", "y", "truth"].iter().all(|name| names.contains(&(*name).to_owned())), "{names:?}");
}

#[test]
fn final_arrays_are_parameters_coefficients_and_generated_data() {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let expected = shapes(&[
        ("theta_0", &[3, 20]),
        ("log_abs_theta_0", &[3, 20]),
        ("beta_0", &[3, 20]),
        ("lasso_lambda_0", &[20]),
        ("lasso_beta_0", &[20]),
        ("X", &[10, 20]),
        ("y", &[10]),
        ("truth", &[20]),
    ]);
    assert_eq!(arrays(&lab), expected);
    let mut file = ArrayReader::open(&lab.path("out/final.npz")).unwrap();
    let (_, _, theta) = file.read_matrix("theta_0").unwrap();
    let (_, _, beta) = file.read_matrix("beta_0").unwrap();
    assert!(theta.iter().zip(&beta).all(|(w, b)| w * w == *b));
    let metrics = read_parquet(&lab.path("out/metrics.parquet")).unwrap();
    let norm: f64 = beta[..20].iter().map(|b| b.abs()).sum();
    assert_eq!(norm, metrics.numbers("l1_norm").unwrap()[3]);
}

#[test]
fn averages_are_there_where_they_are_asked_for() {
    let lab = Lab::with(&small(&[("{ every = 20 }", "{ every = 20 }\naverage_from = 30")]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    assert!(arrays(&lab).contains(&("beta_mean_0".to_owned(), vec![3, 20])));
}

#[test]
fn a_data_set_for_every_replica_is_kept_row_upon_row() {
    let lab = Lab::with(&small(&[("seed = 1", "seed = 1\ndata_per_replica = true")]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let arrays = arrays(&lab);
    for (name, shape) in shapes(&[("X", &[30, 20]), ("y", &[30]), ("truth", &[20])]) {
        assert!(arrays.contains(&(name, shape)), "{arrays:?}");
    }
}

#[test]
fn data_from_a_file_are_not_copied_but_for_the_truth() {
    let lab = Lab::new();
    let mut file = ArrayWriter::create(&lab.path("data.npz")).unwrap();
    file.matrix("X", 1, 2, &[1.0, 2.0]).unwrap();
    file.vector("y", &[1.0]).unwrap();
    file.vector("truth", &[1.0, 0.0]).unwrap();
    file.finish().unwrap();
    let problem = "kind = \"sparse-regression\"\nsamples = 10\ndim = 20\nsparsity = 2\nseed = 1";
    lab.write("x.toml", small(&[(problem, "kind = \"file\"\npath = \"data.npz\"")]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let names: Vec<_> = arrays(&lab).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["theta_0", "log_abs_theta_0", "beta_0", "lasso_lambda_0", "lasso_beta_0", "truth"]);
}

#[test]
fn the_manifest_says_what_ran_where_and_how_long() {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml", "--out", "out", "--threads", "1"]);
    let manifest = manifest(&lab);
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["status"], "done");
    assert_eq!(manifest["cells_in_total"], 1);
    assert_eq!(manifest["cells"][0]["replicas"], 3);
    assert_eq!(manifest["cells"][0]["diverged"], serde_json::json!([]));
    assert_eq!(manifest["replica_steps"], 180.0);
    assert!(manifest["wall_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(manifest["machine"]["threads"], 1);
    assert!(manifest["machine"]["platform"].is_string() && manifest["machine"]["level"].is_string());
}

#[test]
fn diverged_replicas_are_listed_with_their_step_and_infinite_in_the_metrics() {
    let lab = Lab::with(&small(&[("0.01", "5.0")]));
    let said = lab.succeeds(&["run", "x.toml", "--out", "out"]);
    assert!(said.lines().next().unwrap().ends_with("diverged"), "{said}");
    let manifest = manifest(&lab);
    let diverged = manifest["cells"][0]["diverged"].as_array().unwrap();
    assert_eq!(diverged.len(), 3);
    assert!(diverged.iter().all(|d| (1..60).contains(&d["step"].as_u64().unwrap())), "{diverged:?}");
    assert_eq!(diverged[2]["replica"], 2);
    let metrics = read_parquet(&lab.path("out/metrics.parquet")).unwrap();
    assert_eq!(metrics.numbers("train_loss").unwrap()[3], f64::INFINITY);
    let (_, _, beta) = ArrayReader::open(&lab.path("out/final.npz")).unwrap().read_matrix("beta_0").unwrap();
    assert!(beta.iter().all(|b| b.is_nan()));
    assert!(lab.read("out/report.html").contains("3 of 3 replicas diverged"));
}

#[test]
fn the_report_loads_nothing_from_elsewhere() {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let report = lab.read("out/report.html");
    assert!(report.starts_with("<!doctype html>") && report.trim_end().ends_with("</html>"));
    // What is before the first script is markup of its own; scripts are part of the page.
    let (markup, _) = report.split_once("<script").unwrap();
    let markup = markup.replace("<link rel=\"icon\" href=\"data:,\">", "");
    for load in ["src=", "<link", "@import", "url(", "<iframe", "<object"] {
        assert!(!markup.contains(load), "{load}");
    }
    for (at, _) in report.match_indices("<script") {
        let tag = report[at..].split('>').next().unwrap();
        assert!(!tag.contains("src"), "{tag}");
    }
    assert!(report.contains("default-src 'none'"));
}

#[test]
fn replicas_that_converged_are_in_the_manifest_and_in_the_summary() {
    let changes = [
        ("[[noise]]\nkind = \"label\"\nstd = 0.5\n", ""),
        ("60", "100_000\ntolerance = 1e-6"),
        ("20 }", "50_000 }"),
    ];
    let lab = Lab::with(&small(&changes));
    let said = lab.succeeds(&["run", "x.toml", "--out", "early"]);
    assert!(said.contains("3 of 3 replicas converged and stopped, the first at step "), "{said}");
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("early/manifest.json")).unwrap();
    let converged = manifest["cells"][0]["converged"].as_array().unwrap();
    assert_eq!(converged.len(), 3);
    let step = converged[0]["step"].as_u64().unwrap();
    assert!(step > 0 && step < 100_000 && step.is_multiple_of(4096), "{step}");
    assert!(lab.read("early/report.html").contains(&format!("the first at step {step}")));
    let said = lab.succeeds(&["run", "x.toml", "--out", "late", "--set", "dynamics.tolerance=0"]);
    assert!(!said.contains("converged"), "{said}");
}

#[test]
fn float32_runs_give_the_same_bytes_on_any_number_of_threads() {
    let lab = Lab::with(&small(&[("replicas = 3", "replicas = 70\nprecision = \"f32\"")]));
    for threads in ["1", "2"] {
        lab.succeeds(&["run", "x.toml", "--out", threads, "--threads", threads]);
    }
    for file in ["metrics.parquet", "final.npz"] {
        assert_eq!(lab.bytes(&format!("1/{file}")), lab.bytes(&format!("2/{file}")), "{file}");
    }
    lab.succeeds(&["run", "x.toml", "--out", "double", "--set", "ensemble.precision=\"f64\""]);
    assert_ne!(lab.bytes("1/final.npz"), lab.bytes("double/final.npz"));
}
