//! What a noise is: a perturbation, and the law that it states about itself.

use super::{Products, Scratch, Step};
use crate::float::{Float, PerPrecision};
use crate::model::Model;
use crate::problem::Problem;
use crate::setting::SettingError;
use std::any::Any;
use std::marker::PhantomData;
use std::ops::BitOr;

/// The perturbation of a [`SampleNoise`] in one precision, written once for both: `impl<F: Float> PerturbWeights<F> for ..`.
pub trait PerturbWeights<F> {
    /// Adds the perturbation of a step to `weights` (batch c x lanes). Weights are derivatives of the loss with respect to
    /// the outputs, `2 c r_i / batch` before any perturbation; a buffer may hold the perturbations alone.
    fn perturb_weights(&self, step: &Step<'_, F>, scratch: &mut Scratch<F>, weights: &mut [F]);
}

/// The perturbation of a [`ParameterNoise`] in one precision, written once for both: `impl<F: Float> PerturbGradient<F> for ..`.
pub trait PerturbGradient<F> {
    /// Adds the `zeta` of a step to `gradient` (p x lanes).
    fn perturb_gradient(
        &self,
        step: &Step<'_, F>,
        products: &dyn Products<F>,
        scratch: &mut Scratch<F>,
        gradient: &mut [F],
    );
}

/// Perturbs the sample weights of one step. Mean and covariance are those of the step at which the point is, with its
/// settings there.
pub trait SampleNoise: PerturbWeights<f64> + PerturbWeights<f32> + Any + Send + Sync {
    /// What the noise needs. One that does not need [`Needs::RESIDUALS`] is drawn for many steps at a time, and has a
    /// flow in continuous time.
    fn needs(&self) -> Needs;

    /// The covariance of the perturbation, as one of all `n` samples.
    fn covariance(&self, point: &Point<'_>) -> SampleCovariance;

    /// The mean of the perturbation, as one of all samples (n c); zero for most.
    fn mean(&self, point: &Point<'_>) -> Vec<f64> {
        vec![0.0; point.residuals.len()]
    }

    /// A description of the perturbation of a step, to be printed with a prediction.
    fn describe(&self, batch: usize) -> String;

    /// Checks the settings against each other and against the number of samples `n`.
    ///
    /// # Errors
    /// Settings that do not fit.
    fn check(&self, samples: usize) -> Result<(), SettingError> {
        let _ = samples;
        Ok(())
    }
}

/// Adds `zeta` to the gradient of one step.
pub trait ParameterNoise: PerturbGradient<f64> + PerturbGradient<f32> + Any + Send + Sync {
    /// What the noise needs.
    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    /// The variances of the entries of `zeta` (p); the entries are uncorrelated.
    fn variances(&self, point: &Point<'_>) -> Vec<f64>;

    /// Whether `zeta` shrinks with the parameters that it acts on, as gradients do.
    fn is_multiplicative(&self) -> bool;

    /// Whether `zeta` is added after the momentum, instead of to the gradient that the momentum accumulates.
    fn bypasses_momentum(&self) -> bool {
        false
    }
}

/// A set of things that a noise needs to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs(u8);

impl Needs {
    /// Nothing but random numbers.
    pub const NOTHING: Self = Self(0);
    /// The residuals of the step.
    pub const RESIDUALS: Self = Self(1);
    /// Full batches.
    pub const FULL_BATCH: Self = Self(1 << 1);
    /// A network.
    pub const NETWORK: Self = Self(1 << 2);
    /// Labels that are classes.
    pub const CLASSES: Self = Self(1 << 3);
    /// [`Products`] with the factors of the Jacobian.
    pub const PRODUCTS: Self = Self(1 << 4);

    /// Whether all that `other` needs is needed.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Needs {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

struct Weights<'a>(PhantomData<&'a ()>);

impl<'a> PerPrecision for Weights<'a> {
    type Of<F: Float> = &'a dyn PerturbWeights<F>;
}

struct Gradients<'a>(PhantomData<&'a ()>);

impl<'a> PerPrecision for Gradients<'a> {
    type Of<F: Float> = &'a dyn PerturbGradient<F>;
}

impl dyn SampleNoise {
    /// The perturbation in the precision `F`.
    pub fn in_precision<F: Float>(&self) -> &dyn PerturbWeights<F> {
        F::select::<Weights<'_>>(self, self)
    }
}

impl dyn ParameterNoise {
    /// The perturbation in the precision `F`.
    pub fn in_precision<F: Float>(&self) -> &dyn PerturbGradient<F> {
        F::select::<Gradients<'_>>(self, self)
    }
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
