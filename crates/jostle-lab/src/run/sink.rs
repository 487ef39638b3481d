//! Where the results of a run go.

use super::{PredictedCell, Predictions};
use crate::LabError;
use crate::plan::Plan;
use crate::record::OfCell;
use jostle::ensemble::{Assembly, UnitResult};

/// A plan that is being run, with what theory predicts of its cells.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The predictions; they are made before replicas take a step.
    pub predictions: &'a Predictions,
    /// The predicted Lasso of each cell, or why none is given.
    pub lassos: &'a [OfCell],
}

/// Receives the results of a run.
pub trait Sink {
    /// The run begins: cells that theory predicts have their results already.
    ///
    /// # Errors
    /// Whatever keeps the sink from receiving results; the run is given up.
    fn begin(&mut self, job: Job<'_>) -> Result<(), LabError> {
        let _ = job;
        Ok(())
    }

    /// Some replicas of a simulated cell are finished. Units come in any order.
    ///
    /// # Errors
    /// As [`Sink::begin`].
    fn finished(&mut self, job: Job<'_>, cell: usize, unit: UnitResult) -> Result<(), LabError>;
}

/// Turns units into whole cells in their order, predicted ones among them: a pure function of what has come in.
pub(super) struct InOrder {
    assembly: Assembly,
    next: usize,
}

impl InOrder {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { assembly: Assembly::new(plan.cells()), next: 0 }
    }

    /// Adds a unit.
    pub(super) fn add(&mut self, cell: usize, unit: UnitResult) {
        self.assembly.add(cell, unit);
    }

    /// The next cell with its number, if it and all before it are whole.
    pub(super) fn next(&mut self, job: Job<'_>) -> Option<(usize, UnitResult)> {
        let k = self.next;
        if k == job.plan.cells().len() {
            return None;
        }
        let predicted = job.predictions.of(k).map(PredictedCell::result);
        let whole = predicted.or_else(|| self.assembly.take(k))?;
        self.next += 1;
        Some((k, whole))
    }
}
