//! Writing into an experiment which images it uses, once they have been found.

use super::Experiment;
use super::schema::PROBLEM;
use jostle::setting::{Settings, Value as Checked};
use std::sync::Arc;

/// A data set of images and the folder of its files, if it has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImages {
    /// The name of the data set.
    pub dataset: String,
    /// The folder; `None` for images that are a part of jostle.
    pub folder: Option<String>,
    /// How many training and test images there are at most, where it takes the place of another data set.
    pub most: Option<[usize; 2]>,
}

impl Experiment {
    /// Writes out the data set and the folder of every problem made of images, so that nothing is left to be looked
    /// for; `found` has an entry for each cell that has such a problem.
    pub fn fill_images(&mut self, found: &[Option<FoundImages>]) {
        let mut filled: Vec<(Arc<Settings>, Arc<Settings>)> = Vec::new();
        for (cell, found) in self.cells.iter_mut().zip(found) {
            let (Some(found), component) = (found, &mut cell.problem) else { continue };
            if let Some((_, to)) = filled.iter().find(|(from, _)| Arc::ptr_eq(from, &component.settings)) {
                component.settings = to.clone();
                continue;
            }
            let Some(entry) = PROBLEM.entries.iter().find(|entry| entry.kind == component.kind) else {
                continue;
            };
            let kept = component.settings.iter().filter(|(name, _)| !REPLACED.contains(name));
            let mut given: Vec<(&str, Checked)> = kept.map(|(name, value)| (name, value.clone())).collect();
            // What the grid varies stays what the columns of the results say.
            for (name, value) in
                given.iter_mut().filter(|(name, _)| !cell.keys.iter().any(|(key, _)| is(key, name)))
            {
                if let (Some(most), Checked::Integer(asked)) = (found.most_of(name), value) {
                    *asked = (*asked).min(most as u64);
                }
            }
            given.push(("dataset", Checked::Text(found.dataset.clone())));
            given.extend(found.folder.iter().map(|folder| ("path", Checked::Text(folder.clone()))));
            let settings = Settings::check(entry, &given)
                .unwrap_or_else(|error| unreachable!("checked settings and a known data set: {error}"));
            let from = std::mem::replace(&mut component.settings, Arc::new(settings));
            filled.push((from, component.settings.clone()));
        }
    }
}

/// Whether a key of the grid is this setting of the problem.
fn is(key: &str, name: &str) -> bool {
    key.strip_prefix("problem.") == Some(name)
}

impl FoundImages {
    /// The most that a setting may ask for.
    fn most_of(&self, name: &str) -> Option<usize> {
        let [train, test] = self.most?;
        match name {
            "samples" => Some(train),
            "test_samples" => Some(test),
            _ => None,
        }
    }
}

/// What is written anew.
const REPLACED: [&str; 3] = ["dataset", "path", "fallback"];
