//! The data of a problem: generated, or read from files; and what they cost.

use super::{images, memory};
use crate::LabError;
use crate::experiment::{Component, file_name};
use crate::record::{FeatureScaling, ReadData};
use jostle::InputError;
use jostle::problem::{Generator, Preparation, Problem, TestSet};
use jostle::process::Source;
use jostle::setting::{SettingError, Settings};
use jostle_files::{DataFile, DataSet, DropLevel, Reading, show_names};
use jostle_report::text::counted;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The data of a problem.
pub(super) struct Data {
    /// The problem, or how each replica gets its own.
    pub(super) source: Source,
    /// Which data were read from where and what was done to them, as a sentence; none where they were generated.
    pub(super) sentence: Option<String>,
    /// What a file held; none for images.
    pub(super) read: Option<ReadData>,
}

/// The data of a problem; `file` is its data file, and `replaced` the images that were asked for where others took their
/// place; `place` says where a setting that does not fit was written.
///
/// # Errors
/// Settings that do not fit each other or the data, or files that cannot be read.
pub(super) fn data(
    problem: &Component,
    file: Option<DataFile>,
    replaced: Option<&str>,
    place: &impl Fn(InputError) -> LabError,
) -> Result<Data, LabError> {
    let settings = &problem.settings;
    if let Some(file) = file {
        let data = file.load()?;
        let remarks = data.remarks.clone();
        let problem = of_file(data, settings).map_err(place)?;
        let name = file_name(settings.text("path"));
        let sentence = Some(sentence(&name, &problem, remarks, settings));
        let read = Some(read(name, &problem));
        return Ok(Data { source: Source::Shared(Arc::new(problem)), sentence, read });
    }
    if problem.kind == "images" {
        let images = images::files(settings)?.read()?;
        let problem = images.problem(settings).map_err(place)?;
        let sentence = Some(sentence_of_images(&problem, settings, replaced));
        return Ok(Data { source: Source::Shared(Arc::new(problem)), sentence, read: None });
    }
    let generator = Generator::from_settings(problem.kind, settings).map_err(place)?;
    let source = if generator.is_per_replica() {
        Source::PerReplica(generator)
    } else {
        Source::Shared(Arc::new(generator.generate(0)))
    };
    Ok(Data { source, sentence: None, read: None })
}

/// The problem that the data of a file make.
fn of_file(data: DataSet, settings: &Settings) -> Result<Problem, InputError> {
    let mut problem = match data.outputs {
        1 => Problem::new(data.x, data.y, data.truth)?,
        outputs => Problem::with_outputs(data.x, data.y, outputs)?,
    };
    if let Some((x, y)) = data.test {
        problem = problem.with_test(x, y)?;
    }
    if let Some(names) = data.feature_names {
        problem = problem.with_feature_names(names)?;
    }
    if settings.text("labels") == "classes" {
        problem = problem.with_classes()?;
    }
    Preparation::from_settings(settings).apply(problem, data.weights)
}

/// What a reader of the results should know of the data of a file.
fn sentence(name: &str, problem: &Problem, remarks: Vec<String>, settings: &Settings) -> String {
    let names = problem.feature_names().map_or_else(String::new, |names| format!(": {}", show_names(names)));
    let (samples, features) = (counted(problem.samples(), "sample"), counted(problem.dim(), "feature"));
    let mut parts = vec![format!("{name}: {samples} of {features}{names}")];
    if let Some(test) = problem.test() {
        let rows: Vec<String> = problem.test_rows().iter().map(ToString::to_string).collect();
        let drawn = match rows.len() {
            0 => String::new(),
            _ => format!(
                ", drawn by split_seed {}: rows {}, counted from 0",
                settings.integer("split_seed"),
                show_names(&rows)
            ),
        };
        parts.push(format!("{} to test on{drawn}", counted(test.samples(), "sample")));
    }
    parts.extend(remarks);
    if let Some(scaling) = problem.scaling() {
        let weighted = if settings.has("sample_weight") { "weighted " } else { "" };
        let of = if settings.flag("standardise") {
            format!("features with {weighted}mean 0 and standard deviation 1")
        } else {
            format!("features with {weighted}mean 0")
        };
        let means: Vec<String> = scaling.label_means.iter().map(|mean| format!("{mean:.6}")).collect();
        let labels = if settings.flag("centre") {
            format!(", and labels from which their mean {} is subtracted", show_names(&means))
        } else {
            String::new()
        };
        let truth = if problem.truth().is_some() { ", the truth in their scale" } else { "" };
        parts.push(format!("{of}{truth}{labels}"));
    }
    parts.join("; ")
}

/// The same as fields.
fn read(file: String, problem: &Problem) -> ReadData {
    ReadData {
        file,
        samples: problem.samples(),
        test_samples: problem.test().map_or(0, TestSet::samples),
        features: problem.feature_names().map(<[String]>::to_vec).unwrap_or_default(),
        test_rows: problem.test_rows().to_vec(),
        scaling: problem.scaling().map(|scaling| FeatureScaling {
            feature_means: scaling.feature_means.clone(),
            feature_scales: scaling.feature_scales.clone(),
            label_means: scaling.label_means.clone(),
        }),
    }
}

fn sentence_of_images(problem: &Problem, settings: &Settings, replaced: Option<&str>) -> String {
    let from = if settings.has("path") {
        format!("{} in {}", settings.text("dataset"), file_name(settings.text("path")))
    } else {
        format!("the {} that are a part of jostle", settings.text("dataset"))
    };
    let instead = replaced
        .map_or_else(String::new, |asked| format!(" in place of {asked}, whose files were not found,"));
    let test = problem.test().map_or_else(String::new, |test| format!(" and {} test", test.samples()));
    format!("{from}{instead} with {} training{test} samples", problem.samples())
}

/// How the file of a problem is to be read.
fn reading(settings: &Settings) -> Result<Reading, SettingError> {
    let text = |name: &str| settings.has(name).then(|| settings.text(name).to_owned());
    let names = |name: &str| {
        if settings.has(name) { settings.names(name).to_vec() } else { Vec::new() }
    };
    let refuse = |name: &str, problem: &str| Err(SettingError::new(name, problem));
    let delimiter = match text("delimiter") {
        None => None,
        Some(text) => match text.as_bytes() {
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\n\r.+-".contains(byte) => {
                Some(*byte)
            }
            _ => {
                let problem = format!("is {text:?}; expected one character, as \",\" or \";\" or \"\\t\"");
                return Err(SettingError::new("delimiter", problem));
            }
        },
    };
    if settings.has("columns") && names("columns").is_empty() {
        return refuse("columns", "is empty; expected the names of the features");
    }
    if settings.has("columns") && settings.has("drop") {
        return refuse(
            "drop",
            "stands beside columns, which says all that is a feature; expected one of them",
        );
    }
    if settings.has("test_path") && settings.has("test_fraction") {
        return refuse("test_fraction", "stands beside test_path; expected one of them");
    }
    Ok(Reading {
        target: text("target"),
        is_classes: settings.text("labels") == "classes",
        columns: names("columns"),
        drop: names("drop"),
        categorical: names("categorical"),
        drop_level: match settings.text("drop_level") {
            "first" => DropLevel::First,
            "none" => DropLevel::Never,
            _ => DropLevel::IfBinary,
        },
        delimiter,
        is_decimal_comma: settings.text("decimal") == ",",
        sample_weight: text("sample_weight"),
        test_path: text("test_path").map(PathBuf::from),
    })
}

/// The data file of a problem, if it has one, looked through but not read.
///
/// # Errors
/// Settings that do not fit each other, or a file that cannot be used.
pub(super) fn file(
    problem: &Component,
    place: &impl Fn(InputError) -> LabError,
) -> Result<Option<DataFile>, LabError> {
    if problem.kind != "file" {
        return Ok(None);
    }
    let settings = &problem.settings;
    let reading = reading(settings).map_err(|error| place(InputError::in_section("problem")(error)))?;
    Ok(Some(DataFile::open(Path::new(settings.text("path")), reading)?))
}

/// The memory that the data of a problem take for the whole run, found before they are allocated. Data that do not
/// fit twice (the kernels lay them out anew) are refused.
pub(super) fn held_bytes(
    problem: &Component,
    file: Option<&DataFile>,
    available: f64,
) -> Result<f64, LabError> {
    if let Some(file) = file {
        let size = file.size();
        let bytes = memory::samples_bytes(size.samples, size.dim, size.outputs);
        let what = || format!("the data of {}", problem.settings.text("path"));
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
