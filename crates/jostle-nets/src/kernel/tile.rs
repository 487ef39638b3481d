//! The kernel between two blocks of samples, layer by layer.

use super::factors::{Block, Factor, Part};
use super::plan::pairs_of_a_product;
use crate::network::{FeedForward, Layer};
use crate::product::{Left, add_product_wide, panel};
use jostle::model::Model;
use jostle::{Float, Level};

/// Makes tiles of a network's kernel: `K_ij` (c x c) has its entry `(a, b)` in row `a m + i` and column `b m' + j`, for the
/// samples `i` and `j` of two blocks with `m` and `m'` samples.
pub(super) struct TileMaker<F> {
    level: Level,
    outputs: usize,
    /// For each layer its terms, outputs and places.
    shapes: Vec<[usize; 3]>,
    /// `w_ck w_ek` of the last layer (units x pairs of outputs `c <= e`), the pairs filled up to whole tiles of a product.
    weights: Vec<F>,
    /// Pairs, filled up.
    pairs: usize,
}

/// Buffers of a worker.
#[derive(Default)]
pub(super) struct Buffers<F> {
    inputs: Vec<f64>,
    products: Vec<f64>,
    sums: Vec<f64>,
    panel: Vec<F>,
}

/// Changes the length of a buffer, and takes no more memory for it than that needs.
pub(super) fn resize<T: Copy + Default>(buffer: &mut Vec<T>, length: usize) {
    buffer.reserve_exact(length.saturating_sub(buffer.len()));
    buffer.resize(length, T::default());
}

fn zeros(buffer: &mut Vec<f64>, length: usize) -> &mut [f64] {
    buffer.clear();
    resize(buffer, length);
    buffer
}

/// `sum_k a_k b_k`, in eight partial sums.
pub(super) fn inner(a: &[f64], b: &[f64]) -> f64 {
    let ((a_eights, a_rest), (b_eights, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a_eights.iter().zip(b_eights) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b);
    sums.into_iter().chain(rest).sum()
}

impl<F: Float> TileMaker<F> {
    pub(super) fn new(network: &FeedForward, level: Level, theta: &[F]) -> Self {
        let outputs = network.outputs();
        let shape = |layer: &Layer| [layer.affine.terms(), layer.affine.outputs, layer.affine.input.places()];
        let shapes: Vec<_> = network.layers().iter().map(shape).collect();
        let last = network.ranges().next_back().expect("there is a last layer");
        let (units, readout) = (shapes[shapes.len() - 1][0], &theta[last]);
        let pairs = pairs_of_a_product(outputs);
        let mut weights = vec![F::default(); units * pairs];
        for (k, weights) in weights.chunks_exact_mut(pairs).enumerate() {
            let pairs = (0..outputs).flat_map(|a| (a..outputs).map(move |b| [a, b]));
            for (weight, pair) in weights.iter_mut().zip(pairs) {
                let [a, b] = pair.map(|output| readout[output * units + k]);
                *weight = a * b;
            }
        }
        Self { level, outputs, shapes, weights, pairs }
    }

    /// The share of layer `k` in the tile of two blocks, overwritten.
    pub(super) fn layer(
        &self,
        k: usize,
        left: &Block<F>,
        right: &Block<F>,
        buffers: &mut Buffers<F>,
        tile: &mut [f64],
    ) {
        tile.fill(0.0);
        let sides = [left.samples.len(), right.samples.len()];
        match (left.factor(k), right.factor(k)) {
            (Factor::Readout(left), Factor::Readout(right)) => {
                let inputs = self.inputs(k, left, right, sides, &mut buffers.inputs);
                let width = self.outputs * sides[1];
                for (row, out) in tile.chunks_exact_mut(width).enumerate() {
                    let out = &mut out[row / sides[0] * sides[1]..][..sides[1]];
                    out.copy_from_slice(&inputs[row % sides[0] * sides[1]..][..sides[1]]);
                }
            }
            (Factor::Pairs(left), Factor::Pairs(right)) => {
                for left in left {
                    for right in right {
                        self.pairs(k, left, right, sides, buffers, tile);
                    }
                }
            }
            (Factor::Rows(left), Factor::Rows(right)) => {
                let [terms, outputs, _] = self.shapes[k];
                let [height, width] = sides.map(|side| self.outputs * side);
                let (products, depth) = (zeros(&mut buffers.products, height * width), (terms + 1) * outputs);
                if std::ptr::eq(left, right) {
                    // On the diagonal what is below it is enough.
                    for first in (0..height).step_by(panel::<F>()) {
                        let (rows, left) = (panel::<F>().min(height - first), &left[first * depth..]);
                        let shape = [rows, depth, first + rows];
                        let out = &mut products[first * width..];
                        add_product_wide(self.level, shape, Left::Panels(left), right, out, width);
                    }
                    for (row, column) in
                        (0..height).flat_map(|row| (row + 1..width).map(move |column| (row, column)))
                    {
                        products[row * width + column] = products[column * width + row];
                    }
                } else {
                    let shape = [height, depth, width];
                    add_product_wide(self.level, shape, Left::Panels(left), right, products, width);
                }
                // From samples first to outputs first.
                for (row, out) in tile.chunks_exact_mut(width).enumerate() {
                    let from = &products[(row % sides[0] * self.outputs + row / sides[0]) * width..][..width];
                    for (b, out) in out.chunks_exact_mut(sides[1]).enumerate() {
                        let from = from[b..].iter().step_by(self.outputs);
                        out.iter_mut().zip(from).for_each(|(out, from)| *out = *from);
                    }
                }
            }
            (
                Factor::Head { inputs: left, slopes: left_slopes },
                Factor::Head { inputs: right, slopes: right_slopes },
            ) => {
                let mut inputs = std::mem::take(&mut buffers.inputs);
                self.inputs(k, left, right, sides, &mut inputs);
                let (panel, units) = (panel::<F>(), self.shapes[k][1]);
                self.head(k, sides, buffers, Some(&inputs), tile, |i, first, to| {
                    let left = left_slopes[i / panel * panel * units + i % panel..].iter().step_by(panel);
                    let right = right_slopes[first * units..].chunks_exact(panel);
                    for ((to, right), left) in to.chunks_exact_mut(panel).zip(right).zip(left) {
                        to.iter_mut().zip(right).for_each(|(to, right)| *to = *left * *right);
                    }
                });
                buffers.inputs = inputs;
            }
            (Factor::HeadRows(left), Factor::HeadRows(right)) => {
                let of_unit = sides[0] * sides[1];
                let mut products = std::mem::take(&mut buffers.products);
                let all = zeros(&mut products, left.len() * of_unit);
                let shape = [sides[0], self.shapes[k][0] + 1, sides[1]];
                for ((left, right), out) in left.iter().zip(right).zip(all.chunks_exact_mut(of_unit)) {
                    add_product_wide(self.level, shape, Left::Panels(left), right, out, sides[1]);
                }
                let panel = panel::<F>();
                self.head(k, sides, buffers, None, tile, |i, first, to| {
                    for (to, products) in to.chunks_exact_mut(panel).zip(all.chunks_exact(of_unit)) {
                        let from = &products[i * sides[1]..(i + 1) * sides[1]][first..];
                        to.iter_mut().zip(from).for_each(|(to, from)| *to = F::of(*from));
                    }
                });
                buffers.products = products;
            }
            _ => unreachable!("all blocks of a layer are made in the same way"),
        }
    }

    /// `a_i . a_j + 1` for all columns of two factors (m x m').
    fn inputs<'a>(
        &self,
        k: usize,
        left: &[F],
        right: &[F],
        [height, width]: [usize; 2],
        out: &'a mut Vec<f64>,
    ) -> &'a mut [f64] {
        out.clear();
        out.reserve_exact(height * width);
        out.resize(height * width, 1.0);
        let shape = [height, self.shapes[k][0], width];
        add_product_wide(self.level, shape, Left::Panels(left), right, out, width);
        out
    }

    fn pairs(
        &self,
        k: usize,
        left: &Part<F>,
        right: &Part<F>,
        sides: [usize; 2],
        buffers: &mut Buffers<F>,
        tile: &mut [f64],
    ) {
        let Buffers { inputs, products, sums, .. } = buffers;
        let [_, outputs, places] = self.shapes[k];
        let [height, width] = [left, right].map(|part| part.samples.len() * places);
        let [outputs_of_set, other_outputs_of_set] =
            [left, right].map(|part| self.outputs / part.arriving.len());
        let inputs = self.inputs(k, &left.inputs, &right.inputs, [height, width], inputs);
        for (a_set, left_set) in left.arriving.iter().enumerate() {
            for (b_set, right_set) in right.arriving.iter().enumerate() {
                let [rows, wide] = [outputs_of_set * height, other_outputs_of_set * width];
                let products = zeros(products, rows * wide);
                let shape = [rows, outputs, wide];
                add_product_wide(self.level, shape, Left::Panels(left_set), right_set, products, wide);
                for (row, of_sample) in products.chunks_exact(places * wide).enumerate() {
                    let (a, i) =
                        (a_set * outputs_of_set + row / left.samples.len(), row % left.samples.len());
                    let inputs = &inputs[i * places * width..][..places * width];
                    let out = &mut tile[(a * sides[0] + left.samples.start + i) * self.outputs * sides[1]..];
                    for b in 0..other_outputs_of_set {
                        let of_output = b * width..(b + 1) * width;
                        let b = b_set * other_outputs_of_set + b;
                        let out = &mut out[b * sides[1] + right.samples.start..][..right.samples.len()];
                        if places == 1 {
                            let pairs = inputs.iter().zip(&of_sample[of_output]);
                            out.iter_mut()
                                .zip(pairs)
                                .for_each(|(out, (input, product))| *out = input * product);
                            continue;
                        }
                        let sums = zeros(sums, width);
                        for (inputs, products) in inputs.chunks_exact(width).zip(of_sample.chunks_exact(wide))
                        {
                            let pairs = inputs.iter().zip(&products[of_output.clone()]);
                            sums.iter_mut()
                                .zip(pairs)
                                .for_each(|(sum, (input, product))| *sum += input * product);
                        }
                        for (out, sums) in out.iter_mut().zip(sums.chunks_exact(places)) {
                            *out = sums.iter().sum::<f64>();
                        }
                    }
                }
            }
        }
    }

    /// Adds `sum_k w_ck w_ek g_ijk` (times an input product). `fill` writes `g_ij.` for one sample `i` and the samples of
    /// one panel from `first` on (units x panel).
    fn head(
        &self,
        k: usize,
        [height, width]: [usize; 2],
        buffers: &mut Buffers<F>,
        inputs: Option<&[f64]>,
        tile: &mut [f64],
        fill: impl Fn(usize, usize, &mut [F]),
    ) {
        let (panel, units) = (panel::<F>(), self.shapes[k][1]);
        let Buffers { sums, panel: right, .. } = buffers;
        resize(right, units * panel);
        let left = Left::Strided { values: &self.weights, row: 1, column: self.pairs };
        let side = self.outputs * width;
        for i in 0..height {
            for first in (0..width).step_by(panel) {
                fill(i, first, right);
                let count = panel.min(width - first);
                let sums = zeros(sums, self.pairs * panel);
                add_product_wide(self.level, [self.pairs, units, count], left, right, sums, panel);
                let pairs = (0..self.outputs).flat_map(|a| (a..self.outputs).map(move |b| [a, b]));
                for (sums, [a, b]) in sums.chunks_exact_mut(panel).zip(pairs) {
                    let sums = &mut sums[..count];
                    if let Some(inputs) = inputs {
                        let inputs = &inputs[i * width + first..][..count];
                        sums.iter_mut().zip(inputs).for_each(|(sum, input)| *sum *= input);
                    }
                    tile[(a * height + i) * side + b * width + first..][..count].copy_from_slice(sums);
                    tile[(b * height + i) * side + a * width + first..][..count].copy_from_slice(sums);
                }
            }
        }
    }
}
