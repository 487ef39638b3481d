//! Random designs with a sparse truth: the problem of *Shape Matters*.

use super::generator::{DATA_PER_REPLICA, DIM, LABEL_NOISE, Law, SAMPLES, SEED, TEST_SAMPLES, linear};
use super::{Generator, LOSS_FACTOR, Problem};
use crate::error::InputError;
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings, Value};
use std::sync::Arc;

/// A sparse regression: the samples have independent entries, the labels are `y = X truth + label_noise * N(0, 1)`, and the
/// truth is `truth_value` in its first `sparsity` coordinates and 0 in the others.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseRegression {
    /// Number of training samples `n`.
    pub samples: usize,
    /// Dimension `d`.
    pub dim: usize,
    /// Coordinates of the truth that are not zero.
    pub sparsity: usize,
    /// Their value.
    pub truth_value: f64,
    /// Law of the entries of `X`.
    pub design: Design,
    /// Standard deviation of the noise in the data's own labels.
    pub label_noise: f64,
    /// Further samples of the same law to test on.
    pub test_samples: usize,
}

/// 40 samples of dimension 100, with 5 ones in the truth: the problem of *Shape Matters*.
impl Default for SparseRegression {
    fn default() -> Self {
        Self {
            samples: 40,
            dim: 100,
            sparsity: 5,
            truth_value: 1.0,
            design: Design::Gaussian,
            label_noise: 0.0,
            test_samples: 0,
        }
    }
}

impl SparseRegression {
    /// The problem with this seed: the same data as those of the experiment file with these settings.
    ///
    /// # Errors
    /// No samples or no dimension, a sparsity above the dimension, or a number that is not finite.
    pub fn draw(&self, seed: u64) -> Result<Problem, InputError> {
        let count = |value: usize| Value::Integer(value as u64);
        let design = match self.design {
            Design::Gaussian => "gaussian",
            Design::Rademacher => "rademacher",
        };
        let mut given = vec![
            ("samples", count(self.samples)),
            ("dim", count(self.dim)),
            ("sparsity", count(self.sparsity)),
            ("truth_value", Value::Number(self.truth_value)),
            ("design", Value::Text(design.to_owned())),
            ("label_noise", Value::Number(self.label_noise)),
            ("seed", Value::Integer(seed)),
        ];
        if self.test_samples > 0 {
            given.push(("test_samples", count(self.test_samples)));
        }
        let settings = Settings::check(&ENTRY, &given).map_err(InputError::in_section("problem"))?;
        Ok(Generator::from_settings(ENTRY.kind, &settings)?.generate(0))
    }
}

/// Entries of the design matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Independent N(0, 1).
    Gaussian,
    /// Independent +-1 with equal probability.
    Rademacher,
}

/// `y = X truth` with a truth that is zero but for its first coordinates.
///
/// The design has exchangeable columns, so that the place of the support does not matter.
#[derive(Debug)]
struct Sparse {
    truth: Vec<f64>,
    design: Design,
}

impl Law for Sparse {
    fn draw(&self, draws: &Draws<'_>, x: &mut [f64]) {
        match self.design {
            Design::Gaussian => draws.normals(Purpose::DESIGN, x),
            Design::Rademacher => draws.signs(Purpose::DESIGN, x),
        }
    }

    fn label(&self, sample: &[f64]) -> f64 {
        linear(sample, &self.truth)
    }

    fn truth(&self) -> Option<&[f64]> {
        Some(&self.truth)
    }
}

/// The law that checked settings describe, unless the sparsity is above the dimension or the truth has values whose
/// number is neither 1 nor the sparsity.
pub(super) fn build(settings: &Settings) -> Result<Arc<dyn Law>, SettingError> {
    let (dim, sparsity) = (settings.count("dim"), settings.count("sparsity"));
    if sparsity > dim {
        let problem = format!("is {sparsity}, more than the dimension; expected at most {dim}");
        return Err(SettingError::new("sparsity", problem));
    }
    let values = settings.numbers("truth_value");
    if values.len() != 1 && values.len() != sparsity {
        let problem = format!("has {} values; expected 1 or {sparsity} (the sparsity)", values.len());
        return Err(SettingError::new("truth_value", problem));
    }
    let mut truth = vec![0.0; dim];
    for (j, t) in truth[..sparsity].iter_mut().enumerate() {
        *t = values[j % values.len()];
    }
    let design = match settings.text("design") {
        "rademacher" => Design::Rademacher,
        _ => Design::Gaussian,
    };
    Ok(Arc::new(Sparse { truth, design }))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "sparse-regression",
    summary: "a random design and a sparse truth",
    detail: "X has independent entries, Gaussian N(0, 1) or Rademacher +-1; the truth is zero but for its first \
             sparsity coordinates; y = X truth + label_noise * N(0, 1).",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 2",
    settings: &[
        SAMPLES,
        DIM,
        Setting {
            name: "sparsity",
            symbol: "r",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Required,
            doc: "Number of coordinates of the truth that are not zero.",
        },
        Setting {
            name: "truth_value",
            symbol: "",
            kind: Kind::Numbers,
            fallback: Fallback::Number(1.0),
            doc: "Value of these coordinates: one for all, or a list of one each.",
        },
        Setting {
            name: "design",
            symbol: "X",
            kind: Kind::Choice(&["gaussian", "rademacher"]),
            fallback: Fallback::Text("gaussian"),
            doc: "Law of the entries of X.",
        },
        LABEL_NOISE,
        SEED,
        TEST_SAMPLES,
        DATA_PER_REPLICA,
        LOSS_FACTOR,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_that_is_drawn_is_that_of_the_settings() {
        let given = [("samples", 6), ("dim", 9), ("sparsity", 2), ("seed", 4)];
        let given = given.map(|(name, value)| (name, Value::Integer(value)));
        let settings = Settings::check(&ENTRY, &given).unwrap();
        let expected = Generator::from_settings(ENTRY.kind, &settings).unwrap().generate(0);
        let problem = SparseRegression { samples: 6, dim: 9, sparsity: 2, ..Default::default() };
        assert_eq!(problem.draw(4).unwrap(), expected);
        assert_ne!(problem.draw(5).unwrap(), expected);
        let refused = SparseRegression { sparsity: 10, ..problem }.draw(0).unwrap_err().to_string();
        assert_eq!(refused, "problem.sparsity is 10, more than the dimension; expected at most 9");
    }
}
