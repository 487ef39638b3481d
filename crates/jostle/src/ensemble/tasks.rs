//! Which unit is run next, and by whom.

use super::AllUnits;
use super::unit::{Unit, UnitResult};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

/// Where results go: the cell, the part, and the result unless the monitor asked to stop.
pub(super) type Sender = mpsc::Sender<(usize, usize, Option<UnitResult>)>;

/// What is to be done, by at most as many runners as there are threads.
///
/// A unit may use the whole pool, to measure a kernel. A thread that waits there for others looks for work; if every unit were
/// a task of the pool, it would begin another unit, which may wait in turn, and so on: many kernels would be held at a
/// time. Of runners, which take one unit after the other, there are no more to be found.
pub(super) struct Tasks<'a> {
    cells: &'a [AllUnits<'a>],
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
    /// What comes before the units of a cell.
    Prepare { cell: usize },
    /// A unit.
    Unit { cell: usize, part: usize },
}

impl<'a> Tasks<'a> {
    pub(super) fn new(cells: &'a [AllUnits<'a>], threads: usize) -> Self {
        let of_cell = |(cell, all): (usize, &AllUnits<'_>)| {
            if all.cell.needs_preparation() { vec![Task::Prepare { cell }] } else { units(cell, all) }
        };
        let open = cells.iter().enumerate().flat_map(of_cell).collect();
        Self { cells, threads, state: Mutex::new(State { open, runners: 0 }) }
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
                Task::Prepare { cell } => {
                    let all = &self.cells[cell];
                    all.work(&Unit { replicas: 0..0 }).prepare_units();
                    self.state().open.extend(units(cell, all));
                    self.spawn(scope, sender);
                }
                Task::Unit { cell, part } => {
                    let all = &self.cells[cell];
                    // The receiver outlives the scope; a failed send could only mean that nobody listens.
                    let _ = sender.send((cell, part, all.work(&all.units[part]).run()));
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

fn units(cell: usize, all: &AllUnits<'_>) -> Vec<Task> {
    (0..all.units.len()).map(|part| Task::Unit { cell, part }).collect()
}
