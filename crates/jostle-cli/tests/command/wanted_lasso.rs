//! Label noise whose Lasso is given: the standard deviation follows, and is said wherever the run is read.

use crate::lab::{Lab, small};
use jostle_files::ArrayReader;
use serde_json::Value;

const ONE: &[(&str, &str)] = &[("std = 0.5", "lambda = 0.02")];

/// An orthonormal design with |X_j|^2 = n, on which the formula is lambda = eta delta^2 / 2.
fn on_two_samples() -> String {
    small(&[
        (
            "kind = \"sparse-regression\"\nsamples = 10\ndim = 20\nsparsity = 2\nseed = 1",
            "kind = \"file\"\npath = \"data.csv\"\ntarget = \"y\"",
        ),
        ("std = 0.5", "lambda = 0.02"),
    ])
}

#[test]
fn the_standard_deviation_is_said_by_check_run_and_manifest() {
    let lab = Lab::with(&on_two_samples());
    lab.write("data.csv", "a,b,y\n1,-1,2\n1,1,1\n");
    let line = "noise.0.lambda = 0.02: std = 2, for |X beta - y|^2 / 2n + lambda |beta|_1, at step size 0.01, loss factor \
                0.25, one perturbed label a step\n";
    let checked = lab.succeeds(&["check", "x.toml"]);
    assert!(checked.contains(&format!("\n# {line}")), "{checked}");
    let run = lab.succeeds(&["run", "x.toml", "--out", "out"]);
    assert!(run.contains(&format!("\n{line}")), "{run}");
    let manifest: Value = serde_json::from_str(&lab.read("out/manifest.json")).unwrap();
    let found = &manifest["cells"][0]["label_noise"][0];
    assert_eq!((found["lambda"].as_f64(), found["std"].as_f64()), (Some(0.02), Some(2.0)));
    assert!(lab.read("out/report.html").contains("noise.0.lambda = 0.02: std = 2, "));
    let json: Value = serde_json::from_str(&lab.succeeds(&["check", "x.toml", "--json"])).unwrap();
    assert_eq!(json["label_noise"][0][0]["std"].as_f64(), Some(2.0));
    let json: Value =
        serde_json::from_str(&lab.succeeds(&["run", "x.toml", "--out", "b", "--json", "-q"])).unwrap();
    assert_eq!(json["cells"][0]["label_noise"][0]["std"].as_f64(), Some(2.0));
}

#[test]
fn a_run_with_lambda_is_the_run_with_the_standard_deviation() {
    let lab = Lab::with(&on_two_samples());
    lab.write("data.csv", "a,b,y\n1,-1,2\n1,1,1\n");
    lab.write("std.toml", on_two_samples().replace("lambda = 0.02", "std = 2"));
    lab.succeeds(&["run", "x.toml", "--out", "lambda"]);
    lab.succeeds(&["run", "std.toml", "--out", "std"]);
    let theta = |run: &str| {
        ArrayReader::open(&lab.path(run).join("final.npz")).unwrap().read_matrix("theta_0").unwrap()
    };
    assert_eq!(theta("lambda"), theta("std"));
    assert!(lab.read("lambda/experiment.toml").contains("\nlambda = 0.02\n"));
    assert!(!lab.read("lambda/experiment.toml").contains("\nstd = "));
    lab.succeeds(&["run", "lambda/experiment.toml", "--out", "again"]);
    assert_eq!(lab.bytes("again/final.npz"), lab.bytes("lambda/final.npz"));
}

#[test]
fn a_grid_of_lambdas_has_a_standard_deviation_in_each_cell() {
    let grid = "replicas = 3\n[grid]\n\"noise.0.lambda\" = [0.02, 0.08]";
    let lab = Lab::with(&small(&[("std = 0.5\n", ""), ("replicas = 3", grid)]));
    let json: Value = serde_json::from_str(&lab.succeeds(&["check", "x.toml", "--json"])).unwrap();
    let std = |cell: usize| json["label_noise"][cell][0]["std"].as_f64().unwrap();
    assert!((std(1) / std(0) - 2.0).abs() < 1e-10, "{} and {}", std(0), std(1));
    let checked = lab.succeeds(&["check", "x.toml"]);
    assert!(checked.contains("\n# cell 1: noise.0.lambda = 0.08: std = "), "{checked}");
    assert!(checked.contains("lambda the mean of the lambda_j of a weighted Lasso"), "{checked}");
}

#[test]
fn lambda_beside_std_and_where_no_lasso_is_known_is_refused() {
    let refused = |changes: &[(&str, &str)]| Lab::with(&small(changes)).refuses(&["check", "x.toml"]);
    assert_eq!(
        refused(&[("std = 0.5", "std = 0.5\nlambda = 0.1")]),
        "x.toml:21:1: noise.0.std is given beside lambda; expected one of the two"
    );
    assert_eq!(
        refused(&[("std = 0.5", "lambda = 0")]),
        "x.toml:21:10: noise.0.lambda is 0; expected a number above 0"
    );
    assert_eq!(
        refused(&[ONE[0], ("quadratic", "linear")]),
        "x.toml:21:10: noise.0.lambda is 0.02, but the l1 strength of label noise holds for beta = w^2, u^2 - v^2 and a * \
         b; the model is linear; expected std in its place"
    );
}
