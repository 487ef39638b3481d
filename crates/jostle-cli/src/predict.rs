//! `jostle predict`.

use crate::args::{Output, PredictOptions};
use crate::output::{Ending, say};
use crate::progress::Bar;
use jostle_lab::LabError;
use jostle_lab::experiment::{CheckedCell, Experiment, Overrides};
use jostle_lab::plan::Plan;
use jostle_lab::read::{PredictionSummary, Run, compare, report_of_run, write_report};
use jostle_lab::run::{Destination, PredictionOutcome, predict as predict_cells};
use std::path::PathBuf;

/// Says what theory expects of an experiment.
pub(crate) fn predict(options: &PredictOptions, output: &Output) -> Result<Ending, LabError> {
    let mut overrides: Overrides = options.changes.overrides(None);
    let mut experiment = Experiment::read(&options.file, &overrides)?;
    // A grid that varies the method says itself which cells are meant.
    if !experiment.cells.iter().any(CheckedCell::is_predicted) {
        overrides.set.push("ensemble.method=\"predict\"".to_owned());
        experiment = Experiment::read(&options.file, &overrides)?;
    }
    let resources = options.threads.resources();
    let destination = options.out.as_deref().map(|out| Destination::new(out, options.force));
    let bar = Bar::new(output);
    let plan = Plan::new(experiment, &resources)?;
    let outcome = predict_cells(&plan, destination.as_ref(), &bar)?;
    let PredictionOutcome::Done(predictions) = outcome else {
        say("interrupted\n");
        return Ok(Ending::Interrupted);
    };
    if let Some(out) = &options.out {
        write_report(out, &report_of_run(&Run::open(out)?)?)?;
    }
    let experiment = plan.experiment();
    let usual = PathBuf::from("runs").join(&experiment.name);
    let comparison = match &options.against {
        Some(folder) => Ok(compare(&predictions, experiment, folder)?),
        None if usual.join("manifest.json").exists() => {
            compare(&predictions, experiment, &usual).map_err(|error| error.to_string())
        }
        None => Err(format!(
            "there is none; `jostle run {} --replicas 16` makes one in {}",
            options.file.display(),
            usual.display()
        )),
    };
    let summary = PredictionSummary {
        name: &experiment.name,
        predictions: &predictions,
        comparison,
        run: options.out.as_deref(),
    };
    output.result(|| summary.to_json(), || summary.to_text(output.verbose));
    Ok(Ending::Done)
}
