//! From checked settings to cells with their data.

use super::{LabError, memory};
use crate::experiment::{CheckedCell, Experiment};
use crate::storage::{load, size_hint};
use jostle::dynamics::GradientDescent;
use jostle::ensemble::{Cell, Source};
use jostle::model::ModelSpec;
use jostle::noise::Noise;
use jostle::observable::{default_names, find};
use jostle::problem::{Problem, SparseRegression};
use jostle::{InputError, setting::Settings};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Builds every cell of an experiment. Cells with the same problem share its data.
///
/// # Errors
/// Settings that do not fit each other or the data, data that cannot be read, or data that do not fit in memory.
pub fn build(experiment: &Experiment) -> Result<Vec<Cell>, LabError> {
    let mut sources = HashMap::new();
    experiment.cells.iter().map(|checked| build_cell(experiment, checked, &mut sources)).collect()
}

fn build_cell(
    experiment: &Experiment,
    checked: &CheckedCell,
    sources: &mut HashMap<String, Source>,
) -> Result<Cell, LabError> {
    let place = |error: InputError| {
        let place = match &error {
            InputError::Setting { section, source } => experiment.locate(&format!("{section}.{}", source.name)),
            _ => experiment.locate("problem"),
        };
        LabError::Input { place, source: error }
    };
    let problem = &checked.problem;
    let identity = format!("{problem:?}");
    let source = if let Some(source) = sources.get(&identity) {
        source.clone()
    } else {
        let source = source(&problem.kind, &problem.settings, &place)?;
        sources.insert(identity, source.clone());
        source
    };
    let mut model = ModelSpec::from_settings(&checked.model.kind, &checked.model.settings).map_err(&place)?;
    if problem.settings.has("loss_factor") {
        model.loss_factor = problem.settings.number("loss_factor");
    }
    let noises = checked.noises.iter().enumerate();
    let quantities = quantity_names(&checked.observe, source.has_truth());
    let cell = Cell {
        model,
        dynamics: GradientDescent::from_settings(&checked.dynamics.settings),
        noises: noises.map(|(k, noise)| Noise::from_settings(&noise.kind, &noise.settings, k)).collect(),
        recording: checked.observe.recording("at"),
        quantities: quantities.iter().map(|name| find(name).expect("names have been checked")).collect(),
        average_from: checked.observe.has("average_from").then(|| checked.observe.integer("average_from")),
        replicas: u32::try_from(checked.ensemble.integer("replicas")).unwrap_or(u32::MAX),
        seed: checked.ensemble.integer("seed"),
        source,
    };
    cell.check().map_err(&place)
}

/// The recorded observables: those asked for, or the default ones.
pub fn quantity_names(observe: &Settings, has_truth: bool) -> Vec<String> {
    if observe.has("quantities") {
        observe.names("quantities").to_vec()
    } else {
        default_names(has_truth).into_iter().map(str::to_owned).collect()
    }
}

fn source(
    kind: &str,
    settings: &Settings,
    place: &impl Fn(InputError) -> LabError,
) -> Result<Source, LabError> {
    if kind == "file" {
        let path = Path::new(settings.text("path"));
        let target = settings.has("target").then(|| settings.text("target"));
        let (samples, dim) = size_hint(path)?;
        refuse_if_too_large(&format!("the data of {}", path.display()), samples, dim, "the file")?;
        let data = load(path, target)?;
        return Ok(Source::Shared(Arc::new(Problem::new(data.x, data.y, data.truth).map_err(place)?)));
    }
    let (samples, dim) = (settings.count("samples"), settings.count("dim"));
    let what = format!("a design of {samples} samples in dimension {dim}");
    refuse_if_too_large(&what, samples, dim, "problem.samples or problem.dim")?;
    let source = SparseRegression::from_settings(settings).map_err(place)?;
    if settings.flag("data_per_replica") {
        Ok(Source::PerReplica(source))
    } else {
        Ok(Source::Shared(Arc::new(source.generate(0))))
    }
}

/// Refuses data that do not fit in memory twice (the kernels lay them out anew) before they are allocated.
fn refuse_if_too_large(what: &str, samples: usize, dim: usize, reduce: &'static str) -> Result<(), LabError> {
    let (needed, available) = (2.0 * memory::design_bytes(samples, dim), memory::available());
    if needed > available {
        return Err(LabError::Memory { what: what.to_owned(), needed, available, reduce });
    }
    Ok(())
}
