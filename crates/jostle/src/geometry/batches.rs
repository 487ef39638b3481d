//! Mini-batches, by the two moments of theirs that the mean-square dynamics depend on.

use super::GeometryError;

/// How the samples of a batch are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// `B` independent samples, each uniform.
    WithReplacement,
    /// `B` different samples, uniform among all sets of that size.
    WithoutReplacement,
    /// Every sample with probability `B/n`, independently: `B` samples on average, and the sum divided by `B`.
    Bernoulli,
}

/// Batches of `B` samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    /// The (mean) number of samples `B`.
    pub size: usize,
    /// How they are drawn.
    pub sampling: Sampling,
}

/// The second moment of a batch's curvature `H_B = (1/B) sum_{i in batch} H_i`:
///
/// ```text
/// E[H_B S H_B] = full G S G + single (1/n) sum_i H_i S H_i        for every symmetric S
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchMoments {
    /// The share of the full batch: `1 - p`, but 1 for Bernoulli batches.
    pub full: f64,
    /// The share of single samples: `p = 1/B'` with `B' = B` with replacement and `B (n-1)/(n-B)` without;
    /// `1/B - 1/n` for Bernoulli batches.
    pub single: f64,
}

impl Batches {
    /// Batches drawn with replacement.
    pub fn with_replacement(size: usize) -> Self {
        Self { size, sampling: Sampling::WithReplacement }
    }

    /// Batches drawn without replacement.
    pub fn without_replacement(size: usize) -> Self {
        Self { size, sampling: Sampling::WithoutReplacement }
    }

    /// Batches of every power of two up to the number of samples.
    pub fn powers_of_two(samples: usize, sampling: Sampling) -> Vec<Self> {
        std::iter::successors(Some(1), |size| Some(2 * size))
            .take_while(|size| *size <= samples)
            .map(|size| Self { size, sampling })
            .collect()
    }

    /// `B'`: the batch size that, drawn with replacement, has the same noise covariance, of `n` samples.
    pub fn effective(self, samples: usize) -> f64 {
        let size = self.size as f64;
        match self.sampling {
            Sampling::WithReplacement => size,
            Sampling::WithoutReplacement => effective_batch_without_replacement(self.size, samples),
            Sampling::Bernoulli => (1.0 / size - 1.0 / samples as f64).recip(),
        }
    }

    /// The moments of these batches of `n` samples.
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn moments(self, samples: usize) -> Result<BatchMoments, GeometryError> {
        if self.size == 0 || self.size > samples {
            return Err(GeometryError::Batch { found: self.size, samples });
        }
        let size = self.size as f64;
        Ok(match self.sampling {
            Sampling::WithReplacement => BatchMoments::of_effective_batch(size),
            Sampling::WithoutReplacement => {
                BatchMoments::of_effective_batch(effective_batch_without_replacement(self.size, samples))
            }
            Sampling::Bernoulli => BatchMoments { full: 1.0, single: 1.0 / size - 1.0 / samples as f64 },
        })
    }
}

impl BatchMoments {
    /// The moments of an effective batch `B'`, at least 1; infinite for gradient descent.
    fn of_effective_batch(effective: f64) -> Self {
        let single = 1.0 / effective;
        Self { full: 1.0 - single, single }
    }
}

/// `B (n - 1) / (n - B)`: infinite for all samples, also where there is only one.
pub(crate) fn effective_batch_without_replacement(size: usize, samples: usize) -> f64 {
    if size >= samples {
        return f64::INFINITY;
    }
    size as f64 * (samples as f64 - 1.0) / (samples as f64 - size as f64)
}
