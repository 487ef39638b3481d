//! Full batch, replicas side by side: entry `k` of replica `l` stands at `k * lanes + l`.
//!
//! Tiles of samples (then of coordinates) times one or two vectors of replicas stay in registers; entries of `X` are
//! broadcast from its one row-major copy.

#![allow(unsafe_code)]

use super::update::Update;
use super::{Buffers, Data, State, Task, divergence_limit, exceeds, state::SCALING_PERIOD};
use crate::model::Link;
use crate::noise::Products;
use crate::random::Draws;
use crate::simd::{Level, Vector, dispatch};

/// [`advance`] for one vector of replicas.
#[inline(always)]
pub(super) fn advance_one_vector<V: Vector, L: Link>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_>,
    state: &mut State,
    until: u64,
) {
    advance::<V, L, 1>(link, task, data, state, until);
}

/// [`advance`] for two vectors of replicas.
#[inline(always)]
pub(super) fn advance_two_vectors<V: Vector, L: Link>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_>,
    state: &mut State,
    until: u64,
) {
    advance::<V, L, 2>(link, task, data, state, until);
}

#[inline(always)]
fn advance<V: Vector, L: Link, const VECTORS: usize>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_>,
    state: &mut State,
    until: u64,
) {
    let problem = data.problem;
    let (n, dim, lanes) = (problem.samples(), problem.dim(), VECTORS * V::WIDTH);
    assert!(state.lanes() == lanes && state.dim == dim);
    let mut buffers = Buffers::new(task, n, dim, lanes);
    let limit = divergence_limit(problem);
    let weight = 2.0 * task.loss_factor / n as f64;
    let replicas = state.replicas.clone();
    let draws = Draws::new(task.seed, &replicas, state.step).on_level(task.level);
    while state.step < until {
        let squares = push::<V, VECTORS>(problem.x(), problem.y(), &state.beta, &mut buffers, weight);
        if !squares.iter().all(|s| s.all_at_most(limit / 2.0)) {
            still_diverged(state, &mut buffers, limit);
        }
        if !task.noises.is_empty() {
            let products = LaneProducts {
                link,
                x: problem.x(),
                samples: n,
                level: task.level,
                mantissa: &state.mantissa,
                entries: dim * lanes,
            };
            buffers.perturb(task, draws.at_step(state.step), &products);
        }
        let averages = state.count_average(task);
        let update = Update::new::<L>(task, state, &buffers, averages);
        pull_and_update::<V, L, VECTORS>(link, problem.x(), dim, &buffers.weights, &update);
        state.step += 1;
        if state.step.is_multiple_of(SCALING_PERIOD) {
            state.rescale();
        }
    }
}

/// Residuals `X beta - y` and weights of all samples; returns the sums of squared residuals of every lane.
#[inline(always)]
fn push<V: Vector, const VECTORS: usize>(
    x: &[f64],
    y: &[f64],
    beta: &[f64],
    buffers: &mut Buffers,
    weight: f64,
) -> [V; VECTORS] {
    let mut squares = [V::from(0.0); VECTORS];
    let n = y.len();
    let dim = x.len() / n;
    assert!(beta.len() >= dim * VECTORS * V::WIDTH && buffers.residuals.len() == n * VECTORS * V::WIDTH);
    assert!(buffers.weights.len() == buffers.residuals.len());
    let mut from = 0;
    macro_rules! tiles {
        ($tile:literal) => {
            while n - from >= $tile {
                // SAFETY: the rows from .. from + tile exist, and the lengths of the arrays were checked above.
                unsafe { push_tile::<V, $tile, VECTORS>(x, y, beta, buffers, weight, from, &mut squares) };
                from += $tile;
            }
        };
    }
    // AVX-512 has registers for ten samples by two vectors, the others for five.
    if V::WIDTH == 8 {
        tiles!(10);
    }
    tiles!(5);
    tiles!(2);
    tiles!(1);
    squares
}

#[inline(always)]
unsafe fn push_tile<V: Vector, const TILE: usize, const VECTORS: usize>(
    x: &[f64],
    y: &[f64],
    beta: &[f64],
    buffers: &mut Buffers,
    weight: f64,
    from: usize,
    squares: &mut [V; VECTORS],
) {
    let dim = x.len() / y.len();
    let lanes = VECTORS * V::WIDTH;
    let mut sums: [[V; VECTORS]; TILE] = std::array::from_fn(|i| [V::from(-y[from + i]); VECTORS]);
    // SAFETY: rows from .. from + TILE of x, rows 0 .. dim of beta, and rows from .. from + TILE of the buffers exist.
    unsafe {
        let rows = x.as_ptr().add(from * dim);
        for j in 0..dim {
            let b: [V; VECTORS] =
                std::array::from_fn(|v| V::load(beta.as_ptr().add(j * lanes + v * V::WIDTH)));
            for i in 0..TILE {
                let entry = V::from(*rows.add(i * dim + j));
                for v in 0..VECTORS {
                    sums[i][v] = entry.mul_add(b[v], sums[i][v]);
                }
            }
        }
        for i in 0..TILE {
            for v in 0..VECTORS {
                let (place, r) = ((from + i) * lanes + v * V::WIDTH, sums[i][v]);
                squares[v] = r.mul_add(r, squares[v]);
                r.store(buffers.residuals.as_mut_ptr().add(place));
                (r * V::from(weight)).store(buffers.weights.as_mut_ptr().add(place));
            }
        }
    }
}

/// Finds the lanes in which a squared residual exceeds the limit, and stills them.
#[cold]
#[inline(never)]
fn still_diverged(state: &mut State, buffers: &mut Buffers, limit: f64) {
    let lanes = state.lanes();
    for lane in 0..lanes {
        let mut residuals = buffers.residuals.iter().skip(lane).step_by(lanes);
        if residuals.any(|r| exceeds(r * r, limit)) {
            state.diverge(lane);
            for array in [&mut buffers.residuals, &mut buffers.weights] {
                array.iter_mut().skip(lane).step_by(lanes).for_each(|v| *v = 0.0);
            }
        }
    }
}

/// `h = X' w` for all coordinates, each followed by its update.
#[inline(always)]
fn pull_and_update<V: Vector, L: Link, const VECTORS: usize>(
    link: L,
    x: &[f64],
    dim: usize,
    weights: &[f64],
    update: &Update,
) {
    let lanes = VECTORS * V::WIDTH;
    assert!(weights.len() / lanes * dim == x.len() && update.entries == dim * lanes);
    let mut from = 0;
    macro_rules! tiles {
        ($tile:literal) => {
            while dim - from >= $tile {
                // SAFETY: the coordinates from .. from + tile exist, and the lengths were checked above.
                unsafe {
                    let h = pull_tile::<V, $tile, VECTORS, false>(x, dim, weights, from);
                    for j in 0..$tile {
                        for v in 0..VECTORS {
                            update.apply(link, (from + j) * lanes + v * V::WIDTH, h[j][v]);
                        }
                    }
                }
                from += $tile;
            }
        };
    }
    if V::WIDTH == 8 {
        tiles!(10);
    }
    tiles!(5);
    tiles!(2);
    tiles!(1);
}

/// `sum_i x_ij w_i` (or with `x_ij^2`) for the coordinates from .. from + TILE.
#[inline(always)]
unsafe fn pull_tile<V: Vector, const TILE: usize, const VECTORS: usize, const SQUARED: bool>(
    x: &[f64],
    dim: usize,
    weights: &[f64],
    from: usize,
) -> [[V; VECTORS]; TILE] {
    let lanes = VECTORS * V::WIDTH;
    let mut sums = [[V::from(0.0); VECTORS]; TILE];
    // SAFETY: columns from .. from + TILE of x exist, and weights has a row for every row of x.
    unsafe {
        for i in 0..weights.len() / lanes {
            let row = x.as_ptr().add(i * dim + from);
            let w: [V; VECTORS] =
                std::array::from_fn(|v| V::load(weights.as_ptr().add(i * lanes + v * V::WIDTH)));
            for j in 0..TILE {
                let entry = *row.add(j);
                let entry = V::from(if SQUARED { entry * entry } else { entry });
                for v in 0..VECTORS {
                    sums[j][v] = entry.mul_add(w[v], sums[j][v]);
                }
            }
        }
    }
    sums
}

/// The products that shaped noises ask for.
struct LaneProducts<'a, L: Link> {
    link: L,
    x: &'a [f64],
    samples: usize,
    level: Level,
    mantissa: &'a [f64],
    entries: usize,
}

impl<L: Link> Products for LaneProducts<'_, L> {
    fn pull(&self, weights: &[f64], out: &mut [f64]) {
        let (x, n) = (self.x, self.samples);
        dispatch!(self.level, pull_only, [], [], (x: &[f64], n: usize, weights: &[f64], out: &mut [f64]));
    }

    fn pull_squared(&self, weights: &[f64], out: &mut [f64]) {
        let (x, n) = (self.x, self.samples);
        dispatch!(self.level, pull_squared_only, [], [], (x: &[f64], n: usize, weights: &[f64], out: &mut [f64]));
    }

    fn slopes(&self, out: &mut [f64]) {
        super::update::slopes(self.link, self.mantissa, self.entries, out);
    }

    fn shape(&self) -> (usize, usize) {
        let dim = self.x.len() / self.samples;
        (L::PARTS * dim, dim)
    }
}

#[inline(always)]
fn pull_only<V: Vector>(x: &[f64], n: usize, weights: &[f64], out: &mut [f64]) {
    pull_into::<V, false>(x, n, weights, out);
}

#[inline(always)]
fn pull_squared_only<V: Vector>(x: &[f64], n: usize, weights: &[f64], out: &mut [f64]) {
    pull_into::<V, true>(x, n, weights, out);
}

#[inline(always)]
fn pull_into<V: Vector, const SQUARED: bool>(x: &[f64], n: usize, weights: &[f64], out: &mut [f64]) {
    if weights.len() == n * V::WIDTH {
        pull_vectors::<V, 1, SQUARED>(x, n, weights, out);
    } else {
        pull_vectors::<V, 2, SQUARED>(x, n, weights, out);
    }
}

#[inline(always)]
fn pull_vectors<V: Vector, const VECTORS: usize, const SQUARED: bool>(
    x: &[f64],
    n: usize,
    weights: &[f64],
    out: &mut [f64],
) {
    let (dim, lanes) = (x.len() / n, VECTORS * V::WIDTH);
    assert!(weights.len() == n * lanes && out.len() == dim * lanes && x.len() == n * dim);
    let mut from = 0;
    macro_rules! tiles {
        ($tile:literal) => {
            while dim - from >= $tile {
                // SAFETY: the coordinates from .. from + tile exist, and the lengths were checked above.
                let h = unsafe { pull_tile::<V, $tile, VECTORS, SQUARED>(x, dim, weights, from) };
                for j in 0..$tile {
                    for v in 0..VECTORS {
                        h[j][v].write(&mut out[(from + j) * lanes + v * V::WIDTH..]);
                    }
                }
                from += $tile;
            }
        };
    }
    tiles!(5);
    tiles!(1);
}
