//! A model of your own: phase retrieval, `f(x) = (theta . x)^2`, of which the sign of `theta` cannot be seen.
//!
//! A model states its passes once, for both precisions. Training, the kernel `J J'`, the geometry of a point and all
//! observables of it follow from them.

use jostle::Float;
use jostle::model::{Model, Pass, Passes, Tape};
use jostle::prelude::*;
use jostle::random::{Draws, Purpose};
use std::sync::Arc;

/// `f(x) = (theta . x)^2`.
#[derive(Debug)]
struct PhaseRetrieval {
    dim: usize,
}

fn dot<F: Float>(a: &[F], b: &[F]) -> F {
    a.iter().zip(b).map(|(a, b)| *a * *b).sum()
}

impl<F: Float> Passes<F> for PhaseRetrieval {
    fn forward(&self, pass: Pass<'_, F>, _: &mut Tape<F>, predictions: &mut [F]) {
        for (x, f) in pass.inputs.chunks_exact(self.dim).zip(predictions) {
            let product = dot(x, pass.theta);
            *f = product * product;
        }
    }

    fn backward(&self, pass: Pass<'_, F>, _: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        gradient.fill(F::default());
        for (x, w) in pass.inputs.chunks_exact(self.dim).zip(weights) {
            let product = dot(x, pass.theta);
            let factor = *w * (product + product);
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g += factor * *x);
        }
    }
}

impl Model for PhaseRetrieval {
    fn dim(&self) -> usize {
        self.dim
    }

    fn num_params(&self) -> usize {
        self.dim
    }

    /// A random direction of length 1/2 or so.
    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        let mut theta = vec![0.0; self.dim];
        draws.normals(Purpose::INIT, &mut theta);
        let scale = 0.5 / (self.dim as f64).sqrt();
        for t in &mut theta {
            *t *= scale;
        }
        theta
    }

    fn work_per_sample(&self) -> f64 {
        4.0 * self.dim as f64
    }
}

fn main() -> Result<(), InputError> {
    // The labels of a hidden vector: squares of those of a sparse regression.
    let linear =
        SparseRegression { samples: 60, dim: 10, sparsity: 2, ..SparseRegression::default() }.draw(2)?;
    let labels = linear.y().iter().map(|y| y * y).collect();
    let problem = Problem::new(linear.x().to_vec(), labels, None)?;
    let model = ModelSpec::of_network(Arc::new(PhaseRetrieval { dim: 10 }), 1);

    println!("batch   train_loss               trace_G");
    for (name, batch) in [("full", Batch::Full), ("4", Batch::Size(4)), ("1", Batch::Size(1))] {
        let dynamics = GradientDescent { batch, ..GradientDescent::new(4_000, 0.002) };
        let process = Process::new(problem.clone(), model.clone(), dynamics);
        let ensemble = Ensemble::new(process)?.replicas(4)?.record(["train_loss", "trace_G"])?;
        let results = ensemble.at(Recording::Log(5)).run();
        let [loss, trace] = [results.last("train_loss")?, results.last("trace_G")?];
        println!("{name:<7} {:<24} {trace}", loss.to_string());
    }
    Ok(())
}
