//! What a run says of label noise whose standard deviation followed from a `lambda`.

use jostle::ensemble::Ensemble;
use jostle::theory::stds_of_lambdas;
use serde::{Deserialize, Serialize};

/// Lines of text before the rest is only counted.
const MOST_LINES: usize = 8;

/// Label noise whose standard deviation followed from a `lambda`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StdOfLambda {
    /// The position of the noise in the experiment.
    pub noise: usize,
    /// The penalty of the Lasso that was asked for.
    pub lambda: f64,
    /// The standard deviation.
    pub std: f64,
    /// The settings that it follows from, in words.
    pub convention: String,
}

impl StdOfLambda {
    /// All of a cell.
    pub fn of(cell: &Ensemble) -> Vec<Self> {
        let record = |found: jostle::theory::StdOfLambda| Self {
            noise: found.noise,
            lambda: found.lambda,
            std: found.std,
            convention: found.convention,
        };
        stds_of_lambdas(cell.process()).into_iter().map(record).collect()
    }
}

/// One line for each, of the cells in their order; of many only the first, and how many more there are.
pub fn lines_of_lambdas<'a>(cells: impl Iterator<Item = &'a [StdOfLambda]>) -> Vec<String> {
    let cells: Vec<_> = cells.collect();
    let mut lines = Vec::new();
    for (k, found) in cells.iter().enumerate() {
        let cell = if cells.len() > 1 { format!("cell {k}: ") } else { String::new() };
        for StdOfLambda { noise, lambda, std, convention } in *found {
            lines.push(format!("{cell}noise.{noise}.lambda = {lambda}: std = {std}, {convention}"));
        }
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if more > 0 {
        lines.push(format!("and {more} more (--json has all)"));
    }
    lines
}
