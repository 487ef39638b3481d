//! A few samples a step, one replica: row products striped over 16 partial sums, the same on every vector width.
#![allow(unsafe_code)]

use super::update::Update;
use super::{Buffers, Data, PADDING, State, Task, divergence_limit, exceeds, padded, state::SCALING_PERIOD};
use crate::dynamics::Batch;
use crate::model::Link;
use crate::noise::Products;
use crate::random::{Draws, Purpose};
use crate::simd::{Portable, Vector};

/// Partial sums of a row product; entry `j` goes to sum `j mod 16`.
const STRIPES: usize = PADDING;

/// Carries one replica to step `until`.
#[inline(always)]
pub(super) fn advance_mini_batch<V: Vector, L: Link>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_>,
    state: &mut State,
    until: u64,
) {
    let problem = data.problem;
    let (n, dim) = (problem.samples(), problem.dim());
    let Batch::Size(size) = task.dynamics.batch else {
        unreachable!("this kernel is chosen for mini-batches")
    };
    let (rows, stride) = (data.rows().numbers(), padded(dim));
    assert!(state.lanes() == 1 && state.beta.len() == stride && rows.len() == n * stride);
    let mut buffers = Buffers::new(task, size, dim, 1);
    let mut members = vec![0usize; size];
    let mut sampling = Sampling { words: vec![0; size], marks: Vec::new() };
    let limit = divergence_limit(problem);
    let weight = 2.0 * task.loss_factor / size as f64;
    let replicas = state.replicas.clone();
    let draws = Draws::new(task.seed, &replicas, state.step).on_level(task.level);
    while state.step < until {
        let draws = draws.at_step(state.step);
        sampling.draw(draws, n, task.dynamics.replacement, &mut members);
        let mut has_diverged = false;
        for (k, i) in members.iter().enumerate() {
            let row = &rows[i * stride..(i + 1) * stride];
            let residual = striped_product::<V>(row, &state.beta) - problem.y()[*i];
            has_diverged |= exceeds(residual * residual, limit);
            buffers.residuals[k] = residual;
            buffers.weights[k] = residual * weight;
        }
        if has_diverged {
            state.diverge(0);
            buffers.residuals.fill(0.0);
            buffers.weights.fill(0.0);
        }
        if !task.noises.is_empty() {
            buffers.perturb(task, draws, &NoProducts);
        }
        let averages = state.count_average(task);
        let update = Update::new::<L>(task, state, &buffers, averages);
        let whole = dim - dim % V::WIDTH;
        // SAFETY: places stay below dim, rows are at least that long, and nothing else uses the state meanwhile.
        unsafe {
            for at in (0..whole).step_by(V::WIDTH) {
                update.apply(link, at, pull::<V>(rows, stride, &members, &buffers.weights, at));
            }
            for at in whole..dim {
                update.apply(link, at, pull::<Portable<1>>(rows, stride, &members, &buffers.weights, at));
            }
        }
        state.step += 1;
        if state.step.is_multiple_of(SCALING_PERIOD) {
            state.rescale();
        }
    }
}

/// `row . beta` in 16 chains, added up pairwise.
#[inline(always)]
fn striped_product<V: Vector>(row: &[f64], beta: &[f64]) -> f64 {
    assert!(row.len() == beta.len() && row.len().is_multiple_of(STRIPES) && STRIPES / V::WIDTH <= 4);
    let mut sums = [V::from(0.0); 4];
    for at in (0..row.len()).step_by(STRIPES) {
        for k in 0..STRIPES / V::WIDTH {
            let place = at + k * V::WIDTH;
            // SAFETY: both slices are whole multiples of the stripes long.
            let (x, b) = unsafe { (V::load(row.as_ptr().add(place)), V::load(beta.as_ptr().add(place))) };
            sums[k] = x.mul_add(b, sums[k]);
        }
    }
    let mut stripes = [0.0; STRIPES];
    for k in 0..STRIPES / V::WIDTH {
        sums[k].write(&mut stripes[k * V::WIDTH..]);
    }
    for half in [8, 4, 2, 1] {
        for k in 0..half {
            stripes[k] += stripes[k + half];
        }
    }
    stripes[0]
}

/// `sum_k w_k x_(i_k) j` for the coordinates at .. at + width, one chain over the members of the batch.
#[inline(always)]
unsafe fn pull<V: Vector>(rows: &[f64], stride: usize, members: &[usize], weights: &[f64], at: usize) -> V {
    let mut sum = V::from(0.0);
    for (i, w) in members.iter().zip(weights) {
        // SAFETY: the caller promises that at + width is within a row; members are rows.
        let x = unsafe { V::load(rows.as_ptr().add(i * stride + at)) };
        sum = x.mul_add(V::from(*w), sum);
    }
    sum
}

/// Draws the members of a batch.
struct Sampling {
    words: Vec<u64>,
    marks: Vec<bool>,
}

impl Sampling {
    #[inline]
    fn draw(&mut self, draws: Draws<'_>, samples: usize, replacement: bool, members: &mut [usize]) {
        if let [member] = members {
            let words = draws.words(0, Purpose::BATCH, 0);
            *member = Draws::index(u64::from(words[0]) << 32 | u64::from(words[1]), samples);
            return;
        }
        draws.bits(Purpose::BATCH, &mut self.words);
        if replacement {
            for (member, word) in members.iter_mut().zip(&self.words) {
                *member = Draws::index(*word, samples);
            }
        } else {
            Draws::subset(self.words.iter().copied(), samples, members, &mut self.marks);
        }
    }
}

/// Shaped noises are refused for mini-batches when a cell is built.
struct NoProducts;

impl Products for NoProducts {
    fn pull(&self, _: &[f64], _: &mut [f64]) {
        unreachable!("a noise that needs full batches was let through");
    }
    fn pull_squared(&self, _: &[f64], _: &mut [f64]) {
        unreachable!("a noise that needs full batches was let through");
    }
    fn slopes(&self, _: &mut [f64]) {
        unreachable!("a noise that needs full batches was let through");
    }
    fn shape(&self) -> (usize, usize) {
        unreachable!("a noise that needs full batches was let through");
    }
}
