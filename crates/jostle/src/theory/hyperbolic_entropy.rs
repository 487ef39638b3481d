//! Where gradient flow on the signed model ends: the interpolator of the smallest hyperbolic entropy.
//!
//! Flow on `beta = u^2 - v^2` from `u = v = alpha` tends to
//!
//! ```text
//! argmin { Q(b) : X b = y },    Q(b) = 1/4 sum_j b_j arcsinh(b_j / 2 alpha_j^2) - sqrt(b_j^2 + 4 alpha_j^4) + 2 alpha_j^2
//! ```
//!
//! which goes from the l2 norm (large `alpha`) to the l1 norm (small `alpha`) (Woodworth et al. 2020, arXiv 2002.09277).
//! The minimiser is `b_j = 2 alpha_j^2 sinh(X_j . nu)`. It needs no algorithm of its own: `u^2 = alpha^2 exp(X' nu)` and
//! `v^2 = alpha^2 exp(-X' nu)` are the entropy projection on the design `[X, -X]`.

use super::entropy_projection::{EntropyProjection, check_init, entropy_projection};
use super::{Sign, TheoryError};
use crate::problem::Problem;

/// The limit of gradient flow on `beta = u^2 - v^2` from `u = v = init`: one scale `alpha` for all coordinates, or one
/// each (d). `dual` are the multipliers `nu` with `beta_j = 2 alpha_j^2 sinh(X_j . nu)`.
///
/// # Errors
/// An init of another length, or with a zero or non-finite entry; labels that no coefficients reproduce; a residual
/// that stays above the tolerance of the entropy projection and above rounding.
pub fn hyperbolic_entropy_projection(
    problem: &Problem,
    init: &[f64],
) -> Result<EntropyProjection, TheoryError> {
    let dim = problem.dim();
    check_init(dim, init)?;
    let init = if init.len() == dim { init.repeat(2) } else { init.to_vec() };
    let mut projection = entropy_projection(&problem.doubled(), &init).map_err(|error| match error {
        TheoryError::NoInterpolator { distance, .. } => {
            TheoryError::NoInterpolator { sign: Sign::Signed, distance }
        }
        other => other,
    })?;
    let negative = projection.beta.split_off(dim);
    projection.beta.iter_mut().zip(negative).for_each(|(b, v)| *b -= v);
    Ok(projection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear_algebra::transpose_product;
    use crate::theory::basis_pursuit;
    use crate::theory::lasso::tests::{distance, noisy};

    #[test]
    fn coefficients_are_the_hyperbolic_sine_of_the_multipliers() {
        let problem = noisy(3, 8, 20, 4, 0.2);
        let init: Vec<f64> = (0..20).map(|j| 0.2 + 0.05 * f64::from(j)).collect();
        let found = hyperbolic_entropy_projection(&problem, &init).unwrap();
        assert!(found.primal_residual < 1e-12 && found.beta.iter().any(|b| *b < -0.1));
        let along = transpose_product(problem.x(), 20, &found.dual);
        for ((b, z), alpha) in found.beta.iter().zip(&along).zip(&init) {
            assert!((b - 2.0 * alpha * alpha * z.sinh()).abs() < 1e-11, "{b}");
        }
    }

    #[test]
    fn gradient_descent_with_a_tiny_step_ends_at_the_projection() {
        let problem = noisy(4, 5, 12, 3, 0.2);
        for alpha in [0.1, 0.5] {
            let limit = hyperbolic_entropy_projection(&problem, &[alpha]).unwrap().beta;
            let [far, near] = [8e-3, 2e-3].map(|step_size| {
                let (mut u, mut v) = ([alpha; 12], [alpha; 12]);
                let mut beta = vec![0.0; 12];
                for _ in 0..(1500.0 / step_size) as usize {
                    let mut residual = crate::linear_algebra::product(problem.x(), 12, &beta);
                    residual.iter_mut().zip(problem.y()).for_each(|(r, y)| *r = (*r - y) / 5.0);
                    let h = transpose_product(problem.x(), 12, &residual);
                    for j in 0..12 {
                        u[j] *= 1.0 - step_size * h[j];
                        v[j] *= 1.0 + step_size * h[j];
                        beta[j] = u[j] * u[j] - v[j] * v[j];
                    }
                }
                distance(&beta, &limit)
            });
            // The distance is of first order in the step size.
            assert!(near < 3e-3 && far > 2.0 * near, "{alpha}: {far} and {near}");
        }
    }

    #[test]
    fn large_starts_give_the_smallest_l2_norm_and_small_ones_basis_pursuit() {
        let problem = noisy(5, 6, 15, 2, 0.0);
        let large = hyperbolic_entropy_projection(&problem, &[30.0]).unwrap().beta;
        let basis = crate::linear_algebra::solve_weighted_gram(problem.x(), 15, &[1.0; 15], problem.y());
        let smallest = transpose_product(problem.x(), 15, &basis);
        assert!(distance(&large, &smallest) < 1e-4, "{}", distance(&large, &smallest));
        let pursuit = basis_pursuit(&problem, &[1.0], Sign::Signed).unwrap().beta;
        // A coefficient with the slack s in its dual constraint falls as alpha^(2 s).
        let [far, near, nearest] = [1e-3, 1e-6, 1e-9].map(|alpha| {
            distance(&hyperbolic_entropy_projection(&problem, &[alpha]).unwrap().beta, &pursuit)
        });
        assert!(near < 0.3 * far && nearest < 0.3 * near && nearest < 2e-3, "{far}, {near}, {nearest}");
    }

    #[test]
    fn what_cannot_be_projected_is_an_error_that_speaks_of_the_problem_itself() {
        let twice = Problem::new(vec![1.0, 2.0, 1.0, 2.0], vec![1.0, 3.0], None).unwrap();
        let error = hyperbolic_entropy_projection(&twice, &[1.0]).unwrap_err();
        assert!(error.to_string().starts_with("no coefficients reproduce the labels"), "{error}");
        let error = hyperbolic_entropy_projection(&twice, &[1.0; 3]).unwrap_err();
        assert_eq!(error.to_string(), "init has 3 values; expected 1 or 2 (the dimension)");
    }
}
