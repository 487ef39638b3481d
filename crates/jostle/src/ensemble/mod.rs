//! Many replicas of the same configuration, each with its own random stream.

mod cell;
mod recording;
mod unit;

pub use crate::dynamics::kernel::Kernel;
pub use cell::{Cell, Source};
pub use recording::Recording;
pub use unit::{Monitor, Replica, Silent, Unit, UnitResult, run_unit, units};

use crate::setting::{Entry, Fallback, Kind, Setting};
use crate::simd::Level;
use rayon::prelude::*;

/// Runs all replicas of all cells on the current thread pool; one result a cell, replicas in order.
///
/// The results are the same whatever the number of threads. A cell is `None` if the monitor asked to stop before it
/// was finished.
pub fn run(cells: &[Cell], level: Level, monitor: &dyn Monitor) -> Vec<Option<UnitResult>> {
    let tasks: Vec<_> = cells
        .iter()
        .enumerate()
        .flat_map(|(k, cell)| units(cell).into_iter().map(move |unit| (k, unit)))
        .collect();
    let parts: Vec<_> =
        tasks.par_iter().map(|(k, unit)| (*k, run_unit(&cells[*k], unit, level, monitor))).collect();
    let mut results: Vec<Option<UnitResult>> = cells.iter().map(|_| Some(UnitResult::default())).collect();
    for (k, part) in parts {
        results[k] = match (results[k].take(), part) {
            (Some(mut whole), Some(part)) => {
                whole.append(part);
                Some(whole)
            }
            _ => None,
        };
    }
    results
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
            kind: Kind::Choice(&["f64"]),
            fallback: Fallback::Text("f64"),
            doc: "Floating-point format of the trajectories.",
        },
    ],
};

#[cfg(test)]
mod tests;
