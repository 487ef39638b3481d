//! The folder that results go to: what it holds, whether that may be replaced, and that nobody else is at work there.

use super::overwriting::refuse_overwriting;
use crate::LabError;
use crate::experiment::{Experiment, first_difference};
use crate::record::{Head, Manifest, Status};
use jostle_files::{FolderLock, StorageError, prepare_folder, write_atomically};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The files of a run folder.
const FILES: [&str; 5] = ["manifest.json", "experiment.toml", "metrics.parquet", "final.npz", "report.html"];

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// Whether something else of jostle's in it may be replaced.
    pub force: bool,
    /// The folder that is moved as one, such as that of a paper: paths in it are written relative to the experiment.
    pub whole: &'a Path,
}

impl<'a> Destination<'a> {
    /// A folder of its own.
    pub fn new(folder: &'a Path, force: bool) -> Self {
        Self { folder, force, whole: folder }
    }

    /// The text of `experiment.toml` in this folder.
    pub fn text(&self, experiment: &Experiment) -> String {
        let (folder, whole) = (real(self.folder), real(self.whole));
        experiment.to_toml_string_with(&|path| written(Path::new(path), &folder, &whole))
    }

    /// What the folder holds, before an experiment with this text is run into it.
    ///
    /// # Errors
    /// Something that may not be replaced.
    pub fn held(&self, text: &str) -> Result<Held, LabError> {
        let head = head(self.folder, FILES)?;
        self.replaceable(head, |head| {
            if head.paper.is_some() {
                return Some("it is a paper's".to_owned());
            }
            let there = std::fs::read_to_string(self.folder.join("experiment.toml")).unwrap_or_default();
            let differ = || first_difference(&[], text, &there);
            (there != text).then(|| differ().unwrap_or_else(|| "it is written otherwise".to_owned()))
        })
    }

    /// What the folder with this manifest holds; `difference` is why a finished run in it is another one.
    ///
    /// # Errors
    /// Something that may not be replaced.
    pub fn replaceable(
        &self,
        head: Option<Head>,
        difference: impl FnOnce(&Head) -> Option<String>,
    ) -> Result<Held, LabError> {
        let Some(head) = head else { return Ok(Held::Nothing) };
        let is_done = head.status == Status::Done;
        if self.force {
            return Ok(if is_done { Held::Finished } else { Held::Unfinished });
        }
        let version = env!("CARGO_PKG_VERSION");
        let holds = match head.status {
            Status::Running => "an unfinished run, which was killed or failed".to_owned(),
            Status::Interrupted => "an unfinished run, which was interrupted".to_owned(),
            Status::Done if head.version != version => {
                format!("a finished run of jostle {}, and this is {version}", head.version)
            }
            Status::Done => match difference(&head) {
                None => return Ok(Held::Finished),
                Some(difference) => format!("a finished run of another experiment: {difference}"),
            },
        };
        Err(LabError::Occupied { folder: self.folder.to_path_buf(), holds })
    }
}

/// What a folder holds of jostle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing; files of others may be there.
    Nothing,
    /// A run that was killed, interrupted, or failed.
    Unfinished,
    /// A finished run.
    Finished,
}

/// The manifest of whatever is in a folder.
///
/// # Errors
/// Files that would be replaced, and that jostle has not written.
pub fn head<'a>(folder: &Path, files: impl IntoIterator<Item = &'a str>) -> Result<Option<Head>, LabError> {
    let foreign = |name: &str| LabError::Foreign { folder: folder.to_path_buf(), name: name.to_owned() };
    match std::fs::read(folder.join("manifest.json")) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|_| foreign("manifest.json")),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            let there = |name: &&str| folder.join(name).symlink_metadata().is_ok();
            files.into_iter().find(there).map_or(Ok(None), |name| Err(foreign(name)))
        }
        Err(_) => Err(foreign("manifest.json")),
    }
}

/// A folder that is ours to write into until this is dropped.
pub(super) struct Taken {
    pub(super) folder: PathBuf,
    pub(super) held: Held,
    /// The text of the experiment in it.
    pub(super) text: String,
    lock: FolderLock,
    begun: bool,
}

impl Taken {
    /// Takes the folder for a run of an experiment.
    ///
    /// # Errors
    /// It cannot be written, another process is at work in it, or what it holds may not be replaced.
    pub(super) fn new(destination: &Destination<'_>, experiment: &Experiment) -> Result<Self, LabError> {
        let folder = destination.folder;
        refuse_overwriting(experiment, folder, || destination.text(experiment))?;
        prepare_folder(folder)?;
        let lock = FolderLock::take(folder)?;
        let text = destination.text(experiment);
        let held = destination.held(&text)?;
        Ok(Self { folder: folder.to_path_buf(), held, text, lock, begun: false })
    }

    /// Says in a folder that held nothing that a run has begun. What it held otherwise stays until it is replaced.
    pub(super) fn begin(&mut self, manifest: &Manifest) -> Result<(), StorageError> {
        if self.held == Held::Nothing {
            self.begun = true;
            manifest.write(&self.folder)?;
            self.write_experiment()?;
        }
        Ok(())
    }

    pub(super) fn write_experiment(&self) -> Result<(), StorageError> {
        let path = self.folder.join("experiment.toml");
        write_atomically(&path, |file| file.write_all(self.text.as_bytes()))
    }

    /// Makes sure that the folder is still ours.
    pub(super) fn check(&self) -> Result<(), StorageError> {
        self.lock.check()
    }

    /// The results are in their places.
    pub(super) fn filled(&mut self) {
        self.begun = false;
    }
}

impl Drop for Taken {
    /// A run that failed leaves nothing: it holds no results, and would be in the way of the next.
    fn drop(&mut self) {
        if self.begun && self.check().is_ok() {
            for name in ["experiment.toml", "manifest.json"] {
                let _ = std::fs::remove_file(self.folder.join(name));
            }
        }
    }
}

/// The path of a folder without links; of one that is not there yet, as far as it is there.
fn real(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let there = absolute.ancestors().find_map(|known| Some((known.canonicalize().ok()?, known)));
    there.map_or_else(
        || absolute.clone(),
        |(real, known)| real.join(absolute.strip_prefix(known).unwrap_or(Path::new(""))),
    )
}

/// How a path is written into a file in `folder`: relative to it within `whole`, and absolute elsewhere.
fn written(path: &Path, folder: &Path, whole: &Path) -> String {
    let as_it_is = || path.to_string_lossy().into_owned();
    let Ok(real) = path.canonicalize() else { return as_it_is() };
    if !real.starts_with(whole) {
        let plain = without_detours(path);
        return if plain.canonicalize().is_ok_and(|other| other == real) {
            plain.to_string_lossy().into_owned()
        } else {
            as_it_is()
        };
    }
    let common = folder.components().zip(real.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(common).map(|_| Some(".."));
    let down = real.components().skip(common).map(|part| part.as_os_str().to_str());
    let parts: Option<Vec<&str>> = up.chain(down).collect();
    parts.map_or_else(as_it_is, |parts| parts.join("/"))
}

/// A path without `a/..`, as it is written.
fn without_detours(path: &Path) -> PathBuf {
    use std::path::Component::{CurDir, Normal, ParentDir};
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            ParentDir if matches!(plain.components().next_back(), Some(Normal(_))) => {
                plain.pop();
            }
            CurDir => {}
            part => plain.push(part),
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_within_the_whole_are_relative_and_others_absolute() {
        let root = tempfile::tempdir().unwrap();
        let whole = root.path().canonicalize().unwrap().join("paper");
        std::fs::create_dir_all(whole.join("experiments")).unwrap();
        std::fs::create_dir_all(whole.join("label")).unwrap();
        let (inside, outside) = (whole.join("experiments/x.npz"), root.path().join("y.npz"));
        std::fs::write(&inside, "").unwrap();
        std::fs::write(&outside, "").unwrap();
        let folder = whole.join("label");
        assert_eq!(written(&inside, &folder, &whole), "../experiments/x.npz");
        assert_eq!(written(&inside, &whole, &whole), "experiments/x.npz");
        assert_eq!(written(&outside, &folder, &whole), outside.to_str().unwrap());
        let detour = whole.join("label/../../y.npz");
        assert_eq!(
            written(&detour, &folder, &whole),
            root.path().canonicalize().unwrap().join("y.npz").to_str().unwrap()
        );
        assert_eq!(written(Path::new("/no/such/file"), &folder, &whole), "/no/such/file");
    }

    #[test]
    fn a_folder_that_is_not_there_yet_has_a_real_path() {
        let root = tempfile::tempdir().unwrap();
        let expected = root.path().canonicalize().unwrap().join("a/b");
        assert_eq!(real(&root.path().join("a/b")), expected);
        assert_eq!(real(Path::new(".")), std::env::current_dir().unwrap().canonicalize().unwrap());
    }
}
