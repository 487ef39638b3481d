//! Random designs with a sparse truth: the problem of *Shape Matters*.

use super::{LOSS_FACTOR, Problem};
use crate::error::InputError;
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};

/// Entries of the design matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Independent N(0, 1).
    Gaussian,
    /// Independent +-1 with equal probability.
    Rademacher,
}

/// `y = X truth + label_noise * N(0, 1)` with a truth that is zero but for its first `sparsity` coordinates.
///
/// The design has exchangeable columns, so that the place of the support does not matter.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseRegression {
    samples: usize,
    dim: usize,
    truth: Vec<f64>,
    design: Design,
    label_noise: f64,
    seed: u64,
}

impl SparseRegression {
    /// The generator that checked settings describe.
    ///
    /// # Errors
    /// A sparsity above the dimension, or truth values whose number is neither 1 nor the sparsity.
    pub fn from_settings(settings: &Settings) -> Result<Self, InputError> {
        let (dim, sparsity) = (settings.count("dim"), settings.count("sparsity"));
        let refuse = |name, problem| InputError::in_section("problem")(SettingError::new(name, problem));
        if sparsity > dim {
            let problem = format!("is {sparsity}, more than the dimension; expected at most {dim}");
            return Err(refuse("sparsity", problem));
        }
        let values = settings.numbers("truth_value");
        if values.len() != 1 && values.len() != sparsity {
            let problem = format!("has {} values; expected 1 or {sparsity} (the sparsity)", values.len());
            return Err(refuse("truth_value", problem));
        }
        let mut truth = vec![0.0; dim];
        for (j, t) in truth[..sparsity].iter_mut().enumerate() {
            *t = values[j % values.len()];
        }
        let design = match settings.text("design") {
            "rademacher" => Design::Rademacher,
            _ => Design::Gaussian,
        };
        Ok(Self {
            samples: settings.count("samples"),
            dim,
            truth,
            design,
            label_noise: settings.number("label_noise"),
            seed: settings.integer("seed"),
        })
    }

    /// Number of samples `n`.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Dimension `d`.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Data set number `index`: a pure function of the seed and the index.
    pub fn generate(&self, index: u32) -> Problem {
        let replicas = [index];
        let draws = Draws::new(self.seed, &replicas, 0);
        let mut x = vec![0.0; self.samples * self.dim];
        match self.design {
            Design::Gaussian => draws.normals(Purpose::DESIGN, &mut x),
            Design::Rademacher => draws.signs(Purpose::DESIGN, &mut x),
        }
        let mut y = vec![0.0; self.samples];
        if self.label_noise > 0.0 {
            draws.normals(Purpose::LABELS, &mut y);
        }
        for (row, label) in x.chunks_exact(self.dim).zip(&mut y) {
            let clean: f64 = row.iter().zip(&self.truth).map(|(a, b)| a * b).sum();
            *label = clean + self.label_noise * *label;
        }
        Problem::of(x, y, self.dim, 1).with_truth(self.truth.clone())
    }
}

pub(super) const ENTRY: Entry = Entry {
    kind: "sparse-regression",
    summary: "a random design and a sparse truth",
    detail: "X has independent entries, Gaussian N(0, 1) or Rademacher +-1; the truth is zero but for its first \
             sparsity coordinates; y = X truth + label_noise * N(0, 1).",
    reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 2",
    settings: &[
        Setting {
            name: "samples",
            symbol: "n",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Required,
            doc: "Number of training samples.",
        },
        Setting {
            name: "dim",
            symbol: "d",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Required,
            doc: "Dimension of a sample.",
        },
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
        Setting {
            name: "label_noise",
            symbol: "",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Number(0.0),
            doc: "Standard deviation of the noise in the data's own labels (not the noise of the dynamics).",
        },
        Setting {
            name: "seed",
            symbol: "",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Integer(0),
            doc: "Seed of the data.",
        },
        Setting {
            name: "data_per_replica",
            symbol: "",
            kind: Kind::Flag,
            fallback: Fallback::Flag(false),
            doc: "Whether every replica has a data set of its own; otherwise they share one.",
        },
        LOSS_FACTOR,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Value;

    fn settings(extra: &[(&str, Value)]) -> Settings {
        let mut given = vec![
            ("samples", Value::Integer(200)),
            ("dim", Value::Integer(50)),
            ("sparsity", Value::Integer(3)),
        ];
        given.extend_from_slice(extra);
        Settings::check(&ENTRY, &given).unwrap()
    }

    #[test]
    fn labels_are_the_truths_predictions_plus_noise_of_the_stated_size() {
        let values = ("truth_value", Value::Numbers(vec![1.0, -2.0, 0.5]));
        let noise = ("label_noise", Value::Number(0.3));
        let problem = SparseRegression::from_settings(&settings(&[values, noise])).unwrap().generate(4);
        assert_eq!(&problem.truth().unwrap()[..4], [1.0, -2.0, 0.5, 0.0]);
        let mean_square: f64 = (0..200)
            .map(|i| {
                (problem.row(i)[0] - 2.0 * problem.row(i)[1] + 0.5 * problem.row(i)[2] - problem.y()[i])
                    .powi(2)
            })
            .sum::<f64>()
            / 200.0;
        // The mean of 200 squares of N(0, 0.09) has standard deviation 0.09 * sqrt(2 / 200) = 0.009.
        assert!((mean_square - 0.09).abs() < 4.0 * 0.009, "{mean_square}");
    }

    #[test]
    fn data_sets_differ_between_indices_and_repeat_for_the_same_index() {
        let source = SparseRegression::from_settings(&settings(&[])).unwrap();
        assert_eq!(source.generate(1), source.generate(1));
        assert_ne!(source.generate(1).x(), source.generate(2).x());
    }

    #[test]
    fn a_rademacher_design_has_only_signs() {
        let design = ("design", Value::Text("rademacher".into()));
        let problem = SparseRegression::from_settings(&settings(&[design])).unwrap().generate(0);
        assert!(problem.x().iter().all(|v| v.abs() == 1.0));
        let mean: f64 = problem.x().iter().sum::<f64>() / 1e4;
        assert!(mean.abs() < 4.0 * 0.01, "{mean}");
    }

    #[test]
    fn sparsity_and_truth_values_must_fit_the_dimension() {
        let many = ("sparsity", Value::Integer(51));
        let mut given = vec![("samples", Value::Integer(2)), ("dim", Value::Integer(50)), many];
        let checked = Settings::check(&ENTRY, &given).unwrap();
        assert!(SparseRegression::from_settings(&checked).unwrap_err().to_string().contains("at most 50"));
        given[2] = ("sparsity", Value::Integer(3));
        given.push(("truth_value", Value::Numbers(vec![1.0, 2.0])));
        let checked = Settings::check(&ENTRY, &given).unwrap();
        assert!(SparseRegression::from_settings(&checked).is_err());
    }
}
