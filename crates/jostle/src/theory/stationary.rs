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
//! Cov(r)_ab = A_a A_b (n [U' diag(v) U]_ab - s [U'r]_a [U'r]_b)
//!             / (A_a + A_b - ((1 - b)/(1 + b) - s) A_a A_b + b/(1 - b^2) (A_a - A_b)^2)
//! ```
//!
//! for momentum `b`. This solves the equations for the second moments of residuals and velocities: `E v_a v_b` is
//! `(A_a + A_b) (1 - b)/(1 + b) Cov(r)_ab`. The last term of the denominator is there because underdamped directions
//! oscillate at frequencies of their own. In continuous time the quadratic terms of the denominator are absent. For small
//! steps and equal `v` the covariance is `rate v K`; the sum over
//! the samples is then `2 n sum_j lambda_j |b_j|`, the value that Ito's formula gives without any approximation.

use crate::dynamics::Dynamics;
use crate::linear_algebra::{dot, left_singular};
use crate::problem::Problem;

/// The terms of second order in `A` that steps of a size and momentum add to the relaxation of a covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SecondOrder {
    /// What multiplies `-A_a A_b`: `(1 - b)/(1 + b)`, less the share of the residuals in their own noise.
    product: f64,
    /// What multiplies `(A_a - A_b)^2`: `b/(1 - b^2)`.
    difference: f64,
}

impl SecondOrder {
    /// Those of the heavy ball; without momentum in continuous time, where there are none.
    pub(super) fn new(momentum: Option<f64>) -> Self {
        momentum.map_or(Self { product: 0.0, difference: 0.0 }, |b| Self {
            product: (1.0 - b) / (1.0 + b),
            difference: b / (1.0 - b * b),
        })
    }

    /// Those of a dynamics.
    pub(crate) fn of(dynamics: &Dynamics) -> Self {
        match dynamics {
            Dynamics::GradientDescent(dynamics) => Self::new(Some(dynamics.momentum)),
            Dynamics::Flow(_) => Self::new(None),
        }
    }

    /// With the share `s` of the residuals in their own noise.
    pub(crate) fn with_sampling(self, share: f64) -> Self {
        Self { product: self.product - share, ..self }
    }

    /// Where `A` is in units of a rate.
    pub(crate) fn times(self, rate: f64) -> Self {
        Self { product: rate * self.product, difference: rate * self.difference }
    }

    /// The rate at which the entry (a, b) of the covariance of the residuals relaxes, for noise that is white.
    pub(crate) fn relaxation(self, first: f64, other: f64) -> f64 {
        first + other - self.product * first * other + self.apart(first, other)
    }

    /// The part of the relaxation that comes from unequal frequencies.
    pub(crate) fn apart(self, first: f64, other: f64) -> f64 {
        self.difference * (first - other).powi(2)
    }
}

/// The linearised dynamics of the residuals around mean coefficients.
pub(super) struct Fluctuations {
    samples: usize,
    /// With the share `s`.
    second: SecondOrder,
    sampling: f64,
    /// The directions (r, each n) in which residuals move, and `A` in them.
    directions: Vec<Vec<f64>>,
    contraction: Vec<f64>,
    /// `U' r` of the mean residuals.
    mean: Vec<f64>,
}

impl Fluctuations {
    /// Around the coefficients `b` (d) with mean residuals `X b - y` (n); `rate` is that of the
    /// noise, `sampling` is `s`. None if the eigenbasis cannot be computed.
    pub(super) fn new(
        problem: &Problem,
        beta: &[f64],
        residuals: &[f64],
        rate: f64,
        second: SecondOrder,
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
            second: second.with_sampling(sampling),
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
                let relaxation = self.second.relaxation(first, other);
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

    /// The variances of the recursion of the module's head with momentum `b`, iterated until they are stationary: the
    /// second moments of residuals and of what momentum adds to them.
    fn iterate(
        problem: &Problem,
        beta: &[f64],
        mean: &[f64],
        (rate, b): (f64, f64),
        s: f64,
        label: f64,
    ) -> Vec<f64> {
        let n = problem.samples();
        let mut kernel = vec![0.0; n * n];
        for (k, entry) in kernel.iter_mut().enumerate() {
            let pairs = problem.row(k / n).iter().zip(problem.row(k % n)).zip(beta);
            *entry = pairs.map(|((a, b), beta)| a * b * beta.abs()).sum();
        }
        let pull: Vec<f64> = kernel.iter().map(|k| -2.0 * rate * (1.0 - b) / n as f64 * k).collect();
        let one = |k: usize| f64::from(u8::from(k / n == k % n));
        // (residual, velocity) -> (residual + velocity', velocity'), velocity' = b velocity + pull residual.
        let m = 2 * n;
        let step: Vec<f64> = (0..m * m)
            .map(|k| {
                let (row, column) = (k / m, k % m);
                let at = (row % n) * n + column % n;
                let velocity = if column < n { pull[at] } else { b * one(at) };
                velocity + if row < n && column < n { one(at) } else { 0.0 }
            })
            .collect();
        let transposed: Vec<f64> = (0..m * m).map(|k| step[k % m * m + k / m]).collect();
        let mut covariance = vec![0.0; m * m];
        for _ in 0..30_000 {
            let mut noise = vec![0.0; n * n];
            for (k, entry) in noise.iter_mut().enumerate() {
                let (i, l) = (k / n, k % n);
                let second = covariance[i * m + l] + mean[i] * mean[l];
                *entry = if i == l { label + s * second } else { 0.0 } - s * second / n as f64;
                *entry *= n as f64;
            }
            let moved = multiply(&multiply(&step, &covariance, m), &transposed, m);
            let added = multiply(&multiply(&pull, &noise, n), &pull, n);
            covariance = (0..m * m).map(|k| moved[k] + added[(k / m % n) * n + k % m % n]).collect();
        }
        (0..n).map(|i| covariance[i * m + i]).collect()
    }

    #[test]
    fn variances_are_those_of_the_iterated_recursion() {
        let (problem, beta, residuals) = setting();
        for (rate, momentum, sampling) in [
            (0.1, 0.0, 0.0),
            (0.1, 0.0, 1.0),
            (0.1, 0.0, 0.5),
            (0.2, 0.9, 0.0),
            (0.5, 0.99, 0.0),
            (0.1, 0.8, 0.5),
        ] {
            let expected = iterate(&problem, &beta, &residuals, (rate, momentum), sampling, 0.7);
            let second = SecondOrder::new(Some(momentum));
            let fluctuations =
                Fluctuations::new(&problem, &beta, &residuals, rate, second, sampling).unwrap();
            let labels: Vec<f64> =
                expected.iter().zip(&residuals).map(|(v, r)| 0.7 + sampling * (v + r * r)).collect();
            let found = fluctuations.variances(&labels).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found / expected - 1.0).abs() < 1e-9,
                    "{rate}, {momentum}, {sampling}: {found} {expected}"
                );
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
        let second = SecondOrder::new(Some(0.0));
        let found = Fluctuations::new(&problem, &beta, &residuals, rate, second, 0.0)
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
            Fluctuations::new(&problem, &[0.6], &[0.0], eta / (1.0 - b), SecondOrder::new(Some(b)), 0.0)
                .unwrap();
        let expected = eta * h * q * (1.0 + b) / ((1.0 - b) * (2.0 * (1.0 + b) - eta * h));
        assert!((fluctuations.variances(&[q]).unwrap()[0] / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn steps_that_are_too_large_have_no_stationary_variance() {
        let (problem, beta, residuals) = setting();
        let fluctuations =
            Fluctuations::new(&problem, &beta, &residuals, 10.0, SecondOrder::new(Some(0.0)), 0.0).unwrap();
        assert_eq!(fluctuations.variances(&[1.0; 6]), None);
    }
}
