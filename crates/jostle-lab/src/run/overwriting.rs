//! Results that would take the place of what they are made from.

use super::checkpoints;
use crate::LabError;
use crate::experiment::Experiment;
use std::path::{Path, PathBuf};

/// What is written into a run folder.
const RESULTS: [&str; 5] =
    ["experiment.toml", "manifest.json", "metrics.parquet", "final.npz", "report.html"];

/// Refuses a run into a folder where it would overwrite its data, its start, or the experiment file, unless that is
/// word for word what would be written.
///
/// # Errors
/// The input, and where it was named.
pub(super) fn refuse_overwriting(
    experiment: &Experiment,
    folder: &Path,
    text: impl FnOnce() -> String,
) -> Result<(), LabError> {
    for (key, path) in experiment.inputs() {
        let overwritten = if path.is_dir() { same(&path, folder) } else { is_result(&path, folder) };
        if overwritten {
            return Err(LabError::OverwritesInput { place: experiment.locate(&key), key, file: path });
        }
    }
    let Some(file) = experiment.file.as_deref().filter(|file| is_result(file, folder)) else {
        return Ok(());
    };
    if std::fs::read_to_string(file).is_ok_and(|there| there == text()) {
        return Ok(());
    }
    Err(LabError::OverwritesExperiment { file: file.to_path_buf() })
}

/// Refuses to write a file in the place of one that is read.
///
/// # Errors
/// They are the same.
pub fn refuse_to_overwrite(input: &Path, output: &Path) -> Result<(), LabError> {
    if same(input, output) {
        return Err(LabError::OverwritesMeasured { file: input.to_path_buf() });
    }
    Ok(())
}

fn is_result(path: &Path, folder: &Path) -> bool {
    let results = RESULTS.iter().map(|name| folder.join(name));
    results.chain(checkpoint(path, folder)).any(|result| same(path, &result))
}

/// The checkpoint in a folder that has the name of a file.
fn checkpoint(path: &Path, folder: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str().filter(|name| checkpoints::is_ours(name))?;
    Some(folder.join(checkpoints::FOLDER).join(name))
}

/// Whether two paths lead to one file or folder, by whatever names and links.
fn same(a: &Path, b: &Path) -> bool {
    let (Ok(a), Ok(b)) = (a.canonicalize(), b.canonicalize()) else { return false };
    a == b || same_inode(&a, &b)
}

#[cfg(unix)]
fn same_inode(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |path: &Path| path.metadata().ok().map(|data| (data.dev(), data.ino()));
    inode(a).is_some() && inode(a) == inode(b)
}

#[cfg(not(unix))]
fn same_inode(_a: &Path, _b: &Path) -> bool {
    false
}
