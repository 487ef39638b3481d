//! How residuals fluctuate around their mean once label noise or mini-batches have become stationary.
//!
//! Near the mean `b`, a step of the square models multiplies coefficients by `1 - 2 h_j`, so that residuals follow
//!
//! ```text
//! dr <- dr - 2 rate K (dr/n + xi),    K = X diag|b| X',    n Cov(xi) = diag(v) - s E r r'/n
//! ```
//!
//! with the variance `v_i` of the label of sample `i` as the dynamics see it, `s` of which come from the residuals
//! themselves (`1/B'` for mini-batches). In the eigenbasis `U` of `K`, with `A = 2 rate K/n`,
//!
//! ```text
//! Cov(r)_ab = A_a A_b (n [U' diag(v) U]_ab - s [U'r]_a [U'r]_b) / (A_a + A_b - A_a A_b ((1 - b)/(1 + b) - s))
//! ```
//!
//! for momentum `b`, exact for `b = 0` and on the diagonal; in continuous time the products `A_a A_b` of the denominator
//! are not there. For small steps and equal `v` it is `rate v K`; the sum over
//! the samples is then `2 n sum_j lambda_j |b_j|`, the value that Ito's formula gives without any approximation.

use crate::dynamics::Dynamics;
use crate::linear_algebra::{dot, left_singular};
use crate::problem::Problem;

/// `(1 - b)/(1 + b)` in discrete time, zero in continuous time: what goes with `A_a A_b`.
pub(super) fn second_order(dynamics: &Dynamics) -> f64 {
    match dynamics {
        Dynamics::GradientDescent(dynamics) => (1.0 - dynamics.momentum) / (1.0 + dynamics.momentum),
        Dynamics::Flow(_) => 0.0,
    }
}

/// `A_a + A_b - second A_a A_b`: the rate at which the entry (a, b) of the covariance of the residuals relaxes, where
/// `second` is `(1 - b)/(1 + b) - s`. With `A` in units of the noise's rate, `second` is in the same.
pub(super) fn relaxation(first: f64, other: f64, second: f64) -> f64 {
    first + other - second * first * other
}

/// The linearised dynamics of the residuals around mean coefficients.
pub(super) struct Fluctuations {
    samples: usize,
    /// `(1 - b)/(1 + b)`, and zero in continuous time.
    second: f64,
    sampling: f64,
    /// The directions (r, each n) in which residuals move, and `A` in them.
    directions: Vec<Vec<f64>>,
    contraction: Vec<f64>,
    /// `U' r` of the mean residuals.
    mean: Vec<f64>,
}

impl Fluctuations {
    /// Around the coefficients `b` (d) with mean residuals `X b - y` (n); `rate` is that of the
    /// noise, `second` is [`second_order`], `sampling` is `s`. None if the eigenbasis cannot be computed.
    pub(super) fn new(
        problem: &Problem,
        beta: &[f64],
        residuals: &[f64],
        rate: f64,
        second: f64,
        sampling: f64,
    ) -> Option<Self> {
        let n = problem.samples();
        let support: Vec<usize> = (0..beta.len()).filter(|j| beta[*j] != 0.0).collect();
        let mut factor = Vec::with_capacity(n * support.len());
        for i in 0..n {
            factor.extend(support.iter().map(|j| problem.row(i)[*j] * beta[*j].abs().sqrt()));
        }
        let (values, directions) = left_singular(&factor, n, support.len())?;
        Some(Self {
            samples: n,
            second,
            sampling,
            contraction: values.iter().map(|s| 2.0 * rate * s * s / n as f64).collect(),
            mean: directions.iter().map(|u| dot(u, residuals)).collect(),
            directions,
        })
    }

    /// The stationary variances of the residuals (n) for label variances `v` (n); none where steps are too large for
    /// one.
    pub(super) fn variances(&self, label_variances: &[f64]) -> Option<Vec<f64>> {
        let (n, rank) = (self.samples, self.directions.len());
        let second = self.second - self.sampling;
        let mut variances = vec![0.0; n];
        let mut weighted = vec![0.0; n];
        for a in 0..rank {
            let u = &self.directions[a];
            for ((w, u), v) in weighted.iter_mut().zip(u).zip(label_variances) {
                *w = u * v;
            }
            let mut row = vec![0.0; n];
            for b in 0..rank {
                let (first, other) = (self.contraction[a], self.contraction[b]);
                let relaxation = relaxation(first, other, second);
                if relaxation <= 0.0 {
                    return None;
                }
                let shared = dot(&weighted, &self.directions[b]);
                let noise = n as f64 * shared - self.sampling * self.mean[a] * self.mean[b];
                let covariance = first * other * noise / relaxation;
                row.iter_mut().zip(&self.directions[b]).for_each(|(r, u)| *r += covariance * u);
            }
            for ((variance, u), r) in variances.iter_mut().zip(u).zip(&row) {
                *variance += u * r;
            }
        }
        Some(variances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear_algebra::{product, weighted_squares};
    use crate::theory::lasso::tests::noisy;

    fn setting() -> (Problem, Vec<f64>, Vec<f64>) {
        let problem = noisy(1, 6, 10, 4, 0.3);
        let beta = vec![0.5, -0.2, 0.0, 1.0, 0.3, 0.0, 0.0, 0.1, 0.0, 0.0];
        let residuals = product(problem.x(), 10, &beta).iter().zip(problem.y()).map(|(f, y)| f - y).collect();
        (problem, beta, residuals)
    }

    /// Multiplies dense matrices, row major.
    fn multiply(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
        (0..n * n).map(|k| (0..n).map(|m| a[k / n * n + m] * b[m * n + k % n]).sum()).collect()
    }

    /// The covariance of the recursion of the module's head, iterated until it is stationary.
    fn iterate(problem: &Problem, beta: &[f64], mean: &[f64], rate: f64, s: f64, label: f64) -> Vec<f64> {
        let n = problem.samples();
        let mut kernel = vec![0.0; n * n];
        for (k, entry) in kernel.iter_mut().enumerate() {
            let pairs = problem.row(k / n).iter().zip(problem.row(k % n)).zip(beta);
            *entry = pairs.map(|((a, b), beta)| a * b * beta.abs()).sum();
        }
        let step: Vec<f64> = (0..n * n)
            .map(|k| f64::from(u8::from(k / n == k % n)) - 2.0 * rate / n as f64 * kernel[k])
            .collect();
        let mut covariance = vec![0.0; n * n];
        for _ in 0..100_000 {
            let mut noise = vec![0.0; n * n];
            for (k, entry) in noise.iter_mut().enumerate() {
                let (i, m) = (k / n, k % n);
                let second = covariance[k] + mean[i] * mean[m];
                *entry = if i == m { label + s * second } else { 0.0 } - s * second / n as f64;
                *entry *= 4.0 * rate * rate / n as f64;
            }
            let moved = multiply(&multiply(&step, &covariance, n), &step, n);
            let added = multiply(&multiply(&kernel, &noise, n), &kernel, n);
            covariance = moved.iter().zip(&added).map(|(a, b)| a + b).collect();
        }
        (0..n).map(|i| covariance[i * n + i]).collect()
    }

    #[test]
    fn variances_are_those_of_the_iterated_recursion() {
        let (problem, beta, residuals) = setting();
        for (rate, sampling) in [(0.05, 0.0), (0.05, 1.0), (0.1, 0.5)] {
            let expected = iterate(&problem, &beta, &residuals, rate, sampling, 0.7);
            let fluctuations = Fluctuations::new(&problem, &beta, &residuals, rate, 1.0, sampling).unwrap();
            let labels: Vec<f64> =
                expected.iter().zip(&residuals).map(|(v, r)| 0.7 + sampling * (v + r * r)).collect();
            let found = fluctuations.variances(&labels).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found / expected - 1.0).abs() < 1e-9, "{rate}, {sampling}: {found} {expected}");
            }
        }
    }

    #[test]
    fn for_small_steps_their_sum_is_what_ito_gives() {
        let (problem, beta, residuals) = setting();
        let rate = 1e-7;
        let labels = [0.5, 1.0, 2.0, 0.1, 0.7, 3.0];
        let squares = weighted_squares(problem.x(), 10, &labels);
        // 2 n sum_j lambda_j |b_j| with lambda_j = rate/2 (1/n) sum_i x_ij^2 v_i.
        let expected: f64 = beta.iter().zip(&squares).map(|(b, s)| rate * s * b.abs()).sum();
        let found = Fluctuations::new(&problem, &beta, &residuals, rate, 1.0, 0.0)
            .unwrap()
            .variances(&labels)
            .unwrap();
        assert!((found.iter().sum::<f64>() / expected - 1.0).abs() < 1e-5);
    }

    #[test]
    fn heavy_ball_has_its_known_variance_on_one_sample() {
        // x' = x - m', m' = b m + h (x + xi): variance eta h q (1 + b) / ((1 - b)(2 (1 + b) - eta h)) for Var xi = q.
        let problem = Problem::new(vec![2.0], vec![0.0], None).unwrap();
        let (eta, b, q) = (0.05, 0.8, 1.3);
        let h = 2.0 * 4.0 * 0.6;
        let fluctuations =
            Fluctuations::new(&problem, &[0.6], &[0.0], eta / (1.0 - b), (1.0 - b) / (1.0 + b), 0.0).unwrap();
        let expected = eta * h * q * (1.0 + b) / ((1.0 - b) * (2.0 * (1.0 + b) - eta * h));
        assert!((fluctuations.variances(&[q]).unwrap()[0] / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn steps_that_are_too_large_have_no_stationary_variance() {
        let (problem, beta, residuals) = setting();
        assert_eq!(
            Fluctuations::new(&problem, &beta, &residuals, 10.0, 1.0, 0.0).unwrap().variances(&[1.0; 6]),
            None
        );
    }
}
