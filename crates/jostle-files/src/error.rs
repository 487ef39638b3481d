//! What can go wrong with a file, in one line each: where, what was found, what was expected, the nearest valid name.

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

/// A shape as NumPy prints it: `(40, 100)`, `(40,)`.
pub(super) fn show_shape(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        many => format!("({})", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// The name that was probably meant: equal but for case, or at most a third of its letters away.
fn nearest<'a>(name: &str, present: &'a [String]) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let distance = |candidate: &&'a String| strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
    // The distance takes quadratic time, and names in foreign files may be of any length.
    let comparable = present.iter().filter(|candidate| candidate.len() <= 100 && name.len() <= 100);
    let best = comparable.min_by_key(distance)?;
    (distance(&best) <= name.chars().count().div_ceil(3)).then_some(best.as_str())
}

fn suggestion(name: &str, present: &[String]) -> String {
    nearest(name, present).map_or_else(String::new, |near| format!("; did you mean {near:?}?"))
}

fn quoted(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{name:?}")).collect()
}

/// What distinguishes tensors from those of a network.
fn tensors(missing: &[String], unknown: &[String]) -> String {
    match (missing, unknown) {
        (missing, []) => format!("lacks {}", quoted_some(missing)),
        ([], unknown) => format!("also holds {}", quoted_some(unknown)),
        _ => format!("lacks {}, and also holds {}", quoted_some(missing), quoted_some(unknown)),
    }
}

/// The first few of some names, and how many more there are.
fn quoted_some(names: &[String]) -> String {
    listed(names, 6, |name| quote(name))
}

fn either(names: &[&str]) -> String {
    quoted(names).join(" or ")
}

/// What was probably meant by the first of several names that has something near.
fn suggestions(names: &[&str], present: &[String]) -> String {
    names.iter().map(|name| suggestion(name, present)).find(|text| !text.is_empty()).unwrap_or_default()
}

fn leave_out(column: Option<&str>) -> String {
    column.map_or_else(String::new, |name| format!(", or the column with drop = [{name:?}]"))
}

/// The first of a list of names, and how many more there are.
pub fn show_names(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let plain = |name: &String| !name.is_empty() && !name.contains([',', ';', '"']) && name.trim() == name;
    let show = |name: &String| shorten(&if plain(name) { one_line(name) } else { format!("{name:?}") });
    // One more name takes no more room than saying that there is one.
    let shown = if names.len() == SHOWN + 1 { names.len() } else { SHOWN };
    let first = names.iter().take(shown).map(show).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(shown) {
        0 => first,
        more => format!("{first}, ... and {more} more"),
    }
}

fn list(names: &[String]) -> String {
    listed(names, 20, |name| if name.is_empty() { "\"\"".to_owned() } else { shorten(&one_line(name)) })
}

/// The first names, and how many more there are.
fn listed(names: &[String], most: usize, shown: impl Fn(&String) -> String) -> String {
    let first = names.iter().take(most).map(shown).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        _ if names.is_empty() => "none".to_string(),
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn extension(found: Option<&str>) -> String {
    found.map_or_else(
        || "no extension".to_string(),
        |found| format!("the extension {}", quote(&format!(".{found}"))),
    )
}

fn quote(text: &str) -> String {
    format!("{:?}", shorten(text))
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_string();
    }
    text.chars().take(LONGEST).chain("...".chars()).collect()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
