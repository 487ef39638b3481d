//! The exact kernel `K = J J'` of a network at a point, layer by layer.
//!
//! `J` is never formed: the share of a layer is made of what the layer sees and of the gradients at its outputs, in the way
//! that [`Plan`] finds cheapest. Samples are taken in blocks; the kernel between two blocks is a tile.

mod factors;
mod maps;
mod plan;
mod products;
mod share;
mod sizes;
mod tile;

pub use plan::{LayerPlan, Method, Plan};

use crate::network::FeedForward;
use factors::{Block, Worker};
use jostle::geometry::{KernelRequest, KernelSource, LayerKernel, Sums};
use jostle::model::Model;
use jostle::{Float, Level, Watch};
use rayon::prelude::*;
use share::{Part, Share};
use std::ops::Range;
use tile::{Buffers, TileMaker};

#[cfg(test)]
mod tests;

/// The kernel of a network at a point, in format `F`: products in `F`, in chains of 256 terms that are added in float64.
///
/// The pass forwards is in float64 whatever the format: a unit that float32 puts on the wrong side of its kink would
/// change a norm by more than all other rounding.
pub struct NetworkKernel<F> {
    network: FeedForward,
    theta: Vec<f64>,
    /// The parameters in the format of the products.
    rounded: Vec<F>,
    inputs: Vec<f64>,
    residuals: Vec<f64>,
    /// Maps (n x c x c) of the outputs of every sample.
    maps: Option<Vec<f64>>,
    plan: Plan,
    level: Level,
    whole: Part<F>,
    /// The layers, where they were asked for.
    layers: Vec<Part<F>>,
}

/// What is asked of a pass over all tiles.
struct Asked<'a> {
    residuals: &'a [f64],
    /// The layers whose shares make up the kernel.
    layers: Range<usize>,
    /// Whether its tiles are to be kept.
    keeps: bool,
    /// Whether those of each of the layers are, where these are asked for alone too.
    alone: &'a [bool],
    watch: &'a dyn Watch,
}

/// What a pass finds of one tile, or of all of them.
struct Found<F> {
    sums: Sums,
    /// `Tr(K_l K)`.
    trace_with_whole: f64,
    tile: Vec<F>,
}

impl<F: Float> NetworkKernel<F> {
    /// Measures a network at a point, holding at most `memory` bytes where that is possible ([`Plan::new`] says how many),
    /// and as many more for the kernels of layers that are asked for: those that do not fit are not held, and products with
    /// them are made by passes.
    ///
    /// # Panics
    /// If arrays do not fit the network.
    pub fn new(network: &FeedForward, request: &KernelRequest<'_>, memory: usize) -> Self {
        let KernelRequest { theta, inputs, residuals, maps, has_layers, watch } = *request;
        let (n, c) = (inputs.len() / network.input().values(), network.outputs());
        assert_eq!(theta.len(), network.num_params(), "as many parameters as the network has");
        assert_eq!(inputs.len(), n * network.input().values(), "whole samples");
        assert_eq!(residuals.len(), n * c, "one residual for each output of each sample");
        assert!(maps.is_none_or(|maps| maps.len() == n * c * c), "one map for each sample");
        let plan = Plan::new::<F>(network, n, memory);
        let keeps = plan.keeps_kernel;
        let count = network.layers().len();
        let kept = if has_layers { plan.layers_within(memory) } else { 0 };
        let alone: Vec<bool> = (0..if has_layers { count } else { 0 }).map(|k| k < kept).collect();
        let mut kernel = Self {
            theta: theta.to_vec(),
            rounded: theta.iter().map(|t| F::of(*t)).collect(),
            inputs: inputs.to_vec(),
            residuals: residuals.to_vec(),
            maps: maps.map(<[f64]>::to_vec),
            plan,
            level: Level::detect(),
            whole: Part::default(),
            layers: Vec::new(),
            network: network.clone(),
        };
        let asked = Asked { residuals, layers: 0..count, keeps, alone: &alone, watch };
        let mut parts = kernel.pass(&asked).into_iter();
        kernel.whole = parts.next().unwrap_or_default();
        kernel.layers = parts.collect();
        kernel
    }

    /// How the kernel was measured, and what that took.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    fn whole(&self) -> Share<'_, F> {
        Share { kernel: self, part: &self.whole }
    }

    fn range(&self, block: usize) -> Range<usize> {
        let size = self.plan.samples_of_a_block;
        block * size..self.plan.samples.min((block + 1) * size)
    }

    fn make(&self, layers: &Range<usize>, samples: Range<usize>, worker: &mut Worker<F>) -> Block<F> {
        let theta = (&self.theta[..], &self.rounded[..]);
        let maps = self.maps.as_deref();
        Block::new(&self.network, &self.plan, self.level, theta, &self.inputs, maps, layers, samples, worker)
    }

    /// One pass over all tiles on and below the diagonal: the layers asked for together, and then each of them alone.
    fn pass(&self, asked: &Asked<'_>) -> Vec<Part<F>> {
        let (size, watch) = (self.plan.samples_of_a_block, asked.watch);
        let blocks = self.plan.samples.div_ceil(size);
        let of_group = self.plan.samples_of_a_group.div_ceil(size);
        let groups: Vec<_> = (0..blocks).step_by(of_group).map(|b| b..blocks.min(b + of_group)).collect();
        let make = |group: &Range<usize>| -> Vec<Block<F>> {
            let blocks = group.clone().into_par_iter();
            let make = |worker: &mut Worker<F>, block: usize| {
                let block = self.make(&asked.layers, self.range(block), worker);
                watch.computed(self.plan.work_of_passes(block.samples.len()));
                block
            };
            blocks.map_init(Worker::default, make).collect()
        };
        let maker = TileMaker::new(&self.network, self.level, &self.rounded);
        let mut parts = empty_parts(asked, blocks);
        for (g, group) in groups.iter().enumerate() {
            if watch.should_stop() {
                break;
            }
            let rows = make(group);
            for (h, other) in groups[..=g].iter().enumerate() {
                if watch.should_stop() {
                    break;
                }
                let made;
                let columns = if g == h {
                    &rows
                } else {
                    made = make(other);
                    &made
                };
                let pairs: Vec<_> = group.clone().flat_map(|a| other.clone().map(move |b| [a, b])).collect();
                let pairs: Vec<_> = pairs.into_iter().filter(|[a, b]| b <= a).collect();
                let measured = pairs.par_iter().map_init(TileBuffers::default, |buffers, [a, b]| {
                    let (left, right) = (&rows[a - group.start], &columns[b - other.start]);
                    if watch.should_stop() {
                        return Vec::new();
                    }
                    let found = self.tile(&maker, left, right, asked, buffers);
                    watch.computed(self.plan.work_of_tile(&left.samples, &right.samples));
                    found
                });
                let measured: Vec<Vec<Found<F>>> = measured.collect();
                for ([a, b], found) in pairs.into_iter().zip(measured) {
                    for (part, found) in parts.iter_mut().zip(found) {
                        part.add(a * (a + 1) / 2 + b, found);
                    }
                }
            }
        }
        if watch.should_stop() {
            self.void(&mut parts);
        }
        parts
    }

    /// Makes what a pass found NaN, where it was stopped.
    fn void(&self, parts: &mut [Part<F>]) {
        let c = self.outputs();
        let lengths = |k: usize| c * c * self.range(k).len();
        for part in parts {
            part.sums.trace = f64::NAN;
            part.trace_with_whole = f64::NAN;
            let pairs = (0..).flat_map(|a| (0..=a).map(move |b| [a, b]));
            for ([a, b], tile) in pairs.zip(part.tiles.iter_mut().flatten()) {
                *tile = vec![F::of(f64::NAN); lengths(a) * self.range(b).len()];
            }
        }
    }

    fn tile(
        &self,
        maker: &TileMaker<F>,
        left: &Block<F>,
        right: &Block<F>,
        asked: &Asked<'_>,
        buffers: &mut TileBuffers<F>,
    ) -> Vec<Found<F>> {
        let c = self.outputs();
        let length = c * c * left.samples.len() * right.samples.len();
        let TileBuffers { buffers, layers, total, mapped } = buffers;
        layers.resize_with(asked.alone.len().max(1), Vec::new);
        for layer in layers.iter_mut() {
            tile::resize(layer, length);
        }
        total.clear();
        tile::resize(total, length);
        for (place, k) in asked.layers.clone().enumerate() {
            // Where no layer is asked for alone, all of them have one buffer.
            let layer = &mut layers[place.min(asked.alone.len().saturating_sub(1))];
            maker.layer(k, left, right, buffers, layer);
            total.iter_mut().zip(&*layer).for_each(|(total, layer)| *total += layer);
        }
        let is_diagonal = left.samples == right.samples;
        let mut map = |tile: &mut Vec<f64>| {
            if let (Some(left), Some(right)) = (&left.maps, &right.maps) {
                maps::map(c, left, right, is_diagonal, tile, mapped);
            }
        };
        map(total);
        layers[..asked.alone.len()].iter_mut().for_each(&mut map);
        let found = |tile: &[f64], keeps: bool| Found {
            sums: Sums::of_tile(c, tile, left.samples.clone(), right.samples.clone(), asked.residuals),
            trace_with_whole: if is_diagonal { 1.0 } else { 2.0 } * tile::inner(tile, total),
            tile: if keeps { tile.iter().map(|k| F::of(*k)).collect() } else { Vec::new() },
        };
        let alone = layers.iter().zip(asked.alone).map(|(layer, keeps)| found(layer, *keeps));
        std::iter::once(found(total, asked.keeps)).chain(alone).collect()
    }
}

fn empty_parts<F>(asked: &Asked<'_>, blocks: usize) -> Vec<Part<F>> {
    let part = |layers: Range<usize>, keeps: bool| Part {
        layers,
        tiles: keeps.then(|| (0..blocks * (blocks + 1) / 2).map(|_| Vec::new()).collect()),
        ..Part::default()
    };
    let alone = asked.alone.iter().enumerate().map(|(k, keeps)| {
        let k = asked.layers.start + k;
        part(k..k + 1, *keeps)
    });
    std::iter::once(part(asked.layers.clone(), asked.keeps)).chain(alone).collect()
}

/// What a worker needs to measure tiles.
#[derive(Default)]
struct TileBuffers<F> {
    buffers: Buffers<F>,
    layers: Vec<Vec<f64>>,
    total: Vec<f64>,
    mapped: Vec<f64>,
}

impl<F: Float> KernelSource for NetworkKernel<F> {
    fn samples(&self) -> usize {
        self.plan.samples
    }

    fn outputs(&self) -> usize {
        self.network.outputs()
    }

    fn params(&self) -> Option<usize> {
        Some(self.theta.len())
    }

    fn samples_of_a_block(&self) -> usize {
        self.plan.samples_of_a_block
    }

    fn sums(&self, residuals: &[f64]) -> Sums {
        self.whole().sums(residuals)
    }

    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        self.whole().block(rows, columns, out);
    }

    fn product(&self, v: &[f64], out: &mut [f64]) {
        self.whole().product(v, out);
    }

    fn layers(&self) -> Vec<LayerKernel<'_>> {
        let names = self.network.layers().iter().map(|layer| layer.name.clone());
        let layers = names.zip(&self.layers).map(|(name, part)| LayerKernel {
            name,
            trace_with_whole: part.trace_with_whole,
            kernel: Box::new(Share { kernel: self, part }),
        });
        layers.collect()
    }
}
