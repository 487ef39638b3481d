//! The unit of work: a block of replicas of one cell. A pure function of the cell and the block.

use super::early_exit::{self, EarlyExit};
use super::linearisation::Linearisation;
use super::{Cell, Source};
use crate::dynamics::kernel::flow::{FlowTask, Flowing};
use crate::dynamics::kernel::passes::Training;
use crate::dynamics::kernel::{Data, Kernel, Lane, Rule, Task};
use crate::dynamics::stepper::{Begin, Descent, Stepper};
use crate::dynamics::{Batch, Dynamics};
use crate::float::{Float, Precision};
use crate::geometry::Watch;
use crate::model::Form;
use crate::observable::{Reference, View};
use crate::problem::Problem;
use crate::simd::Level;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Replicas of one unit: as many as a kernel computes side by side, and fewer of a small ensemble, which would leave
/// processors idle in large units.
pub fn unit_replicas(cell: &Cell) -> u32 {
    let shared = matches!(cell.source, Source::Shared(_));
    let (large, small) = match (cell.dynamics.batch(), cell.precision) {
        _ if cell.is_network() => (1, 1),
        (Batch::Full, Precision::F64) if shared => (16, 8),
        (Batch::Full, Precision::F32) if shared => (32, 16),
        (Batch::Size(1), _) if shared => (16, 4),
        _ => (1, 1),
    };
    if cell.replicas >= 4 * large { large } else { small }
}

/// Multiply-adds between two calls of the monitor, so that progress is shown and a stop is heard in time.
pub(super) const WORK_BETWEEN_CALLS: f64 = 4e8;

/// A block of replicas of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The replicas.
    pub replicas: Range<u32>,
}

/// The units of a cell, in the order of their replicas.
pub fn units(cell: &Cell) -> Vec<Unit> {
    let size = unit_replicas(cell);
    (0..cell.replicas)
        .step_by(size as usize)
        .map(|first| Unit { replicas: first..(first + size).min(cell.replicas) })
        .collect()
}

/// The kernel for the first of some replicas of a cell, and how many of them make one of its blocks.
pub(super) fn choose<F: Float>(cell: &Cell, replicas: usize, level: Level) -> (Kernel, usize) {
    if matches!(cell.model.form, Form::Network { .. }) {
        return (Kernel::Passes, 1);
    }
    let shared = matches!(cell.source, Source::Shared(_));
    Kernel::choose::<F>(cell.dynamics.batch(), shared, replicas, level)
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

/// Lets a monitor stop a measurement.
pub(super) struct OfMonitor<'a>(pub(super) &'a dyn Monitor);

impl Watch for OfMonitor<'_> {
    fn advanced(&self, _: f64) {}

    fn should_stop(&self) -> bool {
        self.0.should_stop()
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
    /// The first step at whose start a squared residual exceeded 1e30 times the largest of 1 and the squared labels
    /// (in float32 at most 1e37), or a flow had left the numbers; mini-batches see the residuals of their samples only, and of all samples at recorded
    /// steps.
    pub diverged: Option<u64>,
    /// The step at which the replica had converged, and stopped; see [`crate::dynamics::GradientDescent::tolerance`].
    pub converged: Option<u64>,
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
    run_unit_until(cell, unit, cell.dynamics.steps(), level, monitor)
}

/// Runs a unit up to the step `until`, with the rows of the recorded steps until then; `None` if the monitor asked to
/// stop.
pub fn run_unit_until(
    cell: &Cell,
    unit: &Unit,
    until: u64,
    level: Level,
    monitor: &dyn Monitor,
) -> Option<UnitResult> {
    Work { cell, unit, until, shared: &Shared::default(), level, monitor }.run()
}

/// What the units of a cell have in common, found by the first of them that asks.
#[derive(Default)]
pub(super) struct Shared {
    /// What replicas with shared data are compared with; none if nothing asks for it.
    reference: OnceLock<Option<Reference>>,
    /// What is to be done once before any unit; none if the monitor asked to stop.
    prepared: OnceLock<Option<Arc<Prepared>>>,
}

/// What is done once before the units of a cell.
enum Prepared {
    /// Nothing: every replica begins on its own.
    Nothing,
    /// Where all replicas begin, but for their perturbations.
    Together(Begin),
    /// The linearisation that takes the place of the cell.
    Linear(Box<Linearisation>),
}

/// A unit that is to be run up to the step `until`, and where the units of a cell keep what they have in common.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) cell: &'a Cell,
    pub(super) unit: &'a Unit,
    pub(super) until: u64,
    pub(super) shared: &'a Shared,
    pub(super) level: Level,
    pub(super) monitor: &'a dyn Monitor,
}

impl Work<'_> {
    /// The results; `None` if the monitor asked to stop.
    pub(super) fn run(self) -> Option<UnitResult> {
        // Of many units, most have not begun when the user asks to stop.
        if self.monitor.should_stop() {
            return None;
        }
        match &*self.prepared()? {
            Prepared::Linear(linearisation) => linearisation.run(self),
            Prepared::Nothing | Prepared::Together(_) => self.run_prepared(),
        }
    }

    /// What is done once before the units of a cell; done by whoever comes first. Nobody waits for it: a thread of the
    /// pool that waits may take up another unit, which would then wait for itself.
    fn prepared(self) -> Option<Arc<Prepared>> {
        if let Some(prepared) = self.shared.prepared.get() {
            return prepared.clone();
        }
        let prepared = self.prepare().map(Arc::new);
        let _ = self.shared.prepared.set(prepared.clone());
        prepared
    }

    fn prepare(self) -> Option<Prepared> {
        let Self { cell, level, monitor, .. } = self;
        Some(match &cell.source {
            Source::Shared(_) if cell.start.linearise => {
                Prepared::Linear(Box::new(cell.linearised(level, monitor)?))
            }
            Source::Shared(problem) if cell.begins_together() => {
                Prepared::Together(cell.begin(problem, 0, level, monitor)?)
            }
            Source::Shared(_) | Source::PerReplica(_) => Prepared::Nothing,
        })
    }

    /// Does what is to be done once before the units of a cell.
    pub(super) fn prepare_units(self) {
        self.prepared();
    }

    /// Runs the replicas of the cell as it is.
    pub(super) fn run_prepared(self) -> Option<UnitResult> {
        match self.cell.precision {
            Precision::F64 => run_in::<f64>(self),
            Precision::F32 => run_in::<f32>(self),
        }
    }
}

/// The reference of one problem, if an observable asks for it. For a data set of its own of a later replica there may be
/// none, where the cell's check has found one for the first: its observables are then not numbers.
fn reference(cell: &Cell, problem: &Problem) -> Option<Reference> {
    let asked = cell.quantities.iter().any(|quantity| quantity.needs.lasso());
    if asked { Reference::new(cell, problem).ok() } else { None }
}

fn run_in<F: Float>(work: Work<'_>) -> Option<UnitResult> {
    let Work { cell, level, .. } = work;
    match &cell.dynamics {
        Dynamics::GradientDescent(dynamics) => {
            let rule = Rule {
                loss: cell.model.loss,
                loss_factor: cell.model.loss_factor,
                dynamics,
                noises: &cell.noises,
                average_from: cell.average_from,
                seed: cell.seed,
                level,
            };
            match &cell.model.form {
                Form::Link { link, .. } => run_with::<F>(work, &|data, kernel, together| {
                    // Replicas of a link on the same data have the unit of their step size in common.
                    let dynamics = dynamics.in_units(together.begins[0].unit);
                    let task = Task { link: *link, rule: Rule { dynamics: &dynamics, ..rule } };
                    together.run(work, data.problem, Descent { task: &task, data, kernel })
                }),
                Form::Network { network, .. } => run_with::<F>(work, &|data, _, together| {
                    together.run(work, data.problem, Training { network: &**network, rule: &rule, data })
                }),
            }
        }
        Dynamics::Flow(flow) => {
            let task = FlowTask {
                model: &cell.model,
                flow,
                noises: &cell.noises,
                average_from: cell.average_from,
                seed: cell.seed,
                level,
            };
            run_with::<F>(work, &|data, kernel, together| {
                together.run(work, data.problem, Flowing { task: &task, data, kernel })
            })
        }
    }
}

/// Replicas that run together, how many of them make a block, and what they are compared with.
struct Together<'a> {
    replicas: Range<u32>,
    in_block: usize,
    reference: Option<&'a Reference>,
    /// Where they begin: one for all, or one for each.
    begins: Vec<Begin>,
}

impl Together<'_> {
    fn run<S: Stepper>(self, work: Work<'_>, problem: &Problem, stepper: S) -> Option<Vec<Replica>> {
        let Self { replicas, in_block, reference, begins } = self;
        let Work { cell, until, level, monitor, .. } = work;
        let first = replicas.start;
        Run { cell, problem, stepper, reference, begins, first, in_block, until, level, monitor }
            .all(replicas)
    }
}

type RunTogether<'a, F> = dyn Fn(&Data<'_, F>, Kernel, Together<'_>) -> Option<Vec<Replica>> + 'a;

/// Makes the data of a unit, and runs its replicas, as many together as the kernels can take.
fn run_with<F: Float>(work: Work<'_>, run: &RunTogether<'_, F>) -> Option<UnitResult> {
    let Work { cell, unit, shared, level, .. } = work;
    // One problem for all, or one for each replica.
    let count = if matches!(cell.source, Source::Shared(_)) { 1 } else { unit.replicas.len() as u32 };
    let problems: Vec<_> = (0..count).map(|k| cell.source.problem(unit.replicas.start + k)).collect();
    let data: Vec<Data<'_, F>> = problems.iter().map(|problem| Data::new(problem)).collect();
    let own: Vec<Option<Reference>> = match cell.source {
        Source::Shared(_) => Vec::new(),
        Source::PerReplica(_) => problems.iter().map(|problem| reference(cell, problem)).collect(),
    };
    let mut result = UnitResult::default();
    let mut first = unit.replicas.start;
    while first < unit.replicas.end {
        let place = (first - unit.replicas.start) as usize % data.len();
        let reference = own
            .get(place)
            .unwrap_or_else(|| shared.reference.get_or_init(|| reference(cell, &problems[place])));
        let (data, reference) = (&data[place], reference.as_ref());
        let left = (unit.replicas.end - first) as usize;
        let (kernel, in_block) = choose::<F>(cell, left, level);
        // Replicas that take turns are blocks of one, all of which run together.
        let taken = if kernel == Kernel::Sample && count == 1 { left } else { in_block };
        let replicas = first..first + taken as u32;
        let begins = begins(work, data.problem, replicas.clone())?;
        result.replicas.extend(run(data, kernel, Together { replicas, in_block, reference, begins })?);
        first += taken as u32;
    }
    Some(result)
}

/// Where some replicas on the same data begin, but for their perturbations: one for all, or one for each.
fn begins(work: Work<'_>, problem: &Problem, mut replicas: Range<u32>) -> Option<Vec<Begin>> {
    let Work { cell, level, monitor, .. } = work;
    if let Prepared::Together(begin) = &*work.prepared()? {
        return Some(vec![begin.clone()]);
    }
    if cell.begins_together() {
        replicas.end = replicas.start + 1;
    }
    replicas.map(|replica| cell.begin(problem, replica, level, monitor)).collect()
}

/// Blocks of replicas that run together.
pub(super) struct Run<'a, S> {
    pub(super) cell: &'a Cell,
    pub(super) problem: &'a Problem,
    pub(super) stepper: S,
    reference: Option<&'a Reference>,
    /// Where they begin, from replica number `first` on: one for all, or one for each.
    begins: Vec<Begin>,
    first: u32,
    in_block: usize,
    until: u64,
    level: Level,
    monitor: &'a dyn Monitor,
}

/// What is known of a block: its replicas, and what was recorded of each.
struct Record {
    replicas: Range<u32>,
    rows: Vec<Vec<f64>>,
    diverged: Vec<Option<u64>>,
    stop: EarlyExit,
}

impl<S: Stepper> Run<'_, S> {
    /// The replicas in order; `None` if the monitor asked to stop.
    fn all(&self, replicas: Range<u32>) -> Option<Vec<Replica>> {
        let count = replicas.len();
        let (mut blocks, mut records) = (Vec::new(), Vec::new());
        for first in replicas.clone().step_by(self.in_block) {
            let (block, record) = self.begin(first..replicas.end.min(first + self.in_block as u32));
            blocks.push(block);
            records.push(record);
        }
        // Blocks that still move stand in front of those that have come to their end.
        let mut moving = blocks.len();
        let work = self.cell.work_per_step() * count as f64;
        let stride = (WORK_BETWEEN_CALLS / work).clamp(1.0, 1e6) as u64;
        let mut at = 0;
        let recorded = self.cell.recording.steps(self.cell.dynamics.steps());
        let before = recorded.iter().copied().filter(|step| *step < self.until);
        for step in before.chain([self.until]) {
            while at < step {
                let until = step.min(at + stride).min(early_exit::next_look(self.cell, at));
                self.stepper.advance(&mut blocks[..moving], until);
                for k in (0..moving).rev() {
                    let record = &mut records[k];
                    if self.stepper.all_diverged(&blocks[k], record.replicas.len())
                        || early_exit::has_converged(self, &blocks[k], &mut record.stop)
                    {
                        moving -= 1;
                        blocks.swap(k, moving);
                        records.swap(k, moving);
                    }
                }
                blocks[moving..].iter_mut().for_each(|block| self.stepper.skip_to(block, until));
                self.monitor.advanced((until - at) * count as u64);
                if self.monitor.should_stop() {
                    return None;
                }
                at = until;
            }
            if recorded.binary_search(&step).is_ok() {
                for (block, record) in blocks.iter().zip(&mut records) {
                    self.record(block, record);
                }
                // What was being measured when the user asked to stop is no result.
                if self.cell.quantities.iter().any(|quantity| quantity.needs_kernel())
                    && self.monitor.should_stop()
                {
                    return None;
                }
            }
        }
        let mut ended: Vec<Replica> =
            blocks.iter().zip(records).flat_map(|(block, record)| self.end(block, record)).collect();
        ended.sort_by_key(|replica| replica.replica);
        Some(ended)
    }

    /// Where a replica begins, but for its perturbation; one that nobody asked for begins where the last one does.
    fn begin_of(&self, replica: u32) -> &Begin {
        let place = (replica - self.first) as usize;
        &self.begins[place.min(self.begins.len() - 1)]
    }

    fn begin(&self, replicas: Range<u32>) -> (S::Block, Record) {
        // Lanes beyond the block compute replicas that nobody asked for.
        let lanes: Vec<u32> = (replicas.start..).take(self.stepper.lanes()).collect();
        let of_lane = |replica: &u32| self.cell.perturbed(self.begin_of(*replica), *replica, self.level);
        let begins: Vec<Begin> = lanes.iter().map(of_lane).collect();
        let block = self.stepper.begin(&begins, lanes);
        let (rows, diverged) = (vec![Vec::new(); replicas.len()], vec![None; replicas.len()]);
        (block, Record { replicas, rows, diverged, stop: EarlyExit::default() })
    }

    fn record(&self, block: &S::Block, record: &mut Record) {
        let step = self.stepper.step(block);
        let of_replicas = record.rows.iter_mut().zip(&mut record.diverged);
        for ((lane, replica), (rows, diverged)) in record.replicas.clone().enumerate().zip(of_replicas) {
            let unit = self.begin_of(replica).unit;
            self.measure(&self.stepper.lane(block, lane), unit, step, diverged, rows);
        }
    }

    fn end(&self, block: &S::Block, record: Record) -> impl Iterator<Item = Replica> {
        let converged = record.stop.converged();
        record.replicas.zip(record.rows).zip(record.diverged).enumerate().map(
            move |(k, ((replica, rows), diverged))| {
                let lane = self.stepper.lane(block, k);
                let of =
                    |values: Vec<f64>| if diverged.is_some() { vec![f64::NAN; values.len()] } else { values };
                Replica {
                    replica,
                    rows,
                    theta: of(lane.theta),
                    log_abs_theta: of(lane.log_abs_theta),
                    beta: of(lane.beta),
                    average: lane.average.map(of),
                    diverged,
                    converged: converged.filter(|_| diverged.is_none()),
                }
            },
        )
    }

    /// Appends the observables of one replica. A state whose residuals have only just exploded counts as diverged here.
    fn measure(&self, replica: &Lane, unit: f64, step: u64, diverged: &mut Option<u64>, rows: &mut Vec<f64>) {
        *diverged = diverged.or(replica.diverged);
        let cell = self.cell;
        let watch = OfMonitor(self.monitor);
        let view = View::new(
            self.problem,
            cell.model.model(),
            (cell.model.loss, cell.model.loss_factor),
            &cell.dynamics,
            &cell.noises,
            &replica.theta,
            &replica.beta,
            replica.average.as_deref(),
        )
        .at_step(step, &replica.log_abs_theta)
        .with_learning_rate(cell.dynamics.noise_rate(step) * unit)
        .with_active(cell.active)
        .with_reference(self.reference)
        .watched_by(&watch);
        if diverged.is_none() && view.has_diverged() {
            *diverged = Some(step);
        }
        rows.extend(
            cell.quantities.iter().map(|quantity| {
                if diverged.is_some() { quantity.diverged } else { (quantity.measure)(&view) }
            }),
        );
    }
}
