//! Networks as models: predictions and gradients of whole data sets, a few samples at a time.

use super::{AnyNetwork, Model, Tape};
use crate::geometry::{KernelCost, KernelRequest, KernelSource};
use crate::linear_algebra::products_of_rows;
use crate::problem::Problem;
use crate::simd::Level;
use std::sync::Arc;

/// Numbers that a network may keep of the samples of one pass, roughly.
const NUMBERS_OF_A_PASS: f64 = 4e6;

/// Samples of one pass.
fn chunk(network: &dyn AnyNetwork) -> usize {
    // A pass keeps no more numbers of a sample than it has multiply-adds.
    (NUMBERS_OF_A_PASS / network.work_per_sample().max(1.0)).clamp(1.0, 256.0) as usize
}

impl Model for Arc<dyn AnyNetwork> {
    fn num_params(&self, _: usize) -> usize {
        AnyNetwork::num_params(&**self)
    }

    fn outputs(&self) -> usize {
        AnyNetwork::outputs(&**self)
    }

    fn coefficients(&self, theta: &[f64], _: usize) -> Option<Vec<f64>> {
        AnyNetwork::coefficients(&**self, theta)
    }

    fn predict(&self, theta: &[f64], inputs: &[f64], dim: usize) -> Vec<f64> {
        let (c, size) = (Model::outputs(self), chunk(&**self));
        let mut predictions = vec![0.0; inputs.len() / dim * c];
        let mut tape = Tape::default();
        for (inputs, out) in inputs.chunks(size * dim).zip(predictions.chunks_mut(size * c)) {
            self.forward_f64(Level::detect(), theta, inputs, &mut tape, out);
        }
        predictions
    }

    fn pull_back(&self, theta: &[f64], problem: &Problem, weights: &[f64], gradient: &mut [f64]) {
        let (c, size) = (Model::outputs(self), chunk(&**self));
        let (mut tape, mut predictions) = (Tape::default(), vec![0.0; size * c]);
        let mut part = vec![0.0; theta.len()];
        gradient.fill(0.0);
        for (inputs, w) in problem.x().chunks(size * problem.dim()).zip(weights.chunks(size * c)) {
            // Most weights are zero where a single row of the Jacobian is asked for.
            if w.iter().all(|w| *w == 0.0) {
                continue;
            }
            self.forward_f64(Level::detect(), theta, inputs, &mut tape, &mut predictions[..w.len()]);
            self.backward_f64(Level::detect(), theta, inputs, &mut tape, w, &mut part);
            gradient.iter_mut().zip(&part).for_each(|(g, p)| *g += p);
        }
    }

    fn jacobian(&self, theta: &[f64], problem: &Problem, factor: f64) -> Vec<f64> {
        let (c, params) = (Model::outputs(self), theta.len());
        let (mut tape, mut predictions, mut weights) = (Tape::default(), vec![0.0; c], vec![0.0; c]);
        let mut jacobian = vec![0.0; problem.samples() * c * params];
        for (i, rows) in jacobian.chunks_exact_mut(c * params).enumerate() {
            self.forward_f64(Level::detect(), theta, problem.row(i), &mut tape, &mut predictions);
            for (k, row) in rows.chunks_exact_mut(params).enumerate() {
                weights[k] = factor;
                self.backward_f64(Level::detect(), theta, problem.row(i), &mut tape, &weights, row);
                weights[k] = 0.0;
            }
        }
        jacobian
    }

    fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
        AnyNetwork::kernel(&**self, request)
    }

    fn kernel_cost(&self, samples: usize, _: usize) -> KernelCost {
        AnyNetwork::kernel_cost(&**self, samples)
    }

    fn kernel_blocks(&self, theta: &[f64], problem: &Problem, blocks: &mut [f64]) {
        let (c, params) = (Model::outputs(self), theta.len());
        let (mut tape, mut predictions, mut weights) = (Tape::default(), vec![0.0; c], vec![0.0; c]);
        let mut rows = vec![0.0; c * params];
        for (i, block) in blocks.chunks_exact_mut(c * c).enumerate() {
            self.forward_f64(Level::detect(), theta, problem.row(i), &mut tape, &mut predictions);
            for (k, row) in rows.chunks_exact_mut(params).enumerate() {
                weights[k] = 1.0;
                self.backward_f64(Level::detect(), theta, problem.row(i), &mut tape, &weights, row);
                weights[k] = 0.0;
            }
            products_of_rows(&rows, &rows, params, block);
        }
    }
}
