//! NumPy's npz files: named arrays of numbers, out and in.

use super::StorageError;
use super::atomic::{AtomicFile, open};
use super::error::Item;
use super::names::show_shape;
use super::npy::{ArrayHeader, texts};
use ndarray::{ArrayView1, ArrayView2};
use ndarray_npy::{NpzWriter, WriteNpyError, WriteNpyExt, WriteNpzError};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive};

/// Writes an npz file array by array, uncompressed; it appears at its path when finished.
///
/// The bytes depend on the names and values only: the entries carry the earliest date of the zip format, not today's.
pub struct ArrayWriter {
    path: PathBuf,
    names: Vec<String>,
    npz: NpzWriter<AtomicFile>,
}

impl ArrayWriter {
    /// Begins a file that will appear at `path`.
    ///
    /// # Errors
    /// The folder of `path` does not take files.
    pub fn create(path: &Path) -> Result<Self, StorageError> {
        let npz = NpzWriter::new(AtomicFile::create(path)?);
        Ok(Self { path: path.to_path_buf(), names: Vec::new(), npz })
    }

    /// Adds an array of shape `(values.len(),)`.
    ///
    /// # Errors
    /// The name is taken, or the disk refuses.
    pub fn vector(&mut self, name: &str, values: &[f64]) -> Result<(), StorageError> {
        self.add(name, values.len(), &ArrayView1::from(values))
    }

    /// Adds an array of shape `(rows, columns)`, given row by row.
    ///
    /// # Errors
    /// There are not rows x columns values, the name is taken, or the disk refuses.
    pub fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
        values: &[f64],
    ) -> Result<(), StorageError> {
        let view = ArrayView2::from_shape((rows, columns), values).map_err(|_| {
            let found = format!("array {name:?} is given {} values", values.len());
            let expected = format!("its shape is {}", show_shape(&[rows, columns]));
            StorageError::Lengths { found, expected }.in_file(&self.path)
        })?;
        self.add(name, values.len(), &view)
    }

    /// Adds an array of 64-bit integers of shape `(values.len(),)`.
    ///
    /// # Errors
    /// The name is taken, or the disk refuses.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> Result<(), StorageError> {
        self.add(name, values.len(), &ArrayView1::from(values))
    }

    /// Adds an array of texts of shape `(values.len(),)`: NumPy's `<U..`, as wide as the longest of them.
    ///
    /// # Errors
    /// The name is taken, or the disk refuses.
    pub fn texts(&mut self, name: &str, values: &[String]) -> Result<(), StorageError> {
        self.add(name, values.len(), &Texts(values))
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// The disk refuses; nothing is left behind then.
    pub fn finish(self) -> Result<(), StorageError> {
        self.complete()?.publish()
    }

    /// Completes the file and brings it to the disk; it then only needs its name.
    ///
    /// # Errors
    /// As [`ArrayWriter::finish`].
    pub fn complete(self) -> Result<AtomicFile, StorageError> {
        let mut file = self.npz.finish().map_err(|e| write_error(e).in_file(&self.path))?;
        file.settle()?;
        Ok(file)
    }

    fn add(&mut self, name: &str, count: usize, array: &impl WriteNpyExt) -> Result<(), StorageError> {
        if self.names.iter().any(|taken| taken == name) {
            let problem = StorageError::DuplicateName { item: Item::Array, name: name.to_string() };
            return Err(problem.in_file(&self.path));
        }
        self.names.push(name.to_string());
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            // Past 4 GiB an entry needs the wider fields, which must be announced before its data.
            .large_file(count > (1 << 28));
        self.npz.add_array_with_options(name, array, options).map_err(|e| write_error(e).in_file(&self.path))
    }
}

/// Texts that are written as an array.
struct Texts<'a>(&'a [String]);

impl WriteNpyExt for Texts<'_> {
    fn write_npy<W: io::Write>(&self, mut writer: W) -> Result<(), WriteNpyError> {
        writer.write_all(&texts(self.0)).map_err(WriteNpyError::Io)
    }
}

/// An array of real numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Its sides: one to three.
    pub shape: Vec<usize>,
    /// Its values, row by row.
    pub values: Vec<f64>,
}

/// Reads arrays by name from an npz file, whatever their numeric type and memory order.
#[derive(Debug)]
pub struct ArrayReader {
    path: PathBuf,
    bytes: u64,
    names: Vec<String>,
    zip: ZipArchive<BufReader<File>>,
}

impl ArrayReader {
    /// Opens the npz file `path` and reads its list of arrays.
    ///
    /// # Errors
    /// The file cannot be read, or is not a zip archive.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let open = || {
            let file = open(path)?;
            let bytes = file.metadata().map_err(StorageError::io("open the file"))?.len();
            let zip = ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(&e))?;
            let names = zip.file_names().map(|name| name.strip_suffix(".npy").unwrap_or(name).to_string());
            Ok(Self { path: path.to_path_buf(), bytes, names: names.collect(), zip })
        };
        open().map_err(|e: StorageError| e.in_file(path))
    }

    /// The names of the arrays, in the order of the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is an array of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|present| present == name)
    }

    /// The shape of an array, from its header.
    ///
    /// # Errors
    /// There is no such array, or its header is damaged.
    pub fn shape(&mut self, name: &str) -> Result<Vec<usize>, StorageError> {
        self.with_array(name, |header, _, _| Ok(header.shape().to_vec()))
    }

    /// Reads an array of one to three dimensions as real numbers; 64-bit integers above 2^53 are rounded.
    ///
    /// # Errors
    /// There is no such array, it is damaged, not numeric, or of another dimension.
    pub fn read(&mut self, name: &str) -> Result<Array, StorageError> {
        self.with_array(name, |header, bytes, entry| {
            if !matches!(header.shape().len(), 1..=3) {
                return Err(header.wrong_type(name, "one to three dimensions"));
            }
            let values = header.read_numbers(name, bytes, entry)?;
            Ok(Array { shape: header.shape().to_vec(), values })
        })
    }

    /// Reads an array of one dimension.
    ///
    /// # Errors
    /// As [`ArrayReader::read`]; also when it has two dimensions.
    pub fn read_vector(&mut self, name: &str) -> Result<Vec<f64>, StorageError> {
        self.with_array(name, |header, bytes, entry| match header.shape() {
            [_] => header.read_numbers(name, bytes, entry),
            _ => Err(header.wrong_type(name, "one dimension")),
        })
    }

    /// Reads an array of two dimensions: its rows, its columns, and its values row by row.
    ///
    /// # Errors
    /// As [`ArrayReader::read`]; also when it has one dimension.
    pub fn read_matrix(&mut self, name: &str) -> Result<(usize, usize, Vec<f64>), StorageError> {
        self.with_array(name, |header, bytes, entry| match *header.shape() {
            [rows, columns] => Ok((rows, columns, header.read_numbers(name, bytes, entry)?)),
            _ => Err(header.wrong_type(name, "two dimensions")),
        })
    }

    /// Reads an array of integers of one dimension.
    ///
    /// # Errors
    /// There is no such array, it is damaged, or does not hold integers that all fit into 64 bits with sign.
    pub fn read_integers(&mut self, name: &str) -> Result<Vec<i64>, StorageError> {
        self.with_array(name, |header, bytes, entry| match header.shape() {
            [_] => header.read_integers(name, bytes, entry),
            _ => Err(header.wrong_type(name, "one dimension")),
        })
    }

    /// Whether an array holds texts.
    ///
    /// # Errors
    /// There is no such array, or its header is damaged.
    pub fn holds_texts(&mut self, name: &str) -> Result<bool, StorageError> {
        self.with_array(name, |header, _, _| Ok(header.text_width().is_some()))
    }

    /// Reads an array of texts of one dimension.
    ///
    /// # Errors
    /// There is no such array, it is damaged, or does not hold texts.
    pub fn read_texts(&mut self, name: &str) -> Result<Vec<String>, StorageError> {
        self.with_array(name, |header, bytes, entry| header.read_texts(name, bytes, entry))
    }

    fn with_array<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&ArrayHeader, u64, &mut ZipFile<'_, BufReader<File>>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let found = || {
            let index = self.names.iter().position(|present| present == name);
            let index = index.ok_or_else(|| StorageError::missing(Item::Array, name, self.names.clone()))?;
            let mut entry = self.zip.by_index(index).map_err(|e| damaged(&format!("array {name:?}: {e}")))?;
            let header = ArrayHeader::read(name, &mut entry)?;
            read(&header, self.bytes, &mut entry)
        };
        found().map_err(|e: StorageError| e.in_file(&self.path))
    }
}

fn damaged(reason: &dyn std::fmt::Display) -> StorageError {
    StorageError::damaged("npz")(reason)
}

fn write_error(error: WriteNpzError) -> StorageError {
    let source = match error {
        WriteNpzError::Zip(error) => error.into(),
        WriteNpzError::Npy(WriteNpyError::Io(error)) => error,
        WriteNpzError::Npy(error) => io::Error::other(error),
    };
    StorageError::io("write the file")(source)
}
