use super::*;
use crate::dynamics::{Batch, GradientDescent};
use crate::model::{Model, Square};
use crate::noise::{IsotropicNoise, LabelDistribution, LabelNoise, Labels, Noise};
use std::collections::BTreeSet;

/// X = [1 2; 3 -1], y = (8, 0), truth (1, 0).
fn problem(truth: Option<Vec<f64>>) -> Problem {
    Problem::new(vec![1.0, 2.0, 3.0, -1.0], vec![8.0, 0.0], truth).unwrap()
}

fn label(std: f64) -> Noise {
    let (labels, distribution) = (Labels::One, LabelDistribution::Gaussian);
    Noise::Sample(Box::new(LabelNoise { std, labels, distribution, index: 0 }))
}

/// The observable at the point w of beta = w * w, whose average is (1, 1/2).
fn measure_with(name: &str, truth: &[f64], w: [f64; 2], batch: Batch, noises: &[Noise]) -> f64 {
    let problem = problem(Some(truth.to_vec()));
    let dynamics = GradientDescent { batch, ..GradientDescent::new(1, 0.1) }.into();
    let mut beta = [0.0; 2];
    Square.coefficients(&w, &mut beta);
    let average = [1.0, 0.5];
    let view = View::new(&problem, &Square, 0.25, &dynamics, noises, &w, &beta, Some(&average));
    (find(name).unwrap().measure)(&view)
}

fn measure(name: &str, truth: &[f64], w: [f64; 2]) -> f64 {
    measure_with(name, truth, w, Batch::Full, &[])
}

/// w = (1, 2): beta = (1, 4), f = (9, -1), r = (1, -1), so that (2c/n) X' r = (-1/2, 3/4) and the gradient is (-1, 3).
#[test]
fn every_observable_has_the_value_computed_by_hand() {
    let by_hand = [
        ("train_loss", 0.25 / 2.0 * 2.0),
        ("test_error", 16.0),
        ("distance_to_truth", 4.0),
        ("average_test_error", 0.25),
        ("l1_norm", 5.0),
        ("l2_norm", 17.0f64.sqrt()),
        ("active", 2.0),
        ("support_mean", 1.0),
        ("off_support_max", 4.0),
        ("support_precision", 0.5),
        ("support_recall", 1.0),
        ("gradient_norm", 10.0f64.sqrt()),
        ("noise_trace", 0.0),
    ];
    for observable in REGISTRY {
        let expected = by_hand.iter().find(|(name, _)| *name == observable.name);
        let (name, expected) = expected.unwrap_or_else(|| panic!("compute {} by hand here", observable.name));
        let found = measure(name, &[1.0, 0.0], [1.0, 2.0]);
        assert!((found - expected).abs() < 1e-14, "{name}: {found} against {expected}");
    }
}

/// The gradients of the two predictions are J = [2 8; 6 -4], their squared norms 68 and 52.
#[test]
fn the_noise_trace_adds_up_the_mini_batch_and_every_noise() {
    let trace = |batch, noises: &[Noise]| measure_with("noise_trace", &[1.0, 0.0], [1.0, 2.0], batch, noises);
    // One label of variance 4 with weight 2c = 1/2: (1/4) 4 (68 + 52) / 2.
    assert_eq!(trace(Batch::Full, &[label(2.0)]), 60.0);
    let isotropic = Noise::Parameter(Box::new(IsotropicNoise { std: 3.0, index: 1 }));
    assert_eq!(trace(Batch::Full, &[label(2.0), isotropic]), 60.0 + 2.0 * 9.0);
    // One sample: (1/4) ((68 + 52) / 2 - |(-4, 12)|^2 / 4).
    assert!((trace(Batch::Size(1), &[]) - 5.0).abs() < 1e-14);
    assert!((trace(Batch::Size(1), &[label(2.0)]) - 65.0).abs() < 1e-13);
    assert!((trace(Batch::Size(2), &[]) - 2.5).abs() < 1e-14);
}

#[test]
fn precision_and_recall_have_values_where_nothing_is_active_or_true() {
    let both = |truth: [f64; 2], w: [f64; 2]| {
        (measure("support_precision", &truth, w), measure("support_recall", &truth, w))
    };
    assert_eq!(both([1.0, 0.0], [0.1, 0.1]), (1.0, 0.0), "nothing active");
    assert_eq!(both([0.0, 0.0], [1.0, 1.0]), (0.0, 1.0), "nothing true");
    assert_eq!(both([0.0, 0.0], [0.0, 0.0]), (1.0, 1.0), "neither");
    assert_eq!(both([1.0, 0.0], [1.0, 0.0]), (1.0, 1.0), "exact");
    assert_eq!(both([1.0, 0.0], [0.0, 1.0]), (0.0, 0.0), "the wrong one");
    assert_eq!(both([1.0, -1.0], [1.0, 0.0]), (1.0, 0.5), "half of it");
}

#[test]
fn a_coefficient_is_active_above_the_threshold_only() {
    let active = |beta: [f64; 2]| {
        let (problem, dynamics) = (problem(None), GradientDescent::new(1, 0.1).into());
        let view = View::new(&problem, &Square, 0.25, &dynamics, &[], &[0.0, 0.0], &beta, None);
        (find("active").unwrap().measure)(&view)
    };
    assert_eq!(active([ACTIVE_THRESHOLD, -ACTIVE_THRESHOLD]), 0.0);
    assert_eq!(active([0.0501, -0.0501]), 2.0);
}

#[test]
fn the_distance_to_a_zero_truth_is_not_relative() {
    assert!((measure("distance_to_truth", &[0.0, 0.0], [1.0, 2.0]) - 17.0f64.sqrt()).abs() < 1e-14);
    assert!((measure("distance_to_truth", &[3.0, 4.0], [1.0, 2.0]) - 2.0 / 5.0).abs() < 1e-15);
}

#[test]
fn a_view_has_diverged_when_a_residual_passes_the_limit_or_is_not_a_number() {
    let (problem, dynamics) = (problem(None), GradientDescent::new(1, 0.1).into());
    let diverged = |beta: [f64; 2]| {
        View::new(&problem, &Square, 0.25, &dynamics, &[], &[0.0; 2], &beta, None).has_diverged()
    };
    // The limit is 1e15 times the largest label, 8; the residual is three times beta_0 in the second sample.
    assert!(!diverged([2.6e15, 0.0]));
    assert!(diverged([2.7e15, 0.0]));
    assert!(diverged([f64::NAN, 0.0]));
    assert!(diverged([f64::INFINITY, 0.0]));
}

#[test]
fn every_observable_is_documented_under_a_name_of_its_own() {
    let names: BTreeSet<_> = REGISTRY.iter().map(|o| o.name).collect();
    assert_eq!(names.len(), REGISTRY.len());
    for observable in REGISTRY {
        let name = observable.name;
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{name}");
        assert!(!observable.symbol.is_empty() && observable.doc.ends_with('.'), "{name}");
        assert!(!observable.diverged.is_finite(), "{name} must not look like a value after divergence");
        assert_eq!(find(name).map(|found| found.doc), Some(observable.doc));
    }
    assert!(find("no_such_thing").is_none());
}

#[test]
fn the_default_quantities_exist_and_need_no_truth_where_there_is_none() {
    assert_eq!(default_names(true), ["train_loss", "test_error", "l1_norm", "active"]);
    assert_eq!(default_names(false), ["train_loss", "l1_norm", "active"]);
}
