//! Many replicas of one process, each with its own random stream.
//!
//! An [`Ensemble`] only exists when its parts fit each other. It is run by [`Ensemble::run`], together with others by
//! [`run()`], or block by block by [`run_unit`]; results are the same bits whichever way, and on any number of threads.

mod assembly;
mod blocks;
mod check;
mod cost;
mod early_exit;
mod entry;
mod execute;
mod linearisation;
mod measurement;
mod observed;
mod plain;
mod plan;
mod protocol;
mod replica;
mod results;
mod run;
#[cfg(test)]
pub(crate) mod setup;
mod start;
mod tasks;
mod unit;

pub use crate::dynamics::kernel::Kernel;
pub use crate::setting::Recording;
pub use assembly::Assembly;
pub(crate) use early_exit::may_stop_early;
pub use entry::ENTRY;
pub use measurement::Measurement;
pub use observed::default_names;
pub use plain::{Plain, run_plainly};
pub use plan::{KernelPlan, plan};
pub use protocol::Protocol;
pub use replica::{Replica, UnitResult};
pub use results::{Results, Values};
pub use run::{run, run_units};
pub(crate) use unit::run_unit_until;
pub use unit::{Unit, run_unit, unit_replicas, units};

use crate::process::Process;

/// Replicas of a process, and what is recorded of them. Whatever is an ensemble has been checked.
#[derive(Clone)]
pub struct Ensemble {
    process: Process,
    protocol: Protocol,
}

#[cfg(test)]
mod tests;
