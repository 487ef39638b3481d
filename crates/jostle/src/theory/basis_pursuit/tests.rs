use super::*;
use crate::theory::lasso;
use crate::theory::lasso::tests::{distance, noisy};
use proptest::prelude::*;

const SIGNS: [Sign; 2] = [Sign::Signed, Sign::NonNegative];

fn positive(problem: &Problem) -> Problem {
    let truth: Vec<f64> = problem.truth().unwrap().iter().map(|t| t.abs()).collect();
    Problem::new(problem.x().to_vec(), product(problem.x(), problem.dim(), &truth), Some(truth)).unwrap()
}

#[test]
fn it_is_the_limit_of_the_lasso_without_a_penalty() {
    for sign in SIGNS {
        let problem = positive(&noisy(1, 10, 25, 6, 0.0));
        let weights: Vec<f64> = (0..25).map(|j| 0.5 + f64::from(j % 4)).collect();
        let found = basis_pursuit(&problem, &weights, sign).unwrap();
        let [far, near] = [1e-3, 1e-4].map(|scale| {
            let lambda: Vec<f64> = weights.iter().map(|w| scale * w).collect();
            distance(&lasso(&problem, &lambda, sign).unwrap().beta, &found.beta)
        });
        // Close enough to the limit, the path is a straight line.
        assert!(near < 2e-3 && (far / near - 10.0).abs() < 1e-3, "{sign}: {far} and {near}");
    }
}

#[test]
fn a_sparse_truth_is_recovered_from_enough_samples() {
    for sign in SIGNS {
        let problem = positive(&noisy(2, 40, 100, 5, 0.0));
        let found = basis_pursuit(&problem, &[1.0], sign).unwrap();
        assert!(distance(&found.beta, problem.truth().unwrap()) < 1e-12, "{sign}");
        assert!(found.certificate.worst() < 1e-12, "{:?}", found.certificate);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn both_sides_of_the_duality_are_feasible_and_meet(
        seed in any::<u64>(), n in 1..10_usize, extra in 0..15_usize, spread in 0.0..1.5_f64,
        signed in any::<bool>(),
    ) {
        let d = n + extra;
        let sign = SIGNS[usize::from(!signed)];
        let problem = positive(&noisy(seed, n, d, n, 0.0));
        let weights: Vec<f64> = (0..d).map(|j| (spread * ((j % 5) as f64 - 2.0)).exp()).collect();
        let found = basis_pursuit(&problem, &weights, sign).unwrap();
        let predictions = product(problem.x(), d, &found.beta);
        for (f, y) in predictions.iter().zip(problem.y()) {
            prop_assert!((f - y).abs() < 1e-8 * (1.0 + norm(problem.y())));
        }
        let heaviest = weights.iter().fold(0.0, |most: f64, w| most.max(*w));
        for j in 0..d {
            let reach: f64 = (0..n).map(|i| problem.row(i)[j] * found.dual[i]).sum();
            let reach = if signed { reach.abs() } else { reach };
            prop_assert!(reach <= weights[j] + 1e-8 * heaviest);
            prop_assert!(signed || found.beta[j] >= -1e-8);
        }
        let value: f64 = found.beta.iter().zip(&weights).map(|(b, w)| w * b.abs()).sum();
        prop_assert!((value - dot(problem.y(), &found.dual)).abs() <= 1e-8 * value);
        let truth: f64 = problem.truth().unwrap().iter().zip(&weights).map(|(b, w)| w * b.abs()).sum();
        prop_assert!(value <= truth * (1.0 + 1e-8));
    }
}

#[test]
fn the_certificate_has_the_values_computed_by_hand() {
    let problem = Problem::new(vec![1.0, 2.0], vec![4.0], None).unwrap();
    // b = (0, 2) costs 2 with weights 1; nu = 1/2 is tight for it.
    let at = |beta: [f64; 2], dual: f64, sign| {
        basis_pursuit_certificate(&problem, &[1.0], sign, &beta, &[dual]).unwrap()
    };
    assert_eq!(at([0.0, 2.0], 0.5, Sign::Signed).worst(), 0.0);
    let off = at([1.0, 2.0], 0.75, Sign::Signed);
    assert_eq!((off.objective, off.primal_residual, off.dual_violation), (3.0, 0.25, 0.5));
    assert_eq!(at([0.0, 2.0], 0.25, Sign::Signed).relative_gap, 0.5);
    assert_eq!(at([-2.0, 3.0], 0.5, Sign::NonNegative).primal_residual, 2.0);
    let found = basis_pursuit(&problem, &[1.0], Sign::NonNegative).unwrap();
    assert!(
        (found.beta[1] - 2.0).abs() < 1e-14 && found.beta[0] == 0.0 && (found.dual[0] - 0.5).abs() < 1e-14
    );
}

#[test]
fn repeated_columns_share_a_coefficient_and_labels_of_zero_give_zero() {
    let problem = Problem::new(vec![1.0, 1.0, 0.5], vec![3.0], None).unwrap();
    let found = basis_pursuit(&problem, &[1.0], Sign::Signed).unwrap();
    assert!((found.beta[0] + found.beta[1] - 3.0).abs() < 1e-8 && found.certificate.worst() < TOLERANCE);
    let silent = Problem::new(vec![1.0, 1.0, 0.5], vec![0.0], None).unwrap();
    assert_eq!(basis_pursuit(&silent, &[1.0], Sign::Signed).unwrap().beta, [0.0; 3]);
}

#[test]
fn labels_that_cannot_be_reproduced_are_an_error() {
    let problem = Problem::new(vec![1.0, 2.0], vec![-3.0], None).unwrap();
    let error = basis_pursuit(&problem, &[1.0], Sign::NonNegative).unwrap_err();
    assert_eq!(error, TheoryError::NoInterpolator { sign: Sign::NonNegative, distance: 1.0 });
    assert!(basis_pursuit(&problem, &[1.0], Sign::Signed).is_ok());
    let twice = Problem::new(vec![1.0, 2.0, 1.0, 2.0], vec![1.0, 3.0], None).unwrap();
    let error = basis_pursuit(&twice, &[1.0], Sign::Signed).unwrap_err();
    assert!(error.to_string().starts_with("no coefficients reproduce the labels: the closest"), "{error}");
}
