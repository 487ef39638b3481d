//! Every inequality, on random problems of every kind; one that fails prints its problem.

use super::*;

/// A problem of any shape and any scales: rows and columns over several orders of magnitude, copies, zeros.
fn any(seed: u64) -> (Point, Batches) {
    let mut words = [0; 8];
    Draws::new(seed, &[0], 1).bits(Purpose::BATCH, &mut words);
    let pick = |k: usize, n: usize| Draws::index(words[k], n);
    let (samples, outputs, params) = (1 + pick(0, 6), 1 + pick(1, 4) / 2, 1 + pick(2, 8));
    let mut point = Point::normal(seed, samples, outputs, params);
    let (rows, columns) = (normals(seed + (1 << 33), samples * outputs), normals(seed + (1 << 34), params));
    let spread = [0.0, 0.5, 2.0][pick(3, 3)];
    for (k, j) in point.jacobian.iter_mut().enumerate() {
        *j *= (spread * (rows[k / params] + columns[k % params])).exp();
    }
    let width = outputs * params;
    match pick(4, 5) {
        0 if samples > 1 => point.jacobian.copy_within(0..width, width),
        1 if samples > 1 => point.jacobian[..width].fill(0.0),
        _ => {}
    }
    (point, Batches { size: 1 + pick(5, samples), sampling: SAMPLINGS[pick(6, 3)] })
}

/// The share by which an inequality may fail: rounding, where it is an equality.
const ROUNDING: f64 = 1e-8;

fn at_most(smaller: f64, larger: f64, what: &str, problem: &(Point, Batches)) {
    assert!(smaller <= larger * (1.0 + ROUNDING), "{what}: {smaller:e} > {larger:e} for {problem:?}");
}

fn check(seed: u64) {
    let problem = any(seed);
    let (point, batches) = &problem;
    let batches = *batches;
    // A lone sample whose gradient was set to zero has no geometry.
    let Ok(source) = Jacobian::new(point.jacobian.clone(), point.params, point.outputs) else { return };
    let spectrum = Spectrum::new(&source).unwrap();
    let curvature = Curvature::measure(&source).unwrap();
    let threshold = spectrum.max_stable_learning_rate(batches).unwrap();
    let eta = threshold.learning_rate;
    let below = |bound: f64, what: &str| at_most(eta, bound, what, &problem);

    at_most(threshold.lower_bound, eta, "certificate", &problem);
    at_most(safe_learning_rate(&source, batches).unwrap(), eta, "safe", &problem);
    let bounds = Bounds::new(&curvature, batches).unwrap();
    below(bounds.gd_limit, "G");
    below(bounds.trace_bound, "T");
    below(bounds.variance_bound, "variance");
    below(bounds.alignment_free_bound, "alignment-free");
    let coherence_bound = batches.coherence_bound(point.samples, root_coherence(&source)).unwrap();
    below(coherence_bound, "coherence");
    at_most(coherence_bound, bounds.alignment_free_bound, "coherence is sharper", &problem);
    let BatchMoments { single, .. } = batches.moments(point.samples).unwrap();
    let simple = 2.0 * point.outputs as f64 / (single * curvature.trace);
    at_most(bounds.trace_bound, simple, "T is at most 2 c B'/Tr G", &problem);

    // Wu, Wang, Su: with the worst alignment of the noise that acts beside the full step.
    let is_centred = batches.sampling != Sampling::Bernoulli;
    let (worst, best) = spectrum.worst_alignment(is_centred).unwrap();
    let worst = worst.max(0.0);
    below(curvature.frobenius_bound(batches, worst).unwrap(), "F");
    if is_centred {
        let (_, uncentred) = spectrum.worst_alignment(false).unwrap();
        let share = (curvature.lambda_max / curvature.frobenius).powi(2);
        at_most(uncentred, best + share, "centring takes at most lambda_max^2 / |G|_F^2", &problem);
    }

    // Growth is at least what the alignment says, and changes its sign at the threshold.
    for share in [0.5, 0.99, 1.01, 2.0] {
        let rate = spectrum.growth_rate(share * eta, batches).unwrap();
        assert_eq!(rate > 0.0, share > 1.0, "{rate:e} at {share} of the threshold for {problem:?}");
        let factor = (share * eta * curvature.frobenius).powi(2) * single * worst;
        // One of a single sample may be gone after one step, but for rounding.
        at_most(factor, rate.exp() + 1e-12, "growth", &problem);
    }
}

#[test]
fn inequalities_hold_on_random_problems() {
    (0..400).for_each(check);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn inequalities_hold_on_twenty_thousand_random_problems() {
    (0..20_000).for_each(check);
}

#[test]
fn the_uncentred_alignment_is_not_enough_for_the_frobenius_bound() {
    // One sample: SGD is gradient descent and stable up to 2/lambda, but mu is 1 and sqrt(B/mu)/|G|_F = 1/lambda.
    let source = Jacobian::new(vec![2.0], 1, 1).unwrap();
    let (spectrum, curvature) = (Spectrum::new(&source).unwrap(), Curvature::measure(&source).unwrap());
    let batches = Batches::with_replacement(1);
    let (worst, _) = spectrum.worst_alignment(false).unwrap();
    close(worst, 1.0, 1e-14, "alignment");
    close(curvature.frobenius_bound(batches, worst).unwrap(), 0.25, 1e-14, "bound");
    close(spectrum.max_stable_learning_rate(batches).unwrap().learning_rate, 0.5, 1e-14, "threshold");
}

#[test]
fn an_atlas_says_for_each_learning_rate_and_batch_whether_it_is_stable() {
    let point = Point::normal(12, 16, 1, 20);
    let (source, spectrum) = (point.source(), point.spectrum());
    let curvature = Curvature::measure(&source).unwrap();
    let batches = Batches::powers_of_two(16, Sampling::WithoutReplacement);
    let rates: Vec<f64> = (0..20).map(|k| 0.01 * 1.3f64.powi(k)).collect();
    let atlas = Atlas::new(&spectrum, &curvature, &rates, &batches).unwrap();
    assert_eq!(batches.iter().map(|b| b.size).collect::<Vec<_>>(), [1, 2, 4, 8, 16]);
    for (k, batches) in batches.iter().enumerate() {
        let limit = spectrum.max_stable_learning_rate(*batches).unwrap().learning_rate;
        close(atlas.thresholds[k].learning_rate, limit, 1e-9, "threshold");
        let expected: Vec<bool> = rates.iter().map(|rate| *rate <= limit).collect();
        assert_eq!(atlas.stable[k], expected);
        assert!(atlas.bounds[k].smallest() >= limit * (1.0 - 1e-9));
    }
    assert!(atlas.stable[0].iter().any(|s| *s) && atlas.stable[4].iter().any(|s| !*s));
}

#[test]
fn perfect_alignment_has_the_threshold_of_the_spectrum() {
    // sum eta w / (2 - eta w) = B' where all eigenvalues are equal: r eta w = B' (2 - eta w).
    let jacobian = (0..16).map(|k| if k / 4 == k % 4 { 2.0 } else { 0.0 }).collect();
    let spectrum = Spectrum::new(&Jacobian::new(jacobian, 4, 1).unwrap()).unwrap();
    let found = spectrum.aligned_learning_rate(Batches::with_replacement(2)).unwrap();
    close(found, 2.0 * 2.0 / (4.0 + 2.0), 1e-14, "threshold");
}
