//! Training data and, where there is one, the ground truth.

mod data;
mod file;
mod gaussian;
mod generator;
mod images;
mod matrix_sensing;
mod numbers;
mod preparation;
mod samples;
mod sparse_regression;
mod teacher;

pub use data::Problem;
pub use generator::Generator;
pub use images::{ImageSet, Images};
pub use numbers::SharedNumbers;
pub use preparation::{Preparation, Scaling};
pub use samples::{ImageShape, TestSet};
pub use sparse_regression::{Design, SparseRegression};

use crate::setting::{Entry, Fallback, Kind, Range, Setting};

const LOSS_FACTOR: Setting = Setting {
    name: "loss_factor",
    symbol: "a",
    kind: Kind::Number(Range::Positive),
    fallback: Fallback::Absent,
    doc: "The loss is a/n times the sum of squared residuals; by default 1/4 for the square parametrisations and \
          1/2 otherwise.",
};

/// The kinds of problem that a file may name: those that are generated, then those that are read.
pub const ENTRIES: &[Entry] = &{
    let mut entries = [file::ENTRY; generator::REGISTRY.len() + 2];
    entries[generator::REGISTRY.len() + 1] = images::ENTRY;
    let mut k = 0;
    while k < generator::REGISTRY.len() {
        entries[k] = generator::REGISTRY[k].0;
        k += 1;
    }
    entries
};
