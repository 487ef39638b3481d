//! Scaling pixels to mean 0 and variance 1.

use crate::problem::ImageShape;

/// Subtracts a mean and divides by a deviation, those of the group that a value belongs to.
pub(super) struct Scale {
    /// Consecutive values of an image that share a group.
    group: usize,
    /// Mean and deviation of each group.
    moments: Vec<(f64, f64)>,
}

impl Scale {
    /// The scale of these training images (n x d), by `channel`, by `pixel`, or `none`.
    pub(super) fn of(how: &str, x: &[f64], shape: ImageShape) -> Self {
        let group = match how {
            "channel" => shape.height * shape.width,
            "pixel" => 1,
            _ => return Self { group: shape.values(), moments: vec![(0.0, 1.0)] },
        };
        let groups = shape.values() / group;
        let count = (x.len() / groups) as f64;
        let average = |value: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; groups];
            for (k, values) in x.chunks_exact(group).enumerate() {
                sums[k % groups] += values.iter().map(|v| value(k % groups, *v)).sum::<f64>();
            }
            sums.iter().map(|sum| sum / count).collect::<Vec<_>>()
        };
        let means = average(&|_, v| v);
        let variances = average(&|group, v| (v - means[group]).powi(2));
        let deviation = |variance: f64| if variance > NOTHING { variance.sqrt() } else { 1.0 };
        let moments = means.iter().zip(variances).map(|(mean, variance)| (*mean, deviation(variance)));
        Self { group, moments: moments.collect() }
    }

    /// Scales images (m x d).
    pub(super) fn apply(&self, x: &mut [f64]) {
        for (k, values) in x.chunks_exact_mut(self.group).enumerate() {
            let (mean, deviation) = self.moments[k % self.moments.len()];
            for v in values {
                *v = (*v - mean) / deviation;
            }
        }
    }
}

/// The variance of pixels that are all alike, but for rounding.
const NOTHING: f64 = 1e-24;
