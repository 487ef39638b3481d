//! The checkpoints of a run: kept apart until the run is over, and then in the place of those of an older one.

use jostle::ensemble::{Ensemble, Replica};
use jostle_files::{StorageError, prepare_folder, same_content, write_checkpoint};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the checkpoints of a run folder are.
pub(super) const FOLDER: &str = "checkpoints";
/// Where they are until the run is over.
const UNDER_WAY: &str = ".checkpoints.jostle.tmp";

/// The name of a replica's checkpoint.
fn name(cell: usize, replica: u32) -> String {
    format!("cell{cell}-replica{replica}.safetensors")
}

/// Whether a file has the name of a checkpoint of a run.
pub(super) fn is_ours(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = name.strip_prefix("cell").and_then(|rest| rest.strip_suffix(".safetensors"));
    numbers
        .and_then(|rest| rest.split_once("-replica"))
        .is_some_and(|(cell, replica)| number(cell) && number(replica))
}

/// The checkpoints of a run in the making.
pub(super) struct Checkpoints {
    folder: PathBuf,
    under_way: PathBuf,
    names: Vec<String>,
}

impl Checkpoints {
    /// None yet, and what a killed run left of its own is removed.
    pub(super) fn new(run: &Path) -> Self {
        let checkpoints =
            Self { folder: run.join(FOLDER), under_way: run.join(UNDER_WAY), names: Vec::new() };
        let _ = fs::remove_dir_all(&checkpoints.under_way);
        checkpoints
    }

    /// Writes a file of named tensors for every replica of a network that has not diverged.
    pub(super) fn append(
        &mut self,
        k: usize,
        cell: &Ensemble,
        replicas: &[Replica],
    ) -> Result<(), StorageError> {
        let tensors = cell.process().model.tensors();
        if tensors.is_empty() || cell.process().start.linearise {
            return Ok(());
        }
        prepare_folder(&self.under_way)?;
        for replica in replicas.iter().filter(|replica| replica.diverged.is_none()) {
            let name = name(k, replica.replica);
            write_checkpoint(
                &self.under_way.join(&name),
                &tensors,
                &replica.theta,
                cell.protocol().precision,
            )?;
            self.names.push(name);
        }
        Ok(())
    }

    /// Whether exactly these checkpoints are in their place already.
    pub(super) fn repeat(&self) -> bool {
        let same = |name: &String| {
            same_content(&self.under_way.join(name), &self.folder.join(name)).is_ok_and(|same| same)
        };
        self.older().is_empty() && self.names.iter().all(same)
    }

    /// Puts the checkpoints in their place, and removes those of an older run. Other files there are left alone.
    pub(super) fn publish(&self) -> Result<(), StorageError> {
        for older in self.older() {
            remove(&older)?;
        }
        if self.names.is_empty() {
            // Only an empty folder goes.
            let _ = fs::remove_dir(&self.folder);
            return Ok(());
        }
        prepare_folder(&self.folder)?;
        for name in &self.names {
            let path = self.folder.join(name);
            fs::rename(self.under_way.join(name), &path)
                .map_err(|source| refused("write the file", source, &path))?;
        }
        Ok(())
    }

    /// The checkpoints of an older run that this one has not written.
    fn older(&self) -> Vec<PathBuf> {
        let written: HashSet<&String> = self.names.iter().collect();
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names
            .filter(|name| is_ours(name) && !written.contains(name))
            .map(|name| self.folder.join(name))
            .collect()
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.under_way);
    }
}

fn remove(path: &Path) -> Result<(), StorageError> {
    fs::remove_file(path).map_err(|source| refused("remove the file", source, path))
}

fn refused(action: &'static str, source: std::io::Error, path: &Path) -> StorageError {
    StorageError::Io { action, source }.in_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_write_is_taken_for_a_checkpoint_of_a_run() {
        assert!(is_ours(&name(0, 0)) && is_ours(&name(12, 345)));
        for other in [
            "cell0-replica0.npz",
            "cell-replica0.safetensors",
            "cell0-replica+1.safetensors",
            "best.safetensors",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn checkpoints_of_an_older_run_go_and_files_of_others_stay() {
        let run = tempfile::tempdir().unwrap();
        let folder = run.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        for name in ["cell0-replica0.safetensors", "cell7-replica1.safetensors", "mine.safetensors"] {
            fs::write(folder.join(name), "older").unwrap();
        }
        let mut checkpoints = Checkpoints::new(run.path());
        fs::create_dir(&checkpoints.under_way).unwrap();
        fs::write(checkpoints.under_way.join(name(0, 0)), "newer").unwrap();
        checkpoints.names.push(name(0, 0));
        assert!(!checkpoints.repeat());
        assert_eq!(
            fs::read(folder.join(name(0, 0))).unwrap(),
            b"older",
            "nothing is replaced before the end"
        );
        checkpoints.publish().unwrap();
        drop(checkpoints);
        let entries = fs::read_dir(&folder).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["cell0-replica0.safetensors", "mine.safetensors"]);
        assert_eq!(fs::read(folder.join(name(0, 0))).unwrap(), b"newer");
        // A run without networks leaves none.
        Checkpoints::new(run.path()).publish().unwrap();
        assert!(!folder.join(name(0, 0)).exists() && folder.join("mine.safetensors").exists());
    }
}
