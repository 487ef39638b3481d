use super::{Sampling, Scratch, Steps};
use crate::random::Draws;

fn steps(replicas: &[u32], first: u64, count: usize, samples: usize, size: usize) -> Steps<'_> {
    Steps { draws: Draws::new(7, replicas, 0), first, count, samples, size }
}

fn batches(sampling: Sampling, steps: &Steps<'_>) -> Vec<Vec<usize>> {
    let mut members = vec![0; steps.count * steps.size];
    sampling.draw(steps, &mut Scratch::default(), &mut members);
    members.chunks_exact(steps.size).map(<[usize]>::to_vec).collect()
}

#[test]
fn batches_do_not_depend_on_the_stretch_they_are_drawn_in() {
    for sampling in Sampling::all() {
        for (samples, size) in [(7, 1), (7, 3), (8, 2), (5, 5)] {
            let long = batches(sampling, &steps(&[4], 0, 60, samples, size));
            let mut scratch = Scratch::default();
            for first in [16_u64, 3, 40] {
                let stretch = steps(&[4], first, 11, samples, size);
                let mut members = vec![0; 11 * size];
                sampling.draw(&stretch, &mut scratch, &mut members);
                let expected = long[first as usize..][..11].concat();
                assert_eq!(members, expected, "{sampling}, {size} of {samples} from {first}");
            }
        }
    }
}

#[test]
fn replicas_have_batches_of_their_own() {
    for sampling in Sampling::all() {
        let of = |replica: u32| batches(sampling, &steps(&[replica], 0, 9, 20, 4));
        assert_ne!(of(0), of(1), "{sampling}");
    }
}

/// Every pair of different samples is as often in a batch together as the law says: with the moments of its batches.
#[test]
fn a_single_batch_has_the_law_of_its_moments() {
    const STEPS: usize = 60_000;
    let (n, size) = (6_usize, 3_usize);
    for sampling in Sampling::all() {
        let (mut singles, mut pairs) = (vec![0_u32; n], vec![0_u32; n * n]);
        // One step of each epoch, of which each has a place of its own.
        let drawn = batches(sampling, &steps(&[1], 0, 2 * STEPS, n, size));
        for batch in drawn.iter().step_by(2) {
            for (k, i) in batch.iter().enumerate() {
                singles[*i] += 1;
                batch[k + 1..].iter().for_each(|j| pairs[i.min(j) * n + i.max(j)] += 1);
            }
        }
        let with = sampling.batches(size) == crate::geometry::Batches::with_replacement(size);
        let (b, m) = (size as f64, n as f64);
        let pair = b * (b - 1.0) / if with { m * m } else { m * (m - 1.0) };
        // Five standard deviations of a count.
        let close = |count: u32, probability: f64, what: &str| {
            let expected = STEPS as f64 * probability;
            let error = (f64::from(count) - expected).abs();
            assert!(error < 5.0 * expected.sqrt(), "{sampling}: {what}: {count} of {expected}");
        };
        for i in 0..n {
            close(singles[i], b / m, "sample");
            for j in i + 1..n {
                close(pairs[i * n + j], pair, "pair");
            }
        }
    }
}

#[test]
fn every_epoch_is_a_permutation_and_every_permutation_is_as_likely() {
    const EPOCHS: usize = 24_000;
    let drawn = batches(Sampling::RESHUFFLED, &steps(&[2], 0, 4 * EPOCHS, 4, 1));
    let mut counts = std::collections::BTreeMap::new();
    for epoch in drawn.chunks_exact(4) {
        let order = epoch.concat();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3]);
        *counts.entry(order).or_insert(0_u32) += 1;
    }
    assert_eq!(counts.len(), 24);
    let expected = EPOCHS as f64 / 24.0;
    let chi2: f64 = counts.values().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    // 23 degrees of freedom: five standard deviations above the mean.
    assert!(chi2 < 23.0 + 5.0 * 46_f64.sqrt(), "{chi2}");
}

#[test]
fn what_is_left_of_an_epoch_is_left_out_and_differs_from_epoch_to_epoch() {
    let drawn = batches(Sampling::RESHUFFLED, &steps(&[2], 0, 200, 7, 3));
    let mut left_out = std::collections::BTreeSet::new();
    for epoch in drawn.chunks_exact(2) {
        let mut seen = epoch.concat();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
        left_out.extend((0..7).filter(|i| !seen.contains(i)));
    }
    assert_eq!(left_out.len(), 7);
}

#[test]
fn batches_of_different_epochs_are_independent_of_each_other() {
    const EPOCHS: usize = 30_000;
    let drawn = batches(Sampling::RESHUFFLED, &steps(&[3], 0, 3 * EPOCHS, 3, 1));
    // The last sample of an epoch and the first one of the next.
    let mut counts = [0_u32; 9];
    for k in 0..EPOCHS - 1 {
        counts[3 * drawn[3 * k + 2][0] + drawn[3 * k + 3][0]] += 1;
    }
    let expected = (EPOCHS - 1) as f64 / 9.0;
    for count in counts {
        assert!((f64::from(count) - expected).abs() < 5.0 * expected.sqrt(), "{counts:?}");
    }
}
