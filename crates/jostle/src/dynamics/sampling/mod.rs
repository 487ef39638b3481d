//! Which samples a step sees, where it does not see all of them.
//!
//! A way of sampling is a file with a `NAME` and an `impl Sampler`, and its line in `REGISTRY`. The step loops ask for the
//! samples of a stretch of steps and know no way by name. Batches are a pure function of the seed, the replica and the
//! step, whatever stretch they are drawn in.

mod batch;
mod reshuffled;
#[cfg(test)]
mod tests;
mod with_replacement;
mod without_replacement;

pub use batch::Batch;

use crate::geometry::Batches;
use crate::random::Draws;

/// A way of drawing batches of `B` of the `n` samples.
pub trait Sampler: std::fmt::Debug + Sync {
    /// The batches of some steps of one replica, one after the other.
    fn draw(&self, steps: &Steps<'_>, scratch: &mut Scratch, members: &mut [usize]);

    /// The law of a single batch, by its moments.
    fn batches(&self, size: usize) -> Batches;

    /// Whether the batches of different steps are independent: without it, no theory of independent steps applies, though
    /// a single step has the noise covariance of its [`Self::batches`].
    fn are_independent(&self) -> bool {
        false
    }
}

/// Consecutive steps of one replica.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'a> {
    /// The random numbers of the replica.
    pub draws: Draws<'a>,
    /// The first step.
    pub first: u64,
    /// How many steps.
    pub count: usize,
    /// The number of samples `n`.
    pub samples: usize,
    /// Samples of one step `B`, at most `n`.
    pub size: usize,
}

/// What a way of sampling keeps from one stretch of steps to the next, for speed only.
#[derive(Debug, Default)]
pub struct Scratch {
    words: Vec<u64>,
    marks: Vec<bool>,
    order: Vec<usize>,
    epoch: Option<u64>,
}

/// One of the ways of sampling.
#[derive(Debug, Clone, Copy)]
pub struct Sampling {
    name: &'static str,
    sampler: &'static dyn Sampler,
}

const REGISTRY: &[(&str, &dyn Sampler)] = &[
    (with_replacement::NAME, &with_replacement::WithReplacement),
    (without_replacement::NAME, &without_replacement::WithoutReplacement),
    (reshuffled::NAME, &reshuffled::Reshuffled),
];

impl Sampling {
    /// Independent batches of independent samples, the usual one.
    pub const WITH_REPLACEMENT: Self = Self::at(0);
    /// Independent batches without a sample that occurs twice.
    pub const WITHOUT_REPLACEMENT: Self = Self::at(1);
    /// Epochs: consecutive pieces of a permutation of all samples, drawn for each epoch.
    pub const RESHUFFLED: Self = Self::at(2);

    /// The ways of sampling that a file may name.
    pub const NAMES: &'static [&'static str] = &{
        let mut names = [""; REGISTRY.len()];
        let mut k = 0;
        while k < names.len() {
            names[k] = REGISTRY[k].0;
            k += 1;
        }
        names
    };

    const fn at(index: usize) -> Self {
        let (name, sampler) = REGISTRY[index];
        Self { name, sampler }
    }

    /// A way of sampling of your own.
    pub const fn new(name: &'static str, sampler: &'static dyn Sampler) -> Self {
        Self { name, sampler }
    }

    /// All ways of sampling that a file may name.
    pub fn all() -> impl Iterator<Item = Self> {
        REGISTRY.iter().map(|(name, sampler)| Self { name, sampler: *sampler })
    }

    /// The way of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|sampling| sampling.name == name)
    }

    /// What the old setting `replacement` means.
    pub fn with_replacement(replacement: bool) -> Self {
        if replacement { Self::WITH_REPLACEMENT } else { Self::WITHOUT_REPLACEMENT }
    }

    /// Its name in files.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The batches of some steps of one replica, one after the other.
    pub(crate) fn draw(self, steps: &Steps<'_>, scratch: &mut Scratch, members: &mut [usize]) {
        self.sampler.draw(steps, scratch, members);
    }

    /// The law of a single batch of `size` samples, by its moments.
    pub fn batches(self, size: usize) -> Batches {
        self.sampler.batches(size)
    }

    /// Whether the batches of different steps are independent.
    pub fn is_independent(self) -> bool {
        self.sampler.are_independent()
    }
}

impl PartialEq for Sampling {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Sampling {}

impl std::fmt::Display for Sampling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.name)
    }
}
