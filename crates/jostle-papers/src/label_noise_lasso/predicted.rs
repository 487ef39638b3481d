//! What theory predicts for the cells of a run, and how far the run is from it.

use jostle::ensemble::Ensemble;
use jostle::problem::Problem;
use jostle::theory::{Lasso, PredictedLasso, TheoryError, lasso, predicted_lasso};
use jostle_lab::LabError;
use jostle_lab::read::Run;
use std::sync::Arc;

/// A cell of a run, the data of its first replica, and the Lasso that theory predicts on them.
pub(super) struct Predicted {
    pub(super) cell: Ensemble,
    pub(super) problem: Arc<Problem>,
    pub(super) lasso: PredictedLasso,
}

/// The predictions for every cell of a run.
pub(super) fn predictions(run: &Run) -> Result<Vec<Predicted>, LabError> {
    let cells = run.rebuilt_cells()?.iter();
    cells
        .map(|cell| {
            let problem = cell.process().source.problem(0);
            let lasso = predicted_lasso(cell.process(), &problem).map_err(|source| theory(run, source))?;
            Ok(Predicted { cell: cell.clone(), problem, lasso })
        })
        .collect()
}

/// An error of theory about a run.
pub(super) fn theory(run: &Run, source: TheoryError) -> LabError {
    LabError::Theory { folder: run.folder.clone(), source }
}

impl Predicted {
    /// The Lasso with other strengths (d).
    pub(super) fn with_strengths(&self, run: &Run, change: impl Fn(f64) -> f64) -> Result<Lasso, LabError> {
        let lambda: Vec<f64> = self.lasso.lambda.iter().map(|l| change(*l)).collect();
        lasso(&self.problem, &lambda, self.lasso.sign).map_err(|source| theory(run, source))
    }

    /// The mean strength, for texts: the strengths themselves differ with the columns.
    pub(super) fn strength(&self) -> f64 {
        mean(&self.lasso.lambda)
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// `|a - b| / |b|`.
pub(super) fn relative_distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    (squares(&mut a.iter().zip(b).map(|(a, b)| a - b)) / squares(&mut b.iter().copied())).sqrt()
}

/// The slopes `-(ln |w_j|(T) - ln |w_j|(0)) / (rate T)` (d) of a replica, from its final logarithms (p): of the larger
/// parameter where a coefficient has two.
pub(super) fn slopes(predicted: &Predicted, log_abs_theta: &[f64]) -> Vec<f64> {
    let dim = predicted.problem.dim();
    let steps = predicted.cell.process().dynamics.steps();
    let start = predicted.cell.process().model.initial(dim, 0);
    let larger = |values: &dyn Fn(usize) -> f64, j: usize| {
        (j..log_abs_theta.len()).step_by(dim).map(values).fold(f64::NEG_INFINITY, f64::max)
    };
    let time = predicted.lasso.rate * steps as f64;
    (0..dim)
        .map(|j| (larger(&|k| start[k].abs().ln(), j) - larger(&|k| log_abs_theta[k], j)) / time)
        .collect()
}
