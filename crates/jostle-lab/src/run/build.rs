//! From checked settings to cells with their data.

use super::{LabError, memory};
use crate::experiment::{CheckedCell, Component, Experiment};
use crate::storage::{load, size_hint};
use jostle::InputError;
use jostle::dynamics::GradientDescent;
use jostle::ensemble::{Cell, Source};
use jostle::model::ModelSpec;
use jostle::noise::Noise;
use jostle::observable::find;
use jostle::problem::{Problem, SparseRegression};
use jostle::setting::SettingError;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Builds every cell of an experiment, and writes into it which observables are recorded where it left that to the
/// default. Cells with the same problem share its data.
///
/// # Errors
/// Settings that do not fit each other or the data, data that cannot be read, or data that do not fit in memory.
pub fn build(experiment: &mut Experiment) -> Result<Vec<Cell>, LabError> {
    let mut known = HashMap::new();
    let mut sources = Vec::new();
    for (k, checked) in experiment.cells.iter().enumerate() {
        let identity = format!("{:?}", checked.problem);
        let source = match known.get(&identity) {
            Some(at) => Source::clone(&sources[*at]),
            None => source(&checked.problem, &|error| experiment.explain(k, &error).into())?,
        };
        known.entry(identity).or_insert(k);
        sources.push(source);
    }
    let has_truth: HashMap<_, _> =
        known.iter().map(|(identity, at)| (identity.clone(), sources[*at].has_truth())).collect();
    experiment.fill_quantities(|cell| has_truth[&format!("{:?}", cell.problem)]);
    let cells = experiment.cells.iter().zip(sources).enumerate();
    cells
        .map(|(k, (checked, source))| {
            build_cell(checked, source).map_err(|error| experiment.explain(k, &error).into())
        })
        .collect()
}

fn build_cell(checked: &CheckedCell, source: Source) -> Result<Cell, InputError> {
    let mut model = ModelSpec::from_settings(checked.model.kind, &checked.model.settings)?;
    if checked.problem.settings.has("loss_factor") {
        model.loss_factor = checked.problem.settings.number("loss_factor");
    }
    let (observe, ensemble) = (&checked.observe, &checked.ensemble);
    let noises = checked.noises.iter().enumerate();
    Cell {
        model,
        dynamics: GradientDescent::from_settings(&checked.dynamics.settings),
        noises: noises.map(|(k, noise)| Noise::from_settings(noise.kind, &noise.settings, k)).collect(),
        recording: observe.recording("at"),
        quantities: observe.names("quantities").iter().filter_map(|name| find(name)).collect(),
        average_from: observe.has("average_from").then(|| observe.integer("average_from")),
        replicas: u32::try_from(ensemble.integer("replicas")).map_err(|_| {
            let problem = format!("is {}; expected at most {}", ensemble.integer("replicas"), u32::MAX);
            InputError::in_section("ensemble")(SettingError::new("replicas", problem))
        })?,
        seed: ensemble.integer("seed"),
        source,
    }
    .check()
}

fn source(problem: &Component, place: &impl Fn(InputError) -> LabError) -> Result<Source, LabError> {
    let settings = &problem.settings;
    if problem.kind == "file" {
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
