//! The predicted Lasso is said wherever a run is read, and diverged replicas are counted apart.

use crate::lab::{Lab, small};
use jostle_files::{ArrayReader, ArrayWriter};
use serde_json::Value;

fn on_data(more: &[(&str, &str)]) -> String {
    let problem = "kind = \"sparse-regression\"\nsamples = 10\ndim = 20\nsparsity = 2\nseed = 1";
    let changes = [&[(problem, "kind = \"file\"\npath = \"data.npz\"")], more].concat();
    small(&changes)
}

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    serde_json::from_str(&lab.succeeds(&[arguments, &["--json"]].concat())).unwrap()
}

/// |X_j|^2 = n, y = (2, 1): correlations 3/2 and -1/2, so that the non-negative Lasso is ((3 - 2 lambda)/2, 0).
fn orthogonal(lab: &Lab) {
    let mut file = ArrayWriter::create(&lab.path("data.npz")).unwrap();
    file.matrix("X", 2, 2, &[1.0, -1.0, 1.0, 1.0]).unwrap();
    file.vector("y", &[2.0, 1.0]).unwrap();
    file.finish().unwrap();
}

#[test]
fn check_run_predict_and_final_npz_have_the_lasso_computed_by_hand() {
    let lab = Lab::with(&on_data(&[("std = 0.5", "std = 10"), ("at =", "average_from = 20\nat =")]));
    orthogonal(&lab);
    // lambda = eta delta^2 / 2 = 1/2, and the first coefficient 3/2 - 1/2.
    let checked = lab.succeeds(&["check", "x.toml"]);
    let sentence = "Predicted Lasso of the time average (non-negative): lambda 0.5; 1 of 2 coefficients are not zero; \
                    relative gap 0; the only solution.";
    assert!(
        checked.contains(&format!("\n# {sentence}\n# j  lambda_j  Lasso\n# 1  0.5       1\n")),
        "{checked}"
    );
    let run = lab.succeeds(&["run", "x.toml", "--out", "out"]);
    assert!(run.contains(&format!("\n{sentence} Relative distance of the time average to it: ")), "{run}");
    assert!(run.contains("\nj  lambda_j  Lasso  measured\n"), "{run}");
    assert!(lab.read("out/report.html").contains("predicted Lasso"));
    let mut arrays = ArrayReader::open(&lab.path("out/final.npz")).unwrap();
    let (lambda, beta) =
        (arrays.read_vector("lasso_lambda_0").unwrap(), arrays.read_vector("lasso_beta_0").unwrap());
    assert!(
        lambda.iter().all(|l| (l - 0.5).abs() < 1e-15) && (beta[0] - 1.0).abs() < 1e-15 && beta[1] == 0.0
    );
    let found = [
        json(&lab, &["check", "x.toml"])["predicted_lasso"][0].clone(),
        json(&lab, &["run", "x.toml", "--out", "out2"])["cells"][0]["predicted_lasso"].clone(),
        json(&lab, &["predict", "x.toml"])["cells"][0]["predicted_lasso"].clone(),
    ];
    for found in found {
        assert_eq!(found["unique"], true, "{found}");
        assert_eq!(found["support"], serde_json::json!([0]), "{found}");
        assert!((found["beta"][0].as_f64().unwrap() - 1.0).abs() < 1e-15, "{found}");
        assert!((found["lambda"][1].as_f64().unwrap() - 0.5).abs() < 1e-15, "{found}");
        assert!(found["convention"].as_str().unwrap().contains("|X beta - y|^2 / 2n"), "{found}");
    }
    let said = lab.succeeds(&["predict", "x.toml"]);
    assert!(said.contains(sentence), "{said}");
}

#[test]
fn a_lasso_that_is_one_of_several_is_said_to_be_and_predictions_are_compared() {
    let quantities = "quantities = [\"time_average_to_lasso\", \"average_predictions_to_lasso\"]\nat =";
    let quantities = format!("average_from = 20\n{quantities}");
    let lab = Lab::with(&on_data(&[("at =", &quantities)]));
    let mut file = ArrayWriter::create(&lab.path("data.npz")).unwrap();
    // The same column twice.
    file.matrix("X", 3, 2, &[1.0, 1.0, 2.0, 2.0, 1.0, 1.0]).unwrap();
    file.vector("y", &[2.0, 4.0, 1.0]).unwrap();
    file.finish().unwrap();
    let result = json(&lab, &["run", "x.toml", "--out", "out"]);
    let cell = &result["cells"][0];
    assert_eq!(cell["predicted_lasso"]["unique"], false);
    assert_eq!(cell["predicted_lasso"]["measured"]["coefficients"], Value::Null);
    assert!(cell["predicted_lasso"]["measured"]["predictions"].as_f64().unwrap() < 1.0);
    assert_eq!(cell["final"]["time_average_to_lasso"]["median"], Value::Null);
    assert!(cell["final"]["average_predictions_to_lasso"]["median"].as_f64().unwrap() < 1.0);
    let said = lab.succeeds(&["run", "x.toml", "--out", "out2"]);
    assert!(
        said.contains("one of several solutions, which differ in coefficients and agree in predictions"),
        "{said}"
    );
    assert!(said.contains("Relative distance of the predictions of the time average to its own: "), "{said}");
}

#[test]
fn where_there_is_no_predicted_lasso_the_reason_is_given_to_who_asks() {
    let lab = Lab::with(&small(&[("quadratic", "linear")]));
    let reason =
        "the l1 strength of label noise holds for beta = w^2, u^2 - v^2 and a * b; the model is linear";
    assert!(!lab.succeeds(&["check", "x.toml"]).contains("Lasso"));
    let said = lab.succeeds(&["check", "x.toml", "-v"]);
    assert!(said.contains(&format!("\n# cell 0 has no predicted Lasso: {reason}\n")), "{said}");
    assert_eq!(json(&lab, &["run", "x.toml"])["cells"][0]["predicted_lasso"]["reason"], reason);
    let own = Lab::with(&small(&[("seed = 1", "seed = 1\ndata_per_replica = true")]));
    let found = json(&own, &["run", "x.toml"]);
    let reason = found["cells"][0]["predicted_lasso"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("replicas have data of their own"), "{reason}");
}

#[test]
fn diverged_replicas_are_no_part_of_counts_and_shares_and_infinite_in_losses() {
    // Of step sizes so large that every replica diverges, and so small that none does.
    let quantities = "quantities = [\"train_loss\", \"active\", \"support_recall\"]\nat =";
    let grid = "replicas = 3\n[grid]\n\"dynamics.learning_rate\" = [0.01, 5.0]";
    let lab = Lab::with(&small(&[("at =", quantities), ("replicas = 3", grid)]));
    let said = lab.succeeds(&["run", "x.toml"]);
    let row = said.lines().nth(2).unwrap();
    assert!(row.contains("inf [inf, inf]") && row.contains("  nan ") && row.ends_with('3'), "{said}");
    assert!(said.contains("counts and shares leave them out"), "{said}");
    assert!(
        said.contains("\nActive coefficients are above 0.05, 0.05 times the largest true coefficient.\n"),
        "{said}"
    );
    let finals = json(&lab, &["run", "x.toml", "--out", "out"])["cells"][1]["final"].clone();
    assert_eq!((&finals["active"]["replicas"], &finals["active"]["high"]), (&Value::from(0), &Value::Null));
    assert_eq!(finals["train_loss"]["replicas"], 3);
}
