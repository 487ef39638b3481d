use super::*;
use crate::random::{Draws, Purpose};

fn gaussian(seed: u64, samples: usize, dim: usize) -> Problem {
    let mut x = vec![0.0; samples * dim];
    Draws::new(seed, &[0], 0).normals(Purpose::DESIGN, &mut x);
    Problem::new(x, vec![0.0; samples], None).unwrap()
}

fn design(rows: &[&[f64]]) -> Problem {
    Problem::new(rows.concat(), vec![0.0; rows.len()], None).unwrap()
}

/// Both witnesses, checked against the unscaled design.
fn check(problem: &Problem) -> bool {
    let dim = problem.dim();
    match null_cone(problem).unwrap() {
        NullCone::Positive { vector } => {
            assert!(vector.iter().all(|v| *v > 0.0));
            assert!((vector.iter().sum::<f64>() - 1.0).abs() < 1e-13);
            assert!(norm(&product(problem.x(), dim, &vector)) <= 1e-12 * norm(problem.x()) * norm(&vector));
            true
        }
        NullCone::Separated { direction } => {
            let image = transpose_product(problem.x(), dim, &direction);
            let high = image.iter().fold(0.0, |m: f64, v| m.max(*v));
            assert!(high > 0.0 && image.iter().all(|v| *v > -1e-8 * high), "{image:?}");
            false
        }
    }
}

#[test]
fn the_probability_has_its_closed_small_cases() {
    for dim in 1..60 {
        let one = positive_null_probability(1, dim);
        assert!((one - (1.0 - 2.0_f64.powi(1 - dim as i32))).abs() < 1e-15);
        assert_eq!(positive_null_probability(dim, dim), 0.0);
        assert_eq!(positive_null_probability(dim + 3, dim), 0.0);
    }
    // d = n + 1 columns: the null vector has all its signs equal.
    assert!((positive_null_probability(7, 8) - 2.0_f64.powi(-7)).abs() < 1e-17);
}

#[test]
fn the_probability_at_dimension_one_hundred_is_that_of_the_paper_notes() {
    for (samples, expected, digits) in
        [(40, 0.978, 5e-4), (33, 0.9997, 5e-5), (50, 0.5, 1e-12), (60, 0.02, 5e-3)]
    {
        let found = positive_null_probability(samples, 100);
        assert!((found - expected).abs() < digits, "n = {samples}: {found}");
    }
}

#[test]
fn the_share_of_gaussian_designs_with_a_positive_null_vector_is_the_probability() {
    let designs = 600;
    for (samples, dim) in [(1, 4), (2, 5), (3, 6), (5, 10), (6, 11)] {
        let found = (0..designs).filter(|seed| check(&gaussian(*seed, samples, dim))).count() as f64;
        let p = positive_null_probability(samples, dim);
        let error = 4.0 * (p * (1.0 - p) / designs as f64).sqrt();
        assert!(
            (found / designs as f64 - p).abs() < error,
            "({samples}, {dim}): {found} of {designs}, p = {p}"
        );
    }
}

#[test]
fn designs_of_the_papers_size_are_decided_either_way() {
    let found = [40, 50, 60].map(|n| (0..20).filter(|seed| check(&gaussian(*seed, n, 100))).count());
    // Expected 19.6, 10 and 0.4.
    assert!(found[0] >= 17 && (3..=17).contains(&found[1]) && found[2] <= 3, "{found:?}");
}

#[test]
fn structured_designs_have_the_expected_witness() {
    // A null vector with a zero that cannot be made positive.
    assert!(!check(&design(&[&[1.0, 0.0]])));
    assert!(!check(&design(&[&[1.0, -1.0, 0.0], &[0.0, 0.0, 1.0]])));
    assert!(check(&design(&[&[1.0, -1.0]])));
    // A column of zeros is free, repeated rows and columns of very different length change nothing.
    assert!(check(&design(&[&[1.0, -1.0, 0.0], &[1.0, -1.0, 0.0]])));
    assert!(check(&design(&[&[1e6, -1.0, 0.0, 1e-6], &[0.0, 1.0, -1e-4, -1e-6]])));
    // Full column rank, and no sample with any feature.
    assert!(!check(&design(&[&[1.0, 2.0], &[0.0, 1.0], &[3.0, -1.0]])));
    assert!(check(&design(&[&[0.0, 0.0, 0.0]])));
}

#[test]
fn the_witness_is_reported_as_an_option() {
    assert!(
        positive_null_vector(&design(&[&[1.0, -3.0]])).unwrap().is_some_and(|v| (v[0] - 0.75).abs() < 1e-12)
    );
    assert_eq!(positive_null_vector(&design(&[&[1.0, 3.0]])).unwrap(), None);
}
