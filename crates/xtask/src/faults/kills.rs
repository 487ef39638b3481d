//! Processes that are killed, stopped, or two.

use super::bench::{Bench, wait};
use super::samples::{NETWORK, SWEEP};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The names and contents of files.
type Files = Vec<(String, Vec<u8>)>;

/// An experiment, the results that it has, and how long it takes.
type Prepared = (&'static str, Files, Duration);

/// The files of a run whose bytes do not depend on time.
fn results(bench: &Bench, folder: &str) -> Files {
    let root = bench.path(folder);
    let name =
        |path: &std::path::Path| path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
    let files = bench.files(folder).into_iter().map(|(path, content)| (name(&path), content));
    files.filter(|(name, _)| !["manifest.json", "report.html"].contains(&name.as_str())).collect()
}

fn is_done(bench: &Bench, folder: &str) -> bool {
    String::from_utf8_lossy(&bench.read(&format!("{folder}/manifest.json"))).contains("\"status\": \"done\"")
}

/// Runs the experiments once.
fn prepare(bench: &mut Bench) -> Vec<Prepared> {
    let mut prepared = Vec::new();
    for (name, text) in [("sweep", SWEEP), ("network", NETWORK)] {
        bench.write(&format!("{name}.toml"), text);
        let started = Instant::now();
        let (file, out) = (format!("{name}.toml"), format!("reference-{name}"));
        bench.call(&["run", &file, "--out", &out]);
        prepared.push((name, results(bench, &out), started.elapsed()));
    }
    prepared
}

fn start(bench: &Bench, arguments: &[&str]) -> Child {
    let child = bench.under(":", arguments).stdout(std::process::Stdio::null()).spawn();
    child.unwrap_or_else(|error| panic!("bash cannot be started: {error}"))
}

fn signal(child: &Child, name: &str) {
    let _ = Command::new("kill").args([name, &child.id().to_string()]).status();
}

/// Waits for a random part of the time that a run takes.
fn pause(bench: &mut Bench, run: Duration) {
    let part = bench.below(1200) as f64 / 1000.0;
    sleep(run.mul_f64(part));
}

pub(super) fn kill_in_a_new_folder(bench: &mut Bench, tries: usize) {
    let prepared = prepare(bench);
    for _ in 0..tries {
        let (name, expected, time) = bench.one(&prepared).clone();
        bench.remove("out");
        let file = format!("{name}.toml");
        let mut child = start(bench, &["run", &file, "--out", "out"]);
        pause(bench, time);
        signal(&child, "-KILL");
        wait(&mut child);
        bench.tried += 1;
        if is_done(bench, "out") {
            let same = results(bench, "out").iter().filter(|(name, _)| !name.starts_with('.')).eq(&expected);
            bench.expect(same, "a run that is done has other results");
        } else if bench.path("out/manifest.json").exists() {
            let again = bench.call(&["run", &file, "--out", "out"]);
            bench.expect(again.code == Some(2), "an unfinished run is replaced without being asked");
        }
        let again = bench.call(&["run", &file, "--out", "out", "--force"]);
        bench.expect(again.code == Some(0), "a killed run cannot be begun afresh");
        let same = results(bench, "out") == expected;
        bench.expect(same, "after a kill the results are others, or something is left over");
    }
}

pub(super) fn kill_over_results(bench: &mut Bench, tries: usize) {
    let prepared = prepare(bench);
    for _ in 0..tries {
        let (name, expected, time) = bench.one(&prepared).clone();
        let other = if name == "sweep" { "network" } else { "sweep" };
        let reference = prepared.iter().find(|known| known.0 == other).map(|known| known.1.clone());
        bench.remove("out");
        // Over the same experiment, or by force over another one.
        let before = if bench.below(2) == 0 { name } else { other };
        let held = if before == name { Some(expected.clone()) } else { reference };
        bench.call(&["run", &format!("{before}.toml"), "--out", "out", "-q"]);
        let file = format!("{name}.toml");
        let mut child = start(bench, &["run", &file, "--out", "out", "--force"]);
        pause(bench, time);
        signal(&child, "-KILL");
        wait(&mut child);
        bench.tried += 1;
        if is_done(bench, "out") {
            let found: Vec<_> =
                results(bench, "out").into_iter().filter(|(name, _)| !name.starts_with('.')).collect();
            let whole = found == expected || Some(found) == held;
            bench.expect(whole, "a folder that is done holds neither the older nor the newer results");
        }
        bench.call(&["run", &file, "--out", "out", "--force"]);
        let same = results(bench, "out") == expected;
        bench.expect(same, "after a kill the results are others, or something is left over");
    }
}

pub(super) fn interrupt_over_results(bench: &mut Bench, tries: usize) {
    let prepared = prepare(bench);
    for _ in 0..tries {
        let (name, expected, time) = bench.one(&prepared).clone();
        let folder = format!("reference-{name}");
        let file = format!("{name}.toml");
        let mut child = start(bench, &["run", &file, "--out", &folder]);
        pause(bench, time);
        let kind = *bench.one(&["-INT", "-TERM", "-HUP"]);
        signal(&child, kind);
        let code = wait(&mut child);
        bench.tried += 1;
        // A signal may come before the handler is there, or after the end.
        bench.expect(matches!(code, Some(0 | 3) | None), "an interrupted run ends otherwise");
        let kept = is_done(bench, &folder)
            && results(bench, &folder).iter().filter(|(name, _)| !name.starts_with('.')).eq(&expected);
        bench.expect(kept, "an interrupt lost finished results");
    }
}

pub(super) fn interrupt_in_a_new_folder(bench: &mut Bench, tries: usize) {
    let prepared = prepare(bench);
    for _ in 0..tries {
        let (name, expected, time) = bench.one(&prepared).clone();
        bench.remove("out");
        let file = format!("{name}.toml");
        let mut child = start(bench, &["run", &file, "--out", "out"]);
        pause(bench, time);
        signal(&child, "-INT");
        let code = wait(&mut child);
        bench.tried += 1;
        bench.expect(matches!(code, Some(0 | 3) | None), "an interrupted run ends otherwise");
        if code == Some(3) {
            let report = bench.call(&["report", "out"]);
            bench.expect(report.code == Some(0), "an interrupted run has no report");
        }
        bench.call(&["run", &file, "--out", "out", "--force"]);
        let same = results(bench, "out") == expected;
        bench.expect(same, "after an interrupt the results are others, or something is left over");
    }
}

pub(super) fn two_in_one_folder(bench: &mut Bench, tries: usize) {
    let prepared = prepare(bench);
    for k in 0..tries {
        bench.remove("out");
        let (time, names) = (prepared[0].2, ["sweep.toml", "network.toml"]);
        let mut first = start(bench, &["run", names[k % 2], "--out", "out"]);
        let part = bench.below(1000) as f64 / 1000.0;
        sleep(time.mul_f64(part));
        let mut second = start(bench, &["run", names[(k + 1) % 2], "--out", "out"]);
        let codes = (wait(&mut first), wait(&mut second));
        bench.tried += 1;
        bench.expect(
            matches!(codes, (Some(0), Some(2)) | (Some(2), Some(0))),
            &format!("two processes in one folder end with {codes:?}"),
        );
        let found = results(bench, "out");
        let whole = is_done(bench, "out") && prepared.iter().any(|(_, expected, _)| *expected == found);
        bench.expect(whole, "two processes in one folder mix their results");
    }
}
