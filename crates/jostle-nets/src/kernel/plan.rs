//! How the kernel of each layer is made, chosen by counting, and what that costs.

use crate::affine::Affine;
use crate::network::FeedForward;
use jostle::Float;
use jostle::model::Network;

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
    /// Numbers that are held of each sample.
    pub numbers_of_a_sample: usize,
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
    /// Bytes of the kernel and of the factors that are held, and of one thread's buffers.
    pub bytes: f64,
    /// Multiply-adds of all layers and of the passes.
    pub multiply_adds: f64,
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
    /// The cheapest way to the kernel of `samples` in format `F`, within `memory` bytes as far as that is possible.
    pub fn new<F: Float>(network: &FeedForward, samples: usize, memory: usize) -> Self {
        let outputs = Network::outputs(network);
        let last = network.layers().len() - 1;
        let plan = |(k, layer): (usize, &crate::Layer)| {
            let is_head = k + 1 == last && layer.output().places() == 1;
            LayerPlan::cheapest(layer.affine, samples, outputs, is_head, k == last)
        };
        let layers: Vec<LayerPlan> = network.layers().iter().enumerate().map(plan).collect();
        // Forwards once and backwards once for every output, for each group that is paired with another.
        let passes: f64 = network.layers().iter().map(|layer| layer.affine.work()).sum();
        let passes = passes * samples as f64 * (1.0 + outputs as f64);
        let mut plan = Self {
            multiply_adds: layers.iter().map(|layer| layer.multiply_adds).sum(),
            bytes: 0.0,
            layers,
            samples,
            samples_of_a_block: (SIDE / outputs).max(1),
            samples_of_a_group: samples,
            keeps_kernel: true,
        };
        plan.fit(network, size_of::<F>() as f64, memory as f64);
        while plan.bytes > memory as f64 && plan.samples_of_a_block > 1 {
            plan.samples_of_a_block /= 2;
            plan.fit(network, size_of::<F>() as f64, memory as f64);
        }
        plan.multiply_adds += passes * (samples.div_ceil(plan.samples_of_a_group) as f64 + 1.0) / 2.0;
        plan
    }

    /// Decides what is held, with this size of blocks and of a number: the kernel if it fits, and as many samples'
    /// factors as fit beside it.
    fn fit(&mut self, network: &FeedForward, number: f64, memory: f64) {
        let (n, size, outputs) = (self.samples, self.samples_of_a_block, Network::outputs(network));
        let blocks = n.div_ceil(size) as f64;
        let kernel = ((size * outputs) as f64).powi(2) * blocks * (blocks + 1.0) / 2.0 * number;
        // What a block's pass keeps, once for its samples and, at two layers, once for each of their outputs.
        let largest = network.layers().iter().map(|layer| layer.affine.output().values()).max().unwrap_or(0);
        let of_a_pass = 8.0 * network.kept_of_a_sample() as f64 + number * (2 * outputs * largest) as f64;
        let of_a_block = size as f64 * of_a_pass;
        let of_a_sample = self.layers.iter().map(|l| l.numbers_of_a_sample).sum::<usize>() as f64 * number;
        let left = memory - of_a_block;
        self.keeps_kernel = kernel + 2.0 * size as f64 * of_a_sample <= left;
        let for_factors = if self.keeps_kernel { left - kernel } else { left };
        let all = n as f64 * of_a_sample;
        self.samples_of_a_group = if all <= for_factors {
            n
        } else {
            let fitting = (for_factors / (2.0 * of_a_sample) / size as f64) as usize;
            (fitting.max(1) * size).min(n)
        };
        let held = if self.samples_of_a_group == n {
            all
        } else {
            2.0 * self.samples_of_a_group as f64 * of_a_sample
        };
        self.bytes = held + of_a_block + if self.keeps_kernel { kernel } else { 0.0 };
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
            return Self {
                method: Method::Readout,
                multiply_adds: pairs_of_samples * q,
                numbers_of_a_sample: terms,
            };
        }
        let mut methods = vec![
            Self {
                method: Method::Pairs,
                multiply_adds: pairs_of_samples * p * p * (q + pairs_of_outputs * (o + 1.0)),
                numbers_of_a_sample: places * (terms + c * outputs),
            },
            Self {
                method: Method::Rows,
                multiply_adds: (pairs_of_samples * pairs_of_outputs + n as f64 * c as f64 * p) * q * o,
                numbers_of_a_sample: c * (terms + 1) * outputs,
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
                numbers_of_a_sample: if places == 1 { terms + outputs } else { (terms + 1) * outputs },
            });
        }
        methods
            .into_iter()
            .min_by(|a, b| a.multiply_adds.total_cmp(&b.multiply_adds))
            .expect("there are some")
    }
}
