//! Full batch, one replica: vectors run over samples, then over coordinates.
//!
//! Every sum is the same chain of fused multiply-adds as in [`super::lanes`], so the two kernels agree to the bit. Rows
//! are filled up with zeros to whole vectors; what is computed there is zero as well and is never looked at.
#![allow(unsafe_code)]

use super::update::Update;
use super::{Buffers, Data, Padded, State, Task, divergence_limit, state::SCALING_PERIOD};
use crate::model::Link;
use crate::noise::Products;
use crate::random::Draws;
use crate::simd::{Level, Vector, dispatch};

/// Carries one replica to step `until`.
#[inline(always)]
pub(super) fn advance_single<V: Vector, L: Link>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_>,
    state: &mut State,
    until: u64,
) {
    let problem = data.problem;
    let (n, dim) = (problem.samples(), problem.dim());
    assert!(state.lanes() == 1 && state.dim == dim);
    let (rows, columns) = (data.rows(), data.columns());
    let mut buffers = Buffers::new(task, n, dim, 1);
    let limit = divergence_limit(problem);
    let weight = 2.0 * task.loss_factor / n as f64;
    let replicas = state.replicas.clone();
    let draws = Draws::new(task.seed, &replicas, state.step).on_level(task.level);
    let mut minus_y: Vec<f64> = problem.y().iter().map(|y| -y).collect();
    minus_y.resize(columns.stride, 0.0);
    let mut sums = vec![0.0; columns.stride];
    let mut pulled = vec![0.0; rows.stride];
    while state.step < until {
        // Residuals: chains over the coordinates, a vector of samples at a time.
        sums.copy_from_slice(&minus_y);
        chains::<V, false>(columns, &state.beta[..dim], &mut sums);
        let mut within_limit = true;
        for ((w, r), sum) in buffers.weights.iter_mut().zip(&mut buffers.residuals).zip(&sums) {
            within_limit &= sum * sum <= limit;
            *r = *sum;
            *w = sum * weight;
        }
        if !within_limit {
            state.diverge(0);
            buffers.residuals.fill(0.0);
            buffers.weights.fill(0.0);
        }
        if !task.noises.is_empty() {
            let products = SingleProducts { link, rows, dim, level: task.level, mantissa: &state.mantissa };
            buffers.perturb(task, draws.at_step(state.step), &products);
        }
        pulled.fill(0.0);
        chains::<V, false>(rows, &buffers.weights, &mut pulled);
        let averages = state.count_average(task);
        let update = Update::new::<L>(task, state, &buffers, averages);
        // SAFETY: the state and the buffers outlive this statement, and nothing else uses them meanwhile.
        unsafe { update.apply_all::<V, L>(link, &pulled[..dim]) };
        state.step += 1;
        if state.step.is_multiple_of(SCALING_PERIOD) {
            state.rescale();
        }
    }
}

/// `out_k += sum_i factors_i matrix_ik`, one chain over the rows for every `k` (or with `matrix_ik^2`).
#[inline(always)]
fn chains<V: Vector, const SQUARED: bool>(matrix: &Padded, factors: &[f64], out: &mut [f64]) {
    let rows = matrix.numbers();
    assert!(out.len() == matrix.stride && rows.len() == factors.len() * matrix.stride);
    let vectors = matrix.stride / V::WIDTH;
    let mut from = 0;
    while from < vectors {
        // Up to eight chains at a time hide the latency of a fused multiply-add.
        let taken = (vectors - from).min(8);
        macro_rules! tile_of {
            ($($size:literal)*) => {
                match taken {
                    // SAFETY: the vectors from .. from + taken lie within the stride, which is the length of out.
                    $($size => unsafe { tile::<V, $size, SQUARED>(rows, factors, out, from * V::WIDTH) },)*
                    _ => unreachable!("at most eight vectors are taken"),
                }
            };
        }
        tile_of!(1 2 3 4 5 6 7 8);
        from += taken;
    }
}

/// The chains of the `TILE` vectors of entries that begin at `from`.
#[inline(always)]
unsafe fn tile<V: Vector, const TILE: usize, const SQUARED: bool>(
    rows: &[f64],
    factors: &[f64],
    out: &mut [f64],
    from: usize,
) {
    // SAFETY: the caller promises that the vectors lie within out, and that rows holds as long a row for each factor.
    unsafe {
        let mut sums: [V; TILE] = std::array::from_fn(|k| V::load(out.as_ptr().add(from + k * V::WIDTH)));
        for (i, factor) in factors.iter().enumerate() {
            let row = rows.as_ptr().add(i * out.len() + from);
            let factor = V::from(*factor);
            for k in 0..TILE {
                let entry = V::load(row.add(k * V::WIDTH));
                sums[k] = (if SQUARED { entry * entry } else { entry }).mul_add(factor, sums[k]);
            }
        }
        for (k, sum) in sums.into_iter().enumerate() {
            sum.store(out.as_mut_ptr().add(from + k * V::WIDTH));
        }
    }
}

/// The products that shaped noises ask for.
struct SingleProducts<'a, L: Link> {
    link: L,
    rows: &'a Padded,
    dim: usize,
    level: Level,
    mantissa: &'a [f64],
}

impl<L: Link> SingleProducts<'_, L> {
    fn pull_with(&self, weights: &[f64], out: &mut [f64], squared: bool) {
        let rows = self.rows;
        let mut sums = vec![0.0; rows.stride];
        let whole = &mut sums[..];
        if squared {
            dispatch!(self.level, pull_squared, [], [], (rows: &Padded, weights: &[f64], whole: &mut [f64]));
        } else {
            dispatch!(self.level, pull, [], [], (rows: &Padded, weights: &[f64], whole: &mut [f64]));
        }
        out.copy_from_slice(&sums[..out.len()]);
    }
}

impl<L: Link> Products for SingleProducts<'_, L> {
    fn pull(&self, weights: &[f64], out: &mut [f64]) {
        self.pull_with(weights, out, false);
    }

    fn pull_squared(&self, weights: &[f64], out: &mut [f64]) {
        self.pull_with(weights, out, true);
    }

    fn slopes(&self, out: &mut [f64]) {
        super::update::slopes(self.link, self.mantissa, self.dim, out);
    }

    fn shape(&self) -> (usize, usize) {
        (L::PARTS * self.dim, self.dim)
    }
}

#[inline(always)]
fn pull<V: Vector>(rows: &Padded, weights: &[f64], out: &mut [f64]) {
    chains::<V, false>(rows, weights, out);
}

#[inline(always)]
fn pull_squared<V: Vector>(rows: &Padded, weights: &[f64], out: &mut [f64]) {
    chains::<V, true>(rows, weights, out);
}
