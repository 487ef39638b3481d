//! Labels replaced by others: at every step, with some probability, a class by a uniformly chosen one.

use super::{Needs, Noise, PerturbWeights, Point, SampleCovariance, SampleNoise, Scratch, Step};
use crate::float::Float;
use crate::random::Draws;
use crate::schedule::{SCHEDULES, Schedule};
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};

/// Every label of the batch is replaced, with the given probability, by a class chosen uniformly among all: one-hot with
/// several outputs, +1 or -1 with one.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelFlip {
    /// The probability `p`, at most 1.
    pub probability: Schedule,
}

/// The label of a class in one output.
fn of_class(class: usize, output: usize, outputs: usize) -> f64 {
    match outputs {
        1 => [-1.0, 1.0][class],
        _ => f64::from(u8::from(class == output)),
    }
}

impl LabelFlip {
    /// The mean of the change of a label (c) at a step, or of some function of it, over all classes and whether it is replaced.
    fn mean_of(&self, step: u64, label: &[f64], of: impl Fn(&dyn Fn(usize) -> f64) -> f64) -> f64 {
        let (outputs, classes) = (label.len(), label.len().max(2));
        let of_class = |class| of(&|k: usize| label[k] - of_class(class, k, outputs));
        self.probability.at(step) / classes as f64 * (0..classes).map(of_class).sum::<f64>()
    }
}

impl<F: Float> PerturbWeights<F> for LabelFlip {
    fn perturb_weights(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]) {
        let (lanes, outputs) = (step.draws.lanes(), step.outputs);
        let probability = self.probability.at(step.draws.step());
        let factor = F::of(2.0 * step.loss_factor / step.batch as f64);
        let words = scratch.words(2 * step.batch * lanes);
        step.draws.bits(step.stream(0), words);
        let [whether, which] = [0, 1].map(|k| &words[k * step.batch * lanes..][..step.batch * lanes]);
        for (k, (whether, which)) in whether.iter().zip(which).enumerate() {
            // 53 bits, as many as a number has.
            if (whether >> 11) as f64 * 2f64.powi(-53) >= probability {
                continue;
            }
            let (sample, lane) = (k / lanes, k % lanes);
            let class = Draws::index(*which, outputs.max(2));
            for output in 0..outputs {
                let entry = (sample * outputs + output) * lanes + lane;
                weights[entry] += factor * (step.labels[entry] - F::of(of_class(class, output, outputs)));
            }
        }
    }
}

impl SampleNoise for LabelFlip {
    /// For given batches: with the loss factor `a`, `4 a^2 / (n batch)` times the
    /// covariance of a label's change `D_i` (c), `E[D_i D_i'] - E[D_i] E[D_i]'`.
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance {
        let outputs = point.problem.outputs();
        let unit = (2.0 * point.loss_factor).powi(2) / (point.problem.samples() * point.batch) as f64;
        let block = |label: &[f64]| -> Vec<f64> {
            let mean: Vec<f64> =
                (0..outputs).map(|k| self.mean_of(point.step, label, |change| change(k))).collect();
            let entry = |a: usize, b: usize| {
                let product = self.mean_of(point.step, label, |change| change(a) * change(b));
                unit * (product - mean[a] * mean[b])
            };
            (0..outputs * outputs).map(|k| entry(k / outputs, k % outputs)).collect()
        };
        SampleCovariance {
            blocks: point.problem.y().chunks_exact(outputs).flat_map(block).collect(),
            removed: vec![0.0; point.residuals.len()],
        }
    }

    /// With the loss factor `a`, `2 a p / n` times the distance of a label from the mean of all classes.
    fn mean(&self, point: &Point<'_>) -> Vec<f64> {
        let outputs = point.problem.outputs();
        let unit = 2.0 * point.loss_factor / point.problem.samples() as f64;
        let of = |label: &[f64]| -> Vec<f64> {
            (0..outputs).map(|k| unit * self.mean_of(point.step, label, |change| change(k))).collect()
        };
        point.problem.y().chunks_exact(outputs).flat_map(of).collect()
    }

    fn describe(&self, _: usize) -> String {
        format!("labels replaced by a random class with probability {}", self.probability)
    }

    fn needs(&self) -> Needs {
        // Labels are those of the members of a step: steps are drawn one by one.
        Needs::RESIDUALS | Needs::NETWORK | Needs::CLASSES
    }

    fn check(&self, _: usize) -> Result<(), SettingError> {
        match self.probability.largest() {
            largest if largest > 1.0 => {
                Err(SettingError::new("probability", format!("is {largest}; expected at most 1")))
            }
            _ => Ok(()),
        }
    }
}

impl From<LabelFlip> for Noise {
    fn from(noise: LabelFlip) -> Self {
        Self::sample(noise)
    }
}

pub(super) fn build(settings: &Settings) -> Noise {
    let probability = Schedule::from_table(settings.table("probability"));
    Noise::sample(LabelFlip { probability })
}

pub(super) const ENTRY: Entry = Entry {
    kind: "label-flip",
    summary: "labels of the batch replaced by random classes",
    detail: "At every step each label of the batch is replaced, with the given probability, by a class chosen uniformly \
             among all (its own included). For networks on problems whose labels are classes.",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 4",
    settings: &[Setting {
        name: "probability",
        symbol: "p",
        kind: Kind::Table(&SCHEDULES),
        fallback: Fallback::Required,
        doc: "Probability, at most 1; with drops it is multiplied by each factor from its step on.",
    }],
};
