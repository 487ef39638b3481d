//! Training data and, where there is one, the ground truth.

mod data;
mod samples;
mod sparse_regression;

pub use data::Problem;
pub use samples::{ImageShape, TestSet};
pub use sparse_regression::{Design, SparseRegression};

use crate::setting::{Entry, Fallback, Kind, Range, Setting};

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
