//! Which unit is run next, and by whom.

use super::unit::{Shared, Unit, Work};
use super::{Ensemble, UnitResult};
use crate::simd::Level;
use crate::watch::Watch;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

/// The units of an ensemble.
pub(super) struct AllUnits<'a> {
    pub(super) ensemble: &'a Ensemble,
    pub(super) units: Vec<Unit>,
    pub(super) until: u64,
    pub(super) shared: &'a Shared,
    pub(super) level: Level,
    pub(super) watch: &'a dyn Watch,
}

impl AllUnits<'_> {
    fn work<'b>(&'b self, unit: &'b Unit) -> Work<'b> {
        let Self { ensemble, until, shared, level, watch, .. } = *self;
        Work { ensemble, unit, until, shared, level, watch }
    }
}

/// Where results go: the number of the ensemble, and the result unless the watch asked to stop.
pub(super) type Sender = mpsc::Sender<(usize, Option<UnitResult>)>;

/// What is to be done, by at most as many runners as there are threads.
///
/// A unit may use the whole pool, to measure a kernel. A thread that waits there for others looks for work; if every unit were
/// a task of the pool, it would begin another unit, which may wait in turn, and so on: many kernels would be held at a
/// time. Of runners, which take one unit after the other, there are no more to be found.
pub(super) struct Tasks<'a> {
    ensembles: &'a [AllUnits<'a>],
    threads: usize,
    state: Mutex<State>,
}

struct State {
    open: VecDeque<Task>,
    /// Runners under way.
    runners: usize,
}

/// One thing to do.
#[derive(Clone, Copy)]
enum Task {
    /// What comes before the units of an ensemble.
    Prepare { ensemble: usize },
    /// A unit.
    Unit { ensemble: usize, part: usize },
}

impl<'a> Tasks<'a> {
    pub(super) fn new(ensembles: &'a [AllUnits<'a>], threads: usize) -> Self {
        let of_ensemble = |(ensemble, all): (usize, &AllUnits<'_>)| {
            if all.ensemble.needs_preparation() {
                vec![Task::Prepare { ensemble }]
            } else {
                units(ensemble, all)
            }
        };
        let open = ensembles.iter().enumerate().flat_map(of_ensemble).collect();
        Self { ensembles, threads, state: Mutex::new(State { open, runners: 0 }) }
    }

    /// Begins as many runners as there are threads without one.
    pub(super) fn spawn<'b>(&'b self, scope: &rayon::ScopeFifo<'b>, sender: &Sender) {
        for _ in 0..self.threads {
            let sender = sender.clone();
            scope.spawn_fifo(move |scope| self.run(scope, &sender));
        }
    }

    fn run<'b>(&'b self, scope: &rayon::ScopeFifo<'b>, sender: &Sender) {
        {
            let mut state = self.state();
            if state.runners == self.threads {
                return;
            }
            state.runners += 1;
        }
        while let Some(task) = self.next() {
            match task {
                Task::Prepare { ensemble } => {
                    let all = &self.ensembles[ensemble];
                    all.work(&Unit { replicas: 0..0 }).prepare_units();
                    self.state().open.extend(units(ensemble, all));
                    self.spawn(scope, sender);
                }
                Task::Unit { ensemble, part } => {
                    let all = &self.ensembles[ensemble];
                    // The receiver outlives the scope; a failed send could only mean that nobody listens.
                    let _ = sender.send((ensemble, all.work(&all.units[part]).run()));
                }
            }
        }
    }

    /// The next task; without one, the runner counts as gone before anybody can add another.
    fn next(&self) -> Option<Task> {
        let mut state = self.state();
        let task = state.open.pop_front();
        state.runners -= usize::from(task.is_none());
        task
    }

    /// The state, which no panic leaves half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn units(ensemble: usize, all: &AllUnits<'_>) -> Vec<Task> {
    (0..all.units.len()).map(|part| Task::Unit { ensemble, part }).collect()
}
