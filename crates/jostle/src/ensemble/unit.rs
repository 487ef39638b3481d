//! The unit of work: a block of replicas of one cell. A pure function of the cell and the block.

use super::{Cell, Source};
use crate::dynamics::Batch;
use crate::dynamics::kernel::{Data, Kernel, State, Task, advance};
use crate::observable::View;
use crate::problem::Problem;
use crate::simd::Level;
use std::ops::Range;

/// Replicas of one unit of a large ensemble: as many as the widest kernel computes side by side.
const UNIT_REPLICAS: u32 = 16;
/// Replicas of one unit of a small ensemble, which would leave processors idle in larger ones.
const SMALL_UNIT_REPLICAS: u32 = 8;
/// Multiply-adds between two calls of the monitor, so that progress is shown and a stop is heard in time.
const WORK_BETWEEN_CALLS: f64 = 4e8;

/// A block of replicas of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The replicas.
    pub replicas: Range<u32>,
}

/// The units of a cell, in the order of their replicas.
pub fn units(cell: &Cell) -> Vec<Unit> {
    let side_by_side = cell.dynamics.batch == Batch::Full && matches!(cell.source, Source::Shared(_));
    let size = match (side_by_side, cell.replicas >= 4 * UNIT_REPLICAS) {
        (true, true) => UNIT_REPLICAS,
        (true, false) => SMALL_UNIT_REPLICAS,
        (false, _) => 1,
    };
    (0..cell.replicas)
        .step_by(size as usize)
        .map(|first| Unit { replicas: first..(first + size).min(cell.replicas) })
        .collect()
}

/// Which kernel the first unit of a cell runs on, in words.
pub fn describe(cell: &Cell, level: Level) -> String {
    let (kernel, taken) = first_kernel(cell, level);
    format!("{kernel} ({level}, {taken} replica{} at a time)", if taken == 1 { "" } else { "s" })
}

/// The kernel of the first unit of a cell, and the replicas that it computes side by side.
pub fn first_kernel(cell: &Cell, level: Level) -> (Kernel, usize) {
    let shared = matches!(cell.source, Source::Shared(_));
    Kernel::choose(cell.dynamics.batch, shared, units(cell)[0].replicas.len(), level)
}

/// Hears of progress, and may ask to stop.
pub trait Monitor: Sync {
    /// So many more replica-steps are done.
    fn advanced(&self, replica_steps: u64);
    /// Whether the run should stop as soon as possible.
    fn should_stop(&self) -> bool;
}

/// A monitor that does nothing.
pub struct Silent;

impl Monitor for Silent {
    fn advanced(&self, _: u64) {}
    fn should_stop(&self) -> bool {
        false
    }
}

/// One replica's results.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// Its number.
    pub replica: u32,
    /// Observables, recorded step after recorded step.
    pub rows: Vec<f64>,
    /// The final parameters (p); NaN if it diverged.
    pub theta: Vec<f64>,
    /// Natural logarithms of the final absolute parameters (p), finite where they underflow; NaN if it diverged.
    pub log_abs_theta: Vec<f64>,
    /// The final coefficients (d); NaN if it diverged.
    pub beta: Vec<f64>,
    /// The time average of the coefficients (d), where one was asked for; NaN if it diverged.
    pub average: Option<Vec<f64>>,
    /// The first step at whose start a squared residual exceeded 1e30 times the largest of 1 and the squared labels;
    /// mini-batches see the residuals of their samples only, and of all samples at recorded steps.
    pub diverged: Option<u64>,
}

/// The results of a unit, or of all units of a cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnitResult {
    /// The replicas in order.
    pub replicas: Vec<Replica>,
}

impl UnitResult {
    /// Puts the replicas of a later unit behind these.
    pub fn append(&mut self, mut later: UnitResult) {
        self.replicas.append(&mut later.replicas);
    }
}

/// Runs a unit; `None` if the monitor asked to stop.
pub fn run_unit(cell: &Cell, unit: &Unit, level: Level, monitor: &dyn Monitor) -> Option<UnitResult> {
    // Of many units, most have not begun when the user asks to stop.
    if monitor.should_stop() {
        return None;
    }
    let task = Task {
        link: cell.model.link,
        loss_factor: cell.model.loss_factor,
        dynamics: &cell.dynamics,
        noises: &cell.noises,
        average_from: cell.average_from,
        seed: cell.seed,
        level,
    };
    let mut result = UnitResult::default();
    let mut first = unit.replicas.start;
    while first < unit.replicas.end {
        let problem = cell.source.problem(first);
        let data = Data::new(&problem);
        let shared = matches!(cell.source, Source::Shared(_));
        let left = (unit.replicas.end - first) as usize;
        let (kernel, taken) = Kernel::choose(cell.dynamics.batch, shared, left, level);
        let block = run_block(cell, &task, &data, kernel, first..first + taken as u32, monitor)?;
        result.replicas.extend(block);
        first += taken as u32;
    }
    Some(result)
}

fn run_block(
    cell: &Cell,
    task: &Task<'_>,
    data: &Data<'_>,
    kernel: Kernel,
    replicas: Range<u32>,
    monitor: &dyn Monitor,
) -> Option<Vec<Replica>> {
    let dim = data.problem.dim();
    let theta = cell.model.initial(dim).expect("the cell has been checked");
    let count = replicas.len();
    // Lanes beyond the block compute replicas that nobody asked for.
    let lanes: Vec<u32> = (replicas.start..).take(kernel.lanes(task.level)).collect();
    let mut state = State::new(task, &theta, dim, lanes);
    let mut rows = vec![Vec::new(); count];
    let mut diverged = vec![None; count];
    let stride = (WORK_BETWEEN_CALLS / (cell.work_per_step() * count as f64)).clamp(1.0, 1e6) as u64;
    for step in cell.recording.steps(cell.dynamics.steps) {
        while state.step() < step {
            let from = state.step();
            let until = step.min(from + stride);
            if state.all_diverged(count) {
                state.skip_to(task, step);
            } else {
                advance(task, data, kernel, &mut state, until);
            }
            monitor.advanced((state.step() - from) * count as u64);
            if monitor.should_stop() {
                return None;
            }
        }
        for lane in 0..count {
            record(cell, data.problem, &state, lane, &mut diverged[lane], &mut rows[lane]);
        }
    }
    let finished = replicas.zip(rows).zip(diverged).enumerate().map(|(k, ((replica, rows), diverged))| {
        let lane = state.lane(k);
        let of = |values: Vec<f64>| if diverged.is_some() { vec![f64::NAN; values.len()] } else { values };
        Replica {
            replica,
            rows,
            theta: of(lane.theta),
            log_abs_theta: of(lane.log_abs_theta),
            beta: of(lane.beta),
            average: lane.average.map(of),
            diverged,
        }
    });
    Some(finished.collect())
}

/// Appends the observables of one lane. A state whose residuals have only just exploded counts as diverged here.
fn record(
    cell: &Cell,
    problem: &Problem,
    state: &State,
    lane: usize,
    diverged: &mut Option<u64>,
    rows: &mut Vec<f64>,
) {
    let replica = state.lane(lane);
    *diverged = diverged.or(replica.diverged);
    let link = cell.model.link;
    let view = View::new(
        problem,
        link.model(),
        cell.model.loss_factor,
        &cell.dynamics,
        &cell.noises,
        &replica.theta,
        &replica.beta,
        replica.average.as_deref(),
    );
    if diverged.is_none() && view.has_diverged() {
        *diverged = Some(state.step());
    }
    rows.extend(
        cell.quantities
            .iter()
            .map(|quantity| if diverged.is_some() { quantity.diverged } else { (quantity.measure)(&view) }),
    );
}
