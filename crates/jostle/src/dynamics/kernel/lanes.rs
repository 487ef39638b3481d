//! Full batch, replicas side by side: entry `k` of replica `l` stands at `k * lanes + l`.
//!
//! `X` is passed over once a step, in blocks of columns: a block pulls the weights back, its coefficients are updated,
//! and at once push their part of the next step's residuals forward, while the block is in the cache.

use super::data::Blocks;
use super::frame::Frame;
use super::tiles::{pull, push};
use super::update::{Update, slopes, update_entries};
use super::{Data, State, Task};
use crate::aligned::Aligned;
use crate::float::Float;
use crate::model::Link;
use crate::noise::Products;
use crate::simd::Level;
use std::ops::Range;

/// Carries a block of replicas to step `until`.
pub(super) fn advance_lanes<L: Link, F: Float>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_, F>,
    state: &mut State<F>,
    until: u64,
) {
    let (n, lanes, level) = (data.samples(), state.lanes(), task.rule.level);
    assert!(state.dim == data.dim() && state.mantissa.len() == L::PARTS * state.entries);
    let blocks = data.blocks();
    let replicas = state.replicas.clone();
    let mut frame = Frame::of_link(task, data, &replicas, n, state.step, until);
    let mut residuals = Aligned::zeros(n * lanes);
    let mut weights = residuals.clone();
    let mut pulled = Aligned::zeros(blocks.width() * lanes);
    // Residuals begin at -y, and every block of columns adds to them.
    let labels = |columns: &Range<usize>| (columns.start == 0).then_some(data.y());
    for (columns, x) in blocks.iter() {
        let beta = &state.beta[columns.start * lanes..columns.end * lanes];
        push(level, lanes, x, beta, labels(&columns), &mut residuals);
    }
    while state.step < until {
        frame.weigh(state, &mut residuals, &mut weights);
        if !frame.zeta.is_empty() {
            let products = LaneProducts { link, data, lanes, level, mantissa: &state.mantissa };
            frame.draw_zeta(state.step, &residuals, &products);
        }
        let update = Update::new::<L>(task, state, &mut frame);
        let is_last = state.step + 1 == until;
        for (columns, x) in blocks.iter() {
            let (first, end) = (columns.start * lanes, columns.end * lanes);
            let pulled = &mut pulled[..end - first];
            pull(level, lanes, x, &weights, pulled, blocks.ahead());
            update_entries(link, level, &update, first, end - first, pulled);
            if !is_last {
                push(level, lanes, x, &state.beta[first..end], labels(&columns), &mut residuals);
            }
        }
        state.end_step();
    }
}

/// The products that shaped noises ask for.
struct LaneProducts<'a, L: Link, F> {
    link: L,
    data: &'a Data<'a, F>,
    lanes: usize,
    level: Level,
    mantissa: &'a [F],
}

impl<L: Link, F: Float> LaneProducts<'_, L, F> {
    fn pull_blocks(&self, blocks: &Blocks<F>, weights: &[F], out: &mut [F]) {
        for (columns, x) in blocks.iter() {
            let out = &mut out[columns.start * self.lanes..columns.end * self.lanes];
            pull(self.level, self.lanes, x, weights, out, blocks.ahead());
        }
    }
}

impl<L: Link, F: Float> Products<F> for LaneProducts<'_, L, F> {
    fn pull(&self, weights: &[F], out: &mut [F]) {
        self.pull_blocks(self.data.blocks(), weights, out);
    }

    fn pull_squared(&self, weights: &[F], out: &mut [F]) {
        self.pull_blocks(self.data.squared_blocks(), weights, out);
    }

    fn slopes(&self, out: &mut [F]) {
        slopes(self.link, self.mantissa, self.data.dim() * self.lanes, out);
    }

    fn shape(&self) -> (usize, usize) {
        (L::PARTS * self.data.dim(), self.data.dim())
    }
}
