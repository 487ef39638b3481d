//! What the storage promises, tested as behaviour: on files of our own, of NumPy, and damaged ones.

mod arrays;
mod atomic;
mod damage;
mod dataset;
mod images;
mod names;
mod table;
mod tables;

use super::StorageError;
use std::path::PathBuf;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A file with these bytes in a folder of its own.
fn file(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The message, which must be one line that begins with the file and contains all of `parts`.
#[track_caller]
fn assert_says<T: std::fmt::Debug>(result: Result<T, StorageError>, parts: &[&str]) {
    let message = result.unwrap_err().to_string();
    assert!(!message.contains('\n'), "more than one line: {message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

fn names_in(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
