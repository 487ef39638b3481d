//! The layers that have parameters: fully connected ones, and 3 x 3 convolutions.

use crate::patches;
use crate::product::{CHAIN, Left, add_product, length_of_panels, panel};
use crate::shape::Shape;
use jostle::{Float, Level};
use std::ops::Range;

/// `z = W a + b` at every place, with weights `W` (outputs x terms) and biases `b` (outputs). The `terms` of a fully
/// connected layer are the values of one place, those of a convolution the values of the 3 x 3 places around it, zero
/// outside the image: `(channel, dy, dx)`, as in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affine {
    /// Whether neighbours count.
    pub is_convolution: bool,
    /// What comes in.
    pub input: Shape,
    /// Values at each place that come out.
    pub outputs: usize,
}

/// Buffers that a layer needs while it works.
#[derive(Debug, Default)]
pub(crate) struct Scratch<F> {
    panels: Vec<F>,
    patches: Vec<F>,
    weights: Vec<F>,
}

fn buffer<F: Float>(buffer: &mut Vec<F>, length: usize) -> &mut [F] {
    if buffer.len() < length {
        buffer.reserve_exact(length - buffer.len());
        buffer.resize(length, F::default());
    }
    &mut buffer[..length]
}

impl Affine {
    /// The shape that comes out.
    pub fn output(self) -> Shape {
        Shape { channels: self.outputs, ..self.input }
    }

    /// Terms of one output.
    pub fn terms(self) -> usize {
        self.input.channels.saturating_mul(if self.is_convolution { patches::PLACES } else { 1 })
    }

    /// Weights.
    pub fn num_weights(self) -> usize {
        self.outputs.saturating_mul(self.terms())
    }

    /// Weights and biases.
    pub fn num_params(self) -> usize {
        self.num_weights().saturating_add(self.outputs)
    }

    /// Multiply-adds of a pass forwards over one sample.
    pub fn work(self) -> f64 {
        (self.num_weights() * self.input.places()) as f64
    }

    /// Copies what some columns of the input see: a matrix (terms x columns) whose rows are `stride` long.
    pub(crate) fn gather<F: Float>(self, input: &[F], columns: Range<usize>, out: &mut [F], stride: usize) {
        if self.is_convolution {
            return patches::gather(self.input, input, columns, out, stride);
        }
        let rows = input.chunks_exact(input.len() / self.input.channels);
        for (row, out) in rows.zip(out.chunks_mut(stride)) {
            out[..columns.len()].copy_from_slice(&row[columns.clone()]);
        }
    }

    /// From `input` (channels x columns) to `out` (outputs x columns); `after` finishes a stretch of outputs.
    pub(crate) fn forward<F: Float>(
        self,
        level: Level,
        params: &[F],
        input: &[F],
        scratch: &mut Scratch<F>,
        out: &mut [F],
        after: impl Fn(&mut [F]),
    ) {
        let (weights, biases) = params.split_at(self.num_weights());
        self.multiply(level, weights, input, scratch, out, |output, values| {
            for z in values.iter_mut() {
                *z += biases[output];
            }
            after(values);
        });
    }

    /// `W a`, without biases.
    pub(crate) fn multiply<F: Float>(
        self,
        level: Level,
        weights: &[F],
        input: &[F],
        scratch: &mut Scratch<F>,
        out: &mut [F],
        after: impl Fn(usize, &mut [F]),
    ) {
        let (terms, columns, panel) = (self.terms(), input.len() / self.input.channels, panel::<F>());
        let panels = buffer(&mut scratch.panels, terms * panel);
        for first in (0..columns).step_by(panel) {
            let width = panel.min(columns - first);
            self.gather(input, first..first + width, panels, panel);
            let left = Left::Strided { values: weights, row: terms, column: 1 };
            for out in out.chunks_exact_mut(columns) {
                out[first..first + width].fill(F::default());
            }
            add_product(level, [self.outputs, terms, width], left, panels, &mut out[first..], columns);
            for (output, out) in out.chunks_exact_mut(columns).enumerate() {
                after(output, &mut out[first..first + width]);
            }
        }
    }

    /// The gradient with respect to the parameters (overwritten), from the `input` (channels x columns) and the
    /// gradients `arriving` (outputs x columns) at the outputs.
    pub(crate) fn gradient<F: Float>(
        self,
        level: Level,
        input: &[F],
        arriving: &[F],
        scratch: &mut Scratch<F>,
        gradient: &mut [F],
    ) {
        let (outputs, terms, columns) = (self.outputs, self.terms(), input.len() / self.input.channels);
        let Scratch { panels, patches, weights } = scratch;
        let panels = buffer(panels, length_of_panels::<F>(CHAIN, outputs));
        let patches = buffer(patches, terms * CHAIN);
        let transposed = buffer(weights, terms * outputs);
        transposed.fill(F::default());
        for first in (0..columns).step_by(CHAIN) {
            let chain = first..columns.min(first + CHAIN);
            transpose_into_panels(arriving, columns, chain.clone(), panels);
            let left = if self.is_convolution {
                self.gather(input, chain.clone(), patches, CHAIN);
                Left::Strided { values: patches, row: CHAIN, column: 1 }
            } else {
                Left::Strided { values: &input[first..], row: columns, column: 1 }
            };
            add_product(level, [terms, chain.len(), outputs], left, panels, transposed, outputs);
        }
        let (weights, biases) = gradient.split_at_mut(self.num_weights());
        transpose(transposed, outputs, weights);
        for (bias, row) in biases.iter_mut().zip(arriving.chunks_exact(columns)) {
            *bias = row.chunks(CHAIN).map(sum).sum();
        }
    }

    /// The gradients with respect to the input (channels x columns, overwritten), from those `arriving` at the outputs.
    pub(crate) fn pull_back<F: Float>(
        self,
        level: Level,
        params: &[F],
        arriving: &[F],
        scratch: &mut Scratch<F>,
        out: &mut [F],
    ) {
        let (outputs, channels) = (self.outputs, self.input.channels);
        let mut weights = std::mem::take(&mut scratch.weights);
        let transposed = buffer(&mut weights, self.num_weights());
        let places = self.terms() / channels;
        // The transpose of a convolution is the convolution with patches turned by half a turn.
        for (output, weights) in params[..self.num_weights()].chunks_exact(self.terms()).enumerate() {
            for (channel, patch) in weights.chunks_exact(places).enumerate() {
                let to = &mut transposed[(channel * outputs + output) * places..][..places];
                to.iter_mut().zip(patch.iter().rev()).for_each(|(to, from)| *to = *from);
            }
        }
        let back = Self { input: self.output(), outputs: channels, ..self };
        back.multiply(level, transposed, arriving, scratch, out, |_, _| ());
        scratch.weights = weights;
    }
}

/// Puts columns `range` of a matrix (rows x columns) into panels of a matrix (range x rows).
pub(crate) fn transpose_into_panels<F: Float>(
    matrix: &[F],
    columns: usize,
    range: Range<usize>,
    panels: &mut [F],
) {
    let (panel, depth) = (panel::<F>(), range.len());
    let rows = matrix.len() / columns;
    for first in (0..rows).step_by(panel) {
        let panels = &mut panels[first * depth..][..depth * panel];
        for j in 0..panel {
            let to = panels[j..].iter_mut().step_by(panel);
            if first + j < rows {
                let row = &matrix[(first + j) * columns..][range.clone()];
                to.zip(row).for_each(|(to, from)| *to = *from);
            } else {
                to.for_each(|to| *to = F::default());
            }
        }
    }
}

/// The transpose of a matrix with so many columns.
fn transpose<F: Float>(matrix: &[F], columns: usize, out: &mut [F]) {
    const SIDE: usize = 16;
    let rows = matrix.len() / columns;
    for first in (0..columns).step_by(SIDE) {
        for top in (0..rows).step_by(SIDE) {
            for column in first..columns.min(first + SIDE) {
                for row in top..rows.min(top + SIDE) {
                    out[column * rows + row] = matrix[row * columns + column];
                }
            }
        }
    }
}

/// A sum in eight partial sums.
fn sum<F: Float>(values: &[F]) -> F {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [F::default(); 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, value)| *sum += *value);
    }
    sums.iter().chain(rest).copied().sum()
}
