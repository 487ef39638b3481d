//! Experiments in continuous time.

use crate::lab::{Lab, small};
use jostle_files::read_parquet;

const DESCENT: &str = "kind = \"gradient-descent\"\nsteps = 60\nlearning_rate = 0.01";

/// The small experiment with other dynamics.
fn flow(settings: &str) -> String {
    small(&[(DESCENT, &format!("kind = \"flow\"\nsteps = 60\n{settings}"))])
}

fn answer(settings: &str, change: (&str, &str)) -> String {
    let experiment = flow(settings).replacen(change.0, change.1, 1);
    Lab::with(&experiment).refuses(&["run", "x.toml", "--out", "out"])
}

#[test]
fn a_flow_runs_with_the_same_bytes_on_any_number_of_threads() {
    let lab = Lab::with(&flow("time_step = 0.05\nlearning_rate = 0.1").replacen("= 3", "= 70", 1));
    for threads in ["1", "2"] {
        lab.succeeds(&["run", "x.toml", "--out", threads, "--threads", threads]);
    }
    for file in ["metrics.parquet", "final.npz", "experiment.toml"] {
        assert_eq!(lab.bytes(&format!("1/{file}")), lab.bytes(&format!("2/{file}")), "{file}");
    }
    let metrics = read_parquet(&lab.path("1/metrics.parquet")).unwrap();
    assert_eq!(metrics.integers("step").unwrap()[..4], [0, 20, 40, 60]);
    let resolved = lab.read("1/experiment.toml");
    assert!(resolved.contains("scheme = \"sra1\"") && resolved.contains("time_step = 0.05"), "{resolved}");
    lab.write("again/x.toml", &resolved);
    lab.succeeds(&["run", "again/x.toml", "--out", "again/out"]);
    assert_eq!(lab.bytes("again/out/metrics.parquet"), lab.bytes("1/metrics.parquet"));
}

#[test]
fn settings_without_a_flow_are_placed() {
    let step = "time_step = 0.05\nlearning_rate = 0.1";
    assert_eq!(
        answer("time_step = 0.05", ("", "")),
        "x.toml:14:2: dynamics.learning_rate is missing; expected a number above 0, or { initial = 0.01, drops = \
         [[100_000, 0.1]] }: noise is as strong as in gradient descent of that step size"
    );
    assert_eq!(
        answer("learning_rate = 0.1", ("", "")),
        "x.toml:14:2: dynamics.time_step is missing; expected a number above 0"
    );
    assert_eq!(
        answer(&format!("{step}\nscheme = \"sra2\""), ("", "")),
        "x.toml:19:10: dynamics.scheme is \"sra2\"; did you mean \"sra1\"?"
    );
    assert_eq!(
        answer(step, ("kind = \"label\"", "kind = \"isotropic\"")),
        "x.toml:21:8: noise.0.kind is not noise of the labels alone; expected \"label\", or \"covariance\" with of = \
         \"label\" and shape = \"full\", with dynamics.kind = \"flow\""
    );
    assert_eq!(
        answer(step, ("kind = \"quadratic\"", "kind = \"hadamard\"\ndepth = 3")),
        "x.toml:12:9: model.depth is 3; expected 2 with dynamics.kind = \"flow\""
    );
}
