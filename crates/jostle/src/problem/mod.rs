//! Training data and, where there is one, the ground truth.

mod sparse_regression;

pub use sparse_regression::{Design, SparseRegression};

use crate::error::InputError;
use crate::setting::{Entry, Fallback, Kind, Range, Setting};

/// Training data `X` (n x d, row major), labels `y` (n), and the ground truth (d) when there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    x: Vec<f64>,
    y: Vec<f64>,
    truth: Option<Vec<f64>>,
    dim: usize,
}

impl Problem {
    /// Takes over training data after checking it.
    ///
    /// # Errors
    /// No samples or no dimension, arrays whose lengths disagree, or a value that is NaN or infinite (named by row and
    /// column).
    pub fn new(x: Vec<f64>, y: Vec<f64>, truth: Option<Vec<f64>>) -> Result<Self, InputError> {
        let samples = y.len();
        if samples == 0 || x.is_empty() {
            return Err(InputError::Empty { samples, dim: 0 });
        }
        let dim = truth.as_ref().map_or(x.len() / samples, Vec::len);
        if x.len() != samples * dim || dim == 0 {
            let reason = "samples times dimension";
            return Err(InputError::Length { array: "X", found: x.len(), expected: samples * dim, reason });
        }
        if let Some(k) = x.iter().position(|v| !v.is_finite()) {
            let position = format!("row {}, column {}", k / dim, k % dim);
            return Err(InputError::NotFinite { array: "X", position, value: x[k] });
        }
        for (array, values) in [("y", Some(&y)), ("truth", truth.as_ref())] {
            if let Some((k, value)) = values.and_then(|v| v.iter().enumerate().find(|(_, v)| !v.is_finite()))
            {
                return Err(InputError::NotFinite { array, position: k.to_string(), value: *value });
            }
        }
        Ok(Self { x, y, truth, dim })
    }

    /// The same labels with the design `[X, -X]`, on which signed coefficients are differences of non-negative ones.
    pub(crate) fn doubled(&self) -> Self {
        let row = |row: &[f64]| [row.to_vec(), row.iter().map(|x| -x).collect()].concat();
        let x = self.x.chunks_exact(self.dim).flat_map(row).collect();
        Self { x, y: self.y.clone(), truth: None, dim: 2 * self.dim }
    }

    /// Number of samples `n`.
    pub fn samples(&self) -> usize {
        self.y.len()
    }

    /// Dimension `d` of a sample.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// `X`, row major (n x d).
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// Sample `i` (d).
    pub fn row(&self, i: usize) -> &[f64] {
        &self.x[i * self.dim..(i + 1) * self.dim]
    }

    /// The labels (n).
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// The ground truth (d), when there is one.
    pub fn truth(&self) -> Option<&[f64]> {
        self.truth.as_deref()
    }
}

const LOSS_FACTOR: Setting = Setting {
    name: "loss_factor",
    symbol: "c",
    kind: Kind::Number(Range::Positive),
    fallback: Fallback::Absent,
    doc: "The loss is c/n times the sum of squared residuals; by default 1/4 for the square parametrisations and \
          1/2 otherwise.",
};

/// The kinds of problem that a file may name.
pub const ENTRIES: &[Entry] = &[
    sparse_regression::ENTRY,
    Entry {
        kind: "file",
        summary: "training data from a file",
        detail: "An npz file with arrays X (n x d), y (n) and optionally truth (d); or a csv or parquet file, with the \
                 column of the labels named by target and every other column a feature.",
        reference: "",
        settings: &[
            Setting {
                name: "path",
                symbol: "",
                kind: Kind::Text,
                fallback: Fallback::Required,
                doc: "The file, relative to the experiment file.",
            },
            Setting {
                name: "target",
                symbol: "y",
                kind: Kind::Text,
                fallback: Fallback::Absent,
                doc: "The column of the labels, for csv and parquet.",
            },
            LOSS_FACTOR,
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_in_the_data_is_named_by_row_and_column() {
        let mut x = vec![0.0; 12];
        x[7] = f64::NAN;
        let error = Problem::new(x, vec![0.0; 3], None).unwrap_err();
        assert_eq!(error.to_string(), "X[row 1, column 3] is NaN; expected a finite number");
        let error = Problem::new(vec![0.0; 4], vec![0.0, f64::INFINITY], None).unwrap_err();
        assert_eq!(error.to_string(), "y[1] is inf; expected a finite number");
    }

    #[test]
    fn arrays_that_disagree_are_refused() {
        assert!(Problem::new(vec![0.0; 7], vec![0.0; 3], None).is_err());
        assert!(Problem::new(vec![0.0; 6], vec![0.0; 3], Some(vec![0.0; 3])).is_err());
        assert!(Problem::new(vec![], vec![], None).is_err());
    }
}
