//! What perturbs a step: sample weights `w` in sample space, or `zeta` in parameter space.
//!
//! A noise is a pure function of the draws of a step. Its law is stated twice: as the perturbation itself, and as a
//! covariance formula; tests compare the two.

mod covariance;
mod isotropic;
mod label;
mod label_flip;
mod law;
mod mini_batch_difference;
mod output_gradient;
mod step;

pub use covariance::{CovarianceOf, CovarianceShape, GaussianSampleNoise, ShapedNoise};
pub use isotropic::IsotropicNoise;
pub use label::{LabelDistribution, LabelNoise, Labels};
pub use label_flip::LabelFlip;
pub use law::{Needs, ParameterNoise, PerturbGradient, PerturbWeights, Point, SampleCovariance, SampleNoise};
pub use mini_batch_difference::MiniBatchDifference;
pub use output_gradient::OutputGradientNoise;
pub use step::{Products, Scratch, Step};

use crate::setting::{Entry, SettingError, Settings};
use std::any::Any;
use std::sync::Arc;

/// A noise, by the half of the step that it acts on.
#[derive(Clone)]
pub enum Noise {
    /// Acts on the sample weights.
    Sample(Arc<dyn SampleNoise>),
    /// Acts on the gradient.
    Parameter(Arc<dyn ParameterNoise>),
}

impl Noise {
    /// A noise of the sample weights.
    pub fn sample(noise: impl SampleNoise) -> Self {
        Self::Sample(Arc::new(noise))
    }

    /// A noise of the parameters.
    pub fn parameter(noise: impl ParameterNoise) -> Self {
        Self::Parameter(Arc::new(noise))
    }

    /// The noise that checked settings describe; `kind` is one of [`ENTRIES`].
    ///
    /// # Panics
    /// If `kind` is not one of the entries.
    pub fn from_settings(kind: &str, settings: &Settings) -> Self {
        let (_, build) = REGISTRY
            .iter()
            .find(|(entry, _)| entry.kind == kind)
            .unwrap_or_else(|| panic!("{kind:?} is not a kind of noise"));
        build(settings)
    }

    /// What the noise needs.
    pub fn needs(&self) -> Needs {
        match self {
            Noise::Sample(noise) => noise.needs(),
            Noise::Parameter(noise) => noise.needs(),
        }
    }

    /// Whether the noise is added after the momentum.
    pub fn bypasses_momentum(&self) -> bool {
        matches!(self, Noise::Parameter(noise) if noise.bypasses_momentum())
    }

    /// The noise, if it is that of labels.
    pub fn label_noise(&self) -> Option<&LabelNoise> {
        let Noise::Sample(noise) = self else { return None };
        (&**noise as &dyn Any).downcast_ref()
    }

    /// The noise, if it is that of labels and its standard deviation is to follow from a `lambda`.
    pub fn of_lambda(&self) -> Option<(LabelNoise, f64)> {
        let noise = *self.label_noise()?;
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

type Build = fn(&Settings) -> Noise;

/// Every kind of noise: its documentation, and how it is built from settings.
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
