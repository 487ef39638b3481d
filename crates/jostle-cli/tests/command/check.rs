//! `jostle check` says everything about a run, and runs nothing.

use crate::lab::{Lab, small};

const GRID: &str = "replicas = 3\n[grid]\n\"dynamics.batch\" = [\"full\", 4]\n\"problem.samples\" = [8, 10]";

#[test]
fn checking_writes_nothing_and_takes_no_steps() {
    let lab =
        Lab::with(&small(&[("steps = 60", "steps = 1_000_000_000_000_000"), ("every = 20", "log = 20")]));
    let before = lab.files();
    let said = lab.succeeds(&["check", "x.toml"]);
    assert_eq!(lab.files(), before);
    let estimate = said.lines().last().unwrap();
    assert!(estimate.starts_with("# 1 cell, 3.000e15 replica-steps, "), "{estimate}");
    assert!(estimate.contains(" of memory, about ") && estimate.contains(" h on "), "{estimate}");
}

#[test]
fn the_resolved_experiment_resolves_to_itself() {
    for experiment in [small(&[]), small(&[("replicas = 3", GRID)])] {
        let lab = Lab::with(&experiment);
        let resolved = lab.succeeds(&["check", "x.toml", "--threads", "2"]);
        lab.write("elsewhere/resolved.toml", &resolved);
        assert_eq!(lab.succeeds(&["check", "elsewhere/resolved.toml", "--threads", "2"]), resolved);
        lab.succeeds(&["run", "x.toml", "--out", "out"]);
        assert!(resolved.starts_with(&lab.read("out/experiment.toml")), "a run resolves it differently");
    }
}

#[test]
fn more_words_name_the_kernel_of_every_cell() {
    let lab = Lab::with(&small(&[("replicas = 3", GRID)]));
    // Enough replicas to stand side by side in the vectors of every processor.
    let said = lab.succeeds(&["check", "x.toml", "-v", "--replicas", "16"]);
    let kernels: Vec<&str> = said.lines().filter(|line| line.starts_with("# cell ")).collect();
    assert_eq!(kernels.len(), 4);
    assert!(kernels[0].starts_with("# cell 0: full batch"), "{said}");
    assert!(kernels[3].starts_with("# cell 3: mini-batch"), "{said}");
    assert!(said.contains("\n# vectors: "), "{said}");
    assert!(kernels.iter().all(|line| line.contains(", because each ")), "{said}");
    let rates = said.lines().filter(|line| line.ends_with("replica-steps a second on each thread"));
    assert_eq!(rates.count(), 4, "{said}");
    assert!(!said.contains("converged"), "noise never stops: {said}");
    let quiet = Lab::with(&small(&[("[[noise]]\nkind = \"label\"\nstd = 0.5\n", "")]));
    assert!(quiet.succeeds(&["check", "x.toml", "-v"]).contains("replicas stop when they have converged"));
}

#[test]
fn what_run_refuses_is_refused() {
    let lab = Lab::with(&small(&[("0.01", "0.01\nbatch = 11")]));
    assert_eq!(lab.refuses(&["check", "x.toml"]), lab.refuses(&["run", "x.toml"]));
}

const NETWORK: &str = r#"
[problem]
kind = "images"
dataset = "digits"
samples = 40
[model]
kind = "cnn"
channels = [3, 4]
[dynamics]
kind = "gradient-descent"
steps = 10
learning_rate = 0.1
[observe]
quantities = ["train_loss"]
"#;

#[test]
fn the_memory_of_kernels_is_stated_where_something_measures_them() {
    let lab = Lab::with(NETWORK);
    let json = |changes: &[&str]| -> serde_json::Value {
        serde_json::from_str(&lab.succeeds(&[&["check", "x.toml", "--json"], changes].concat())).unwrap()
    };
    let plain = json(&[]);
    assert_eq!((&plain["geometry_bytes"], &plain["geometry"]), (&0.0.into(), &serde_json::json!([[]])));
    let recorded = ["--set", "observe.quantities=['trace_G']"];
    let with_kernel = json(&recorded);
    let [bytes, memory] = ["geometry_bytes", "memory_bytes"].map(|key| with_kernel[key].as_f64().unwrap());
    // At least the lower half of the kernel, in float32.
    assert!(bytes > 400.0 * 400.0 * 2.0 && memory > bytes, "{bytes} {memory}");
    let layers = with_kernel["geometry"][0][0]["layers"].as_array().unwrap();
    assert_eq!(layers.iter().map(|layer| &layer["p"]).collect::<Vec<_>>(), [30, 112, 50]);

    let said = lab.succeeds(&[&["check", "x.toml", "-v"][..], &recorded].concat());
    assert!(said.contains("\n# of it at most "), "{said}");
    assert!(said.contains("\n#   kernel for [observe] layer by layer: at most "), "{said}");
    let layers = said.lines().filter(|line| line.starts_with("#     layer "));
    assert_eq!(layers.count(), 3, "{said}");
    assert!(said.contains("layer 0 (30 parameters): gradients of every sample and output, "), "{said}");

    let started = json(&["--set", "dynamics.learning_rate_unit='gd-limit'"]);
    assert_eq!(started["geometry"][0][0]["asked_by"], "start");
}
