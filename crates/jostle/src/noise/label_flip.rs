//! Labels replaced by others: at every step, with some probability, a class by a uniformly chosen one.

use super::{Noise, Point, SampleCovariance, SampleNoise, Scratch, Step};
use crate::dynamics::Schedule;
use crate::float::Float;
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};

/// Every label of the batch is replaced, with the given probability, by a class chosen uniformly among all: one-hot with
/// several outputs, +1 or -1 with one.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelFlip {
    /// The probability `p`, at most 1.
    pub probability: Schedule,
    /// Position among the noises of an experiment.
    pub index: usize,
}

/// The label of a class in one output.
fn of_class(class: usize, output: usize, outputs: usize) -> f64 {
    match outputs {
        1 => [-1.0, 1.0][class],
        _ => f64::from(u8::from(class == output)),
    }
}

impl LabelFlip {
    /// The mean of a power of the change of a label, entry `k` of all.
    fn moment(&self, point: &Point<'_>, k: usize, power: i32) -> f64 {
        let outputs = point.problem.outputs();
        let (label, classes) = (point.problem.y()[k], outputs.max(2));
        let changes = (0..classes).map(|class| (label - of_class(class, k % outputs, outputs)).powi(power));
        self.probability.initial() / classes as f64 * changes.sum::<f64>()
    }
}

impl SampleNoise for LabelFlip {
    fn perturb<F: Float>(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]) {
        let (lanes, outputs) = (step.draws.lanes(), step.outputs);
        let probability = self.probability.at(step.draws.step());
        let factor = F::of(2.0 * step.loss_factor / step.batch as f64);
        let words = scratch.words(2 * step.batch * lanes);
        step.draws.bits(Purpose::noise(self.index, 0), words);
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

    /// The diagonal part, at the probability of the first step: `4 c^2 / (n batch)` times the variance of a label.
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance {
        let unit = (2.0 * point.loss_factor).powi(2) / (point.problem.samples() * point.batch) as f64;
        let variance = |k| unit * (self.moment(point, k, 2) - self.moment(point, k, 1).powi(2));
        let diagonal: Vec<f64> = (0..point.residuals.len()).map(variance).collect();
        SampleCovariance { removed: vec![0.0; diagonal.len()], diagonal }
    }

    /// `2 c p / n` times the distance of a label from the mean of all classes.
    fn mean(&self, point: &Point<'_>) -> Vec<f64> {
        let unit = 2.0 * point.loss_factor / point.problem.samples() as f64;
        (0..point.residuals.len()).map(|k| unit * self.moment(point, k, 1)).collect()
    }

    fn words(&self, _: usize) -> String {
        format!("labels replaced by a random class with probability {}", self.probability)
    }

    fn reads_residuals(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), SettingError> {
        let drops = self.probability.drops().iter();
        let all = drops.map(|(step, _)| self.probability.at(*step)).chain([self.probability.initial()]);
        match all.fold(0.0, f64::max) {
            largest if largest > 1.0 => {
                Err(SettingError::new("probability", format!("is {largest}; expected at most 1")))
            }
            _ => Ok(()),
        }
    }

    fn needs_network(&self) -> bool {
        true
    }

    fn needs_classes(&self) -> bool {
        true
    }
}

pub(super) fn build(settings: &Settings, index: usize) -> Noise {
    let probability = settings.schedule("probability").clone();
    Noise::Sample(Box::new(LabelFlip { probability, index }))
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
        kind: Kind::Schedule,
        fallback: Fallback::Required,
        doc: "Probability, at most 1; with drops it is multiplied by each factor from its step on.",
    }],
};
