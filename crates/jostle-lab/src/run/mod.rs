//! Running: from a plan to results, in a folder or wherever a sink takes them.

mod arrays;
mod channel;
mod checkpoints;
mod computed;
mod destination;
mod execute;
mod files;
mod memory;
mod overwriting;
mod prediction;
mod results;
mod rows;
mod sink;

pub use channel::{Channel, FinishedUnit};
pub use computed::Computed;
pub use destination::{Destination, Held, head};
pub use execute::{Outcome, PredictionOutcome, Remains, compute, execute, predict, run_into};
pub use memory::{FinalArray, Memory};
pub use overwriting::refuse_to_overwrite;
pub use prediction::{PredictedCell, Predictions};
pub use sink::{Job, Sink};
