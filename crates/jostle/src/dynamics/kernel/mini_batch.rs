//! A few samples a step, one replica.

use super::frame::Frame;
use super::members::Members;
use super::update::{Update, update_entries};
use super::{Data, State, Task, stripes};
use crate::dynamics::Batch;
use crate::float::Float;
use crate::model::Link;
use crate::noise::Products;

/// Carries one replica to step `until`.
pub(super) fn advance_mini_batch<L: Link, F: Float>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_, F>,
    state: &mut State<F>,
    until: u64,
) {
    let (n, dim, level) = (data.samples(), data.dim(), task.rule.level);
    let Batch::Size(size) = task.rule.dynamics.batch else {
        unreachable!("this kernel is chosen for mini-batches")
    };
    let rows = data.rows().numbers();
    let replicas = state.replicas.clone();
    let mut frame = Frame::of_link(task, data, &replicas, size, state.step, until);
    let mut batches = Members::new(frame.draws(), n, size, task.rule.dynamics.sampling, until);
    let mut residuals = vec![F::default(); size];
    let mut weights = residuals.clone();
    let mut pulled = vec![F::default(); state.entries];
    while state.step < until {
        let members = batches.at(state.step);
        stripes::residuals(level, rows, members, &state.beta, data.y(), &mut residuals);
        frame.weigh(state, &mut residuals, &mut weights);
        if !frame.zeta.is_empty() {
            frame.draw_zeta(state.step, &residuals, &NoProducts);
        }
        stripes::pull(level, rows, members, &weights, &mut pulled);
        let update = Update::new::<L>(task, state, &mut frame);
        update_entries(link, level, &update, 0, dim, &pulled);
        state.end_step();
    }
}

/// Shaped noises are refused for mini-batches when a cell is built.
pub(super) struct NoProducts;

impl<F: Float> Products<F> for NoProducts {
    fn pull(&self, _: &[F], _: &mut [F]) {
        unreachable!("a noise that needs full batches was let through");
    }
    fn pull_squared(&self, _: &[F], _: &mut [F]) {
        unreachable!("a noise that needs full batches was let through");
    }
    fn slopes(&self, _: &mut [F]) {
        unreachable!("a noise that needs full batches was let through");
    }
    fn shape(&self) -> (usize, usize) {
        unreachable!("a noise that needs full batches was let through");
    }
}
