//! Runs: from an experiment to a folder of results, and back.

mod build;
mod error;
mod execute;
mod folder;
mod manifest;
pub mod memory;
mod results;

pub use build::{build, quantity_names};
pub use error::LabError;
pub use execute::{Outcome, Plan, Progress, Unwatched, execute};
pub use folder::Run;
pub use manifest::{CellRecord, Diverged, Machine, Manifest, Status, write_json};
