//! The data of a problem: generated, or read from files; and what they cost.

use super::{LabError, images, memory};
use crate::experiment::Component;
use crate::storage::{DataSet, load, size_hint};
use jostle::InputError;
use jostle::ensemble::Source;
use jostle::problem::{Generator, Problem};
use std::path::Path;
use std::sync::Arc;

/// The data of a problem; `place` says where a setting that does not fit was written.
///
/// # Errors
/// Settings that do not fit each other or the data, or files that cannot be read.
pub(super) fn source(
    problem: &Component,
    place: &impl Fn(InputError) -> LabError,
) -> Result<Source, LabError> {
    if let Some((path, target)) = file(problem) {
        let is_classes = problem.settings.text("labels") == "classes";
        return Ok(Source::Shared(Arc::new(of_file(load(path, target)?, is_classes).map_err(place)?)));
    }
    if problem.kind == "images" {
        let images = images::files(&problem.settings)?.read()?;
        return Ok(Source::Shared(Arc::new(images.problem(&problem.settings).map_err(place)?)));
    }
    let source = Generator::from_settings(problem.kind, &problem.settings).map_err(place)?;
    if source.is_per_replica() {
        Ok(Source::PerReplica(source))
    } else {
        Ok(Source::Shared(Arc::new(source.generate(0))))
    }
}

/// A problem of the data of a file.
fn of_file(data: DataSet, is_classes: bool) -> Result<Problem, InputError> {
    let mut problem = match data.outputs {
        1 => Problem::new(data.x, data.y, data.truth)?,
        outputs => Problem::with_outputs(data.x, data.y, outputs)?,
    };
    if let Some((x, y)) = data.test {
        problem = problem.with_test(x, y)?;
    }
    if is_classes { problem.with_classes() } else { Ok(problem) }
}

/// Where the data of a problem came from, if they were read, by the names of files and folders alone: a page that is
/// shared says nothing of this machine's folders; `replaced` is the data set that was asked for where
/// another one took its place.
pub(super) fn origin(problem: &Component, source: &Source, replaced: Option<&str>) -> Option<String> {
    let settings = &problem.settings;
    let from = match problem.kind {
        "file" => file_name(settings.text("path")),
        "images" if settings.has("path") => {
            format!("{} in {}", settings.text("dataset"), file_name(settings.text("path")))
        }
        "images" => format!("the {} that are a part of jostle", settings.text("dataset")),
        _ => return None,
    };
    let instead = replaced
        .map_or_else(String::new, |asked| format!(" in place of {asked}, whose files were not found,"));
    let problem = source.problem(0);
    let test = problem.test().map_or_else(String::new, |test| format!(" and {} test", test.samples()));
    Some(format!("{from}{instead} with {} training{test} samples", problem.samples()))
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The data file of a problem, and its target, if it has one.
fn file(problem: &Component) -> Option<(&Path, Option<&str>)> {
    let settings = &problem.settings;
    let target = || settings.has("target").then(|| settings.text("target"));
    (problem.kind == "file").then(|| (Path::new(settings.text("path")), target()))
}

/// The memory that the data of a problem take for the whole run, found before they are allocated. Data that do not
/// fit twice (the kernels lay them out anew) are refused.
pub(super) fn held_bytes(problem: &Component, available: f64) -> Result<f64, LabError> {
    if let Some((path, _)) = file(problem) {
        let (samples, dim) = size_hint(path)?;
        let bytes = memory::samples_bytes(samples, dim, 1);
        let what = || format!("the data of {}", path.display());
        refuse_if_too_large(what, 2.0 * bytes, available, "the file")?;
        return Ok(bytes);
    }
    if problem.kind == "images" {
        let counts = images::files(&problem.settings)?.counts()?;
        let given = |name| if problem.settings.has(name) { problem.settings.count(name) } else { usize::MAX };
        let (train, test) = (given("samples").min(counts.train), given("test_samples").min(counts.test));
        // Labels are few beside pixels.
        let bytes = memory::samples_bytes(train + test, counts.shape.values(), 1);
        let what = || format!("a problem of {train} training and {test} test images");
        refuse_if_too_large(what, 2.0 * bytes, available, "problem.samples or problem.test_samples")?;
        return Ok(bytes);
    }
    let bytes = memory::NUMBER * Generator::numbers(&problem.settings);
    let (samples, dim) = (problem.settings.count("samples"), Generator::dim_of(&problem.settings));
    let what = || format!("a design of {samples} samples in dimension {dim}");
    let is_matrix = problem.settings.has("side");
    let reduce = if is_matrix { "problem.samples or problem.side" } else { "problem.samples or problem.dim" };
    refuse_if_too_large(what, 2.0 * bytes, available, reduce)?;
    Ok(if problem.settings.flag("data_per_replica") { 0.0 } else { bytes })
}

/// Refuses what needs more memory than there is; `reduce` names the settings that count.
pub(super) fn refuse_if_too_large(
    what: impl FnOnce() -> String,
    needed: f64,
    available: f64,
    reduce: &'static str,
) -> Result<(), LabError> {
    if needed > available {
        return Err(LabError::Memory { what: what(), needed, available, reduce });
    }
    Ok(())
}
