//! A run that is stopped or fails half-way leaves whole files, and what it had.
#![cfg(unix)]

use crate::lab::{Lab, small};
use jostle_files::{ArrayReader, read_parquet};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A grid of which the first cell is over at once and the second never. The parameters of the first take more than
/// [`FIRST_CELL`] bytes.
pub(crate) const ENDLESS: [(&str, &str); 2] = [
    ("every = 20", "log = 5"),
    ("replicas = 3", "replicas = 400\n[grid]\n\"dynamics.steps\" = [60, 1_000_000_000_000]"),
];

/// What is on the disk once the first cell of [`ENDLESS`] has been handed over: the writers hold less back.
const FIRST_CELL: u64 = 16 << 10;

/// How long to wait before looking again; nothing depends on it.
const PAUSE: Duration = Duration::from_millis(5);

/// A run under way, killed if a test fails.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a run and waits until both of its result files are under way.
    pub(crate) fn start(lab: &Lab) -> Self {
        Self::start_with(lab, &[])
    }

    /// The same with further options.
    pub(crate) fn start_with(lab: &Lab, options: &[&str]) -> Self {
        let mut command = lab.command(&[&["run", "x.toml", "--out", "out"], options].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self(child).once(|| sizes_under_way(lab).len() >= 2)
    }

    /// Waits until the first cell of [`ENDLESS`] has been handed over.
    pub(crate) fn after_the_first_cell(self, lab: &Lab) -> Self {
        self.once(|| sizes_under_way(lab).iter().any(|size| *size >= FIRST_CELL))
    }

    /// Waits until something is so.
    fn once(mut self, is_so: impl Fn() -> bool) -> Self {
        while !is_so() {
            assert_eq!(self.0.try_wait().unwrap(), None, "the run has ended");
            std::thread::sleep(PAUSE);
        }
        self
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// The exit code and what was said on standard error.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let status = self.0.wait().unwrap();
        let said = std::io::read_to_string(self.0.stderr.take().unwrap()).unwrap();
        (status.code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The sizes of the files in the folder of results that are not finished.
fn sizes_under_way(lab: &Lab) -> Vec<u64> {
    if !lab.path("out").is_dir() {
        return Vec::new();
    }
    let names = lab.names_in("out").into_iter().filter(|name| is_under_way(name));
    names.filter_map(|name| Some(lab.path("out").join(name).metadata().ok()?.len())).collect()
}

fn is_under_way(name: &str) -> bool {
    name.ends_with(".jostle.tmp") && !name.starts_with(".jostle.lock")
}

#[test]
fn the_first_interrupt_keeps_the_finished_cells() {
    let lab = Lab::with(&small(&ENDLESS));
    let mut running = Running::start(&lab).after_the_first_cell(&lab);
    running.signal("-INT");
    let (code, said) = running.end();
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(said, "interrupted; the finished cells are in out\n");
    assert_eq!(lab.names_in("out"), ["experiment.toml", "final.npz", "manifest.json", "metrics.parquet"]);
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("out/manifest.json")).unwrap();
    assert_eq!(manifest["status"], "interrupted");
    assert_eq!(manifest["cells"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["cells_in_total"], 2);
    let metrics = read_parquet(&lab.path("out/metrics.parquet")).unwrap();
    assert!(metrics.rows() > 0 && metrics.integers("cell").unwrap().iter().all(|cell| *cell == 0));
    assert!(ArrayReader::open(&lab.path("out/final.npz")).unwrap().has("beta_0"));
}

#[test]
fn an_interrupt_before_any_cell_is_finished_leaves_empty_results() {
    let lab = Lab::with(&small(&[("every = 20", "log = 5"), ("steps = 60", "steps = 1_000_000_000_000")]));
    let mut running = Running::start(&lab);
    running.signal("-INT");
    assert_eq!(running.end().0, Some(3));
    assert_eq!(read_parquet(&lab.path("out/metrics.parquet")).unwrap().rows(), 0);
    assert!(ArrayReader::open(&lab.path("out/final.npz")).unwrap().names().is_empty());
}

#[test]
fn units_that_have_not_begun_hear_of_the_interrupt() {
    // Each of these units would take a while to look up for the first time.
    let lab = Lab::with(&small(&[
        ("seed = 1", "seed = 1\ndata_per_replica = true"),
        ("steps = 60", "steps = 1_000_000_000_000"),
        ("every = 20", "every = 100_000_000_000"),
        ("replicas = 3", "replicas = 2000"),
    ]));
    let mut running = Running::start(&lab);
    running.signal("-INT");
    assert_eq!(running.end().0, Some(3));
}

#[test]
fn a_killed_run_leaves_the_results_of_the_one_before_and_the_next_clears_up() {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let results = [lab.bytes("out/metrics.parquet"), lab.bytes("out/final.npz")];
    lab.write("x.toml", small(&ENDLESS));
    let mut running = Running::start_with(&lab, &["--force"]).after_the_first_cell(&lab);
    running.signal("-KILL");
    assert_eq!(running.end().0, None);
    assert!(results == [lab.bytes("out/metrics.parquet"), lab.bytes("out/final.npz")]);
    assert!(lab.names_in("out").iter().any(|name| is_under_way(name)));
    assert!(lab.read("out/manifest.json").contains("\"done\""), "what is there is still a finished run");

    lab.write("x.toml", small(&[]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    assert!(results == [lab.bytes("out/metrics.parquet"), lab.bytes("out/final.npz")]);
    assert_eq!(
        lab.names_in("out"),
        ["experiment.toml", "final.npz", "manifest.json", "metrics.parquet", "report.html"]
    );
}

/// Runs with files of at most this many KiB, as if the disk were full then.
fn with_little_space(lab: &Lab, kibibytes: u32) -> String {
    let script = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" run x.toml --out out --threads 1");
    let mut command = Command::new("bash");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_jostle")]).current_dir(lab.path(""));
    crate::lab::ended(&mut command).refusal()
}

#[test]
fn a_full_disk_is_an_error_that_leaves_no_half_files() {
    // The table takes less than 8 KiB and the arrays more: neither appears.
    let lab = Lab::with(&small(&[("replicas = 3", "replicas = 60")]));
    let answer = with_little_space(&lab, 8);
    assert_eq!(answer, "out/final.npz: cannot write the file: File too large (os error 27)");
    assert!(lab.names_in("out").is_empty(), "a run that failed is not in the way of the next");
    // Here the table already does not fit.
    let lab = Lab::with(&small(&[("every = 20", "every = 1")]));
    let answer = with_little_space(&lab, 6);
    assert_eq!(answer, "out/metrics.parquet: cannot write the file: File too large (os error 27)");
    assert!(lab.names_in("out").is_empty());
}
