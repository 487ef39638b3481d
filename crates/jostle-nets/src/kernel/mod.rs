//! The exact kernel `K = J J'` of a network at a point, layer by layer.
//!
//! `J` is never formed: the share of a layer is made of what the layer sees and of the gradients at its outputs, in the way
//! that [`Plan`] finds cheapest. Samples are taken in blocks; the kernel between two blocks is a tile.

mod factors;
mod plan;
mod products;
mod tile;

pub use plan::{LayerPlan, Method, Plan};

use crate::network::FeedForward;
use factors::{Block, Worker};
use jostle::geometry::{KernelSource, Sums};
use jostle::model::Network;
use jostle::{Float, Level};
use rayon::prelude::*;
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
    plan: Plan,
    level: Level,
    sums: Sums,
    layers: Vec<Sums>,
    /// The tiles on and below the diagonal, row by row, where they are held.
    tiles: Option<Vec<Vec<F>>>,
}

/// The share of one layer's parameters: the diagonal blocks of `G` and of the uncentred `Sigma_1` that belong to them.
/// Traces of `G` and `Sigma_1` add up to those of the network; norms and products do not.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerShare {
    /// The layer's name.
    pub name: String,
    /// Its parameters.
    pub params: usize,
    /// How its kernel was made.
    pub method: Method,
    /// `Tr G`.
    pub trace: f64,
    /// `|G|_F`.
    pub frobenius: f64,
    /// `Tr Sigma_1`.
    pub trace_noise: f64,
    /// `Tr(Sigma_1 G)`.
    pub trace_noise_curvature: f64,
}

impl<F: Float> NetworkKernel<F> {
    /// Measures a network at `theta` (p) on `inputs` (n x d), with the residuals `r` (nc) that the sums are for, holding at
    /// most `memory` bytes where that is possible ([`Plan::new`] says how many).
    ///
    /// # Panics
    /// If arrays do not fit the network.
    pub fn new(
        network: &FeedForward,
        theta: &[f64],
        inputs: &[f64],
        residuals: &[f64],
        memory: usize,
    ) -> Self {
        let n = inputs.len() / network.input().values();
        assert_eq!(theta.len(), Network::num_params(network), "as many parameters as the network has");
        assert_eq!(inputs.len(), n * network.input().values(), "whole samples");
        assert_eq!(
            residuals.len(),
            n * Network::outputs(network),
            "one residual for each output of each sample"
        );
        let mut kernel = Self {
            theta: theta.to_vec(),
            rounded: theta.iter().map(|t| F::of(*t)).collect(),
            inputs: inputs.to_vec(),
            residuals: residuals.to_vec(),
            plan: Plan::new::<F>(network, n, memory),
            level: Level::detect(),
            sums: Sums::default(),
            layers: Vec::new(),
            tiles: None,
            network: network.clone(),
        };
        let (layers, tiles) = kernel.pass(residuals, kernel.plan.keeps_kernel);
        kernel.sums = layers[layers.len() - 1];
        kernel.layers = layers[..layers.len() - 1].to_vec();
        kernel.tiles = tiles;
        kernel
    }

    /// How the kernel was measured, and what that took.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The shares of the layers.
    pub fn layers(&self) -> Vec<LayerShare> {
        let n = self.samples() as f64;
        let layers = self.network.layers().iter().zip(&self.plan.layers).zip(&self.layers);
        let share = |((layer, plan), sums): ((&crate::Layer, &LayerPlan), &Sums)| LayerShare {
            name: layer.name.clone(),
            params: layer.affine.num_params(),
            method: plan.method,
            trace: sums.trace / n,
            frobenius: sums.squares.sqrt() / n,
            trace_noise: sums.noise / n,
            trace_noise_curvature: sums.pulled / (n * n),
        };
        layers.map(share).collect()
    }

    fn range(&self, block: usize) -> Range<usize> {
        let size = self.plan.samples_of_a_block;
        block * size..self.samples().min((block + 1) * size)
    }

    fn make(&self, samples: Range<usize>, worker: &mut Worker<F>) -> Block<F> {
        Block::new(
            &self.network,
            &self.plan,
            self.level,
            (&self.theta, &self.rounded),
            &self.inputs,
            samples,
            worker,
        )
    }

    /// One pass over all tiles on and below the diagonal: the sums of every layer and of the whole, and the tiles row by
    /// row if they are to be kept.
    fn pass(&self, residuals: &[f64], keeps: bool) -> (Vec<Sums>, Option<Vec<Vec<F>>>) {
        let blocks = self.samples().div_ceil(self.plan.samples_of_a_block);
        let of_group = self.plan.samples_of_a_group.div_ceil(self.plan.samples_of_a_block);
        let groups: Vec<_> = (0..blocks).step_by(of_group).map(|b| b..blocks.min(b + of_group)).collect();
        let make = |group: &Range<usize>| -> Vec<Block<F>> {
            let blocks = group.clone().into_par_iter();
            blocks.map_init(Worker::default, |worker, b| self.make(self.range(b), worker)).collect()
        };
        let maker = TileMaker::new(&self.network, self.level, &self.rounded);
        let count = self.network.layers().len() + 1;
        let mut sums = vec![Sums::default(); count];
        let mut tiles = vec![Vec::new(); if keeps { blocks * (blocks + 1) / 2 } else { 0 }];
        for (g, group) in groups.iter().enumerate() {
            let rows = make(group);
            for (h, other) in groups[..=g].iter().enumerate() {
                let made;
                let columns = if g == h {
                    &rows
                } else {
                    made = make(other);
                    &made
                };
                let pairs: Vec<_> = group.clone().flat_map(|a| other.clone().map(move |b| [a, b])).collect();
                let pairs: Vec<_> = pairs.into_iter().filter(|[a, b]| b <= a).collect();
                let measured = pairs.par_iter().map_init(
                    Default::default,
                    |(buffers, layer, total): &mut (Buffers<F>, Vec<f64>, Vec<f64>), [a, b]| {
                        let (left, right) = (&rows[a - group.start], &columns[b - other.start]);
                        self.tile(&maker, left, right, residuals, buffers, layer, total)
                    },
                );
                let measured: Vec<(Vec<Sums>, Vec<F>)> =
                    measured.map(|(sums, tile)| (sums, if keeps { tile } else { Vec::new() })).collect();
                for ([a, b], (of_tile, tile)) in pairs.into_iter().zip(measured) {
                    sums.iter_mut().zip(of_tile).for_each(|(sum, of_tile)| *sum = *sum + of_tile);
                    if keeps {
                        tiles[a * (a + 1) / 2 + b] = tile;
                    }
                }
            }
        }
        (sums, keeps.then_some(tiles))
    }

    #[expect(clippy::too_many_arguments, reason = "two blocks, and the buffers of a worker")]
    fn tile(
        &self,
        maker: &TileMaker<F>,
        left: &Block<F>,
        right: &Block<F>,
        residuals: &[f64],
        buffers: &mut Buffers<F>,
        layer: &mut Vec<f64>,
        total: &mut Vec<f64>,
    ) -> (Vec<Sums>, Vec<F>) {
        let c = self.outputs();
        let length = c * c * left.samples.len() * right.samples.len();
        layer.resize(length, 0.0);
        total.clear();
        total.resize(length, 0.0);
        let sums_of =
            |tile: &[f64]| Sums::of_tile(c, tile, left.samples.clone(), right.samples.clone(), residuals);
        let mut sums = Vec::new();
        for k in 0..self.network.layers().len() {
            maker.layer(k, left, right, buffers, layer);
            sums.push(sums_of(layer));
            total.iter_mut().zip(&*layer).for_each(|(total, layer)| *total += layer);
        }
        sums.push(sums_of(total));
        (sums, total.iter().map(|k| F::of(*k)).collect())
    }
}

impl<F: Float> KernelSource for NetworkKernel<F> {
    fn samples(&self) -> usize {
        self.plan.samples
    }

    fn outputs(&self) -> usize {
        Network::outputs(&self.network)
    }

    fn params(&self) -> Option<usize> {
        Some(self.theta.len())
    }

    fn samples_of_a_block(&self) -> usize {
        self.plan.samples_of_a_block
    }

    fn sums(&self, residuals: &[f64]) -> Sums {
        if residuals == self.residuals { self.sums } else { self.pass(residuals, false).0[self.layers.len()] }
    }

    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        let c = self.outputs();
        let width = c * columns.len();
        if let Some(tiles) = &self.tiles {
            for (out, row) in out.chunks_exact_mut(width).zip(c * rows.start..) {
                for (out, column) in out.iter_mut().zip(c * columns.start..) {
                    *out = self.entry(tiles, row, column);
                }
            }
            return;
        }
        let maker = TileMaker::new(&self.network, self.level, &self.rounded);
        let [left, right] =
            [&rows, &columns].map(|samples| self.make(samples.clone(), &mut Worker::default()));
        let (mut buffers, mut layer) = (Buffers::default(), vec![0.0; out.len()]);
        out.fill(0.0);
        for k in 0..self.network.layers().len() {
            maker.layer(k, &left, &right, &mut buffers, &mut layer);
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                let from = &layer[(row % c * rows.len() + row / c) * width..][..width];
                for (column, out) in out.iter_mut().enumerate() {
                    *out += from[column % c * columns.len() + column / c];
                }
            }
        }
    }

    fn product(&self, v: &[f64], out: &mut [f64]) {
        match &self.tiles {
            Some(tiles) => self.product_by_tiles(tiles, v, out),
            None => self.product_by_passes(v, out),
        }
    }
}

impl<F: Float> NetworkKernel<F> {
    /// An entry of the kernel, whose rows and columns are outputs side by side.
    fn entry(&self, tiles: &[Vec<F>], row: usize, column: usize) -> f64 {
        let (c, size) = (self.outputs(), self.plan.samples_of_a_block);
        let place = |at: usize| (at / c / size, at % c, at / c % size);
        let (row, column) = if row / c / size < column / c / size { (column, row) } else { (row, column) };
        let ((block, a, i), (other, b, j)) = (place(row), place(column));
        let [height, width] = [block, other].map(|block| self.range(block).len());
        tiles[block * (block + 1) / 2 + other][(a * height + i) * c * width + b * width + j].into()
    }
}
