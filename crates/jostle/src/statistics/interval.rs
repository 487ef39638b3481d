//! Confidence intervals.

use super::coin::fair_coin_tail;
use super::summary::quantile;
use crate::random::{Draws, Purpose};

/// The level of the intervals.
pub const LEVEL: f64 = 0.95;

/// Resamples of a bootstrap interval.
pub const RESAMPLES: u64 = 2000;

/// The 97.5 % point of the standard normal law.
const NORMAL_QUANTILE: f64 = 1.959963984540054;

/// An interval that covers the quantity it is about in a share `level` of all experiments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The level: exact for [`median_interval`], nominal otherwise.
    pub level: f64,
}

impl Interval {
    /// Whether a value lies inside, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The percentile bootstrap interval of a statistic (the [`mean`](super::mean), the [`median`](super::median)): the
/// 2.5 % and 97.5 % quantiles of the statistic over [`RESAMPLES`] samples drawn with replacement from the values (Efron
/// and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3).
///
/// A pure function of values and seed: resample `b` uses step `b` of the stream [`Purpose::BOOTSTRAP`]. The level is
/// nominal; for a mean of `n` values from a law without heavy tails the coverage falls short by about `1/n`.
/// NaN without values or with a NaN among the resampled statistics.
pub fn bootstrap(values: &[f64], seed: u64, statistic: impl Fn(&[f64]) -> f64) -> Interval {
    if values.is_empty() {
        return Interval { low: f64::NAN, high: f64::NAN, level: LEVEL };
    }
    let draws = Draws::new(seed, &[0], 0);
    let mut words = vec![0; values.len()];
    let mut resample = vec![0.0; values.len()];
    let statistics: Vec<f64> = (0..RESAMPLES)
        .map(|step| {
            draws.at_step(step).bits(Purpose::BOOTSTRAP, &mut words);
            for (value, word) in resample.iter_mut().zip(&words) {
                *value = values[Draws::index(*word, values.len())];
            }
            statistic(&resample)
        })
        .collect();
    let tail = (1.0 - LEVEL) / 2.0;
    Interval { low: quantile(&statistics, tail), high: quantile(&statistics, 1.0 - tail), level: LEVEL }
}

/// Wilson's score interval for a share `p` of which `successes` of `trials` were seen:
///
/// ```text
/// ( s + z^2/2  +-  z sqrt( s (n - s)/n + z^2/4 ) ) / (n + z^2),    z = 1.96
/// ```
///
/// (Wilson 1927, Journal of the American Statistical Association 22). Without trials it is [0, 1].
///
/// # Panics
/// If there are more successes than trials.
pub fn wilson(successes: u64, trials: u64) -> Interval {
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    if trials == 0 {
        return Interval { low: 0.0, high: 1.0, level: LEVEL };
    }
    let (s, n, square) = (successes as f64, trials as f64, NORMAL_QUANTILE * NORMAL_QUANTILE);
    let centre = s + square / 2.0;
    let half_width = NORMAL_QUANTILE * (s * (n - s) / n + square / 4.0).sqrt();
    // At the ends the interval is closed exactly; rounding would leave it a little short of them.
    let low = if successes == 0 { 0.0 } else { (centre - half_width) / (n + square) };
    let high = if successes == trials { 1.0 } else { (centre + half_width) / (n + square) };
    Interval { low, high, level: LEVEL }
}

/// The shortest interval `[x_(k), x_(n+1-k)]` of order statistics that covers the median of a continuous law with
/// probability at least [`LEVEL`], and that probability, `1 - 2 P(Bin(n, 1/2) < k)`, exact for every such law (David
/// and Nagaraja 2003, Order Statistics, section 7.1). For a law with atoms the coverage is at least that.
///
/// `None` for fewer than six values, which cannot give the level, or with a NaN among them.
pub fn median_interval(values: &[f64]) -> Option<Interval> {
    let n = values.len();
    if values.iter().any(|v| v.is_nan()) {
        return None;
    }
    // P(Bin(n, 1/2) < k) = P(Bin(n, 1/2) > n - k).
    let outside = |k: usize| 2.0 * fair_coin_tail(n, n - k + 1);
    let k = (1..=n / 2).rev().find(|k| outside(*k) <= 1.0 - LEVEL)?;
    let mut ordered = values.to_vec();
    ordered.sort_unstable_by(f64::total_cmp);
    Some(Interval { low: ordered[k - 1], high: ordered[n - k], level: 1.0 - outside(k) })
}

#[cfg(test)]
mod tests;
