//! What a model is: its passes, its size and its start. Analysis in float64 follows from the passes.

use super::{Pass, Passes, Tape};
use crate::float::{Float, PerPrecision};
use crate::geometry::{KernelCost, KernelRequest, KernelSource};
use crate::linear_algebra::products_of_rows;
use crate::problem::Problem;
use crate::random::Draws;
use crate::simd::Level;
use std::fmt::Debug;
use std::marker::PhantomData;

/// A part of a model's parameters, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The name, such as `0.weight`.
    pub name: String,
    /// The shape; the numbers are row major.
    pub shape: Vec<usize>,
}

impl Tensor {
    /// Numbers in it.
    pub fn numbers(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Parameters theta (p) to predictions (n x c), and the product `J(theta)' w` that turns sample weights into a gradient.
///
/// A model of one's own is a struct with its sizes, `impl<F: Float> Passes<F>`, and the four required methods here.
pub trait Model: Passes<f64> + Passes<f32> + Debug + Send + Sync {
    /// Numbers of one sample `d`.
    fn dim(&self) -> usize;

    /// Number of parameters `p`; the largest whole number where there are more.
    fn num_params(&self) -> usize;

    /// Outputs `c` of one sample.
    fn outputs(&self) -> usize {
        1
    }

    /// A random start theta_0 (p): a pure function of the draws.
    fn initial(&self, draws: &Draws<'_>) -> Vec<f64>;

    /// The coefficients `beta(theta)` (d) where the model is a linear predictor `f = X beta`, whatever its parameters are.
    fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>> {
        let _ = theta;
        None
    }

    /// Multiply-adds of both passes over one sample, for estimates of time.
    fn work_per_sample(&self) -> f64;

    /// The tensors that the parameters (p) are made of, one after the other; none where they have no names.
    fn tensors(&self) -> Vec<Tensor> {
        Vec::new()
    }

    /// Predictions (m x c) of any inputs (m x d).
    fn predict(&self, theta: &[f64], inputs: &[f64]) -> Vec<f64> {
        let (c, d, size) = (self.outputs(), self.dim(), chunk(self.work_per_sample()));
        let mut predictions = vec![0.0; inputs.len() / d * c];
        let (mut tape, level) = (Tape::default(), Level::detect());
        for (inputs, out) in inputs.chunks(size * d).zip(predictions.chunks_mut(size * c)) {
            Passes::<f64>::forward(self, Pass { level, theta, inputs }, &mut tape, out);
        }
        predictions
    }

    /// The gradient `J(theta)' w` (p) for sample weights `w` (n x c); with `w_i = 2 c r_i / n` it is the loss's gradient.
    fn pull_back(&self, theta: &[f64], problem: &Problem, weights: &[f64], gradient: &mut [f64]) {
        let (c, size) = (self.outputs(), chunk(self.work_per_sample()));
        let (mut tape, mut predictions) = (Tape::default(), vec![0.0; size * c]);
        let mut part = vec![0.0; theta.len()];
        let level = Level::detect();
        gradient.fill(0.0);
        for (inputs, w) in problem.x().chunks(size * problem.dim()).zip(weights.chunks(size * c)) {
            // Most weights are zero where a single row of the Jacobian is asked for.
            if w.iter().all(|w| *w == 0.0) {
                continue;
            }
            let pass = Pass { level, theta, inputs };
            Passes::<f64>::forward(self, pass, &mut tape, &mut predictions[..w.len()]);
            Passes::<f64>::backward(self, pass, &mut tape, w, &mut part);
            gradient.iter_mut().zip(&part).for_each(|(g, p)| *g += p);
        }
    }

    /// The Jacobian `factor * J(theta)` (nc x p), row major.
    fn jacobian(&self, theta: &[f64], problem: &Problem, factor: f64) -> Vec<f64> {
        let width = self.outputs() * theta.len();
        let mut jacobian = vec![0.0; problem.samples() * width];
        let mut rows = RowsOfSamples::new(self, theta);
        for (i, of_sample) in jacobian.chunks_exact_mut(width).enumerate() {
            rows.write(problem.row(i), factor, of_sample);
        }
        jacobian
    }

    /// The blocks `K_ii = J_i J_i'` (n x c x c) of every sample on the diagonal of the kernel `K = J J'`; with one output,
    /// the squared norms `|grad_theta f(x_i)|^2`.
    fn kernel_blocks(&self, theta: &[f64], problem: &Problem, blocks: &mut [f64]) {
        let c = self.outputs();
        let mut of_sample = vec![0.0; c * theta.len()];
        let mut rows = RowsOfSamples::new(self, theta);
        for (i, block) in blocks.chunks_exact_mut(c * c).enumerate() {
            rows.write(problem.row(i), 1.0, &mut of_sample);
            products_of_rows(&of_sample, &of_sample, theta.len(), block);
        }
    }

    /// The kernel that is asked for, where there is a cheaper way to it than by the Jacobian.
    fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
        let _ = request;
        None
    }

    /// The cost of the kernel of `samples` samples, without its layers.
    fn kernel_cost(&self, samples: usize) -> KernelCost {
        KernelCost::of_jacobian(samples * self.outputs(), self.num_params())
    }
}

struct PassesOf<'a>(PhantomData<&'a ()>);

impl<'a> PerPrecision for PassesOf<'a> {
    type Of<F: Float> = &'a (dyn Passes<F> + 'a);
}

impl dyn Model + '_ {
    /// The passes in the precision `F`.
    pub fn in_precision<F: Float>(&self) -> &(dyn Passes<F> + '_) {
        F::select::<PassesOf<'_>>(self, self)
    }
}

/// Numbers that a model may keep of the samples of one pass, roughly.
const NUMBERS_OF_A_PASS: f64 = 4e6;

/// Samples of one pass.
fn chunk(work_per_sample: f64) -> usize {
    // A pass keeps no more numbers of a sample than it has multiply-adds.
    (NUMBERS_OF_A_PASS / work_per_sample.max(1.0)).clamp(1.0, 256.0) as usize
}

/// The rows of the Jacobian, sample by sample, with the buffers for them.
struct RowsOfSamples<'a, M: ?Sized> {
    model: &'a M,
    theta: &'a [f64],
    tape: Tape<f64>,
    predictions: Vec<f64>,
    weights: Vec<f64>,
    level: Level,
}

impl<'a, M: Model + ?Sized> RowsOfSamples<'a, M> {
    fn new(model: &'a M, theta: &'a [f64]) -> Self {
        let zeros = vec![0.0; model.outputs()];
        let level = Level::detect();
        Self { model, theta, tape: Tape::default(), predictions: zeros.clone(), weights: zeros, level }
    }

    /// The rows (c x p) of one sample, times a factor.
    fn write(&mut self, inputs: &[f64], factor: f64, rows: &mut [f64]) {
        let pass = Pass { level: self.level, theta: self.theta, inputs };
        Passes::<f64>::forward(self.model, pass, &mut self.tape, &mut self.predictions);
        for (k, row) in rows.chunks_exact_mut(self.theta.len()).enumerate() {
            self.weights[k] = factor;
            Passes::<f64>::backward(self.model, pass, &mut self.tape, &self.weights, row);
            self.weights[k] = 0.0;
        }
    }
}
