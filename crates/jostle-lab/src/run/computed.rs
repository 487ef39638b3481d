//! A run that is computed, and whose results are still to be put in their places.

use super::destination::{Held, Taken};
use super::results::ResultFiles;
use super::{Outcome, Remains};
use crate::LabError;
use crate::record::{Manifest, Status};
use std::io::ErrorKind;

/// A run that is computed; until it is published, its folder holds what it held before.
pub struct Computed {
    pub(super) taken: Taken,
    pub(super) files: ResultFiles,
    pub(super) manifest: Manifest,
}

impl Computed {
    /// Whether publishing changes the folder: an interrupted run is kept only where it does not take the place of
    /// more.
    pub fn is_kept(&self) -> bool {
        match self.taken.held {
            Held::Nothing => true,
            Held::Unfinished => !self.manifest.cells.is_empty(),
            Held::Finished => self.manifest.status == Status::Done,
        }
    }

    /// Puts the results in their places.
    ///
    /// Results that are there already, byte for byte, are left alone. What is replaced by something else is marked as
    /// unfinished first, so that a process killed on the way leaves no mixture that passes for a run.
    ///
    /// # Errors
    /// The disk is full or fails, or another process has taken the folder.
    pub fn publish(self) -> Result<Outcome, LabError> {
        if !self.is_kept() {
            return Ok(Outcome::Interrupted(Remains::Older));
        }
        let Self { mut taken, files, manifest } = self;
        let files = files.complete()?;
        taken.check()?;
        let folder = taken.folder.clone();
        if taken.held != Held::Nothing {
            let there = std::fs::read_to_string(folder.join("experiment.toml"));
            let is_same = there.is_ok_and(|there| there == taken.text);
            if !(is_same && files.repeat()) {
                Manifest { status: Status::Running, cells: Vec::new(), ..manifest.clone() }.write(&folder)?;
                for stale in ["report.html", "claims.json"] {
                    remove_if_there(&folder.join(stale))?;
                }
                taken.write_experiment()?;
            }
        }
        files.publish()?;
        manifest.write(&folder)?;
        taken.filled();
        if manifest.status == Status::Interrupted {
            return Ok(Outcome::Interrupted(Remains::Cells));
        }
        Ok(Outcome::Done)
    }
}

fn remove_if_there(path: &std::path::Path) -> Result<(), LabError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(jostle_files::StorageError::Io { action: "remove the file", source }.in_file(path).into())
        }
        _ => Ok(()),
    }
}
