//! From replicas to a measured value with its interval.

use super::Paper;
use crate::claim::Claim;
use crate::number::compact_interval;
use crate::run::Run;
use crate::storage::StorageError;
use jostle::statistics::{bootstrap, mean, median, median_interval, wilson};

/// Seed of the resampling; any fixed number will do.
const SEED: u64 = 200_608_680;

/// A measured value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Measured {
    /// The mean of replicas, with a bootstrap interval.
    pub fn mean(values: &[f64]) -> Self {
        let interval = bootstrap(values, SEED, mean);
        Self { value: mean(values), low: interval.low, high: interval.high }
    }

    /// The median of replicas, with the interval of order statistics (or their whole range, below six replicas).
    /// Values that are not numbers count as infinite.
    pub fn median(values: &[f64]) -> Self {
        let values: Vec<f64> = values.iter().map(|v| if v.is_nan() { f64::INFINITY } else { *v }).collect();
        let range = || {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            (low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
        };
        let (low, high) =
            median_interval(&values).map_or_else(range, |interval| (interval.low, interval.high));
        Self { value: median(&values), low, high }
    }

    /// A statistic of the means of several lists, whose entries at one place belong together (were made with one seed),
    /// with a bootstrap interval over places.
    pub fn of_means(lists: &[Vec<f64>], statistic: impl Fn(&[f64]) -> f64) -> Self {
        let at = |places: &[f64]| {
            let of = |list: &Vec<f64>| mean(&places.iter().map(|k| list[*k as usize]).collect::<Vec<_>>());
            statistic(&lists.iter().map(of).collect::<Vec<_>>())
        };
        let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
        let places: Vec<f64> = (0..shortest).map(|k| k as f64).collect();
        let interval = bootstrap(&places, SEED, at);
        Self { value: at(&places), low: interval.low, high: interval.high }
    }

    /// A share of trials, with the interval of Wilson.
    pub fn share(successes: usize, trials: usize) -> Self {
        let interval = wilson(successes as u64, trials as u64);
        Self { value: successes as f64 / trials as f64, low: interval.low, high: interval.high }
    }

    /// The value and its interval as a text.
    pub fn text(self) -> String {
        compact_interval(Some(self.value), Some(self.low), Some(self.high))
    }
}

/// The mean of a list that may not be read.
pub(super) fn mean_of(values: Result<Vec<f64>, StorageError>) -> Result<f64, StorageError> {
    values.map(|values| mean(&values))
}

/// Puts a claim of a paper together; what was measured is not a number where a replica diverged.
pub(super) fn claim(
    paper: &Paper,
    id: &str,
    measured: Measured,
    expected: &str,
    holds: bool,
    how: String,
) -> Claim {
    let on_networks = paper.networks.map_or(&[][..], |networks| networks.claims);
    let mut known = paper.claims.iter().chain(on_networks);
    let statement = known.find(|(known, _)| *known == id).map_or("", |(_, statement)| statement);
    Claim {
        id: id.to_owned(),
        paper: paper.name.to_owned(),
        statement: statement.to_owned(),
        measured: Some(measured.value),
        low: Some(measured.low),
        high: Some(measured.high),
        expected: expected.to_owned(),
        holds,
        how,
    }
}

/// The last step of a cell.
pub(super) fn last_step(run: &Run, cell: usize) -> Result<u64, StorageError> {
    Ok(run.steps(cell)?.last().copied().unwrap_or(0))
}
