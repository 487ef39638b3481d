//! How the kernel of each layer is made, chosen by counting, and what that costs.

use super::sizes::Sizes;
use crate::affine::Affine;
use crate::network::FeedForward;
use jostle::Float;
use jostle::model::Model;
use std::ops::Range;

/// How the share of one layer in a kernel is made. For samples `i`, `j`, outputs `c`, `e` and places `p`, `p'`, with what
/// the layer sees `a_ip` (terms), followed by a one for the bias, and the gradients of output `c` at the layer's outputs
/// `d_icp`:
///
/// ```text
/// K_(ic)(je) = sum_pp' (a_ip . a_jp') (d_icp . d_jep')
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The last layer, where `d_ic` is a unit vector: `a_i . a_j` where `c = e`.
    Readout,
    /// Both products for all pairs of places.
    Pairs,
    /// Gradients `sum_p a_ip d_icp'` of every sample and output, and their products.
    Rows,
    /// The layer before the last, whose outputs are pooled to one place: `d_icpk = s_ipk w_ck` with the weights `w` of the
    /// last layer and slopes `s` that do not depend on the output. Then `K_(ic)(je) = sum_k w_ck w_ek g_ijk` with the
    /// products `g_ijk` of the gradients of unit `k`: for a single place `s_ik s_jk (a_i . a_j)`.
    Head,
}

/// How one layer is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerPlan {
    /// What is cheapest.
    pub method: Method,
    /// Multiply-adds, without the passes.
    pub multiply_adds: f64,
}

/// How a kernel is measured within a given memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Layer by layer.
    pub layers: Vec<LayerPlan>,
    /// Samples `n`.
    pub samples: usize,
    /// Samples of one tile's side.
    pub samples_of_a_block: usize,
    /// Samples whose factors are held at a time; with fewer than all of them, twice as many are.
    pub samples_of_a_group: usize,
    /// Whether the kernel is held, half of it. If not, products are made by passes.
    pub keeps_kernel: bool,
    /// Bytes that are held at most, but for those of threads.
    pub bytes: f64,
    /// Bytes that each thread needs beside them, at most.
    pub bytes_of_a_thread: f64,
    /// Bytes of the kernel, half of it: of that of every layer, too.
    pub bytes_of_kernel: f64,
    /// Multiply-adds of all layers and of the passes.
    pub multiply_adds: f64,
    /// Multiply-adds of the passes over one sample.
    passes_of_a_sample: f64,
}

/// Rows and columns of a tile, roughly.
const SIDE: usize = 320;

/// Pairs of `c` outputs, in either order, filled up to whole tiles of a product.
pub(super) fn pairs_of_a_product(c: usize) -> usize {
    (c * (c + 1) / 2).next_multiple_of(8)
}

/// Columns of one product of [`Method::Pairs`], roughly.
pub(crate) const COLUMNS_OF_PAIRS: usize = 512;

impl Plan {
    /// The cheapest way to the kernel of `samples` in format `F`, within `memory` bytes on one thread as far as that is
    /// possible: a plan, and with it the bits of a kernel, depends on memory but never on the number of threads.
    pub fn new<F: Float>(network: &FeedForward, samples: usize, memory: usize) -> Self {
        let outputs = network.outputs();
        let last = network.layers().len() - 1;
        let plan = |(k, layer): (usize, &crate::Layer)| {
            let is_head = k + 1 == last && layer.output().places() == 1;
            LayerPlan::cheapest(layer.affine, samples, outputs, is_head, k == last)
        };
        let layers: Vec<LayerPlan> = network.layers().iter().enumerate().map(plan).collect();
        // Forwards once and backwards once for every output, for each group that is paired with another.
        let passes: f64 = network.layers().iter().map(|layer| layer.affine.work()).sum();
        let mut plan = Self {
            multiply_adds: 0.0,
            bytes: 0.0,
            bytes_of_a_thread: 0.0,
            bytes_of_kernel: 0.0,
            passes_of_a_sample: passes * (1.0 + outputs as f64),
            layers,
            samples,
            samples_of_a_block: (SIDE / outputs).max(1),
            samples_of_a_group: samples,
            keeps_kernel: true,
        };
        let memory = memory as f64;
        plan.fit::<F>(network, memory);
        while plan.bytes + plan.bytes_of_a_thread > memory && plan.samples_of_a_block > 1 {
            plan.samples_of_a_block /= 2;
            plan.fit::<F>(network, memory);
        }
        let groups = samples.div_ceil(plan.samples_of_a_group) as f64;
        plan.multiply_adds = plan.work_of_layers() + plan.work_of_passes(samples) * (groups + 1.0) / 2.0;
        plan
    }

    fn work_of_layers(&self) -> f64 {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }

    /// Multiply-adds of the passes over some samples.
    pub(super) fn work_of_passes(&self, samples: usize) -> f64 {
        samples as f64 * self.passes_of_a_sample
    }

    /// Multiply-adds of one tile on the diagonal or below it.
    pub(super) fn work_of_tile(&self, rows: &Range<usize>, columns: &Range<usize>) -> f64 {
        let pairs = (rows.len() * columns.len()) as f64 * if rows == columns { 1.0 } else { 2.0 };
        self.work_of_layers() * pairs / (self.samples as f64).powi(2)
    }

    /// How many kernels of layers fit into so many bytes.
    pub(super) fn layers_within(&self, memory: usize) -> usize {
        ((memory as f64 / self.bytes_of_kernel) as usize).min(self.layers.len())
    }

    /// Decides what is held, with this size of blocks: the kernel if it fits, and as many samples' factors as fit beside it.
    fn fit<F: Float>(&mut self, network: &FeedForward, memory: f64) {
        let sizes = Sizes::<F>::new(network, self);
        let (n, size) = (self.samples, self.samples_of_a_block);
        let factors = |samples: usize| sizes.of_blocks(samples);
        let beside = |keeps_kernel: bool| {
            let kernel = if keeps_kernel { sizes.kernel() } else { 0.0 };
            sizes.fixed() + sizes.of_a_thread(keeps_kernel) + kernel
        };
        self.keeps_kernel = beside(true) + 2.0 * factors(size) <= memory;
        let for_factors = memory - beside(self.keeps_kernel);
        self.samples_of_a_group = if factors(n) <= for_factors {
            n
        } else {
            let fitting = (for_factors / (2.0 * factors(size))) as usize;
            (fitting.max(1) * size).min(n)
        };
        let held =
            if self.samples_of_a_group == n { factors(n) } else { 2.0 * factors(self.samples_of_a_group) };
        self.bytes_of_kernel = sizes.kernel();
        self.bytes_of_a_thread = sizes.of_a_thread(self.keeps_kernel);
        self.bytes = held + beside(self.keeps_kernel) - self.bytes_of_a_thread;
    }
}

impl Method {
    /// The way in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Readout => "products of what the layer sees",
            Self::Pairs => "products of patches, for all pairs of places",
            Self::Rows => "gradients of every sample and output",
            Self::Head => "gradients of every sample, which its outputs share",
        }
    }
}

impl LayerPlan {
    /// The rule: the method with the fewest multiply-adds, for `n` samples of `C` outputs, with `P` places, `q` terms
    /// and one for the bias, and `o` outputs of the layer. Half of all pairs of samples are needed.
    ///
    /// ```text
    /// pairs   n^2/2 P^2 (q + C^2 (o + 1))
    /// rows    n^2/2 C^2 q o                    and n C P q o for the rows
    /// head    n^2/2 (q + H o)                  with one place
    ///         n^2/2 o (q + H)                  and n P q o for the rows, with several
    /// ```
    ///
    /// where `H` is `C (C + 1) / 2` filled up to a multiple of 8.
    fn cheapest(affine: Affine, n: usize, c: usize, is_head: bool, is_last: bool) -> Self {
        let (places, terms, outputs) = (affine.input.places(), affine.terms(), affine.outputs);
        let [pairs_of_samples, p, q, o] =
            [n as f64 * n as f64 / 2.0, places as f64, (terms + 1) as f64, outputs as f64];
        let pairs_of_outputs = (c * c) as f64;
        if is_last {
            return Self { method: Method::Readout, multiply_adds: pairs_of_samples * q };
        }
        let mut methods = vec![
            Self {
                method: Method::Pairs,
                multiply_adds: pairs_of_samples * p * p * (q + pairs_of_outputs * (o + 1.0)),
            },
            Self {
                method: Method::Rows,
                multiply_adds: (pairs_of_samples * pairs_of_outputs + n as f64 * c as f64 * p) * q * o,
            },
        ];
        if is_head {
            let half = pairs_of_a_product(c) as f64;
            methods.push(Self {
                method: Method::Head,
                multiply_adds: if places == 1 {
                    pairs_of_samples * (q + half * o)
                } else {
                    (pairs_of_samples * (q + half) + n as f64 * p * q) * o
                },
            });
        }
        methods
            .into_iter()
            .min_by(|a, b| a.multiply_adds.total_cmp(&b.multiply_adds))
            .expect("there are some")
    }
}
