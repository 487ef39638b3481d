//! The stepping kernels of the reparametrised linear family.
//!
//! All of them carry out the same step, in the same order of correctly rounded operations, so that a replica's path
//! does not depend on which kernel, which vector width or which neighbours it was computed with:
//!
//! ```text
//! r_i = x_i . beta - y_i            full batch: one chain of fused multiply-adds over j, started at -y_i
//! w_i = (2 c / batch) r_i           then the noises of the sample space
//! h_j = sum_i x_ij w_i              one chain over i
//! g   = slope(theta_j) h_j + zeta   then m <- momentum m + g, if there is momentum
//! theta <- theta - learning_rate g
//! ```
//!
//! * [`lanes`]: full batch, replicas side by side in the lanes of vectors; the data are shared.
//! * [`single`]: full batch, one replica, vectors over samples and coordinates; for data of its own or few replicas.
//! * [`mini_batch`]: a few rows a step, one replica; the row products are striped over 16 partial sums.

mod lanes;
mod mini_batch;
#[cfg(test)]
pub(crate) mod plain;
mod single;
mod state;
mod update;

pub(crate) use state::State;

use super::{Batch, GradientDescent};
use crate::model::{Link, LinkKind, Scaling, with_link};
use crate::noise::{Noise, Products, Scratch, Step};
use crate::problem::Problem;
use crate::random::Draws;
use crate::simd::{Level, dispatch};
use std::sync::OnceLock;

/// What is constant over the run of a block.
pub(crate) struct Task<'a> {
    pub(crate) link: LinkKind,
    pub(crate) loss_factor: f64,
    pub(crate) dynamics: &'a GradientDescent,
    pub(crate) noises: &'a [Noise],
    pub(crate) average_from: Option<u64>,
    pub(crate) seed: u64,
    pub(crate) level: Level,
}

impl Task<'_> {
    fn has_parameter_noise(&self) -> bool {
        self.noises.iter().any(|noise| matches!(noise, Noise::Parameter(_)))
    }

    /// Which parameters are kept with an exponent: none where an additive noise keeps them away from zero anyway.
    fn scaling(&self) -> Scaling {
        let additive = |noise: &Noise| matches!(noise, Noise::Parameter(noise) if !noise.is_multiplicative());
        if self.noises.iter().any(additive) { Scaling::Fixed } else { self.link.scaling() }
    }
}

/// The data of a problem in the layouts that the kernels read.
pub(crate) struct Data<'a> {
    pub(crate) problem: &'a Problem,
    columns: OnceLock<Padded>,
    rows: OnceLock<Padded>,
}

impl<'a> Data<'a> {
    pub(crate) fn new(problem: &'a Problem) -> Self {
        Self { problem, columns: OnceLock::new(), rows: OnceLock::new() }
    }

    /// `X` by columns.
    fn columns(&self) -> &Padded {
        let (n, dim, x) = (self.problem.samples(), self.problem.dim(), self.problem.x());
        self.columns.get_or_init(|| Padded::new(dim, n, |column, row| x[row * dim + column]))
    }

    /// `X` by rows.
    fn rows(&self) -> &Padded {
        let (n, dim, x) = (self.problem.samples(), self.problem.dim(), self.problem.x());
        self.rows.get_or_init(|| Padded::new(n, dim, |row, column| x[row * dim + column]))
    }
}

/// A matrix whose rows begin at cache lines and are filled up with zeros to a multiple of [`PADDING`] numbers: whole
/// vectors can be read, none of them across two lines.
struct Padded {
    numbers: Vec<f64>,
    offset: usize,
    stride: usize,
}

/// Rows of padded arrays are multiples of this long: two cache lines, and a whole number of vectors on every level.
const PADDING: usize = 16;
const CACHE_LINE_BYTES: usize = 64;

/// A length filled up to a multiple of [`PADDING`].
fn padded(length: usize) -> usize {
    length.next_multiple_of(PADDING)
}

impl Padded {
    fn new(rows: usize, columns: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let stride = padded(columns);
        let mut numbers = vec![0.0; rows * stride + CACHE_LINE_BYTES / size_of::<f64>()];
        let offset = numbers.as_ptr().align_offset(CACHE_LINE_BYTES);
        for (row, line) in numbers[offset..].chunks_exact_mut(stride).take(rows).enumerate() {
            line[..columns].iter_mut().enumerate().for_each(|(column, slot)| *slot = entry(row, column));
        }
        Self { numbers, offset, stride }
    }

    /// The numbers, row after row, each `stride` long.
    fn numbers(&self) -> &[f64] {
        let whole = (self.numbers.len() - CACHE_LINE_BYTES / size_of::<f64>()) / self.stride * self.stride;
        &self.numbers[self.offset..self.offset + whole]
    }
}

/// How a block is computed; results do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Full batch, this many vectors of replicas side by side (1 or 2).
    Lanes(usize),
    /// Full batch, one replica.
    Single,
    /// Mini-batches, one replica.
    MiniBatch,
}

impl Kernel {
    /// The kernel for the first of `replicas` replicas and how many of them it takes.
    pub(crate) fn choose(batch: Batch, shared_data: bool, replicas: usize, level: Level) -> (Self, usize) {
        let width = level.width();
        match batch {
            Batch::Size(_) => (Kernel::MiniBatch, 1),
            Batch::Full if !shared_data || 2 * replicas < width => (Kernel::Single, 1),
            Batch::Full if replicas <= width => (Kernel::Lanes(1), replicas),
            Batch::Full => (Kernel::Lanes(2), replicas.min(2 * width)),
        }
    }

    /// Replicas that the kernel computes side by side.
    pub(crate) fn lanes(self, level: Level) -> usize {
        match self {
            Kernel::Lanes(vectors) => vectors * level.width(),
            Kernel::Single | Kernel::MiniBatch => 1,
        }
    }
}

impl std::fmt::Display for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kernel::Lanes(vectors) => write!(f, "full batch, {vectors} vectors of replicas side by side"),
            Kernel::Single => write!(f, "full batch, one replica"),
            Kernel::MiniBatch => write!(f, "mini-batch, one replica"),
        }
    }
}

/// Carries a block's state from its step to the step `until`.
pub(crate) fn advance(task: &Task<'_>, data: &Data<'_>, kernel: Kernel, state: &mut State, until: u64) {
    with_link!(task.link, link => advance_link(link, task, data, kernel, state, until));
}

fn advance_link<L: Link>(
    link: L,
    task: &Task<'_>,
    data: &Data<'_>,
    kernel: Kernel,
    state: &mut State,
    until: u64,
) {
    use lanes::{advance_one_vector, advance_two_vectors};
    use mini_batch::advance_mini_batch;
    use single::advance_single;
    let level = task.level;
    macro_rules! run {
        ($kernel:ident) => {
            dispatch!(level, $kernel, [L: Link], [],
                (link: L, task: &Task<'_>, data: &Data<'_>, state: &mut State, until: u64))
        };
    }
    match kernel {
        Kernel::Lanes(1) => run!(advance_one_vector),
        Kernel::Lanes(_) => run!(advance_two_vectors),
        Kernel::Single => run!(advance_single),
        Kernel::MiniBatch => run!(advance_mini_batch),
    }
}

/// The buffers of one step (entries x lanes).
pub(crate) struct Buffers {
    residuals: Vec<f64>,
    weights: Vec<f64>,
    zeta: Vec<f64>,
    scratch: Scratch,
}

impl Buffers {
    fn new(task: &Task<'_>, batch: usize, dim: usize, lanes: usize) -> Self {
        let zeta = if task.has_parameter_noise() { task.link.parts() * dim * lanes } else { 0 };
        Self {
            residuals: vec![0.0; batch * lanes],
            weights: vec![0.0; batch * lanes],
            zeta: vec![0.0; zeta],
            scratch: Scratch::default(),
        }
    }

    /// Lets every noise perturb the weights, or fill zeta. Not inlined: what a noise does is not the kernel's affair.
    #[inline(never)]
    fn perturb(&mut self, task: &Task<'_>, draws: Draws<'_>, products: &dyn Products) {
        let step = Step {
            draws,
            batch: self.residuals.len() / draws.lanes(),
            residuals: &self.residuals,
            loss_factor: task.loss_factor,
            products,
        };
        self.zeta.fill(0.0);
        for noise in task.noises {
            match noise {
                Noise::Sample(noise) => noise.perturb(&step, &mut self.scratch, &mut self.weights),
                Noise::Parameter(noise) => noise.add(&step, &mut self.scratch, &mut self.zeta),
            }
        }
    }
}

/// A residual whose square exceeds this has diverged: 1e30 times the largest of 1 and the squared labels.
pub(crate) fn divergence_limit(problem: &Problem) -> f64 {
    1e30 * problem.y().iter().fold(1.0, |max, y| y.mul_add(*y, 0.0).max(max))
}

/// Whether a value is above a limit, or not a number.
#[inline(always)]
pub(crate) fn exceeds(value: f64, limit: f64) -> bool {
    value > limit || value.is_nan()
}

#[cfg(test)]
mod tests;
