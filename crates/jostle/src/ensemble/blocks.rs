//! Blocks of replicas that run together: stepped, recorded and ended.

use super::cost::WORK_BETWEEN_CALLS;
use super::early_exit::{self, EarlyExit};
use super::{Ensemble, Replica};
use crate::dynamics::kernel::Lane;
use crate::dynamics::stepper::{Begin, Stepper};
use crate::observable::View;
use crate::problem::Problem;
use crate::simd::Level;
use crate::theory::Reference;
use crate::watch::Watch;
use std::ops::Range;

/// Blocks of replicas that run together.
pub(super) struct Run<'a, S> {
    pub(super) ensemble: &'a Ensemble,
    pub(super) problem: &'a Problem,
    pub(super) stepper: S,
    pub(super) reference: Option<&'a Reference>,
    /// Where they begin, from replica number `first` on: one for all, or one for each.
    pub(super) begins: Vec<Begin>,
    pub(super) first: u32,
    pub(super) in_block: usize,
    pub(super) until: u64,
    pub(super) level: Level,
    pub(super) watch: &'a dyn Watch,
}

/// What is known of a block: its replicas, and what was recorded of each.
struct Record {
    replicas: Range<u32>,
    rows: Vec<Vec<f64>>,
    diverged: Vec<Option<u64>>,
    stop: EarlyExit,
}

impl<S: Stepper> Run<'_, S> {
    /// The replicas in order; `None` if the watch asked to stop.
    pub(super) fn all(&self, replicas: Range<u32>) -> Option<Vec<Replica>> {
        let count = replicas.len();
        let (mut blocks, mut records) = (Vec::new(), Vec::new());
        for first in replicas.clone().step_by(self.in_block) {
            let (block, record) = self.begin(first..replicas.end.min(first + self.in_block as u32));
            blocks.push(block);
            records.push(record);
        }
        // Blocks that still move stand in front of those that have come to their end.
        let mut moving = blocks.len();
        let work = self.ensemble.work_per_step() * count as f64;
        let stride = (WORK_BETWEEN_CALLS / work).clamp(1.0, 1e6) as u64;
        let mut at = 0;
        let recorded = self.ensemble.protocol.recording.steps(self.ensemble.process.dynamics.steps());
        let before = recorded.iter().copied().filter(|step| *step < self.until);
        for step in before.chain([self.until]) {
            while at < step {
                let until = step.min(at + stride).min(early_exit::next_look(self.ensemble, at));
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
                self.watch.advanced((until - at) * count as u64);
                if self.watch.should_stop() {
                    return None;
                }
                at = until;
            }
            if recorded.binary_search(&step).is_ok() {
                for (block, record) in blocks.iter().zip(&mut records) {
                    self.record(block, record);
                }
                // What was being measured when the user asked to stop is no result.
                if self.ensemble.protocol.quantities.iter().any(|quantity| quantity.needs_kernel())
                    && self.watch.should_stop()
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
        let of_lane = |replica: &u32| self.ensemble.perturbed(self.begin_of(*replica), *replica, self.level);
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
        let ensemble = self.ensemble;
        let model = ensemble.process.model.model(self.problem.dim());
        let view = View::new(
            self.problem,
            &*model,
            (ensemble.process.model.loss, ensemble.process.model.loss_factor),
            &ensemble.process.dynamics,
            &ensemble.process.noises,
            &replica.theta,
            &replica.beta,
            replica.average.as_deref(),
        )
        .at_step(step, &replica.log_abs_theta)
        .with_learning_rate(ensemble.process.dynamics.noise_rate(step) * unit)
        .with_active(ensemble.protocol.active)
        .with_reference(self.reference)
        .watched_by(self.watch);
        if diverged.is_none() && view.has_diverged() {
            *diverged = Some(step);
        }
        rows.extend(
            ensemble.protocol.quantities.iter().map(|quantity| {
                if diverged.is_some() { quantity.diverged } else { (quantity.measure)(&view) }
            }),
        );
    }
}
