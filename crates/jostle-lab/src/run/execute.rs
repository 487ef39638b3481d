//! Runs an experiment into a run folder.

use super::build::build_to_run;
use super::computed::Computed;
use super::destination::{Destination, Taken};
use super::estimate::{bytes_of_predictions, seconds_beside_steps, seconds_of_prediction, seconds_per_step};
use super::manifest::{
    Active, CellRecord, Converged, Diverged, Machine, Manifest, Predicted, ReadData, Status,
};
use super::prediction::{PredictedCell, Predictions};
use super::resources::{Resources, pool};
use super::results::ResultFiles;
use super::{Built, LabError, LassoRecord, OfCell, Run, StdOfLambda, memory, predicted_lassos};
use crate::experiment::{CheckedCell, Experiment, GridValue};
use jostle::Level;
use jostle::ensemble::{Ensemble, KernelPlan, UnitResult, plan};
use jostle_files::StorageError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What progress is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Steps of replicas.
    Steps,
    /// Multiply-adds.
    MultiplyAdds,
    /// Sizes of batches.
    Batches,
}

/// Hears how a run or a measurement goes on, and may stop a run.
pub trait Progress: Sync {
    /// Something begins that takes so much.
    fn begins(&self, name: &str, total: f64, unit: Unit);
    /// So much more is done.
    fn advanced(&self, more: u64);
    /// It is over.
    fn ends(&self);
    /// Whether to stop as soon as possible.
    fn should_stop(&self) -> bool;
}

/// A progress that nobody watches.
pub struct Unwatched;

impl Progress for Unwatched {
    fn begins(&self, _: &str, _: f64, _: Unit) {}
    fn advanced(&self, _: u64) {}
    fn ends(&self) {}
    fn should_stop(&self) -> bool {
        false
    }
}

/// How a run came to its end.
#[expect(clippy::large_enum_variant, reason = "there is one a run, and it is taken apart at once")]
pub enum Outcome {
    /// Every cell is finished.
    Done(Run),
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

/// What an experiment will do, found out without running it.
pub struct Plan {
    /// The cells.
    pub cells: Vec<Ensemble>,
    /// Which data were read from where, a sentence each.
    pub data: Vec<String>,
    /// What data files held.
    pub data_sets: Vec<ReadData>,
    /// The devices beside the processor that replicas are trained on, each with the name of its adapter.
    pub devices: Vec<String>,
    /// Which of them theory predicts, so that no replica takes a step.
    pub predicted: Vec<bool>,
    /// Threads that will be used.
    pub threads: usize,
    /// Instruction set of the kernels.
    pub level: Level,
    /// Keys of the grid.
    keys: usize,
}

impl Plan {
    /// Builds the cells of an experiment, finds its devices, and checks that it fits in memory.
    ///
    /// # Errors
    /// Settings that do not fit each other or the data, unreadable data, a device that is not there, or too little
    /// memory.
    pub fn new(experiment: &mut Experiment, resources: &Resources) -> Result<Self, LabError> {
        let (threads, level) = (resources.count()?, resources.level);
        let Built { cells, data, data_sets, devices } = build_to_run(experiment)?;
        let keys = experiment.cells.first().map_or(0, |cell| cell.keys.len());
        let predicted = experiment.cells.iter().map(CheckedCell::is_predicted).collect();
        let plan = Self { cells, data, data_sets, devices, predicted, threads, level, keys };
        let (needed, available) = (plan.memory(), memory::available());
        if needed > available {
            let what = format!("the experiment {:?}", experiment.name);
            let reduce = if plan.prediction_memory() > 0.5 * needed {
                "problem.samples, or simulate (ensemble.method = \"simulate\")"
            } else {
                "ensemble.replicas, the recorded steps (observe.at) or the grid"
            };
            return Err(LabError::Memory { what, needed, available, reduce });
        }
        Ok(plan)
    }

    /// Replica-steps of the whole experiment.
    pub fn replica_steps(&self) -> f64 {
        // The sum of no numbers is -0.
        self.simulated().map(|(_, cell)| replica_steps(cell)).sum::<f64>() + 0.0
    }

    /// The cells that are simulated, with their numbers.
    pub fn simulated(&self) -> impl Iterator<Item = (usize, &Ensemble)> {
        self.cells.iter().enumerate().filter(|(k, _)| !self.predicted[*k])
    }

    /// Bytes of memory needed at most.
    pub fn memory(&self) -> f64 {
        memory::needed(&self.cells, self.keys, self.threads) + self.prediction_memory()
    }

    /// Bytes of it that predictions take at most.
    pub fn prediction_memory(&self) -> f64 {
        let predicted = self.cells.iter().zip(&self.predicted).filter(|(_, predicted)| **predicted);
        bytes_of_predictions(predicted.map(|(cell, _)| cell), self.threads)
    }

    /// Bytes of it that measuring kernels takes at most.
    pub fn geometry_memory(&self) -> f64 {
        self.cells.iter().map(|cell| memory::measuring(cell, self.threads)).fold(0.0, f64::max)
    }

    /// The kernel of each cell that is simulated, and the replica-steps a second that one thread is expected to do.
    pub fn kernels(&self) -> Vec<Option<(KernelPlan, f64)>> {
        let kernel = |cell: &Ensemble| {
            let plan = plan(cell, self.level);
            let seconds = seconds_per_step(cell, &plan);
            (plan, 1.0 / seconds)
        };
        self.cells
            .iter()
            .zip(&self.predicted)
            .map(|(cell, predicted)| (!predicted).then(|| kernel(cell)))
            .collect()
    }

    /// A rough estimate of the run's seconds, if no replica stops early.
    pub fn seconds(&self) -> f64 {
        let of = |(cell, predicted): (&Ensemble, &bool)| {
            let plan = plan(cell, self.level);
            if *predicted {
                return seconds_of_prediction(cell, &plan);
            }
            let steps = replica_steps(cell) * seconds_per_step(cell, &plan);
            steps + f64::from(cell.protocol().replicas) * seconds_beside_steps(cell, &plan)
        };
        self.cells.iter().zip(&self.predicted).map(of).sum::<f64>() / self.threads as f64
    }

    /// The machine that it will run on.
    pub fn machine(&self) -> Machine {
        Machine { devices: self.devices.clone(), ..Machine::here(self.threads, self.level) }
    }

    /// The threads.
    pub(super) fn pool(&self) -> Result<rayon::ThreadPool, LabError> {
        pool(self.threads)
    }
}

fn replica_steps(cell: &Ensemble) -> f64 {
    f64::from(cell.protocol().replicas) * cell.process().dynamics.steps() as f64
}

/// Runs an experiment into a folder: simulates the cells that ask for it, and predicts the others.
///
/// The folder is proven writable, and locked, before anything is computed. It must be new or without results, or hold
/// the same experiment finished; `destination.force` lets anything else of jostle's be replaced. Results appear by
/// atomic rename when the run is over. If it is stopped, the cells finished by then are kept, unless the folder holds
/// more than that.
///
/// # Errors
/// As [`Plan::new`], and whatever keeps the folder from being written.
pub fn execute(
    experiment: &mut Experiment,
    destination: &Destination<'_>,
    resources: &Resources,
    progress: &dyn Progress,
) -> Result<Outcome, LabError> {
    match compute(experiment, destination, resources, progress)? {
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
    experiment: &mut Experiment,
    destination: &Destination<'_>,
    resources: &Resources,
    progress: &dyn Progress,
) -> Result<Option<Computed>, LabError> {
    let plan = Plan::new(experiment, resources)?;
    let pool = plan.pool()?;
    let taken = Taken::new(destination, experiment)?;
    let Some(predictions) = Predictions::make(&plan, &pool, progress) else { return Ok(None) };
    simulate(&plan, experiment, &predictions, taken, &pool, progress).map(Some)
}

/// Simulates what is not predicted, with predictions that are there already.
pub(super) fn simulate(
    plan: &Plan,
    experiment: &Experiment,
    predictions: &Predictions,
    mut taken: Taken,
    pool: &rayon::ThreadPool,
    progress: &dyn Progress,
) -> Result<Computed, LabError> {
    let started = Instant::now();
    let mut manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        status: Status::Running,
        data: plan.data.clone(),
        data_sets: plan.data_sets.clone(),
        cells: Vec::new(),
        cells_in_total: plan.cells.len(),
        replica_steps: 0.0,
        wall_seconds: 0.0,
        machine: plan.machine(),
    };
    taken.begin(&manifest)?;
    let lassos = pool.install(|| predicted_lassos(&plan.cells, false));
    let mut files = ResultFiles::create(&taken.folder, &plan.cells, &experiment.cells)?;
    let watch = Watch { progress, failed: AtomicBool::new(false) };
    let mut failure: Option<StorageError> = None;
    let mut append = |k: usize, simulated: Option<UnitResult>| {
        if failure.is_some() {
            return;
        }
        let (cell, checked) = (&plan.cells[k], &experiment.cells[k]);
        let prediction = predictions.of(k);
        let deviations = prediction.map(PredictedCell::deviations).unwrap_or_default();
        let predicted = prediction.map(PredictedCell::record);
        let result = simulated.or_else(|| prediction.map(PredictedCell::result)).unwrap_or_default();
        if let Err(error) = files.append(k, cell, checked, &result, &deviations, lassos[k].as_ref().ok()) {
            watch.failed.store(true, Ordering::Relaxed);
            failure = Some(error);
            return;
        }
        if predicted.is_none() {
            manifest.replica_steps += replica_steps(cell);
        }
        manifest.cells.push(record(k, cell, &checked.keys, &result, predicted, &lassos[k]));
    };
    progress.begins(&experiment.name, plan.replica_steps(), Unit::Steps);
    // Cells appear in order, predicted ones as soon as those before them have.
    let (numbers, cells): (Vec<usize>, Vec<&Ensemble>) = plan.simulated().unzip();
    let mut next = 0;
    let finished = jostle::ensemble::run(&cells, pool, plan.level, &watch, &mut |at, result| {
        (next..numbers[at]).for_each(|k| append(k, None));
        append(numbers[at], Some(result));
        next = numbers[at] + 1;
    });
    if finished == cells.len() {
        (next..plan.cells.len()).for_each(|k| append(k, None));
    }
    progress.ends();
    if let Some(error) = failure {
        return Err(error.into());
    }
    let done = manifest.cells.len() == plan.cells.len();
    manifest.status = if done { Status::Done } else { Status::Interrupted };
    manifest.wall_seconds = started.elapsed().as_secs_f64();
    Ok(Computed { taken, files, manifest })
}

fn record(
    k: usize,
    cell: &Ensemble,
    keys: &[(String, GridValue)],
    result: &UnitResult,
    predicted: Option<Predicted>,
    lasso: &OfCell,
) -> CellRecord {
    let value = |value: &GridValue| match value {
        GridValue::Integer(v) => (*v).into(),
        GridValue::Number(v) => (*v).into(),
        GridValue::Text(v) => v.as_str().into(),
    };
    CellRecord {
        cell: k,
        keys: keys.iter().map(|(key, v)| (key.clone(), value(v))).collect(),
        replicas: cell.protocol().replicas,
        diverged: result
            .replicas
            .iter()
            .filter_map(|r| r.diverged.map(|step| Diverged { replica: r.replica, step }))
            .collect(),
        converged: result
            .replicas
            .iter()
            .filter_map(|r| r.converged.map(|step| Converged { replica: r.replica, step }))
            .collect(),
        label_noise: StdOfLambda::of(cell),
        predicted_lasso: Some(LassoRecord::after(lasso, cell, result)),
        active: Active::of(cell),
        predicted,
    }
}

/// Passes progress on to the kernels' monitor, and stops them when a file cannot be written.
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
