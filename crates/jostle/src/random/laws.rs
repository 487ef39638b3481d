//! Comparing random numbers with the law they should have, on one error budget for all tests.
//!
//! Seeds are fixed, so that a test passes always or never. The budget says how likely a *correct* program would be to
//! fail a test somewhere, had the seeds been chosen by chance: [`FAMILY_ERROR`], in equal parts for every check, and
//! within a check in equal parts for every comparison (Bonferroni). A check that compares too little would keep any
//! budget, so each one also declares what it `resolves`: it fails unless an error of that size would be overlooked
//! with no more than the same small probability.

use crate::statistics::{allowed_distance, distance_to_law};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The probability that a correct program fails any check.
const FAMILY_ERROR: f64 = 1e-3;
/// The checks that share it, counted as they are made.
const MOST_CHECKS: usize = 1000;

/// Rounding of averages of numbers of order one; what varies less is not random.
const ROUNDING: f64 = 1e-11;

static CHECKS: AtomicUsize = AtomicUsize::new(0);

/// Takes one check's part of the budget.
fn error_of_one_check() -> f64 {
    let before = CHECKS.fetch_add(1, Ordering::Relaxed);
    assert!(
        before < MOST_CHECKS,
        "more than {MOST_CHECKS} checks: raise MOST_CHECKS to share the budget anew"
    );
    FAMILY_ERROR / MOST_CHECKS as f64
}

/// The standard normal distribution function.
pub(crate) fn normal_cdf(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// An average of many draws, and what the law says about it.
#[derive(Debug, Clone)]
pub(crate) struct Estimate {
    /// The average.
    pub(crate) value: f64,
    /// Its expectation.
    pub(crate) expected: f64,
    /// Its standard deviation; zero for a quantity that is not random.
    pub(crate) standard_error: f64,
    /// The unit in which errors of it are judged.
    pub(crate) unit: f64,
}

/// Checks averages of many draws (so many that they are normal), all of them together as one check.
pub(crate) fn check_estimates(what: &str, resolves: f64, estimates: &[Estimate]) {
    let error = error_of_one_check() / (2.0 * estimates.len() as f64);
    let deviations = -Normal::standard().inverse_cdf(error);
    for (k, estimate) in estimates.iter().enumerate() {
        let allowed = deviations * estimate.standard_error;
        let off = (estimate.value - estimate.expected).abs();
        assert!(
            off <= allowed + ROUNDING,
            "{what}, entry {k}: {estimate:?}, {deviations:.1} deviations allowed"
        );
        let resolved = 2.0 * allowed <= resolves * estimate.unit;
        assert!(
            resolved || allowed <= ROUNDING,
            "{what}, entry {k}: too few draws to resolve {resolves}: {estimate:?}"
        );
    }
}

/// Checks counts of outcomes against their probabilities (chi-square). `resolves` is an error in the probabilities
/// `q` instead of `p`, measured as `sqrt(sum (q - p)^2 / p)`.
pub(crate) fn check_counts(what: &str, resolves: f64, counts: &[u64], probabilities: &[f64]) {
    assert_eq!(counts.len(), probabilities.len());
    let total = counts.iter().sum::<u64>() as f64;
    let statistic: f64 =
        counts.iter().zip(probabilities).map(|(c, p)| (*c as f64 - total * p).powi(2) / (total * p)).sum();
    let freedom = (counts.len() - 1) as f64;
    let allowed = ChiSquared::new(freedom).unwrap().inverse_cdf(1.0 - error_of_one_check());
    assert!(statistic <= allowed, "{what}: chi-square {statistic:.1} of {freedom} degrees: {counts:?}");
    assert!(2.0 * (allowed / total).sqrt() <= resolves, "{what}: {total} draws do not resolve {resolves}");
}

/// Checks counts of outcomes that should be equally likely.
pub(crate) fn check_equal_counts(what: &str, resolves: f64, counts: &[u64]) {
    check_counts(what, resolves, counts, &vec![1.0 / counts.len() as f64; counts.len()]);
}

/// Checks independent draws against a continuous distribution function (Kolmogorov-Smirnov, with the exact bound of
/// Dvoretzky, Kiefer, Wolfowitz and Massart). `resolves` is the largest error of the distribution function.
pub(crate) fn check_distribution(what: &str, resolves: f64, draws: &[f64], cdf: impl Fn(f64) -> f64) {
    let n = draws.len();
    let distance = distance_to_law(draws, cdf);
    let allowed = allowed_distance(n, error_of_one_check());
    assert!(distance <= allowed, "{what}: distance {distance:.2e} to the law, {allowed:.2e} allowed");
    assert!(2.0 * allowed <= resolves, "{what}: {n} draws do not resolve {resolves}");
}

/// Sums over many draws of a random vector, for its mean and covariance.
pub(crate) struct Moments {
    count: f64,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    sums: Vec<f64>,
    products: Vec<f64>,
    squared_products: Vec<f64>,
}

impl Moments {
    /// No draws yet of a vector that should have this mean.
    pub(crate) fn about(mean: Vec<f64>) -> Self {
        let size = mean.len();
        Self {
            count: 0.0,
            deviation: vec![0.0; size],
            sums: vec![0.0; size],
            products: vec![0.0; size * size],
            squared_products: vec![0.0; size * size],
            mean,
        }
    }

    /// Counts one draw.
    pub(crate) fn add(&mut self, draw: &[f64]) {
        let size = self.mean.len();
        assert_eq!(draw.len(), size);
        self.count += 1.0;
        for (k, d) in self.deviation.iter_mut().enumerate() {
            *d = draw[k] - self.mean[k];
            self.sums[k] += *d;
        }
        for a in 0..size {
            for b in 0..=a {
                let product = self.deviation[a] * self.deviation[b];
                self.products[a * size + b] += product;
                self.squared_products[a * size + b] += product * product;
            }
        }
    }

    /// The average of entry `k`, judged in units of its expectation.
    pub(crate) fn average(&self, k: usize) -> Estimate {
        let variance = self.products[k * self.mean.len() + k] / self.count;
        Estimate {
            value: self.mean[k] + self.sums[k] / self.count,
            expected: self.mean[k],
            standard_error: (variance / self.count).sqrt(),
            unit: self.mean[k],
        }
    }

    /// Checks the mean, and the whole covariance matrix (row major) entry by entry. Errors are judged in units of the
    /// deviations `sqrt(C_aa)` and `sqrt(C_aa C_bb)`.
    pub(crate) fn check(&self, what: &str, resolves: f64, covariance: &[f64]) {
        let size = self.mean.len();
        let deviation = |a: usize| covariance[a * size + a].max(0.0).sqrt();
        let means: Vec<_> = (0..size)
            .map(|a| Estimate {
                value: self.sums[a] / self.count,
                expected: 0.0,
                standard_error: deviation(a) / self.count.sqrt(),
                unit: deviation(a),
            })
            .collect();
        check_estimates(&format!("{what}: mean"), resolves, &means);
        let entries: Vec<_> = (0..size)
            .flat_map(|a| (0..=a).map(move |b| (a, b)))
            .map(|(a, b)| {
                let k = a * size + b;
                let value = self.products[k] / self.count;
                let variance = (self.squared_products[k] / self.count - value * value).max(0.0);
                Estimate {
                    value,
                    expected: covariance[k],
                    standard_error: (variance / self.count).sqrt(),
                    unit: deviation(a) * deviation(b),
                }
            })
            .collect();
        check_estimates(&format!("{what}: covariance"), resolves, &entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::philox4x32;

    fn uniform(k: u32) -> f64 {
        (f64::from(philox4x32([k, 0, 0, 0], [3, 4])[0]) + 0.5) / 4_294_967_296.0
    }

    fn fails(check: impl FnOnce() + std::panic::UnwindSafe) -> bool {
        std::panic::catch_unwind(check).is_err()
    }

    #[test]
    fn a_wrong_law_of_the_declared_size_is_found() {
        let draws: Vec<f64> = (0..100_000).map(uniform).collect();
        check_distribution("uniform", 0.02, &draws, |x| x);
        assert!(fails(|| check_distribution("bent", 0.02, &draws, |x| x + 0.09 * x * (1.0 - x))));

        let mut counts = [0u64; 4];
        (0..100_000).for_each(|k| counts[(4.0 * uniform(k)) as usize] += 1);
        check_equal_counts("four", 0.04, &counts);
        assert!(fails(|| check_counts("uneven", 0.04, &counts, &[0.255, 0.245, 0.255, 0.245])));
    }

    #[test]
    fn a_wrong_covariance_is_found_and_so_are_too_few_draws() {
        let moments = |count: u32| {
            let mut moments = Moments::about(vec![0.5, 0.5]);
            (0..count).for_each(|k| moments.add(&[uniform(2 * k), uniform(2 * k + 1)]));
            moments
        };
        let right = [1.0 / 12.0, 0.0, 0.0, 1.0 / 12.0];
        moments(100_000).check("right", 0.05, &right);
        assert!(fails(|| moments(100).check("few", 0.05, &right)));
        assert!(fails(|| moments(100_000).check(
            "correlated",
            0.05,
            &[1.0 / 12.0, 0.004, 0.004, 1.0 / 12.0]
        )));
    }
}
