//! How much memory an experiment needs, before any of it is allocated.

use jostle::ensemble::{Ensemble, Measurement, unit_replicas};
use jostle::problem::TestSet;
use jostle::process::Source;
use std::collections::HashSet;
use std::sync::Arc;

/// Bytes of a number.
pub(super) const NUMBER: f64 = 8.0;

/// The memory that running `cells` on `threads` threads needs at most, in bytes: first the data, what the kernels make of
/// them, the results of every cell, and the geometry that is measured on the way; then the table that the report is
/// made from. `keys` is the number of keys of the grid.
pub fn needed(cells: &[Ensemble], keys: usize, threads: usize) -> f64 {
    let mut known = HashSet::new();
    let held = cells.iter().filter(|cell| match &cell.process().source {
        Source::Shared(problem) => known.insert(Arc::as_ptr(problem)),
        Source::PerReplica(_) => false,
    });
    let held: f64 = held.map(|cell| data_bytes(cell) + test_bytes(cell)).sum();
    let largest = |bytes: &dyn Fn(&Ensemble) -> f64| cells.iter().map(bytes).fold(0.0, f64::max);
    let working = largest(&|cell| match cell.process().source {
        // Each thread lays out the data anew, and first makes them where replicas have their own.
        Source::Shared(_) => data_bytes(cell),
        Source::PerReplica(_) => 2.0 * (data_bytes(cell) + test_bytes(cell)),
    });
    // Generated data, and the columns of the table, are put together for the results, cell by cell.
    let writing = largest(&|cell| match cell.process().source {
        Source::Shared(_) => data_bytes(cell) + test_bytes(cell),
        Source::PerReplica(_) => f64::from(cell.protocol().replicas) * (data_bytes(cell) + test_bytes(cell)),
    });
    let tables: f64 = cells.iter().map(|cell| table_bytes(cell, keys)).sum();
    let results: f64 =
        cells.iter().map(|cell| f64::from(cell.protocol().replicas) * result_bytes(cell)).sum();
    let running = results
        + threads as f64 * working
        + writing.max(largest(&|cell| table_bytes(cell, keys)))
        + largest(&|cell| stepping_bytes(cell, threads))
        + largest(&|cell| measuring(cell, threads));
    held + running.max(GROWTH * tables + largest(&figure_bytes))
}

/// What measuring kernels takes: each thread may be at one of its own, and all of them at work on the same one.
pub fn measuring(cell: &Ensemble, threads: usize) -> f64 {
    let at_once = threads.min(cell.protocol().replicas as usize) as f64;
    let bytes = |measurement: Option<Measurement>| measurement.map_or(0.0, |m| m.bytes(threads));
    let start = bytes(cell.measurement_of_start());
    let of_starts = if cell.process().begins_together() { start } else { at_once * start };
    of_starts.max(at_once * bytes(cell.measurement_of_records()))
}

/// The memory of `n` samples of dimension `d` with `c` labels each, in bytes; refuses nothing, so that it can be asked
/// before the data exist.
pub fn samples_bytes(samples: usize, dim: usize, outputs: usize) -> f64 {
    NUMBER * samples as f64 * (dim as f64 + outputs as f64)
}

/// The training data of one replica.
fn data_bytes(cell: &Ensemble) -> f64 {
    samples_bytes(
        cell.process().source.samples(),
        cell.process().source.dim(),
        cell.process().source.outputs(),
    )
}

/// The samples of one replica to test on.
fn test_bytes(cell: &Ensemble) -> f64 {
    let samples = match &cell.process().source {
        Source::Shared(problem) => problem.test().map_or(0, TestSet::samples),
        Source::PerReplica(source) => source.test_samples(),
    };
    samples_bytes(samples, cell.process().source.dim(), cell.process().source.outputs())
}

/// Recorded steps of a cell.
fn records(cell: &Ensemble) -> f64 {
    cell.protocol().recording.count(cell.process().dynamics.steps()) as f64
}

/// What is kept of a replica until its cell is written.
fn result_bytes(cell: &Ensemble) -> f64 {
    let (params, dim) = (cell.process().num_params() as f64, cell.process().num_coefficients() as f64);
    NUMBER * (records(cell) * cell.protocol().quantities.len() as f64 + 2.0 * params + 2.0 * dim)
}

/// What the replicas take that are stepped at once: their parameters and gradients side by side.
fn stepping_bytes(cell: &Ensemble, threads: usize) -> f64 {
    let (params, dim) = (cell.process().num_params() as f64, cell.process().num_coefficients() as f64);
    let at_once = (threads as f64 * f64::from(unit_replicas(cell))).min(f64::from(cell.protocol().replicas));
    at_once * 2.0 * NUMBER * (4.0 * params + 3.0 * dim)
}

/// A list that grows while it is read is half as long again on the average.
const GROWTH: f64 = 1.5;

/// The rows of a cell in the table: its number, the grid's keys, replica, step and quantities.
fn table_bytes(cell: &Ensemble, keys: usize) -> f64 {
    let columns = 3.0 + keys as f64 + cell.protocol().quantities.len() as f64;
    NUMBER * f64::from(cell.protocol().replicas) * records(cell) * columns
}

/// What a figure of a cell is made from: the paths of its replicas, and a point with its interval for each step.
fn figure_bytes(cell: &Ensemble) -> f64 {
    NUMBER * records(cell) * (f64::from(cell.protocol().replicas) + 6.0)
}

/// Memory that is free to use on this machine, and within the limits of a container and of the process, in bytes; infinite
/// where the system does not tell.
pub fn available() -> f64 {
    of_machine().min(of_process())
}

fn of_machine() -> f64 {
    sysinfo::System::new().map_or(f64::INFINITY, |mut system| {
        system.refresh_memory();
        let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
        system.available_memory().min(limit) as f64
    })
}

/// What is left of the addresses that the process may use (`ulimit -v`), where there is a limit.
fn of_process() -> f64 {
    let left = || -> Option<f64> {
        let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
        let limit: f64 = line.split_whitespace().next()?.parse().ok()?;
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
        let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some((limit - 1024.0 * kibibytes).max(0.0))
    };
    left().unwrap_or(f64::INFINITY)
}
