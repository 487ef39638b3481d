//! From checked settings to cells with their data.

use super::data::{Data, data, file, held_bytes, refuse_if_too_large};
use super::device::{Open, choose, device};
use super::{images, memory};
use crate::LabError;
use crate::experiment::{CheckedCell, Component, Experiment};
use crate::record::ReadData;
use jostle::dynamics::Dynamics;
use jostle::ensemble::{Ensemble, Protocol, default_names};
use jostle::model::{ModelSpec, RandomFeatures};
use jostle::noise::Noise;
use jostle::observable::{ActiveThreshold, find};
use jostle::prediction;
use jostle::problem::{ImageShape, TestSet};
use jostle::process::{Process, Source, Start, model_from_settings};
use jostle::setting::SettingError;
use jostle::theory::TheoryError;
use jostle::{InputError, Precision};
use jostle_files::{ArrayReader, Checkpoint, read_checkpoint};
use jostle_nets::{FeedForward, OpenDevice};
use std::collections::HashMap;
use std::path::Path;

/// The cells of an experiment.
pub struct Built {
    /// The experiment, with what it left open: which images it uses, where, and which observables are recorded.
    pub experiment: Experiment,
    /// The cells.
    pub cells: Vec<Ensemble>,
    /// Which data were read from where and what was done to them, a sentence each.
    pub data: Vec<String>,
    /// What data files held.
    pub data_sets: Vec<ReadData>,
    /// The devices beside the processor that replicas are trained on, each with the name of its adapter.
    pub devices: Vec<String>,
}

/// Builds every cell of an experiment, which then says which images it uses and which observables are recorded where it
/// left that to the default. Cells with the same problem share its data. Nothing is to be run: all passes are made on
/// the processor, so that a run can be looked at on a machine that does not have its device.
///
/// # Errors
/// Settings that do not fit each other or the data, data that cannot be found or read, or data that do not fit in
/// memory.
pub fn build(experiment: Experiment) -> Result<Built, LabError> {
    build_on(experiment, |_| Ok(OpenDevice::cpu()))
}

/// As [`build`], with replicas on the devices that they are to be trained on.
///
/// # Errors
/// As [`build`], and a device that is not there.
pub(super) fn build_to_run(mut experiment: Experiment) -> Result<Built, LabError> {
    choose(&mut experiment);
    build_on(experiment, OpenDevice::open)
}

fn build_on(mut experiment: Experiment, open: Open) -> Result<Built, LabError> {
    let explained = |(k, checked): (usize, &CheckedCell)| {
        device(checked, open).map_err(|error| experiment.explain(k, &error).into())
    };
    let devices: Vec<OpenDevice> =
        experiment.cells.iter().enumerate().map(explained).collect::<Result<_, LabError>>()?;
    let replaced = images::locate(&mut experiment)?;
    let identities: Vec<String> = experiment.cells.iter().map(|cell| format!("{:?}", cell.problem)).collect();
    let mut known: HashMap<&String, usize> = HashMap::new();
    let (mut held, available) = (0.0, memory::available());
    let mut files = HashMap::new();
    for (k, checked) in experiment.cells.iter().enumerate() {
        if !known.contains_key(&identities[k]) {
            known.insert(&identities[k], k);
            let file = file(&checked.problem, &|error| experiment.explain(k, &error).into())?;
            held += held_bytes(&checked.problem, file.as_ref(), available)?;
            files.insert(k, file);
        }
    }
    refuse_if_too_large(|| format!("the data of {} problems", known.len()), held, available, "the grid")?;
    let mut sources: Vec<Source> = Vec::with_capacity(identities.len());
    let (mut sentences, mut data_sets) = (Vec::new(), Vec::new());
    for (k, checked) in experiment.cells.iter().enumerate() {
        let first = known[&identities[k]];
        if let Some(known) = sources.get(first) {
            sources.push(known.clone());
            continue;
        }
        let file = files.remove(&k).flatten();
        let place = |error| experiment.explain(k, &error).into();
        let Data { source, sentence, read } = data(&checked.problem, file, replaced[k].as_deref(), &place)?;
        sentences.extend(sentence);
        data_sets.extend(read);
        sources.push(source);
    }
    let cells = experiment.cells.iter().zip(sources).enumerate();
    let mut cells: Vec<(Process, Protocol)> = cells
        .map(|(k, (checked, source))| {
            let place = |error| experiment.explain(k, &error).into();
            build_cell(checked, source, &devices[k], &place, &mut sentences)
        })
        .collect::<Result<_, _>>()?;
    experiment.fill_quantities(|k| default_names(&cells[k].0, &cells[k].1));
    for ((_, protocol), checked) in cells.iter_mut().zip(&experiment.cells) {
        protocol.quantities =
            checked.observe.names("quantities").iter().filter_map(|name| find(name)).collect();
    }
    let finish = |(k, ((process, protocol), checked)): (usize, ((Process, Protocol), &CheckedCell))| {
        finish_cell(process, protocol, checked).map_err(|error| experiment.explain(k, &error).into())
    };
    let cells: Result<_, LabError> =
        cells.into_iter().zip(&experiment.cells).enumerate().map(finish).collect();
    let mut devices: Vec<String> =
        devices.iter().filter(|device| !device.is_cpu()).map(ToString::to_string).collect();
    devices.sort();
    devices.dedup();
    Ok(Built { cells: cells?, data: sentences, data_sets, devices, experiment })
}

/// Refuses a cell that theory says nothing of.
///
/// # Errors
/// What theory does not reach.
fn check_prediction(process: &Process) -> Result<(), InputError> {
    prediction::check(process).map_err(|error| {
        let (section, setting) = match &error {
            TheoryError::Noise { index, .. } => (format!("noise.{index}"), "kind"),
            TheoryError::Model { .. } => ("model".to_owned(), "kind"),
            _ => ("ensemble".to_owned(), "method"),
        };
        let problem = format!("has no prediction: {error}");
        InputError::in_section(section)(SettingError::new(setting, problem))
    })
}

/// The cell, without what it records; what was done to the parameters it starts from is added to `data`.
fn build_cell(
    checked: &CheckedCell,
    source: Source,
    device: &OpenDevice,
    place: &impl Fn(InputError) -> LabError,
    data: &mut Vec<String>,
) -> Result<(Process, Protocol), LabError> {
    let available = memory::available();
    refuse_wide_features(&checked.model, &source, available)?;
    let (mut model, source) = model(&checked.model, source, device).map_err(place)?;
    let params = model.model(source.dim()).num_params();
    let what = || format!("the model {:?} with {}", checked.model.kind, parameters(params));
    refuse_if_too_large(what, memory::NUMBER * params as f64, available, "its sizes in [model]")?;
    if checked.problem.settings.has("loss_factor") {
        model.loss_factor = checked.problem.settings.number("loss_factor");
    }
    if checked.problem.settings.has("sample_weight")
        && !is_linear_in_samples(checked.model.kind, &model, &source)
    {
        let problem = format!(
            "goes with models that are linear in their samples, whose rows it scales; {:?} is not",
            checked.model.kind
        );
        return Err(place(InputError::in_section("problem")(SettingError::new("sample_weight", problem))));
    }
    let (observe, ensemble) = (&checked.observe, &checked.ensemble);
    let noises = checked.noises.iter();
    let start = start(&checked.start, &model, data)?;
    let dynamics = Dynamics::from_settings(checked.dynamics.kind, &checked.dynamics.settings);
    data.extend(old_sampling(checked, &dynamics).filter(|note| !data.contains(note)));
    let process = Process {
        source,
        model,
        start,
        dynamics,
        noises: noises.map(|noise| Noise::from_settings(noise.kind, &noise.settings)).collect(),
    };
    let protocol = Protocol {
        recording: observe.recording("at"),
        quantities: Vec::new(),
        active: ActiveThreshold::from_settings(observe),
        average_from: observe.has("average_from").then(|| observe.integer("average_from")),
        replicas: u32::try_from(ensemble.integer("replicas")).map_err(|_| {
            let problem = format!("is {}; expected at most {}", ensemble.integer("replicas"), u32::MAX);
            place(InputError::in_section("ensemble")(SettingError::new("replicas", problem)))
        })?,
        seed: ensemble.integer("seed"),
        precision: Precision::named(ensemble.text("precision")).unwrap_or_default(),
    };
    Ok((process, protocol))
}

/// What to write instead of the old setting `replacement`, where it is given.
fn old_sampling(checked: &CheckedCell, dynamics: &Dynamics) -> Option<String> {
    let Dynamics::GradientDescent(dynamics) = dynamics else { return None };
    let settings = &checked.dynamics.settings;
    settings.has("replacement").then(|| {
        let (replacement, sampling) = (settings.flag("replacement"), dynamics.sampling);
        format!("dynamics.replacement = {replacement} is an old form of dynamics.sampling = {sampling}")
    })
}

/// How many parameters a model has.
fn parameters(count: usize) -> String {
    if count == usize::MAX { "more than 1.8e19 parameters".to_owned() } else { format!("{count} parameters") }
}

/// Refuses random features that do not fit in memory, before they are drawn.
fn refuse_wide_features(model: &Component, source: &Source, available: f64) -> Result<(), LabError> {
    if model.kind != RandomFeatures::ENTRY.kind {
        return Ok(());
    }
    let features = RandomFeatures::from_settings(&model.settings);
    let test = match source {
        Source::Shared(problem) => problem.test().map_or(0, TestSet::samples),
        Source::PerReplica(source) => source.test_samples(),
    };
    let numbers = features.numbers(source.samples() + test, source.dim());
    let what = || format!("the model {:?} with {} features", model.kind, features.width);
    refuse_if_too_large(what, memory::NUMBER * numbers, available, "model.width")
}

/// Whether a sample that is scaled has a prediction that is scaled.
fn is_linear_in_samples(kind: &str, model: &ModelSpec, source: &Source) -> bool {
    let of_network = || {
        let point = vec![0.0; model.model(source.dim()).num_params()];
        model.model(source.dim()).coefficients(&point).is_some()
    };
    kind != "random-features" && (model.link().is_some() || of_network())
}

/// The model, and the data as it sees them.
fn model(model: &Component, source: Source, device: &OpenDevice) -> Result<(ModelSpec, Source), InputError> {
    let (kind, settings) = (model.kind, &*model.settings);
    if !jostle_nets::ENTRIES.iter().any(|entry| entry.kind == kind) {
        return model_from_settings(kind, settings, source);
    }
    let image = match &source {
        Source::Shared(problem) => problem.image(),
        Source::PerReplica(_) => None,
    };
    let shape = |image: ImageShape| {
        let ImageShape { channels, height, width } = image;
        jostle_nets::Shape { channels, height, width }
    };
    let (dim, outputs) = (source.dim(), source.outputs());
    let network = FeedForward::from_settings(kind, settings, dim, outputs, image.map(shape))?;
    Ok((ModelSpec::with_settings(device.place(network), settings), source))
}

/// Where replicas begin, with the points of the file where it names one.
fn start(start: &Component, model: &ModelSpec, data: &mut Vec<String>) -> Result<Start, LabError> {
    let mut points = Vec::new();
    if start.settings.has("path") {
        let (path, name) = (Path::new(start.settings.text("path")), start.settings.text("array"));
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            let Checkpoint { theta, note } = read_checkpoint(path, &model.tensors())?;
            data.extend(note.filter(|note| !data.contains(note)));
            return Ok(Start::from_settings(start.kind, &start.settings, vec![theta]));
        }
        let array = ArrayReader::open(path)?.read(name)?;
        let width = *array.shape.last().unwrap_or(&1);
        points = array.values.chunks(width.max(1)).map(<[f64]>::to_vec).collect();
    }
    Ok(Start::from_settings(start.kind, &start.settings, points))
}

/// Checks the cell as a whole.
fn finish_cell(process: Process, protocol: Protocol, checked: &CheckedCell) -> Result<Ensemble, InputError> {
    let ensemble = Ensemble::with(process, protocol)?;
    if !checked.is_predicted() {
        return Ok(ensemble);
    }
    check_prediction(ensemble.process())?;
    // One mean for all replicas that share their data.
    match ensemble.process().source {
        Source::Shared(_) => ensemble.replicas(1),
        Source::PerReplica(_) => Ok(ensemble),
    }
}
