use super::*;
use crate::dynamics::{Batch, GradientDescent};
use crate::ensemble::setup::Setup;
use crate::ensemble::{Protocol, default_names};
use crate::model::{LinearPredictor, LinkKind, Loss, ModelSpec, Square};
use crate::noise::{IsotropicNoise, LabelDistribution, LabelNoise, Labels, Noise};
use crate::process::{Source, Start};
use crate::theory::Reference;
use std::collections::BTreeSet;
use std::sync::Arc;

/// X = [1 2; 3 -1], y = (8, 0), truth (1, 0).
const MODEL: LinearPredictor = LinearPredictor { link: LinkKind::Square(Square), dim: 2 };

fn problem(truth: Option<Vec<f64>>) -> Problem {
    Problem::new(vec![1.0, 2.0, 3.0, -1.0], vec![8.0, 0.0], truth).unwrap()
}

fn label(std: f64) -> Noise {
    let (labels, distribution) = (Labels::One, LabelDistribution::Gaussian);
    Noise::sample(LabelNoise { std, lambda: None, labels, distribution })
}

/// The observable at the point w of beta = w * w, whose average is (1, 1/2).
fn measure_with(name: &str, truth: &[f64], w: [f64; 2], batch: Batch, noises: &[Noise]) -> f64 {
    let problem = problem(Some(truth.to_vec()));
    let dynamics = GradientDescent { batch, ..GradientDescent::new(1, 0.1) }.into();
    let beta = MODEL.beta(&w);
    let average = [1.0, 0.5];
    let (logarithms, reference) = (w.map(|w| w.abs().ln()), reference());
    let view =
        View::new(&problem, &MODEL, (Loss::Square, 0.25), &dynamics, noises, &w, &beta, Some(&average))
            .at_step(100, &logarithms)
            .with_learning_rate(0.1)
            .with_reference(Some(&reference));
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
        ("distance_to_lasso", 5.0f64.sqrt() / 2.0),
        ("time_average_to_lasso", 3.25f64.sqrt() / 2.0),
        ("predictions_to_lasso", 1.3f64.sqrt()),
        ("average_predictions_to_lasso", (24.25f64 / 20.0).sqrt()),
        ("kkt_residual", 17.0 / 12.0),
        ("duality_gap", (289.0 / 841.0 * 10.5625 + 7.5 - 12.0 / 29.0 * 2.875) / 16.0),
        ("log_slope_error", 0.5),
        // Of one parameter for each coefficient, (1 2)^(1/2); of two, see below.
        ("effective_init", 2.0f64.sqrt()),
        // There are no test samples; f = (9, -1) is on the side of y = (8, 0).
        ("test_loss", f64::NAN),
        ("train_accuracy", 1.0),
        ("test_accuracy", f64::NAN),
        // 2c J J' = [34 -10; -10 26], and the residuals times sqrt(2c) are (1, -1) / sqrt(2).
        ("trace_G", 30.0),
        ("frobenius_G", 508.0f64.sqrt()),
        ("lambda_max_G", 15.0 + 29.0f64.sqrt()),
        ("trace_kernel", 60.0),
        ("frobenius_kernel", 2.0 * 508.0f64.sqrt()),
        ("effective_rank", 900.0 / 508.0),
        // The gradients of the samples are (1, 4) and (-3, 2), that of the loss (-1, 3).
        ("trace_noise", 5.0),
        ("trace_noise_G", 52.0),
        ("trace_noise_uncentred", 15.0),
        ("trace_noise_G_uncentred", 254.0),
        ("gauss_newton_loss", 0.25),
        ("alignment", 1.0),
        ("alignment_centred", 52.0 / 254.0),
        ("angle_alignment", 1.0),
        ("size_alignment", 1.0),
        ("max_stable_learning_rate", 2.0 / (15.0 + 29.0f64.sqrt())),
        ("gd_limit", 2.0 / (15.0 + 29.0f64.sqrt())),
        ("learning_rate", 0.1),
    ];
    for observable in REGISTRY {
        let expected = by_hand.iter().find(|(name, _)| *name == observable.name);
        let (name, expected) = expected.unwrap_or_else(|| panic!("compute {} by hand here", observable.name));
        let found = measure(name, &[1.0, 0.0], [1.0, 2.0]);
        let is_near = (found - expected).abs() < 1e-14 * expected.abs().max(1.0);
        assert!(is_near || (found.is_nan() && expected.is_nan()), "{name}: {found} against {expected}");
    }
}

/// The prediction that `every_observable_has_the_value_computed_by_hand` compares with.
///
/// `lambda = (6, 3)`, twelve tenths of `|X_j|^2/n = (5, 5/2)`. The Lasso is (0, 2): its residuals `y - X b` are (4, 2), and
/// the correlations (5, 3), so that the slack of the first coordinate is 1.
///
/// At the average (1, 1/2) the residuals are (6, -5/2), the correlations (-3/4, 29/4). Minimising over the first
/// coordinate would lead to 0, a change of 5 of lambda = 6, and over the second from 5/4 to 11/2, 17/4 of 3. The best dual point
/// is 12/29 of half the residuals, for which `P - D = (17/29)^2 (36 + 25/4)/4 + 6 + 3/2 - 12/29 (-3/4 + 29/8)`.
///
/// From a start at `ln w = 5` to `ln w_1 = 0` in 100 steps of rate 1/10, the slope is 1/2.
#[test]
fn the_reference_is_the_lasso_computed_by_hand() {
    let reference = reference();
    let predicted = &reference.predicted;
    assert!((predicted.lambda[0] - 6.0).abs() < 1e-14 && (predicted.lambda[1] - 3.0).abs() < 1e-14);
    assert_eq!(predicted.lasso.beta[0], 0.0);
    assert!((predicted.lasso.beta[1] - 2.0).abs() < 1e-14);
    let slack = predicted.slack(&problem(None));
    assert!((slack[0] - 1.0).abs() < 1e-13 && slack[1].abs() < 1e-13);
    assert_eq!(reference.log_slope_error(&[0.0, 0.0], 0), 1.0);
    // A second set of parameters, larger than the first: the larger ones count.
    assert!((reference.log_slope_error(&[-9.0, -9.0, -5.0, 0.0], 100)).abs() < 1e-13);
}

fn cell() -> Setup {
    Setup {
        source: Source::Shared(Arc::new(problem(None))),
        start: Start::default(),
        model: ModelSpec::new(LinkKind::Square(Square), 5.0f64.exp()),
        dynamics: GradientDescent::new(1, 0.1).into(),
        noises: vec![label(24.0f64.sqrt())],
        recording: crate::ensemble::Recording::Every(1),
        quantities: Vec::new(),
        active: crate::observable::ActiveThreshold::default(),
        average_from: None,
        replicas: 1,
        seed: 0,
        precision: crate::Precision::F64,
    }
}

fn reference() -> Reference {
    Reference::new(&cell().process(), &problem(None)).unwrap()
}

#[test]
fn without_an_average_the_coefficients_themselves_are_certified() {
    let (problem, dynamics, reference) = (problem(None), GradientDescent::new(1, 0.1).into(), reference());
    let view =
        View::new(&problem, &MODEL, (Loss::Square, 0.25), &dynamics, &[], &[0.0, 1.5], &[0.0, 2.0], None)
            .with_reference(Some(&reference));
    for name in ["kkt_residual", "duality_gap"] {
        assert!((find(name).unwrap().measure)(&view) < 1e-13, "{name}");
    }
    let without =
        View::new(&problem, &MODEL, (Loss::Square, 0.25), &dynamics, &[], &[0.0; 2], &[0.0, 2.0], None);
    for name in ["distance_to_lasso", "kkt_residual", "duality_gap", "log_slope_error"] {
        assert!((find(name).unwrap().measure)(&without).is_nan(), "{name}");
    }
}

#[test]
fn the_effective_init_is_the_geometric_mean_also_where_parameters_underflow() {
    let (problem, dynamics) = (problem(None), GradientDescent::new(1, 0.1).into());
    // u v = exp(-1800) and exp(1799): alpha = exp((-1800 + 1799)/4).
    let log_abs_theta = [-900.0, 700.0, -900.0, 1099.0];
    let view = View::new(&problem, &MODEL, (Loss::Square, 0.25), &dynamics, &[], &[0.0; 2], &[0.0; 2], None)
        .at_step(1, &log_abs_theta);
    let found = (find("effective_init").unwrap().measure)(&view);
    assert!((found - (-0.25f64).exp()).abs() < 1e-13, "{found}");
}

#[test]
fn the_expectation_without_fluctuations_is_the_measurement() {
    let (truth, w) = ([1.0, 0.0], [1.0, 2.0]);
    let problem = problem(Some(truth.to_vec()));
    let beta = [1.0, 4.0];
    let noises = [label(2.0)];
    let moments = Moments {
        problem: &problem,
        loss_factor: 0.25,
        mean: &beta,
        variance: &[0.0; 2],
        slope: &beta,
        active_threshold: 0.05,
        squared_residuals: 2.0,
        squared_gradient: SumOfSquares::new(10.0, 0.0),
        noise_trace: 60.0,
    };
    for observable in REGISTRY {
        let measured = measure_with(observable.name, &truth, w, Batch::Full, &noises);
        if let Some(expect) = observable.expect {
            let expected = expect(&moments);
            assert!((expected - measured).abs() < 1e-14, "{}: {expected}, {measured}", observable.name);
        }
    }
}

/// The gradients of the two predictions are J = [2 8; 6 -4], their squared norms 68 and 52.
#[test]
fn the_noise_trace_adds_up_the_mini_batch_and_every_noise() {
    let trace = |batch, noises: &[Noise]| measure_with("noise_trace", &[1.0, 0.0], [1.0, 2.0], batch, noises);
    // One label of variance 4 with weight 2c = 1/2: (1/4) 4 (68 + 52) / 2.
    assert_eq!(trace(Batch::Full, &[label(2.0)]), 60.0);
    let isotropic = Noise::parameter(IsotropicNoise { std: 3.0, bypasses_momentum: false });
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
    let active = |threshold: ActiveThreshold, beta: [f64; 2]| {
        let (problem, dynamics) = (problem(None), GradientDescent::new(1, 0.1).into());
        let view =
            View::new(&problem, &MODEL, (Loss::Square, 0.25), &dynamics, &[], &[0.0, 0.0], &beta, None)
                .with_active(threshold);
        (find("active").unwrap().measure)(&view)
    };
    let absolute = ActiveThreshold::Absolute(0.05);
    assert_eq!(active(absolute, [0.05, -0.05]), 0.0);
    assert_eq!(active(absolute, [0.0501, -0.0501]), 2.0);
    // Without a truth, relative to the largest of the coefficients.
    assert_eq!(active(ActiveThreshold::default(), [0.002, -0.00011]), 2.0);
    assert_eq!(active(ActiveThreshold::default(), [0.002, -0.0001]), 1.0);
}

#[test]
fn support_is_recalled_on_the_scale_of_the_truth() {
    // beta = w^2: a truth of 0.03 that is met to one percent is active, and a hundredth of it is not.
    let recall = |w: [f64; 2]| measure("support_recall", &[0.03, 0.0], w);
    assert_eq!(recall([0.0297f64.sqrt(), 0.0003f64.sqrt()]), 1.0);
    assert_eq!(measure("active", &[0.03, 0.0], [0.0297f64.sqrt(), 0.0003f64.sqrt()]), 1.0);
}

#[test]
fn where_the_lasso_is_one_of_several_predictions_are_compared_and_coefficients_are_not() {
    let (problem, dynamics) = (problem(None), GradientDescent::new(1, 0.1).into());
    let mut reference = reference();
    reference.predicted.lasso.is_unique = false;
    let view =
        View::new(&problem, &MODEL, (Loss::Square, 0.25), &dynamics, &[], &[0.0; 2], &[1.0, 4.0], None)
            .with_reference(Some(&reference));
    for name in ["distance_to_lasso", "time_average_to_lasso"] {
        assert!((find(name).unwrap().measure)(&view).is_nan(), "{name}");
    }
    let found = (find("predictions_to_lasso").unwrap().measure)(&view);
    assert!((found - 1.3f64.sqrt()).abs() < 1e-14, "{found}");
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
        View::new(&problem, &MODEL, (Loss::Square, 0.25), &dynamics, &[], &[0.0; 2], &beta, None)
            .has_diverged()
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
        // The matrix G has its own letter, as in `jostle measure`.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == 'G';
        assert!(name.chars().all(plain), "{name}");
        assert!(!observable.symbol.is_empty() && observable.doc.ends_with('.'), "{name}");
        assert!(!observable.diverged.is_finite(), "{name} must not look like a value after divergence");
        assert_eq!(find(name).map(|found| found.doc), Some(observable.doc));
    }
    assert!(find("no_such_thing").is_none());
}

#[test]
fn the_default_quantities_exist_and_need_no_truth_where_there_is_none() {
    let with = |truth| {
        let cell = Setup { source: Source::Shared(Arc::new(problem(truth))), ..cell() };
        default_names(&cell.process(), &Protocol::default())
    };
    assert_eq!(with(Some(vec![1.0, 0.0])), ["train_loss", "test_error", "l1_norm", "active"]);
    assert_eq!(with(None), ["train_loss", "l1_norm", "active"]);
}
