//! How many samples a step sees.

/// The samples that one step sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// All of them.
    Full,
    /// This many, drawn anew at every step.
    Size(usize),
}

impl Batch {
    /// Number of samples, of `samples` in all.
    pub fn size(self, samples: usize) -> usize {
        match self {
            Batch::Full => samples,
            Batch::Size(size) => size,
        }
    }
}

impl std::fmt::Display for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Batch::Full => write!(f, "\"full\""),
            Batch::Size(size) => write!(f, "{size}"),
        }
    }
}

/// `B (n - 1) / (n - B)`: infinite for all samples, also where there is only one.
pub(crate) fn effective_batch_without_replacement(size: usize, samples: usize) -> f64 {
    if size >= samples {
        return f64::INFINITY;
    }
    size as f64 * (samples as f64 - 1.0) / (samples as f64 - size as f64)
}
