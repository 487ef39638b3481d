use super::*;
use crate::dynamics::{Batch, GradientDescent, Sampling, Schedule};
use crate::ensemble::setup::Setup;
use crate::ensemble::{Recording, Unit, run_unit};
use crate::float::Precision;
use crate::model::{LinkKind, ModelSpec, Power, Product, Square, Unit as Linear};
use crate::noise::{
    CovarianceOf, GaussianSampleNoise, IsotropicNoise, LabelDistribution, LabelNoise, Labels,
    MiniBatchDifference,
};
use crate::observable::find;
use crate::process::{Source, Start};
use crate::simd::Level;
use crate::theory::lasso::tests::{distance, noisy};
use std::sync::Arc;

pub(super) const QUADRATIC: LinkKind = LinkKind::Square(Square);
pub(super) const HADAMARD: LinkKind = LinkKind::Power(Power { depth: 2 });
const PRODUCT: LinkKind = LinkKind::Product(Product);

pub(super) fn label(std: f64, labels: Labels) -> Noise {
    Noise::sample(LabelNoise { std, lambda: None, labels, distribution: LabelDistribution::Gaussian })
}

pub(super) fn predicted_lasso(cell: &Setup, problem: &Problem) -> Result<PredictedLasso, TheoryError> {
    super::predicted_lasso(&cell.process(), problem)
}

fn predicted_lasso_at(
    cell: &Setup,
    problem: &Problem,
    step: u64,
    measured: Option<&[f64]>,
) -> Result<PredictedLasso, TheoryError> {
    super::predicted_lasso_at(&cell.process(), problem, step, measured)
}

pub(super) fn cell(
    problem: &Problem,
    link: LinkKind,
    dynamics: GradientDescent,
    noises: Vec<Noise>,
) -> Setup {
    Setup {
        source: Source::Shared(Arc::new(problem.clone())),
        start: Start::default(),
        model: ModelSpec::new(link, 0.3),
        active: crate::observable::ActiveThreshold::default(),
        average_from: Some(dynamics.steps / 6),
        dynamics: dynamics.into(),
        noises,
        recording: Recording::Every(u64::MAX),
        quantities: Vec::new(),
        replicas: 8,
        seed: 5,
        precision: Precision::F64,
    }
}

/// The problem with a truth of ones, whatever its signs were.
fn positive(problem: &Problem) -> Problem {
    let truth: Vec<f64> = problem.truth().unwrap().iter().map(|t| t.abs()).collect();
    let noise = product(problem.x(), problem.dim(), problem.truth().unwrap());
    let y = product(problem.x(), problem.dim(), &truth);
    let y = y.iter().zip(problem.y()).zip(noise).map(|((clean, y), old)| clean + y - old).collect();
    Problem::new(problem.x().to_vec(), y, Some(truth)).unwrap()
}

pub(super) fn of(link: LinkKind, problem: &Problem) -> Problem {
    if link == QUADRATIC { positive(problem) } else { problem.clone() }
}

fn run(cell: &Setup) -> Vec<crate::ensemble::Replica> {
    let unit = Unit { replicas: 0..cell.replicas };
    run_unit(&cell.checked(), &unit, Level::detect(), &()).unwrap().replicas
}

/// The mean over the replicas of their time averages.
fn average(cell: &Setup) -> Vec<f64> {
    let replicas = run(cell);
    let mut mean = vec![0.0; cell.source.dim()];
    for replica in &replicas {
        for (m, b) in mean.iter_mut().zip(replica.average.as_ref().unwrap()) {
            *m += b / replicas.len() as f64;
        }
    }
    mean
}

/// The distances of the run's average to the predicted Lasso, and to those with half and twice its strength.
fn resolved(cell: &Setup, problem: &Problem) -> [f64; 3] {
    let found = predicted_lasso(cell, problem).unwrap();
    let average = average(cell);
    [1.0, 0.5, 2.0].map(|factor| {
        let lambda: Vec<f64> = found.lambda.iter().map(|l| factor * l).collect();
        let other = lasso(problem, &lambda, found.sign).unwrap();
        distance(&average, &other.beta)
    })
}

fn check_resolved(what: &str, cell: &Setup, problem: &Problem, tolerance: f64) {
    let [right, half, twice] = resolved(cell, problem);
    println!("{what}: {right:.4}, {half:.4} of half, {twice:.4} of twice the strength");
    assert!(right < tolerance && half > 2.0 * right && twice > 2.0 * right, "{what}: {right} {half} {twice}");
}

/// Every variant with about the same strength.
pub(super) fn variants(
    samples: usize,
    steps: u64,
) -> Vec<(&'static str, LinkKind, GradientDescent, Vec<Noise>)> {
    let plain = |rate| GradientDescent::new(steps, rate);
    let batches =
        |size, rate| GradientDescent { batch: Batch::Size(size), ..GradientDescent::new(4 * steps, rate) };
    let covariance = GaussianSampleNoise { of: CovarianceOf::Label, scale: 2.0 };
    let all = (2.0 * samples as f64).sqrt();
    vec![
        ("one label, w^2", QUADRATIC, plain(0.01), vec![label(2.0, Labels::One)]),
        ("one label, u^2 - v^2", HADAMARD, plain(0.01), vec![label(2.0, Labels::One)]),
        ("one label, a * b", PRODUCT, plain(0.01), vec![label(2.0, Labels::One)]),
        ("all labels, w^2", QUADRATIC, plain(0.02), vec![label(all, Labels::Batch)]),
        ("all labels, u^2 - v^2", HADAMARD, plain(0.02), vec![label(all, Labels::Batch)]),
        ("two noises, w^2", QUADRATIC, plain(0.01), vec![label(1.2, Labels::One), label(all, Labels::Batch)]),
        ("like labels, w^2", QUADRATIC, plain(0.01), vec![Noise::sample(covariance)]),
        (
            "momentum, w^2",
            QUADRATIC,
            GradientDescent { momentum: 0.9, ..plain(0.001) },
            vec![label(2.0, Labels::One)],
        ),
        (
            "momentum, u^2 - v^2",
            HADAMARD,
            GradientDescent { momentum: 0.5, ..plain(0.005) },
            vec![label(2.0, Labels::One)],
        ),
        ("one sample, w^2", QUADRATIC, batches(1, 0.005), vec![label(2.5, Labels::One)]),
        ("one sample, u^2 - v^2", HADAMARD, batches(1, 0.005), vec![label(2.5, Labels::One)]),
        ("four samples, w^2", QUADRATIC, batches(4, 0.01), vec![label(4.0, Labels::Batch)]),
    ]
}

fn check_variants(problem: &Problem, steps: u64, tolerance: f64) {
    for (what, link, dynamics, noises) in variants(problem.samples(), steps) {
        let problem = of(link, problem);
        check_resolved(what, &cell(&problem, link, dynamics, noises), &problem, tolerance);
    }
}

#[test]
fn the_time_average_tends_to_the_predicted_lasso_and_not_to_another() {
    check_variants(&noisy(1, 30, 40, 3, 0.5), 100_000, 0.05);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn the_time_average_comes_within_two_percent_of_the_predicted_lasso() {
    check_variants(&noisy(1, 40, 100, 5, 0.5), 1_500_000, 0.02);
}

/// Columns whose norms are spread over a factor of ten.
fn unequal(problem: &Problem) -> Problem {
    let d = problem.dim();
    let scale = |j: usize| 10_f64.powf((j * 37 % d) as f64 / (d - 1) as f64 - 0.5);
    let x: Vec<f64> = problem.x().iter().enumerate().map(|(k, x)| x * scale(k % d)).collect();
    let y = product(&x, d, problem.truth().unwrap());
    let noise = product(problem.x(), d, problem.truth().unwrap());
    let y = y.iter().zip(problem.y()).zip(noise).map(|((clean, y), old)| clean + y - old).collect();
    Problem::new(x, y, problem.truth().map(<[f64]>::to_vec)).unwrap()
}

fn check_weighted(problem: &Problem, steps: u64, rate: f64, tolerance: f64) {
    for link in [QUADRATIC, HADAMARD] {
        let problem = unequal(&of(link, problem));
        let cell = cell(&problem, link, GradientDescent::new(steps, rate), vec![label(6.0, Labels::One)]);
        let found = predicted_lasso(&cell, &problem).unwrap();
        let (low, high) = range(&mean_squared_columns(&problem));
        assert!(high / low > 50.0, "{low} to {high}");
        check_resolved("unequal columns", &cell, &problem, tolerance);
        // The ordinary Lasso with the mean of the strengths, or any other, is far.
        let average = average(&cell);
        let right = distance(&average, &found.lasso.beta);
        let nearest = (0..60)
            .map(|k| mean(&found.lambda) * 10_f64.powf(f64::from(k) / 20.0 - 2.0))
            .map(|lambda| distance(&average, &lasso(&problem, &[lambda], found.sign).unwrap().beta))
            .fold(f64::INFINITY, f64::min);
        assert!(nearest > 3.0 * right, "{right}, and {nearest} for the nearest ordinary Lasso");
    }
}

#[test]
fn columns_of_unequal_norms_meet_the_weighted_lasso_and_no_ordinary_one() {
    check_weighted(&noisy(1, 20, 30, 3, 0.5), 150_000, 0.006, 0.05);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn columns_of_unequal_norms_meet_the_weighted_lasso_within_two_percent() {
    check_weighted(&noisy(1, 40, 100, 5, 0.5), 3_000_000, 0.002, 0.02);
}

#[test]
fn the_residual_variance_of_mini_batches_is_the_simulated_one() {
    let problem = noisy(2, 20, 30, 4, 0.5);
    for (batch, rate) in [(Batch::Full, 0.02), (Batch::Size(1), 0.01), (Batch::Size(3), 0.02)] {
        let dynamics = GradientDescent { batch, ..GradientDescent::new(200_000, rate) };
        let mut cell = cell(&problem, HADAMARD, dynamics, vec![label(1.5, Labels::One)]);
        cell.recording = Recording::Every(200);
        cell.quantities = vec![find("train_loss").unwrap()];
        let losses: Vec<f64> = run(&cell).into_iter().flat_map(|r| r.rows[200..].to_vec()).collect();
        let found = predicted_lasso(&cell, &problem).unwrap();
        let expected = cell.model.loss_factor * mean(&found.mean_squared_residuals);
        let simulated = mean(&losses);
        println!("{batch}: {simulated} simulated, {expected} predicted");
        assert!((simulated / expected - 1.0).abs() < 0.03, "{batch}: {simulated} against {expected}");
    }
}

#[test]
fn plain_sgd_on_labels_that_cannot_be_interpolated_meets_the_lasso_of_its_own_residuals() {
    let problem = noisy(3, 40, 20, 5, 2.0);
    let dynamics = GradientDescent { batch: Batch::Size(1), ..GradientDescent::new(300_000, 0.01) };
    let cell = cell(&problem, HADAMARD, dynamics, Vec::new());
    check_resolved("plain SGD", &cell, &problem, 0.03);
    let found = predicted_lasso(&cell, &problem).unwrap();
    let measured = found.mean_squared_residuals.clone();
    let again = predicted_lasso_at(&cell, &problem, 0, Some(&measured)).unwrap();
    assert!(distance(&again.lambda, &found.lambda) < 1e-8);
}

fn one_lambda(cell: &Setup, problem: &Problem) -> f64 {
    predicted_lasso(cell, problem).unwrap().lambda[7]
}

#[test]
fn each_setting_changes_the_strength_by_its_factor() {
    let problem = noisy(1, 40, 100, 5, 0.5);
    let plain = GradientDescent::new(100, 0.01);
    let with = |link, dynamics: &GradientDescent, noises| cell(&problem, link, dynamics.clone(), noises);
    let one = one_lambda(&with(QUADRATIC, &plain, vec![label(2.0, Labels::One)]), &problem);
    let square: f64 = (0..40).map(|i| problem.row(i)[7].powi(2) / 40.0).sum();
    assert!((one - 0.01 * 4.0 / 2.0 * square).abs() < 1e-15);
    let close = |cell: &Setup, factor: f64| {
        let found = one_lambda(cell, &problem);
        assert!((found / one / factor - 1.0).abs() < 1e-12, "{} instead of {factor}", found / one);
    };
    for link in [HADAMARD, PRODUCT] {
        close(&with(link, &plain, vec![label(2.0, Labels::One)]), 1.0);
    }
    close(&with(QUADRATIC, &plain, vec![label(2.0, Labels::Batch)]), 1.0 / 40.0);
    let both = vec![label(2.0, Labels::One), label(2.0, Labels::Batch), label(1.0, Labels::One)];
    close(&with(QUADRATIC, &plain, both), 1.0 + 1.0 / 40.0 + 0.25);
    let gaussian = GaussianSampleNoise { of: CovarianceOf::Label, scale: 2.0 };
    close(&with(QUADRATIC, &plain, vec![Noise::sample(gaussian)]), 1.0);
    let heavy = GradientDescent { momentum: 0.75, ..plain.clone() };
    close(&with(QUADRATIC, &heavy, vec![label(2.0, Labels::One)]), 4.0);
    let drops = Schedule::with_drops(0.04, vec![(10, 0.5), (99, 0.5)]).unwrap();
    let dropping = GradientDescent { learning_rate: drops, ..plain.clone() };
    close(&with(QUADRATIC, &dropping, vec![label(2.0, Labels::One)]), 1.0);
    let mut doubled = with(QUADRATIC, &plain, vec![label(2.0, Labels::One)]);
    doubled.model.loss_factor = 0.5;
    close(&doubled, 2.0);
    let early =
        predicted_lasso_at(&with(QUADRATIC, &dropping, vec![label(2.0, Labels::One)]), &problem, 50, None);
    assert!((early.unwrap().lambda[7] / one - 2.0).abs() < 1e-12);
    // Measured residuals count with 1/B'.
    for (batch, replacement, effective) in [(1, true, 1.0), (4, true, 4.0), (4, false, 4.0 * 39.0 / 36.0)] {
        let dynamics = GradientDescent {
            batch: Batch::Size(batch),
            sampling: Sampling::with_replacement(replacement),
            ..plain.clone()
        };
        let cell = with(QUADRATIC, &dynamics, vec![label(2.0, Labels::One)]);
        let found = predicted_lasso_at(&cell, &problem, 0, Some(&[3.0; 40])).unwrap();
        assert!((found.lambda[7] / one - (4.0 + 3.0 / effective) / 4.0).abs() < 1e-12);
    }
    let difference = MiniBatchDifference { scale: 2.0, batch: 1 };
    let noises = vec![label(2.0, Labels::One), Noise::sample(difference)];
    let found = predicted_lasso_at(&with(QUADRATIC, &plain, noises), &problem, 0, Some(&[3.0; 40])).unwrap();
    assert!((found.lambda[7] / one - (4.0 + 2.0 * 4.0 * 3.0) / 4.0).abs() < 1e-12);
}

#[test]
fn what_a_strength_means_is_spelled_out() {
    let problem = Problem::new(vec![1.0, -1.0, 1.0, 1.0], vec![2.0, 1.0], None).unwrap();
    let dynamics = GradientDescent { momentum: 0.5, ..GradientDescent::new(10, 0.1) };
    let cell = cell(&problem, QUADRATIC, dynamics, vec![label(2.0, Labels::Batch)]);
    assert_eq!(
        predicted_lasso(&cell, &problem).unwrap().to_string(),
        "\
non-negative Lasso with lambda_j 0.2: 1 of 2 coefficients are not zero
lambda goes with |X beta - y|^2 / 2n + sum_j lambda_j |beta_j|
lambda_j = loss factor x step size x momentum x (labels + sampling) / 2 x columns_j
  loss factor   1          the loss is c/n sum r^2 with c = 0.25; 1 in the papers (c = 1/4 for w^2 and u^2 - v^2, 1/2 for a * b)
  step size     0.1        eta
  momentum      2          1/(1 - b) for the heavy ball, b = 0.5
  labels        2          every label of the batch of 2 is perturbed: its variance 4, divided by 2
  sampling      0          full batches add no residual variance
  columns       1          |X_j|^2/n, the same for all columns: the ordinary Lasso"
    );
}

#[test]
fn the_factors_multiply_to_the_mean_strength() {
    let problem = noisy(1, 40, 100, 5, 0.5);
    for (what, link, dynamics, noises) in variants(40, 100) {
        let problem = of(link, &problem);
        let found = predicted_lasso(&cell(&problem, link, dynamics, noises), &problem).unwrap();
        let value = |what: &str| -> f64 {
            found.convention.factors.iter().filter(|f| f.what == what).map(|f| f.value).sum()
        };
        let product = value("loss factor") * value("step size") * value("momentum") / 2.0
            * (value("labels") + value("sampling"))
            * value("columns");
        // Residuals and squared entries of a sample are not independent: 1 % for mini-batches.
        assert!((product / mean(&found.lambda) - 1.0).abs() < 0.02, "{what}");
    }
}

#[test]
fn where_no_lasso_is_known_the_reason_is_given() {
    let problem = noisy(1, 10, 30, 3, 0.0);
    let plain = GradientDescent::new(100, 0.01);
    let error = |link, dynamics: &GradientDescent, noises| {
        predicted_lasso(&cell(&problem, link, dynamics.clone(), noises), &problem).unwrap_err().to_string()
    };
    let found = error(LinkKind::Unit(Linear), &plain, vec![label(1.0, Labels::One)]);
    assert!(found.contains("holds for beta = w^2, u^2 - v^2 and a * b"), "{found}");
    assert!(
        error(LinkKind::Power(Power { depth: 3 }), &plain, vec![label(1.0, Labels::One)])
            .contains("holds for")
    );
    let isotropic = Noise::parameter(IsotropicNoise { std: 1.0, bypasses_momentum: false });
    assert_eq!(
        error(HADAMARD, &plain, vec![label(1.0, Labels::One), isotropic]),
        "no Lasso is known for noise.1: acts on the parameters, not on the labels or the samples"
    );
    let nothing = "no Lasso is known for noise: there is neither noise in the labels nor from mini-batches, and the limit \
                   depends on the start";
    assert_eq!(error(HADAMARD, &plain, Vec::new()), nothing);
    assert_eq!(error(HADAMARD, &plain, vec![label(0.0, Labels::One)]), nothing);
    let sgd = GradientDescent { batch: Batch::Size(1), ..plain.clone() };
    let difference = Noise::sample(MiniBatchDifference { scale: 1.0, batch: 1 });
    for found in [error(HADAMARD, &sgd, Vec::new()), error(HADAMARD, &plain, vec![difference])] {
        assert!(found.contains("the noise of mini-batches vanishes with the residuals"), "{found}");
    }
    let large = GradientDescent { batch: Batch::Size(10), ..GradientDescent::new(100, 3.0) };
    for dynamics in [large, GradientDescent::new(100, 3.0)] {
        let found = error(HADAMARD, &dynamics, vec![label(1e-3, Labels::One)]);
        assert!(found.contains("dynamics.learning_rate: is too large"), "{found}");
    }
    let mut still = cell(&problem, QUADRATIC, plain, vec![label(1.0, Labels::One)]);
    still.model = ModelSpec::with_init(QUADRATIC, (0..30).map(f64::from).collect());
    let found = predicted_lasso(&still, &problem).unwrap_err().to_string();
    assert_eq!(found, "no Lasso is known for model.init: is 0 at coordinate 0, where parameters never move");
}

#[test]
fn labels_of_zero_predict_zero() {
    let problem = Problem::new(noisy(1, 6, 9, 2, 0.0).x().to_vec(), vec![0.0; 6], None).unwrap();
    for batch in [Batch::Full, Batch::Size(1)] {
        let dynamics = GradientDescent { batch, ..GradientDescent::new(10, 0.01) };
        let found =
            predicted_lasso(&cell(&problem, HADAMARD, dynamics, vec![label(1.0, Labels::One)]), &problem);
        let found = found.unwrap();
        assert_eq!(
            (found.lasso.beta.clone(), found.mean_squared_residuals.clone()),
            (vec![0.0; 9], vec![0.0; 6])
        );
        assert_eq!(found.relative_distance(&[3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), 5.0);
    }
}
