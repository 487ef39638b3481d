//! `jostle measure`.

use crate::args::{MeasureOptions, Output};
use crate::output::Ending;
use crate::progress::Bar;
use jostle::geometry::Sampling;
use jostle_lab::LabError;
use jostle_lab::experiment::{Experiment, Overrides};
use jostle_lab::measure::{Answer, Question, measure as measure_point, measure_parameters, write_atlas};
use jostle_lab::run::refuse_to_overwrite;
use std::path::PathBuf;

/// Measures the geometry of a point that is given as arrays, or of a model at given parameters.
pub(crate) fn measure(options: &MeasureOptions, output: &Output) -> Result<Ending, LabError> {
    let sampling =
        if options.no_replacement { Sampling::WithoutReplacement } else { Sampling::WithReplacement };
    let question = Question { learning_rate: options.learning_rate, batch: options.batch, sampling };
    let bar = Bar::without_patience(output);
    let answer = || -> Result<Answer, LabError> {
        Ok(match &options.experiment {
            Some(path) => {
                let (set, data) = (options.set.clone(), options.data.folder());
                let experiment = Experiment::read(path, &Overrides { set, data, ..Overrides::default() })?;
                measure_parameters(&options.file, experiment, question, &bar)?
            }
            None => measure_point(&options.file, question, &bar)?,
        })
    };
    let resources = options.threads.resources();
    let atlas = options.plot.as_ref().map(|path| match path {
        Some(path) => path.clone(),
        None => PathBuf::from(options.file.with_extension("html").file_name().unwrap_or_default()),
    });
    if let Some(path) = &atlas {
        for input in std::iter::once(&options.file).chain(&options.experiment) {
            refuse_to_overwrite(input, path)?;
        }
    }
    let answer = resources.run(answer)??;
    if let Some(path) = &atlas {
        resources.run(|| write_atlas(&answer, path))??;
    }
    let atlas = || atlas.map_or_else(String::new, |path| format!("\nAtlas: {}\n", path.display()));
    output.result(|| answer.to_json(), || answer.to_text() + &atlas());
    Ok(Ending::Done)
}
