//! What is held of a block of samples for the kernel: factors whose products are the kernel of each layer.

use super::maps;
use super::plan::{COLUMNS_OF_PAIRS, Method, Plan};
use super::tile::resize;
use crate::affine::{Affine, Scratch, transpose_into_panels};
use crate::network::{FeedForward, Kept, Layer};
use crate::product::{Left, add_product, length_of_panels, panel};
use jostle::model::Model;
use jostle::{Float, Level};
use std::ops::Range;

/// The factors of one layer, for the samples of a block.
pub(super) enum Factor<F> {
    /// What the layer sees (terms x samples), in panels.
    Readout(Vec<F>),
    /// A few samples at a time.
    Pairs(Vec<Part<F>>),
    /// Gradients (terms and one, times outputs, x samples times outputs of the network), in panels.
    Rows(Vec<F>),
    /// What the layer sees (terms x samples) and the slopes (outputs x samples), both in panels.
    Head { inputs: Vec<F>, slopes: Vec<F> },
    /// For each unit its gradients (terms and one x samples), in panels.
    HeadRows(Vec<Vec<F>>),
}

/// Some samples of [`Factor::Pairs`].
pub(super) struct Part<F> {
    /// Positions of the samples in the block.
    pub(super) samples: Range<usize>,
    /// What the layer sees (terms x samples places), in panels.
    pub(super) inputs: Vec<F>,
    /// Gradients at the outputs (outputs x samples places), in panels, for each output of the network; or all of them
    /// in the same panels (outputs x outputs samples places) where a panel is not filled otherwise.
    pub(super) arriving: Vec<Vec<F>>,
}

/// A block of samples with the factors of some layers.
pub(super) struct Block<F> {
    pub(super) samples: Range<usize>,
    /// The maps of their outputs, where there are some.
    pub(super) maps: Option<Vec<f64>>,
    first_layer: usize,
    factors: Vec<Factor<F>>,
}

/// What one worker needs to make blocks.
pub(super) struct Worker<F> {
    forwards: Scratch<f64>,
    backwards: Scratch<F>,
    kept: Vec<f64>,
}

impl<F: Float> Default for Worker<F> {
    fn default() -> Self {
        Self { forwards: Scratch::default(), backwards: Scratch::default(), kept: Vec::new() }
    }
}

impl<F: Float> Block<F> {
    /// Passes forwards in float64, backwards for every output, and keeps the factors that the plan asks for of some layers.
    /// The parameters are given in both formats.
    #[expect(clippy::too_many_arguments, reason = "the point, and what is asked of it")]
    pub(super) fn new(
        network: &FeedForward,
        plan: &Plan,
        level: Level,
        (theta, rounded): (&[f64], &[F]),
        inputs: &[f64],
        maps: Option<&[f64]>,
        layers: &Range<usize>,
        samples: Range<usize>,
        worker: &mut Worker<F>,
    ) -> Self {
        let (m, c, d) = (samples.len(), network.outputs(), network.input().values());
        let Worker { forwards, backwards, kept } = worker;
        kept.clear();
        resize(kept, m * network.kept_of_a_sample());
        network.pass(level, theta, &inputs[samples.start * d..samples.end * d], forwards, kept);
        let kept = network.kept(kept);
        let ranges: Vec<_> = network.ranges().collect();
        // Of output `e` of the network with respect to output `e`, for each sample.
        let mut arriving = vec![F::default(); c * c * m];
        (0..c).for_each(|e| arriving[(e * c + e) * m..][..m].fill(F::of(1.0)));
        let mut factors = Vec::new();
        for (k, layer) in network.layers().iter().enumerate().skip(layers.start).rev() {
            let (affine, kept) = (layer.affine, &kept[k]);
            let method = plan.layers[k].method;
            let before = match method {
                Method::Readout => std::mem::take(&mut arriving),
                _ => differentiate(layer, kept, &arriving, c),
            };
            if layers.contains(&k) {
                let input: Vec<F> = kept.input.iter().map(|value| F::of(*value)).collect();
                let factor = Make { level, affine, input: &input, m, c };
                factors.push(match method {
                    Method::Readout => Factor::Readout(factor.inputs(0..m)),
                    Method::Pairs => Factor::Pairs(factor.pairs(&before)),
                    Method::Rows => Factor::Rows(factor.rows(&before)),
                    Method::Head => {
                        let ones = vec![F::of(1.0); affine.outputs * m];
                        factor.head(&differentiate(layer, kept, &ones, 1))
                    }
                });
            }
            if k > layers.start {
                arriving = vec![F::default(); affine.input.values() * c * m];
                affine.pull_back(level, &rounded[ranges[k].clone()], &before, backwards, &mut arriving);
            }
        }
        factors.reverse();
        let maps = maps.map(|maps| maps::of_block(c, maps, &samples));
        Self { samples, maps, first_layer: layers.start, factors }
    }

    /// What is held of layer `k`.
    pub(super) fn factor(&self, k: usize) -> &Factor<F> {
        &self.factors[k - self.first_layer]
    }
}

/// From gradients behind a layer to those at its affine part: `sets` of them, one after the other in each channel.
fn differentiate<F: Float>(layer: &Layer, kept: &Kept<'_, f64>, arriving: &[F], sets: usize) -> Vec<F> {
    let shape = layer.affine.output();
    let mut before = vec![F::default(); kept.values.len() * sets];
    let (of_set, arriving_of_set) =
        (before.len() / shape.channels / sets, arriving.len() / shape.channels / sets);
    let pairs = before.chunks_exact_mut(of_set).zip(arriving.chunks_exact(arriving_of_set));
    for (k, (before, arriving)) in pairs.enumerate() {
        let channel = k / sets * of_set..(k / sets + 1) * of_set;
        layer.pool.backward(shape, &kept.values[channel.clone()], arriving, before);
        layer.activation.multiply_by_slope(&kept.slope[channel], before);
    }
    before
}

/// Makes the factors of a layer that sees `input`, for `m` samples and `c` outputs of the network.
struct Make<'a, F> {
    level: Level,
    affine: Affine,
    input: &'a [F],
    m: usize,
    c: usize,
}

impl<F: Float> Make<'_, F> {
    /// What the layer sees of some samples, in panels.
    fn inputs(&self, samples: Range<usize>) -> Vec<F> {
        let (terms, places) = (self.affine.terms(), self.affine.input.places());
        let (first, columns) = (samples.start * places, samples.len() * places);
        let mut panels = vec![F::default(); length_of_panels::<F>(terms, columns)];
        for (at, panel_of) in
            (0..columns).step_by(panel::<F>()).zip(panels.chunks_exact_mut(terms * panel::<F>()))
        {
            let to = (at + panel::<F>()).min(columns);
            self.affine.gather(self.input, first + at..first + to, panel_of, panel::<F>());
        }
        panels
    }

    fn pairs(&self, arriving: &[F]) -> Vec<Part<F>> {
        let places = self.affine.input.places();
        let of_part = (COLUMNS_OF_PAIRS / places).max(1);
        let part = |first: usize| {
            let samples = first..self.m.min(first + of_part);
            let columns =
                |e: usize| (e * self.m + samples.start) * places..(e * self.m + samples.end) * places;
            let outputs: Vec<_> = (0..self.c).map(columns).collect();
            let arriving = if samples.len() * places < panel::<F>() {
                vec![into_panels(arriving, self.affine.outputs, &outputs)]
            } else {
                let alone = |columns: &Range<usize>| {
                    into_panels(arriving, self.affine.outputs, std::slice::from_ref(columns))
                };
                outputs.iter().map(alone).collect()
            };
            Part { inputs: self.inputs(samples.clone()), samples, arriving }
        };
        (0..self.m).step_by(of_part).map(part).collect()
    }

    /// Calls `keep` with the gradients (terms and one x outputs times `sets`) of every sample with respect to the
    /// layer's parameters, summed over the places; `arriving` has so many sets in each channel.
    fn gradients(&self, arriving: &[F], sets: usize, mut keep: impl FnMut(usize, &[F])) {
        let (places, terms, outputs) = (self.affine.input.places(), self.affine.terms(), self.affine.outputs);
        let columns = arriving.len() / outputs;
        let mut seen = vec![F::of(1.0); (terms + 1) * places];
        let mut of_sample = vec![F::default(); outputs * sets * places];
        let mut panels = vec![F::default(); length_of_panels::<F>(places, outputs * sets)];
        let mut gradients = vec![F::default(); (terms + 1) * outputs * sets];
        for i in 0..self.m {
            self.affine.gather(self.input, i * places..(i + 1) * places, &mut seen[..terms * places], places);
            for (row, to) in of_sample.chunks_exact_mut(places).enumerate() {
                let at = row / sets * columns + (row % sets * self.m + i) * places;
                to.copy_from_slice(&arriving[at..][..places]);
            }
            transpose_into_panels(&of_sample, places, 0..places, &mut panels);
            gradients.fill(F::default());
            let left = Left::Strided { values: &seen, row: places, column: 1 };
            let shape = [terms + 1, places, outputs * sets];
            add_product(self.level, shape, left, &panels, &mut gradients, outputs * sets);
            keep(i, &gradients);
        }
    }

    fn rows(&self, arriving: &[F]) -> Vec<F> {
        let depth = (self.affine.terms() + 1) * self.affine.outputs;
        let (panel, columns) = (panel::<F>(), self.m * self.c);
        let mut rows = vec![F::default(); length_of_panels::<F>(depth, columns)];
        self.gradients(arriving, self.c, |i, gradients| {
            // The columns of a sample lie in one panel or in several.
            let (mut column, end) = (i * self.c, (i + 1) * self.c);
            while column < end {
                let next = end.min((column / panel + 1) * panel);
                let to = &mut rows[column / panel * panel * depth..][..panel * depth];
                let from = gradients.chunks_exact(self.c);
                for (to, from) in to.chunks_exact_mut(panel).zip(from) {
                    to[column % panel..][..next - column]
                        .copy_from_slice(&from[column - i * self.c..next - i * self.c]);
                }
                column = next;
            }
        });
        rows
    }

    fn head(&self, slopes: &[F]) -> Factor<F> {
        let (terms, outputs, m) = (self.affine.terms(), self.affine.outputs, self.m);
        if self.affine.input.places() == 1 {
            let slopes = into_panels(slopes, outputs, std::slice::from_ref(&(0..m)));
            return Factor::Head { inputs: self.inputs(0..m), slopes };
        }
        let panel = panel::<F>();
        let mut rows = vec![vec![F::default(); length_of_panels::<F>(terms + 1, m)]; outputs];
        self.gradients(slopes, 1, |i, gradients| {
            let first = i / panel * panel * (terms + 1) + i % panel;
            for (unit, rows) in rows.iter_mut().enumerate() {
                let from = gradients[unit..].iter().step_by(outputs);
                rows[first..].iter_mut().step_by(panel).zip(from).for_each(|(to, from)| *to = *from);
            }
        });
        Factor::HeadRows(rows)
    }
}

/// Some stretches of the columns of a matrix with so many rows, side by side in panels.
fn into_panels<F: Float>(matrix: &[F], rows: usize, stretches: &[Range<usize>]) -> Vec<F> {
    let panel = panel::<F>();
    let columns = stretches.iter().map(Range::len).sum();
    let mut panels = vec![F::default(); length_of_panels::<F>(rows, columns)];
    for (k, row) in matrix.chunks_exact(matrix.len() / rows).enumerate() {
        let mut at = 0;
        for stretch in stretches {
            let mut from = &row[stretch.clone()];
            while !from.is_empty() {
                let length = from.len().min(panel - at % panel);
                let to = &mut panels[at / panel * panel * rows + k * panel + at % panel..][..length];
                to.copy_from_slice(&from[..length]);
                from = &from[length..];
                at += length;
            }
        }
    }
    panels
}
