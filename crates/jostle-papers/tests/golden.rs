//! The results of every experiment of every paper, against a list of their SHA-256: what moves code must not move bits.
//!
//! A change of numbers is an entry of the changelog labelled value-breaking, and a new list: `cargo xtask golden`.

use jostle::Level;
use jostle_lab::Unwatched;
use jostle_lab::experiment::{Experiment, Overrides};
use jostle_lab::plan::{Plan, Resources};
use jostle_lab::run::{Destination, Outcome, execute};
use jostle_papers::{PAPERS, Paper};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// The list, in the format of `sha256sum`.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.sha256");

/// Asks for a new list instead of a comparison.
const WRITE: &str = "JOSTLE_WRITE_GOLDEN";

/// The files of a run that are compared.
const FILES: [&str; 2] = ["metrics.parquet", "final.npz"];

/// What also runs in single precision: full batches, single samples and shared frames of the linear family, and
/// networks of both kinds.
const SINGLE: [(&str, &str); 6] = [
    ("shape-matters", "label"),
    ("shape-matters", "mini-batch"),
    ("shape-matters", "nets-isotropic"),
    ("label-noise-lasso", "sgd"),
    ("alignment", "linear-networks"),
    ("alignment", "nets-mlp"),
];

/// The hash of every file by its name, at the quick scale; images are the handwritten digits.
fn hashes(level: Level) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut found = BTreeMap::new();
    for paper in PAPERS {
        for (name, bytes) in paper.data {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        for (name, text) in paper.experiments.iter().chain(paper.networks) {
            let mut add = |precision: &str| {
                let run = folder.path().join(format!("{}-{name}-{precision}", paper.name));
                run_at(folder.path(), &run, paper, (name, text), precision, level);
                for file in FILES {
                    let digest = Sha256::digest(std::fs::read(run.join(file)).unwrap());
                    let hash = digest.iter().fold(String::new(), |mut text, byte| {
                        write!(text, "{byte:02x}").unwrap();
                        text
                    });
                    found.insert(format!("{}/{name}/{precision}/{file}", paper.name), hash);
                }
                std::fs::remove_dir_all(run).unwrap();
            };
            add("f64");
            if SINGLE.contains(&(paper.name, name)) {
                add("f32");
            }
        }
    }
    found
}

/// Runs an experiment of a paper at its quick scale.
fn run_at(base: &Path, run: &Path, paper: &Paper, (name, text): (&str, &str), precision: &str, level: Level) {
    let overrides = Overrides {
        scale: text.contains("[scale.quick]").then(|| "quick".to_owned()),
        set: vec![format!("ensemble.precision={precision}")],
        ..Overrides::default()
    };
    let origin = format!("{}/{name}.toml", paper.name);
    let experiment = Experiment::from_text(text, &origin, base, &overrides).unwrap();
    let plan = Plan::new(experiment, &Resources { threads: None, level }).unwrap();
    let outcome = execute(&plan, &Destination::new(run, false), &Unwatched).unwrap();
    assert_eq!(outcome, Outcome::Done, "{origin}");
}

/// The list as text.
fn list(hashes: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = hashes.iter().map(|(file, hash)| format!("{hash}  {file}")).collect();
    lines.join("\n") + "\n"
}

fn check(level: Level) {
    if !Level::available().contains(&level) {
        return;
    }
    let found = list(&hashes(level));
    let golden = std::fs::read_to_string(LIST).unwrap();
    let known: Vec<&str> = golden.lines().collect();
    let differ: Vec<&str> = found.lines().filter(|line| !known.contains(line)).collect();
    assert!(differ.is_empty(), "other results on {level} than in golden.sha256:\n{}", differ.join("\n"));
    assert_eq!(found.lines().count(), known.len(), "golden.sha256 lists files that no experiment makes");
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn every_experiment_gives_the_golden_bytes_on_the_best_level() {
    let level = Level::detect();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(LIST, list(&hashes(level))).unwrap();
    }
    check(level);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn every_experiment_gives_the_golden_bytes_on_avx2() {
    if Level::detect() != Level::Avx2 {
        check(Level::Avx2);
    }
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn every_experiment_gives_the_golden_bytes_on_the_portable_level() {
    // Where fused multiply-adds are imitated, this takes hours; `cargo xtask slow` builds it for a processor that has them.
    if Level::detect() != Level::Portable && !Level::Portable.imitates_fma() {
        check(Level::Portable);
    }
}
