//! What the command prints, and where.

use crate::lab::{Lab, small};
use serde_json::Value;

#[test]
fn a_run_ends_with_a_table_and_the_way_to_its_report() {
    let lab = Lab::with(&small(&[]));
    let said = lab.succeeds(&["run", "x.toml"]);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("cell  replicas  train_loss"), "{said}");
    assert!(lines[1].starts_with("0     3 "), "{said}");
    assert_eq!(lines.last(), Some(&"Report: runs/small/report.html"));
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let lab = Lab::with(&small(&[]));
    let result: Value =
        serde_json::from_str(&lab.succeeds(&["run", "x.toml", "--json", "--out", "out"])).unwrap();
    assert_eq!(result["run"], "out");
    assert_eq!(result["cells"][0]["steps"], 60);
    assert_eq!(result["cells"][0]["replicas"], 3);
    assert_eq!(result["cells"][0]["diverged"], 0);
    let l1 = &result["cells"][0]["final"]["l1_norm"];
    assert!(l1["low"].as_f64() <= l1["median"].as_f64() && l1["median"].as_f64() <= l1["high"].as_f64());
    let quiet: Value = serde_json::from_str(&lab.succeeds(&["run", "x.toml", "--json", "-q"])).unwrap();
    assert_eq!(quiet["cells"], result["cells"]);
    let checked: Value = serde_json::from_str(&lab.succeeds(&["check", "x.toml", "--json"])).unwrap();
    assert_eq!((&checked["cells"], &checked["replica_steps"]), (&Value::from(1), &Value::from(180.0)));
}

#[test]
fn what_is_infinite_is_null_in_json() {
    let lab = Lab::with(&small(&[("0.01", "5.0")]));
    let result: Value = serde_json::from_str(&lab.succeeds(&["run", "x.toml", "--json"])).unwrap();
    assert_eq!(result["cells"][0]["diverged"], 3);
    assert_eq!(result["cells"][0]["final"]["train_loss"]["median"], Value::Null);
}

#[test]
fn quiet_commands_print_nothing() {
    let lab = Lab::with(&small(&[]));
    assert_eq!(lab.succeeds(&["run", "x.toml", "-q"]), "");
    assert_eq!(lab.succeeds(&["check", "x.toml", "--quiet"]), "");
}

#[test]
fn options_take_the_place_of_the_files_values() {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&[
        "run",
        "x.toml",
        "--out",
        "out",
        "--replicas",
        "2",
        "--seed",
        "7",
        "--set",
        "noise.0.std=0.25",
    ]);
    let resolved = lab.read("out/experiment.toml");
    for line in ["replicas = 2", "seed = 7", "std = 0.25"] {
        assert!(resolved.lines().any(|found| found == line), "{resolved}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is_one() {
    let lab = Lab::with(&small(&[]));
    for arguments in [&["check", "x.toml"][..], &["--help"], &["run", "x.toml"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = lab.command(arguments).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()), "{arguments:?}");
    }
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    for arguments in [&["check", "x.toml"][..], &["--help"], &["run", "--help"], &["--version"]] {
        let output = lab.command(arguments).stdout(full.try_clone().unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("error: cannot write to standard output: "), "{said}");
    }
}

#[test]
fn help_is_stable() {
    let lab = Lab::new();
    insta::assert_snapshot!(lab.succeeds(&["--help"]));
    insta::assert_snapshot!(lab.succeeds(&["run", "--help"]));
    insta::assert_snapshot!(lab.succeeds(&["check", "--help"]));
    insta::assert_snapshot!(lab.succeeds(&["measure", "--help"]));
    assert_eq!(lab.succeeds(&["--version"]), format!("jostle {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn without_a_command_help_is_shown() {
    let shown = Lab::new().jostle(&[]);
    assert_eq!((shown.code, shown.stdout.as_str()), (Some(2), ""));
    assert!(shown.stderr.contains("Usage: jostle"), "{}", shown.stderr);
}
