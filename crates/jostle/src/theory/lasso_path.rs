//! The Lasso along a scale of its penalty: `lambda_j = s w_j`.

use super::active_set::ActiveSet;
use super::lasso::{Lasso, lasso_from, spread};
use super::{Sign, TheoryError};
use crate::linear_algebra::{product, transpose_product};
use crate::problem::Problem;

/// The solutions for `lambda_j = s w_j` at every scale `s` (in the order of `scales`), with weights `w`: one for all
/// coordinates, or one each (d). Each is exact; the next smaller scale starts from it.
///
/// # Errors
/// As [`lasso`](super::lasso::lasso), for the weights and the scales.
pub fn lasso_path(
    problem: &Problem,
    weights: &[f64],
    scales: &[f64],
    sign: Sign,
) -> Result<Vec<Lasso>, TheoryError> {
    let weights = spread("weights", weights, problem.dim())?;
    if let Some((position, value)) = scales.iter().enumerate().find(|(_, s)| !s.is_finite() || **s < 0.0) {
        return Err(TheoryError::Negative { array: "scales", position, value: *value });
    }
    let mut order: Vec<usize> = (0..scales.len()).collect();
    order.sort_by(|a, b| scales[*b].total_cmp(&scales[*a]));
    let mut found: Vec<Option<Lasso>> = vec![None; scales.len()];
    let mut start = vec![0.0; problem.dim()];
    for k in order {
        let lambda: Vec<f64> = weights.iter().map(|w| scales[k] * w).collect();
        let solution = lasso_from(problem, &lambda, sign, &start)?;
        start.clone_from(&solution.beta);
        found[k] = Some(solution);
    }
    Ok(found.into_iter().flatten().collect())
}

/// The smallest scale `s` from which on every coefficient with a weight above zero is zero:
/// `max_j X_j' r / (n w_j)`, its absolute value where coefficients are signed, with the residual `r` of the best
/// coefficients of the columns without weight (`r = y` where there are none).
///
/// # Errors
/// Weights of another length, or with an entry that is negative or not finite.
pub fn lasso_scale_max(problem: &Problem, weights: &[f64], sign: Sign) -> Result<f64, TheoryError> {
    let (n, dim) = (problem.samples() as f64, problem.dim());
    let weights = spread("weights", weights, dim)?;
    let barred: Vec<f64> = weights.iter().map(|w| if *w > 0.0 { f64::INFINITY } else { 0.0 }).collect();
    let mut set = ActiveSet::new(problem, &barred, sign, &vec![0.0; dim]);
    set.solve();
    let predictions = product(problem.x(), dim, &set.beta());
    let residual: Vec<f64> = problem.y().iter().zip(&predictions).map(|(y, f)| y - f).collect();
    let correlations = transpose_product(problem.x(), dim, &residual);
    let scale = |(c, w): (&f64, &f64)| if *w > 0.0 { sign.reach(*c) / (n * w) } else { 0.0 };
    Ok(correlations.iter().zip(&weights).map(scale).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::lasso::lasso;
    use crate::theory::lasso::tests::{distance, noisy};

    #[test]
    fn every_point_of_the_path_is_the_solution_for_its_scale() {
        for sign in [Sign::Signed, Sign::NonNegative] {
            let problem = noisy(1, 15, 30, 4, 0.5);
            let weights: Vec<f64> = (0..30).map(|j| 0.5 + f64::from(j % 3)).collect();
            let top = lasso_scale_max(&problem, &weights, sign).unwrap();
            // Not sorted, and with a repetition.
            let scales = [0.01 * top, 0.3 * top, top, 0.3 * top, 1.0001 * top, 0.999 * top];
            let path = lasso_path(&problem, &weights, &scales, sign).unwrap();
            for (scale, found) in scales.iter().zip(&path) {
                let lambda: Vec<f64> = weights.iter().map(|w| scale * w).collect();
                let alone = lasso(&problem, &lambda, sign).unwrap();
                assert!(distance(&found.beta, &alone.beta) < 1e-12, "{sign}, {scale}");
            }
            assert!(distance(&path[1].beta, &path[3].beta) < 1e-14);
            assert!(path[2].support().is_empty() && path[4].support().is_empty());
            assert_eq!(path[5].support().len(), 1, "{sign}");
        }
    }

    #[test]
    fn columns_without_weight_stay_in_and_set_the_largest_scale() {
        let problem = noisy(2, 20, 8, 3, 0.3);
        let mut weights = vec![1.0; 8];
        weights[6..].fill(0.0);
        for sign in [Sign::Signed, Sign::NonNegative] {
            let top = lasso_scale_max(&problem, &weights, sign).unwrap();
            let [above, below] = [1.0001, 0.999].map(|share| {
                lasso_path(&problem, &weights, &[share * top], sign).unwrap().remove(0).support()
            });
            assert!(above.iter().all(|j| *j >= 6), "{above:?}");
            assert!(below.iter().any(|j| *j < 6), "{below:?}");
        }
    }

    #[test]
    fn a_scale_below_zero_is_refused() {
        let problem = noisy(2, 4, 3, 1, 0.3);
        let error = lasso_path(&problem, &[1.0], &[0.1, -0.5], Sign::Signed).unwrap_err();
        assert_eq!(error.to_string(), "scales[1] is -0.5; expected a finite number of at least 0");
    }
}
