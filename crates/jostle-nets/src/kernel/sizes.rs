//! How much memory a kernel takes: an upper bound of what is allocated, array by array.

use super::plan::{COLUMNS_OF_PAIRS, Method, Plan, pairs_of_a_product};
use crate::network::{FeedForward, Layer};
use crate::product::{CHAIN, length_of_panels, panel};
use jostle::Float;
use jostle::model::Model;
use std::marker::PhantomData;

/// The sizes of the arrays of a plan, in bytes.
pub(super) struct Sizes<'a, F> {
    network: &'a FeedForward,
    methods: Vec<Method>,
    /// Samples, those of a block, and outputs.
    n: usize,
    m: usize,
    c: usize,
    format: PhantomData<F>,
}

const WIDE: usize = size_of::<f64>();

/// What stands in lists beside numbers: one entry of what is found of a tile.
const BYTES_OF_A_TILE: usize = 256;

impl<'a, F: Float> Sizes<'a, F> {
    pub(super) fn new(network: &'a FeedForward, plan: &Plan) -> Self {
        let (n, m) = (plan.samples, plan.samples_of_a_block.min(plan.samples));
        let methods = plan.layers.iter().map(|layer| layer.method).collect();
        Self { network, methods, n, m, c: network.outputs(), format: PhantomData }
    }

    fn layers(&self) -> impl Iterator<Item = (&Layer, Method)> {
        self.network.layers().iter().zip(self.methods.iter().copied())
    }

    fn blocks(&self) -> usize {
        self.n.div_ceil(self.m)
    }

    /// The kernel: its tiles on and below the diagonal.
    pub(super) fn kernel(&self) -> f64 {
        let square = |samples: usize| (self.c * samples * self.c * samples) as f64;
        let (whole, rest) = (self.n / self.m, self.n % self.m);
        let diagonal = whole as f64 * square(self.m) + square(rest);
        size_of::<F>() as f64 * f64::midpoint(square(self.n), diagonal)
    }

    /// The point, the samples, and what a product with the tiles takes, whatever is held of the kernel.
    pub(super) fn fixed(&self) -> f64 {
        let (p, d) = (self.network.num_params(), self.network.input().values());
        let last = &self.network.layers()[self.methods.len() - 1];
        let point = (2 * WIDE + size_of::<F>()) * p;
        let samples = WIDE * self.n * (d + self.c + 2 * self.c * self.c);
        let weights = size_of::<F>() * last.affine.terms() * pairs_of_a_product(self.c);
        let tiles = self.blocks() as f64 * (self.blocks() + 1) as f64 / 2.0;
        let of_a_tile = (BYTES_OF_A_TILE * (1 + self.methods.len()) + 2 * WIDE * self.c * self.m) as f64;
        (point + samples + weights) as f64 + tiles * of_a_tile
    }

    /// The factors of so many samples, in blocks.
    pub(super) fn of_blocks(&self, samples: usize) -> f64 {
        let whole = (samples / self.m) as f64 * self.of_block(self.m) as f64;
        whole + if samples.is_multiple_of(self.m) { 0.0 } else { self.of_block(samples % self.m) as f64 }
    }

    /// The factors of a block of `m` samples.
    fn of_block(&self, m: usize) -> usize {
        self.layers().map(|(layer, method)| size_of::<F>() * self.of_factor(layer, method, m)).sum()
    }

    fn of_factor(&self, layer: &Layer, method: Method, m: usize) -> usize {
        let (terms, outputs, places) =
            (layer.affine.terms(), layer.affine.outputs, layer.affine.input.places());
        let panels = length_of_panels::<F>;
        match method {
            Method::Readout => panels(terms, m),
            Method::Rows => panels((terms + 1) * outputs, m * self.c),
            Method::Head if places == 1 => panels(terms, m) + panels(outputs, m),
            Method::Head => outputs * panels(terms + 1, m),
            Method::Pairs => {
                let of_part = (COLUMNS_OF_PAIRS / places).max(1);
                let part = |samples: usize| {
                    let columns = samples * places;
                    let arriving = if columns < panel::<F>() {
                        panels(outputs, self.c * columns)
                    } else {
                        self.c * panels(outputs, columns)
                    };
                    panels(terms, columns) + arriving
                };
                let rest = m % of_part;
                m / of_part * part(of_part) + if rest == 0 { 0 } else { part(rest) }
            }
        }
    }

    /// The buffers of a thread: it makes blocks, or tiles, or products by passes where the kernel is not held.
    pub(super) fn of_a_thread(&self, keeps_kernel: bool) -> f64 {
        let product = if keeps_kernel { 0 } else { self.making_a_product() };
        self.making_a_block().max(self.making_a_tile()).max(product) as f64
    }

    /// What a pass over a block needs beside its factors.
    fn making_a_block(&self) -> usize {
        let (m, c) = (self.m, self.c);
        let mut most = 0;
        let (mut panels, mut weights) = (0, 0);
        for (layer, method) in self.layers() {
            let affine = layer.affine;
            let (terms, outputs, places) = (affine.terms(), affine.outputs, affine.input.places());
            let (seen, values, pooled) =
                (affine.input.values(), affine.output().values(), layer.output().values());
            let sets = if method == Method::Head { 1 } else { c };
            let gradients = match method {
                Method::Rows | Method::Head => {
                    (terms + 1) * places
                        + outputs * sets * places
                        + length_of_panels::<F>(places, outputs * sets)
                        + (terms + 1) * outputs * sets
                }
                Method::Readout | Method::Pairs => 0,
            };
            let of_outputs = m * c * (pooled + values + seen);
            most = most.max(of_outputs + m * (seen + values + pooled + outputs) + gradients);
            weights = weights.max(affine.num_weights());
            panels = panels.max(terms.max(terms / affine.input.channels * outputs));
        }
        let kept = WIDE * m * self.network.kept_of_a_sample();
        let forwards = WIDE * panels * panel::<f64>();
        kept + forwards + size_of::<F>() * (most + weights + panels * panel::<F>())
    }

    /// What a tile needs, with that of a layer and one that is mapped.
    fn making_a_tile(&self) -> usize {
        let (m, c) = (self.m, self.c);
        let tile = (c * m) * (c * m);
        let (mut inputs, mut products, mut sums, mut units) = (0, 0, 0, 0);
        for (layer, method) in self.layers() {
            let (outputs, places) = (layer.affine.outputs, layer.affine.input.places());
            let head = pairs_of_a_product(c) * panel::<F>();
            match method {
                Method::Readout => inputs = inputs.max(m * m),
                Method::Rows => products = products.max(tile),
                Method::Head => {
                    (inputs, sums, units) = (inputs.max(m * m), sums.max(head), units.max(outputs));
                    if places > 1 {
                        products = products.max(outputs * m * m);
                    }
                }
                Method::Pairs => {
                    let columns = m.min((COLUMNS_OF_PAIRS / places).max(1)) * places;
                    let sets = if columns < panel::<F>() { c } else { 1 };
                    inputs = inputs.max(columns * columns);
                    products = products.max(sets * columns * sets * columns);
                    sums = sums.max(columns);
                }
            }
        }
        WIDE * (inputs + products + sums + 3 * tile + 8 * c * m)
            + size_of::<F>() * (tile + units * panel::<F>())
    }

    /// What a product by passes takes: a gradient that is made, its transpose, and one that waits; and a pass along a
    /// direction.
    fn making_a_product(&self) -> usize {
        let affine = || self.network.layers().iter().map(|layer| layer.affine);
        let largest = affine().map(|a| a.output().values().max(a.input.values())).max().unwrap_or(0);
        let of_a_sample = self.network.kept_of_a_sample() + 5 * largest;
        let scratch = affine().map(|affine| {
            let panels = length_of_panels::<f64>(CHAIN, affine.outputs);
            panels.max(affine.terms() * panel::<f64>()) + affine.terms() * CHAIN
        });
        let scratch = scratch.max().unwrap_or(0);
        WIDE * (3 * self.network.num_params() + self.m * of_a_sample + scratch)
    }
}
