//! The geometry of a network as an observable sees it: by the kernel of its layers, for every loss.

use jostle::geometry::{Geometry, Jacobian, KernelSource, kernel_of_model};
use jostle::model::{Loss, ModelSpec};
use jostle::problem::Problem;
use jostle::random::{Draws, Purpose};
use jostle::setting::{Settings, Value};

fn network(kind: &str, given: &[(&str, Value)]) -> ModelSpec {
    let entry = jostle_nets::ENTRIES.iter().find(|entry| entry.kind == kind).unwrap();
    let settings = Settings::check(entry, given).unwrap();
    let image = jostle_nets::Shape { channels: 1, height: 4, width: 4 };
    ModelSpec::with_settings(jostle_nets::build(kind, &settings, 16, 3, Some(image)).unwrap(), &settings)
}

fn problem() -> Problem {
    let mut x = vec![0.0; 12 * 16];
    Draws::new(5, &[0], 0).normals(Purpose::DESIGN, &mut x);
    let y = (0..36).map(|k| f64::from(u8::from(k % 3 == k / 3 % 3))).collect();
    Problem::with_outputs(x, y, 3).unwrap()
}

#[test]
fn the_kernel_of_the_layers_has_the_geometry_of_the_jacobian_for_every_loss() {
    let problem = problem();
    let widths = ("widths", Value::Numbers(vec![7.0, 5.0]));
    let channels = ("channels", Value::Numbers(vec![3.0, 4.0]));
    for spec in [network("mlp", &[widths]), network("cnn", &[channels])] {
        let theta = spec.initial(16, 0);
        for loss in [(Loss::Square, 0.5), (Loss::Square, 0.25), (Loss::CrossEntropy, 0.5)] {
            let (kernel, residuals) = kernel_of_model(&*spec.model(16), loss, &theta, &problem, &()).unwrap();
            assert!(kernel.jacobian().is_none(), "the kernel is that of the layers");
            let (jacobian, expected) = Jacobian::of_model(&*spec.model(16), loss, &theta, &problem).unwrap();
            assert_eq!(residuals, expected);
            let found = Geometry::measure(&kernel, &residuals).unwrap();
            let expected = Geometry::measure(&jacobian, &residuals).unwrap();
            let pairs = [
                (found.gauss_newton_loss, expected.gauss_newton_loss),
                (found.gradient_norm, expected.gradient_norm),
                (found.curvature.trace, expected.curvature.trace),
                (found.curvature.frobenius, expected.curvature.frobenius),
                (found.curvature.lambda_max, expected.curvature.lambda_max),
                (found.uncentred.alignment, expected.uncentred.alignment),
                (found.centred.trace_with_curvature, expected.centred.trace_with_curvature),
            ];
            for (k, (found, expected)) in pairs.into_iter().enumerate() {
                assert!((found / expected - 1.0).abs() < 2e-5, "{loss:?} {k}: {found} {expected}");
            }
        }
    }
}
