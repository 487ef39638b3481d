use super::*;
use crate::dynamics::{Batch, Flow, GradientDescent, Schedule};
use crate::ensemble::setup::Setup;
use crate::ensemble::{Recording, Unit, run_unit_until};
use crate::float::Precision;
use crate::linear_algebra::Columns;
use crate::linear_algebra::{norm, product, transpose_product};
use crate::model::{LinkKind, ModelSpec, Power, Product, Square, Unit as Linear};
use crate::noise::{IsotropicNoise, LabelDistribution, LabelNoise, Labels, MiniBatchDifference, Noise};
use crate::observable::{Needs, REGISTRY};
use crate::process::Start;
use crate::random::{Draws, Purpose};
use crate::simd::Level;
use crate::theory::conic::{Programme, block};
use crate::theory::entropy_projection;
use clarabel::solver::SupportedConeT::{NonnegativeConeT, ZeroConeT};
use std::sync::Arc;

const SQUARE: LinkKind = LinkKind::Square(Square);
const SIGNED: LinkKind = LinkKind::Power(Power { depth: 2 });

/// A Gaussian design (10 x 30) whose columns differ, with labels of a truth of three coefficients.
fn problem(signed: bool) -> Problem {
    let (n, dim) = (10, 30);
    let mut x = vec![0.0; n * dim];
    Draws::new(3, &[0], 0).normals(Purpose::DESIGN, &mut x);
    for (k, entry) in x.iter_mut().enumerate() {
        *entry *= 0.7 + 0.02 * (k % dim) as f64;
    }
    let mut truth = vec![0.0; dim];
    truth[..3].copy_from_slice(&[1.0, if signed { -1.0 } else { 1.0 }, 0.5]);
    let y = product(&x, dim, &truth);
    Problem::new(x, y, Some(truth)).unwrap()
}

fn label(std: f64) -> Vec<Noise> {
    let (labels, distribution) = (Labels::One, LabelDistribution::Gaussian);
    vec![Noise::sample(LabelNoise { std, lambda: None, labels, distribution })]
}

fn cell(link: LinkKind, dynamics: GradientDescent, noises: Vec<Noise>) -> Setup {
    Setup {
        source: Source::Shared(Arc::new(problem(link != SQUARE))),
        start: Start::default(),
        model: ModelSpec::new(link, 0.5),
        dynamics: dynamics.into(),
        noises,
        recording: Recording::Log(20),
        quantities: REGISTRY
            .iter()
            .filter(|o| matches!(o.needs, Needs::Nothing | Needs::Coefficients | Needs::Truth))
            .collect(),
        active: crate::observable::ActiveThreshold::default(),
        average_from: None,
        replicas: 1,
        seed: 0,
        precision: Precision::F64,
    }
}

/// A step size and a noise so small that only the slow flow is left, for `rate^2 delta^2 steps = tau`.
fn slow(link: LinkKind, tau: f64) -> Setup {
    let (learning_rate, variance) = (1e-3, 1e-2);
    let steps = (tau / (learning_rate * learning_rate * variance)) as u64;
    cell(link, GradientDescent::new(steps, learning_rate), label(f64::sqrt(variance)))
}

/// `tau |X_j|^2 / n` (d).
fn shrinkage(problem: &Problem, tau: f64) -> Vec<f64> {
    column_squares(problem).iter().map(|square| tau * square / problem.samples() as f64).collect()
}

/// The prediction, which nobody stops.
fn predict(cell: &Setup, replica: u32) -> Result<Prediction, TheoryError> {
    Ok(super::predict(&cell.checked(), replica, &())?.expect("nobody stops it"))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>()) / norm(b)
}

#[test]
fn small_steps_follow_the_entropy_projections_of_a_shrinking_start() {
    let problem = problem(false);
    for tau in [0.3, 1.0, 3.0, 10.0] {
        let init: Vec<f64> = shrinkage(&problem, tau).iter().map(|s| 0.5 * (-0.5 * s).exp()).collect();
        let expected = entropy_projection(&problem, &init).unwrap().beta;
        let found = predict(&slow(SQUARE, tau), 0).unwrap();
        assert_eq!(found.outside, None);
        assert!(distance(&found.beta, &expected) < 2e-3, "{tau}: {}", distance(&found.beta, &expected));
    }
}

#[test]
fn signed_coefficients_interpolate_along_hyperbolic_sines_of_the_row_space() {
    let problem = problem(true);
    for (link, tau) in [(SIGNED, 1.0), (SIGNED, 4.0), (LinkKind::Product(Product), 1.0)] {
        let found = predict(&slow(link, tau), 0).unwrap();
        let missed = product(problem.x(), problem.dim(), &found.beta);
        assert!(distance(&missed, problem.y()) < 1e-3);
        // x_j = asinh(beta_j / 2 alpha_j^2) is X'mu for the mu of the normal equations.
        let scale = |s: &f64| 2.0 * 0.25 * (-s).exp();
        let x: Vec<f64> =
            found.beta.iter().zip(shrinkage(&problem, tau)).map(|(b, s)| (b / scale(&s)).asinh()).collect();
        let solve = Columns::new(problem.x(), problem.dim()).gram(&[1.0; 30]).shifted(0.0).unwrap();
        let mu = solve(&product(problem.x(), problem.dim(), &x));
        let fitted = transpose_product(problem.x(), problem.dim(), &mu);
        assert!(distance(&fitted, &x) < 2e-3, "{tau}: {}", distance(&fitted, &x));
    }
}

#[test]
fn a_long_walk_ends_at_the_weighted_basis_pursuit() {
    let problem = problem(false);
    let (n, dim) = (problem.samples(), problem.dim());
    let mut constraints: Vec<_> = block(problem.x(), dim, 0, 0).collect();
    constraints.extend((0..dim).map(|j| (n + j, j, -1.0)));
    let mut bounds = problem.y().to_vec();
    bounds.resize(n + dim, 0.0);
    let programme = Programme {
        curvature: vec![0.0; dim],
        cost: column_squares(&problem),
        constraints,
        bounds,
        cones: vec![ZeroConeT(n), NonnegativeConeT(dim)],
    };
    let limit = programme.solve().x;
    let [near, far] = [60.0, 6.0].map(|tau| distance(&predict(&slow(SQUARE, tau), 0).unwrap().beta, &limit));
    assert!(near < 2e-3 && far > 10.0 * near, "{near}, {far}");
}

#[test]
fn fluctuations_are_those_of_the_formula() {
    // Var beta_j = rate delta^2 D_j^2 x_j' K^-1 x_j, for steps that are small against the stable ones.
    let (learning_rate, std) = (0.001, 1.0);
    let found = predict(&cell(SQUARE, GradientDescent::new(200_000, learning_rate), label(std)), 0).unwrap();
    let problem = problem(false);
    let columns = Columns::new(problem.x(), problem.dim());
    let solve = columns.gram(&found.beta).shifted(0.0).unwrap();
    for (j, (beta, deviation)) in found.beta.iter().zip(&found.deviation).enumerate() {
        let column: Vec<f64> = (0..problem.samples()).map(|i| problem.row(i)[j]).collect();
        let form: f64 = solve(&column).iter().zip(&column).map(|(a, b)| a * b).sum();
        let expected = learning_rate * std * std * beta * beta * form;
        let ratio = deviation * deviation / expected;
        assert!((ratio - 1.0).abs() < 0.02, "{j}: {ratio}");
    }
}

#[test]
fn recorded_steps_change_nothing_but_what_is_recorded() {
    let dynamics = || GradientDescent {
        learning_rate: Schedule::with_drops(0.02, vec![(3000, 0.1)]).unwrap(),
        ..GradientDescent::new(10_000, 0.02)
    };
    let often = Setup { recording: Recording::Every(10), ..cell(SQUARE, dynamics(), label(1.0)) };
    let seldom = Setup { recording: Recording::Every(5000), ..cell(SQUARE, dynamics(), label(1.0)) };
    let (often, seldom) = (predict(&often, 0).unwrap(), predict(&seldom, 0).unwrap());
    let width = seldom.rows.len() / 3;
    let bits = |row: &[f64]| row.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    for (a, b) in [(0, 0), (500, 1), (1000, 2)] {
        assert_eq!(
            bits(&often.rows[a * width..(a + 1) * width]),
            bits(&seldom.rows[b * width..(b + 1) * width])
        );
    }
    assert_eq!(bits(&often.beta), bits(&seldom.beta));
}

#[test]
fn a_prediction_begins_at_the_start_and_knows_every_observable_or_says_so() {
    let cell = cell(SQUARE, GradientDescent::new(1000, 0.01), label(1.0));
    let found = predict(&cell, 0).unwrap();
    let width = cell.quantities.len();
    for row in found.rows.chunks_exact(width) {
        for (value, quantity) in row.iter().zip(&cell.quantities) {
            assert_eq!(value.is_finite(), quantity.expect.is_some(), "{}: {value}", quantity.name);
        }
    }
    let at = |name| found.rows[cell.quantities.iter().position(|o| o.name == name).unwrap()];
    assert_eq!((at("l1_norm"), at("active"), at("support_recall")), (30.0 * 0.25, 30.0, 1.0));
    assert!(found.log_abs_theta.iter().zip(&found.theta).all(|(log, w)| (log.exp() - w).abs() < 1e-12));
    assert!(
        found.theta.iter().zip(&found.beta).all(|(w, beta)| w * w < *beta),
        "means exceed typical values"
    );
}

#[test]
fn parameters_of_the_product_form_are_those_of_the_power_form() {
    let dynamics = || GradientDescent::new(2000, 0.01);
    let power = predict(&cell(SIGNED, dynamics(), label(1.0)), 0).unwrap();
    let product = predict(&cell(LinkKind::Product(Product), dynamics(), label(1.0)), 0).unwrap();
    assert!(distance(&product.beta, &power.beta) < 1e-12);
    for j in 0..30 {
        let (u, v) = (power.theta[j], power.theta[30 + j]);
        let (a, b) = (product.theta[j], product.theta[30 + j]);
        assert!((a - (u + v)).abs() < 1e-12 && (b - (u - v)).abs() < 1e-12);
        assert!((product.log_abs_theta[j] - a.abs().ln()).abs() < 1e-9);
        assert!((product.log_abs_theta[30 + j] - b.abs().ln()).abs() < 1e-7);
    }
}

#[test]
fn continuous_time_is_the_limit_of_small_steps() {
    // The same noise a unit of time: steps a tenth of the size, with labels that vary ten times as much.
    let flow = Flow { learning_rate: Some(Schedule::constant(0.02)), ..Flow::new(3000, 0.02) };
    let limit = predict(
        &Setup { dynamics: flow.into(), ..cell(SQUARE, GradientDescent::new(1, 1.0), label(1.0)) },
        0,
    );
    let limit = limit.unwrap();
    assert_eq!(limit.expansion.step_size, 0.0);
    let [near, far] = [10.0, 1.0].map(|finer: f64| {
        let dynamics = GradientDescent::new((3000.0 * finer) as u64, 0.02 / finer);
        distance(&predict(&cell(SQUARE, dynamics, label(finer.sqrt())), 0).unwrap().beta, &limit.beta)
    });
    assert!(near < 2e-3 && far > 5.0 * near, "{near}, {far}");
}

#[test]
fn coordinates_that_start_at_zero_stay_there() {
    let mut cell = cell(SQUARE, GradientDescent::new(2000, 0.01), label(1.0));
    cell.model = ModelSpec::with_init(SQUARE, (0..30).map(|j| if j == 4 { 0.0 } else { -0.5 }).collect());
    let found = predict(&cell, 0).unwrap();
    assert_eq!((found.beta[4], found.theta[4], found.log_abs_theta[4]), (0.0, 0.0, f64::NEG_INFINITY));
    assert!(found.beta.iter().all(|beta| beta.is_finite()) && found.theta[5] < 0.0);
}

#[test]
fn labels_that_nothing_reproduces_lead_to_the_lasso() {
    // More samples than dimensions, labels with noise: where the mean flow rests, -X_j' r / n = lambda_j.
    let (n, dim) = (40, 5);
    let mut draws = vec![0.0; n * (dim + 1)];
    Draws::new(5, &[0], 0).normals(Purpose::DESIGN, &mut draws);
    let (x, noise) = draws.split_at(n * dim);
    let y: Vec<f64> = (0..n).map(|i| x[i * dim] + 0.5 * x[i * dim + 1] + 0.3 * noise[i]).collect();
    let problem = Problem::new(x.to_vec(), y, None).unwrap();
    let quantities = REGISTRY.iter().filter(|o| o.name == "train_loss").collect();
    let source = Source::Shared(Arc::new(problem.clone()));
    let variance = 4.0;
    let cell = Setup { source, quantities, ..cell(SQUARE, GradientDescent::new(400_000, 0.01), label(2.0)) };
    let found = predict(&cell, 0).unwrap();
    let lambda: Vec<f64> =
        shrinkage(&problem, 1.0).iter().map(|column| 0.5 * 0.01 * variance * column).collect();
    let residual: Vec<f64> =
        product(problem.x(), dim, &found.beta).iter().zip(problem.y()).map(|(f, y)| f - y).collect();
    let gradient = transpose_product(problem.x(), dim, &residual);
    for j in 0..dim {
        let slack = gradient[j] / n as f64 + lambda[j];
        let expected = found.beta[j] < 1e-2 && slack > -1e-3 || slack.abs() < 0.05 * lambda[j];
        assert!(expected, "{j}: {slack} with beta {} and lambda {}", found.beta[j], lambda[j]);
    }
}

#[test]
fn what_theory_does_not_describe_is_refused() {
    let dynamics = || GradientDescent::new(10, 0.01);
    let message = |cell: &Setup| predict(cell, 0).unwrap_err().to_string();
    for link in [LinkKind::Unit(Linear), LinkKind::Power(Power { depth: 3 })] {
        let found = message(&cell(link, dynamics(), label(1.0)));
        assert!(found.starts_with("the slow flow holds for beta = w^2, u^2 - v^2 and a * b; "), "{found}");
    }
    let mut noises = label(1.0);
    noises.push(Noise::parameter(IsotropicNoise { std: 1.0, bypasses_momentum: false }));
    assert_eq!(
        message(&cell(SQUARE, dynamics(), noises)),
        "the slow flow holds for label noise and mini-batches; noise.1 is another noise"
    );
    let difference = vec![Noise::sample(MiniBatchDifference { scale: 1.0, batch: 1 })];
    assert!(message(&cell(SQUARE, dynamics(), difference)).contains("noise.0 is another noise"));
}

#[test]
fn beyond_its_validity_a_prediction_says_so_and_has_no_numbers() {
    let reason = |cell: &Setup| {
        let found = predict(cell, 0).unwrap();
        let outside = found.outside.unwrap();
        assert!(found.beta.iter().chain(&found.theta).all(|v| v.is_nan()));
        let recorded = cell.recording.steps(cell.dynamics.steps());
        let at = recorded.iter().position(|step| *step == outside.step).unwrap();
        assert!(found.rows[at * cell.quantities.len()..].iter().all(|v| v.is_nan()));
        outside.reason
    };
    let unstable = reason(&cell(SQUARE, GradientDescent::new(100, 2.0), label(1.0)));
    assert!(unstable.starts_with("gradient descent is unstable: its step size is "), "{unstable}");
    let noisy = reason(&cell(SQUARE, GradientDescent::new(100_000, 0.01), label(8.0)));
    assert!(noisy.starts_with("fluctuations are not small: "), "{noisy}");
    let single = GradientDescent { batch: Batch::Size(1), ..GradientDescent::new(2000, 0.3) };
    let diverged = reason(&cell(SQUARE, single, label(1.0)));
    assert!(diverged.contains("of 256 replicas diverged within 1000 steps"), "{diverged}");
}

#[test]
fn single_samples_begin_with_a_simulation() {
    let dynamics = GradientDescent { batch: Batch::Size(1), ..GradientDescent::new(3000, 0.02) };
    let found = predict(&cell(SQUARE, dynamics, label(0.3)), 0).unwrap();
    assert_eq!(found.simulated, Some(Simulated { steps: 1000, replicas: 256, cause: Cause::Feedback }));
    assert_eq!(found.outside, None);
    let full = predict(&cell(SQUARE, GradientDescent::new(3000, 0.02), label(0.3)), 0).unwrap();
    assert_eq!(full.simulated, None);
}

#[test]
fn a_predicted_loss_is_that_of_gradient_descent_between_the_solvers_steps_too() {
    // So little noise that means are one path; the flow is off by the order of the step size.
    let quantities: Vec<_> = REGISTRY.iter().filter(|o| o.name == "train_loss").collect();
    let (recording, dynamics) = (Recording::Every(1), GradientDescent::new(6000, 0.005));
    let cell = Setup { recording, quantities, ..cell(SQUARE, dynamics, label(1e-3)) };
    let predicted = predict(&cell, 0).unwrap().rows;
    let path = run_unit_until(&cell.checked(), &Unit { replicas: 0..1 }, 6000, Level::detect(), &()).unwrap();
    let simulated = &path.replicas[0].rows;
    assert!(simulated[6000] < 1e-3 * simulated[0] && predicted.len() == simulated.len());
    let ratios: Vec<f64> = predicted.iter().zip(simulated).map(|(p, s)| p / s).collect();
    for (k, pair) in ratios.windows(2).enumerate() {
        assert!((pair[0] - 1.0).abs() < 0.1 && (pair[1] - pair[0]).abs() < 2e-3, "step {k}: {pair:?}");
    }
}
