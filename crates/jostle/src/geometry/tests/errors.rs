//! What is refused, and how it is said.

use super::*;

fn refusal<T>(result: Result<T, GeometryError>) -> String {
    result.err().map_or_else(|| panic!("not refused"), |error| error.to_string())
}

#[test]
fn kernels_that_cannot_be_are_refused() {
    let kernel = |values: &[f64], outputs| refusal(DenseKernel::new(values.to_vec(), outputs));
    assert_eq!(kernel(&[], 1), "kernel is empty; expected at least one sample, output and parameter");
    assert_eq!(
        kernel(&[1.0, 0.0, 0.0], 1),
        "kernel has 3 values; expected a square of a multiple of 1 (the outputs of a sample)"
    );
    assert_eq!(
        kernel(&[1.0; 9], 2),
        "kernel has 9 values; expected a square of a multiple of 2 (the outputs of a sample)"
    );
    assert_eq!(
        kernel(&[1.0, f64::NAN, 0.0, 1.0], 1),
        "kernel[row 0, column 1] is NaN; expected a finite number"
    );
    assert_eq!(
        kernel(&[1.0, 0.5, 0.25, 1.0], 1),
        "kernel[row 1, column 0] is 0.25, but kernel[row 0, column 1] is 0.5; expected a symmetric matrix"
    );
    assert_eq!(
        kernel(&[1.0, 0.0, 0.0, -1.0], 1),
        "kernel[row 1, column 1] is -1; expected no entry below 0 on the diagonal, as K = J J' has none"
    );
    assert_eq!(kernel(&[0.0; 4], 1), "kernel is zero: no parameter changes a prediction here");
}

#[test]
fn a_kernel_with_a_negative_eigenvalue_is_refused_by_its_spectrum() {
    let kernel = DenseKernel::new(vec![1.0, 3.0, 3.0, 1.0], 1).unwrap();
    assert_eq!(
        refusal(Spectrum::new(&kernel)),
        "kernel has the eigenvalue -2.000e0 beside its largest, 4.000e0; expected none below 0 but for rounding, as \
         K = J J' has"
    );
}

#[test]
fn a_kernel_made_in_float32_is_accepted_and_its_rounding_left_out() {
    let point = Point::normal(3, 30, 1, 4);
    let rounded: Vec<f64> = point.kernel().values().iter().map(|v| f64::from(*v as f32)).collect();
    let spectrum = Spectrum::new(&DenseKernel::new(rounded, 1).unwrap()).unwrap();
    let exact = point.spectrum();
    for (a, b) in spectrum.eigenvalues().iter().zip(exact.eigenvalues()) {
        close(*a, *b, 1e-5, "eigenvalue");
    }
    let [rounded, exact] = [&spectrum, &exact]
        .map(|s| s.max_stable_learning_rate(Batches::with_replacement(2)).unwrap().learning_rate);
    close(rounded, exact, 1e-5, "threshold");
}

#[test]
fn jacobians_and_residuals_that_do_not_fit_are_refused() {
    assert_eq!(
        refusal(Jacobian::new(vec![1.0; 6], 4, 1)),
        "jacobian has 6 values; expected a multiple of 1 (the outputs of a sample) times 4 (the parameters)"
    );
    assert_eq!(
        refusal(Jacobian::new(vec![1.0, 2.0, f64::INFINITY, 1.0], 2, 1)),
        "jacobian[row 1, column 0] is inf; expected a finite number"
    );
    let source = Jacobian::new(vec![1.0; 6], 2, 1).unwrap();
    assert_eq!(
        refusal(Geometry::measure(&source, &[1.0, 2.0])),
        "residuals has 2 values; expected 3 (the samples of the kernel)"
    );
    assert_eq!(
        refusal(Geometry::measure(&source, &[1.0, f64::NAN, 2.0])),
        "residuals[1] is NaN; expected a finite number"
    );
}

#[test]
fn batches_and_learning_rates_that_cannot_be_are_refused() {
    let spectrum = Point::normal(1, 5, 1, 3).spectrum();
    for size in [0, 6] {
        assert_eq!(
            refusal(spectrum.max_stable_learning_rate(Batches::with_replacement(size))),
            format!("batch is {size}; expected 1 to 5 (the number of samples)")
        );
    }
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            refusal(spectrum.growth_rate(rate, Batches::with_replacement(1))),
            format!("learning_rate is {rate}; expected a finite number above 0")
        );
    }
}

#[test]
fn a_point_without_loss_has_no_alignment() {
    let source = Point::normal(1, 5, 1, 3).source();
    let found = Geometry::measure(&source, &[0.0; 5]).unwrap();
    assert_eq!((found.gauss_newton_loss, found.uncentred.trace, found.gradient_norm), (0.0, 0.0, 0.0));
    assert!(found.uncentred.alignment.is_nan() && found.centred.angle_alignment.is_nan());
    assert!(found.curvature.frobenius_bound(Batches::with_replacement(1), f64::NAN).unwrap().is_nan());
}

/// Asks to stop from the third time on that it is asked.
#[derive(Default)]
struct Impatient(std::sync::atomic::AtomicUsize);

impl crate::Watch for Impatient {
    fn should_stop(&self) -> bool {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 2
    }
}

#[test]
fn nothing_comes_of_a_kernel_once_somebody_asks_to_stop() {
    let point = Point::normal(5, 600, 1, 3);
    let (source, watch) = (point.source(), Impatient::default());
    assert!(Geometry::measure(&Watched::new(Box::new(&source), &watch), &point.residuals).is_err());
    let watch = Impatient::default();
    let stopped = Threshold::of_kernel(&point.kernel(), Batches::with_replacement(2), 0.0, &watch);
    assert_eq!(stopped, Err(GeometryError::Stopped));
    let whole = Threshold::of_kernel(&source, Batches::with_replacement(2), 0.5, &()).unwrap();
    let spectrum = Spectrum::new(&source).unwrap();
    assert_eq!(whole, spectrum.heavy_ball_threshold(Batches::with_replacement(2), 0.5).unwrap());
}
