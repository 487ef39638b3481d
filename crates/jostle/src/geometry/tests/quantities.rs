//! Quantities of a point.

use super::*;
use crate::linear_algebra::symmetric_eigen;
use crate::model::{LinearPredictor, LinkKind, Model, ModelSpec, Square};
use crate::problem::Problem;

#[test]
fn every_quantity_is_that_of_the_p_by_p_matrices() {
    for (seed, (samples, outputs, params)) in SHAPES.into_iter().enumerate() {
        let point = Point::normal(seed as u64, samples, outputs, params);
        let dense = point.dense();
        let what = format!("{samples} x {outputs}, {params}");
        for found in [
            Geometry::measure(&point.source(), &point.residuals).unwrap(),
            Geometry::measure(&point.kernel(), &point.residuals).unwrap(),
        ] {
            let close = |found, expected| close(found, expected, 1e-11, &what);
            close(found.gauss_newton_loss, dense.loss);
            close(found.gradient_norm, dense.gradient.iter().map(|g| g * g).sum::<f64>().sqrt());
            let curvature = found.curvature;
            close(curvature.trace, dense.curvature.trace());
            close(curvature.frobenius, dense.curvature.frobenius());
            close(curvature.lambda_max, dense.curvature.largest_eigenvalue());
            close(curvature.effective_rank, (dense.curvature.trace() / dense.curvature.frobenius()).powi(2));
            let squares: f64 = dense.curvatures.iter().map(|h| h.frobenius().powi(2)).sum();
            close(curvature.mean_square_ratio, squares / samples as f64 / dense.curvature.trace().powi(2));
            let scale = 2.0 * dense.loss * dense.curvature.frobenius();
            for (shape, sigma) in [(found.uncentred, &dense.uncentred), (found.centred, &dense.centred)] {
                if samples == 1 && sigma == &dense.centred {
                    assert!(shape.trace <= 1e-13 * dense.loss && shape.frobenius <= 1e-6 * scale);
                    continue;
                }
                let with_curvature = sigma.times(&dense.curvature).trace();
                close(shape.trace, sigma.trace());
                close(shape.trace_with_curvature, with_curvature);
                close(shape.frobenius, sigma.frobenius());
                close(shape.alignment, with_curvature / (scale * dense.curvature.frobenius()));
                close(
                    shape.angle_alignment,
                    with_curvature / (sigma.frobenius() * dense.curvature.frobenius()),
                );
                close(shape.size_alignment, sigma.frobenius() / scale);
                close(shape.angle_alignment * shape.size_alignment, shape.alignment);
            }
        }
    }
}

#[test]
fn the_top_eigenvectors_share_of_each_sample_is_that_of_the_p_by_p_matrices() {
    for (seed, (samples, outputs, params)) in SHAPES.into_iter().enumerate() {
        let point = Point::normal(seed as u64, samples, outputs, params);
        let dense = point.dense();
        let (values, vectors) = symmetric_eigen(&dense.curvature.values, params).unwrap();
        let v = &vectors[(params - 1) * params..];
        let form = |h: &oracle::Matrix| -> f64 {
            (0..params * params).map(|k| v[k / params] * h.values[k] * v[k % params]).sum()
        };
        let mean = dense.curvatures.iter().map(|h| form(h).powi(2)).sum::<f64>() / samples as f64;
        let found = Curvature::measure(&point.source()).unwrap().top_concentration;
        close(found, mean / values[params - 1].powi(2), 1e-7, "concentration");
    }
}

#[test]
fn many_blocks_add_up_to_the_whole() {
    // Blocks of 256 samples: two full ones and a rest.
    let point = Point::normal(5, 600, 1, 3);
    let dense = point.dense();
    let found = Geometry::measure(&point.kernel(), &point.residuals).unwrap();
    close(found.curvature.frobenius, dense.curvature.frobenius(), 1e-12, "norm");
    close(found.centred.trace_with_curvature, dense.centred.times(&dense.curvature).trace(), 1e-10, "trace");
    close(found.centred.frobenius, dense.centred.frobenius(), 1e-10, "norm of the noise");
}

#[test]
fn products_by_blocks_are_those_of_the_kernel() {
    /// A source that only knows its blocks.
    struct Blocks(DenseKernel);
    impl KernelSource for Blocks {
        fn samples(&self) -> usize {
            self.0.samples()
        }
        fn outputs(&self) -> usize {
            self.0.outputs()
        }
        fn block(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>, out: &mut [f64]) {
            self.0.block(rows, columns, out);
        }
    }
    let point = Point::normal(6, 200, 3, 40);
    let (whole, blocks) = (point.kernel(), Blocks(point.kernel()));
    let (mut expected, mut found) = (vec![0.0; 600], vec![0.0; 600]);
    whole.product(&point.residuals, &mut expected);
    blocks.product(&point.residuals, &mut found);
    expected.iter().zip(&found).for_each(|(e, f)| assert!((e - f).abs() < 1e-10, "{e} {f}"));
    close(root_coherence(&blocks), root_coherence(&whole), 1e-14, "coherence");
}

#[test]
fn alignments_along_the_eigenvectors_average_to_the_alignment() {
    for (seed, (samples, outputs, params)) in SHAPES.into_iter().enumerate() {
        let point = Point::normal(seed as u64, samples, outputs, params);
        let spectrum = point.spectrum();
        let along = spectrum.directional_alignments(&point.residuals);
        let squares: Vec<f64> = spectrum.eigenvalues().iter().map(|w| w * w).collect();
        let mean: f64 =
            along.iter().zip(&squares).map(|(a, s)| a * s).sum::<f64>() / squares.iter().sum::<f64>();
        let geometry = Geometry::measure(&point.source(), &point.residuals).unwrap();
        close(mean, geometry.uncentred.alignment, 1e-11, "mean");
    }
}

#[test]
fn alignments_lie_between_those_of_the_worst_and_the_best_direction() {
    for (seed, (samples, outputs, params)) in SHAPES.into_iter().enumerate() {
        let mut point = Point::normal(seed as u64, samples, outputs, params);
        let spectrum = point.spectrum();
        let [uncentred, centred] = [false, true].map(|c| spectrum.worst_alignment(c).unwrap());
        let mut seen = (f64::INFINITY, 0.0f64);
        for k in 0..300 {
            // Residuals of a displacement: only these lie in the range of J.
            let delta = normals(1000 + k, params);
            let rows = point.jacobian.chunks(params);
            point.residuals = rows.map(|row| row.iter().zip(&delta).map(|(a, b)| a * b).sum()).collect();
            let found = Geometry::measure(&point.source(), &point.residuals).unwrap();
            let inside = |value: f64, (low, high): (f64, f64)| {
                assert!(value >= low - 1e-9 && value <= high + 1e-9, "{low} <= {value} <= {high}");
            };
            inside(found.uncentred.alignment, uncentred);
            inside(found.centred.alignment, centred);
            seen = (seen.0.min(found.centred.alignment), seen.1.max(found.centred.alignment));
        }
        if params <= 3 {
            let reached = (seen.0 - centred.0).abs().max((seen.1 - centred.1).abs());
            assert!(reached < 0.05, "{seen:?} of {centred:?}");
        }
    }
}

#[test]
fn gaussian_inputs_are_aligned_as_the_theorem_says() {
    // mu = 1 + grad L' S grad L / (2 L |S|_F^2) in the limit of many samples (Wu, Wang, Su 2022).
    let (samples, dim) = (40_000, 3);
    let spread = [2.0, 1.0, 0.5];
    let mut jacobian = normals(9, samples * dim);
    jacobian.iter_mut().enumerate().for_each(|(k, x)| *x *= spread[k % dim]);
    let delta = [0.5, -1.0, 2.0];
    let residuals = jacobian.chunks(dim).map(|x| x.iter().zip(delta).map(|(a, b)| a * b).sum()).collect();
    let point = Point { jacobian, residuals, samples, outputs: 1, params: dim };
    let along = spread.map(|s| s * s);
    let twice_loss: f64 = along.iter().zip(delta).map(|(s, d)| s * d * d).sum();
    let gradient_curvature: f64 = along.iter().zip(delta).map(|(s, d)| s.powi(3) * d * d).sum();
    let squared: f64 = along.iter().map(|s| s * s).sum();
    // The dense oracle here: a kernel of this many samples would not fit.
    let dense = point.dense();
    let mu = dense.centred.times(&dense.curvature).trace()
        / (2.0 * dense.loss * dense.curvature.frobenius().powi(2));
    close(mu, 1.0 + gradient_curvature / (twice_loss * squared), 0.05, "mu");
}

#[test]
fn a_models_point_has_the_models_loss_gradient_and_curvature() {
    let x = vec![1.0, -2.0, 0.5, 3.0, 0.0, 1.0, 2.0, -1.0, 1.5, 0.25, -0.5, 4.0];
    let problem = Problem::new(x, vec![1.0, 2.0, -1.0], None).unwrap();
    let spec = ModelSpec::new(LinkKind::Square(Square), 1.0);
    let theta = [0.5, -1.0, 2.0, 0.25];
    let (jacobian, residuals) =
        Jacobian::of_model(&*spec.model(4), (spec.loss, spec.loss_factor), &theta, &problem).unwrap();
    let found = Geometry::measure(&jacobian, &residuals).unwrap();
    let loss = |theta: &[f64]| -> f64 {
        let beta: Vec<f64> = theta.iter().map(|w| w * w).collect();
        let fit = |i: usize| problem.row(i).iter().zip(&beta).map(|(x, b)| x * b).sum::<f64>();
        (0..3).map(|i| (fit(i) - problem.y()[i]).powi(2)).sum::<f64>() / 12.0
    };
    close(found.gauss_newton_loss, loss(&theta), 1e-14, "loss");
    let gradient = (0..4).map(|j| {
        let shifted = |h: f64| {
            let mut theta = theta;
            theta[j] += h;
            loss(&theta)
        };
        (shifted(1e-5) - shifted(-1e-5)) / 2e-5
    });
    close(found.gradient_norm, gradient.map(|g| g * g).sum::<f64>().sqrt(), 1e-8, "gradient");
    // Where a sample alone is fitted, the Hessian of its loss (1/4)(f - y)^2 is grad f grad f' / 2.
    let mut diagonal = vec![0.0; 3];
    LinearPredictor::new(Square, 4).kernel_blocks(&theta, &problem, &mut diagonal);
    close(found.curvature.trace, diagonal.iter().sum::<f64>() / 3.0 / 2.0, 1e-13, "trace");
}
