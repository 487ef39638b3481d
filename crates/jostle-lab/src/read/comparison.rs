//! A prediction beside an ensemble that was simulated.

use super::Run;
use crate::LabError;
use crate::experiment::{Experiment, first_difference};
use crate::run::Predictions;
use std::path::Path;

/// The parts in which a prediction and the ensemble that it is compared with may differ.
const APART_FROM: &[&str] = &["ensemble", "name"];

/// A prediction beside the ensemble of a run folder, cell by cell and observable by observable.
pub struct Comparison {
    /// The run folder.
    pub folder: std::path::PathBuf,
    /// For every predicted cell its number, the replicas that were simulated, and the differences of its observables.
    pub cells: Vec<(usize, usize, OfObservables)>,
}

/// Differences by the name of the observable.
pub type OfObservables = Vec<(String, Differences)>;

/// The differences of one observable after the start, which is no prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Differences {
    /// Where it is largest, relative to the ensemble's mean; `None` where nothing is predicted.
    pub largest: Option<Difference>,
    /// At the last recorded step that has a prediction; `None` where none has.
    pub last: Option<Difference>,
    /// The last recorded step of the run, and whether it has a prediction.
    pub end: (u64, bool),
}

/// A prediction beside an ensemble's mean at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The step.
    pub step: u64,
    /// The prediction.
    pub predicted: f64,
    /// The ensemble's mean; infinite when a replica has diverged.
    pub mean: f64,
    /// Its standard error; NaN for a single replica.
    pub standard_error: f64,
}

impl Difference {
    /// The difference in units of the ensemble's mean.
    pub fn relative(&self) -> f64 {
        if self.predicted == self.mean { 0.0 } else { (self.predicted - self.mean) / self.mean.abs() }
    }

    /// The difference in standard errors.
    pub fn in_errors(&self) -> f64 {
        if self.predicted == self.mean { 0.0 } else { (self.predicted - self.mean) / self.standard_error }
    }
}

/// Compares predictions with the ensemble in a run folder.
///
/// # Errors
/// The folder is no finished run of the same experiment, or it holds no simulated ensemble.
pub fn compare(
    predictions: &Predictions,
    experiment: &Experiment,
    folder: &Path,
) -> Result<Comparison, LabError> {
    let not_it = |reason: String| LabError::NotARun { folder: folder.to_path_buf(), reason };
    let run = Run::open(folder)?;
    if let Some(difference) = first_difference(APART_FROM, &experiment.to_toml_string(), &run.experiment) {
        return Err(not_it(format!("it is of another experiment; {difference}")));
    }
    if run.cells() != experiment.cells.len() || run.manifest.predicted() > 0 {
        return Err(not_it("it holds no simulated ensemble of every cell".to_owned()));
    }
    let mut cells = Vec::new();
    for (k, cell) in predictions.cells() {
        let mut found = Vec::new();
        if run.steps(k)? != cell.steps {
            return Err(not_it(format!("metrics.parquet has not the recorded steps of cell {k}")));
        }
        let end = cell.steps.len() - 1;
        for (q, quantity) in cell.quantities.iter().enumerate() {
            let (Some(predicted), Ok(paths)) = (cell.path(q), run.paths(k, quantity.name)) else { continue };
            if paths.iter().any(|path| path.len() <= end) {
                return Err(not_it(format!("metrics.parquet lacks steps of cell {k}")));
            }
            let at = |(step, predicted): (usize, f64)| difference(cell.steps[step], predicted, &paths, step);
            let steps = predicted.iter().copied().enumerate().skip(1);
            let all: Vec<Difference> = steps.filter(|(_, value)| !value.is_nan()).map(at).collect();
            let size =
                |d: &Difference| if d.relative().is_nan() { f64::INFINITY } else { d.relative().abs() };
            let largest = all.iter().copied().max_by(|a, b| size(a).total_cmp(&size(b)));
            let differences = Differences {
                largest,
                last: all.last().copied(),
                end: (cell.steps[end], !predicted[end].is_nan()),
            };
            found.push((quantity.name.to_owned(), differences));
        }
        cells.push((k, run.replicas(k), found));
    }
    Ok(Comparison { folder: folder.to_path_buf(), cells })
}

fn difference(step: u64, predicted: f64, paths: &[Vec<f64>], at: usize) -> Difference {
    let count = paths.len() as f64;
    let mean = paths.iter().map(|path| path[at]).sum::<f64>() / count;
    let squares: f64 = paths.iter().map(|path| (path[at] - mean).powi(2)).sum();
    Difference { step, predicted, mean, standard_error: (squares / (count - 1.0) / count).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_in_units_of_the_mean_and_of_its_error() {
        let found = difference(5, 3.0, &[vec![0.0, 1.0], vec![0.0, 3.0]], 1);
        assert_eq!((found.mean, found.standard_error), (2.0, 1.0));
        assert_eq!((found.relative(), found.in_errors()), (0.5, 1.0));
    }
}
