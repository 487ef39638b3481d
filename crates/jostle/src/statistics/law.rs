//! How far a sample is from a law.

/// The Kolmogorov-Smirnov distance `sup |F_n - F|` between a sample and a law with the distribution function `cdf`. By
/// the inequality of Dvoretzky, Kiefer, Wolfowitz and Massart it exceeds `sqrt(ln(2/p) / 2n)` with probability at most
/// `p` if the law is right.
pub fn distance_to_law(sample: &[f64], cdf: impl Fn(f64) -> f64) -> f64 {
    let mut ordered = sample.to_vec();
    ordered.sort_by(f64::total_cmp);
    let n = ordered.len() as f64;
    ordered.iter().enumerate().fold(0.0f64, |most, (k, x)| {
        let exact = cdf(*x);
        most.max(exact - k as f64 / n).max((k + 1) as f64 / n - exact)
    })
}

/// The distance that a sample of `n` exceeds with probability at most `p` if the law is right.
pub fn allowed_distance(n: usize, p: f64) -> f64 {
    ((2.0 / p).ln() / (2.0 * n as f64)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_that_of_the_larger_side_of_a_step() {
        let uniform = |x: f64| x.clamp(0.0, 1.0);
        assert!((distance_to_law(&[0.75, 0.25], uniform) - 0.25).abs() < 1e-15);
        assert!((distance_to_law(&[0.9], uniform) - 0.9).abs() < 1e-15);
        assert!((allowed_distance(2, 2.0 * f64::exp(-4.0)) - 1.0).abs() < 1e-15);
    }
}
