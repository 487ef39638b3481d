//! A noise of your own: labels perturbed by the product of two normal numbers, whose tails are heavier than a Gaussian's.
//!
//! A noise states its law twice: as the perturbation of a step, and as a covariance, from which the observable
//! `noise_trace` and theory follow. With the same variance, the Lasso that theory predicts is that of Gaussian noise.

use jostle::Float;
use jostle::noise::{Labels, Needs, PerturbWeights, Point, SampleCovariance, SampleNoise, Scratch, Step};
use jostle::prelude::*;
use jostle::theory::predicted_lasso_of;

/// Adds `std * N(0, 1) * N(0, 1)` to every label of a step.
struct HeavyTails {
    std: f64,
}

/// Written once, for both precisions.
impl<F: Float> PerturbWeights<F> for HeavyTails {
    fn perturb_weights(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]) {
        let [a, b] = scratch.numbers([weights.len(), weights.len()]);
        // Random streams that no other noise of the process has.
        step.draws.normals(step.stream(0), a);
        step.draws.normals(step.stream(1), b);
        // A label that is larger by 1 makes the derivative of the loss smaller by this.
        let factor = F::of(2.0 * step.loss_factor * self.std / step.batch as f64);
        for (weight, (a, b)) in weights.iter_mut().zip(a.iter().zip(&*b)) {
            *weight -= factor * *a * *b;
        }
    }
}

impl SampleNoise for HeavyTails {
    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    /// A sample is in a batch of `B` of `n` samples with probability `B / n`.
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance {
        let (n, outputs) = (point.problem.samples(), point.problem.outputs());
        let perturbation = 2.0 * point.loss_factor * self.std;
        let variance = perturbation * perturbation / (point.batch * n) as f64;
        SampleCovariance::uniform(n, outputs, variance)
    }

    fn describe(&self, batch: usize) -> String {
        format!("products of normal numbers on {batch} labels a step, of variance {}", self.std * self.std)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = SparseRegression { dim: 60, ..SparseRegression::default() }.draw(0)?;
    let gaussian = LabelNoise { labels: Labels::Batch, ..LabelNoise::gaussian(3.0) };
    for (name, noise) in
        [("heavy tails", Noise::sample(HeavyTails { std: 3.0 })), ("Gaussian", gaussian.into())]
    {
        let dynamics = GradientDescent::new(5_000, 0.02);
        let process = Process::new(problem.clone(), ModelSpec::new(Square, 0.5), dynamics).noise(noise);
        let lambda = predicted_lasso_of(&process)?.lambda[0];
        let results = Ensemble::new(process)?.replicas(16)?.record(["noise_trace", "test_error"])?.run();
        println!("{name}: predicted lambda_1 {lambda:.4e}");
        println!("  noise_trace {}", results.last("noise_trace")?);
        println!("  test_error  {}", results.last("test_error")?);
    }
    Ok(())
}
