//! The random numbers of one step of a block of replicas.

use super::normal::{Normal, box_muller};
use super::philox::{RoundKeys, philox_vector, philox4x32, round_keys};
use crate::float::Float;
use crate::simd::{Bits, Level, Simd, Twice, Vector, Word, dispatch};

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

/// The random numbers of one step, or of several consecutive ones, for a block of replicas.
///
/// Arrays are filled with the replicas side by side: entry `k` of the replica in lane `l` stands at `k * lanes + l`,
/// and depends on (seed, replica, step, purpose, k) only. Several steps stand side by side in the same way: all
/// replicas of the first step, then all of the next.
#[derive(Debug, Clone, Copy)]
pub struct Draws<'a> {
    key: [u32; 2],
    replicas: &'a [u32],
    step: u64,
    steps: usize,
    level: Level,
}

impl<'a> Draws<'a> {
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

    /// The 128 random bits number `block` of one lane.
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
    fn counter(&self, lane: usize, purpose: Purpose) -> [u32; 3] {
        let step = self.step + (lane / self.replicas.len()) as u64;
        Self::counter_of(self.replicas[lane % self.replicas.len()], step, purpose)
    }

    /// The step, the purpose with the step's high bits, the replica.
    #[inline(always)]
    fn counter_of(replica: u32, step: u64, purpose: Purpose) -> [u32; 3] {
        let high = ((step >> 32) as u32 & 0xffff) << 16 | u32::from(purpose.0);
        [step as u32, high, replica]
    }
}

/// What is made of the 128 bits of a block: two entries of 64 bits, or four of 32.
trait Fill<F: Float> {
    type Item: Copy + Default;
    /// The entries of one block for every lane of a vector.
    fn make<V: Vector<Float = F>>(&self, words: Entries<V>, rows: &mut Rows<Self::Item>);
    /// Puts a new entry into its place.
    #[inline(always)]
    fn place(&self, slot: &mut Self::Item, entry: Self::Item) {
        *slot = entry;
    }
}

/// The words of a block's entries: the first two, or all four.
type Entries<V> = [<V as Vector>::Bits; 4];
/// The entries of a block, each for as many lanes as the widest vector has.
type Rows<T> = [[T; WIDEST]; 4];
const WIDEST: usize = 32;

/// Entries of one block.
const fn per_block<F: Normal>() -> usize {
    128 / F::WORD_BITS as usize
}

struct Words;

impl Fill<f64> for Words {
    type Item = u64;
    #[inline(always)]
    fn make<V: Vector<Float = f64>>(&self, words: Entries<V>, rows: &mut Rows<u64>) {
        for e in 0..2 {
            let mut integers = [<V::Bits as Bits>::Word::default(); WIDEST];
            words[e].write(&mut integers);
            for (slot, word) in rows[e].iter_mut().zip(integers).take(V::WIDTH) {
                *slot = word.into();
            }
        }
    }
}

struct Normals;

impl<F: Float> Fill<F> for Normals {
    type Item = F;
    #[inline(always)]
    fn make<V: Vector<Float = F>>(&self, words: Entries<V>, rows: &mut Rows<F>) {
        for e in (0..per_block::<F>()).step_by(2) {
            let [a, b] = box_muller::<V>(words[e], words[e + 1]);
            a.write(&mut rows[e]);
            b.write(&mut rows[e + 1]);
        }
    }
}

struct ScaledNormals<F>(F);

impl<F: Float> Fill<F> for ScaledNormals<F> {
    type Item = F;
    #[inline(always)]
    fn make<V: Vector<Float = F>>(&self, words: Entries<V>, rows: &mut Rows<F>) {
        Normals.make::<V>(words, rows);
    }
    #[inline(always)]
    fn place(&self, slot: &mut F, entry: F) {
        *slot = entry.mul_add(self.0, *slot);
    }
}

struct Signs;

impl<F: Float> Fill<F> for Signs {
    type Item = F;
    #[inline(always)]
    fn make<V: Vector<Float = F>>(&self, words: Entries<V>, rows: &mut Rows<F>) {
        let sign = V::Bits::from(1 << (F::WORD_BITS - 1));
        for e in 0..per_block::<F>() {
            V::from_bits((words[e] & sign) | V::from(1.0).to_bits()).write(&mut rows[e]);
        }
    }
}

fn fill_on<F: Float, K: Fill<F>>(kind: &K, draws: &Draws<'_>, purpose: Purpose, out: &mut [K::Item]) {
    let lanes = draws.lanes();
    assert!(lanes > 0 && out.len().is_multiple_of(lanes), "{} draws for {lanes} lanes", out.len());
    let level = draws.level;
    dispatch!(level, fill, F, [K: Fill<F>],
        (kind: &K, draws: &Draws<'_>, purpose: Purpose, out: &mut [K::Item]));
}

#[inline(always)]
fn fill<V: Vector, K: Fill<V::Float>>(kind: &K, draws: &Draws<'_>, purpose: Purpose, out: &mut [K::Item]) {
    let lanes = draws.lanes();
    if lanes == 1 {
        fill_one_lane::<Twice<V>, K>(kind, draws, purpose, out);
    } else if lanes.is_multiple_of(Twice::<V>::WIDTH) {
        fill_lanes::<Twice<V>, K>(kind, draws, purpose, out);
    } else if lanes.is_multiple_of(V::WIDTH) {
        fill_lanes::<V, K>(kind, draws, purpose, out);
    } else {
        fill_lanes::<<V::Float as Simd>::Single, K>(kind, draws, purpose, out);
    }
}

/// Blocks that are drawn before the first of them is transformed: doing both in one loop runs out of registers.
const BLOCKS_AHEAD: usize = 8;
/// The words of some blocks.
#[inline(always)]
fn draw_blocks<V: Vector>(
    keys: &RoundKeys<V::Bits>,
    counters: &[[V::Bits; 4]],
    words: &mut [Entries<V>; BLOCKS_AHEAD],
) {
    for (words, counter) in words.iter_mut().zip(counters) {
        let w = philox_vector(*counter, keys);
        *words = if V::Float::WORD_BITS == 64 {
            let low = V::Bits::from(0xffff_ffff);
            [w[0].shl(32) | (w[1] & low), w[2].shl(32) | (w[3] & low), w[0], w[0]]
        } else {
            w
        };
    }
}

/// `0, 1, 2, ..`
#[inline(always)]
fn consecutive<V: Vector>() -> V::Bits {
    let mut integers = [<V::Bits as Bits>::Word::default(); WIDEST];
    for (k, integer) in integers.iter_mut().enumerate() {
        *integer = Word::of(k as u64);
    }
    V::Bits::read(&integers)
}

/// The parts of the counters of consecutive lanes that do not depend on the block.
#[inline(always)]
fn lane_counters<V: Vector>(draws: &Draws<'_>, purpose: Purpose, lane: usize) -> [V::Bits; 3] {
    if let [replica] = draws.replicas {
        // Consecutive steps of one replica, unless their low words begin anew.
        let step = draws.step + lane as u64;
        if (step as u32).checked_add(V::WIDTH as u32).is_some() {
            let [low, high, replica] = Draws::counter_of(*replica, step, purpose);
            let constant = |word: u32| V::Bits::from(u64::from(word));
            return [constant(low) + consecutive::<V>(), constant(high), constant(replica)];
        }
    }
    let mut counters = [[<V::Bits as Bits>::Word::default(); WIDEST]; 3];
    let (mut replica, mut step) = (lane % draws.replicas.len(), (lane / draws.replicas.len()) as u64);
    for k in 0..V::WIDTH {
        let counter = Draws::counter_of(draws.replicas[replica], draws.step + step, purpose);
        for word in 0..3 {
            counters[word][k] = Word::of(u64::from(counter[word]));
        }
        replica += 1;
        if replica == draws.replicas.len() {
            (replica, step) = (0, step + 1);
        }
    }
    counters.map(|counter| V::Bits::read(&counter))
}

#[inline(always)]
fn fill_lanes<V: Vector, K: Fill<V::Float>>(
    kind: &K,
    draws: &Draws<'_>,
    purpose: Purpose,
    out: &mut [K::Item],
) {
    let (lanes, per_block) = (draws.lanes(), per_block::<V::Float>());
    let (entries, blocks) = (out.len() / lanes, (out.len() / lanes).div_ceil(per_block));
    if blocks == 0 {
        return;
    }
    let keys = round_keys::<V::Bits>(draws.key);
    let mut counters = [[V::Bits::from(0); 4]; BLOCKS_AHEAD];
    let mut words = [[V::Bits::from(0); 4]; BLOCKS_AHEAD];
    let mut places = [(0, 0); BLOCKS_AHEAD];
    let mut rows = [[K::Item::default(); WIDEST]; 4];
    // All blocks of the first lanes, then all of the next.
    let (mut lane, mut block) = (0, 0);
    let mut of_lane = [V::Bits::from(0); 3];
    while lane < lanes {
        let mut count = 0;
        while count < BLOCKS_AHEAD && lane < lanes {
            if block == 0 {
                of_lane = lane_counters::<V>(draws, purpose, lane);
            }
            counters[count] = [V::Bits::from(block as u64), of_lane[0], of_lane[1], of_lane[2]];
            places[count] = (lane, block * per_block);
            count += 1;
            block += 1;
            if block == blocks {
                (block, lane) = (0, lane + V::WIDTH);
            }
        }
        draw_blocks::<V>(&keys, &counters[..count], &mut words);
        for (words, (lane, first)) in words[..count].iter().zip(places) {
            kind.make::<V>(*words, &mut rows);
            // The last block may have more entries than are asked for.
            for (e, row) in rows[..per_block.min(entries - first)].iter().enumerate() {
                let place = (first + e) * lanes + lane;
                for (slot, entry) in out[place..place + V::WIDTH].iter_mut().zip(row) {
                    kind.place(slot, *entry);
                }
            }
        }
    }
}

/// One lane: the vector runs over blocks.
#[inline(always)]
fn fill_one_lane<V: Vector, K: Fill<V::Float>>(
    kind: &K,
    draws: &Draws<'_>,
    purpose: Purpose,
    out: &mut [K::Item],
) {
    let per_block = per_block::<V::Float>();
    let [low, high, replica] = draws.counter(0, purpose).map(|word| V::Bits::from(u64::from(word)));
    let within = consecutive::<V>();
    let keys = round_keys::<V::Bits>(draws.key);
    let mut counters = [[V::Bits::from(0); 4]; BLOCKS_AHEAD];
    let mut words = [[V::Bits::from(0); 4]; BLOCKS_AHEAD];
    let mut rows = [[K::Item::default(); WIDEST]; 4];
    let per_vector = per_block * V::WIDTH;
    for (ahead, entries) in out.chunks_mut(BLOCKS_AHEAD * per_vector).enumerate() {
        let count = entries.len().div_ceil(per_vector);
        for (k, counter) in counters[..count].iter_mut().enumerate() {
            let first = (ahead * BLOCKS_AHEAD + k) * V::WIDTH;
            *counter = [V::Bits::from(first as u64) + within, low, high, replica];
        }
        draw_blocks::<V>(&keys, &counters[..count], &mut words);
        for (words, entries) in words.iter().zip(entries.chunks_mut(per_vector)) {
            kind.make::<V>(*words, &mut rows);
            for (k, slot) in entries.iter_mut().enumerate() {
                kind.place(slot, rows[k % per_block][k / per_block]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
