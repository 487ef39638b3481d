//! How the replicas of a cell will be computed, and why.

use super::unit::choose;
use super::{Cell, Source, may_stop_early, units};
use crate::dynamics::Batch;
use crate::dynamics::kernel::{Kernel, turns};
use crate::float::Precision;
use crate::simd::Level;

/// The kernel of a cell. Results do not depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelPlan {
    /// The kernel.
    pub kernel: Kernel,
    /// Replicas that it computes together.
    pub together: usize,
    /// Why this one.
    pub reason: &'static str,
    /// The instruction set.
    pub level: Level,
    /// The floating-point format.
    pub precision: Precision,
    /// Whether replicas stop when they have converged.
    pub may_stop_early: bool,
}

/// The kernel that the first unit of a cell runs on.
pub fn plan(cell: &Cell, level: Level) -> KernelPlan {
    let replicas = units(cell)[0].replicas.len();
    let (kernel, in_block) = match cell.precision {
        Precision::F64 => choose::<f64>(cell, replicas, level),
        Precision::F32 => choose::<f32>(cell, replicas, level),
    };
    let in_turn = replicas.min(turns(cell.num_params() * cell.precision.bytes()));
    let shared = matches!(cell.source, Source::Shared(_));
    let (together, reason) = match (kernel, cell.dynamics.batch()) {
        (Kernel::Lanes(_), _) => (in_block, "each step sees all samples, and replicas share them"),
        (Kernel::Single, _) if !shared => (1, "each replica has data of its own"),
        (Kernel::Single, _) => (1, "too few replicas to fill a vector"),
        (Kernel::Sample, _) if !shared => {
            (1, "each step sees one sample, and each replica has data of its own")
        }
        (Kernel::Sample, _) if in_turn == 1 => {
            (1, "each step sees one sample, and there is nothing to gain from several at a time")
        }
        (Kernel::Sample, _) => (
            in_turn,
            "each step sees one sample, and while one replica waits for its sum the next one computes",
        ),
        (Kernel::Passes, _) => (1, "the model is a network"),
        (Kernel::MiniBatch, Batch::Full | Batch::Size(_)) => (1, "each step sees a few samples"),
    };
    let may_stop_early = may_stop_early(cell);
    KernelPlan { kernel, together, reason, level, precision: cell.precision, may_stop_early }
}

impl std::fmt::Display for KernelPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kernel, together, reason, level, precision, .. } = self;
        let plural = if *together == 1 { "" } else { "s" };
        write!(f, "{kernel} ({level}, {precision}, {together} replica{plural} together), because {reason}")
    }
}
