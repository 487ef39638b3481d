//! Files in and out: atomic writing, the table of metrics, NumPy arrays, training data and images.
//!
//! A reader never sees half of a file written here, and the bytes written are a pure function of the content. What is
//! read may come from anyone: damaged or hostile files end in a [`StorageError`] of one line, never in a panic.

pub mod arrays;
pub mod atomic;
pub mod checkpoint;
pub mod dataset;
mod error;
pub mod images;
pub mod lock;
mod names;
mod npy;
pub mod table;
pub mod table_file;

#[cfg(test)]
mod tests;

pub use arrays::{Array, ArrayReader, ArrayWriter};
pub use arrow_array::RecordBatch;
pub use atomic::{AtomicFile, prepare_folder, same_content, write_atomically};
pub use checkpoint::{Checkpoint, read_checkpoint, tensor_names, write_checkpoint};
pub use dataset::{DataFile, DataSet, DataSize, DropLevel, Reading, load};
pub use error::{Item, StorageError};
pub use images::{ImageCounts, ImageFiles};
pub use lock::FolderLock;
pub use names::show_names;
pub use table::{Column, ColumnData, ColumnType, Schema, Table};
pub use table_file::{TableWriter, read_parquet, write_parquet};
