//! Why the laboratory could not do what it was asked, in one line each.

use super::memory::readable;
use crate::experiment::ExperimentError;
use crate::storage::StorageError;
use jostle::geometry::GeometryError;
use std::path::PathBuf;

/// Why the laboratory could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The experiment file.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// A file.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A batch or a learning rate that cannot be.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// A file whose arrays are no point.
    #[error("{}: {source}", file.display())]
    Point {
        /// The file.
        file: PathBuf,
        /// What is wrong with its arrays.
        source: GeometryError,
    },
    /// Parameters are measured with the model of one cell.
    #[error("the experiment has {cells} cells; expected one: leave out its grid, and set what it varies")]
    SeveralCells {
        /// How many there are.
        cells: usize,
    },
    /// A measurement without what it needs.
    #[error("{file} holds parameters; expected --experiment FILE.toml, which says of which model", file = file.display())]
    NoExperiment {
        /// The file of parameters.
        file: PathBuf,
    },
    /// More memory than there is.
    #[error("{what} needs {}, but {} of memory are free; reduce {reduce}", readable(*needed), readable(*available))]
    Memory {
        /// What would need it.
        what: String,
        /// Bytes needed.
        needed: f64,
        /// Bytes free.
        available: f64,
        /// The settings that count.
        reduce: &'static str,
    },
    /// A folder that is not a run.
    #[error("{}: not a run folder: {reason}", folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A prediction that a report needs.
    #[error("{}: {source}", folder.display())]
    Theory {
        /// The run.
        folder: PathBuf,
        /// Why there is none.
        source: jostle::theory::TheoryError,
    },
    /// No paper of that name.
    #[error("no paper is called {name:?}; expected {expected}")]
    NoSuchPaper {
        /// What was asked for.
        name: String,
        /// The names there are.
        expected: String,
    },
    /// A paper without further experiments on networks.
    #[error("{paper} has no further experiments on networks; expected {expected}")]
    NoNetworks {
        /// The paper.
        paper: String,
        /// The papers that have some.
        expected: String,
    },
    /// No thread pool could be made.
    #[error("cannot start {threads} threads: {reason}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}
