//! The random numbers of one step of a block of replicas.

use super::normal::box_muller;
use super::philox::{philox_vector, philox4x32};
use crate::simd::{Bits, Level, Portable, Vector, dispatch};

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

    /// Stream `channel` (0 to 3) of the noise at position `index` of an experiment.
    pub fn noise(index: usize, channel: u16) -> Self {
        Self(0x100 + 4 * index as u16 + channel)
    }
}

/// The random numbers of one step for a block of replicas.
///
/// Arrays are filled with the replicas side by side: entry `k` of the replica in lane `l` stands at
/// `k * lanes + l`, and depends on (seed, replica, step, purpose, k) only.
#[derive(Debug, Clone, Copy)]
pub struct Draws<'a> {
    key: [u32; 2],
    replicas: &'a [u32],
    step: u64,
    level: Level,
}

impl<'a> Draws<'a> {
    /// The draws of `replicas` (one a lane) at `step` (below 2^48).
    pub fn new(seed: u64, replicas: &'a [u32], step: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], replicas, step, level: Level::detect() }
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

    /// Number of replicas side by side.
    pub fn lanes(&self) -> usize {
        self.replicas.len()
    }

    /// The step.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The 128 random bits number `block` of one lane.
    pub fn words(&self, lane: usize, purpose: Purpose, block: u32) -> [u32; 4] {
        let [low, high] = self.step_words(purpose);
        philox4x32([block, low, high, self.replicas[lane]], self.key)
    }

    /// Fills with independent uniform 64-bit words.
    ///
    /// # Panics
    /// If the length is not a multiple of the number of lanes.
    pub fn bits(&self, purpose: Purpose, out: &mut [u64]) {
        let draws = self;
        dispatch!(self.level, fill, [], [Words], (draws: &Draws<'_>, purpose: Purpose, out: &mut [u64]));
    }

    /// Fills with independent standard normal numbers.
    ///
    /// # Panics
    /// If the length is not a multiple of the number of lanes.
    pub fn normals(&self, purpose: Purpose, out: &mut [f64]) {
        let draws = self;
        dispatch!(self.level, fill, [], [Normals], (draws: &Draws<'_>, purpose: Purpose, out: &mut [f64]));
    }

    /// Fills with independent signs, +1 or -1 with equal probability.
    ///
    /// # Panics
    /// If the length is not a multiple of the number of lanes.
    pub fn signs(&self, purpose: Purpose, out: &mut [f64]) {
        let mut words = vec![0; out.len()];
        self.bits(purpose, &mut words);
        for (sign, word) in out.iter_mut().zip(words) {
            *sign = if word >> 63 == 0 { 1.0 } else { -1.0 };
        }
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

    fn step_words(&self, purpose: Purpose) -> [u32; 2] {
        [self.step as u32, ((self.step >> 32) as u32 & 0xffff) << 16 | u32::from(purpose.0)]
    }
}

/// The words of the entries `(2 block, 2 block + 1)` for consecutive lanes or, when there is only one lane, of
/// consecutive blocks.
#[inline(always)]
fn pair_of_words<V: Vector>(draws: &Draws<'_>, purpose: Purpose, block: usize, lane: usize) -> [V::Bits; 2] {
    let mut scratch = [0u64; 16];
    let (blocks, replicas) = if draws.lanes() == 1 {
        for (k, word) in scratch[..V::WIDTH].iter_mut().enumerate() {
            *word = (block + k) as u64;
        }
        (V::Bits::read(&scratch), V::Bits::from(u64::from(draws.replicas[0])))
    } else {
        for (word, replica) in scratch[..V::WIDTH].iter_mut().zip(&draws.replicas[lane..]) {
            *word = u64::from(*replica);
        }
        (V::Bits::from(block as u64), V::Bits::read(&scratch))
    };
    let [low, high] = draws.step_words(purpose);
    let (low, high) = (V::Bits::from(u64::from(low)), V::Bits::from(u64::from(high)));
    let words = philox_vector([blocks, low, high, replicas], draws.key);
    let low_half = V::Bits::from(0xffff_ffff);
    [words[0].shl::<32>() | (words[1] & low_half), words[2].shl::<32>() | (words[3] & low_half)]
}

/// What is made of the words: the words themselves, or normal numbers.
trait Fill {
    type Item: Copy + Default;
    fn make<V: Vector>(words: [V::Bits; 2], first: &mut [Self::Item], second: &mut [Self::Item]);
}

struct Words;

impl Fill for Words {
    type Item = u64;
    #[inline(always)]
    fn make<V: Vector>(words: [V::Bits; 2], first: &mut [u64], second: &mut [u64]) {
        words[0].write(first);
        words[1].write(second);
    }
}

struct Normals;

impl Fill for Normals {
    type Item = f64;
    #[inline(always)]
    fn make<V: Vector>(words: [V::Bits; 2], first: &mut [f64], second: &mut [f64]) {
        let [a, b] = box_muller::<V>(words[0], words[1]);
        a.write(first);
        b.write(second);
    }
}

#[inline(always)]
fn fill<V: Vector, F: Fill>(draws: &Draws<'_>, purpose: Purpose, out: &mut [F::Item]) {
    let lanes = draws.lanes();
    assert!(lanes > 0 && out.len().is_multiple_of(lanes), "{} draws for {lanes} replicas", out.len());
    if lanes == 1 {
        fill_one_lane::<V, F>(draws, purpose, out);
    } else if lanes.is_multiple_of(V::WIDTH) {
        fill_lanes::<V, F>(draws, purpose, out);
    } else {
        fill_lanes::<Portable<1>, F>(draws, purpose, out);
    }
}

#[inline(always)]
fn fill_lanes<V: Vector, F: Fill>(draws: &Draws<'_>, purpose: Purpose, out: &mut [F::Item]) {
    let lanes = draws.lanes();
    let mut dropped = [F::Item::default(); 16];
    for (block, rows) in out.chunks_mut(2 * lanes).enumerate() {
        let (first, second) = rows.split_at_mut(lanes);
        for lane in (0..lanes).step_by(V::WIDTH) {
            let words = pair_of_words::<V>(draws, purpose, block, lane);
            // The last entry of an odd count has no partner.
            let second = if second.is_empty() { &mut dropped[..] } else { &mut second[lane..] };
            F::make::<V>(words, &mut first[lane..], second);
        }
    }
}

#[inline(always)]
fn fill_one_lane<V: Vector, F: Fill>(draws: &Draws<'_>, purpose: Purpose, out: &mut [F::Item]) {
    let mut first = [F::Item::default(); 16];
    let mut second = [F::Item::default(); 16];
    for (group, entries) in out.chunks_mut(2 * V::WIDTH).enumerate() {
        let words = pair_of_words::<V>(draws, purpose, group * V::WIDTH, 0);
        F::make::<V>(words, &mut first, &mut second);
        for (k, entry) in entries.iter_mut().enumerate() {
            *entry = if k % 2 == 0 { first[k / 2] } else { second[k / 2] };
        }
    }
}

#[cfg(test)]
mod tests;
