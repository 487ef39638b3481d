//! Gaussian noise with the covariance of another noise, or with less and less of its shape.
//!
//! Mini-batch noise and label noise both give the gradient a covariance `J' C J`, `C = diag(a) - u u'`. Replacing
//! them by Gaussian noise with that covariance, with its diagonal only, or with its trace only (isotropic at every
//! point) answers which part of the shape matters.

use super::{
    Needs, Noise, ParameterNoise, PerturbGradient, PerturbWeights, Point, Products, SampleCovariance,
    SampleNoise, Scratch, Step,
};
use crate::float::Float;
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings};

/// The noise whose covariance is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CovarianceOf {
    /// Mini-batches of this many samples, drawn with replacement.
    MiniBatch(usize),
    /// Label noise with `labels = "one"` and standard deviation one.
    Label,
}

impl CovarianceOf {
    /// `C` at a point.
    fn covariance(self, point: &Point<'_>, scale: f64) -> SampleCovariance {
        let (samples, outputs) = (point.problem.samples(), point.problem.outputs());
        match self {
            CovarianceOf::MiniBatch(batch) => {
                let effective = batch as f64 / (scale * scale);
                SampleCovariance::of_mini_batch(point.residuals, outputs, point.loss_factor, effective)
            }
            CovarianceOf::Label => {
                let variance = (2.0 * point.loss_factor * scale).powi(2) / samples as f64;
                SampleCovariance::uniform(samples, outputs, variance)
            }
        }
    }
}

/// How much of the covariance's shape is kept in parameter space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CovarianceShape {
    /// The diagonal of `J' C J`.
    Diagonal,
    /// `Tr(J' C J) / p` times the identity.
    Isotropic,
}

/// Gaussian noise with the whole covariance `J' C J`: drawn in sample space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianSampleNoise {
    /// The noise whose covariance is taken.
    pub of: CovarianceOf,
    /// The noise is multiplied by this (for labels: their standard deviation).
    pub scale: f64,
}

impl<F: Float> PerturbWeights<F> for GaussianSampleNoise {
    fn perturb_weights(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]) {
        let lanes = step.draws.lanes();
        let n = step.batch as f64;
        match self.of {
            CovarianceOf::Label => {
                let factor = 2.0 * step.loss_factor * self.scale / n.sqrt();
                step.draws.add_normals(step.stream(0), F::of(factor), weights);
            }
            CovarianceOf::MiniBatch(batch) => {
                // (z_i - mean z) r_i has the covariance diag(r^2) - r r' / n, with the outer product of a sample's
                // outputs instead of r^2.
                let factor = F::of(2.0 * step.loss_factor * self.scale / (n * batch as f64).sqrt());
                let [normals] = scratch.numbers([step.batch * lanes]);
                step.draws.normals(step.stream(0), normals);
                for lane in 0..lanes {
                    let mean = normals[lane..].iter().step_by(lanes).copied().sum::<F>() / F::of(n);
                    for k in (lane..weights.len()).step_by(lanes) {
                        let of_sample = normals[k / (step.outputs * lanes) * lanes + lane];
                        weights[k] += factor * step.residuals[k] * (of_sample - mean);
                    }
                }
            }
        }
    }
}

impl SampleNoise for GaussianSampleNoise {
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance {
        self.of.covariance(point, self.scale)
    }

    fn describe(&self, _: usize) -> String {
        match self.of {
            CovarianceOf::Label => {
                format!("Gaussian noise like one perturbed label of variance {}", self.scale * self.scale)
            }
            CovarianceOf::MiniBatch(size) => {
                format!("none: Gaussian noise like mini-batches of {size}, {} times", self.scale)
            }
        }
    }

    fn needs(&self) -> Needs {
        match self.of {
            CovarianceOf::Label => Needs::FULL_BATCH,
            CovarianceOf::MiniBatch(_) => Needs::FULL_BATCH | Needs::RESIDUALS,
        }
    }
}

/// Gaussian noise with the diagonal, or with only the trace, of the covariance `J' C J`: drawn in parameter space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShapedNoise {
    /// The noise whose covariance is taken.
    pub of: CovarianceOf,
    /// How much of its shape is kept.
    pub shape: CovarianceShape,
    /// The noise is multiplied by this (for labels: their standard deviation).
    pub scale: f64,
}

impl<F: Float> PerturbGradient<F> for ShapedNoise {
    fn perturb_gradient(
        &self,
        step: &Step<'_, F>,
        products: &dyn Products<F>,
        scratch: &mut Scratch<F>,
        gradient: &mut [F],
    ) {
        let lanes = step.draws.lanes();
        let (params, dim) = products.shape();
        let samples = step.batch * lanes;
        let [variances, mean_part, slopes, weights] =
            scratch.numbers([dim * lanes, dim * lanes, params * lanes, samples]);
        self.sample_diagonal(step, weights);
        products.pull_squared(weights, variances);
        if self.of != CovarianceOf::Label {
            // The removed part of C, `u = 2 c scale r / (n sqrt(B))`.
            self.sample_removed(step, weights);
            products.pull(weights, mean_part);
            for (v, m) in variances.iter_mut().zip(mean_part.iter()) {
                let variance = *v - *m * *m;
                *v = if variance > F::default() { variance } else { F::default() };
            }
        }
        products.slopes(slopes);
        for (k, s) in slopes.iter_mut().enumerate() {
            *s = *s * *s * variances[k % (dim * lanes)];
        }
        let [normals, _, deviations] = scratch.numbers([params * lanes, 0, params * lanes]);
        step.draws.normals(step.stream(0), normals);
        match self.shape {
            CovarianceShape::Diagonal => {
                for (k, z) in gradient.iter_mut().enumerate() {
                    *z += deviations[k].sqrt() * normals[k];
                }
            }
            CovarianceShape::Isotropic => {
                for lane in 0..lanes {
                    let trace: F = deviations[lane..].iter().step_by(lanes).copied().sum();
                    let deviation = (trace / F::of(params as f64)).sqrt();
                    for k in (lane..gradient.len()).step_by(lanes) {
                        gradient[k] += deviation * normals[k];
                    }
                }
            }
        }
    }
}

impl ParameterNoise for ShapedNoise {
    fn variances(&self, point: &Point<'_>) -> Vec<f64> {
        let params = point.theta.len();
        let c = self.of.covariance(point, self.scale);
        let mut variances = vec![0.0; params];
        let mut row = vec![0.0; params];
        let mut one = vec![0.0; point.residuals.len()];
        // Of the linear models, which alone draw this noise: they have one output.
        for (i, a) in c.blocks.iter().enumerate() {
            one[i] = 1.0;
            point.model.pull_back(point.theta, point.problem, &one, &mut row);
            one[i] = 0.0;
            variances.iter_mut().zip(&row).for_each(|(v, g)| *v += a * g * g);
        }
        point.model.pull_back(point.theta, point.problem, &c.removed, &mut row);
        variances.iter_mut().zip(&row).for_each(|(v, g)| *v -= g * g);
        if self.shape == CovarianceShape::Isotropic {
            let mean = variances.iter().sum::<f64>() / params as f64;
            variances.fill(mean);
        }
        variances
    }

    fn is_multiplicative(&self) -> bool {
        self.shape == CovarianceShape::Diagonal
    }

    fn needs(&self) -> Needs {
        Needs::PRODUCTS | Needs::FULL_BATCH
    }
}

impl ShapedNoise {
    /// The diagonal part of `C` for every lane.
    fn sample_diagonal<F: Float>(&self, step: &Step<'_, F>, out: &mut [F]) {
        let factor = (2.0 * step.loss_factor * self.scale).powi(2) / step.batch as f64;
        match self.of {
            CovarianceOf::Label => out.fill(F::of(factor)),
            CovarianceOf::MiniBatch(batch) => {
                let factor = F::of(factor / batch as f64);
                out.iter_mut().zip(step.residuals).for_each(|(a, r)| *a = factor * *r * *r);
            }
        }
    }

    /// The removed part of `C` for every lane.
    fn sample_removed<F: Float>(&self, step: &Step<'_, F>, out: &mut [F]) {
        let batch = match self.of {
            CovarianceOf::MiniBatch(batch) => batch as f64,
            CovarianceOf::Label => f64::INFINITY,
        };
        let factor = F::of(2.0 * step.loss_factor * self.scale / (step.batch as f64 * batch.sqrt()));
        out.iter_mut().zip(step.residuals).for_each(|(u, r)| *u = factor * *r);
    }
}

impl From<GaussianSampleNoise> for Noise {
    fn from(noise: GaussianSampleNoise) -> Self {
        Self::sample(noise)
    }
}

impl From<ShapedNoise> for Noise {
    fn from(noise: ShapedNoise) -> Self {
        Self::parameter(noise)
    }
}

pub(super) fn build(settings: &Settings) -> Noise {
    let of = match settings.text("of") {
        "label" => CovarianceOf::Label,
        _ => CovarianceOf::MiniBatch(settings.count("batch")),
    };
    let scale = settings.number("scale");
    match settings.text("shape") {
        "full" => Noise::sample(GaussianSampleNoise { of, scale }),
        shape => {
            let shape =
                if shape == "diagonal" { CovarianceShape::Diagonal } else { CovarianceShape::Isotropic };
            Noise::parameter(ShapedNoise { of, shape, scale })
        }
    }
}

pub(super) const ENTRY: Entry = Entry {
    kind: "covariance",
    summary: "Gaussian noise with the covariance of mini-batch or label noise, or only a part of its shape",
    detail: "Gaussian noise whose covariance at every point is that which a mini-batch (or a perturbed label) would \
             give the gradient there: the whole matrix (\"full\"), its diagonal (\"diagonal\"), or the identity with \
             the same trace (\"isotropic\"). Comparing the three says which part of the shape matters.",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680) ask the question; the comparison is jostle's",
    settings: &[
        Setting {
            name: "of",
            symbol: "",
            kind: Kind::Choice(&["mini-batch", "label"]),
            fallback: Fallback::Text("mini-batch"),
            doc: "The noise whose covariance is taken; \"label\" is label noise with labels = \"one\".",
        },
        Setting {
            name: "shape",
            symbol: "",
            kind: Kind::Choice(&["full", "diagonal", "isotropic"]),
            fallback: Fallback::Text("full"),
            doc: "How much of the covariance's shape is kept.",
        },
        Setting {
            name: "batch",
            symbol: "B",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Integer(1),
            doc: "Samples of the mini-batch (with replacement) whose covariance is taken.",
        },
        Setting {
            name: "scale",
            symbol: "",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Number(1.0),
            doc: "The noise is multiplied by this; for \"label\" it is the standard deviation of the label.",
        },
    ],
};
