//! A Gaussian of fixed norm on the gradient with respect to the outputs of the batch.

use super::{Noise, Point, SampleCovariance, SampleNoise, Scratch, Step};
use crate::float::Float;
use crate::random::Purpose;
use crate::setting::{Entry, Fallback, Kind, Schedule, Setting, Settings};

/// Adds `norm * z / |z|` to the derivatives of the loss with respect to the outputs of the batch, `z` standard normal with
/// its mean taken off: the label noise of the released code of Shape Matters for networks.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputGradientNoise {
    /// The norm.
    pub norm: Schedule,
    /// Position among the noises of an experiment.
    pub index: usize,
}

impl SampleNoise for OutputGradientNoise {
    fn perturb<F: Float>(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]) {
        let lanes = step.draws.lanes();
        let norm = self.norm.at(step.draws.step());
        let [z] = scratch.numbers([weights.len()]);
        step.draws.normals(Purpose::noise(self.index, 0), z);
        let count = (weights.len() / lanes) as f64;
        for lane in 0..lanes {
            let of_lane = || z[lane..].iter().step_by(lanes).map(|z| (*z).into());
            let mean = of_lane().sum::<f64>() / count;
            let squares: f64 = of_lane().map(|z: f64| (z - mean) * (z - mean)).sum();
            if squares == 0.0 {
                continue;
            }
            let factor = norm / squares.sqrt();
            for k in (lane..weights.len()).step_by(lanes) {
                weights[k] += F::of(factor * (z[k].into() - mean));
            }
        }
    }

    /// `norm^2 / (N - 1) (1 - 1 1' / N)` with the `N = n c` outputs of all samples, at the norm of the first step: uniform on
    /// a sphere without the direction of the mean. With mini-batches, its diagonal only is exact.
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance {
        let entries = point.residuals.len();
        let others = (entries as f64 - 1.0).max(1.0);
        let norm = if entries == 1 { 0.0 } else { self.norm.initial() };
        let (samples, outputs) = (point.problem.samples(), point.problem.outputs());
        SampleCovariance {
            removed: vec![norm / (others * entries as f64).sqrt(); entries],
            ..SampleCovariance::uniform(samples, outputs, norm * norm / others)
        }
    }

    fn words(&self, _: usize) -> String {
        format!("a Gaussian of norm {} on the gradient of the outputs", self.norm)
    }

    fn reads_residuals(&self) -> bool {
        // Its norm is that of all outputs of a step: steps are drawn one by one.
        true
    }

    fn needs_network(&self) -> bool {
        true
    }
}

pub(super) fn build(settings: &Settings, index: usize) -> Noise {
    Noise::Sample(Box::new(OutputGradientNoise { norm: settings.schedule("norm").clone(), index }))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "output-gradient",
    summary: "a Gaussian of fixed norm on the gradient of the outputs",
    detail: "Adds norm * z / |z| to the derivatives of the loss with respect to all outputs of the batch together, with \
             z standard normal and its mean taken off: what the released code of Shape Matters adds to the gradient of \
             the logits. For networks.",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 4 and released code",
    settings: &[Setting {
        name: "norm",
        symbol: "",
        kind: Kind::Schedule,
        fallback: Fallback::Required,
        doc: "The norm; with drops it is multiplied by each factor from its step on.",
    }],
};
