//! Whether any coefficients reproduce the labels.

use super::Sign;
use super::active_set::ActiveSet;
use crate::linear_algebra::{norm, product};
use crate::problem::Problem;

/// A distance up to this may be a rounding error.
const RESOLUTION: f64 = 1e-8;

/// How far the closest predictions `X b` (with `b >= 0` where the sign says so) are from the labels, relative to their
/// norm; none if that could be rounding.
pub(super) fn distance_to_interpolation(problem: &Problem, sign: Sign) -> Option<f64> {
    let labels = norm(problem.y());
    let (lambda, start) = (vec![0.0; problem.dim()], vec![0.0; problem.dim()]);
    let mut set = ActiveSet::new(problem, &lambda, sign, &start);
    set.solve();
    let mut missed = product(problem.x(), problem.dim(), &set.beta());
    missed.iter_mut().zip(problem.y()).for_each(|(m, y)| *m -= y);
    let distance = norm(&missed) / labels;
    (distance > RESOLUTION).then_some(distance)
}
