//! What can go wrong with a file, in one line each: where, what was found, what was expected, the nearest valid name.

use super::names::{
    either, extension, leave_out, list, one_line, quote, quoted, quoted_some, suggestion, suggestions,
    tensors,
};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What a file holds under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A column of a table.
    Column,
    /// An array of an npz file.
    Array,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Item::Column => "column",
            Item::Array => "array",
        })
    }
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A problem, with the file it is about.
    #[error("{}: {problem}", one_line(&path.to_string_lossy()))]
    InFile {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: Box<StorageError>,
    },
    /// The operating system refused.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was attempted, e.g. `open the file`.
        action: &'static str,
        /// The refusal.
        source: io::Error,
    },
    /// A folder was to be made where a file is.
    #[error("cannot be a folder, because {} is a file", one_line(&file.to_string_lossy()))]
    BelowFile {
        /// The file in the way: the path itself, or one of its parents.
        file: PathBuf,
    },
    /// Another process is at work in a folder.
    #[error("is in use by {holder}; wait for its end, or choose another folder")]
    InUse {
        /// Who it is, and since when.
        holder: String,
    },
    /// A path to be written has no file name.
    #[error("is not the path of a file")]
    NoFileName,
    /// The bytes are not of the expected format.
    #[error("is not a readable {format} file: {}", one_line(reason))]
    Damaged {
        /// The expected format.
        format: &'static str,
        /// What the decoder met.
        reason: String,
    },
    /// The ending of the file name says nothing about its format.
    #[error("has {}; expected .npz, .parquet, .csv or .tsv (also as .csv.gz)", extension(found.as_deref()))]
    Extension {
        /// The ending found, without its dot.
        found: Option<String>,
    },
    /// There is no such column or array.
    #[error("has no {item} {name:?}{}; present: {}", suggestion(name, present), list(present))]
    MissingName {
        /// Column or array.
        item: Item,
        /// The name asked for.
        name: String,
        /// The names there are.
        present: Vec<String>,
    },
    /// There is none of several arrays, of which one is needed.
    #[error("has no array {}{}; present: {}", either(names), suggestions(names, present), list(present))]
    MissingEither {
        /// The names, one of which is needed.
        names: &'static [&'static str],
        /// The names there are.
        present: Vec<String>,
    },
    /// Tensors that are not those of a network.
    #[error(
        "does not hold the experiment's network: it {}; expected the tensors {} and no others",
        tensors(missing, unknown),
        quoted_some(expected)
    )]
    OtherTensors {
        /// Those of the network that are missing.
        missing: Vec<String>,
        /// Those that the network does not have.
        unknown: Vec<String>,
        /// Those of the network.
        expected: Vec<String>,
    },
    /// A file of another format than those that are read.
    #[error("is {found}; expected {expected}")]
    OtherFormat {
        /// Its format.
        found: &'static str,
        /// What is read, and how to save it so.
        expected: &'static str,
    },
    /// Several arrays say the same thing, possibly not alike.
    #[error("has the arrays {}; expected one of them", quoted(names).join(" and "))]
    OneTooMany {
        /// Their names.
        names: &'static [&'static str],
    },
    /// Two columns or arrays share a name.
    #[error("has two {item}s named {name:?}")]
    DuplicateName {
        /// Columns or arrays.
        item: Item,
        /// The name.
        name: String,
    },
    /// A column or array is of another type or shape than asked for.
    #[error("{item} {name:?} is {found}; expected {expected}")]
    WrongType {
        /// Column or array.
        item: Item,
        /// Its name.
        name: String,
        /// Its type or shape.
        found: String,
        /// What can be read.
        expected: String,
    },
    /// Lengths or shapes that must agree do not.
    #[error("{found}, but {expected}")]
    Lengths {
        /// The offending length, as in `y has 39 values`.
        found: String,
        /// What it must agree with, as in `X has 40 rows`.
        expected: String,
    },
    /// A header promises more than the file can hold, or than memory can.
    #[error("array {name:?} claims the shape {shape}, more than {limit}")]
    TooLarge {
        /// The array.
        name: String,
        /// The claimed shape.
        shape: String,
        /// The limit passed.
        limit: &'static str,
    },
    /// A cell is not a number.
    #[error("{place}: {} is not a number; {hint}", quote(found))]
    NotANumber {
        /// Row and column.
        place: String,
        /// The text of the cell.
        found: String,
        /// How to go on.
        hint: String,
    },
    /// A cell without a value.
    #[error(
        "{place} {found}; expected a value: fill it in, or leave out its row{}",
        leave_out(column.as_deref())
    )]
    Missing {
        /// Row and column.
        place: String,
        /// What stands there.
        found: String,
        /// The column, where it may be left out.
        column: Option<String>,
    },
    /// A cell that cannot be used.
    #[error("{place} {problem}")]
    Cell {
        /// Row and column.
        place: String,
        /// What it is, and what was expected.
        problem: String,
    },
    /// A column that cannot be used.
    #[error("column {} {problem}", quote(name))]
    Column {
        /// Its name.
        name: String,
        /// What is wrong with it, and how to go on.
        problem: String,
    },
    /// Labels that are not classes.
    #[error(
        "{found}; expected texts, whole numbers, or true and false, of at least two kinds; labels = \"numbers\" takes \
         numbers as they are"
    )]
    Classes {
        /// The labels, and what they are.
        found: String,
    },
    /// A setting of tables beside arrays.
    #[error("is an npz file, but {setting} is for csv and parquet; leave it out")]
    TablesOnly {
        /// The setting.
        setting: &'static str,
    },
    /// Neither a file nor a folder.
    #[error("is a device, a pipe or a socket; expected a file")]
    NotAFile,
    /// A value is NaN or infinite.
    #[error("{place} is {found}; expected a finite number")]
    NotFinite {
        /// Row and column.
        place: String,
        /// The value.
        found: f64,
    },
    /// A cell has no value.
    #[error("{place} is null; expected a value")]
    Null {
        /// Row and column.
        place: String,
    },
    /// A run has fewer cells than are needed.
    #[error("has no cell {cell}; expected more than the {cells} cells that it has")]
    NoCell {
        /// The cell asked for.
        cell: usize,
        /// How many there are.
        cells: usize,
    },
    /// There is nothing to work with.
    #[error("has no {what}")]
    Empty {
        /// What is missing, e.g. `rows of data`.
        what: &'static str,
    },
    /// A table of training data needs to be told which column is y.
    #[error("needs target = \"...\", the column that holds y; columns: {}", list(present))]
    TargetMissing {
        /// The columns there are.
        present: Vec<String>,
    },
    /// An npz file names its y itself.
    #[error("holds y as an array of its own; leave out target = {target:?}; arrays: {}", list(present))]
    TargetUnused {
        /// The target that was given.
        target: String,
        /// The arrays there are.
        present: Vec<String>,
    },
}

impl StorageError {
    /// Says which file the problem is in, unless that is known already.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Self {
        match self {
            located @ Self::InFile { .. } => located,
            problem => Self::InFile { path: path.to_path_buf(), problem: Box::new(problem) },
        }
    }

    /// The problem without the file it is in.
    pub fn problem(&self) -> &Self {
        match self {
            Self::InFile { problem, .. } => problem.problem(),
            problem => problem,
        }
    }

    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    pub(super) fn damaged(format: &'static str) -> impl Fn(&dyn fmt::Display) -> Self {
        move |reason| Self::Damaged { format, reason: reason.to_string() }
    }

    pub(super) fn missing(item: Item, name: &str, present: Vec<String>) -> Self {
        Self::MissingName { item, name: name.to_string(), present }
    }
}

/// The first name that occurs twice is an error: which of the two was meant cannot be known.
pub(super) fn check_unique<'a>(
    item: Item,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), StorageError> {
    let mut seen = std::collections::HashSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(StorageError::DuplicateName { item, name: name.to_string() }),
        None => Ok(()),
    }
}
