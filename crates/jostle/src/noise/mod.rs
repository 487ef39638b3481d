//! What perturbs a step: sample weights `w` in sample space, or `zeta` in parameter space.
//!
//! A noise is a pure function of the draws of a step. Its law is stated twice: as the perturbation itself, and as a
//! covariance formula; tests compare the two.

mod covariance;
mod erased;
mod isotropic;
mod label;
mod label_flip;
mod mini_batch_difference;
mod output_gradient;

pub use covariance::{CovarianceOf, CovarianceShape, GaussianSampleNoise, ShapedNoise};
pub use isotropic::IsotropicNoise;
pub use label::{LabelDistribution, LabelNoise, Labels};
pub use label_flip::LabelFlip;
pub use mini_batch_difference::MiniBatchDifference;
pub use output_gradient::OutputGradientNoise;

pub(crate) use erased::Perturb;
pub use erased::{AnyParameterNoise, AnySampleNoise};

use crate::float::Float;
use crate::model::Model;
use crate::problem::Problem;
use crate::random::Draws;
use crate::setting::{Entry, SettingError, Settings};

/// One step of a block of replicas, as a noise sees it; or several steps side by side, for a noise that does not look at
/// the residuals.
///
/// Arrays hold the replicas side by side: entry `k` of lane `l` stands at `k * lanes + l`.
pub struct Step<'a, F> {
    /// The random numbers of this step.
    pub draws: Draws<'a>,
    /// Number of samples in this step's batch: `n` for the full batch.
    pub batch: usize,
    /// Outputs `c` of one sample.
    pub outputs: usize,
    /// Residuals `f_i - y_i` of the batch (batch c x lanes), before any perturbation; empty for a noise that does not
    /// [read them](SampleNoise::reads_residuals).
    pub residuals: &'a [F],
    /// Labels of the batch (batch c x lanes), for a noise that [needs a network](SampleNoise::needs_network) only.
    pub labels: &'a [F],
    /// The loss factor `c`.
    pub loss_factor: f64,
}

/// The products with the factors of the Jacobian `J = X diag(slope)` that a noise with a prescribed shape needs.
/// They are there for full batches only.
pub trait Products<F> {
    /// `X' w` (d x lanes) for `w` (n x lanes).
    fn pull(&self, weights: &[F], out: &mut [F]);
    /// `(X * X)' w` (d x lanes), with the squares of the entries of `X`.
    fn pull_squared(&self, weights: &[F], out: &mut [F]);
    /// The derivatives of every coefficient with respect to its parameters (p x lanes).
    fn slopes(&self, out: &mut [F]);
    /// Parameters `p`, and dimension `d`.
    fn shape(&self) -> (usize, usize);
}

/// A point of parameter space, as a covariance formula sees it.
pub struct Point<'a> {
    /// The training data.
    pub problem: &'a Problem,
    /// The model.
    pub model: &'a dyn Model,
    /// The parameters (p).
    pub theta: &'a [f64],
    /// The residuals `f_i - y_i` (n x c).
    pub residuals: &'a [f64],
    /// The loss factor.
    pub loss_factor: f64,
    /// Number of samples in one step's batch: `n` for the full batch.
    pub batch: usize,
    /// Whether those of a batch are drawn with replacement; the full batch has every sample once.
    pub replacement: bool,
    /// The step, for settings that change on the way.
    pub step: u64,
}

/// A covariance `C = blocks - removed removed'` (nc x nc) in sample space, where different samples have only the removed
/// part in common; the gradient then has the noise covariance `J' C J`.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleCovariance {
    /// One block for the outputs of each sample (n x c x c); with one output, the diagonal (n).
    pub blocks: Vec<f64>,
    /// The vector whose outer product is taken off (nc).
    pub removed: Vec<f64>,
}

impl SampleCovariance {
    /// Covariance of the sample weights of a mini-batch of `effective_batch` samples drawn with replacement, for residuals
    /// (nc) of `c` outputs each: with the loss factor `a`, `(4 a^2 / B) (r_i r_i' / n on the blocks - r r' / n^2)`.
    pub fn of_mini_batch(residuals: &[f64], outputs: usize, loss_factor: f64, effective_batch: f64) -> Self {
        let n = (residuals.len() / outputs) as f64;
        let factor = 4.0 * loss_factor * loss_factor / effective_batch;
        let block = |r: &[f64]| -> Vec<f64> {
            r.iter().flat_map(|a| r.iter().map(move |b| factor / n * a * b)).collect()
        };
        Self {
            blocks: residuals.chunks_exact(outputs).flat_map(block).collect(),
            removed: residuals.iter().map(|r| factor.sqrt() / n * r).collect(),
        }
    }

    /// The same variance for every output of every sample, uncorrelated.
    pub fn uniform(samples: usize, outputs: usize, variance: f64) -> Self {
        let entry = |k: usize| if k / outputs % outputs == k % outputs { variance } else { 0.0 };
        Self {
            blocks: (0..samples * outputs * outputs).map(entry).collect(),
            removed: vec![0.0; samples * outputs],
        }
    }

    /// The trace of the gradient's noise covariance, `Tr(J' C J) = sum_i Tr(C_i K_ii) - |J' removed|^2`.
    pub fn trace(&self, point: &Point<'_>) -> f64 {
        let mut kernel = vec![0.0; self.blocks.len()];
        point.model.kernel_blocks(point.theta, point.problem, &mut kernel);
        let whole: f64 = kernel.iter().zip(&self.blocks).map(|(k, c)| k * c).sum();
        let mut gradient = vec![0.0; point.theta.len()];
        point.model.pull_back(point.theta, point.problem, &self.removed, &mut gradient);
        whole - gradient.iter().map(|g| g * g).sum::<f64>()
    }
}

/// Buffers that a noise may use within a step.
#[derive(Debug, Default)]
pub struct Scratch<F> {
    words: Vec<u64>,
    numbers: [Vec<F>; 4],
    marks: Vec<bool>,
    chosen: Vec<usize>,
}

impl<F: Float> Scratch<F> {
    fn words(&mut self, length: usize) -> &mut [u64] {
        if self.words.len() < length {
            self.words.resize(length, 0);
        }
        &mut self.words[..length]
    }

    fn numbers<const COUNT: usize>(&mut self, lengths: [usize; COUNT]) -> [&mut [F]; COUNT] {
        let mut buffers = self.numbers.iter_mut();
        lengths.map(|length| {
            let buffer = buffers.next().expect("at most four buffers are asked for");
            if buffer.len() < length {
                buffer.resize(length, F::default());
            }
            &mut buffer[..length]
        })
    }
}

/// Perturbs the sample weights of one step. The law is written once, for both precisions; mean and covariance are those of the
/// step at which the point is, with its settings there.
pub trait SampleNoise: Send + Sync {
    /// Adds the perturbation to the sample weights (batch x lanes). Weights are derivatives of the loss with respect
    /// to the predictions, `2 c r_i / batch` before any perturbation.
    fn perturb<F: Float>(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]);

    /// The covariance of the perturbation, as one of all `n` samples.
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance;

    /// The mean of the perturbation, as one of all samples (n c); zero for most.
    fn mean(&self, point: &Point<'_>) -> Vec<f64> {
        vec![0.0; point.residuals.len()]
    }

    /// What a step perturbs, in words, for what is printed beside a prediction.
    fn words(&self, batch: usize) -> String;

    /// The noise, if it is that of labels.
    fn label_noise(&self) -> Option<LabelNoise> {
        None
    }

    /// Whether the perturbation depends on the residuals; if not, it is drawn for many steps at a time.
    fn reads_residuals(&self) -> bool;

    /// Whether the noise is defined for full batches only.
    fn needs_full_batch(&self) -> bool {
        false
    }

    /// Checks the settings against each other and against the number of samples `n`.
    ///
    /// # Errors
    /// What does not fit.
    fn check(&self, samples: usize) -> Result<(), SettingError> {
        let _ = samples;
        Ok(())
    }

    /// Whether the noise is one of networks.
    fn needs_network(&self) -> bool {
        false
    }

    /// Whether the noise is one of labels that are classes.
    fn needs_classes(&self) -> bool {
        false
    }
}

/// Adds `zeta` to the gradient of one step. The law is written once, for both precisions.
pub trait ParameterNoise: Send + Sync {
    /// Adds this step's `zeta` (p x lanes).
    fn add<F: Float>(
        &self,
        step: &Step<'_, F>,
        products: &dyn Products<F>,
        scratch: &mut Scratch<F>,
        zeta: &mut [F],
    );

    /// The variances of the entries of `zeta` (p); the entries are uncorrelated.
    fn variances(&self, point: &Point<'_>) -> Vec<f64>;

    /// Whether `zeta` shrinks with the parameters it acts on, as gradients do.
    fn is_multiplicative(&self) -> bool;

    /// Whether `zeta` is added to the step behind the momentum, instead of to the gradient that the momentum accumulates.
    fn is_behind_momentum(&self) -> bool {
        false
    }

    /// Whether the noise is made of products with the factors of the Jacobian, which networks do not have.
    fn needs_products(&self) -> bool {
        false
    }

    /// Whether the noise is defined for full batches only.
    fn needs_full_batch(&self) -> bool {
        false
    }
}

/// A noise, by the half of the step that it acts on.
pub enum Noise {
    /// Acts on the sample weights.
    Sample(Box<dyn AnySampleNoise>),
    /// Acts on the gradient.
    Parameter(Box<dyn AnyParameterNoise>),
}

impl Clone for Noise {
    fn clone(&self) -> Self {
        match self {
            Noise::Sample(noise) => Noise::Sample(noise.boxed()),
            Noise::Parameter(noise) => Noise::Parameter(noise.boxed()),
        }
    }
}

impl Noise {
    /// The noise that checked settings describe; `kind` is one of [`ENTRIES`], and `index` is its position in the
    /// experiment, which selects its random stream.
    ///
    /// # Panics
    /// If `kind` is not one of the entries.
    pub fn from_settings(kind: &str, settings: &Settings, index: usize) -> Self {
        let (_, build) = REGISTRY
            .iter()
            .find(|(entry, _)| entry.kind == kind)
            .unwrap_or_else(|| panic!("{kind:?} is not a kind of noise"));
        build(settings, index)
    }

    /// Whether the noise is defined for full batches only.
    pub fn needs_full_batch(&self) -> bool {
        match self {
            Noise::Sample(noise) => noise.needs_full_batch(),
            Noise::Parameter(noise) => noise.needs_full_batch(),
        }
    }

    /// Whether the noise is made of products with the factors of the Jacobian, which networks do not have.
    pub fn needs_products(&self) -> bool {
        matches!(self, Noise::Parameter(noise) if noise.needs_products())
    }

    /// Whether the noise is added to the step behind the momentum.
    pub fn is_behind_momentum(&self) -> bool {
        matches!(self, Noise::Parameter(noise) if noise.is_behind_momentum())
    }

    /// The noise, if it is that of labels and its standard deviation is to follow from a `lambda`.
    pub fn of_lambda(&self) -> Option<(LabelNoise, f64)> {
        let Noise::Sample(noise) = self else { return None };
        let noise = noise.label_noise()?;
        Some((noise, noise.lambda?))
    }

    /// Checks the settings of the noise against each other and against the number of samples `n`.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, samples: usize) -> Result<(), SettingError> {
        match self {
            Noise::Sample(noise) => noise.check(samples),
            Noise::Parameter(_) => Ok(()),
        }
    }

    /// Whether the noise is one of networks.
    pub fn needs_network(&self) -> bool {
        matches!(self, Noise::Sample(noise) if noise.needs_network())
    }

    /// Whether the noise is one of labels that are classes.
    pub fn needs_classes(&self) -> bool {
        matches!(self, Noise::Sample(noise) if noise.needs_classes())
    }

    /// The trace of the covariance that the noise gives the gradient of one step.
    pub fn trace(&self, point: &Point<'_>) -> f64 {
        match self {
            Noise::Sample(noise) => noise.covariance(point).trace(point),
            Noise::Parameter(noise) => noise.variances(point).iter().sum(),
        }
    }
}

/// The trace of the covariance of one step's gradient: of all noises and of the mini-batch, of an effective size that is
/// infinite for the full batch.
pub fn total_trace(noises: &[Noise], effective_batch: f64, point: &Point<'_>) -> f64 {
    let (samples, outputs) = (point.problem.samples(), point.problem.outputs());
    let sampling = if effective_batch.is_finite() {
        // What a batch is a sample of: residuals, with the mean of what noises add to them.
        let mut residuals = point.residuals.to_vec();
        let unit = samples as f64 / (2.0 * point.loss_factor);
        for noise in noises {
            if let Noise::Sample(noise) = noise {
                residuals.iter_mut().zip(noise.mean(point)).for_each(|(r, mean)| *r += unit * mean);
            }
        }
        SampleCovariance::of_mini_batch(&residuals, outputs, point.loss_factor, effective_batch).trace(point)
    } else {
        0.0
    };
    noises.iter().map(|noise| noise.trace(point)).sum::<f64>() + sampling
}

type Build = fn(&Settings, usize) -> Noise;

/// Every kind of noise: its documentation, and how it is built from settings and its position.
const REGISTRY: [(Entry, Build); 6] = [
    (label::ENTRY, label::build),
    (mini_batch_difference::ENTRY, mini_batch_difference::build),
    (label_flip::ENTRY, label_flip::build),
    (output_gradient::ENTRY, output_gradient::build),
    (isotropic::ENTRY, isotropic::build),
    (covariance::ENTRY, covariance::build),
];

/// The kinds of noise that a file may name.
pub const ENTRIES: &[Entry] = &{
    let mut entries = [REGISTRY[0].0; REGISTRY.len()];
    let mut k = 1;
    while k < entries.len() {
        entries[k] = REGISTRY[k].0;
        k += 1;
    }
    entries
};

#[cfg(test)]
mod tests;
