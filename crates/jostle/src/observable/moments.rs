//! An ensemble at one step, as the expectation of an observable sees it.

use crate::problem::Problem;

/// What theory knows of an ensemble at one step: the coefficients' means and variances, and a few sums.
///
/// A coefficient is `E[u^2] - E[v^2]` with `u^2` and `v^2` of logarithmic normal laws that vary oppositely; only
/// `u^2` where it cannot be negative.
pub struct Moments<'a> {
    /// The training data.
    pub problem: &'a Problem,
    /// The loss factor `c`.
    pub loss_factor: f64,
    /// The means of the coefficients (d).
    pub mean: &'a [f64],
    /// Their variances (d).
    pub variance: &'a [f64],
    /// `D_j = E[u^2 + v^2]` (d), the scale at which a coefficient reacts; its mean where it cannot be negative.
    pub slope: &'a [f64],
    /// The absolute value above which a coefficient is active.
    pub active_threshold: f64,
    /// `E |r|^2`, the expected sum of squared residuals.
    pub squared_residuals: f64,
    /// The squared norm of the gradient of the loss.
    pub squared_gradient: SumOfSquares,
    /// The trace of the covariance of one step's gradient.
    pub noise_trace: f64,
}

/// A sum of squares: its mean, and the degrees of freedom of the chi-squared law with its mean and variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SumOfSquares {
    /// The mean.
    pub mean: f64,
    /// The degrees of freedom, infinite for a sum that does not vary.
    pub freedom: f64,
}

impl SumOfSquares {
    /// The sum with this mean and variance.
    pub fn new(mean: f64, variance: f64) -> Self {
        Self { mean, freedom: if variance > 0.0 { 2.0 * mean * mean / variance } else { f64::INFINITY } }
    }

    /// The mean of the square root (of Satterthwaite's approximation of the law).
    pub fn root(self) -> f64 {
        let half = 0.5 * self.freedom;
        // The ratio of the two gamma functions, which overflow, loses its digits where it is nearly one.
        let share = if half > 1e6 {
            1.0
        } else {
            (libm::lgamma(half + 0.5) - libm::lgamma(half)).exp() / half.sqrt()
        };
        self.mean.sqrt() * share
    }
}

impl Moments<'_> {
    /// The squared distance of the coefficients to a point (d).
    pub fn squared_distance(&self, point: impl Fn(usize) -> f64) -> SumOfSquares {
        let (mut mean, mut variance) = (0.0, 0.0);
        for (j, (m, v)) in self.mean.iter().zip(self.variance).enumerate() {
            let away = m - point(j);
            mean += away * away + v;
            variance += 2.0 * v * v + 4.0 * away * away * v;
        }
        SumOfSquares::new(mean, variance)
    }

    /// `E |beta_j|`.
    pub fn absolute(&self, j: usize) -> f64 {
        let (ahead, behind, deviation) = self.law(j);
        if deviation == 0.0 {
            return self.mean[j].abs();
        }
        let middle = 0.5 * (ahead / behind).ln() / deviation;
        ahead * (2.0 * normal(middle + deviation) - 1.0) - behind * (2.0 * normal(middle - deviation) - 1.0)
    }

    /// `P(|beta_j| > threshold)` for a coefficient to be active.
    pub fn active(&self, j: usize) -> f64 {
        let (ahead, behind, deviation) = self.law(j);
        if deviation == 0.0 {
            return if self.mean[j].abs() > self.active_threshold { 1.0 } else { 0.0 };
        }
        let variance = deviation * deviation;
        // u v, which does not vary, is smaller than its factors' means by the variance of their logarithms.
        let geometric = 4.0 * ahead * behind * (-variance).exp();
        let threshold = self.active_threshold;
        let beyond = threshold + (threshold * threshold + geometric).sqrt();
        let side = |part: f64| normal(((2.0 * part / beyond).ln() - 0.5 * variance) / deviation);
        side(ahead) + side(behind)
    }

    /// `E[u^2]`, `E[v^2]` and the standard deviation of their logarithms.
    fn law(&self, j: usize) -> (f64, f64, f64) {
        let (mean, slope) = (self.mean[j], self.slope[j]);
        // The square of a coefficient below 1e-162 underflows.
        let relative = if slope > 0.0 { self.variance[j] / slope / slope } else { 0.0 };
        (f64::midpoint(slope, mean), f64::midpoint(slope, -mean).max(0.0), relative.ln_1p().sqrt())
    }

    /// The sum of a function of the coefficients on the support of the truth, and their number.
    pub fn on_support(&self, of: impl Fn(&Self, usize) -> f64) -> (f64, usize) {
        let truth = self.problem.truth().unwrap_or_default();
        let support = truth.iter().enumerate().filter(|(_, t)| **t != 0.0);
        support.fold((0.0, 0), |(sum, count), (j, _)| (sum + of(self, j), count + 1))
    }
}

/// The distribution function of the standard normal law.
fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, LogNormal};

    const ACTIVE_THRESHOLD: f64 = 0.05;

    fn problem() -> Problem {
        Problem::new(vec![1.0, 2.0], vec![1.0], Some(vec![1.0, 0.0])).unwrap()
    }

    fn moments<'a>(
        problem: &'a Problem,
        mean: &'a [f64],
        variance: &'a [f64],
        slope: &'a [f64],
    ) -> Moments<'a> {
        Moments {
            problem,
            loss_factor: 0.25,
            mean,
            variance,
            slope,
            active_threshold: ACTIVE_THRESHOLD,
            squared_residuals: 0.0,
            squared_gradient: SumOfSquares::new(0.0, 0.0),
            noise_trace: 0.0,
        }
    }

    #[test]
    fn the_root_of_a_chi_squared_sum_has_the_mean_of_the_chi_law() {
        // sqrt(2/pi), sqrt(pi/2) and 2 sqrt(2/pi) for one, two and three degrees of freedom.
        let pi = std::f64::consts::PI;
        for (k, expected) in
            [(1.0, (2.0 / pi).sqrt()), (2.0, (pi / 2.0).sqrt()), (3.0, 2.0 * (2.0 / pi).sqrt())]
        {
            let square = SumOfSquares::new(k, 2.0 * k);
            assert_eq!(square.freedom, k);
            assert!((square.root() - expected).abs() < 1e-14);
        }
        assert_eq!(SumOfSquares::new(9.0, 0.0).root(), 3.0);
        let near: f64 = SumOfSquares { mean: 9.0, freedom: 1.9e6 }.root();
        assert!((near - 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_non_negative_coefficient_is_active_as_a_logarithmic_normal_number_is() {
        let problem = problem();
        for (mean, variance) in [(0.03, 4e-4), (0.06, 1e-3), (0.2, 0.04)] {
            let spread = f64::ln_1p(variance / (mean * mean));
            let law = LogNormal::new(f64::ln(mean) - 0.5 * spread, spread.sqrt()).unwrap();
            let (mean, variance) = ([mean, 0.0], [variance, 0.0]);
            let moments = moments(&problem, &mean, &variance, &mean);
            assert!((moments.active(0) - law.sf(ACTIVE_THRESHOLD)).abs() < 1e-10);
            assert!((moments.absolute(0) - mean[0]).abs() < 1e-15);
            assert_eq!((moments.active(1), moments.absolute(1)), (0.0, 0.0));
        }
    }

    /// Sums over the normal law of `x` for `beta = u^2 exp(x) - v^2 exp(-x)`.
    #[test]
    fn a_signed_coefficient_is_a_difference_of_two_that_vary_oppositely() {
        let problem = problem();
        for (u, v, spread) in [(0.3, 0.28, 0.1), (0.05, 0.2, 0.4), (0.02, 0.02, 0.5)] {
            let law = |of: &dyn Fn(f64) -> f64| -> f64 {
                let points = (-8000..=8000).map(|k| f64::from(k) * 1e-3);
                let weight = |t: f64| (-0.5 * t * t).exp() * 1e-3 / (2.0 * std::f64::consts::PI).sqrt();
                let beta = |t: f64| u * f64::exp(spread * t) - v * f64::exp(-spread * t);
                points.map(|t| weight(t) * of(beta(t))).sum()
            };
            let lift = f64::exp(0.5 * spread * spread);
            let (mean, slope) = ([(u - v) * lift, 0.0], [(u + v) * lift, 0.0]);
            // The variance that belongs to the variance of x: it is that of the law to first order.
            let variance = [slope[0] * slope[0] * (spread * spread).exp_m1(), 0.0];
            let moments = moments(&problem, &mean, &variance, &slope);
            let absolute = law(&f64::abs);
            let active = law(&|beta| if beta.abs() > ACTIVE_THRESHOLD { 1.0 } else { 0.0 });
            assert!((moments.absolute(0) - absolute).abs() < 1e-6, "{} and {absolute}", moments.absolute(0));
            assert!((moments.active(0) - active).abs() < 1e-3, "{} and {active}", moments.active(0));
        }
    }

    #[test]
    fn coefficients_whose_squares_underflow_have_a_law() {
        let problem = problem();
        let (mean, variance) = ([1e-162, 0.0], [1e-322, 0.0]);
        let moments = moments(&problem, &mean, &variance, &mean);
        assert_eq!((moments.active(0), moments.absolute(0)), (0.0, 1e-162));
    }

    #[test]
    fn a_squared_distance_has_the_mean_and_variance_of_independent_normal_numbers() {
        let problem = problem();
        let moments = moments(&problem, &[1.5, 0.5], &[0.04, 0.01], &[1.5, 0.5]);
        let square = moments.squared_distance(|j| [1.0, 0.0][j]);
        let mean = 0.25 + 0.04 + 0.25 + 0.01;
        let variance = 2.0 * 0.0016 + 4.0 * 0.25 * 0.04 + 2.0 * 1e-4 + 4.0 * 0.25 * 0.01;
        assert!((square.mean - mean).abs() < 1e-15);
        assert!((square.freedom - 2.0 * mean * mean / variance).abs() < 1e-10);
    }
}
