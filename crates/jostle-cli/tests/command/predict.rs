//! `jostle predict`, and ensembles that ask for predictions.

use crate::lab::{Lab, small};
use jostle_files::{ArrayReader, read_parquet};
use serde_json::Value;

/// The small experiment with other observables, some of which have no prediction.
const OBSERVED: (&str, &str) = (
    "at = { every = 20 }",
    "at = { every = 20 }\nquantities = [\"test_error\", \"off_support_max\", \"train_loss\"]",
);

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    serde_json::from_str(&lab.succeeds(&[arguments, &["--json"]].concat())).unwrap()
}

#[test]
fn a_prediction_is_printed_and_writes_nothing() {
    let lab = Lab::with(&small(&[OBSERVED]));
    let before = lab.files();
    let said = lab.succeeds(&["predict", "x.toml"]);
    assert_eq!(lab.files(), before);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "Means predicted by theory (the slow flow), not simulated.");
    assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["step", "test_error", "train_loss"]);
    assert!(lines[3].starts_with("0 ") && lines[6].starts_with("60 "), "{said}");
    assert!(said.contains("Not predicted: off_support_max."), "{said}");
    assert!(said.contains("Expanded to first order in: step size "), "{said}");
    assert!(
        said.contains(
            "Not compared with a simulated ensemble: there is none; `jostle run x.toml --replicas 16` makes one in \
             runs/small."
        ),
        "{said}"
    );
    assert_eq!(lab.succeeds(&["predict", "x.toml", "-q"]), "");
}

#[test]
fn a_prediction_is_shown_beside_a_simulated_ensemble_of_the_same_experiment() {
    let lab = Lab::with(&small(&[OBSERVED]));
    lab.succeeds(&["run", "x.toml", "--replicas", "32"]);
    let said = lab.succeeds(&["predict", "x.toml", "--seed", "5"]);
    assert!(said.contains("Against 32 simulated replicas in runs/small, relative to their mean:"), "{said}");
    assert!(
        said.lines().any(|line| line.starts_with("test_error ") && line.contains("standard errors")),
        "{said}"
    );

    let told = json(&lab, &["predict", "x.toml"]);
    let compared = &told["comparison"]["cells"][0];
    assert_eq!(compared["replicas"], 32);
    let last = &compared["quantities"]["test_error"]["last"];
    assert_eq!(last["step"], 60);
    let (difference, error) = (
        last["predicted"].as_f64().unwrap() - last["mean"].as_f64().unwrap(),
        last["standard_error"].as_f64().unwrap(),
    );
    assert!(difference.abs() < 5.0 * error, "{last}");
    assert!(compared["quantities"]["off_support_max"].is_null());

    // Another experiment is no yardstick: said where it was not asked for, refused where it was.
    let said = lab.succeeds(&["predict", "x.toml", "--set", "noise.0.std=0.25"]);
    assert!(said.contains("it is of another experiment; noise.0.std is 0.5 there and 0.25 here"), "{said}");
    let refused = lab.refuses(&["predict", "x.toml", "--set", "noise.0.std=0.25", "--against", "runs/small"]);
    let reason = "not a run folder: it is of another experiment; noise.0.std is 0.5 there and 0.25 here";
    assert_eq!(refused, format!("runs/small: {reason}"));
}

#[test]
fn a_prediction_that_ends_early_is_compared_where_it_is_one_and_says_so() {
    let lab = Lab::with(&small(&[OBSERVED, ("std = 0.5", "std = 60.0")]));
    lab.succeeds(&["run", "x.toml", "--replicas", "4"]);
    let said = lab.succeeds(&["predict", "x.toml"]);
    assert!(said.contains("outside its validity from step 20 on: "), "{said}");
    let line = said.lines().rfind(|line| line.starts_with("test_error")).unwrap();
    assert_eq!(
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "),
        "no prediction - no prediction -"
    );
    assert!(
        said.contains("At the last step, 60, there is no prediction of test_error, train_loss."),
        "{said}"
    );
    let told = json(&lab, &["predict", "x.toml"]);
    let compared = &told["comparison"]["cells"][0]["quantities"]["test_error"];
    assert!(compared["last"].is_null() && compared["largest"].is_null(), "{compared}");
    assert_eq!(
        (&compared["last_step"], &compared["predicted_at_last_step"]),
        (&Value::from(60), &Value::from(false))
    );
}

#[test]
fn predictions_that_do_not_fit_are_counted_and_refused() {
    let large = small(&[
        ("samples = 10", "samples = 200000"),
        ("replicas = 3", "replicas = 3\nmethod = \"predict\""),
    ]);
    let lab = Lab::with(&large);
    let refused = lab.refuses(&["predict", "x.toml"]);
    assert!(
        refused.contains("reduce problem.samples, or simulate (ensemble.method = \"simulate\")"),
        "{refused}"
    );
}

#[test]
fn the_json_of_a_prediction_has_every_recorded_step() {
    let lab = Lab::with(&small(&[OBSERVED]));
    let told = json(&lab, &["predict", "x.toml"]);
    assert_eq!((&told["name"], &told["method"]), (&Value::from("small"), &Value::from("predict")));
    let cell = &told["cells"][0];
    assert_eq!(cell["steps"], serde_json::json!([0, 20, 40, 60]));
    assert_eq!(cell["not_predicted"], serde_json::json!(["off_support_max"]));
    assert!(cell["predicted"]["off_support_max"].is_null() && told["comparison"].is_null());
    let errors = cell["predicted"]["test_error"].as_array().unwrap();
    // 18 coefficients of 1/4 off the truth, and two on it.
    assert!((errors[0].as_f64().unwrap() - (18.0 / 16.0 + 2.0 * 0.5625)).abs() < 1e-12);
    assert_eq!(errors.len(), 4);
    assert!(told["not_compared"].as_str().unwrap().starts_with("there is none"));
}

#[test]
fn every_file_of_a_predicted_run_says_so() {
    let lab = Lab::with(&small(&[OBSERVED]));
    lab.succeeds(&["predict", "x.toml", "--out", "predicted"]);
    let said = lab.succeeds(&["run", "x.toml", "--out", "run", "--set", "ensemble.method=predict"]);
    assert!(said.contains("theory") && said.contains("not predicted"), "{said}");
    assert!(
        said.contains("1 of 1 cells hold means that theory predicts (the slow flow), not simulated"),
        "{said}"
    );
    for file in ["metrics.parquet", "final.npz", "experiment.toml"] {
        assert_eq!(lab.bytes(&format!("predicted/{file}")), lab.bytes(&format!("run/{file}")), "{file}");
    }
    assert!(lab.read("run/experiment.toml").contains("method = \"predict\"\n"));
    let manifest: Value = serde_json::from_str(&lab.read("run/manifest.json")).unwrap();
    let record = &manifest["cells"][0];
    assert_eq!((&record["replicas"], &manifest["replica_steps"]), (&Value::from(1), &Value::from(0.0)));
    assert_eq!(record["predicted"]["by"], "the slow flow");
    assert_eq!(record["predicted"]["not_predicted"], serde_json::json!(["off_support_max"]));
    assert!(lab.read("run/report.html").contains("1 of 1 cells hold means that theory predicts"));
    let key = b"jostle.predicted_cells";
    assert!(lab.bytes("run/metrics.parquet").windows(key.len()).any(|bytes| bytes == key));

    let metrics = read_parquet(&lab.path("run/metrics.parquet")).unwrap();
    assert_eq!(metrics.integers("replica").unwrap(), [0; 4]);
    assert!(metrics.numbers("off_support_max").unwrap().iter().all(|v| v.is_nan()));
    let mut arrays = ArrayReader::open(&lab.path("run/final.npz")).unwrap();
    assert_eq!(arrays.shape("beta_deviation_0").unwrap(), [1, 20]);
    let (_, _, beta) = arrays.read_matrix("beta_0").unwrap();
    let (_, _, deviation) = arrays.read_matrix("beta_deviation_0").unwrap();
    assert!(beta.iter().zip(&deviation).all(|(b, s)| *b > 0.0 && *s > 0.0 && *s < *b));
}

#[test]
fn a_grid_may_simulate_and_predict_and_threads_change_no_byte() {
    let grid = "replicas = 3\n[grid]\n\"noise.0.std\" = [0.25, 0.5]\n\"ensemble.method\" = [\"predict\", \"simulate\"]";
    let lab = Lab::with(&small(&[("replicas = 3", grid)]));
    for threads in ["1", "2"] {
        lab.succeeds(&["run", "x.toml", "--out", threads, "--threads", threads]);
    }
    assert_eq!(lab.bytes("1/metrics.parquet"), lab.bytes("2/metrics.parquet"));
    assert_eq!(lab.bytes("1/final.npz"), lab.bytes("2/final.npz"));
    let metrics = read_parquet(&lab.path("1/metrics.parquet")).unwrap();
    let rows = |cell: i64| metrics.integers("cell").unwrap().iter().filter(|c| **c == cell).count();
    assert_eq!([0, 1, 2, 3].map(rows), [4, 12, 4, 12]);
    let manifest: Value = serde_json::from_str(&lab.read("1/manifest.json")).unwrap();
    let predicted: Vec<bool> =
        manifest["cells"].as_array().unwrap().iter().map(|cell| cell["predicted"].is_object()).collect();
    assert_eq!(predicted, [true, false, true, false]);
    assert_eq!(manifest["replica_steps"], 360.0);
    let report = lab.read("1/report.html");
    assert!(report.contains("2 of 4 cells hold means that theory predicts"), "labelled");
    let said = lab.succeeds(&["check", "x.toml", "-v"]);
    assert!(said.contains("# cell 0: predicted by theory; replicas take at most the first steps"), "{said}");
    let said = lab.succeeds(&["predict", "x.toml"]);
    assert!(
        said.contains("After 60 steps; the means at every recorded step are in --json and in --out."),
        "{said}"
    );
}

#[test]
fn what_theory_does_not_reach_is_refused_in_one_line() {
    let isotropic = small(&[("kind = \"label\"", "kind = \"isotropic\"")]);
    let lab = Lab::with(&isotropic);
    let expected = "x.toml:20:8: noise.0.kind has no prediction: the slow flow holds for label noise and \
                    mini-batches; noise.0 is another noise";
    assert_eq!(lab.refuses(&["predict", "x.toml"]), expected);
    assert_eq!(lab.refuses(&["predict", "x.toml", "--out", "out"]), expected);
    assert_eq!(lab.refuses(&["run", "x.toml", "--set", "ensemble.method=predict"]), expected);
    let linear = Lab::with(&small(&[("kind = \"quadratic\"\ninit = 0.5", "kind = \"linear\"")]));
    assert_eq!(
        linear.refuses(&["predict", "x.toml"]),
        "x.toml:11:8: model.kind has no prediction: the slow flow holds for beta = w^2, u^2 - v^2 and a * b; the model \
         is linear"
    );
    let guess = Lab::with(&small(&[("replicas = 3", "method = \"guess\"")]));
    assert_eq!(
        guess.refuses(&["run", "x.toml"]),
        "x.toml:27:10: ensemble.method is \"guess\"; expected \"simulate\" or \"predict\""
    );
}

#[test]
fn outside_its_validity_a_prediction_says_from_where_and_why() {
    let lab = Lab::with(&small(&[("0.01", "5.0")]));
    let said = lab.succeeds(&["predict", "x.toml", "--out", "out"]);
    assert!(
        said.contains(
            "outside its validity from step 20 on: gradient descent is unstable: its step size is "
        ),
        "{said}"
    );
    let told = json(&lab, &["predict", "x.toml"]);
    assert_eq!(told["cells"][0]["outside"][0]["step"], 20);
    let losses = told["cells"][0]["predicted"]["train_loss"].as_array().unwrap();
    assert!(losses[0].is_f64() && losses[1..].iter().all(Value::is_null));
    assert!(
        lab.read("out/report.html").contains("outside theory&#39;s validity from step 20 on")
            || lab.read("out/report.html").contains("validity from step 20 on")
    );
}

#[test]
fn replicas_with_data_of_their_own_are_predicted_one_by_one() {
    let lab = Lab::with(&small(&[("seed = 1", "seed = 1\ndata_per_replica = true")]));
    lab.succeeds(&["predict", "x.toml", "--out", "out"]);
    let metrics = read_parquet(&lab.path("out/metrics.parquet")).unwrap();
    assert_eq!(metrics.integers("replica").unwrap(), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    let errors = metrics.numbers("test_error").unwrap();
    assert!(errors[3] != errors[7] && errors[0] == errors[4]);
    let told = json(&lab, &["predict", "x.toml"]);
    let mean = told["cells"][0]["predicted"]["test_error"][3].as_f64().unwrap();
    assert!((mean - (errors[3] + errors[7] + errors[11]) / 3.0).abs() < 1e-12);
}
