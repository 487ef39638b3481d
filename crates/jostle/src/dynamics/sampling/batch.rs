//! How many samples a step sees.

use crate::setting::Settings;

/// The samples that one step sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// All of them.
    Full,
    /// This many, drawn anew at every step.
    Size(usize),
}

impl Batch {
    /// The batch that a checked setting describes.
    pub(crate) fn from_settings(settings: &Settings, name: &str) -> Self {
        settings.count_or(name).map_or(Self::Full, Self::Size)
    }

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
