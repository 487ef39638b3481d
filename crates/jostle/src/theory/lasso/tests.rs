use super::*;
use crate::random::{Draws, Purpose};
use crate::theory::conic::{Programme, block};
use clarabel::solver::SupportedConeT::{NonnegativeConeT, ZeroConeT};
use proptest::prelude::*;

/// A Gaussian design, a truth of ones (with alternating signs) on its first coordinates, labels with noise.
pub(in crate::theory) fn noisy(seed: u64, n: usize, d: usize, sparsity: usize, noise: f64) -> Problem {
    let draws = Draws::new(seed, &[0], 0);
    let (mut x, mut y) = (vec![0.0; n * d], vec![0.0; n]);
    draws.normals(Purpose::DESIGN, &mut x);
    draws.normals(Purpose::LABELS, &mut y);
    let truth: Vec<f64> = (0..d).map(|j| if j >= sparsity { 0.0 } else { [1.0, -1.0][j % 2] }).collect();
    for (label, clean) in y.iter_mut().zip(product(&x, d, &truth)) {
        *label = clean + noise * *label;
    }
    Problem::new(x, y, Some(truth)).unwrap()
}

pub(in crate::theory) fn distance(a: &[f64], b: &[f64]) -> f64 {
    let missed: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&missed) / norm(b).max(f64::MIN_POSITIVE)
}

const SIGNS: [Sign; 2] = [Sign::Signed, Sign::NonNegative];

/// The programme `min |r|^2 / 2n + sum_j lambda_j (p_j + m_j)` subject to `X (p - m) - r = y`, by clarabel.
fn cone_oracle(problem: &Problem, lambda: &[f64], sign: Sign) -> Vec<f64> {
    let (n, d) = (problem.samples(), problem.dim());
    let sides: &[f64] = if sign == Sign::Signed { &[1.0, -1.0] } else { &[1.0] };
    let parts = sides.len() * d;
    let mut constraints: Vec<(usize, usize, f64)> = Vec::new();
    for (k, side) in sides.iter().enumerate() {
        constraints.extend(block(problem.x(), d, 0, k * d).map(|(i, j, v)| (i, j, side * v)));
    }
    constraints.extend((0..n).map(|i| (i, parts + i, -1.0)));
    constraints.extend((0..parts).map(|k| (n + k, k, -1.0)));
    let mut bounds = problem.y().to_vec();
    bounds.resize(n + parts, 0.0);
    let curvature = (0..parts + n).map(|k| if k < parts { 0.0 } else { 1.0 / n as f64 }).collect();
    let cost = (0..parts + n).map(|k| if k < parts { lambda[k % d] } else { 0.0 }).collect();
    let cones = vec![ZeroConeT(n), NonnegativeConeT(parts)];
    let solution = Programme { curvature, cost, constraints, bounds, cones }.solve();
    (0..d).map(|j| sides.iter().enumerate().map(|(k, side)| side * solution.x[k * d + j]).sum()).collect()
}

#[test]
fn solutions_are_those_of_scikit_learn() {
    let table = include_str!("scikit_learn.csv");
    let rows = table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (array, values) = line.split_once(',').unwrap().1.split_once(',').unwrap();
        (array, values.split(' ').map(|v| v.parse().unwrap()).collect::<Vec<f64>>())
    });
    let (mut x, mut y, mut weights, mut sign) = (Vec::new(), Vec::new(), Vec::new(), Sign::Signed);
    let mut compared = 0;
    for (array, values) in rows {
        match array {
            "X" => x = values,
            "y" => y = values,
            "weights" => weights = values,
            "sign" => sign = if values[0] == 0.0 { Sign::NonNegative } else { Sign::Signed },
            alpha => {
                let alpha: f64 = alpha.strip_prefix("alpha ").unwrap().parse().unwrap();
                let problem = Problem::new(x.clone(), y.clone(), None).unwrap();
                let lambda: Vec<f64> = weights.iter().map(|w| alpha * w).collect();
                let found = lasso(&problem, &lambda, sign).unwrap();
                assert!(found.is_unique && found.certificate.relative_gap < 1e-14, "{:?}", found.certificate);
                for (a, b) in found.beta.iter().zip(&values) {
                    assert!((a - b).abs() < 1e-8, "{alpha}: {a} against {b}");
                }
                // The certificate of their solution, by our formula: it is one.
                let theirs = lasso_certificate(&problem, &lambda, sign, &values).unwrap();
                assert!(theirs.relative_gap < 1e-10 && theirs.kkt_violation < 1e-8, "{theirs:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 18);
}

#[test]
fn solutions_are_those_of_clarabel() {
    for (seed, n, d) in [(1, 10, 30), (2, 30, 10), (3, 40, 100)] {
        for sign in SIGNS {
            let problem = noisy(seed, n, d, 5, 0.5);
            let lambda: Vec<f64> = (0..d).map(|j| 0.01 * (1.0 + (j % 5) as f64)).collect();
            let found = lasso(&problem, &lambda, sign).unwrap();
            let oracle = cone_oracle(&problem, &lambda, sign);
            // The interior point is accurate to about the square root of its gap of 1e-11.
            assert!(distance(&found.beta, &oracle) < 1e-5, "{}", distance(&found.beta, &oracle));
        }
    }
}

fn dense_subgradient_violation(problem: &Problem, lambda: &[f64], sign: Sign, beta: &[f64]) -> f64 {
    let n = problem.samples() as f64;
    (0..problem.dim())
        .map(|j| {
            let g: f64 = (0..problem.samples())
                .map(|i| {
                    let f: f64 = problem.row(i).iter().zip(beta).map(|(x, b)| x * b).sum();
                    problem.row(i)[j] * (f - problem.y()[i]) / n
                })
                .sum();
            if beta[j] != 0.0 {
                (g + lambda[j] * beta[j].signum()).abs()
            } else if sign == Sign::Signed {
                g.abs() - lambda[j]
            } else {
                -g - lambda[j]
            }
        })
        .fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn the_optimality_conditions_hold_on_random_problems(
        seed in any::<u64>(), n in 1..20_usize, d in 1..30_usize, strength in -6.0..1.0_f64,
        spread in 0.0..2.0_f64, free in 0..3_usize, signed in any::<bool>(), warm in any::<bool>(),
    ) {
        let sign = SIGNS[usize::from(!signed)];
        let problem = noisy(seed, n, d, 3.min(d), 0.3);
        let mut draws = vec![0.0; 2 * d];
        Draws::new(seed, &[1], 0).normals(Purpose::LABELS, &mut draws);
        let mut lambda: Vec<f64> = draws[..d].iter().map(|v| strength.exp() * (spread * v).exp()).collect();
        lambda[..free.min(d)].fill(0.0);
        let start = if warm { draws[d..].to_vec() } else { vec![0.0; d] };
        let found = lasso_from(&problem, &lambda, sign, &start).unwrap();
        if sign == Sign::NonNegative {
            prop_assert!(found.beta.iter().all(|b| *b >= 0.0));
        }
        let size = norm(problem.y()) * norm(problem.x()) / n as f64;
        let violation = dense_subgradient_violation(&problem, &lambda, sign, &found.beta);
        prop_assert!(violation <= 1e-12 * size, "{violation} of {size}");
        prop_assert!(found.certificate.kkt_violation <= 1e-12 * size);
        prop_assert!(found.certificate.gap >= 0.0);
    }

    /// The gap bounds how much worse other coefficients are than the best, and both are zero together.
    #[test]
    fn the_gap_is_at_least_the_distance_to_the_minimum(
        seed in any::<u64>(), n in 1..12_usize, d in 1..20_usize, signed in any::<bool>(),
        size in -8.0..1.0_f64, free in 0..2_usize,
    ) {
        let sign = SIGNS[usize::from(!signed)];
        let problem = noisy(seed, n, d, 2.min(d), 0.3);
        let mut lambda = vec![0.1; d];
        lambda[..free.min(d)].fill(0.0);
        let best = lasso(&problem, &lambda, sign).unwrap();
        let mut moved = vec![0.0; d];
        Draws::new(seed, &[2], 0).normals(Purpose::LABELS, &mut moved);
        for (m, b) in moved.iter_mut().zip(&best.beta) {
            *m = b + 10_f64.powf(size) * *m;
            if sign == Sign::NonNegative {
                *m = m.abs();
            }
        }
        let found = lasso_certificate(&problem, &lambda, sign, &moved).unwrap();
        let worse = found.objective - best.certificate.objective;
        let rounding = 1e-14 * (1.0 + found.objective);
        prop_assert!(worse >= -rounding && found.gap >= worse - rounding, "{} for {worse}", found.gap);
    }
}

#[test]
fn a_scalar_lasso_is_soft_thresholding() {
    let problem = Problem::new(vec![2.0], vec![3.0], None).unwrap();
    // min (2 b - 3)^2 / 2 + lambda |b|: b = (6 - lambda)_+ / 4.
    for (lambda, expected) in [(0.0, 1.5), (2.0, 1.0), (6.0, 0.0), (7.0, 0.0)] {
        for sign in SIGNS {
            assert_eq!(lasso(&problem, &[lambda], sign).unwrap().beta, [expected]);
        }
    }
    let negative = Problem::new(vec![2.0], vec![-3.0], None).unwrap();
    assert_eq!(lasso(&negative, &[2.0], Sign::Signed).unwrap().beta, [-1.0]);
    let found = lasso(&negative, &[2.0], Sign::NonNegative).unwrap();
    assert_eq!((found.beta[0], found.certificate.gap), (0.0, 0.0));
}

#[test]
fn the_certificate_has_the_values_computed_by_hand() {
    // n = 2, X = [1 0; 0 2], y = (3, 4), lambda = (1/2, 1): r = y - X b.
    let problem = Problem::new(vec![1.0, 0.0, 0.0, 2.0], vec![3.0, 4.0], None).unwrap();
    let at = |beta: [f64; 2], sign| lasso_certificate(&problem, &[0.5, 1.0], sign, &beta).unwrap();
    // At zero: r/n = (3/2, 2), correlations (3/2, 4): u = (3/2, 2)/4, and P - D = 25/4 - 25/4 + 9/16 * 25/4.
    let zero = at([0.0, 0.0], Sign::Signed);
    assert!((zero.objective - 25.0 / 4.0).abs() < 1e-15);
    assert!((zero.gap - 9.0 / 16.0 * 25.0 / 4.0).abs() < 1e-14);
    assert!((zero.relative_gap - 9.0 / 16.0).abs() < 1e-15);
    // The violations are 1 and 3, of 1/2 and 1.
    assert_eq!((zero.kkt_violation, zero.kkt_residual), (3.0, 3.0));
    // At (2, 3/2): r/n = (1/2, 1/2), correlations (1/2, 1): the solution.
    let best = at([2.0, 1.5], Sign::NonNegative);
    assert_eq!((best.gap, best.kkt_violation, best.kkt_residual), (0.0, 0.0, 0.0));
    // At (2, -1/10): r/n = (1/2, 2.1), correlations (1/2, 4.2). Minimising over b_2 leads to 3/2, a change of 1.6
    // with c_2 = 2.
    let off = at([2.0, -0.1], Sign::Signed);
    assert!((off.kkt_violation - 3.2).abs() < 1e-15 && (off.kkt_residual - 3.2).abs() < 1e-15);
    // With lambda = (1/2, 4), minimising over b_2 leads to 0, a violation of 2/10, of 4.
    let weak = lasso_certificate(&problem, &[0.5, 4.0], Sign::Signed, &[2.0, -0.1]).unwrap();
    assert!((weak.kkt_violation - 0.2).abs() < 1e-15 && (weak.kkt_residual - 0.05).abs() < 1e-15);
    assert_eq!(at([2.0, -0.1], Sign::NonNegative).gap, f64::INFINITY);
}

#[test]
fn a_tiny_coefficient_that_should_be_zero_counts_little() {
    let problem = noisy(1, 10, 20, 3, 0.3);
    let mut beta = lasso(&problem, &[0.2], Sign::Signed).unwrap().beta;
    let off = beta.iter().position(|b| *b == 0.0).unwrap();
    beta[off] = 1e-9;
    let found = lasso_certificate(&problem, &[0.2], Sign::Signed, &beta).unwrap();
    assert!(found.kkt_violation > 0.0 && found.kkt_violation < 1e-7, "{}", found.kkt_violation);
}

#[test]
fn repeated_columns_have_a_solution_that_is_said_to_be_one_of_several() {
    let problem = noisy(2, 12, 6, 3, 0.3);
    assert!(lasso(&problem, &[0.1], Sign::Signed).unwrap().is_unique);
    let x = (0..12).flat_map(|i| [problem.row(i), problem.row(i)].concat()).collect();
    let twice = Problem::new(x, problem.y().to_vec(), None).unwrap();
    let found = lasso(&twice, &[0.1], Sign::Signed).unwrap();
    assert!(!found.is_unique && found.certificate.relative_gap < 1e-14);
    // A cheaper copy takes everything, whichever is met first.
    for cheap in 0..2 {
        let lambda: Vec<f64> = (0..12).map(|j| if (j >= 6) == (cheap == 1) { 0.1 } else { 0.11 }).collect();
        let mut start = vec![0.0; 12];
        start[6 * (1 - cheap)..6 * (2 - cheap)].copy_from_slice(&found.beta[..6]);
        let found = lasso_from(&twice, &lambda, Sign::Signed, &start).unwrap();
        let alone = lasso(&problem, &[0.1], Sign::Signed).unwrap();
        assert!(distance(&found.beta[6 * cheap..6 * cheap + 6], &alone.beta) < 1e-12);
        assert!(found.is_unique && found.support().iter().all(|j| (*j >= 6) == (cheap == 1)));
    }
}

#[test]
fn without_a_penalty_it_is_least_squares() {
    let tall = noisy(3, 20, 5, 2, 0.5);
    let found = lasso(&tall, &[0.0], Sign::Signed).unwrap();
    let residual: Vec<f64> =
        product(tall.x(), 5, &found.beta).iter().zip(tall.y()).map(|(f, y)| f - y).collect();
    assert!(norm(&transpose_product(tall.x(), 5, &residual)) < 1e-12);
    assert!(found.is_unique);
    let wide = lasso(&noisy(3, 5, 20, 2, 0.5), &[0.0], Sign::Signed).unwrap();
    assert!(!wide.is_unique && wide.certificate.objective < 1e-25);
    assert!(lasso(&tall, &[0.0], Sign::NonNegative).unwrap().certificate.relative_gap < 1e-14);
}

#[test]
fn columns_and_labels_of_zeros_are_left_alone() {
    let problem = Problem::new(vec![1.0, 0.0, 2.0, 0.0], vec![1.0, 1.0], None).unwrap();
    let found = lasso(&problem, &[0.1], Sign::Signed).unwrap();
    assert_eq!(found.beta[1], 0.0);
    assert!(found.is_unique);
    let silent = Problem::new(vec![1.0, 2.0], vec![0.0, 0.0], None).unwrap();
    let found = lasso(&silent, &[0.1], Sign::Signed).unwrap();
    assert_eq!((found.beta[0], found.certificate.relative_gap), (0.0, 0.0));
}

#[test]
fn strengths_below_zero_and_of_another_number_are_refused() {
    let problem = noisy(1, 3, 4, 1, 0.1);
    let error = lasso(&problem, &[0.1, 0.1, -1.0, 0.1], Sign::Signed).unwrap_err();
    assert_eq!(error.to_string(), "lambda[2] is -1; expected a finite number of at least 0");
    let error = lasso(&problem, &[0.1, 0.1], Sign::Signed).unwrap_err();
    assert_eq!(error.to_string(), "lambda has 2 values; expected 4 (the dimension)");
}

#[test]
fn labels_of_zero_have_a_gap_of_zero_at_zero_and_no_unit_elsewhere() {
    let silent = Problem::new(vec![1.0, 2.0], vec![0.0, 0.0], None).unwrap();
    let at = |beta| lasso_certificate(&silent, &[0.1], Sign::Signed, &[beta]).unwrap();
    assert_eq!((at(0.0).gap, at(0.0).relative_gap), (0.0, 0.0));
    // P = (1 + 4)/4 + 0.1, and the best dual value is zero.
    assert!((at(1.0).gap - 1.35).abs() < 1e-15 && at(1.0).relative_gap.is_nan());
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn it_agrees_with_the_cone_programme_at_large_sizes() {
    for (n, d, share, sign) in [
        (40, 100, 0.1, Sign::Signed),
        (40, 100, 0.001, Sign::NonNegative),
        (200, 10_000, 0.01, Sign::NonNegative),
    ] {
        let problem = noisy(1, n, d, 5, 0.5);
        let top = crate::theory::lasso_scale_max(&problem, &[1.0], sign).unwrap();
        let lambda = vec![share * top; d];
        let found = lasso(&problem, &lambda, sign).unwrap();
        let missed = distance(&found.beta, &cone_oracle(&problem, &lambda, sign));
        let gap = found.certificate.relative_gap;
        assert!(gap < 1e-12 && missed < 1e-5, "n = {n}, d = {d}, {share}: gap {gap}, distance {missed}");
    }
}

mod scales;
