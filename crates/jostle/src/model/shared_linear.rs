//! A linear model with several outputs that share their parameters: what a linearisation with several outputs is.

use super::{Model, Pass, Passes, Tape};
use crate::float::Float;
use crate::random::Draws;

/// `f_k(x) = sum_j x_kj theta_j`: a sample (c x p) holds a row of its own for each of its `c` outputs. Started at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedLinear {
    /// Number of parameters `p`.
    pub params: usize,
    /// Outputs `c` of a sample.
    pub outputs: usize,
}

impl<F: Float> Passes<F> for SharedLinear {
    fn forward(&self, pass: Pass<'_, F>, _: &mut Tape<F>, predictions: &mut [F]) {
        let Pass { theta, inputs, .. } = pass;
        for (row, f) in inputs.chunks_exact(self.params).zip(predictions) {
            *f = row.iter().zip(theta).map(|(x, t)| *x * *t).sum();
        }
    }

    fn backward(&self, pass: Pass<'_, F>, _: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        let Pass { inputs, .. } = pass;
        gradient.fill(F::default());
        for (row, w) in inputs.chunks_exact(self.params).zip(weights) {
            gradient.iter_mut().zip(row).for_each(|(g, x)| *g += *w * *x);
        }
    }
}

impl Model for SharedLinear {
    fn dim(&self) -> usize {
        self.params * self.outputs
    }

    fn num_params(&self) -> usize {
        self.params
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn initial(&self, _: &Draws<'_>) -> Vec<f64> {
        vec![0.0; self.params]
    }

    fn work_per_sample(&self) -> f64 {
        (2 * self.params * self.outputs) as f64
    }
}
