//! What every experiment has to keep, whatever it says.

use crate::case::Case;
use jostle::Level;
use jostle::ensemble::{Ensemble, Replica, Unit, run, run_plainly, run_unit};
use jostle::observable::Observable;
use jostle_lab::experiment::{Experiment, Overrides};
use jostle_lab::plan::{Plan, Resources, memory};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};

/// How an experiment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was refused.
    Refused,
    /// It would take too long.
    Skipped,
    /// It ran, and kept everything.
    Ran,
    /// It did not keep this.
    Failed {
        /// What was not kept, the same for failures of one kind.
        kind: &'static str,
        /// What was found.
        found: String,
    },
}

fn failed(kind: &'static str, found: impl Into<String>) -> Outcome {
    Outcome::Failed { kind, found: found.into() }
}

/// Multiply-adds of an experiment, at most.
const MOST_WORK: f64 = 1e7;
/// Bytes of an experiment, at most.
const MOST_BYTES: f64 = 1e8;

/// Checks a case in an empty folder; with `command` also the command, its exit codes and files.
pub(crate) fn check(case: &Case, folder: &Path, command: bool) -> Outcome {
    case.write(folder);
    let outcome = catch_unwind(AssertUnwindSafe(|| in_library(case, folder))).unwrap_or_else(|panic| {
        let texts =
            [panic.downcast_ref::<String>().map(String::as_str), panic.downcast_ref::<&str>().copied()];
        failed("panic", texts.into_iter().flatten().next().unwrap_or("without a message"))
    });
    match outcome {
        Outcome::Ran | Outcome::Refused if command => with_command(folder, outcome),
        outcome => outcome,
    }
}

fn in_library(case: &Case, folder: &Path) -> Outcome {
    let refused = |message: String| {
        if message.contains('\n') { failed("message of several lines", message) } else { Outcome::Refused }
    };
    let experiment = match Experiment::from_table(case.table.clone(), folder, &Overrides::default()) {
        Ok(experiment) => experiment,
        Err(error) => return refused(error.to_string()),
    };
    let plan = match Plan::new(experiment, &Resources::with_threads(Some(1))) {
        Ok(plan) => plan,
        Err(error) => return refused(error.to_string()),
    };
    let cells: Vec<&Ensemble> = plan.simulated().map(|(_, cell)| cell).collect();
    let work: f64 = cells.iter().map(|cell| work(cell)).sum();
    if work > MOST_WORK || plan.memory() > MOST_BYTES.min(memory::available()) {
        return Outcome::Skipped;
    }
    let (mut first, levels) = (None, Level::available());
    for level in levels {
        for threads in [1, 2] {
            let results = results(&cells, level, threads);
            let first = first.get_or_insert_with(|| results.clone());
            if let Some(found) = first_difference(first, &results) {
                return failed("levels and threads differ", format!("{level}, {threads} threads: {found}"));
            }
        }
    }
    for (cell, replicas) in cells.iter().zip(first.unwrap_or_default()) {
        let outcome = replicas.iter().map(|replica| of_replica(cell, replica)).find(|o| *o != Outcome::Ran);
        if let Some(outcome) = outcome {
            return outcome;
        }
        for replica in [0, replicas.len() - 1] {
            let unit = Unit { replicas: replica as u32..replica as u32 + 1 };
            let alone = run_unit(cell, &unit, Level::detect(), &()).map(|result| result.replicas);
            let together = &replicas[replica..=replica];
            if let Some(found) = first_difference(&[together.to_vec()], &[alone.unwrap_or_default()]) {
                return failed("a replica alone differs", found);
            }
        }
    }
    Outcome::Ran
}

fn work(cell: &Ensemble) -> f64 {
    // A step has its own cost beside its products.
    let of_steps = cell.process().dynamics.steps() as f64
        * (cell.work_per_step() + 200.0 + cell.process().num_params() as f64);
    let recorded = cell.protocol().recording.count(cell.process().dynamics.steps()) as f64;
    let of_records = recorded
        * (cell.process().source.samples() * cell.process().source.dim() * cell.protocol().quantities.len())
            as f64;
    f64::from(cell.protocol().replicas) * (of_steps + of_records + cell.work_beside_steps())
}

fn results(cells: &[&Ensemble], level: Level, threads: usize) -> Vec<Vec<Replica>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let mut results = Vec::new();
    run(cells, &pool, level, &(), &mut |_, result| results.push(result.replicas));
    results
}

/// Everything that a replica's results hold, by name.
fn numbers(replica: &Replica) -> [(&'static str, Vec<f64>); 6] {
    let at = |step: Option<u64>| vec![step.map_or(-1.0, |step| step as f64)];
    [
        ("diverged", at(replica.diverged)),
        ("converged", at(replica.converged)),
        ("rows", replica.rows.clone()),
        ("theta", [&replica.theta[..], &replica.log_abs_theta].concat()),
        ("beta", replica.beta.clone()),
        ("average", replica.average.clone().unwrap_or_default()),
    ]
}

fn first_difference(first: &[Vec<Replica>], second: &[Vec<Replica>]) -> Option<String> {
    if first.iter().map(Vec::len).ne(second.iter().map(Vec::len)) {
        return Some("another number of replicas".to_owned());
    }
    for (cell, (first, second)) in first.iter().zip(second).enumerate() {
        for (first, second) in first.iter().zip(second) {
            for ((name, a), (_, b)) in numbers(first).iter().zip(&numbers(second)) {
                if let Some(found) = differ(a, b) {
                    return Some(format!("cell {cell}, replica {}, {name}{found}", first.replica));
                }
            }
        }
    }
    None
}

/// Where two lists of numbers differ in a bit; NaN is equal to NaN.
fn differ(a: &[f64], b: &[f64]) -> Option<String> {
    if a.len() != b.len() {
        return Some(format!(": {} numbers and {}", a.len(), b.len()));
    }
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let k = a.iter().zip(b).position(|(a, b)| !same(*a, *b))?;
    Some(format!("[{k}]: {:?} and {:?}", a[k], b[k]))
}

/// Compares a replica with the plain reference, and looks for numbers that are none.
fn of_replica(cell: &Ensemble, replica: &Replica) -> Outcome {
    let until = replica.converged.unwrap_or(cell.process().dynamics.steps());
    if let Some(plain) = run_plainly(cell, replica.replica, until) {
        let expected = Replica {
            theta: plain.theta,
            log_abs_theta: plain.log_abs_theta,
            beta: plain.beta,
            diverged: plain.diverged,
            // A replica that has stopped is averaged on where it stands.
            average: if replica.converged.is_some() { replica.average.clone() } else { plain.average },
            ..replica.clone()
        };
        if let Some(found) = first_difference(&[vec![replica.clone()]], &[vec![expected]]) {
            return failed("the plain reference differs", found);
        }
    }
    if replica.diverged.is_some() {
        return Outcome::Ran;
    }
    let average = replica.average.as_deref().unwrap_or_default();
    for (name, values) in [("theta", &replica.theta[..]), ("beta", &replica.beta), ("average", average)] {
        if values.iter().any(|v| !v.is_finite()) {
            return failed("not finite, and not diverged", format!("replica {}: {name}", replica.replica));
        }
    }
    let count = cell.protocol().quantities.len().max(1);
    for (k, value) in replica.rows.iter().enumerate() {
        let quantity = cell.protocol().quantities[k % count];
        if !value.is_finite() && !may_be_none(quantity) {
            let place =
                format!("replica {}, record {}: {} is {value}", replica.replica, k / count, quantity.name);
            return failed("not finite, and not diverged", place);
        }
    }
    Outcome::Ran
}

/// Whether an observable is documented as one that may not be finite: the geometry is NaN where kernel or residuals vanish.
fn may_be_none(observable: &Observable) -> bool {
    observable.needs_kernel() || ["NaN", "infinite"].iter().any(|word| observable.doc.contains(word))
}

/// Runs the command twice, on one thread and on two: it must end as the library has, with the same files.
fn with_command(folder: &Path, outcome: Outcome) -> Outcome {
    let run = |threads: &str, out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
        command.args(["run", "x.toml", "--out", out, "--threads", threads]).current_dir(folder);
        command.env_remove("JOSTLE_DATA").stdin(Stdio::null()).output().unwrap()
    };
    let first = run("1", "first");
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    let is_one_line = said.starts_with("error: ") && said.matches('\n').count() == 1 && said.ends_with('\n');
    match (first.status.code(), &outcome) {
        (Some(0), Outcome::Ran) => {}
        (Some(2), Outcome::Refused) if is_one_line && !folder.join("first").exists() => return outcome,
        (code, _) => return failed("exit code", format!("{code:?} where the library {outcome:?}: {said}")),
    }
    run("2", "second");
    let read = |out: &str, file: &str| std::fs::read(folder.join(out).join(file)).ok();
    for file in ["metrics.parquet", "final.npz", "experiment.toml"] {
        if read("first", file).is_none() || read("first", file) != read("second", file) {
            return failed("files differ with the threads", file);
        }
    }
    outcome
}
