use super::*;
use crate::random::laws::{
    Estimate, check_counts, check_distribution, check_equal_counts, check_estimates, normal_cdf,
};

const SEED: u64 = 0x0123_4567_89ab_cdef;
const PURPOSE: Purpose = Purpose::DESIGN;

fn normals(seed: u64, replica: u32, step: u64, purpose: Purpose, count: usize) -> Vec<f64> {
    normals_in::<f64>(seed, replica, step, purpose, count)
}

/// The same in either precision, widened.
fn normals_in<F: Float>(seed: u64, replica: u32, step: u64, purpose: Purpose, count: usize) -> Vec<f64> {
    let mut out = vec![F::default(); count];
    Draws::new(seed, &[replica], step).normals(purpose, &mut out);
    out.into_iter().map(Into::into).collect()
}

/// Moments 1 to 4 and both tails of standard normals, from sums that may come from several calls.
#[derive(Default)]
struct Shape {
    count: f64,
    powers: [f64; 4],
    tails: [f64; 2],
}

impl Shape {
    fn add(&mut self, draws: &[f64]) {
        self.count += draws.len() as f64;
        for x in draws {
            for (k, sum) in self.powers.iter_mut().enumerate() {
                *sum += x.powi(k as i32 + 1);
            }
            self.tails[0] += f64::from(u8::from(x.abs() > 3.0));
            self.tails[1] += f64::from(u8::from(x.abs() > 4.0));
        }
    }

    fn check(&self, what: &str, resolves_moments: f64, resolves_tails: f64) {
        // E x^k, and the variance E x^(2k) - (E x^k)^2 of x^k.
        let laws = [(0.0, 1.0), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)];
        let moments = std::array::from_fn::<_, 4, _>(|k| Estimate {
            value: self.powers[k] / self.count,
            expected: laws[k].0,
            standard_error: f64::sqrt(laws[k].1 / self.count),
            unit: f64::sqrt(laws[k].1),
        });
        check_estimates(&format!("{what}: moments"), resolves_moments, &moments);
        let tails = [3.0, 4.0].map(|bound| 2.0 * normal_cdf(-bound));
        let tails = std::array::from_fn::<_, 2, _>(|k| Estimate {
            value: self.tails[k] / self.count,
            expected: tails[k],
            standard_error: (tails[k] / self.count).sqrt(),
            unit: tails[k],
        });
        check_estimates(&format!("{what}: tails"), resolves_tails, &tails);
    }
}

#[test]
fn normals_of_one_call_are_normal() {
    let draws = normals(SEED, 0, 0, PURPOSE, 10_000_000);
    let mut shape = Shape::default();
    shape.add(&draws);
    shape.check("one call", 0.004, 0.5);
    check_distribution("one call", 0.006, &draws[..1_000_000], normal_cdf);
}

#[test]
fn float32_normals_of_one_call_are_normal() {
    let draws = normals_in::<f32>(SEED, 0, 0, PURPOSE, 10_000_000);
    let mut shape = Shape::default();
    shape.add(&draws);
    shape.check("one call in float32", 0.004, 0.5);
    check_distribution("one call in float32", 0.006, &draws[..1_000_000], normal_cdf);
}

/// The way a trajectory uses them: a few at every step.
#[test]
fn normals_of_many_steps_are_normal() {
    let mut draws = vec![0.0; 1_000_000];
    for (step, out) in draws.chunks_exact_mut(2).enumerate() {
        Draws::new(SEED, &[3], step as u64).normals(Purpose::noise(1, 0), out);
    }
    let mut shape = Shape::default();
    shape.add(&draws);
    shape.check("many steps", 0.012, 1.5);
    check_distribution("many steps", 0.006, &draws, normal_cdf);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn the_moments_of_a_thousand_million_normals_are_right() {
    let mut shape = Shape::default();
    for step in 0..1000 {
        shape.add(&normals(SEED, 1, step, PURPOSE, 1_000_000));
    }
    shape.check("a thousand million", 0.0004, 0.05);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn the_moments_of_a_thousand_million_float32_normals_are_right() {
    let mut shape = Shape::default();
    for step in 0..1000 {
        shape.add(&normals_in::<f32>(SEED, 1, step, PURPOSE, 1_000_000));
    }
    shape.check("a thousand million in float32", 0.0004, 0.05);
}

/// Correlations of the numbers and of their squares: partners share a radius, which must not show.
fn check_independent<'a>(what: &str, pairs: impl Iterator<Item = (&'a f64, &'a f64)>) {
    let (mut count, mut plain, mut squares) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        count += 1.0;
        plain += a * b;
        squares += (a * a - 1.0) * (b * b - 1.0) / 2.0;
    }
    let of = |sum: f64| Estimate {
        value: sum / count,
        expected: 0.0,
        standard_error: f64::sqrt(1.0 / count),
        unit: 1.0,
    };
    check_estimates(what, 0.02, &[of(plain), of(squares)]);
}

#[test]
fn partners_and_neighbours_are_independent() {
    let draws = normals(SEED, 0, 0, PURPOSE, 1_000_000);
    for lag in 1..=17 {
        check_independent(&format!("lag {lag}"), draws.iter().zip(&draws[lag..]));
    }
    check_independent("partners", draws.iter().step_by(2).zip(draws[1..].iter().step_by(2)));
    check_independent("neighbours", draws[1..].iter().step_by(2).zip(draws[2..].iter().step_by(2)));
}

#[test]
fn seeds_replicas_steps_and_purposes_are_independent_streams() {
    const COUNT: usize = 500_000;
    let noise = Purpose::noise(0, 0);
    let base = normals(SEED, 7, 100, noise, COUNT);
    let others = [
        ("the next seed", normals(SEED + 1, 7, 100, noise, COUNT)),
        ("a seed with another high half", normals(SEED + (1 << 32), 7, 100, noise, COUNT)),
        ("the next replica", normals(SEED, 8, 100, noise, COUNT)),
        ("the next step", normals(SEED, 7, 101, noise, COUNT)),
        ("a step beyond 32 bits", normals(SEED, 7, 100 + (1 << 32), noise, COUNT)),
        ("the next channel", normals(SEED, 7, 100, Purpose::noise(0, 1), COUNT)),
        ("the next noise", normals(SEED, 7, 100, Purpose::noise(1, 0), COUNT)),
        ("the batch", normals(SEED, 7, 100, Purpose::BATCH, COUNT)),
        ("the design", normals(SEED, 7, 100, Purpose::DESIGN, COUNT)),
    ];
    for (what, other) in &others {
        check_independent(what, base.iter().zip(other));
    }
}

#[test]
fn purposes_have_streams_of_their_own() {
    let mut purposes = vec![Purpose::DESIGN, Purpose::LABELS, Purpose::BATCH, Purpose::BOOTSTRAP];
    purposes.extend((0..20).flat_map(|index| (0..4).map(move |channel| Purpose::noise(index, channel))));
    let firsts: std::collections::BTreeSet<_> =
        purposes.iter().map(|purpose| Draws::new(SEED, &[0], 0).words(0, *purpose, 0)).collect();
    assert_eq!(firsts.len(), purposes.len());
}

/// Entry `k` of a replica, computed alone on the portable level.
fn alone<T: Copy + Default>(replica: u32, count: usize, fill: impl Fn(&Draws<'_>, &mut [T])) -> Vec<T> {
    let mut out = vec![T::default(); count];
    fill(&Draws::new(SEED, &[replica], 9).on_level(Level::Portable), &mut out);
    out
}

fn check_arrangements<T: Copy + Default + PartialEq + std::fmt::Debug>(fill: impl Fn(&Draws<'_>, &mut [T])) {
    for lanes in [1, 2, 3, 4, 8, 16, 17, 24] {
        // Not consecutive, and up to the last one there is.
        let replicas: Vec<u32> = (0..lanes).map(|lane| u32::MAX - lane * lane * 1001).collect();
        for count in [1, 2, 7, 8, 15, 16, 33] {
            for level in Level::available() {
                let mut out = vec![T::default(); count * lanes as usize];
                fill(&Draws::new(SEED, &replicas, 9).on_level(level), &mut out);
                for (lane, replica) in replicas.iter().enumerate() {
                    let found: Vec<T> = out[lane..].iter().step_by(lanes as usize).copied().collect();
                    let expected = alone(*replica, count, &fill);
                    assert_eq!(found, expected, "{count} entries, lane {lane} of {lanes}, {level}");
                }
            }
        }
    }
}

#[test]
fn numbers_do_not_depend_on_the_level_or_on_the_neighbours() {
    check_arrangements(|draws, out| draws.bits(PURPOSE, out));
    check_arrangements(|draws, out: &mut [f64]| draws.normals(PURPOSE, out));
    check_arrangements(|draws, out: &mut [f32]| draws.normals(PURPOSE, out));
    check_arrangements(|draws, out: &mut [f64]| draws.add_normals(PURPOSE, 0.3, out));
    check_arrangements(|draws, out: &mut [f64]| draws.signs(PURPOSE, out));
    check_arrangements(|draws, out: &mut [f32]| draws.signs(PURPOSE, out));
}

#[test]
fn a_longer_fill_begins_with_a_shorter_one() {
    let long = normals(SEED, 0, 0, PURPOSE, 101);
    assert_eq!(normals(SEED, 0, 0, PURPOSE, 50), long[..50]);
    assert_eq!(normals(SEED, 0, 0, PURPOSE, 37), long[..37]);
}

#[test]
fn every_purpose_and_step_reaches_the_counter() {
    let replicas = [5, 6];
    let step = 0x0000_abcd_1234_5678;
    let draws = Draws::new(SEED, &replicas, step);
    let counter = [11, 0x1234_5678, 0xabcd_0003, 6];
    assert_eq!(draws.words(1, Purpose::BATCH, 11), philox4x32(counter, [0x89ab_cdef, 0x0123_4567]));
    assert_eq!(draws.at_step(3).words(0, PURPOSE, 0), Draws::new(SEED, &replicas, 3).words(0, PURPOSE, 0));
}

/// Bits and normals from the words, written down once more with the standard library's functions.
#[test]
fn bits_and_normals_are_made_of_the_words_as_documented() {
    let draws = Draws::new(SEED, &[2], 4);
    let (mut bits, mut normals) = (vec![0; 2000], vec![0.0; 2000]);
    draws.bits(PURPOSE, &mut bits);
    draws.normals(PURPOSE, &mut normals);
    for block in 0..1000 {
        let words = draws.words(0, PURPOSE, block as u32).map(u64::from);
        let pair = [words[0] << 32 | words[1], words[2] << 32 | words[3]];
        assert_eq!(bits[2 * block..2 * block + 2], pair);
        let u = ((pair[0] >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0;
        // The quadrant, and the place within it counted from its middle.
        let quarters = (pair[1] >> 62) as f64 + ((pair[1] << 2 >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0;
        let (sin, cos) = (std::f64::consts::FRAC_PI_2 * (quarters - 0.5)).sin_cos();
        let radius = (-2.0 * u.ln()).sqrt();
        for (found, expected) in normals[2 * block..].iter().zip([radius * cos, radius * sin]) {
            assert!((found - expected).abs() < 1e-14, "block {block}: {found} {expected}");
        }
    }
}

#[test]
fn float32_normals_are_made_of_the_words_as_documented() {
    let draws = Draws::new(SEED, &[2], 4);
    let mut normals = vec![0.0f32; 4000];
    draws.normals(PURPOSE, &mut normals);
    for block in 0..1000 {
        let words = draws.words(0, PURPOSE, block as u32);
        for pair in 0..2 {
            let half = |word: u32| (f64::from(word >> 1) + 0.5) / 2_147_483_648.0;
            let radius = (-2.0 * half(words[2 * pair]).ln()).sqrt();
            let quarters = f64::from(words[2 * pair + 1] >> 30) + half(words[2 * pair + 1] << 2);
            let (sin, cos) = (std::f64::consts::FRAC_PI_2 * (quarters - 0.5)).sin_cos();
            for (found, expected) in normals[4 * block + 2 * pair..].iter().zip([radius * cos, radius * sin])
            {
                assert!((f64::from(*found) - expected).abs() < 3e-6, "block {block}: {found} {expected}");
            }
        }
    }
}

/// Few entries: those of consecutive steps are taken from one block.
#[test]
fn steps_with_few_entries_share_a_block() {
    let replicas = [4, 7];
    for step in 0..8 {
        let draws = Draws::new(SEED, &replicas, step);
        let half = draws.at_step(step / 2).words(1, PURPOSE, 0).map(u64::from);
        let pair = [half[0] << 32 | half[1], half[2] << 32 | half[3]];
        let mut bits = [0; 2];
        draws.bits(PURPOSE, &mut bits);
        assert_eq!(bits[1], pair[step as usize % 2]);
        let sign = |word: u32| if word >> 31 == 1 { -1.0 } else { 1.0 };
        let quarter = draws.at_step(step / 4).words(1, PURPOSE, 0);
        let mut signs = [0.0f32; 2];
        draws.signs(PURPOSE, &mut signs);
        assert_eq!(signs[1], sign(quarter[step as usize % 4]));
        let mut signs = [0.0f32; 4];
        draws.signs(PURPOSE, &mut signs);
        let places = [0, 1].map(|k| sign(half[step as usize % 2 * 2 + k] as u32));
        assert_eq!([signs[1], signs[3]], places);
    }
}

/// Steps side by side are the steps one after the other.
#[test]
fn several_steps_can_be_drawn_at_a_time() {
    fn check<F: Float>(level: Level) {
        for count in [1, 3, 16, 32] {
            let replicas: Vec<u32> = (0..count).map(|k| 4 + 3 * k).collect();
            let count = count as usize;
            let draws = Draws::new(SEED, &replicas, u64::from(u32::MAX) - 3).on_level(level);
            for (steps, entries) in [1, 2, 5, 16].into_iter().flat_map(|s| [1, 2, 3, 7].map(|e| (s, e))) {
                let lanes = count * steps;
                let mut together = vec![F::default(); entries * lanes];
                draws.for_steps(steps).normals(PURPOSE, &mut together);
                for ahead in 0..steps {
                    let mut alone = vec![F::default(); entries * count];
                    draws.at_step(draws.step() + ahead as u64).normals(PURPOSE, &mut alone);
                    for (k, row) in alone.chunks(count).enumerate() {
                        let found = &together[k * lanes + count * ahead..][..count];
                        assert_eq!(found, row, "{level}: {entries} entries, {steps} steps, {ahead} ahead");
                    }
                }
            }
        }
    }
    for level in Level::available() {
        check::<f64>(level);
        check::<f32>(level);
    }
}

#[test]
fn indices_are_uniform() {
    for n in [2, 7, 40, 1000] {
        let mut words = vec![0; 1_000_000];
        Draws::new(SEED, &[0], n).bits(Purpose::BATCH, &mut words);
        let mut counts = vec![0; n as usize];
        for word in &words {
            counts[Draws::index(*word, n as usize)] += 1;
        }
        check_equal_counts(&format!("index below {n}"), 0.08, &counts);
        assert_eq!((Draws::index(0, n as usize), Draws::index(u64::MAX, n as usize)), (0, n as usize - 1));
    }
}

#[test]
fn subsets_are_equally_likely_and_do_not_repeat_a_number() {
    let mut words = vec![0; 600_000];
    Draws::new(SEED, &[0], 0).bits(Purpose::BATCH, &mut words);
    for (n, size, ways) in [(5, 2, 10), (6, 3, 20), (7, 6, 7), (4, 4, 1), (5, 1, 5)] {
        let mut counts = std::collections::BTreeMap::new();
        let (mut chosen, mut marks) = (vec![0; size], Vec::new());
        for group in words.chunks_exact(size).take(100_000) {
            Draws::subset(group.iter().copied(), n, &mut chosen, &mut marks);
            chosen.sort_unstable();
            assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]) && chosen[size - 1] < n, "{chosen:?}");
            *counts.entry(chosen.clone()).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), ways, "subsets of {size} out of {n}");
        if ways > 1 {
            let counts: Vec<u64> = counts.into_values().collect();
            check_equal_counts(&format!("subsets of {size} out of {n}"), 0.06, &counts);
        }
    }
}

#[test]
fn signs_are_balanced_and_independent_of_their_neighbours() {
    let mut signs = vec![0.0; 1_000_000];
    Draws::new(SEED, &[0], 0).signs(PURPOSE, &mut signs);
    assert!(signs.iter().all(|s| s.abs() == 1.0));
    let mut patterns = [0; 16];
    for four in signs.chunks_exact(4) {
        patterns[four.iter().fold(0, |code, s| 2 * code + usize::from(*s > 0.0))] += 1;
    }
    check_equal_counts("patterns of four signs", 0.04, &patterns);
    let ups = signs.iter().filter(|s| **s > 0.0).count() as u64;
    check_counts("signs", 0.015, &[ups, 1_000_000 - ups], &[0.5, 0.5]);
}

/// A change of any of these numbers changes every published result: it must be meant, and announced as such.
#[test]
fn the_streams_have_the_values_they_always_had() {
    let replicas = [5];
    let draws = Draws::new(42, &replicas, 7);
    assert_eq!(draws.words(0, Purpose::BATCH, 0), [0x3e92_cd2d, 0x4a9a_526a, 0x853f_16e5, 0x0e50_a365]);
    let (mut bits, mut normals, mut signs) = ([0; 3], [0.0; 4], [0.0; 8]);
    draws.bits(Purpose::noise(1, 2), &mut bits);
    draws.normals(Purpose::noise(0, 1), &mut normals);
    draws.signs(Purpose::LABELS, &mut signs);
    assert_eq!(bits, [0xb517_23ad_a4e5_333b, 0x3b7f_7dd5_f32a_a6e1, 0xb3a3_d0bd_8225_271c]);
    assert_eq!(
        normals.map(f64::to_bits),
        [0xbff6_5eb4_2b3a_7606, 0xbfc5_a10c_c630_5ab3, 0x3ff3_cb58_56c4_f579, 0x3fe4_8b52_973d_f637]
    );
    assert_eq!(signs, [1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0]);
}
