//! Random designs with a sparse truth: the problem of *Shape Matters*.

use super::LOSS_FACTOR;
use super::generator::{DATA_PER_REPLICA, DIM, LABEL_NOISE, Law, SAMPLES, SEED, TEST_SAMPLES, linear};
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};
use std::sync::Arc;

/// Entries of the design matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Design {
    /// Independent N(0, 1).
    Gaussian,
    /// Independent +-1 with equal probability.
    Rademacher,
}

/// `y = X truth` with a truth that is zero but for its first coordinates.
///
/// The design has exchangeable columns, so that the place of the support does not matter.
#[derive(Debug)]
struct SparseRegression {
    truth: Vec<f64>,
    design: Design,
}

impl Law for SparseRegression {
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
    Ok(Arc::new(SparseRegression { truth, design }))
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
