//! Label noise: at every step, labels are replaced by `y_i + eps_i` with fresh `eps_i`.

use super::{Needs, Noise, PerturbWeights, Point, SampleCovariance, SampleNoise, Scratch, Step};
use crate::float::Float;
use crate::random::Draws;
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings};

/// Which labels are perturbed in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// One of the batch, uniformly chosen, with the weight of a batch of its own: `w_i -= 2 a eps`, in every output.
    One,
    /// Every one of the batch: `w_i -= 2 a eps_i / batch`.
    Batch,
}

/// The law of a perturbation of standard deviation one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelDistribution {
    /// N(0, 1).
    Gaussian,
    /// +-1 with equal probability.
    Rademacher,
}

/// Fresh noise in the labels at every step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelNoise {
    /// Standard deviation `delta` of the perturbation; NaN where it follows from `lambda` and no cell has been checked yet.
    pub std: f64,
    /// The mean penalty `lambda_j` of the Lasso that the time average is to tend to, where it takes the place of `std`,
    /// see [`std_of_lambda`](crate::theory::std_of_lambda).
    pub lambda: Option<f64>,
    /// Which labels.
    pub labels: Labels,
    /// Which law.
    pub distribution: LabelDistribution,
}

impl LabelNoise {
    /// In each step one label is perturbed, by `std * N(0, 1)`.
    pub fn gaussian(std: f64) -> Self {
        Self { std, lambda: None, labels: Labels::One, distribution: LabelDistribution::Gaussian }
    }

    /// In each step one label is perturbed, by `std` or `-std`.
    pub fn rademacher(std: f64) -> Self {
        Self { distribution: LabelDistribution::Rademacher, ..Self::gaussian(std) }
    }

    /// In each step one label is perturbed, as strongly as makes the time average of a square model tend to the Lasso
    /// with this mean penalty `lambda`.
    pub fn of_lasso(lambda: f64) -> Self {
        Self { lambda: Some(lambda), ..Self::gaussian(f64::NAN) }
    }

    fn perturbations<F: Float>(&self, step: &Step<'_, F>, out: &mut [F]) {
        match self.distribution {
            LabelDistribution::Gaussian => step.draws.normals(step.stream(1), out),
            LabelDistribution::Rademacher => step.draws.signs(step.stream(1), out),
        }
    }
}

impl<F: Float> PerturbWeights<F> for LabelNoise {
    fn perturb_weights(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]) {
        let lanes = step.draws.lanes();
        let factor = 2.0 * step.loss_factor * self.std;
        match self.labels {
            Labels::One => {
                let factor = F::of(factor);
                let (words, [eps]) = scratch.buffers(lanes, [step.outputs * lanes]);
                self.perturbations(step, eps);
                if step.batch == 1 {
                    weights.iter_mut().zip(eps).for_each(|(w, eps)| *w -= factor * *eps);
                    return;
                }
                step.draws.bits(step.stream(0), words);
                for (lane, word) in words.iter().enumerate() {
                    let first = Draws::index(*word, step.batch) * step.outputs;
                    let eps = eps[lane..].iter().step_by(lanes);
                    for (output, eps) in eps.take(step.outputs).enumerate() {
                        weights[(first + output) * lanes + lane] -= factor * *eps;
                    }
                }
            }
            Labels::Batch => {
                let [eps] = scratch.numbers([weights.len()]);
                self.perturbations(step, eps);
                let factor = F::of(factor / step.batch as f64);
                weights.iter_mut().zip(eps).for_each(|(w, eps)| *w -= factor * *eps);
            }
        }
    }
}

impl SampleNoise for LabelNoise {
    fn describe(&self, batch: usize) -> String {
        let variance = self.std * self.std;
        match self.labels {
            Labels::One => format!("one perturbed label a step, of variance {variance}"),
            Labels::Batch => {
                format!(
                    "every label of the batch of {batch} is perturbed: its variance {variance}, divided by {batch}"
                )
            }
        }
    }

    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    /// `4 c^2 delta^2 / n` on the diagonal, divided by the batch when all its labels are perturbed.
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance {
        let one = (2.0 * point.loss_factor * self.std).powi(2) / point.problem.samples() as f64;
        let variance = match self.labels {
            Labels::One => one,
            Labels::Batch => one / point.batch as f64,
        };
        SampleCovariance::uniform(point.problem.samples(), point.problem.outputs(), variance)
    }
}

impl From<LabelNoise> for Noise {
    fn from(noise: LabelNoise) -> Self {
        Self::sample(noise)
    }
}

pub(super) fn build(settings: &Settings) -> Noise {
    Noise::sample(LabelNoise {
        std: if settings.has("std") { settings.number("std") } else { f64::NAN },
        lambda: settings.has("lambda").then(|| settings.number("lambda")),
        labels: if settings.text("labels") == "one" { Labels::One } else { Labels::Batch },
        distribution: match settings.text("distribution") {
            "rademacher" => LabelDistribution::Rademacher,
            _ => LabelDistribution::Gaussian,
        },
    })
}

pub(super) const ENTRY: Entry = Entry {
    kind: "label",
    summary: "fresh noise in the labels at every step",
    detail: "Labels y_i are replaced by y_i + eps_i with fresh, independent eps_i of mean 0. \"one\": a single label \
             of the batch, uniformly chosen, perturbs the gradient as in a batch of its own, which adds -2 a eps \
             grad f_i (the released code of Shape Matters). \"batch\" or \"all\": every label of the step's batch is \
             perturbed and weighs 1/batch as its residual does; with the full batch that is every label.",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 2; Pillaud-Vivien et al. 2022 (arXiv 2206.09841)",
    settings: &[
        Setting {
            name: "std",
            symbol: "delta",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::NumberUnless { value: 1.0, other: "lambda" },
            doc: "Standard deviation of a label's perturbation.",
        },
        Setting {
            name: "lambda",
            symbol: "lambda",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Absent,
            doc: "In the place of std: the penalty of the Lasso |X beta - y|^2 / 2n + lambda |beta|_1 that the time \
                  average is to tend to (alpha in scikit-learn). std follows from it, the last step size, momentum, labels \
                  and loss factor, less what mini-batches and other noises add. Where columns have unequal norms, \
                  lambda is the mean of the lambda_j of a weighted Lasso.",
        },
        Setting {
            name: "labels",
            symbol: "",
            kind: Kind::Choice(&["one", "batch", "all"]),
            fallback: Fallback::Text("one"),
            doc: "Which labels are perturbed in a step.",
        },
        Setting {
            name: "distribution",
            symbol: "",
            kind: Kind::Choice(&["gaussian", "rademacher"]),
            fallback: Fallback::Text("gaussian"),
            doc: "Law of a perturbation.",
        },
    ],
};
