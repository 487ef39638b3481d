//! Random features: a network whose hidden layer stays as it was drawn, which is a linear model of other data.

use super::activation::{ACTIVATION, Activation};
use super::start::WIDTH;
use crate::error::InputError;
use crate::problem::{Problem, TestSet};
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, Settings};
use crate::simd::{Level, View, product};

/// `f(x) = sum_j theta_j phi(w_j . x) / sqrt(m)` with `m` fixed `w_j ~ scale N(0, I/d)`.
///
/// For `x ~ N(0, I)` the inputs of units are of the size of `scale`, and thanks to the root the kernel of the features
/// tends to a limit as `m` grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomFeatures {
    /// Number of features `m`.
    pub width: usize,
    /// `phi`.
    pub activation: Activation,
    /// Size of the weights `w_j`.
    pub scale: f64,
    /// Seed of the weights.
    pub seed: u64,
}

impl RandomFeatures {
    /// The kind that a file may name, with its settings.
    pub const ENTRY: Entry = ENTRY;

    /// The features that checked settings describe.
    pub fn from_settings(settings: &Settings) -> Self {
        Self {
            width: settings.count(WIDTH.name),
            activation: Activation::from_settings(settings),
            scale: settings.number("scale"),
            seed: settings.integer("features_seed"),
        }
    }

    /// The problem in which the model is linear: the design `Phi` (n x m), `Phi_ij = phi(w_j . x_i) / sqrt(m)`, and the same
    /// labels. Samples to test on are transformed likewise. A ground truth, which is one of the original data, is left out.
    ///
    /// # Errors
    /// Features that are not finite.
    pub fn design(&self, problem: &Problem) -> Result<Problem, InputError> {
        let weights = self.weights(problem.dim());
        let of = |x: &[f64]| self.features(&weights, problem.dim(), x);
        let design = Problem::with_outputs(of(problem.x()), problem.y().to_vec(), problem.outputs())?;
        let design = if problem.is_classification() { design.with_classes()? } else { design };
        match problem.test().map(|test: &TestSet| (of(test.x()), test.y().to_vec())) {
            Some((x, y)) => design.with_test(x, y),
            None => Ok(design),
        }
    }

    /// How many numbers the weights and the features of so many samples of dimension `dim` are.
    pub fn numbers(&self, samples: usize, dim: usize) -> f64 {
        self.width as f64 * (dim as f64 + samples as f64)
    }

    /// The weights (d x m), a column for every feature.
    fn weights(&self, dim: usize) -> Vec<f64> {
        let mut weights = vec![0.0; dim * self.width];
        Draws::new(self.seed, &[0], 0).normals(Purpose::FEATURES, &mut weights);
        let size = self.scale / (dim as f64).sqrt();
        for w in &mut weights {
            *w *= size;
        }
        weights
    }

    /// The features (n x m) of samples (n x d).
    fn features(&self, weights: &[f64], dim: usize, x: &[f64]) -> Vec<f64> {
        let level = Level::detect();
        let mut features = vec![0.0; x.len() / dim * self.width];
        product(level, View::new(x, dim), weights, &mut features);
        self.activation.apply(level, &mut features);
        let root = (self.width as f64).sqrt();
        for f in &mut features {
            *f /= root;
        }
        features
    }
}

const ENTRY: Entry = Entry {
    kind: "random-features",
    summary: "a linear model of random ReLU or tanh features",
    detail: "f(x) = sum_j theta_j phi(w_j . x) / sqrt(width) with fixed w_j ~ scale N(0, I/d): the model linear on the \
             design of the features, with theta started at init (0 by default). With x ~ N(0, I) the inputs of units \
             are of the size of scale, and the curvature does not depend on the width. Loss (1/2n) sum r^2.",
    reference: "Wu, Wang, Su 2022 (arXiv 2207.02628), section 4; Rahimi, Recht 2007",
    settings: &[
        WIDTH,
        ACTIVATION,
        Setting {
            name: "scale",
            symbol: "",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Number(1.0),
            doc: "Size of the weights of the features, in units of 1/sqrt(d).",
        },
        Setting {
            name: "features_seed",
            symbol: "",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Integer(0),
            doc: "Seed of the weights of the features.",
        },
        Setting {
            name: "init",
            symbol: "theta_0",
            kind: Kind::Numbers,
            fallback: Fallback::Number(0.0),
            doc: "The start, one for all features or a list of width.",
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Batches, Jacobian, Spectrum};
    use crate::setting::Value;

    fn features(width: u64, activation: &str) -> RandomFeatures {
        let given = [("width", Value::Integer(width)), ("activation", Value::Text(activation.to_owned()))];
        RandomFeatures::from_settings(&Settings::check(&ENTRY, &given).unwrap())
    }

    fn gaussian(samples: usize, dim: usize) -> Problem {
        let (mut x, mut y) = (vec![0.0; samples * dim], vec![0.0; samples]);
        let draws = Draws::new(2, &[0], 0);
        draws.normals(Purpose::DESIGN, &mut x);
        draws.signs(Purpose::LABELS, &mut y);
        Problem::new(x, y, Some(vec![1.0; dim])).unwrap()
    }

    #[test]
    fn features_are_those_of_the_formula_for_training_and_test_samples() {
        let problem = gaussian(3, 4).with_classes().unwrap();
        let problem = problem.clone().with_test(problem.x().to_vec(), problem.y().to_vec()).unwrap();
        for activation in ["relu", "tanh"] {
            let features = features(7, activation);
            let design = features.design(&problem).unwrap();
            let weights = features.weights(4);
            for i in 0..3 {
                for j in 0..7 {
                    let z: f64 = (0..4).map(|k| problem.row(i)[k] * weights[k * 7 + j]).sum();
                    let value = if activation == "relu" { z.max(0.0) } else { z.tanh() };
                    assert!((design.row(i)[j] - value / 7.0f64.sqrt()).abs() < 1e-15);
                }
            }
            assert_eq!(design.test().map(TestSet::x), Some(design.x()));
            assert_eq!((design.y(), design.truth()), (problem.y(), None));
            assert!(design.is_classification());
        }
    }

    #[test]
    fn the_limit_of_stability_depends_neither_on_the_width_nor_on_the_samples() {
        let threshold = |width: u64, samples: usize| {
            let design = features(width, "tanh").design(&gaussian(samples, 10)).unwrap();
            let source = Jacobian::new(design.x().to_vec(), design.dim(), 1).unwrap();
            let single = Batches::with_replacement(1);
            Spectrum::new(&source).unwrap().max_stable_learning_rate(single).unwrap().learning_rate
        };
        for (width, samples) in [(100, 60), (3200, 60), (800, 20), (800, 200)] {
            let found = threshold(width, samples);
            assert!((found / 5.0 - 1.0).abs() < 0.05, "width {width}, {samples} samples: {found}");
        }
    }
}
