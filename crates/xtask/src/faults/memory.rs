//! The memory that `check` states, beside the memory that a run takes.

use super::bench::Bench;
use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

/// What the command takes of itself, whatever it does.
const OF_THE_COMMAND: f64 = 24e6;
/// The largest size of a report.
const LARGEST_REPORT: usize = 5_000_000;

/// Settings that take memory in different places: records, replicas, parameters, data, geometry.
const CASES: [(&str, &str); 6] = [
    (
        "a million records",
        "dim = 4\nsamples = 3\nsteps = 1000000\nevery = 1\nreplicas = 1\nmodel = quadratic",
    ),
    (
        "records of replicas",
        "dim = 4\nsamples = 3\nsteps = 50000\nevery = 1\nreplicas = 20\nmodel = quadratic",
    ),
    ("replicas", "dim = 1000\nsamples = 5\nsteps = 5\nevery = 5\nreplicas = 4000\nmodel = quadratic"),
    ("data", "dim = 4000\nsamples = 2000\nsteps = 3\nevery = 3\nreplicas = 2\nmodel = linear"),
    (
        "a data set each",
        "dim = 500\nsamples = 200\nsteps = 3\nevery = 3\nreplicas = 100\nmodel = linear\neach = true",
    ),
    (
        "a network",
        "dim = 500\nsamples = 50\nsteps = 3\nevery = 3\nreplicas = 60\nmodel = two-layer\nwidth = 300",
    ),
];

fn experiment(case: &str) -> String {
    let value = |name: &str| case.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
    let [dim, samples, steps, every, replicas, model] =
        ["dim", "samples", "steps", "every", "replicas", "model"].map(|name| value(name).unwrap_or_default());
    let each = if value("each").is_some() { "data_per_replica = true\n" } else { "" };
    let width = value("width").map_or_else(String::new, |width| format!("width = {width}\n"));
    format!(
        "name = \"m\"\n[problem]\nkind = \"sparse-regression\"\nsamples = {samples}\ndim = {dim}\nsparsity = 2\n{each}[model]\n\
         kind = \"{model}\"\n{width}[dynamics]\nkind = \"gradient-descent\"\nsteps = {steps}\nlearning_rate = 1e-5\n[observe]\n\
         at = {{ every = {every} }}\n[ensemble]\nreplicas = {replicas}\n"
    )
}

pub(super) fn estimates(bench: &mut Bench, tries: usize) {
    if !cfg!(target_os = "linux") {
        return bench.skip("the peak of a process is read from /proc");
    }
    for (name, case) in CASES.iter().take(tries) {
        bench.remove("out");
        bench.write("m.toml", experiment(case));
        let checked = bench.call(&["check", "m.toml", "--json", "--threads", "2"]);
        let json: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap_or_default();
        let stated = json["memory_bytes"].as_f64().unwrap_or(0.0) + OF_THE_COMMAND;
        let mut command = bench.under(":", &["run", "m.toml", "--out", "out", "-q", "--threads", "2"]);
        let Ok(mut child) = command.stdout(Stdio::null()).spawn() else { continue };
        let mut peak = 0.0_f64;
        let status = loop {
            peak = peak.max(high_water(child.id()).unwrap_or(0.0));
            match child.try_wait() {
                Ok(Some(status)) => break status,
                _ => sleep(Duration::from_millis(1)),
            }
        };
        let ratio = stated / peak;
        println!("    {name}: {:.0} MB stated, {:.0} MB taken ({ratio:.2})", stated / 1e6, peak / 1e6);
        bench.expect(status.code() == Some(0), &format!("{name}: {status}"));
        bench.expect((0.5..=2.0).contains(&ratio), &format!("{name}: stated and taken differ by {ratio:.2}"));
        let size = bench.read("out/report.html").len();
        bench.expect(size < LARGEST_REPORT, &format!("{name}: a report of {size} bytes"));
    }
}

/// The most memory that a process has had, in bytes.
fn high_water(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024.0 * line.split_whitespace().next()?.parse::<f64>().ok()?)
}
