//! From counters to arrays of random numbers: blocks of 128 bits in vectors, and where their entries belong.

use super::normal::{Normal, box_muller};
use super::philox::{RoundKeys, philox_vector, round_keys};
use super::{Draws, Purpose};
use crate::float::Float;
use crate::simd::{Bits, Twice, Vector, Word, dispatch};

/// What is made of the 128 bits of a block: two entries of 64 bits, or four of 32.
pub(super) trait Fill<F: Float> {
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

pub(super) struct Words;

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

pub(super) struct Normals;

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

pub(super) struct ScaledNormals<F>(pub(super) F);

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

pub(super) struct Signs;

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

pub(super) fn fill_on<F: Float, K: Fill<F>>(
    kind: &K,
    draws: &Draws<'_>,
    purpose: Purpose,
    out: &mut [K::Item],
) {
    let lanes = draws.lanes();
    assert!(lanes > 0 && out.len().is_multiple_of(lanes), "{} draws for {lanes} lanes", out.len());
    let level = draws.level;
    dispatch!(level, fill, F, [K: Fill<F>],
        (kind: &K, draws: &Draws<'_>, purpose: Purpose, out: &mut [K::Item]));
}

#[inline(always)]
fn fill<V: Vector, K: Fill<V::Float>>(kind: &K, draws: &Draws<'_>, purpose: Purpose, out: &mut [K::Item]) {
    let shares = Shares::new(draws, out.len() / draws.lanes(), per_block::<V::Float>());
    if draws.lanes() == 1 && shares.steps == 1 {
        fill_one_lane::<Twice<V>, K>(kind, draws, purpose, out);
    } else if shares.lanes(draws) > V::WIDTH {
        fill_lanes::<Twice<V>, K>(kind, draws, &shares, purpose, out);
    } else {
        fill_lanes::<V, K>(kind, draws, &shares, purpose, out);
    }
}

/// How consecutive steps share blocks: where a step has few entries, a block is filled with those of several steps.
struct Shares {
    /// Entries of one step, and their places in a block that is shared.
    entries: usize,
    places: usize,
    /// Steps that share a block: a power of two.
    steps: usize,
    /// The first such group of steps, their number, and where the first step stands in the first group.
    first: u64,
    groups: usize,
    offset: usize,
}

impl Shares {
    #[inline(always)]
    fn new(draws: &Draws<'_>, entries: usize, per_block: usize) -> Self {
        let places = entries.next_power_of_two();
        let steps = (per_block / places).max(1);
        let (first, offset) = (draws.step / steps as u64, (draws.step % steps as u64) as usize);
        Self { entries, places, steps, first, groups: (offset + draws.steps).div_ceil(steps), offset }
    }

    /// Counters that have the same block: replicas times groups of steps.
    #[inline(always)]
    fn lanes(&self, draws: &Draws<'_>) -> usize {
        draws.replicas.len() * self.groups
    }
}

/// Blocks that are drawn before the first of them is transformed: doing both in one loop runs out of registers.
const BLOCKS_AHEAD: usize = 4;

/// The words of a block's entries.
#[inline(always)]
fn entries_of<V: Vector>(keys: &RoundKeys<V::Bits>, counter: [V::Bits; 4]) -> Entries<V> {
    let w = philox_vector(counter, keys);
    if V::Float::WORD_BITS == 64 {
        let low = V::Bits::from(0xffff_ffff);
        [w[0].shl(32) | (w[1] & low), w[2].shl(32) | (w[3] & low), w[0], w[0]]
    } else {
        w
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

/// The parts of the counters of consecutive lanes that do not depend on the block: those of replicas within a group of
/// steps. Lanes beyond the last one are like any other.
#[inline(always)]
fn lane_counters<V: Vector>(
    draws: &Draws<'_>,
    shares: &Shares,
    purpose: Purpose,
    lane: usize,
) -> [V::Bits; 3] {
    let replicas = draws.replicas.len();
    let constant = |word: u32| V::Bits::from(u64::from(word));
    let (mut replica, mut step) = (lane % replicas, shares.first + (lane / replicas) as u64);
    if replicas == 1 && (step as u32).checked_add(V::WIDTH as u32).is_some() {
        // Unless their low words begin anew.
        let [low, high, replica] = Draws::counter_of(draws.replicas[0], step, purpose);
        return [constant(low) + consecutive::<V>(), constant(high), constant(replica)];
    }
    let mut counters = [[<V::Bits as Bits>::Word::default(); WIDEST]; 3];
    if replica + V::WIDTH <= replicas {
        let [low, high, _] = Draws::counter_of(0, step, purpose);
        for (slot, replica) in counters[2].iter_mut().zip(&draws.replicas[replica..]).take(V::WIDTH) {
            *slot = Word::of(u64::from(*replica));
        }
        return [constant(low), constant(high), V::Bits::read(&counters[2])];
    }
    for k in 0..V::WIDTH {
        let counter = Draws::counter_of(draws.replicas[replica], step, purpose);
        for word in 0..3 {
            counters[word][k] = Word::of(u64::from(counter[word]));
        }
        replica += 1;
        if replica == replicas {
            (replica, step) = (0, step + 1);
        }
    }
    counters.map(|counter| V::Bits::read(&counter))
}

#[inline(always)]
fn fill_lanes<V: Vector, K: Fill<V::Float>>(
    kind: &K,
    draws: &Draws<'_>,
    shares: &Shares,
    purpose: Purpose,
    out: &mut [K::Item],
) {
    let (lanes, blocks) = (shares.lanes(draws), shares.entries.div_ceil(per_block::<V::Float>()));
    if blocks == 0 {
        return;
    }
    let keys = round_keys::<V::Bits>(draws.key);
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
                of_lane = lane_counters::<V>(draws, shares, purpose, lane);
            }
            words[count] =
                entries_of::<V>(&keys, [V::Bits::from(block as u64), of_lane[0], of_lane[1], of_lane[2]]);
            places[count] = (lane, block);
            count += 1;
            block += 1;
            if block == blocks {
                (block, lane) = (0, lane + V::WIDTH);
            }
        }
        for (words, (lane, block)) in words[..count].iter().zip(places) {
            kind.make::<V>(*words, &mut rows);
            if shares.steps == 1 {
                place_block::<V, K>(kind, draws, shares, (lane, block), &rows, out);
            } else {
                place_shared_block::<V, K>(kind, draws, shares, lane, &rows, out);
            }
        }
    }
}

/// Puts the entries of a block that belongs to one step into their places; lanes stand side by side there too.
#[inline(always)]
fn place_block<V: Vector, K: Fill<V::Float>>(
    kind: &K,
    draws: &Draws<'_>,
    shares: &Shares,
    (lane, block): (usize, usize),
    rows: &Rows<K::Item>,
    out: &mut [K::Item],
) {
    let (lanes, first) = (draws.lanes(), block * per_block::<V::Float>());
    // The last block may have more entries than are asked for, and the last vector more lanes.
    let entries = per_block::<V::Float>().min(shares.entries - first);
    let count = V::WIDTH.min(lanes - lane);
    for (e, row) in rows[..entries].iter().enumerate() {
        let out = &mut out[(first + e) * lanes + lane..];
        if count == V::WIDTH {
            out[..V::WIDTH].iter_mut().zip(row).for_each(|(slot, entry)| kind.place(slot, *entry));
        } else {
            out[..count].iter_mut().zip(row).for_each(|(slot, entry)| kind.place(slot, *entry));
        }
    }
}

/// Puts the entries of a block that several steps share into their places.
#[inline(always)]
fn place_shared_block<V: Vector, K: Fill<V::Float>>(
    kind: &K,
    draws: &Draws<'_>,
    shares: &Shares,
    lane: usize,
    rows: &Rows<K::Item>,
    out: &mut [K::Item],
) {
    let (lanes, replicas) = (draws.lanes(), draws.replicas.len());
    if replicas == 1 && shares.entries == 1 {
        // One number a step: the entries of a vector of blocks are consecutive.
        let per_block = per_block::<V::Float>();
        let first = (lane * per_block).checked_sub(shares.offset);
        if let Some(out) = first.and_then(|first| out.get_mut(first..first + V::WIDTH * per_block)) {
            for (l, out) in out.chunks_exact_mut(per_block).enumerate() {
                for (e, slot) in out.iter_mut().enumerate() {
                    kind.place(slot, rows[e][l]);
                }
            }
            return;
        }
    }
    let (group, replica) = (lane / replicas, lane % replicas);
    let whole = replica + V::WIDTH <= replicas;
    for (e, row) in rows[..shares.steps * shares.places].iter().enumerate() {
        let (within, k) = (e / shares.places, e % shares.places);
        if k >= shares.entries {
            continue;
        }
        let out = &mut out[k * lanes..][..lanes];
        // The first and the last group may have steps that nobody asks for.
        let step_of = |group: usize| (group * shares.steps + within).checked_sub(shares.offset);
        if whole {
            if let Some(step) = step_of(group).filter(|step| *step < draws.steps) {
                let out = &mut out[step * replicas + replica..][..V::WIDTH];
                out.iter_mut().zip(row).for_each(|(slot, entry)| kind.place(slot, *entry));
            }
            continue;
        }
        let (mut group, mut replica) = (group, replica);
        for entry in &row[..V::WIDTH] {
            if let Some(step) = step_of(group).filter(|step| *step < draws.steps) {
                kind.place(&mut out[step * replicas + replica], *entry);
            }
            replica += 1;
            if replica == replicas {
                (replica, group) = (0, group + 1);
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
    let mut words = [[V::Bits::from(0); 4]; BLOCKS_AHEAD];
    let mut rows = [[K::Item::default(); WIDEST]; 4];
    let per_vector = per_block * V::WIDTH;
    for (ahead, entries) in out.chunks_mut(BLOCKS_AHEAD * per_vector).enumerate() {
        let count = entries.len().div_ceil(per_vector);
        for (k, words) in words[..count].iter_mut().enumerate() {
            let first = (ahead * BLOCKS_AHEAD + k) * V::WIDTH;
            *words = entries_of::<V>(&keys, [V::Bits::from(first as u64) + within, low, high, replica]);
        }
        for (words, entries) in words.iter().zip(entries.chunks_mut(per_vector)) {
            kind.make::<V>(*words, &mut rows);
            for (k, slot) in entries.iter_mut().enumerate() {
                kind.place(slot, rows[k % per_block][k / per_block]);
            }
        }
    }
}
