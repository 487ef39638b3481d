//! Thresholds and growth rates: against dense operators, closed forms, and the plain recursion in residual space.

use super::*;

#[test]
fn the_moments_of_batches_are_those_of_all_that_can_be_drawn() {
    // E H_B S H_B at S = 1, against the sum over batches that the oracle takes.
    for (seed, (samples, outputs, params)) in SHAPES.into_iter().enumerate() {
        let point = Point::normal(20 + seed as u64, samples, outputs, params);
        for size in 1..=samples.min(3) {
            for sampling in SAMPLINGS {
                let dense = point.dense_threshold(size, sampling);
                let found = point.spectrum().max_stable_learning_rate(Batches { size, sampling }).unwrap();
                let what = format!("{samples} x {outputs}, {params}: {size} {sampling:?}");
                close(found.learning_rate, dense, 1e-9, &what);
                assert!(found.lower_bound <= dense * (1.0 + 1e-12), "{what}");
            }
        }
    }
}

#[test]
fn the_threshold_of_a_kernel_is_that_of_its_jacobian() {
    for (seed, (samples, outputs, params)) in SHAPES.into_iter().enumerate() {
        let point = Point::normal(40 + seed as u64, samples, outputs, params);
        let [a, b] = [Spectrum::new(&point.kernel()).unwrap(), point.spectrum()]
            .map(|s| s.max_stable_learning_rate(Batches::with_replacement(1)).unwrap().learning_rate);
        close(a, b, 1e-10, "threshold");
    }
}

#[test]
fn growth_rates_are_those_of_the_dense_operator() {
    for (seed, (samples, outputs, params)) in SHAPES.into_iter().enumerate() {
        let point = Point::normal(60 + seed as u64, samples, outputs, params);
        let spectrum = point.spectrum();
        for size in 1..=samples.min(3) {
            for sampling in SAMPLINGS {
                let batches = Batches { size, sampling };
                let threshold = spectrum.max_stable_learning_rate(batches).unwrap().learning_rate;
                for share in [0.01, 0.3, 0.9, 0.999, 1.0, 1.001, 1.2, 3.0] {
                    let found = spectrum.growth_rate(share * threshold, batches).unwrap();
                    let dense = point.dense_growth_rate(share * threshold, size, sampling);
                    let what = format!(
                        "{samples} x {outputs}, {params}: {size} {sampling:?} at {share} of the limit"
                    );
                    if found == f64::NEG_INFINITY || dense.is_nan() || dense < -20.0 {
                        assert!(found < -20.0, "{what}: {found} {dense}");
                        continue;
                    }
                    assert!((found - dense).abs() <= 1e-9 * (1.0 + dense.abs()), "{what}: {found} {dense}");
                    if share != 1.0 {
                        assert_eq!(found > 0.0, share > 1.0, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn one_parameter_has_a_threshold_in_closed_form() {
    // The 1-D diagram: (1 - eta a)^2 + eta^2 s^2/B' = 1.
    let x = [1.0f64, -2.0, 0.5, 3.0];
    let source = Jacobian::new(x.to_vec(), 1, 1).unwrap();
    let spectrum = Spectrum::new(&source).unwrap();
    let a = x.iter().map(|x| x * x).sum::<f64>() / 4.0;
    let variance = x.iter().map(|x| (x * x - a).powi(2)).sum::<f64>() / 4.0;
    for (batches, effective) in [
        (Batches::with_replacement(1), 1.0),
        (Batches::with_replacement(4), 4.0),
        (Batches::without_replacement(2), 2.0 * 3.0 / 2.0),
        (Batches::without_replacement(4), f64::INFINITY),
    ] {
        let found = spectrum.max_stable_learning_rate(batches).unwrap();
        close(found.learning_rate, 2.0 * a / (a * a + variance / effective), 1e-12, "threshold");
        let eta = 0.4;
        let factor = (1.0 - eta * a).powi(2) + eta * eta * variance / effective;
        close(spectrum.growth_rate(eta, batches).unwrap(), factor.ln(), 1e-12, "growth");
    }
}

#[test]
fn samples_that_share_no_parameter_are_stable_one_by_one() {
    let scales = [1.0f64, 5.0, 2.0, 0.1];
    let n = scales.len() as f64;
    let jacobian = (0..16).map(|k| if k / 4 == k % 4 { scales[k % 4].sqrt() } else { 0.0 }).collect();
    let source = Jacobian::new(jacobian, 4, 1).unwrap();
    let spectrum = Spectrum::new(&source).unwrap();
    for size in [1, 2, 4] {
        let p = 1.0 / size as f64;
        let batches = Batches::with_replacement(size);
        let found = spectrum.max_stable_learning_rate(batches).unwrap();
        close(found.learning_rate, 2.0 / (5.0 * ((1.0 - p) / n + p)), 1e-12, "threshold");
        let factor =
            |k: &f64, eta: f64| 1.0 - 2.0 * eta * k / n + eta * eta * k * k * ((1.0 - p) / n + p) / n;
        for eta in [0.05, 0.4, 1.0] {
            let slowest = scales.iter().map(|k| factor(k, eta)).fold(0.0, f64::max);
            let rate = spectrum.growth_rate(eta, batches).unwrap();
            assert!((rate - slowest.ln()).abs() < 1e-12, "{eta}: {rate}");
        }
    }
}

#[test]
fn the_full_batch_is_gradient_descent() {
    let point = Point::normal(7, 6, 1, 4);
    let spectrum = point.spectrum();
    let (w, batches) = (spectrum.eigenvalues().to_vec(), Batches::without_replacement(6));
    let found = spectrum.max_stable_learning_rate(batches).unwrap();
    assert_eq!((found.learning_rate, found.lower_bound), (2.0 / w[0], 2.0 / w[0]));
    for eta in [0.1 / w[0], 1.9 / w[0], 2.1 / w[0]] {
        let factor = w.iter().map(|w| (1.0 - eta * w).powi(2)).fold(0.0, f64::max);
        close(spectrum.growth_rate(eta, batches).unwrap(), factor.ln(), 1e-12, "growth");
    }
}

#[test]
fn growth_rates_are_those_of_the_recursion_in_residual_space() {
    // Below the threshold only for kernels of full rank: elsewhere rounding leaves something that never decays.
    for (outputs, params, shares) in [(1, 6, &[1.05][..]), (1, 40, &[0.9, 1.05]), (3, 40, &[0.9, 1.05])] {
        let point = Point::normal(80, 8, outputs, params);
        let (kernel, spectrum) = (point.kernel(), point.spectrum());
        for size in [1, 4] {
            let batches = Batches::without_replacement(size);
            let threshold = spectrum.max_stable_learning_rate(batches).unwrap().learning_rate;
            for share in shares {
                let moments = batches.moments(8).unwrap();
                let (_, expected) = oracle::long_run(&kernel, share * threshold, moments);
                let found = spectrum.growth_rate(share * threshold, batches).unwrap();
                assert!((found - expected).abs() < 1e-7, "{outputs} {params} {size}: {found} {expected}");
            }
        }
    }
}

#[test]
fn several_kinds_of_batches_give_what_each_gives_alone() {
    let spectrum = Point::normal(90, 20, 2, 30).spectrum();
    for sampling in SAMPLINGS {
        let batches = Batches::powers_of_two(20, sampling);
        let together = spectrum.max_stable_learning_rates(&batches).unwrap();
        let mut last = 0.0;
        for (batches, together) in batches.into_iter().zip(together) {
            let alone = spectrum.max_stable_learning_rate(batches).unwrap();
            close(together.learning_rate, alone.learning_rate, 1e-9, "threshold");
            assert!(alone.learning_rate >= last, "larger batches are stable at least as far");
            last = alone.learning_rate;
        }
    }
}

#[test]
fn the_threshold_does_not_depend_on_the_number_of_threads() {
    let point = Point::normal(91, 300, 1, 400);
    let measure = || {
        let spectrum = Spectrum::new(&point.kernel()).unwrap();
        let threshold = spectrum.max_stable_learning_rate(Batches::with_replacement(4)).unwrap();
        (threshold, Geometry::measure(&point.kernel(), &point.residuals).unwrap())
    };
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(measure);
    assert_eq!(on(1), on(3));
}

/// Random features `tanh(w_j . x)` (n x p) on Gaussian inputs.
fn tanh_features(seed: u64, samples: usize, dim: usize, width: usize) -> Jacobian {
    let (x, w) = (normals(seed, samples * dim), normals(seed + 1000, width * dim));
    let feature = |k: usize| {
        let (x, w) = (&x[k / width * dim..][..dim], &w[k % width * dim..][..dim]);
        (x.iter().zip(w).map(|(a, b)| a * b).sum::<f64>() / (dim as f64).sqrt()).tanh()
    };
    Jacobian::new((0..samples * width).map(feature).collect(), width, 1).unwrap()
}

#[test]
fn random_features_have_the_thresholds_that_an_independent_program_found() {
    // Ratios of the threshold to sqrt(B')/|G|_F, to 2/lambda_max and to 2B'/Tr G for tanh features of 100 samples, from
    // an independent program in NumPy on its own random draws.
    let source = tanh_features(1, 100, 20, 800);
    let (spectrum, curvature) = (Spectrum::new(&source).unwrap(), Curvature::measure(&source).unwrap());
    let expected = [
        (1, 0.46, 0.10, 0.98),
        (2, 0.62, 0.18, 0.93),
        (4, 0.80, 0.34, 0.83),
        (8, 0.93, 0.57, 0.67),
        (16, 0.91, 0.82, 0.44),
        (32, 0.67, 0.95, 0.21),
        (64, 0.36, 0.99, 0.06),
    ];
    for (size, frobenius, gd, trace) in expected {
        let batches = Batches::without_replacement(size);
        let threshold = spectrum.max_stable_learning_rate(batches).unwrap().learning_rate;
        let effective = 1.0 / batches.moments(100).unwrap().single;
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 0.04, "{size}: {found} instead of {expected}");
        };
        near(threshold * curvature.frobenius / effective.sqrt(), frobenius);
        near(threshold * curvature.lambda_max / 2.0, gd);
        near(threshold * curvature.trace / (2.0 * effective), trace);
    }
}

#[test]
fn the_heavy_balls_threshold_is_where_its_second_moments_begin_to_grow() {
    for (seed, (samples, outputs, params)) in SHAPES.into_iter().enumerate() {
        let point = Point::normal(40 + seed as u64, samples, outputs, params.min(4));
        let spectrum = point.spectrum();
        for sampling in SAMPLINGS {
            for size in [1, 2, samples] {
                for momentum in [0.0, 0.5, 0.9, 0.99] {
                    let Ok(found) = spectrum.heavy_ball_threshold(Batches { size, sampling }, momentum)
                    else {
                        continue;
                    };
                    let eta = found.learning_rate;
                    let radius = |eta| point.dense_heavy_ball(eta, momentum, size, sampling);
                    let what =
                        format!("{samples} {outputs} {params}, {sampling:?} {size}, momentum {momentum}");
                    // Close to the threshold the radius moves with eta at this rate at least.
                    let slope = (radius(eta * (1.0 + 1e-4)) - radius(eta * (1.0 - 1e-4))) / 2e-4;
                    assert!(slope > 0.0, "{what}: {slope:e}");
                    let off = (radius(eta) - 1.0) / slope;
                    assert!(off.abs() < 1e-8, "{what}: {eta:e} is off by {off:e}");
                    assert!(radius(0.5 * eta) < 1.0, "{what}");
                    assert!(found.lower_bound <= eta * (1.0 + 1e-12), "{what}");
                    assert!(radius(found.lower_bound) <= 1.0 + 1e-8, "{what}");
                    // Up to 1e-4 for the iteration, times how far the off-diagonal moments of the heavy ball are from its pole.
                    assert!(found.lower_bound > 0.97 * eta, "{what}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn the_heavy_ball_with_full_batches_is_stable_up_to_one_plus_its_momentum_times_the_limit() {
    let spectrum = Point::normal(7, 6, 1, 4).spectrum();
    let top = spectrum.eigenvalues()[0];
    for momentum in [0.0, 0.3, 0.9] {
        let found = spectrum.heavy_ball_threshold(Batches::without_replacement(6), momentum).unwrap();
        close(found.learning_rate, 2.0 * (1.0 + momentum) / top, 1e-14, "limit");
        assert_eq!(found.lower_bound, found.learning_rate);
    }
    for momentum in [-0.1, 1.0, f64::NAN] {
        let refused = spectrum.heavy_ball_threshold(Batches::with_replacement(1), momentum).unwrap_err();
        assert_eq!(refused.to_string(), format!("momentum is {momentum}; expected at least 0 and below 1"));
    }
}
