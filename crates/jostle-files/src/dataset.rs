//! Training data from files: X, y and what goes with them, as arrays in npz or as a table in CSV or Parquet.

mod arrays;
mod cells;
mod classes;
mod csv;
mod facts;
mod fill;
mod parquet;
mod roles;
mod table;
mod text_file;

use super::StorageError;
use super::error::Item;
use std::path::{Path, PathBuf};

/// Training data, all of it finite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataSet {
    /// Features (n x d), row by row: one row a sample.
    pub x: Vec<f64>,
    /// The number of samples n, at least one.
    pub samples: usize,
    /// The number of features d, at least one.
    pub dim: usize,
    /// Labels (n x c), row by row.
    pub y: Vec<f64>,
    /// The number of labels c of a sample, at least one.
    pub outputs: usize,
    /// The true parameter (d), where the file knows it.
    pub truth: Option<Vec<f64>>,
    /// Samples to test on (m x d) and their labels (m x c), where there are any.
    pub test: Option<(Vec<f64>, Vec<f64>)>,
    /// The names of the features (d), where the file has them.
    pub feature_names: Option<Vec<String>>,
    /// The weights of the samples (n), where they were asked for.
    pub weights: Option<Vec<f64>>,
    /// What was chosen in reading that a reader of the results should know, each a part of a sentence.
    pub remarks: Vec<String>,
}

/// Which level of a column of text has no indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DropLevel {
    /// The first of columns with two levels.
    #[default]
    IfBinary,
    /// The first of every column.
    First,
    /// None.
    Never,
}

/// How a data file is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The column of the labels, for tables.
    pub target: Option<String>,
    /// Whether labels are classes.
    pub is_classes: bool,
    /// The columns that are features, in this order; all others if there are none.
    pub columns: Vec<String>,
    /// Columns to leave out.
    pub drop: Vec<String>,
    /// Columns whose values are names of levels, whatever they look like.
    pub categorical: Vec<String>,
    /// Which level has no indicator.
    pub drop_level: DropLevel,
    /// What separates the cells of a CSV file; recognised by default.
    pub delimiter: Option<u8>,
    /// Whether the decimal point of a CSV file is a comma.
    pub is_decimal_comma: bool,
    /// The column or the array of the weights of samples.
    pub sample_weight: Option<String>,
    /// A second file, with samples to test on.
    pub test_path: Option<PathBuf>,
}

impl Reading {
    /// A table with this target, everything else by default.
    pub fn of_target(target: &str) -> Self {
        Self { target: Some(target.to_owned()), ..Self::default() }
    }

    /// The settings that make sense for tables only, and are given.
    fn of_tables_only(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("columns", !self.columns.is_empty()),
            ("drop", !self.drop.is_empty()),
            ("categorical", !self.categorical.is_empty()),
            ("drop_level", self.drop_level != DropLevel::default()),
            ("delimiter", self.delimiter.is_some()),
            ("decimal", self.is_decimal_comma),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// The formats of training data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Npz,
    Text,
    Parquet,
}

impl Format {
    fn of(path: &Path) -> Result<Self, StorageError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        match Path::new(plain).extension().map(|extension| extension.to_string_lossy()).as_deref() {
            Some("csv" | "tsv") => Ok(Self::Text),
            Some("npz") if plain == name => Ok(Self::Npz),
            Some("parquet") if plain == name => Ok(Self::Parquet),
            _ => {
                let found = path.extension().map(|e| e.to_string_lossy().into_owned());
                Err(StorageError::Extension { found })
            }
        }
    }
}

/// A data file that was looked through: how large its data are is known, and they are not in memory yet.
pub struct DataFile {
    path: PathBuf,
    reading: Reading,
    content: Content,
}

enum Content {
    Arrays(DataSize),
    Table(Box<table::Table>),
}

/// How large data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSize {
    /// Samples, those to test on among them.
    pub samples: usize,
    /// Features of a sample.
    pub dim: usize,
    /// Labels of a sample.
    pub outputs: usize,
}

impl DataFile {
    /// Looks through the file, in the format that its extension names.
    ///
    /// * `.npz`: arrays `X` (n x d), `y` (n, or n x c) and optionally `truth` (d), `feature_names` (d) and `X_test` (m x d)
    ///   with `y_test`; no `target`.
    /// * `.csv` and `.tsv` (with a header line; also as `.gz`) and `.parquet`: the column `target` is y, every other column
    ///   a feature, but for the row index that pandas writes.
    ///
    /// # Errors
    /// The file cannot be read, names or sizes do not fit, or a column cannot be read as features.
    pub fn open(path: &Path, reading: Reading) -> Result<Self, StorageError> {
        let content = || -> Result<Content, StorageError> {
            let format = Format::of(path)?;
            if let Some(test) = &reading.test_path {
                let other = Format::of(test).map_err(|e| e.in_file(test))?;
                if (other == Format::Npz) != (format == Format::Npz) {
                    let found = format!("samples to test on are in {}", test.display());
                    let expected =
                        "one is an npz file and the other a table; expected two of a kind".to_owned();
                    return Err(StorageError::Lengths { found, expected });
                }
            }
            match format {
                Format::Npz => Ok(Content::Arrays(arrays::size(path, &reading)?)),
                _ => Ok(Content::Table(Box::new(table::Table::open(path, &reading)?))),
            }
        };
        let content = content().map_err(|e| e.in_file(path))?;
        Ok(Self { path: path.to_path_buf(), reading, content })
    }

    /// How large the data are.
    pub fn size(&self) -> DataSize {
        match &self.content {
            Content::Arrays(size) => *size,
            Content::Table(table) => table.size(),
        }
    }

    /// Reads the data.
    ///
    /// # Errors
    /// A value is missing, no number, or not finite; the message says where.
    pub fn load(self) -> Result<DataSet, StorageError> {
        let data = match self.content {
            Content::Arrays(_) => arrays::load(&self.path, &self.reading),
            Content::Table(table) => table.load(),
        };
        data.map_err(|e| e.in_file(&self.path))
    }
}

/// Opens a table or npz file and reads its data at once.
///
/// # Errors
/// As [`DataFile::open`] and [`DataFile::load`].
pub fn load(path: &Path, reading: Reading) -> Result<DataSet, StorageError> {
    DataFile::open(path, reading)?.load()
}

/// NaN and infinities would spread through every replica, so they are refused where they enter.
fn check_finite(found: f64, place: impl FnOnce() -> String) -> Result<(), StorageError> {
    if found.is_finite() { Ok(()) } else { Err(StorageError::NotFinite { place: place(), found }) }
}

/// The position of a column that is asked for by its name.
fn position(names: &[String], name: &str) -> Result<usize, StorageError> {
    let found = names.iter().position(|known| known == name);
    found.ok_or_else(|| StorageError::missing(Item::Column, name, names.to_vec()))
}
