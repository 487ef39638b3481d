//! Runs a plan into a folder, or into any other sink.

use super::computed::Computed;
use super::destination::{Destination, Taken};
use super::files::FolderSink;
use super::prediction::Predictions;
use super::sink::{Job, Sink};
use crate::plan::Plan;
use crate::record::predicted_lassos;
use crate::{LabError, Progress, Unit};
use jostle::ensemble::{Ensemble, run_units};
use std::sync::atomic::{AtomicBool, Ordering};

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every cell is finished, and the results are in the folder.
    Done,
    /// It was stopped.
    Interrupted(Remains),
}

/// What an interrupted run leaves in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remains {
    /// The cells that were finished.
    Cells,
    /// What the folder held before: it is more than what was finished.
    Older,
    /// Nothing, as nothing was computed.
    Nothing,
}

/// Runs a plan into a folder: simulates the cells that ask for it, and predicts the others.
///
/// The folder is proven writable, and locked, before anything is computed. It must be new or without results, or hold
/// the same experiment finished; `destination.force` lets anything else of jostle's be replaced. Results appear by
/// atomic rename when the run is over. If it is stopped, the cells finished by then are kept, unless the folder holds
/// more than that.
///
/// # Errors
/// Whatever keeps the folder from being written.
pub fn execute(
    plan: &Plan,
    destination: &Destination<'_>,
    progress: &dyn Progress,
) -> Result<Outcome, LabError> {
    match compute(plan, destination, progress)? {
        Some(computed) => computed.publish(),
        None => Ok(Outcome::Interrupted(Remains::Nothing)),
    }
}

/// As [`execute`], but the results are not put in their places yet; `None` if it was stopped before anything was
/// simulated.
///
/// # Errors
/// As [`execute`].
pub fn compute(
    plan: &Plan,
    destination: &Destination<'_>,
    progress: &dyn Progress,
) -> Result<Option<Computed>, LabError> {
    let pool = plan.pool()?;
    let taken = Taken::new(destination, plan.experiment())?;
    let Some(predictions) = Predictions::make(plan, &pool, progress) else { return Ok(None) };
    into_folder(plan, &predictions, taken, &pool, progress).map(Some)
}

/// How a prediction came to its end.
pub enum PredictionOutcome {
    /// The predictions are made, and the run folder is written if one was asked for.
    Done(Predictions),
    /// It was stopped; nothing was written, or what is written is no whole run.
    Interrupted,
}

/// Predicts the cells of a plan that ask for it, and writes a run folder if asked to, as [`execute`] does.
///
/// # Errors
/// Whatever keeps the folder from being written.
pub fn predict(
    plan: &Plan,
    destination: Option<&Destination<'_>>,
    progress: &dyn Progress,
) -> Result<PredictionOutcome, LabError> {
    let pool = plan.pool()?;
    let taken = destination.map(|destination| Taken::new(destination, plan.experiment())).transpose()?;
    let Some(predictions) = Predictions::make(plan, &pool, progress) else {
        return Ok(PredictionOutcome::Interrupted);
    };
    let Some(taken) = taken else { return Ok(PredictionOutcome::Done(predictions)) };
    match into_folder(plan, &predictions, taken, &pool, progress)?.publish()? {
        Outcome::Done => Ok(PredictionOutcome::Done(predictions)),
        Outcome::Interrupted(_) => Ok(PredictionOutcome::Interrupted),
    }
}

/// Runs a plan into a sink: predicts the cells that ask for it, and simulates the others. Returns whether it was finished:
/// if it was stopped, the sink has received what was finished by then.
///
/// # Errors
/// Threads that cannot be started, and the errors of the sink.
pub fn run_into(plan: &Plan, sink: &mut dyn Sink, progress: &dyn Progress) -> Result<bool, LabError> {
    let pool = plan.pool()?;
    let Some(predictions) = Predictions::make(plan, &pool, progress) else { return Ok(false) };
    let lassos = pool.install(|| predicted_lassos(plan.cells(), false));
    simulate(Job { plan, predictions: &predictions, lassos: &lassos }, sink, &pool, progress)
}

/// Simulates what is not predicted, with predictions that are there already, into a folder.
fn into_folder(
    plan: &Plan,
    predictions: &Predictions,
    taken: Taken,
    pool: &rayon::ThreadPool,
    progress: &dyn Progress,
) -> Result<Computed, LabError> {
    let mut sink = FolderSink::create(plan, taken)?;
    let lassos = pool.install(|| predicted_lassos(plan.cells(), false));
    simulate(Job { plan, predictions, lassos: &lassos }, &mut sink, pool, progress)?;
    Ok(sink.computed())
}

/// Simulates what is not predicted; whether all of it was finished.
fn simulate(
    job: Job<'_>,
    sink: &mut dyn Sink,
    pool: &rayon::ThreadPool,
    progress: &dyn Progress,
) -> Result<bool, LabError> {
    let plan = job.plan;
    sink.begin(job)?;
    let watch = Watch { progress, failed: AtomicBool::new(false) };
    let mut failure = None;
    let (numbers, cells): (Vec<usize>, Vec<&Ensemble>) = plan.simulated().unzip();
    progress.begins(&plan.experiment().name, plan.replica_steps(), Unit::Steps);
    let is_complete = run_units(&cells, pool, plan.level(), &watch, &mut |at, unit| {
        if failure.is_none()
            && let Err(error) = sink.finished(job, numbers[at], unit)
        {
            watch.failed.store(true, Ordering::Relaxed);
            failure = Some(error);
        }
    });
    progress.ends();
    failure.map_or(Ok(is_complete), Err)
}

/// Passes progress on to the kernels' monitor, and stops them when the sink has failed.
struct Watch<'a> {
    progress: &'a dyn Progress,
    failed: AtomicBool,
}

impl jostle::Watch for Watch<'_> {
    fn advanced(&self, replica_steps: u64) {
        self.progress.advanced(replica_steps);
    }
    fn should_stop(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.progress.should_stop()
    }
}
