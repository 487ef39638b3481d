//! What an ensemble asks of a dynamics: to carry blocks of replicas from step to step.

use super::Batch;
use super::kernel::{Block, Data, Kernel, Lane, State, Task, advance};
use crate::float::Float;
use std::sync::Arc;

/// Where a replica begins.
#[derive(Clone, Debug)]
pub(crate) struct Begin {
    /// The parameters (p).
    pub(crate) theta: Arc<[f64]>,
    /// The unit of its step size.
    pub(crate) unit: f64,
}

impl Begin {
    /// The same parameters (p) for every lane, with step sizes as they are.
    pub(crate) fn everywhere(theta: &[f64], lanes: usize) -> Vec<Self> {
        vec![Self { theta: theta.into(), unit: 1.0 }; lanes]
    }
}

/// Carries blocks of replicas along, on one problem.
pub(crate) trait Stepper {
    /// Replicas that are computed together.
    type Block;
    /// Replicas of a block, some of which nobody may have asked for.
    fn lanes(&self) -> usize;
    /// Replicas at step 0, one a lane.
    fn begin(&self, begins: &[Begin], replicas: Vec<u32>) -> Self::Block;
    /// Carries blocks from their steps to the step `until`.
    fn advance(&self, blocks: &mut [Self::Block], until: u64);
    /// Passes over steps that would change nothing.
    fn skip_to(&self, block: &mut Self::Block, step: u64);
    /// The number of steps taken.
    fn step(&self, block: &Self::Block) -> u64;
    /// The replica in one lane.
    fn lane(&self, block: &Self::Block, lane: usize) -> Lane;
    /// Whether every one of the first `replicas` lanes has diverged.
    fn all_diverged(&self, block: &Self::Block, replicas: usize) -> bool;
    /// Whether another step, of a dynamics without noise, would change no bit.
    fn is_at_rest(&self, block: &Self::Block) -> bool;
}

/// Gradient descent on one of the kernels.
pub(crate) struct Descent<'a, F> {
    pub(crate) task: &'a Task<'a>,
    pub(crate) data: &'a Data<'a, F>,
    pub(crate) kernel: Kernel,
}

impl<'a, F: Float> Stepper for Descent<'a, F> {
    type Block = Block<'a, F>;

    fn lanes(&self) -> usize {
        self.kernel.lanes::<F>(self.task.rule.level)
    }

    fn begin(&self, begins: &[Begin], replicas: Vec<u32>) -> Block<'a, F> {
        let state = State::new(self.task, begins, self.data.problem.dim(), replicas);
        Block { data: self.data, state }
    }

    fn advance(&self, blocks: &mut [Block<'a, F>], until: u64) {
        advance(self.task, self.kernel, blocks, until);
    }

    fn skip_to(&self, block: &mut Block<'a, F>, step: u64) {
        block.state.skip_to(self.task, step);
    }

    fn step(&self, block: &Block<'a, F>) -> u64 {
        block.state.step()
    }

    fn lane(&self, block: &Block<'a, F>, lane: usize) -> Lane {
        block.state.lane(lane)
    }

    fn all_diverged(&self, block: &Block<'a, F>, replicas: usize) -> bool {
        block.state.all_diverged(replicas)
    }

    fn is_at_rest(&self, block: &Block<'a, F>) -> bool {
        if self.task.rule.dynamics.batch != Batch::Full {
            return false;
        }
        let mut next = [Block { data: block.data, state: block.state.clone() }];
        self.advance(&mut next, block.state.step() + 1);
        next[0].state.has_parameters_of(&block.state)
    }
}
