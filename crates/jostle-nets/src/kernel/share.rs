//! The share of some layers in the kernel of a network, as a kernel of its own.

use super::factors::Worker;
use super::tile::{Buffers, TileMaker};
use super::{Asked, Found, NetworkKernel};
use jostle::Float;
use jostle::geometry::{KernelSource, Sums};
use std::ops::Range;

/// What is known of the share of some layers.
pub(super) struct Part<F> {
    pub(super) layers: Range<usize>,
    pub(super) sums: Sums,
    /// `Tr(K_l K)`.
    pub(super) trace_with_whole: f64,
    /// The tiles on and below the diagonal, row by row, where they are held.
    pub(super) tiles: Option<Vec<Vec<F>>>,
}

impl<F> Default for Part<F> {
    fn default() -> Self {
        Self { layers: 0..0, sums: Sums::default(), trace_with_whole: 0.0, tiles: None }
    }
}

impl<F> Part<F> {
    /// Adds what was found of tile number `at`.
    pub(super) fn add(&mut self, at: usize, found: Found<F>) {
        self.sums = self.sums + found.sums;
        self.trace_with_whole += found.trace_with_whole;
        if let Some(tiles) = &mut self.tiles {
            tiles[at] = found.tile;
        }
    }
}

/// The share of some layers, as a kernel.
pub(super) struct Share<'a, F> {
    pub(super) kernel: &'a NetworkKernel<F>,
    pub(super) part: &'a Part<F>,
}

impl<F: Float> KernelSource for Share<'_, F> {
    fn samples(&self) -> usize {
        self.kernel.samples()
    }

    fn outputs(&self) -> usize {
        self.kernel.outputs()
    }

    fn params(&self) -> Option<usize> {
        let layers = &self.kernel.network.layers()[self.part.layers.clone()];
        Some(layers.iter().map(|layer| layer.affine.num_params()).sum())
    }

    fn samples_of_a_block(&self) -> usize {
        self.kernel.plan.samples_of_a_block
    }

    fn sums(&self, residuals: &[f64]) -> Sums {
        if residuals == self.kernel.residuals {
            return self.part.sums;
        }
        let layers = self.part.layers.clone();
        let asked = Asked { residuals, layers, keeps: false, alone: &[], watch: &() };
        self.kernel.pass(&asked)[0].sums
    }

    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        let (kernel, c) = (self.kernel, self.outputs());
        let width = c * columns.len();
        if let Some(tiles) = &self.part.tiles {
            for (out, row) in out.chunks_exact_mut(width).zip(c * rows.start..) {
                for (out, column) in out.iter_mut().zip(c * columns.start..) {
                    *out = self.entry(tiles, row, column);
                }
            }
            return;
        }
        let layers = &self.part.layers;
        let maker = TileMaker::new(&kernel.network, kernel.level, &kernel.rounded);
        let [left, right] =
            [&rows, &columns].map(|samples| kernel.make(layers, samples.clone(), &mut Worker::default()));
        let (mut buffers, mut layer, mut total) =
            (Buffers::default(), vec![0.0; out.len()], vec![0.0; out.len()]);
        for k in layers.clone() {
            maker.layer(k, &left, &right, &mut buffers, &mut layer);
            total.iter_mut().zip(&layer).for_each(|(total, layer)| *total += layer);
        }
        if let (Some(left), Some(right)) = (&left.maps, &right.maps) {
            super::maps::map(c, left, right, rows == columns, &mut total, &mut layer);
        }
        // From outputs first to samples first.
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let from = &total[(row % c * rows.len() + row / c) * width..][..width];
            for (column, out) in out.iter_mut().enumerate() {
                *out = from[column % c * columns.len() + column / c];
            }
        }
    }

    fn product(&self, v: &[f64], out: &mut [f64]) {
        match &self.part.tiles {
            Some(tiles) => self.kernel.product_by_tiles(tiles, v, out),
            None => self.kernel.product_by_passes(&self.part.layers, v, out),
        }
    }
}

impl<F: Float> Share<'_, F> {
    /// An entry of the kernel, whose rows and columns are outputs side by side.
    fn entry(&self, tiles: &[Vec<F>], row: usize, column: usize) -> f64 {
        let (c, size) = (self.outputs(), self.samples_of_a_block());
        let place = |at: usize| (at / c / size, at % c, at / c % size);
        let (row, column) = if row / c / size < column / c / size { (column, row) } else { (row, column) };
        let ((block, a, i), (other, b, j)) = (place(row), place(column));
        let [height, width] = [block, other].map(|block| self.kernel.range(block).len());
        tiles[block * (block + 1) / 2 + other][(a * height + i) * c * width + b * width + j].into()
    }
}
