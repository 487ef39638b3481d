use super::*;
use crate::statistics::{mean, median};
use statrs::distribution::{Binomial, Discrete};

/// Sample `index` of `size` standard normal numbers.
fn normal_sample(index: u64, size: usize) -> Vec<f64> {
    let mut sample = vec![0.0; size];
    Draws::new(20, &[0], index).normals(Purpose::DESIGN, &mut sample);
    sample
}

/// The share of samples for which the interval contains `truth`, and four standard errors of it at the given level.
fn coverage(samples: u64, level: f64, covers: impl Fn(u64) -> bool) -> (f64, f64) {
    let covered = (0..samples).filter(|k| covers(*k)).count();
    (covered as f64 / samples as f64, 4.0 * (level * (1.0 - level) / samples as f64).sqrt())
}

#[test]
fn the_bootstrap_interval_of_a_mean_covers_it_at_its_level() {
    let size = 60;
    let (share, error) = coverage(1000, LEVEL, |k| bootstrap(&normal_sample(k, size), k, mean).contains(0.0));
    // Percentile intervals of a mean fall short by about 1/n.
    assert!((share - LEVEL).abs() < error + 1.0 / size as f64, "{share}");
}

#[test]
fn the_bootstrap_interval_of_a_median_covers_it_at_its_level() {
    let (share, error) = coverage(400, LEVEL, |k| bootstrap(&normal_sample(k, 51), k, median).contains(0.0));
    // The median takes few values in a resample, which may push the coverage either way by some percent.
    assert!((share - LEVEL).abs() < error + 0.03, "{share}");
}

#[test]
fn the_bootstrap_interval_of_a_mean_is_about_two_standard_errors_wide() {
    let sample = normal_sample(0, 400);
    let interval = bootstrap(&sample, 1, mean);
    let centre = mean(&sample);
    let variance = mean(&sample.iter().map(|v| (v - centre).powi(2)).collect::<Vec<_>>());
    let width = 2.0 * NORMAL_QUANTILE * (variance / 400.0).sqrt();
    // The standard error of a quantile at 2.5 % over 2000 resamples is 6 % of a standard deviation.
    assert!(((interval.high - interval.low) / width - 1.0).abs() < 0.1, "{interval:?}, {width}");
}

#[test]
fn a_bootstrap_interval_is_a_function_of_values_and_seed() {
    let sample = normal_sample(3, 20);
    assert_eq!(bootstrap(&sample, 7, mean), bootstrap(&sample, 7, mean));
    assert_ne!(bootstrap(&sample, 7, mean), bootstrap(&sample, 8, mean));
    let constant = bootstrap(&[2.5; 9], 7, median);
    assert_eq!((constant.low, constant.high), (2.5, 2.5));
    assert!(bootstrap(&[], 7, mean).low.is_nan());
}

#[test]
fn an_exploded_replica_leaves_the_interval_of_the_median_finite() {
    let mut sample = normal_sample(4, 40);
    sample[0] = f64::INFINITY;
    let interval = bootstrap(&sample, 0, median);
    assert!(interval.low.is_finite() && interval.high.is_finite());
    assert_eq!(bootstrap(&sample, 0, mean).high, f64::INFINITY);
    assert!(median_interval(&sample).unwrap().high.is_finite());
}

#[test]
fn wilson_intervals_are_those_of_the_literature() {
    // Newcombe 1998 (Statistics in Medicine 17), table I, method 3.
    for (s, n, low, high) in
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
    {
        let interval = wilson(s, n);
        assert!((interval.low - low).abs() < 5.1e-5 && (interval.high - high).abs() < 5.1e-5, "{interval:?}");
    }
    let (none, all) = (wilson(0, 10), wilson(10, 10));
    assert_eq!((none.low, all.high), (0.0, 1.0));
    assert!((none.high - (1.0 - all.low)).abs() < 1e-15);
    assert_eq!((wilson(0, 0).low, wilson(0, 0).high), (0.0, 1.0));
}

#[test]
fn wilson_intervals_cover_a_share_at_their_level_on_average() {
    for trials in [10_u64, 20, 50, 200] {
        let shares: Vec<f64> = (1..400).map(|k| f64::from(k) / 400.0).collect();
        let covered: Vec<f64> = shares
            .iter()
            .map(|share| {
                let law = Binomial::new(*share, trials).unwrap();
                (0..=trials).filter(|s| wilson(*s, trials).contains(*share)).map(|s| law.pmf(s)).sum()
            })
            .collect();
        // Exact, not simulated: near 95 % on average, never below 83 % (Brown, Cai and DasGupta 2001).
        assert!((mean(&covered) - LEVEL).abs() < 0.01, "{trials}: {}", mean(&covered));
        assert!(covered.iter().all(|c| *c > 0.83));
    }
}

#[test]
#[should_panic(expected = "3 successes in 2 trials")]
fn more_successes_than_trials_are_a_mistake() {
    wilson(3, 2);
}

#[test]
fn the_median_interval_covers_the_median_at_its_stated_level() {
    for size in [6, 11, 40, 101] {
        let level = median_interval(&normal_sample(0, size)).unwrap().level;
        let (share, error) =
            coverage(4000, level, |k| median_interval(&normal_sample(k, size)).unwrap().contains(0.0));
        assert!(level >= LEVEL && (share - level).abs() < error, "{size}: {share} against {level}");
    }
}

#[test]
fn the_median_interval_uses_the_tabulated_order_statistics() {
    // Two-sided 95 % ranks of the sign test, e.g. Conover, Practical Nonparametric Statistics, table A3.
    for (size, low, level) in
        [(6, 1, 0.96875), (10, 2, 0.978515625), (20, 6, 0.958610535), (30, 10, 0.957226)]
    {
        let values: Vec<f64> = (1..=size).rev().map(f64::from).collect();
        let interval = median_interval(&values).unwrap();
        assert_eq!((interval.low, interval.high), (f64::from(low), f64::from(size + 1 - low)));
        assert!((interval.level - level).abs() < 1e-6, "{interval:?}");
    }
    assert_eq!(median_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]), None);
    assert_eq!(median_interval(&[f64::NAN; 10]), None);
}
