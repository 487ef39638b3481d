//! The laboratory: experiments on disk.
//!
//! An experiment takes one way through it: [`experiment`] reads and checks a file, [`plan`] resolves it into cells with
//! their data, [`run`] computes them and keeps the results, [`read`] makes tables, figures and reports of a run folder.
//! [`record`] is what a run folder says of itself. [`measure`] answers about the geometry of a single point.

mod error;
pub mod experiment;
pub mod measure;
pub mod plan;
mod progress;
pub mod read;
pub mod record;
pub mod run;

pub use error::LabError;
pub use progress::{Progress, Unit, Unwatched};
