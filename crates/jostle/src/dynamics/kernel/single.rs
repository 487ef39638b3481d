//! Full batch, one replica: vectors run over samples, then over coordinates.
//!
//! Every sum is the same chain of fused multiply-adds as in [`super::lanes`], so the two kernels agree to the bit.
//! A last vector that would reach past the end is moved back instead, and computes some entries twice.
#![allow(unsafe_code)]

use super::update::Update;
use super::{Buffers, Data, State, Task, divergence_limit, state::SCALING_PERIOD};
use crate::model::Link;
use crate::noise::Products;
use crate::random::Draws;
use crate::simd::{Level, Portable, Vector, dispatch};

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
    let columns = data.columns();
    let mut buffers = Buffers::new(task, n, dim, 1);
    let limit = divergence_limit(problem);
    let weight = 2.0 * task.loss_factor / n as f64;
    let replicas = state.replicas.clone();
    let draws = Draws::new(task.seed, &replicas, state.step).on_level(task.level);
    let minus_y: Vec<f64> = problem.y().iter().map(|y| -y).collect();
    while state.step < until {
        // Residuals: chains over the coordinates, a vector of samples at a time.
        buffers.residuals.copy_from_slice(&minus_y);
        chains::<V, false>(columns, &state.beta[..dim], &mut buffers.residuals);
        let mut has_diverged = false;
        for (w, r) in buffers.weights.iter_mut().zip(&buffers.residuals) {
            has_diverged |= !(r * r <= limit);
            *w = r * weight;
        }
        if has_diverged {
            state.diverge(0);
            buffers.residuals.fill(0.0);
            buffers.weights.fill(0.0);
        }
        if !task.noises.is_empty() {
            let products =
                SingleProducts { link, x: problem.x(), dim, level: task.level, mantissa: &state.mantissa };
            buffers.perturb(task, draws.at_step(state.step), &products);
        }
        buffers.pulled.fill(0.0);
        chains::<V, false>(problem.x(), &buffers.weights, &mut buffers.pulled);
        let averages = state.count_average(task);
        let update = Update::new::<L>(task, state, &buffers, averages);
        // SAFETY: the state and the buffers outlive this statement, and nothing else uses them meanwhile.
        unsafe { update.apply_all::<V, L>(link, &buffers.pulled) };
        state.step += 1;
        if state.step % SCALING_PERIOD == 0 {
            state.rescale();
        }
    }
}

/// `out_k += sum_i factors_i rows_ik`, one chain over the rows for every `k` (or with `rows_ik^2`).
#[inline(always)]
fn chains<V: Vector, const SQUARED: bool>(rows: &[f64], factors: &[f64], out: &mut [f64]) {
    if out.len() < V::WIDTH {
        chains_of_width::<Portable<1>, SQUARED>(rows, factors, out);
    } else {
        chains_of_width::<V, SQUARED>(rows, factors, out);
    }
}

#[inline(always)]
fn chains_of_width<V: Vector, const SQUARED: bool>(rows: &[f64], factors: &[f64], out: &mut [f64]) {
    let width = out.len();
    assert!(rows.len() == factors.len() * width && width >= V::WIDTH);
    let vectors = width.div_ceil(V::WIDTH);
    let mut from = 0;
    while from < vectors {
        // Up to eight chains at a time hide the latency of a fused multiply-add. The last vector, which may overlap
        // the one before it, must be in the same tile.
        let left = vectors - from;
        let taken = if left == 9 { 7 } else { left.min(8) };
        macro_rules! tile_of {
            ($($size:literal)*) => {
                match taken {
                    // SAFETY: the vectors from .. from + taken begin within the width, which is at least one vector.
                    $($size => unsafe { tile::<V, $size, SQUARED>(rows, factors, out, from * V::WIDTH) },)*
                    _ => unreachable!("at most eight vectors are taken"),
                }
            };
        }
        tile_of!(1 2 3 4 5 6 7 8);
        from += taken;
    }
}

/// The chains of `TILE` vectors of entries; one that would reach past the end is moved back to end there. All of them
/// are read before any is written, so that entries in two vectors come out the same in both.
#[inline(always)]
unsafe fn tile<V: Vector, const TILE: usize, const SQUARED: bool>(
    rows: &[f64],
    factors: &[f64],
    out: &mut [f64],
    from: usize,
) {
    let width = out.len();
    let places: [usize; TILE] = std::array::from_fn(|k| (from + k * V::WIDTH).min(width - V::WIDTH));
    // SAFETY: every place is at least one vector before the end of out and of every row.
    unsafe {
        let mut sums: [V; TILE] = std::array::from_fn(|k| V::load(out.as_ptr().add(places[k])));
        for (i, factor) in factors.iter().enumerate() {
            let row = rows.as_ptr().add(i * width);
            let factor = V::from(*factor);
            for k in 0..TILE {
                let entry = V::load(row.add(places[k]));
                sums[k] = (if SQUARED { entry * entry } else { entry }).mul_add(factor, sums[k]);
            }
        }
        for (place, sum) in places.into_iter().zip(sums) {
            sum.store(out.as_mut_ptr().add(place));
        }
    }
}

/// The products that shaped noises ask for.
struct SingleProducts<'a, L: Link> {
    link: L,
    x: &'a [f64],
    dim: usize,
    level: Level,
    mantissa: &'a [f64],
}

impl<L: Link> Products for SingleProducts<'_, L> {
    fn pull(&self, weights: &[f64], out: &mut [f64]) {
        let x = self.x;
        dispatch!(self.level, pull_only, [], [], (x: &[f64], weights: &[f64], out: &mut [f64]));
    }

    fn pull_squared(&self, weights: &[f64], out: &mut [f64]) {
        let x = self.x;
        dispatch!(self.level, pull_squared_only, [], [], (x: &[f64], weights: &[f64], out: &mut [f64]));
    }

    fn slopes(&self, out: &mut [f64]) {
        super::update::slopes(self.link, self.mantissa, self.dim, out);
    }

    fn shape(&self) -> (usize, usize) {
        (L::PARTS * self.dim, self.dim)
    }
}

#[inline(always)]
fn pull_only<V: Vector>(x: &[f64], weights: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    chains::<V, false>(x, weights, out);
}

#[inline(always)]
fn pull_squared_only<V: Vector>(x: &[f64], weights: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    chains::<V, true>(x, weights, out);
}
