//! What a model is asked for when it makes its kernel itself, and who hears how far it is.

use super::{KernelSource, LayerKernel, Sums};
use crate::watch::Watch;
use std::ops::Range;

/// What is asked of a model that makes its kernel itself.
#[derive(Clone, Copy)]
pub struct KernelRequest<'a> {
    /// The point `theta` (p).
    pub theta: &'a [f64],
    /// The samples (n x d).
    pub inputs: &'a [f64],
    /// The residuals (nc) whose sums will be asked for first.
    pub residuals: &'a [f64],
    /// Maps `A_i` (n x c x c) of the outputs of every sample, where the kernel of `A_i f_i` is asked for.
    pub maps: Option<&'a [f64]>,
    /// Whether the kernels of the layers will be asked for.
    pub has_layers: bool,
    /// Who hears how far it is.
    pub watch: &'a dyn Watch,
}

impl<'a> KernelRequest<'a> {
    /// The kernel at `theta` (p) of `inputs` (n x d), to be asked for the sums of `residuals` (nc) first: without maps and
    /// layers, and unwatched.
    pub fn new(theta: &'a [f64], inputs: &'a [f64], residuals: &'a [f64]) -> Self {
        Self { theta, inputs, residuals, maps: None, has_layers: false, watch: &() }
    }

    /// The same with the kernels of the layers.
    #[must_use]
    pub fn with_layers(self) -> Self {
        Self { has_layers: true, ..self }
    }
}

/// A kernel that tells a watch of its blocks and products.
///
/// Once the watch asks to stop, the kernel is NaN, so that whatever is made of it ends at once; its owner knows why.
pub struct Watched<'a> {
    source: Box<dyn KernelSource + 'a>,
    watch: &'a dyn Watch,
}

impl<'a> Watched<'a> {
    /// Lets `watch` hear of every block of a kernel and of every product with it.
    pub fn new(source: Box<dyn KernelSource + 'a>, watch: &'a dyn Watch) -> Self {
        Self { source, watch }
    }

    /// Multiply-adds of one pass over the kernel by blocks, each of a symmetric pair once.
    pub fn work_of_pass(&self) -> f64 {
        let rows = (self.samples() * self.outputs()) as f64;
        rows * rows / 2.0 * self.work_of_entry()
    }

    /// Multiply-adds of one product.
    pub fn work_of_product(&self) -> f64 {
        let rows = (self.samples() * self.outputs()) as f64;
        rows * self.jacobian().map_or(rows, |values| 2.0 * values.len() as f64 / rows)
    }

    fn work_of_entry(&self) -> f64 {
        // An entry that is held is read only.
        self.params().filter(|_| self.jacobian().is_some()).map_or(1.0, |p| p as f64)
    }
}

impl<'a> LayerKernel<'a> {
    fn watched_by(self, watch: &'a dyn Watch) -> Self {
        Self { kernel: Box::new(Watched::new(self.kernel, watch)), ..self }
    }
}

impl KernelSource for Watched<'_> {
    fn samples(&self) -> usize {
        self.source.samples()
    }

    fn outputs(&self) -> usize {
        self.source.outputs()
    }

    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        if self.watch.should_stop() {
            return out.fill(f64::NAN);
        }
        self.source.block(rows, columns, out);
        self.watch.computed(out.len() as f64 * self.work_of_entry());
    }

    fn product(&self, v: &[f64], out: &mut [f64]) {
        if self.watch.should_stop() {
            return out.fill(f64::NAN);
        }
        self.source.product(v, out);
        self.watch.computed(self.work_of_product());
    }

    fn sums(&self, residuals: &[f64]) -> Sums {
        // A kernel that is made block by block is heard of block by block.
        match self.source.jacobian() {
            Some(_) => Sums::of_blocks(self, residuals),
            None => self.source.sums(residuals),
        }
    }

    fn exponent(&self) -> i32 {
        self.source.exponent()
    }

    fn params(&self) -> Option<usize> {
        self.source.params()
    }

    fn jacobian(&self) -> Option<&[f64]> {
        self.source.jacobian()
    }

    fn samples_of_a_block(&self) -> usize {
        self.source.samples_of_a_block()
    }

    fn layers(&self) -> Vec<LayerKernel<'_>> {
        self.source.layers().into_iter().map(|layer| layer.watched_by(self.watch)).collect()
    }
}
