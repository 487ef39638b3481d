//! The stepping kernels: those of the reparametrised linear family, and passes through networks.
//!
//! Those of the linear family carry out the same step, in the same order of correctly rounded operations, so that a replica's path
//! does not depend on which kernel, which vector width or which neighbours it was computed with:
//!
//! ```text
//! r_i = x_i . beta - y_i              full batch: one chain of fused multiply-adds over j, started at -y_i
//! w_i = (2 c / batch) r_i + p_i       with the perturbation p of the noises of the sample space
//! u_i = -learning_rate w_i            with momentum u_i = w_i
//! h_j = sum_i x_ij u_i                one chain over i
//! theta <- slope(theta_j) h_j + (theta - learning_rate zeta)
//! theta <- (slope(theta_j) x_ij) u_i + ..      with a single sample i: its weight comes last
//! ```
//!
//! With momentum `m <- momentum m + (slope h + zeta)` and `theta <- theta - learning_rate m`. Both precisions run the
//! same code.
//!
//! * [`lanes`]: full batch, replicas side by side in the lanes of vectors; the data are shared.
//! * [`single`]: full batch, one replica, vectors over samples and coordinates; for data of its own or few replicas.
//! * [`sample`]: one row a step, several replicas in turn.
//! * [`mini_batch`]: several rows a step, one replica.
//! * [`passes`]: the general path, by passes forwards and backwards: networks, and every rule, point and noise that the others
//!   do not know; one replica.
//! * [`flow`]: continuous time, on the products of the first two.
//!
//! The products that they are made of are in [`tiles`], [`chains`] and [`stripes`] (products with single rows, striped
//! over 16 partial sums).
//!
//! What they have in common is in [`frame`] (from residuals to weights) and [`update`] (from weights to parameters).

mod chains;
mod data;
pub(crate) mod flow;
mod frame;
mod lanes;
mod members;
mod mini_batch;
pub(crate) mod passes;
pub(crate) mod plain;
mod sample;
mod single;
mod state;
mod stripes;
mod tiles;
mod update;

pub(crate) use data::{Data, divergence_limit, exceeds};
pub(crate) use state::{Lane, State};

use super::{Batch, GradientDescent};
use crate::float::Float;
use crate::model::{Link, LinkKind, Loss, Scaling, with_link};
use crate::noise::Noise;
use crate::simd::{Level, dispatch};

/// What is constant over the run of a block, whatever the model.
#[derive(Clone, Copy)]
pub(crate) struct Rule<'a> {
    pub(crate) loss: Loss,
    pub(crate) loss_factor: f64,
    pub(crate) dynamics: &'a GradientDescent,
    pub(crate) noises: &'a [Noise],
    pub(crate) average_from: Option<u64>,
    pub(crate) seed: u64,
    pub(crate) level: Level,
}

impl Rule<'_> {
    /// Whether a noise is added behind the momentum, or another rule, where there is one.
    fn is_behind_momentum(&self, noise: &Noise) -> bool {
        noise.bypasses_momentum() && (self.dynamics.momentum > 0.0 || self.dynamics.is_beyond_momentum())
    }

    /// Whether there is noise of the parameters behind the momentum, or before it.
    fn has_parameter_noise(&self, behind: bool) -> bool {
        let is_there =
            |noise: &Noise| matches!(noise, Noise::Parameter(_)) && self.is_behind_momentum(noise) == behind;
        self.noises.iter().any(is_there)
    }
}

/// What is constant over the run of a block of the reparametrised linear family.
pub(crate) struct Task<'a> {
    pub(crate) link: LinkKind,
    pub(crate) rule: Rule<'a>,
}

impl Task<'_> {
    /// Which parameters are kept with an exponent: none where an additive noise keeps them away from zero anyway.
    fn scaling(&self) -> Scaling {
        let additive = |noise: &Noise| matches!(noise, Noise::Parameter(noise) if !noise.is_multiplicative());
        if self.rule.noises.iter().any(additive) { Scaling::Fixed } else { self.link.scaling() }
    }
}

/// Replicas that are computed together, and their data.
pub(crate) struct Block<'a, F: Float> {
    pub(crate) data: &'a Data<'a, F>,
    pub(crate) state: State<F>,
}

/// How a block is computed; results do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Full batch, this many vectors of replicas side by side (1 or 2).
    Lanes(usize),
    /// Full batch, one replica.
    Single,
    /// One sample a step, several replicas in turn.
    Sample,
    /// Mini-batches of several samples, one replica.
    MiniBatch,
    /// The general path: passes forwards and backwards through a model, one replica.
    Passes,
}

/// Replicas that take turns in [`Kernel::Sample`], when the parameters of one have so many bytes: those of several
/// large ones would drive each other out of the cache.
pub(crate) fn turns(parameter_bytes: usize) -> usize {
    if parameter_bytes > 16 << 10 { 1 } else { 4 }
}

impl Kernel {
    /// The kernel for the first of `replicas` replicas and how many of them make one of its blocks.
    pub(crate) fn choose<F: Float>(
        batch: Batch,
        shared_data: bool,
        replicas: usize,
        level: Level,
    ) -> (Self, usize) {
        let width = level.width::<F>();
        match batch {
            Batch::Size(1) => (Kernel::Sample, 1),
            Batch::Size(_) => (Kernel::MiniBatch, 1),
            Batch::Full if !shared_data || 2 * replicas < width => (Kernel::Single, 1),
            Batch::Full if replicas <= width => (Kernel::Lanes(1), replicas),
            Batch::Full => (Kernel::Lanes(2), replicas.min(2 * width)),
        }
    }

    /// Replicas that the kernel computes side by side.
    pub(crate) fn lanes<F: Float>(self, level: Level) -> usize {
        match self {
            Kernel::Lanes(vectors) => vectors * level.width::<F>(),
            Kernel::Single | Kernel::Sample | Kernel::MiniBatch | Kernel::Passes => 1,
        }
    }
}

impl std::fmt::Display for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kernel::Lanes(1) => write!(f, "full batch, one vector of replicas side by side"),
            Kernel::Lanes(vectors) => write!(f, "full batch, {vectors} vectors of replicas side by side"),
            Kernel::Single => write!(f, "full batch, one replica"),
            Kernel::Sample => write!(f, "one sample a step"),
            Kernel::MiniBatch => write!(f, "mini-batch, one replica"),
            Kernel::Passes => write!(f, "the general path, one replica"),
        }
    }
}

/// Carries blocks from their steps to the step `until`.
pub(crate) fn advance<F: Float>(task: &Task<'_>, kernel: Kernel, blocks: &mut [Block<'_, F>], until: u64) {
    with_link!(task.link, link => advance_link(link, task, kernel, blocks, until));
}

fn advance_link<L: Link, F: Float>(
    link: L,
    task: &Task<'_>,
    kernel: Kernel,
    blocks: &mut [Block<'_, F>],
    until: u64,
) {
    use sample::advance_samples;
    if kernel == Kernel::Sample {
        let params = blocks.first().map_or(0, |block| L::PARTS * block.state.dim);
        for blocks in blocks.chunks_mut(turns(params * size_of::<F>())) {
            dispatch!(task.rule.level, advance_samples, F, [L: Link],
                (link: L, task: &Task<'_>, blocks: &mut [Block<'_, F>], until: u64));
        }
        return;
    }
    for Block { data, state } in blocks {
        match kernel {
            Kernel::Lanes(_) => lanes::advance_lanes(link, task, data, state, until),
            Kernel::Single => single::advance_single(link, task, data, state, until),
            Kernel::MiniBatch => mini_batch::advance_mini_batch(link, task, data, state, until),
            Kernel::Sample | Kernel::Passes => unreachable!("handled above, and no kernel of a link"),
        }
    }
}

#[cfg(test)]
mod tests;
