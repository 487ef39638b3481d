//! Flows as an experiment runs them: where they end, their laws, and what they refuse.

use super::*;
use crate::dynamics::{Dynamics, GradientDescent};
use crate::ensemble::setup::Setup;
use crate::ensemble::{Recording, Replica, Unit, may_stop_early, run_unit};
use crate::float::Precision;
use crate::model::{Product, Square, Unit as Identity};
use crate::noise::{
    CovarianceOf, CovarianceShape, GaussianSampleNoise, IsotropicNoise, LabelDistribution, LabelNoise,
    Labels, MiniBatchDifference, ShapedNoise,
};
use crate::observable::find;
use crate::problem::Problem;
use crate::process::{Source, Start};
use crate::random::laws::{Estimate, check_distribution, check_estimates};
use crate::random::{Draws, Purpose};
use crate::simd::Level;
use crate::theory::{entropy_projection, label_noise_strength};
use statrs::distribution::{ContinuousCDF, Gamma};
use std::sync::Arc;

const SQUARE: LinkKind = LinkKind::Square(Square);
const DIFFERENCE: LinkKind = LinkKind::Power(Power { depth: 2 });
const PRODUCT: LinkKind = LinkKind::Product(Product);

/// A problem with a non-negative interpolator.
fn problem(samples: usize, dim: usize) -> Problem {
    let mut x = vec![0.0; samples * dim];
    Draws::new(3, &[0], 0).normals(Purpose::DESIGN, &mut x);
    let y = x.chunks(dim).map(|row| row[0] + 0.5 * row[1]).collect();
    Problem::new(x, y, None).unwrap()
}

fn label(std: f64, labels: Labels) -> LabelNoise {
    LabelNoise { std, lambda: None, labels, distribution: LabelDistribution::Gaussian }
}

fn cell(problem: Problem, link: LinkKind, init: f64, flow: Flow, noise: Option<LabelNoise>) -> Setup {
    Setup {
        source: Source::Shared(Arc::new(problem)),
        start: Start::default(),
        model: ModelSpec::new(link, init),
        dynamics: flow.into(),
        noises: noise.into_iter().map(Noise::sample).collect(),
        recording: Recording::Log(2),
        quantities: vec![find("train_loss").unwrap()],
        active: crate::observable::ActiveThreshold::default(),
        average_from: None,
        replicas: 1,
        seed: 1,
        precision: Precision::F64,
    }
}

fn run(cell: Setup) -> Vec<Replica> {
    let all = Unit { replicas: 0..cell.replicas };
    run_unit(&cell.check().unwrap(), &all, Level::detect(), &()).unwrap().replicas
}

fn with_rate(steps: u64, time_step: f64, learning_rate: f64) -> Flow {
    Flow { learning_rate: Some(Schedule::constant(learning_rate)), ..Flow::new(steps, time_step) }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn norm(a: &[f64]) -> f64 {
    distance(a, &vec![0.0; a.len()])
}

/// Steps of any size keep `ln w` in the row space of `X`, so that the end is exact where that of descent is not.
#[test]
fn gradient_flow_ends_at_the_entropy_projection() {
    let exact = entropy_projection(&problem(6, 12), &[0.8]).unwrap().beta;
    for scheme in Scheme::NAMES {
        for time_step in [0.02, 0.05] {
            let flow = Flow { scheme: Scheme::named(scheme).unwrap(), ..Flow::new(200_000, time_step) };
            let replica = run(cell(problem(6, 12), SQUARE, 0.8, flow, None)).remove(0);
            let off = distance(&replica.beta, &exact) / norm(&exact);
            assert!(off < 1e-8, "{scheme}, {time_step}: {off:.1e}");
            assert!(replica.converged.is_some(), "{scheme}");
        }
    }
    let descent = GradientDescent::new(200_000, 0.05).into();
    let beta = run(Setup { dynamics: descent, ..cell(problem(6, 12), SQUARE, 0.8, Flow::new(1, 1.0), None) });
    assert!(distance(&beta[0].beta, &exact) / norm(&exact) > 1e-4);
}

#[test]
fn gradient_descent_with_small_steps_follows_gradient_flow() {
    for (link, precision, allowed) in [
        (SQUARE, Precision::F64, 2e-3),
        (DIFFERENCE, Precision::F64, 2e-3),
        (PRODUCT, Precision::F64, 2e-3),
        (LinkKind::Unit(Identity), Precision::F64, 2e-3),
        (DIFFERENCE, Precision::F32, 2e-3),
    ] {
        let flowing = |dynamics: Dynamics| {
            let init = vec![0.5, -0.3, 0.7, 0.0, 0.2, -0.6, 0.4];
            let model = ModelSpec { loss_factor: 0.35, ..ModelSpec::with_init(link, init) };
            let flow = Flow::new(1, 1.0);
            let cell = cell(problem(4, 7), link, 0.5, flow, None);
            run(Setup { model, dynamics, precision, ..cell }).remove(0)
        };
        let flow = flowing(Flow::new(100, 0.01).into());
        let descent = flowing(GradientDescent::new(2000, 0.0005).into());
        let off = distance(&flow.theta, &descent.theta) / norm(&descent.theta);
        assert!(off < allowed, "{link:?}: {off:.1e}: {:?} and {:?}", flow.theta, descent.theta);
        for (k, (theta, log)) in flow.theta.iter().zip(&flow.log_abs_theta).enumerate() {
            assert_eq!(theta.signum(), descent.theta[k].signum(), "{link:?}, {k}");
            assert!((theta.abs() - log.exp()).abs() <= 1e-14, "{link:?}, {k}: {theta} and exp({log})");
        }
        if link != LinkKind::Unit(Identity) {
            assert!(flow.beta[3] == 0.0 && flow.theta[3] == 0.0, "what starts at zero stays there");
        }
    }
}

#[test]
fn the_product_form_is_the_same_point_in_other_coordinates() {
    let noise = || Some(label(0.5, Labels::One));
    let end = |link| run(cell(problem(4, 7), link, 0.5, with_rate(300, 0.01, 0.1), noise())).remove(0);
    let (power, product) = (end(DIFFERENCE), end(PRODUCT));
    assert_eq!(power.beta, product.beta);
    let (u, v) = power.theta.split_at(7);
    let (a, b) = product.theta.split_at(7);
    for j in 0..7 {
        assert!((a[j] - (u[j] + v[j])).abs() < 1e-14 && (b[j] - (u[j] - v[j])).abs() < 1e-14, "{j}");
        assert!((a[j] * b[j] - product.beta[j]).abs() < 1e-14, "{j}");
    }
}

/// `|u_j v_j| = init^2 exp(-s^2 |X_j|^2 t)` on every path, with drops of the step size.
#[test]
fn the_effective_initialisation_shrinks_deterministically() {
    let learning_rate = Some(Schedule::with_drops(0.2, vec![(100, 0.25)]).unwrap());
    let flow = Flow { learning_rate, ..Flow::new(250, 0.01) };
    let model = cell(problem(4, 7), DIFFERENCE, 0.5, flow, Some(label(1.5, Labels::One)));
    let replicas = run(Setup { replicas: 9, ..model });
    let problem = problem(4, 7);
    let integral = 0.01 * (100.0 * 0.2 + 150.0 * 0.05) * 1.5 * 1.5 / 4.0;
    for replica in &replicas {
        for j in 0..7 {
            let squares: f64 = (0..4).map(|i| problem.row(i)[j].powi(2)).sum();
            let found = replica.log_abs_theta[j] + replica.log_abs_theta[7 + j];
            let expected = 2.0 * 0.5f64.ln() - integral * squares;
            assert!((found - expected).abs() < 1e-12 * expected.abs(), "{found} against {expected}");
        }
    }
}

/// In one dimension the stationary law is Gamma with shape `(xy/n - s^2 x^2/2) / (s^2 x^2)` and rate `1 / (n s^2)`.
#[test]
fn in_one_dimension_the_stationary_law_is_gamma() {
    let (x, y) = (vec![1.0, 0.5], vec![1.2, 0.4]);
    let (norm, correlation): (f64, f64) = (1.25, 1.4);
    // s^2 = gamma delta^2 / n, or / n^2 when all labels are perturbed: 0.12 in both.
    for (labels, variance) in [(Labels::One, 2.4), (Labels::Batch, 4.8)] {
        let problem = Problem::new(x.clone(), y.clone(), None).unwrap();
        let noise = Some(label(f64::sqrt(variance), labels));
        let cell = cell(problem, SQUARE, 1.0, with_rate(160, 0.05, 0.1), noise);
        let replicas = run(Setup { replicas: 16_000, ..cell });
        let strength = 0.12;
        let shape = (correlation / 2.0 - strength * norm / 2.0) / (strength * norm);
        let law = Gamma::new(shape, 1.0 / (2.0 * strength)).unwrap();
        let draws: Vec<f64> = replicas.iter().map(|replica| replica.beta[0]).collect();
        check_distribution(&format!("{labels:?}"), 0.05, &draws, |beta| law.cdf(beta));
    }
}

/// Means and variances of every coefficient at time 2.
#[test]
fn label_noise_with_small_steps_follows_the_flow() {
    const REPLICAS: u32 = 8000;
    let moments = |dynamics: Dynamics, std: f64| -> Vec<[f64; 3]> {
        let noise = Some(label(std, Labels::One));
        let cell = cell(problem(4, 6), DIFFERENCE, 0.5, Flow::new(1, 1.0), noise);
        let replicas = run(Setup { dynamics, replicas: REPLICAS, ..cell });
        let count = f64::from(REPLICAS);
        (0..6)
            .map(|j| {
                let values = || replicas.iter().map(|replica| replica.beta[j]);
                let mean = values().sum::<f64>() / count;
                let central = |k: i32| values().map(|v| (v - mean).powi(k)).sum::<f64>() / count;
                [mean, central(2), central(4)]
            })
            .collect()
    };
    // The same gamma delta^2 = 0.1.
    let descent = moments(GradientDescent::new(500, 0.004).into(), 5.0);
    let flow = moments(with_rate(50, 0.04, 0.1).into(), 1.0);
    let error = |a: f64, b: f64| ((a + b) / f64::from(REPLICAS)).sqrt();
    let compared = |of: fn(&[f64; 3]) -> [f64; 2], unit: fn(f64) -> f64| -> Vec<Estimate> {
        let pairs = descent.iter().zip(&flow);
        let estimate = |(a, b): (&[f64; 3], &[f64; 3])| {
            let ([value, variance], [expected, other]) = (of(a), of(b));
            Estimate { value, expected, standard_error: error(variance, other), unit: unit(a[1]) }
        };
        pairs.map(estimate).collect()
    };
    let means = compared(|[mean, variance, _]| [*mean, *variance], f64::sqrt);
    check_estimates("means of descent against those of the flow", 0.25, &means);
    let variances = compared(|[_, variance, fourth]| [*variance, fourth - variance * variance], |v| v);
    check_estimates("variances of descent against those of the flow", 0.5, &variances);
}

/// The stationary points of the Lasso with the predicted `lambda`: `X' r / n = -lambda` where active, above elsewhere.
#[test]
fn the_time_average_meets_the_conditions_of_the_predicted_lasso() {
    let noise = label(2.0, Labels::One);
    let flow = with_rate(100_000, 0.05, 0.05);
    let model = cell(problem(4, 6), SQUARE, 1.0, flow, Some(noise));
    let replicas = run(Setup { average_from: Some(2000), replicas: 16, ..model });
    let problem = problem(4, 6);
    let spec = ModelSpec::new(SQUARE, 1.0);
    let lambda =
        label_noise_strength(&problem, &spec, &GradientDescent::new(1, 0.05), &noise, 0).unwrap().lambda;
    // The conditions are linear in the coefficients: replicas are averaged as well.
    let averages = || replicas.iter().map(|replica| replica.average.as_ref().unwrap());
    let beta: Vec<f64> = (0..6).map(|j| averages().map(|a| a[j]).sum::<f64>() / 16.0).collect();
    let mut gradient = [0.0; 6];
    for i in 0..4 {
        let r = problem.row(i).iter().zip(&beta).map(|(x, b)| x * b).sum::<f64>() - problem.y()[i];
        gradient.iter_mut().zip(problem.row(i)).for_each(|(g, x)| *g += r * x / 4.0);
    }
    let scale = lambda.iter().sum::<f64>() / 6.0;
    for j in 0..6 {
        let slack = (gradient[j] + lambda[j]) / scale;
        let is_met = slack > -0.05 && (slack < 0.05 || beta[j] < 1e-3);
        assert!(is_met, "{j}: {beta:?} {gradient:?} {lambda:?}");
    }
    assert!(beta[0] > 0.5 && beta[2] < 1e-3, "{beta:?}");
}

/// Noise drives the coefficient to exp(-2000) and less, and when it ceases the coefficient returns to its place.
#[test]
fn a_coordinate_comes_back_from_far_below_the_smallest_number() {
    let problem = || Problem::new(vec![1.0], vec![10.0], None).unwrap();
    let learning_rate = Some(Schedule::with_drops(100.0, vec![(2000, 1e-9)]).unwrap());
    for (link, lowest) in [(SQUARE, 0), (DIFFERENCE, 1), (PRODUCT, 0)] {
        let flow = |steps| Flow { learning_rate: learning_rate.clone(), ..Flow::new(steps, 0.02) };
        let noise = || Some(label(1.0, Labels::One));
        let down = run(cell(problem(), link, 1.0, flow(2000), noise())).remove(0);
        assert!((-5000.0..-900.0).contains(&down.log_abs_theta[lowest]), "{:?}", down.log_abs_theta);
        assert_eq!((down.beta[0], down.theta[lowest]), (0.0, 0.0));
        let back = run(cell(problem(), link, 1.0, flow(40_000), noise())).remove(0);
        assert!((back.beta[0] - 10.0).abs() < 0.1, "{link:?}: {:?} {:?}", back.beta, back.log_abs_theta);
    }
}

#[test]
fn a_step_beyond_the_limit_of_stability_is_a_diverged_replica() {
    let mut fates = [0, 0];
    for time_step in [0.01, 100.0] {
        let cell = cell(problem(4, 7), SQUARE, 2.0, Flow::new(50, time_step), None);
        let rows = Recording::Every(1);
        let replica = run(Setup { recording: rows, ..cell }).remove(0);
        fates[usize::from(replica.diverged.is_some())] += 1;
        for (step, loss) in replica.rows.iter().enumerate() {
            let exploded = replica.diverged.is_some_and(|diverged| step as u64 >= diverged);
            assert_eq!(*loss == f64::INFINITY, exploded, "step {step}: {loss}");
        }
        assert_eq!(replica.theta.iter().all(|t| t.is_nan()), replica.diverged.is_some());
    }
    assert_eq!(fates, [1, 1]);
}

#[test]
fn results_depend_neither_on_the_block_nor_on_the_recording_nor_on_the_level() {
    let cell = |replicas, recording, precision| {
        let noise = Some(label(1.0, Labels::One));
        let cell = cell(problem(5, 9), DIFFERENCE, 0.5, with_rate(150, 0.02, 0.1), noise);
        Setup { average_from: Some(40), replicas, recording, precision, ..cell }
    };
    for precision in [Precision::F64, Precision::F32] {
        let end = |mut replica: Replica| {
            replica.rows.clear();
            replica
        };
        let all: Vec<_> = run(cell(19, Recording::Log(2), precision)).into_iter().map(end).collect();
        let often = run(cell(19, Recording::Every(7), precision));
        assert!(often.into_iter().map(end).eq(all.iter().cloned()));
        assert_ne!(all[0].beta, all[1].beta);
        for replicas in [1, 4] {
            let few = run(cell(replicas, Recording::Log(2), precision));
            assert!(few.into_iter().map(end).eq(all[..replicas as usize].iter().cloned()), "{replicas}");
        }
        for level in Level::available() {
            let cell = cell(19, Recording::Log(2), precision).check().unwrap();
            let unit = Unit { replicas: 0..19 };
            let replicas = run_unit(&cell, &unit, level, &()).unwrap().replicas;
            assert!(replicas.into_iter().map(end).eq(all.iter().cloned()), "{level}");
        }
    }
}

#[test]
fn the_average_is_that_of_the_states_after_its_first_step() {
    let flow = || with_rate(60, 0.02, 0.1);
    let noise = || Some(label(1.0, Labels::One));
    let average = run(Setup { average_from: Some(20), ..cell(problem(5, 9), SQUARE, 0.5, flow(), noise()) });
    let mut sum = vec![0.0; 9];
    for steps in 21..=60 {
        let flow = Flow { steps, ..flow() };
        let beta = run(cell(problem(5, 9), SQUARE, 0.5, flow, noise())).remove(0).beta;
        sum.iter_mut().zip(beta).for_each(|(sum, b)| *sum += b);
    }
    for (found, sum) in average[0].average.as_ref().unwrap().iter().zip(sum) {
        assert!((found - sum / 40.0).abs() < 1e-14, "{found} {}", sum / 40.0);
    }
}

#[test]
fn a_flow_stops_early_where_nothing_moves_it() {
    let still = |noise| cell(problem(4, 7), SQUARE, 0.5, with_rate(10, 0.1, 0.1), noise);
    assert!(may_stop_early(&still(None).checked()));
    assert!(!may_stop_early(&still(Some(label(0.5, Labels::One))).checked()));
    let always = Flow { tolerance: 0.0, ..Flow::new(10, 0.1) };
    assert!(!may_stop_early(&cell(problem(4, 7), SQUARE, 0.5, always, None).checked()));
}

fn refusal(link: LinkKind, flow: Flow, noises: Vec<Noise>) -> String {
    let cell = Setup { noises, ..cell(problem(4, 7), link, 0.5, flow, None) };
    cell.check().err().expect("the cell must be refused").to_string()
}

#[test]
fn what_has_no_flow_is_refused() {
    let flow = || with_rate(10, 0.1, 0.1);
    assert_eq!(
        refusal(LinkKind::Power(Power { depth: 3 }), flow(), Vec::new()),
        "model.depth is 3; expected 2 with dynamics.kind = \"flow\""
    );
    assert_eq!(
        refusal(SQUARE, Flow::new(10, 0.1), vec![Noise::sample(label(1.0, Labels::One))]),
        "dynamics.learning_rate is missing; expected a number above 0, or { initial = 0.01, drops = [[100_000, \
         0.1]] }: noise is as strong as in gradient descent of that step size"
    );
    let (scale, batch) = (1.0, 2);
    let mini_batch = CovarianceOf::MiniBatch(2);
    let shape = CovarianceShape::Diagonal;
    let refused: [Noise; 4] = [
        Noise::sample(MiniBatchDifference { scale, batch }),
        Noise::sample(GaussianSampleNoise { of: mini_batch, scale }),
        Noise::parameter(ShapedNoise { of: CovarianceOf::Label, shape, scale }),
        Noise::parameter(IsotropicNoise { std: 1.0, bypasses_momentum: false }),
    ];
    for noise in refused {
        let noises = vec![Noise::sample(label(1.0, Labels::One)), noise];
        assert_eq!(
            refusal(SQUARE, flow(), noises),
            "noise.1.kind is not noise of the labels alone; expected \"label\", or \"covariance\" with of = \
             \"label\" and shape = \"full\", with dynamics.kind = \"flow\""
        );
    }
    let gaussian = GaussianSampleNoise { of: CovarianceOf::Label, scale };
    let accepted =
        Setup { noises: vec![Noise::sample(gaussian)], ..cell(problem(4, 7), SQUARE, 0.5, flow(), None) };
    assert!(accepted.check().is_ok());
}
