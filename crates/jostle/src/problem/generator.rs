//! Generated problems: samples and labels drawn from a law with a seed.

use super::{Problem, gaussian, matrix_sensing, sparse_regression, teacher};
use crate::error::InputError;
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};
use std::fmt::Debug;
use std::sync::Arc;

/// A law of samples and of their labels.
pub(super) trait Law: Debug + Send + Sync {
    /// Fills the rows of `x` (n x d) with independent samples.
    fn draw(&self, draws: &Draws<'_>, x: &mut [f64]);

    /// The label of a sample (d) without its noise.
    fn label(&self, sample: &[f64]) -> f64;

    /// The coefficients (d) of the labels, where they are linear.
    fn truth(&self) -> Option<&[f64]> {
        None
    }
}

/// Data sets of one law: number `k` is a pure function of the settings and of `k`.
#[derive(Debug, Clone)]
pub struct Generator {
    kind: &'static str,
    settings: Settings,
    law: Arc<dyn Law>,
}

/// Two are the same where their settings are.
impl PartialEq for Generator {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.settings) == (other.kind, &other.settings)
    }
}

impl Generator {
    /// The generator that checked settings describe; `kind` is one of those in [`super::ENTRIES`] that are generated.
    ///
    /// # Errors
    /// Settings that do not fit each other.
    ///
    /// # Panics
    /// If problems of this kind are not generated.
    pub fn from_settings(kind: &str, settings: &Settings) -> Result<Self, InputError> {
        let (entry, build) = REGISTRY
            .iter()
            .find(|(entry, _)| entry.kind == kind)
            .unwrap_or_else(|| panic!("{kind:?} is not a kind of generated problem"));
        let law = build(settings).map_err(InputError::in_section("problem"))?;
        Ok(Self { kind: entry.kind, settings: settings.clone(), law })
    }

    /// Number of samples `n`.
    pub fn samples(&self) -> usize {
        self.settings.count("samples")
    }

    /// Number of samples to test on.
    pub fn test_samples(&self) -> usize {
        if self.settings.has("test_samples") { self.settings.count("test_samples") } else { 0 }
    }

    /// Dimension `d`.
    pub fn dim(&self) -> usize {
        Self::dim_of(&self.settings)
    }

    /// Dimension `d` of the samples of these settings: `dim`, or `side` squared where samples are matrices.
    pub fn dim_of(settings: &Settings) -> usize {
        if settings.has("side") {
            return settings.count("side").saturating_mul(settings.count("side"));
        }
        settings.count("dim")
    }

    /// Numbers that a data set of these settings holds, with its truth or its teacher: what it costs, known before
    /// anything is made.
    pub fn numbers(settings: &Settings) -> f64 {
        let count = |name| if settings.has(name) { settings.count(name) as f64 } else { 0.0 };
        let dim = Self::dim_of(settings) as f64;
        let shared = dim * count("units").max(1.0);
        (count("samples") + count("test_samples")) * (dim + 1.0) + shared
    }

    /// Whether there is a ground truth.
    pub fn has_truth(&self) -> bool {
        self.law.truth().is_some()
    }

    /// Whether every replica is to have a data set of its own.
    pub fn is_per_replica(&self) -> bool {
        self.settings.flag("data_per_replica")
    }

    /// Data set number `index`.
    pub fn generate(&self, index: u32) -> Problem {
        let replicas = [index];
        let draws = Draws::new(self.settings.integer("seed"), &replicas, 0);
        let (x, y) = self.samples_of(&draws, self.samples());
        let mut problem = Problem::of(x, y, self.dim(), 1);
        if let Some(truth) = self.law.truth() {
            problem = problem.with_truth(truth.to_vec());
        }
        match self.test_samples() {
            0 => problem,
            count => {
                let (x, y) = self.samples_of(&draws.at_step(TEST), count);
                problem.with_test_of(x, y)
            }
        }
    }

    fn samples_of(&self, draws: &Draws<'_>, count: usize) -> (Vec<f64>, Vec<f64>) {
        let mut x = vec![0.0; count * self.dim()];
        self.law.draw(draws, &mut x);
        let (mut y, noise) = (vec![0.0; count], self.settings.number("label_noise"));
        if noise > 0.0 {
            draws.normals(Purpose::LABELS, &mut y);
        }
        for (sample, label) in x.chunks_exact(self.dim()).zip(&mut y) {
            *label = self.law.label(sample) + noise * *label;
        }
        (x, y)
    }
}

/// Training data are drawn at step 0, samples to test on at this one.
const TEST: u64 = 1;

/// The draws of what all data sets of a law share: its truth or its teacher.
pub(super) fn shared_draws(settings: &Settings) -> Draws<'static> {
    Draws::new(settings.integer("seed"), &[0], 0)
}

/// `sum_j x_j beta_j`.
pub(super) fn linear(sample: &[f64], coefficients: &[f64]) -> f64 {
    sample.iter().zip(coefficients).map(|(x, beta)| x * beta).sum()
}

type Build = fn(&Settings) -> Result<Arc<dyn Law>, SettingError>;

/// Every kind of generated problem: its documentation, and how its law is built from settings.
pub(super) const REGISTRY: [(Entry, Build); 4] = [
    (sparse_regression::ENTRY, sparse_regression::build),
    (gaussian::ENTRY, gaussian::build),
    (teacher::ENTRY, teacher::build),
    (matrix_sensing::ENTRY, matrix_sensing::build),
];

pub(super) const SAMPLES: Setting = Setting {
    name: "samples",
    symbol: "n",
    kind: Kind::Integer { min: 1 },
    fallback: Fallback::Required,
    doc: "Number of training samples.",
};

pub(super) const DIM: Setting = Setting {
    name: "dim",
    symbol: "d",
    kind: Kind::Integer { min: 1 },
    fallback: Fallback::Required,
    doc: "Dimension of a sample.",
};

pub(super) const TEST_SAMPLES: Setting = Setting {
    name: "test_samples",
    symbol: "",
    kind: Kind::Integer { min: 0 },
    fallback: Fallback::Absent,
    doc: "Number of further samples of the same law, label noise included, that take no part in training; by default \
          there are none.",
};

pub(super) const LABEL_NOISE: Setting = Setting {
    name: "label_noise",
    symbol: "",
    kind: Kind::Number(Range::NonNegative),
    fallback: Fallback::Number(0.0),
    doc: "Standard deviation of the noise in the data's own labels (not the noise of the dynamics).",
};

pub(super) const SEED: Setting = Setting {
    name: "seed",
    symbol: "",
    kind: Kind::Integer { min: 0 },
    fallback: Fallback::Integer(0),
    doc: "Seed of the data.",
};

pub(super) const DATA_PER_REPLICA: Setting = Setting {
    name: "data_per_replica",
    symbol: "",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    doc: "Whether every replica has a data set of its own; otherwise they share one.",
};

#[cfg(test)]
mod tests;
