//! How the replicas of an ensemble will be computed, and why.

use super::execute::choose;
use super::{Ensemble, may_stop_early, units};
use crate::dynamics::Batch;
use crate::dynamics::kernel::{Kernel, turns};
use crate::float::Precision;
use crate::process::Source;
use crate::simd::Level;

/// The kernel of an ensemble. Results do not depend on it.
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

/// The kernel that the first unit of an ensemble runs on.
pub fn plan(ensemble: &Ensemble, level: Level) -> KernelPlan {
    let replicas = units(ensemble)[0].replicas.len();
    let (kernel, in_block) = match ensemble.protocol.precision {
        Precision::F64 => choose::<f64>(ensemble, replicas, level),
        Precision::F32 => choose::<f32>(ensemble, replicas, level),
    };
    let in_turn = replicas.min(turns(ensemble.process.num_params() * ensemble.protocol.precision.bytes()));
    let shared = matches!(ensemble.process.source, Source::Shared(_));
    let (together, reason) = match (kernel, ensemble.process.dynamics.batch()) {
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
        (Kernel::Passes, _) => (1, ensemble.process.beyond_fused().unwrap_or("the model is a network")),
        (Kernel::MiniBatch, Batch::Full | Batch::Size(_)) => (1, "each step sees a few samples"),
    };
    let may_stop_early = may_stop_early(ensemble);
    KernelPlan { kernel, together, reason, level, precision: ensemble.protocol.precision, may_stop_early }
}

impl std::fmt::Display for KernelPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kernel, together, reason, level, precision, .. } = self;
        let plural = if *together == 1 { "" } else { "s" };
        write!(f, "{kernel} ({level}, {precision}, {together} replica{plural} together), because {reason}")
    }
}
