//! Why the laboratory could not do what it was asked, in one line each.

use crate::experiment::ExperimentError;
use jostle::geometry::GeometryError;
use jostle_files::StorageError;
use jostle_report::number::readable_bytes;
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
    #[error("{what} needs {}, but {} of memory are free; reduce {reduce}", readable_bytes(*needed), readable_bytes(*available))]
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
    /// A folder that holds something that may not be replaced without being asked for it.
    #[error("{}: holds {holds}; choose another folder with --out, or replace it with --force", folder.display())]
    Occupied {
        /// The folder.
        folder: PathBuf,
        /// What it holds.
        holds: String,
    },
    /// A folder that holds a file of the name of a result, which jostle has not written.
    #[error("{}: holds {name}, which jostle has not written; choose another folder with --out", folder.display())]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// The file.
        name: String,
    },
    /// Results that would replace what they are made from.
    #[error("{place}: {key} is {}, which the results would overwrite; choose another folder with --out", file.display())]
    OverwritesInput {
        /// Where the input was named.
        place: String,
        /// The setting.
        key: String,
        /// The input.
        file: PathBuf,
    },
    /// Results that would replace the experiment file.
    #[error(
        "{}: would be overwritten by its resolved form, without comments; choose another folder with --out",
        file.display()
    )]
    OverwritesExperiment {
        /// The experiment file.
        file: PathBuf,
    },
    /// A page that would replace what was measured.
    #[error("{}: would be overwritten by the page; choose another file with --plot", file.display())]
    OverwritesMeasured {
        /// The file.
        file: PathBuf,
    },
    /// Results that are sent to a receiver that is gone.
    #[error("the receiver of the results is gone")]
    Unheard,
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
    /// More threads than make sense.
    #[error(
        "{threads} threads are asked for; expected at most {most} on a machine with {processors} processors"
    )]
    TooManyThreads {
        /// How many were asked for.
        threads: usize,
        /// How many are allowed.
        most: usize,
        /// How many there could be use for.
        processors: usize,
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
