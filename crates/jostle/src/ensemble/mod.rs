//! Many replicas of the same configuration, each with its own random stream.

mod cell;
mod early_exit;
mod linearisation;
mod measurement;
mod plain;
mod plan;
mod start;
mod tasks;
mod unit;

pub use crate::dynamics::kernel::Kernel;
pub use crate::setting::Recording;
pub use cell::{Cell, Source, model_from_settings};
pub use early_exit::may_stop_early;
pub use measurement::Measurement;
pub use plain::{Plain, run_plainly};
pub use plan::{KernelPlan, plan};
pub use start::{Origin, START_ENTRIES, Start};
pub use unit::{Monitor, Replica, Silent, Unit, UnitResult, run_unit, run_unit_until, unit_replicas, units};

use tasks::Tasks;
use unit::{Shared, Work};

use crate::device::Device;
use crate::float::Precision;
use crate::setting::{Entry, Fallback, Kind, Setting};
use crate::simd::Level;
use std::borrow::Borrow;
use std::sync::mpsc;

/// Runs all replicas of all cells on a thread pool, and hands over each cell's results, replicas in order, as soon as
/// it and all cells before it are finished. Returns the number of cells handed over: fewer than there are only if the
/// monitor asked to stop.
///
/// The results are the same whatever the number of threads. Not to be called from a thread of the pool itself, which
/// would wait for the work that it keeps from being done.
pub fn run<C: Borrow<Cell> + Sync>(
    cells: &[C],
    pool: &rayon::ThreadPool,
    level: Level,
    monitor: &dyn Monitor,
    finished: &mut dyn FnMut(usize, UnitResult),
) -> usize {
    let (sender, receiver) = mpsc::channel();
    let shared: Vec<Shared> = cells.iter().map(|_| Shared::default()).collect();
    let all: Vec<AllUnits<'_>> = cells
        .iter()
        .map(Borrow::borrow)
        .zip(&shared)
        .map(|(cell, shared)| {
            let (units, until) = (units(cell), cell.dynamics.steps());
            AllUnits { cell, units, until, shared, level, monitor }
        })
        .collect();
    let mut open: Vec<Open> =
        all.iter().map(|all| Open { missing: all.units.len(), parts: vec![None; all.units.len()] }).collect();
    let tasks = Tasks::new(&all, pool.current_num_threads());
    pool.in_place_scope_fifo(|scope| {
        tasks.spawn(scope, &sender);
        drop(sender);
        let mut next = 0;
        for (k, part, result) in receiver {
            open[k].missing -= usize::from(result.is_some());
            open[k].parts[part] = result;
            while next < cells.len() && open[next].missing == 0 {
                let mut whole = UnitResult::default();
                open[next].parts.drain(..).flatten().for_each(|part| whole.append(part));
                finished(next, whole);
                next += 1;
            }
        }
        next
    })
}

/// The units of a cell.
struct AllUnits<'a> {
    cell: &'a Cell,
    units: Vec<Unit>,
    until: u64,
    shared: &'a Shared,
    level: Level,
    monitor: &'a dyn Monitor,
}

impl AllUnits<'_> {
    fn work<'b>(&'b self, unit: &'b Unit) -> Work<'b> {
        let Self { cell, until, shared, level, monitor, .. } = *self;
        Work { cell, unit, until, shared, level, monitor }
    }
}

/// A cell of which units are still missing.
struct Open {
    missing: usize,
    parts: Vec<Option<UnitResult>>,
}

/// The settings of an experiment's `[ensemble]` table.
pub const ENTRY: Entry = Entry {
    kind: "ensemble",
    summary: "how many replicas, and their seed",
    detail: "Replica k uses the random stream (seed, k): a pure function of the seed, the replica, the step and the \
             purpose of a number.",
    reference: "Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3",
    settings: &[
        Setting {
            name: "replicas",
            symbol: "R",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Integer(1),
            doc: "Number of replicas of each cell.",
        },
        Setting {
            name: "seed",
            symbol: "",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Integer(0),
            doc: "Seed of the noise.",
        },
        Setting {
            name: "precision",
            symbol: "",
            kind: Kind::Choice(Precision::NAMES),
            fallback: Fallback::Text("f64"),
            doc: "Floating-point format of the trajectories: f64, or f32, which is about twice as fast.",
        },
        Setting {
            name: "device",
            symbol: "",
            kind: Kind::Choice(Device::CHOICES),
            fallback: Fallback::Text("cpu"),
            doc: "Where mlp, cnn and vgg are trained. \"wgpu\" and \"cuda\" are graphics processors, in float32, for a jostle that \
                  was built with the feature of that name; only \"cpu\" gives the same bits on every machine. \"auto\" is \"cuda\" where \
                  that can be, else \"wgpu\", else \"cpu\".",
        },
        Setting {
            name: "method",
            symbol: "",
            kind: Kind::Choice(&["simulate", "predict"]),
            fallback: Fallback::Text("simulate"),
            doc: "\"predict\" puts the means of an infinite ensemble, as theory gives them, in the place of replicas.",
        },
    ],
};

#[cfg(test)]
mod tests;
