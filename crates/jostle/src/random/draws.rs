//! The random numbers of one step of a block of replicas.

use super::fill::{Normals, ScaledNormals, Signs, Words, fill_on};
use super::philox::philox4x32;
use crate::float::Float;
use crate::simd::Level;

/// What a random number is for. Different purposes are independent streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose(u16);

impl Purpose {
    /// The design matrix of a generated problem.
    pub const DESIGN: Self = Self(1);
    /// The noise in the labels of a generated problem.
    pub const LABELS: Self = Self(2);
    /// The samples of a mini-batch.
    pub const BATCH: Self = Self(3);
    /// Resampling for confidence intervals.
    pub const BOOTSTRAP: Self = Self(4);
    /// The perturbation of a replica's start.
    pub const PERTURBATION: Self = Self(5);
    /// The random start of a network.
    pub const INIT: Self = Self(6);
    /// The weights of random features.
    pub const FEATURES: Self = Self(7);
    /// Changes of images.
    pub const AUGMENT: Self = Self(9);
    /// The truth or the teacher of a generated problem.
    pub const TRUTH: Self = Self(8);
    /// The samples of a file that are put aside to test on.
    pub const SPLIT: Self = Self(10);
    /// The order of the samples in an epoch.
    pub const EPOCH: Self = Self(11);

    /// The number of noises that have streams of their own.
    pub const NOISES: usize = (u16::MAX as usize - 0x100) / 4;

    /// Stream `channel` (0 to 3) of the noise at position `index` (below [`Purpose::NOISES`]) of an experiment.
    pub fn noise(index: usize, channel: u16) -> Self {
        Self(0x100 + 4 * index as u16 + channel)
    }
}

/// The random numbers of one step, or of several consecutive ones, for a block of replicas.
///
/// Arrays are filled with the replicas side by side: entry `k` of the replica in lane `l` stands at `k * lanes + l`,
/// and depends on (seed, replica, step, purpose, k) only, and on whether a step has so few entries that consecutive
/// steps share a block of 128 bits. Several steps stand side by side in the same way: all replicas of the first step,
/// then all of the next.
#[derive(Debug, Clone, Copy)]
pub struct Draws<'a> {
    pub(super) key: [u32; 2],
    pub(super) replicas: &'a [u32],
    pub(super) step: u64,
    pub(super) steps: usize,
    pub(super) level: Level,
}

impl<'a> Draws<'a> {
    /// At most so many steps share a block: what is drawn from a multiple of this on is drawn fastest.
    pub const SHARED_STEPS: u64 = 4;

    /// The draws of `replicas` (one a lane) at `step` (below 2^48).
    pub fn new(seed: u64, replicas: &'a [u32], step: u64) -> Self {
        let key = [seed as u32, (seed >> 32) as u32];
        Self { key, replicas, step, steps: 1, level: Level::detect() }
    }

    /// The same draws computed on another level; the numbers are the same.
    ///
    /// # Panics
    /// If this processor does not have the level.
    #[must_use]
    pub fn on_level(self, level: Level) -> Self {
        assert!(Level::available().contains(&level), "this processor has no {level}");
        Self { level, ..self }
    }

    /// The same block of replicas at another step.
    #[must_use]
    pub fn at_step(self, step: u64) -> Self {
        Self { step, ..self }
    }

    /// The same block of replicas at this and the following steps, `steps` in all, side by side.
    #[must_use]
    pub fn for_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Number of lanes: replicas times steps.
    pub fn lanes(&self) -> usize {
        self.replicas.len() * self.steps
    }

    /// The (first) step.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The 128 random bits number `block` of one lane, where steps do not share blocks.
    pub fn words(&self, lane: usize, purpose: Purpose, block: u32) -> [u32; 4] {
        let [low, high, replica] = self.counter(lane, purpose);
        philox4x32([block, low, high, replica], self.key)
    }

    /// Fills with independent uniform 64-bit words.
    ///
    /// # Panics
    /// If the length is not a multiple of the number of lanes.
    pub fn bits(&self, purpose: Purpose, out: &mut [u64]) {
        fill_on::<f64, Words>(&Words, self, purpose, out);
    }

    /// Fills with independent standard normal numbers.
    ///
    /// # Panics
    /// If the length is not a multiple of the number of lanes.
    pub fn normals<F: Float>(&self, purpose: Purpose, out: &mut [F]) {
        fill_on::<F, Normals>(&Normals, self, purpose, out);
    }

    /// Adds `factor` times independent standard normal numbers, each by one fused multiply-add.
    ///
    /// # Panics
    /// If the length is not a multiple of the number of lanes.
    pub fn add_normals<F: Float>(&self, purpose: Purpose, factor: F, out: &mut [F]) {
        fill_on::<F, ScaledNormals<F>>(&ScaledNormals(factor), self, purpose, out);
    }

    /// Fills with independent signs, +1 or -1 with equal probability.
    ///
    /// # Panics
    /// If the length is not a multiple of the number of lanes.
    pub fn signs<F: Float>(&self, purpose: Purpose, out: &mut [F]) {
        fill_on::<F, Signs>(&Signs, self, purpose, out);
    }

    /// A uniform number in `0..n` from a uniform 64-bit word; the bias is below n / 2^64.
    #[inline]
    pub fn index(word: u64, n: usize) -> usize {
        ((u128::from(word) * n as u128) >> 64) as usize
    }

    /// `chosen.len()` different numbers in `0..n`, every subset equally likely (Floyd), from as many words.
    /// `marks` is scratch.
    pub fn subset(words: impl Iterator<Item = u64>, n: usize, chosen: &mut [usize], marks: &mut Vec<bool>) {
        let count = chosen.len();
        marks.clear();
        marks.resize(n, false);
        for (k, word) in words.take(count).enumerate() {
            let last = n - count + k;
            let pick = Self::index(word, last + 1);
            chosen[k] = if marks[pick] { last } else { pick };
            marks[chosen[k]] = true;
        }
    }

    /// The words of a lane's counter behind the block.
    pub(super) fn counter(&self, lane: usize, purpose: Purpose) -> [u32; 3] {
        let step = self.step + (lane / self.replicas.len()) as u64;
        Self::counter_of(self.replicas[lane % self.replicas.len()], step, purpose)
    }

    /// The step, the purpose with the step's high bits, the replica.
    #[inline(always)]
    pub(super) fn counter_of(replica: u32, step: u64, purpose: Purpose) -> [u32; 3] {
        let high = ((step >> 32) as u32 & 0xffff) << 16 | u32::from(purpose.0);
        [step as u32, high, replica]
    }
}

#[cfg(test)]
mod tests;
