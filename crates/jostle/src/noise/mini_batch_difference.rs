//! The released code's "mini-batch noise": the full gradient plus the difference of two mini-batch gradients.

use super::{Needs, Noise, PerturbWeights, Point, SampleCovariance, SampleNoise, Scratch, Step};
use crate::float::Float;
use crate::geometry::effective_batch_without_replacement;
use crate::random::Draws;
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};

/// Adds `scale * (grad L_S - grad L_S')` with two independent batches, each drawn without replacement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MiniBatchDifference {
    /// The factor `delta`.
    pub scale: f64,
    /// Samples in each of the two batches.
    pub batch: usize,
}

impl<F: Float> PerturbWeights<F> for MiniBatchDifference {
    fn perturb_weights(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]) {
        let lanes = step.draws.lanes();
        let size = self.batch;
        let factor = 2.0 * step.loss_factor * self.scale / size as f64;
        for (channel, factor) in [(0, F::of(factor)), (1, F::of(-factor))] {
            step.draws.bits(step.stream(channel), scratch.words(size * lanes));
            for lane in 0..lanes {
                let mut add = |i: usize| {
                    for entry in i * step.outputs..(i + 1) * step.outputs {
                        let k = entry * lanes + lane;
                        weights[k] += factor * step.residuals[k];
                    }
                };
                if size == 1 {
                    add(Draws::index(scratch.words(lanes)[lane], step.batch));
                    continue;
                }
                let (words, chosen, marks) = scratch.choice(size * lanes, size);
                let words = words[lane..].iter().step_by(lanes).copied();
                Draws::subset(words, step.batch, chosen, marks);
                for i in chosen {
                    add(*i);
                }
            }
        }
    }
}

impl SampleNoise for MiniBatchDifference {
    /// Twice the covariance of a mini-batch drawn without replacement, times `scale^2`.
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance {
        let effective = effective_batch_without_replacement(self.batch, point.problem.samples());
        SampleCovariance::of_mini_batch(
            point.residuals,
            point.problem.outputs(),
            point.loss_factor,
            effective / (2.0 * self.scale * self.scale),
        )
    }

    fn describe(&self, _: usize) -> String {
        format!("none: the difference of two mini-batches of {}, {} times", self.batch, self.scale)
    }

    fn needs(&self) -> Needs {
        Needs::RESIDUALS | Needs::FULL_BATCH
    }

    /// Two batches of all samples are the same: their difference would be no noise.
    fn check(&self, samples: usize) -> Result<(), SettingError> {
        if self.batch < samples {
            return Ok(());
        }
        let problem = format!(
            "is {}, but the problem has {samples} samples; expected fewer, as two batches of all samples do not differ",
            self.batch
        );
        Err(SettingError::new("batch", problem))
    }
}

impl From<MiniBatchDifference> for Noise {
    fn from(noise: MiniBatchDifference) -> Self {
        Self::sample(noise)
    }
}

pub(super) fn build(settings: &Settings) -> Noise {
    let (scale, batch) = (settings.number("scale"), settings.count("batch"));
    Noise::sample(MiniBatchDifference { scale, batch })
}

pub(super) const ENTRY: Entry = Entry {
    kind: "mini-batch-difference",
    summary: "the full gradient plus the difference of two mini-batch gradients",
    detail: "Adds scale * (grad L_S - grad L_S') to the full gradient, with two independent batches S and S', each \
             drawn without replacement: the \"mini-batch noise\" of the released code of Shape Matters. With scale 1 \
             its covariance is twice that of a mini-batch.",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680), released code",
    settings: &[
        Setting {
            name: "scale",
            symbol: "delta",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Number(1.0),
            doc: "Factor of the difference.",
        },
        Setting {
            name: "batch",
            symbol: "B",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Integer(1),
            doc: "Samples in each of the two batches, fewer than there are.",
        },
    ],
};
