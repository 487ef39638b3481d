//! `K -> s K` and `r -> t r`: what is a quotient stays, what is a size is multiplied, up to the ends of the range of numbers.

use super::*;

fn scaled(values: &[f64], exponent: i32) -> Vec<f64> {
    values.iter().map(|v| libm::scalbn(*v, exponent)).collect()
}

/// Every number of a point, with the powers of `s` and `t` that it is multiplied by.
fn numbers(source: &impl KernelSource, residuals: &[f64]) -> Vec<(f64, i32, i32)> {
    let found = Geometry::measure(source, residuals).unwrap();
    let Curvature {
        trace, frobenius, lambda_max, effective_rank, mean_square_ratio, top_concentration, ..
    } = found.curvature;
    let mut all = vec![
        (found.gauss_newton_loss, 0, 2),
        (trace, 1, 0),
        (frobenius, 1, 0),
        (lambda_max, 1, 0),
        (effective_rank, 0, 0),
        (mean_square_ratio, 0, 0),
        (top_concentration, 0, 0),
        (root_coherence(source), 1, 0),
    ];
    for shape in [found.centred, found.uncentred] {
        all.extend([(shape.trace, 1, 2), (shape.trace_with_curvature, 2, 2), (shape.frobenius, 1, 2)]);
        all.extend([shape.alignment, shape.angle_alignment, shape.size_alignment].map(|q| (q, 0, 0)));
    }
    let spectrum = Spectrum::new(source).unwrap();
    for batches in Batches::powers_of_two(source.samples(), Sampling::WithoutReplacement) {
        let bounds = Bounds::new(&found.curvature, batches).unwrap();
        let threshold = spectrum.max_stable_learning_rate(batches).unwrap();
        all.extend(
            [
                threshold.learning_rate,
                threshold.lower_bound,
                bounds.gd_limit,
                bounds.trace_bound,
                bounds.variance_bound,
                bounds.alignment_free_bound,
                safe_learning_rate(source, batches).unwrap(),
                spectrum.aligned_learning_rate(batches).unwrap(),
                batches.coherence_bound(source.samples(), root_coherence(source)).unwrap(),
            ]
            .map(|rate| (rate, -1, 0)),
        );
        all.push((spectrum.growth_rate(0.7 * threshold.learning_rate, batches).unwrap(), 0, 0));
    }
    all.extend(spectrum.eigenvalues().iter().map(|value| (*value, 1, 0)));
    let (low, high) = spectrum.worst_alignment(true).unwrap();
    all.extend([low, high].map(|mu| (mu, 0, 0)));
    all
}

fn compare(found: &[(f64, i32, i32)], expected: &[(f64, i32, i32)], [s, t]: [i32; 2], what: &str) {
    for (k, ((found, ..), (expected, of_s, of_t))) in found.iter().zip(expected).enumerate() {
        let expected = libm::scalbn(*expected, of_s * s + of_t * t);
        // A number that is beyond the range of numbers itself is infinite, or zero.
        let is_near = (found - expected).abs() <= 1e-9 * expected.abs() || *found == expected;
        assert!(is_near, "{what}, number {k}: {found:e} against {expected:e}");
    }
}

#[test]
fn no_quotient_depends_on_the_scale_of_a_kernel_or_of_residuals() {
    for (samples, outputs, params) in [(4, 1, 7), (6, 1, 3), (3, 2, 4)] {
        let point = Point::normal(17, samples, outputs, params);
        let kernel = point.kernel();
        let expected = numbers(&kernel, &point.residuals);
        for s in [0, 190, 210, 500, 996, -210, -500, -996] {
            for t in [0, 110, 480, -110, -480] {
                let what = format!("{samples} {outputs} {params}, kernel 2^{s}, residuals 2^{t}");
                let residuals = scaled(&point.residuals, t);
                let source = DenseKernel::new(scaled(kernel.values(), s), outputs).unwrap();
                compare(&numbers(&source, &residuals), &expected, [s, t], &what);
                let jacobian = scaled(&point.jacobian, s / 2);
                let source = Jacobian::new(jacobian, params, outputs).unwrap();
                compare(&numbers(&source, &residuals), &expected, [s / 2 * 2, t], &what);
            }
        }
    }
}

#[test]
fn kernels_that_no_number_holds_are_refused() {
    let measured = |entry: f64| {
        let source = Jacobian::new(vec![entry, 0.0, 0.0, entry], 2, 1).unwrap();
        Geometry::measure(&source, &[1.0, 1.0]).map(|found| found.curvature.effective_rank)
    };
    close(measured(1e80).unwrap(), 2.0, 1e-14, "effective rank");
    close(measured(1e-150).unwrap(), 2.0, 1e-14, "effective rank");
    for (entry, exponent) in [(1e200, 400), (1e-200, -400)] {
        assert_eq!(measured(entry), Err(GeometryError::OutOfRange { exponent }));
    }
}

#[test]
fn a_kernel_that_is_not_finite_is_refused_before_anything_is_made_of_it() {
    /// A model whose derivatives have overflowed.
    struct Overflowing(f64);
    impl KernelSource for Overflowing {
        fn samples(&self) -> usize {
            40
        }
        fn outputs(&self) -> usize {
            1
        }
        fn block(&self, _: std::ops::Range<usize>, _: std::ops::Range<usize>, out: &mut [f64]) {
            out.fill(self.0);
        }
    }
    for bad in [f64::NAN, f64::INFINITY] {
        let refused = Geometry::measure(&Overflowing(bad), &[1.0; 40]).unwrap_err().to_string();
        assert!(refused.starts_with("the kernel is not finite here (its trace is "), "{refused}");
        assert_eq!(Curvature::measure(&Overflowing(bad)).unwrap_err().to_string(), refused);
        assert_eq!(Spectrum::new(&Overflowing(bad)).err(), Some(GeometryError::Eigenvalues));
        assert!(root_coherence(&Overflowing(bad)).is_nan());
    }
}
