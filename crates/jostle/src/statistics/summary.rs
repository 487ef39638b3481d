//! Mean, median and quantiles.

/// The arithmetic mean; infinite if a value is, NaN without values or with a NaN among them.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The value in the middle, or the mean of the two: the quantile at 1/2.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The quantile at `probability` in [0, 1] by linear interpolation between order statistics,
/// `(1 - h + k) x_(k) + (h - k) x_(k+1)` with `h = (n - 1) probability + 1`, `k = floor(h)`: type 7 of Hyndman and Fan
/// 1996 (The American Statistician 50), as in NumPy and R.
///
/// Infinite values are ordered as any others: between a finite value and an infinite one, it is infinite. NaN without
/// values, with a NaN among them, or strictly between infinities of opposite sign.
///
/// # Panics
/// If the probability lies outside [0, 1].
pub fn quantile(values: &[f64], probability: f64) -> f64 {
    assert!((0.0..=1.0).contains(&probability), "a probability of {probability}");
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let mut ordered = values.to_vec();
    let position = (ordered.len() - 1) as f64 * probability;
    let (rank, fraction) = (position.floor() as usize, position.fract());
    let (_, low, above) = ordered.select_nth_unstable_by(rank, f64::total_cmp);
    let low = *low;
    if fraction == 0.0 {
        return low;
    }
    let high = above.iter().fold(f64::INFINITY, |least, v| least.min(*v));
    if high == low { low } else { (1.0 - fraction) * low + fraction * high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::statistics::{Data, OrderStatistics};

    #[test]
    fn quantiles_interpolate_as_numpy_does() {
        let values = [3.0, 1.0, 4.0, 1.5, 9.0];
        assert_eq!(median(&values), 3.0);
        assert_eq!(median(&values[..4]), 2.25);
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 1.0), 9.0);
        // numpy.quantile([3, 1, 4, 1.5, 9], [.1, .975])
        assert!((quantile(&values, 0.1) - 1.2).abs() < 1e-15);
        assert!((quantile(&values, 0.975) - 8.5).abs() < 1e-14);
        assert!((mean(&values) - 3.7).abs() < 1e-15);
    }

    #[test]
    fn exploded_replicas_are_the_largest() {
        let inf = f64::INFINITY;
        assert_eq!(median(&[inf, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[inf, 1.0, 2.0, inf]), inf);
        assert_eq!(median(&[inf, 1.0, inf]), inf);
        assert_eq!(quantile(&[inf, 1.0, 2.0], 0.75), inf);
        assert_eq!(quantile(&[inf, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(mean(&[inf, 1.0]), inf);
        assert_eq!(median(&[inf, inf]), inf);
    }

    #[test]
    fn nan_is_no_value_and_no_values_have_no_summary() {
        for values in [&[][..], &[1.0, f64::NAN, 2.0]] {
            assert!(median(values).is_nan());
            assert!(quantile(values, 0.0).is_nan());
            assert!(mean(values).is_nan());
        }
        assert!(median(&[f64::NEG_INFINITY, f64::INFINITY]).is_nan());
        assert_eq!(median(&[f64::NEG_INFINITY, 1.0]), f64::NEG_INFINITY);
    }

    proptest! {
        #[test]
        fn the_median_is_that_of_an_independent_library(values in prop::collection::vec(-1e6..1e6_f64, 1..60)) {
            let found = median(&values);
            let expected = Data::new(values).median();
            prop_assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0));
        }

        #[test]
        fn quantiles_are_ordered_and_inside_the_range(
            values in prop::collection::vec(-1e3..1e3_f64, 1..40), a in 0.0..=1.0_f64, b in 0.0..=1.0_f64,
        ) {
            let (low, high) = (quantile(&values, a.min(b)), quantile(&values, a.max(b)));
            prop_assert!(low <= high + 1e-12 * high.abs());
            prop_assert!(quantile(&values, 0.0) <= low && high <= quantile(&values, 1.0) + 1e-9);
        }
    }
}
