//! Where the images of an experiment are.

use crate::LabError;
use crate::experiment::{CheckedCell, Experiment, FoundImages};
use jostle::InputError;
use jostle::setting::{SettingError, Settings};
use jostle_files::images::{file_names, folder_names};
use jostle_files::{ImageFiles, StorageError};
use std::path::Path;
use std::sync::Arc;

/// Finds the files of every problem made of images, and writes into the experiment which they are. For each cell, the
/// data set that it asked for where another one takes its place.
///
/// # Errors
/// Files that are not there and have no fallback, or folders that cannot be read.
pub(super) fn locate(experiment: &mut Experiment) -> Result<Vec<Option<String>>, LabError> {
    let mut known: Vec<(Arc<Settings>, Option<FoundImages>)> = Vec::new();
    let mut found = Vec::with_capacity(experiment.cells.len());
    for (k, CheckedCell { problem, .. }) in experiment.cells.iter().enumerate() {
        if let Some((_, place)) = known.iter().find(|(of, _)| Arc::ptr_eq(of, &problem.settings)) {
            found.push(place.clone());
            continue;
        }
        let place = match problem.kind {
            "images" => {
                Some(find(&problem.settings, experiment.data.as_deref()).map_err(
                    |trouble| match trouble {
                        Trouble::Setting(error) => {
                            experiment.explain(k, &InputError::in_section("problem")(error)).into()
                        }
                        Trouble::Storage(error) => LabError::from(error),
                    },
                )?)
            }
            _ => None,
        };
        known.push((problem.settings.clone(), place.clone()));
        found.push(place);
    }
    let replaced = |(cell, found): (&CheckedCell, &Option<FoundImages>)| {
        let asked = found.as_ref().map(|_| cell.problem.settings.text("dataset").to_owned());
        asked.filter(|asked| found.as_ref().is_some_and(|found| found.dataset != *asked))
    };
    let replaced = experiment.cells.iter().zip(&found).map(replaced).collect();
    experiment.fill_images(&found);
    Ok(replaced)
}

/// The images of a problem whose files have been located.
///
/// # Errors
/// The folder cannot be read, or has lost its files since.
pub(super) fn files(settings: &Settings) -> Result<ImageFiles, StorageError> {
    let dataset = settings.text("dataset");
    let files = if settings.has("path") {
        ImageFiles::in_folder(dataset, Path::new(settings.text("path")))?
    } else {
        ImageFiles::embedded(dataset)
    };
    files.ok_or(StorageError::Empty { what: "images" })
}

enum Trouble {
    Setting(SettingError),
    Storage(StorageError),
}

impl From<StorageError> for Trouble {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

fn find(settings: &Settings, root: Option<&Path>) -> Result<FoundImages, Trouble> {
    let dataset = settings.text("dataset");
    let needs_no_files = ImageFiles::embedded(dataset).is_some();
    let refuse = |setting, problem| Err(Trouble::Setting(SettingError::new(setting, problem)));
    let of_jostle = |dataset: &str| Ok(FoundImages { dataset: dataset.to_owned(), folder: None, most: None });
    let in_folder = |files: &ImageFiles| {
        let folder = files.folder().map(absolute).transpose()?;
        Ok(FoundImages { dataset: dataset.to_owned(), folder, most: None })
    };
    if settings.has("path") {
        let (path, expected) = (settings.text("path"), file_names(dataset));
        if needs_no_files {
            return refuse("path", format!("stands beside {dataset:?}, which needs no files"));
        }
        let Some(files) = ImageFiles::in_folder(dataset, Path::new(path))? else {
            let problem = format!("is {path:?}, where no files of {dataset:?} are; expected {expected}");
            return refuse("path", problem);
        };
        return in_folder(&files);
    }
    if needs_no_files {
        return of_jostle(dataset);
    }
    if let Some(root) = root
        && let Some(files) = ImageFiles::below(dataset, root)?
    {
        return in_folder(&files);
    }
    if settings.has("fallback") {
        let fallback = of_jostle(settings.text("fallback"))?;
        let Some(files) = ImageFiles::embedded(&fallback.dataset) else { return Ok(fallback) };
        let most = files.read()?.most(settings).map_err(Trouble::Setting)?;
        return Ok(FoundImages { most: Some(most), ..fallback });
    }
    refuse("dataset", not_found(dataset, root))
}

fn not_found(dataset: &str, root: Option<&Path>) -> String {
    let Some(root) = root else {
        return format!(
            "is {dataset:?}, and no folder of data is known; expected --data DIR, the variable JOSTLE_DATA or \
             problem.path, or \"digits\", which needs no files"
        );
    };
    let (root, usual, expected) = (root.display(), folder_names(dataset).join(", "), file_names(dataset));
    format!(
        "is {dataset:?}, but its files are neither in {root} nor in {usual} there; expected {expected}, or \
         \"digits\", which needs no files"
    )
}

/// A folder as it is written into an experiment that will lie somewhere else.
fn absolute(folder: &Path) -> Result<String, StorageError> {
    let refuse = |source| StorageError::Io { action: "use the folder", source }.in_file(folder);
    let absolute = std::path::absolute(folder).map_err(refuse)?;
    let text = absolute.to_str().ok_or_else(|| refuse(std::io::Error::other("its path is not UTF-8")))?;
    Ok(text.to_owned())
}
