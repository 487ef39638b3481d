//! Full batch, one replica: vectors run over samples, then over coordinates.
//!
//! Every sum is the same chain of fused multiply-adds as in [`super::lanes`], so the two kernels agree to the bit. Rows
//! are filled up with zeros to whole vectors; what is computed there is zero as well and is never looked at.

use super::chains::chains;
use super::data::Padded;
use super::frame::Frame;
use super::update::{Update, slopes, update_entries};
use super::{Data, State, Task};
use crate::float::Float;
use crate::model::Link;
use crate::noise::Products;
use crate::simd::Level;

/// Carries one replica to step `until`.
pub(super) fn advance_single<L: Link, F: Float>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_, F>,
    state: &mut State<F>,
    until: u64,
) {
    let (n, dim, level) = (data.samples(), data.dim(), task.rule.level);
    assert!(state.lanes() == 1 && state.dim == dim);
    let (rows, columns) = (data.rows(), data.columns());
    let replicas = state.replicas.clone();
    let mut frame = Frame::of_link(task, data, &replicas, n, state.step, until);
    let mut minus_y: Vec<F> = data.y().iter().map(|y| -*y).collect();
    minus_y.resize(columns.stride, F::default());
    let mut residuals = minus_y.clone();
    let mut weights = vec![F::default(); n];
    let mut pulled = vec![F::default(); rows.stride];
    while state.step < until {
        residuals.copy_from_slice(&minus_y);
        chains(level, columns, n, &state.beta[..dim], &mut residuals, false);
        frame.weigh(state, &mut residuals[..n], &mut weights);
        if !frame.zeta.is_empty() {
            let products = SingleProducts { link, rows, dim, level, mantissa: &state.mantissa };
            frame.draw_zeta(state.step, &residuals[..n], &products);
        }
        pulled.fill(F::default());
        chains(level, rows, dim, &weights, &mut pulled, false);
        let update = Update::new::<L>(task, state, &mut frame);
        update_entries(link, level, &update, 0, dim, &pulled);
        state.end_step();
    }
}

/// The products that shaped noises ask for.
struct SingleProducts<'a, L: Link, F> {
    link: L,
    rows: &'a Padded<F>,
    dim: usize,
    level: Level,
    mantissa: &'a [F],
}

impl<L: Link, F: Float> SingleProducts<'_, L, F> {
    fn pull_with(&self, weights: &[F], out: &mut [F], squared: bool) {
        let mut sums = vec![F::default(); self.rows.stride];
        chains(self.level, self.rows, self.dim, weights, &mut sums, squared);
        out.copy_from_slice(&sums[..out.len()]);
    }
}

impl<L: Link, F: Float> Products<F> for SingleProducts<'_, L, F> {
    fn pull(&self, weights: &[F], out: &mut [F]) {
        self.pull_with(weights, out, false);
    }

    fn pull_squared(&self, weights: &[F], out: &mut [F]) {
        self.pull_with(weights, out, true);
    }

    fn slopes(&self, out: &mut [F]) {
        slopes(self.link, self.mantissa, self.dim, out);
    }

    fn shape(&self) -> (usize, usize) {
        (L::PARTS * self.dim, self.dim)
    }
}
