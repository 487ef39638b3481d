//! Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, *Parallel random numbers: as easy as 1, 2, 3*).

use crate::simd::Bits;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: u32 = 10;

/// The four random words at `counter` under `key`.
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut c = counter;
    for round in 0..ROUNDS {
        let k = round_key(key, round);
        let a = u64::from(c[0]) * u64::from(MULTIPLIERS[0]);
        let b = u64::from(c[2]) * u64::from(MULTIPLIERS[1]);
        c = [(b >> 32) as u32 ^ c[1] ^ k[0], b as u32, (a >> 32) as u32 ^ c[3] ^ k[1], a as u32];
    }
    c
}

/// The keys of all rounds, in every integer of a vector.
pub(super) type RoundKeys<B> = [[B; 2]; ROUNDS as usize];

/// The keys of all rounds.
#[inline(always)]
pub(super) fn round_keys<B: Bits>(key: [u32; 2]) -> RoundKeys<B> {
    let mut keys = [[B::from(0); 2]; ROUNDS as usize];
    for (round, keys) in keys.iter_mut().enumerate() {
        let [first, second] = round_key(key, round as u32);
        *keys = [B::from(u64::from(first)), B::from(u64::from(second))];
    }
    keys
}

/// The same for a vector of counters, one word in the low 32 bits of each integer; what stands above them in the
/// results is arbitrary.
#[inline(always)]
pub(super) fn philox_vector<B: Bits>(counter: [B; 4], keys: &RoundKeys<B>) -> [B; 4] {
    let mut c = counter;
    for [first, second] in keys {
        let [a_high, a_low] = c[0].products(MULTIPLIERS[0]);
        let [b_high, b_low] = c[2].products(MULTIPLIERS[1]);
        c = [b_high ^ c[1] ^ *first, b_low, a_high ^ c[3] ^ *second, a_low];
    }
    c
}

#[inline(always)]
fn round_key(key: [u32; 2], round: u32) -> [u32; 2] {
    [
        key[0].wrapping_add(KEY_STEPS[0].wrapping_mul(round)),
        key[1].wrapping_add(KEY_STEPS[1].wrapping_mul(round)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers for `philox4x32 10` of Random123's `kat_vectors`.
    #[test]
    fn the_known_answers_of_random123_are_reproduced() {
        let cases = [
            ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
        ];
        for (counter, key, answer) in cases {
            assert_eq!(philox4x32(counter, key), answer);
        }
    }
}
