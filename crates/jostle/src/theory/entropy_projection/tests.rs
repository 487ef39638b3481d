use super::*;
use crate::random::{Draws, Purpose};
use crate::theory::conic::{Programme, block};
use clarabel::solver::{
    SolverStatus,
    SupportedConeT::{ExponentialConeT, ZeroConeT},
};
use proptest::prelude::*;

/// A Gaussian design with labels of a truth that is one on its first `sparsity` coordinates.
fn sparse(seed: u64, samples: usize, dim: usize, sparsity: usize) -> Problem {
    let mut truth = vec![0.0; dim];
    truth[..sparsity].fill(1.0);
    labelled(seed, samples, truth)
}

fn labelled(seed: u64, samples: usize, truth: Vec<f64>) -> Problem {
    let dim = truth.len();
    let mut x = vec![0.0; samples * dim];
    Draws::new(seed, &[0], 0).normals(Purpose::DESIGN, &mut x);
    let y = product(&x, dim, &truth);
    Problem::new(x, y, Some(truth)).unwrap()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>()) / norm(b)
}

/// The exponential cone programme: `max sum t_j + beta_j (1 + ln tau_j^2)` with `t_j <= -beta_j ln beta_j`.
fn cone_oracle(problem: &Problem, init: &[f64]) -> Vec<f64> {
    let (n, d) = (problem.samples(), problem.dim());
    let mut constraints: Vec<_> = block(problem.x(), d, 0, 0).collect();
    let mut bounds = problem.y().to_vec();
    let mut cones = vec![ZeroConeT(n)];
    for j in 0..d {
        // (x, y, z) = (t, beta, 1) in the closure of y exp(x / y) <= z.
        let row = n + 3 * j;
        constraints.extend([(row, d + j, -1.0), (row + 1, j, -1.0)]);
        bounds.extend([0.0, 0.0, 1.0]);
        cones.push(ExponentialConeT());
    }
    let log_scale = log_scale(d, init);
    let mut cost: Vec<f64> = log_scale.iter().map(|l| -1.0 - l).collect();
    cost.resize(2 * d, -1.0);
    let solution = Programme { curvature: vec![0.0; 2 * d], cost, constraints, bounds, cones }.solve();
    assert!(
        matches!(solution.status, SolverStatus::Solved | SolverStatus::AlmostSolved),
        "{:?}",
        solution.status
    );
    solution.x[..d].to_vec()
}

#[test]
fn newton_on_the_dual_agrees_with_the_exponential_cone() {
    for (seed, n, d) in [(1, 5, 12), (2, 10, 30), (3, 40, 100)] {
        for init in [0.1, 1.0, 2.0] {
            let problem = sparse(seed, n, d, 3);
            let found = entropy_projection(&problem, &[init]).unwrap();
            let oracle = cone_oracle(&problem, &[init]);
            // The interior point is accurate to about the square root of its gap of 1e-11.
            assert!(distance(&found.beta, &oracle) < 1e-5, "{}", distance(&found.beta, &oracle));
        }
    }
}

/// Gradient descent on `w` from `init` with a tiny step size.
fn descend(problem: &Problem, init: &[f64], step_size: f64, steps: usize) -> Vec<f64> {
    let (n, d) = (problem.samples(), problem.dim());
    let mut w: Vec<f64> = (0..d).map(|j| init[j % init.len()]).collect();
    for _ in 0..steps {
        let beta: Vec<f64> = w.iter().map(|w| w * w).collect();
        let mut residual = product(problem.x(), d, &beta);
        for (r, y) in residual.iter_mut().zip(problem.y()) {
            *r -= y;
        }
        for (w, h) in w.iter_mut().zip(transpose_product(problem.x(), d, &residual)) {
            *w *= 1.0 - step_size * h / n as f64;
        }
    }
    w.iter().map(|w| w * w).collect()
}

#[test]
fn gradient_descent_with_a_tiny_step_ends_at_the_projection() {
    let problem = sparse(4, 5, 12, 2);
    let unequal: Vec<f64> = (0..12).map(|j| 0.4 + 0.1 * f64::from(j)).collect();
    for init in [&[1.0][..], &[0.5], &unequal] {
        let limit = entropy_projection(&problem, init).unwrap().beta;
        let [far, near] = [4e-3, 1e-3].map(|step_size| {
            distance(&descend(&problem, init, step_size, (600.0 / step_size) as usize), &limit)
        });
        // The distance is of first order in the step size.
        assert!(near < 2e-3 && far > 2.0 * near && far < 8.0 * near, "{far} and {near}");
    }
}

fn check_kkt(problem: &Problem, init: &[f64], found: &EntropyProjection) -> Result<(), TestCaseError> {
    let residual = product(problem.x(), problem.dim(), &found.beta);
    let missed: Vec<f64> = residual.iter().zip(problem.y()).map(|(f, y)| f - y).collect();
    let tolerance = TOLERANCE.max(rounding_floor(problem, &found.beta));
    prop_assert!(norm(&missed) <= tolerance * norm(problem.y()), "{}", norm(&missed));
    prop_assert!(found.primal_residual <= tolerance);
    // Below that, a coefficient has lost digits.
    for (j, beta) in found.beta.iter().enumerate().filter(|(_, beta)| **beta > f64::MIN_POSITIVE) {
        let gradient = beta.ln() - 2.0 * init[j % init.len()].ln();
        let terms = (0..problem.samples()).map(|i| problem.row(i)[j] * found.dual[i]);
        let (multiplier, size) = terms.fold((0.0, 1.0), |(sum, size), t| (sum + t, size + t.abs()));
        prop_assert!((gradient - multiplier).abs() <= 1e-12 * size, "{} of {}", gradient - multiplier, size);
    }
    Ok(())
}

proptest! {
    #[test]
    fn stationarity_and_interpolation_hold_on_random_feasible_problems(
        seed in any::<u64>(), n in 1..15_usize, extra in 1..30_usize,
        scale in prop::sample::select(vec![1e-9, 0.01, 0.3, 1.0, 3.0]),
        spread in 0.0..2.0_f64,
    ) {
        let d = n + extra;
        let mut draws = vec![0.0; 2 * d];
        Draws::new(seed, &[1], 0).normals(Purpose::LABELS, &mut draws);
        let truth = draws[..d].iter().map(|v: &f64| v.exp()).collect();
        let init: Vec<f64> = draws[d..].iter().map(|v| scale * (spread * v).exp()).collect();
        let problem = labelled(seed, n, truth);
        let found = entropy_projection(&problem, &init).unwrap();
        check_kkt(&problem, &init, &found)?;
        // Weak duality at the truth: no other interpolator has a smaller objective.
        let objective = |beta: &[f64]| -> f64 {
            beta.iter().zip(&init).map(|(b, t)| b * (b / (t * t)).ln() - b).sum()
        };
        let (best, other) = (objective(&found.beta), objective(problem.truth().unwrap()));
        // The labels are met to the tolerance only, each at the price of its multiplier.
        let fit = product(problem.x(), d, &found.beta);
        let missed = fit.iter().zip(problem.y()).zip(&found.dual).map(|((f, y), dual)| ((f - y) * dual).abs());
        let allowed = 1e-9 * (1.0 + other.abs() + best.abs()) + found.gap + missed.sum::<f64>();
        prop_assert!(best <= other + allowed, "{best} {other} {allowed}");
    }
}

#[test]
fn every_start_is_certified_over_three_hundred_orders_of_magnitude() {
    for (seed, samples) in [(0, 40), (1, 40), (51, 40), (0, 70), (1, 70)] {
        let problem = sparse(seed, samples, 100, 5);
        for init in [1e-300, 1e-150, 1e-60, 1e-12, 1e-3, 0.01, 0.1, 0.3, 1.0, 2.0, 5.0, 30.0, 1e3, 1e6] {
            let found = entropy_projection(&problem, &[init]).unwrap();
            check_kkt(&problem, &[init], &found).unwrap();
            assert!(found.iterations < 1500, "{init:e}: {}", found.iterations);
        }
    }
}

#[test]
fn a_large_start_overfits_and_a_small_one_recovers() {
    let [large, small] = [1.0, 0.01].map(|init| squared_error(&sparse(1, 40, 100, 5), init));
    assert!((40.0..100.0).contains(&large) && small < 1e-3, "{large}, {small}");
}

#[test]
fn the_error_of_a_large_start_grows_with_its_fourth_power() {
    // What is left at scale tau^2 is the projection of ones onto the null vectors.
    let problem = sparse(1, 40, 100, 5);
    let homogeneous = Problem::new(problem.x().to_vec(), vec![0.0; 40], None).unwrap();
    let expected = norm(&entropy_projection(&homogeneous, &[1.0]).unwrap().beta).powi(2);
    let found = squared_error(&problem, 30.0) / 30.0_f64.powi(4);
    assert!((found / expected - 1.0).abs() < 0.01, "{found} against {expected}");
}

fn squared_error(problem: &Problem, init: f64) -> f64 {
    let beta = entropy_projection(problem, &[init]).unwrap().beta;
    beta.iter().zip(problem.truth().unwrap()).map(|(b, t)| (b - t).powi(2)).sum()
}

#[test]
fn coefficients_that_every_interpolator_has_at_zero_vanish() {
    // With n > d/2 a sparse truth is the only non-negative interpolator of most designs.
    for (seed, n, d) in [(1, 16, 20), (2, 20, 20), (3, 30, 20), (4, 80, 100), (5, 100, 60)] {
        for init in [0.1, 1.0] {
            let problem = sparse(seed, n, d, 3);
            let found = entropy_projection(&problem, &[init]).unwrap();
            assert!(found.primal_residual <= TOLERANCE);
            let missed = distance(&found.beta, problem.truth().unwrap());
            assert!(missed < 1e-9, "({n}, {d}) from {init}: {missed}");
        }
    }
}

#[test]
fn repeated_samples_change_nothing() {
    let problem = sparse(9, 5, 12, 3);
    let (mut x, mut y) = (problem.x().to_vec(), problem.y().to_vec());
    x.extend_from_slice(problem.x());
    y.extend_from_slice(problem.y());
    let once = entropy_projection(&problem, &[1.0]).unwrap();
    let twice = entropy_projection(&Problem::new(x, y, None).unwrap(), &[1.0]).unwrap();
    assert!(distance(&twice.beta, &once.beta) < 1e-11);
}

#[test]
fn labels_that_no_non_negative_coefficients_reproduce_are_an_error() {
    let impossible = Problem::new(vec![1.0, 2.0, 0.5], vec![-1.0], None).unwrap();
    let error = entropy_projection(&impossible, &[1.0]).unwrap_err();
    assert!(
        matches!(error, TheoryError::NoInterpolator { distance, .. } if (distance - 1.0).abs() < 1e-6),
        "{error}"
    );
    // Inconsistent: the same sample with two labels; the distance is known.
    let twice = Problem::new(vec![1.0, 2.0, 1.0, 2.0], vec![1.0, 3.0], None).unwrap();
    let error = entropy_projection(&twice, &[1.0]).unwrap_err();
    let expected = (2.0_f64 / 10.0).sqrt();
    assert!(
        matches!(error, TheoryError::NoInterpolator { distance, .. } if (distance - expected).abs() < 1e-6)
    );
    // Gaussian, with labels that need negative coefficients.
    let mut draws = vec![0.0; 40];
    Draws::new(1, &[0], 0).normals(Purpose::LABELS, &mut draws);
    let problem = labelled(2, 40, draws);
    assert!(matches!(entropy_projection(&problem, &[1.0]), Err(TheoryError::NoInterpolator { .. })));
}

#[test]
fn labels_of_zero_are_interpolated_along_positive_null_vectors_or_by_zero() {
    let free = Problem::new(vec![1.0, -1.0], vec![0.0], None).unwrap();
    let found = entropy_projection(&free, &[1.0, 2.0]).unwrap();
    assert!((found.beta[0] - 2.0).abs() < 1e-12 && (found.beta[1] - 2.0).abs() < 1e-12);
    let pinned = Problem::new(vec![1.0, 1.0], vec![0.0], None).unwrap();
    let found = entropy_projection(&pinned, &[1.0]).unwrap();
    assert!(found.beta.iter().all(|b| *b < 1e-11), "{:?}", found.beta);
}

#[test]
fn a_design_of_zeros_leaves_the_start_or_has_no_interpolator() {
    let free = Problem::new(vec![0.0; 6], vec![0.0; 2], None).unwrap();
    let found = entropy_projection(&free, &[3.0]).unwrap();
    assert!(found.beta.iter().all(|b| (b - 9.0).abs() < 1e-14));
    let impossible = Problem::new(vec![0.0; 6], vec![0.0, 2.0], None).unwrap();
    assert_eq!(
        entropy_projection(&impossible, &[1.0]),
        Err(TheoryError::NoInterpolator { sign: Sign::NonNegative, distance: 1.0 })
    );
}

#[test]
fn a_start_at_zero_and_a_start_of_another_length_are_refused() {
    let problem = sparse(1, 3, 6, 2);
    let error = entropy_projection(&problem, &[1.0, 0.0, 1.0, 1.0, 1.0, 1.0]).unwrap_err();
    assert_eq!(error.to_string(), "init[1] is 0; expected a finite number other than 0");
    let error = entropy_projection(&problem, &[1.0, 2.0]).unwrap_err();
    assert_eq!(error.to_string(), "init has 2 values; expected 1 or 6 (the dimension)");
}
