//! Whether theory promises that the Lasso finds the support of a sparse truth.
//!
//! Take labels `y = X t` without noise of their own, a truth `t` with support `S` and signs `sigma`, and weights `w`.
//! For small scales `s` the Lasso with `lambda_j = s w_j` has the support `S` if and only if
//!
//! ```text
//! X_j' X_S (X_S' X_S)^-1 (w_S sigma_S)  <  w_j     for every j outside S
//! ```
//!
//! with the absolute value on the left where coefficients are signed: these are the optimality conditions at
//! `b_S = t_S - n s (X_S' X_S)^-1 (w_S sigma_S)`, divided by `s`. For label noise `w_j = |X_j|^2/n`, see
//! [`mean_squared_columns`]; for `w = 1` it is the irrepresentable condition (Fuchs 2004; Zhao and Yu 2006).

use super::lasso::spread;
use super::{Sign, TheoryError};
use crate::linear_algebra::{ThinQr, column, transpose_product, weighted_squares};
use crate::problem::Problem;

/// What theory says about the recovery of a support.
#[derive(Debug, Clone, PartialEq)]
pub struct SupportRecovery {
    /// `1 - |X_j' X_S (X_S' X_S)^-1 (w_S sigma_S)| / w_j` (d; without the absolute value for non-negative coefficients):
    /// positive where the condition holds, one on the support. Negative infinity where `w_j` is zero and the
    /// condition fails.
    pub margins: Vec<f64>,
    /// Whether the columns of the support are independent; if not, it cannot be told apart from others.
    pub is_identifiable: bool,
    /// The largest scale `s` up to which the Lasso with `lambda_j = s w_j` finds exactly the support, if it does at all:
    /// where the first coefficient reaches zero. Infinite if none ever does.
    pub largest_scale: f64,
}

impl SupportRecovery {
    /// Whether the Lasso finds exactly the support, at every scale below [`SupportRecovery::largest_scale`].
    pub fn is_promised(&self) -> bool {
        self.is_identifiable && self.smallest_margin() > 0.0
    }

    /// The margin of the coordinate that is nearest to being taken in by mistake.
    pub fn smallest_margin(&self) -> f64 {
        self.margins.iter().copied().fold(1.0, f64::min)
    }
}

/// The mean squared entries of the columns, `c_j = |X_j|^2/n` (d).
pub fn mean_squared_columns(problem: &Problem) -> Vec<f64> {
    let n = problem.samples();
    weighted_squares(problem.x(), problem.dim(), &vec![1.0 / n as f64; n])
}

/// Whether the Lasso with `lambda_j = s w_j` recovers the support of a `truth` (d) from its labels `X truth`. Only the
/// largest scale depends on more of the truth than its support and its signs.
///
/// # Errors
/// Weights or a truth of another length, a weight that is negative or not finite, or a negative truth where
/// coefficients cannot be.
pub fn support_recovery(
    problem: &Problem,
    weights: &[f64],
    truth: &[f64],
    sign: Sign,
) -> Result<SupportRecovery, TheoryError> {
    let (n, dim) = (problem.samples(), problem.dim());
    let weights = spread("weights", weights, dim)?;
    if truth.len() != dim {
        let expected = format!("{dim} (the dimension)");
        return Err(TheoryError::Length { array: "truth", found: truth.len(), expected });
    }
    if let Some((position, value)) =
        truth.iter().enumerate().find(|(_, t)| !t.is_finite() || sign == Sign::NonNegative && **t < 0.0)
    {
        return Err(TheoryError::Truth { position, value: *value, sign });
    }
    let support: Vec<usize> = (0..dim).filter(|j| truth[*j] != 0.0).collect();
    let mut factor = ThinQr::default();
    let is_identifiable = support.iter().all(|j| factor.append(&column(problem.x(), dim, *j)).is_ok());
    if !is_identifiable {
        return Ok(SupportRecovery { margins: vec![f64::NAN; dim], is_identifiable, largest_scale: 0.0 });
    }
    let pull: Vec<f64> = support.iter().map(|j| weights[*j] * truth[*j].signum()).collect();
    let pulled = factor.solve_lower(&pull);
    let reach = transpose_product(problem.x(), dim, &factor.combine(&pulled, n));
    let margin = |j: usize| match (truth[j] != 0.0, sign.reach(reach[j])) {
        (true, _) => 1.0,
        (false, reach) if reach <= 0.0 && weights[j] == 0.0 => 1.0,
        (false, reach) => 1.0 - reach / weights[j],
    };
    let shrinks = factor.solve_upper(&pulled);
    let vanishes = |(j, s): (&usize, &f64)| {
        if s * truth[*j] > 0.0 { truth[*j] / (n as f64 * s) } else { f64::INFINITY }
    };
    let largest_scale = support.iter().zip(&shrinks).map(vanishes).fold(f64::INFINITY, f64::min);
    Ok(SupportRecovery { margins: (0..dim).map(margin).collect(), is_identifiable, largest_scale })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::lasso;
    use crate::theory::lasso::tests::noisy;

    /// A truth of ones on the first coordinates, and its labels.
    fn ones(seed: u64, n: usize, d: usize, sparsity: usize) -> Problem {
        let mut truth = vec![0.0; d];
        truth[..sparsity].fill(1.0);
        let x = noisy(seed, n, d, sparsity, 0.0).x().to_vec();
        let y = x.chunks_exact(d).map(|row| row[..sparsity].iter().sum()).collect();
        Problem::new(x, y, Some(truth)).unwrap()
    }

    fn promised(problem: &Problem, sign: Sign) -> SupportRecovery {
        support_recovery(problem, &mean_squared_columns(problem), problem.truth().unwrap(), sign).unwrap()
    }

    #[test]
    fn the_lasso_has_the_support_exactly_where_it_is_promised() {
        let mut fates = [0, 0];
        for seed in 0..60 {
            for (sign, problem) in [
                (Sign::NonNegative, ones(seed, 25, 50, 4)),
                (Sign::Signed, ones(seed, 30, 50, 4)),
                (Sign::Signed, noisy(seed, 30, 50, 4, 0.0)),
            ] {
                let weights = mean_squared_columns(&problem);
                let truth = problem.truth().unwrap();
                let found = promised(&problem, sign);
                if found.smallest_margin().abs() < 1e-6 {
                    continue;
                }
                fates[usize::from(found.is_promised())] += 1;
                let support: Vec<usize> = (0..50).filter(|j| truth[*j] != 0.0).collect();
                for share in [1e-3, 0.5, 0.999, 1.001] {
                    let lambda: Vec<f64> = weights.iter().map(|w| share * found.largest_scale * w).collect();
                    let solution = lasso(&problem, &lambda, sign).unwrap();
                    let exact = solution.support() == support;
                    assert_eq!(exact, found.is_promised() && share < 1.0, "seed {seed}, {sign}, {share}");
                }
            }
        }
        assert!(fates.iter().all(|count| *count > 20), "the test needs both fates: {fates:?}");
    }

    /// The fractions of Gaussian designs with d = 100 and five ones that the notes on the paper measured.
    #[test]
    fn the_share_of_gaussian_designs_is_the_measured_one() {
        let designs = 300;
        for (n, positive, signed) in
            [(40, 0.62_f64, 0.38_f64), (60, 0.96, 0.91), (80, 0.99, 0.98), (100, 1.0, 1.0)]
        {
            for (sign, expected) in [(Sign::NonNegative, positive), (Sign::Signed, signed)] {
                let held = (0..designs).filter(|seed| promised(&ones(*seed, n, 100, 5), sign).is_promised());
                let share = held.count() as f64 / designs as f64;
                // Four standard errors of our share and of theirs, from at least as many designs, and their rounding.
                let error = 4.0 * (2.0 * (expected * (1.0 - expected)).max(0.005) / designs as f64).sqrt();
                assert!((share - expected).abs() < error + 0.005, "n = {n}, {sign}: {share}, not {expected}");
            }
        }
    }

    #[test]
    fn orthogonal_columns_have_all_the_margin_and_a_copy_of_the_truth_none() {
        let problem = Problem::new(vec![1.0, 0.0, 1.0, 0.0, 2.0, 0.0], vec![1.0, 0.0], None).unwrap();
        let found = support_recovery(&problem, &[1.0], &[1.0, 0.0, 0.0], Sign::Signed).unwrap();
        assert_eq!(found.margins, [1.0, 1.0, 0.0]);
        assert!(!found.is_promised());
        assert_eq!(found.largest_scale, 0.5);
        let both = support_recovery(&problem, &[1.0], &[1.0, 0.0, 1.0], Sign::Signed).unwrap();
        assert!(!both.is_identifiable && !both.is_promised());
        // Opposite correlations do no harm where coefficients cannot be negative.
        let opposite = Problem::new(vec![1.0, -1.0], vec![1.0], None).unwrap();
        let margin = |sign| support_recovery(&opposite, &[1.0], &[1.0, 0.0], sign).unwrap().margins[1];
        assert_eq!((margin(Sign::NonNegative), margin(Sign::Signed)), (2.0, 0.0));
    }

    #[test]
    fn a_truth_of_the_wrong_sign_is_refused() {
        let problem = Problem::new(vec![1.0, -1.0], vec![1.0], None).unwrap();
        let error = support_recovery(&problem, &[1.0], &[0.0, -2.0], Sign::NonNegative).unwrap_err();
        assert_eq!(error.to_string(), "truth[1] is -2; expected a finite non-negative number");
    }
}
