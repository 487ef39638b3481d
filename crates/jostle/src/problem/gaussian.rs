//! Gaussian samples of a given covariance with the labels of a linear teacher.

use super::LOSS_FACTOR;
use super::generator::{
    DATA_PER_REPLICA, DIM, LABEL_NOISE, Law, SAMPLES, SEED, TEST_SAMPLES, linear, shared_draws,
};
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};
use std::sync::Arc;

/// `x ~ N(0, diag(deviations^2))` and `y = x . truth`.
#[derive(Debug)]
struct Gaussian {
    deviations: Vec<f64>,
    truth: Vec<f64>,
}

impl Law for Gaussian {
    fn draw(&self, draws: &Draws<'_>, x: &mut [f64]) {
        draws.normals(Purpose::DESIGN, x);
        for sample in x.chunks_exact_mut(self.truth.len()) {
            sample.iter_mut().zip(&self.deviations).for_each(|(x, deviation)| *x *= deviation);
        }
    }

    fn label(&self, sample: &[f64]) -> f64 {
        linear(sample, &self.truth)
    }

    fn truth(&self) -> Option<&[f64]> {
        Some(&self.truth)
    }
}

/// The law that checked settings describe, unless there are two covariances, a variance below zero, or lists that have
/// not as many values as a sample.
pub(super) fn build(settings: &Settings) -> Result<Arc<dyn Law>, SettingError> {
    let dim = settings.count("dim");
    let list = |name: &'static str| -> Result<Option<&[f64]>, SettingError> {
        if !settings.has(name) {
            return Ok(None);
        }
        let values = settings.numbers(name);
        if values.len() == dim {
            return Ok(Some(values));
        }
        let problem = format!("has {} values; expected {dim} (the dimension)", values.len());
        Err(SettingError::new(name, problem))
    };
    let decay = settings.has("covariance_decay").then(|| settings.number("covariance_decay"));
    let deviations = match (list("covariance")?, decay) {
        (Some(_), Some(_)) => {
            let problem = "stands beside covariance_decay; expected one of them";
            return Err(SettingError::new("covariance", problem));
        }
        (Some(variances), None) => {
            if let Some(below) = variances.iter().find(|variance| **variance < 0.0) {
                let problem = format!("has the variance {below:?}; expected numbers, at least 0");
                return Err(SettingError::new("covariance", problem));
            }
            variances.iter().map(|variance| variance.sqrt()).collect()
        }
        // Not the platform's power: every machine draws the same data.
        (None, decay) => (1..=dim).map(|k| libm::pow(k as f64, -0.5 * decay.unwrap_or_default())).collect(),
    };
    let truth = list("truth")?.map_or_else(|| direction(settings, dim), <[f64]>::to_vec);
    Ok(Arc::new(Gaussian { deviations, truth }))
}

/// A uniformly distributed unit vector.
fn direction(settings: &Settings, dim: usize) -> Vec<f64> {
    let mut vector = vec![0.0; dim];
    shared_draws(settings).normals(Purpose::TRUTH, &mut vector);
    let norm = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    for v in &mut vector {
        *v /= norm;
    }
    vector
}

pub(super) const ENTRY: Entry = Entry {
    kind: "gaussian",
    summary: "Gaussian samples of a given covariance and a linear teacher",
    detail: "Samples are N(0, S) with a diagonal covariance S, the identity by default; y = X truth + label_noise * \
             N(0, 1). The truth is a unit vector of uniformly distributed direction unless it is given.",
    reference: "",
    settings: &[
        SAMPLES,
        DIM,
        Setting {
            name: "covariance_decay",
            symbol: "a",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Absent,
            doc: "Variances that decay as a power law: that of coordinate k = 1, 2, ... is k^-a.",
        },
        Setting {
            name: "covariance",
            symbol: "S",
            kind: Kind::Numbers,
            fallback: Fallback::Absent,
            doc: "Instead: a list of the d variances.",
        },
        Setting {
            name: "truth",
            symbol: "",
            kind: Kind::Numbers,
            fallback: Fallback::Absent,
            doc: "The d coefficients of the teacher; by default a random unit vector, the same for all replicas.",
        },
        LABEL_NOISE,
        SEED,
        TEST_SAMPLES,
        DATA_PER_REPLICA,
        LOSS_FACTOR,
    ],
};
