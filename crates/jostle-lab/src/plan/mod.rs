//! Plans: an experiment resolved into cells with their data, and what running them will take.

mod build;
mod data;
mod device;
mod estimate;
mod images;
pub mod memory;
mod resources;

pub use build::{Built, build};
pub use resources::Resources;

use crate::LabError;
use crate::experiment::{CheckedCell, Experiment};
use crate::record::{Machine, ReadData};
use build::build_to_run;
use estimate::{bytes_of_predictions, seconds_beside_steps, seconds_of_prediction, seconds_per_step};
use jostle::Level;
use jostle::ensemble::{Ensemble, KernelPlan, plan};
use resources::pool;

/// What an experiment will do, found out without running it. Nothing changes it afterwards.
pub struct Plan {
    /// Resolved: images, devices and observables are those that will be used.
    experiment: Experiment,
    cells: Vec<Ensemble>,
    data: Vec<String>,
    data_sets: Vec<ReadData>,
    devices: Vec<String>,
    threads: usize,
    level: Level,
}

impl Plan {
    /// Builds the cells of an experiment, finds its devices, and checks that it fits in memory.
    ///
    /// # Errors
    /// Settings that do not fit each other or the data, unreadable data, a device that is not there, or too little
    /// memory.
    pub fn new(experiment: Experiment, resources: &Resources) -> Result<Self, LabError> {
        let (threads, level) = (resources.count()?, resources.level);
        let Built { experiment, cells, data, data_sets, devices } = build_to_run(experiment)?;
        let plan = Self { experiment, cells, data, data_sets, devices, threads, level };
        let (needed, available) = (plan.memory(), memory::available());
        if needed > available {
            let what = format!("the experiment {:?}", plan.experiment.name);
            let reduce = if plan.prediction_memory() > 0.5 * needed {
                "problem.samples, or simulate (ensemble.method = \"simulate\")"
            } else {
                "ensemble.replicas, the recorded steps (observe.at) or the grid"
            };
            return Err(LabError::Memory { what, needed, available, reduce });
        }
        Ok(plan)
    }

    /// The experiment, with everything written out that was left open.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The cells.
    pub fn cells(&self) -> &[Ensemble] {
        &self.cells
    }

    /// Which data were read from where, a sentence each.
    pub fn data(&self) -> &[String] {
        &self.data
    }

    /// What data files held.
    pub fn data_sets(&self) -> &[ReadData] {
        &self.data_sets
    }

    /// The devices beside the processor that replicas are trained on, each with the name of its adapter.
    pub fn devices(&self) -> &[String] {
        &self.devices
    }

    /// Threads that will be used.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Instruction set of the kernels.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The cells, each with whether theory predicts it, so that no replica takes a step.
    fn with_method(&self) -> impl Iterator<Item = (&Ensemble, bool)> {
        self.cells.iter().zip(self.experiment.cells.iter().map(CheckedCell::is_predicted))
    }

    /// Replica-steps of the whole experiment.
    pub fn replica_steps(&self) -> f64 {
        // The sum of no numbers is -0.
        self.simulated().map(|(_, cell)| replica_steps(cell)).sum::<f64>() + 0.0
    }

    /// The cells that are simulated, with their numbers.
    pub fn simulated(&self) -> impl Iterator<Item = (usize, &Ensemble)> {
        self.with_method()
            .enumerate()
            .filter(|(_, (_, predicted))| !predicted)
            .map(|(k, (cell, _))| (k, cell))
    }

    /// Bytes of memory needed at most.
    pub fn memory(&self) -> f64 {
        let keys = self.experiment.cells.first().map_or(0, |cell| cell.keys.len());
        memory::needed(&self.cells, keys, self.threads) + self.prediction_memory()
    }

    /// Bytes of it that predictions take at most.
    pub fn prediction_memory(&self) -> f64 {
        let predicted = self.with_method().filter(|(_, predicted)| *predicted);
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
        self.with_method().map(|(cell, predicted)| (!predicted).then(|| kernel(cell))).collect()
    }

    /// A rough estimate of the run's seconds, if no replica stops early.
    pub fn seconds(&self) -> f64 {
        let of = |(cell, predicted): (&Ensemble, bool)| {
            let plan = plan(cell, self.level);
            if predicted {
                return seconds_of_prediction(cell, &plan);
            }
            let steps = replica_steps(cell) * seconds_per_step(cell, &plan);
            steps + f64::from(cell.protocol().replicas) * seconds_beside_steps(cell, &plan)
        };
        self.with_method().map(of).sum::<f64>() / self.threads as f64
    }

    /// The machine that it will run on.
    pub fn machine(&self) -> Machine {
        Machine { devices: self.devices.clone(), ..Machine::here(self.threads, self.level) }
    }

    /// The threads.
    pub(crate) fn pool(&self) -> Result<rayon::ThreadPool, LabError> {
        pool(self.threads)
    }
}

/// Steps of all replicas of a cell.
pub(crate) fn replica_steps(cell: &Ensemble) -> f64 {
    f64::from(cell.protocol().replicas) * cell.process().dynamics.steps() as f64
}
