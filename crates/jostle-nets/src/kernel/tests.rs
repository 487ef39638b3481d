//! The kernel against the Jacobian, which is made row by row.

use super::{Method, NetworkKernel, Plan};
use crate::network::FeedForward;
use crate::shape::Shape;
use crate::tests::{network, normals, numbers, start, text};
use jostle::Float;
use jostle::Level;
use jostle::geometry::{DenseKernel, Geometry, KernelRequest, KernelSource, LayerGeometry, Sums};
use jostle::model::{Model, Pass, Passes, Tape};
use jostle::setting::Value;

const PLENTY: usize = 1 << 40;

/// The Jacobian (nc x p), row by row.
fn jacobian(network: &FeedForward, theta: &[f64], inputs: &[f64]) -> Vec<f64> {
    let (d, c, p) = (network.input().values(), network.outputs(), theta.len());
    let mut jacobian = vec![0.0; inputs.len() / d * c * p];
    for (sample, rows) in inputs.chunks_exact(d).zip(jacobian.chunks_exact_mut(c * p)) {
        let (mut tape, mut predictions) = (Tape::default(), vec![0.0; c]);
        network.forward(Pass { level: Level::detect(), theta, inputs: sample }, &mut tape, &mut predictions);
        for (k, row) in rows.chunks_exact_mut(p).enumerate() {
            let weights: Vec<f64> = (0..c).map(|output| if output == k { 1.0 } else { 0.0 }).collect();
            network.backward(
                Pass { level: Level::detect(), theta, inputs: sample },
                &mut tape,
                &weights,
                row,
            );
        }
    }
    jacobian
}

/// The products of some columns of all rows of a Jacobian.
fn kernel_of(jacobian: &[f64], p: usize, columns: std::ops::Range<usize>) -> Vec<f64> {
    let row = |k: usize| &jacobian[k * p..(k + 1) * p][columns.clone()];
    let side = jacobian.len() / p;
    let entry = |k: usize| row(k / side).iter().zip(row(k % side)).map(|(a, b)| a * b).sum();
    (0..side * side).map(entry).collect()
}

struct Case {
    network: FeedForward,
    samples: usize,
    methods: Vec<Method>,
}

/// Networks that need every method: one and several outputs, one and several places, tiles that are filled and not.
fn cases() -> Vec<Case> {
    use Method::{Head, Pairs, Readout, Rows};
    let grey = |side| Shape { channels: 1, height: side, width: side };
    let mlp = |activation, widths: &[f64], outputs, side| {
        network("mlp", &[("widths", numbers(widths)), ("activation", text(activation))], outputs, grey(side))
    };
    let cnn = |pooling, channels: &[f64], outputs, side| {
        network("cnn", &[("channels", numbers(channels)), ("pooling", text(pooling))], outputs, grey(side))
    };
    let case = |network, samples, methods: &[Method]| Case { network, samples, methods: methods.to_vec() };
    vec![
        case(mlp("relu", &[7.0, 6.0], 3, 4), 130, &[Pairs, Head, Readout]),
        case(mlp("gelu", &[9.0, 5.0], 1, 5), 333, &[Pairs, Pairs, Readout]),
        case(mlp("tanh", &[4.0, 3.0], 40, 3), 20, &[Pairs, Head, Readout]),
        case(cnn("average", &[3.0, 4.0, 5.0], 3, 8), 120, &[Rows, Rows, Head, Readout]),
        case(cnn("maximum", &[3.0, 8.0, 9.0], 3, 4), 130, &[Rows, Pairs, Head, Readout]),
        case(cnn("average", &[2.0, 20.0, 3.0], 9, 4), 40, &[Rows, Pairs, Head, Readout]),
    ]
}

fn compare<F: Float>(tolerance: f64, memory: impl Fn(&FeedForward, usize) -> usize) {
    for (seed, Case { network, samples, methods }) in cases().into_iter().enumerate() {
        let theta: Vec<f64> =
            start(&network).iter().zip(normals(9, 1 << 16)).map(|(t, s)| t + 0.05 * s).collect();
        let inputs = normals(20 + seed as u64, samples * network.input().values());
        let residuals = normals(40 + seed as u64, samples * network.outputs());
        let jacobian = jacobian(&network, &theta, &inputs);
        let expected = kernel_of(&jacobian, theta.len(), 0..theta.len());
        let request = KernelRequest::new(&theta, &inputs, &residuals).with_layers();
        let found = NetworkKernel::<F>::new(&network, &request, memory(&network, samples));
        let used: Vec<_> = found.plan().layers.iter().map(|layer| layer.method).collect();
        assert_eq!(used, methods, "{network:?}");

        let side = samples * network.outputs();
        let mut kernel = vec![0.0; side * side];
        found.block(0..samples, 0..samples, &mut kernel);
        let largest = expected.iter().fold(0.0f64, |most, k| most.max(k.abs()));
        for (k, (found, expected)) in kernel.iter().zip(&expected).enumerate() {
            let error = (found - expected).abs() / largest;
            assert!(error < tolerance, "case {seed}, ({}, {}): {found} {expected}", k / side, k % side);
        }

        let dense = DenseKernel::new(expected.clone(), network.outputs()).unwrap();
        let mut products = [vec![0.0; side], vec![0.0; side]];
        let [first, second] = &mut products;
        found.product(&residuals, first);
        dense.product(&residuals, second);
        let size = second.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        first
            .iter()
            .zip(&*second)
            .for_each(|(a, b)| assert!((a - b).abs() < 3.0 * tolerance * size, "{seed}: {a} {b}"));

        close(&found.sums(&residuals), &dense.sums(&residuals), tolerance, seed);
        let others = normals(60 + seed as u64, side);
        close(&found.sums(&others), &dense.sums(&others), tolerance, seed);

        // Eigenvalues by passes take time: those of the small cases, which need every method, are enough.
        if !found.plan().keeps_kernel && samples > 40 {
            continue;
        }
        let whole = Geometry::measure(&dense, &residuals).unwrap();
        let layers = LayerGeometry::measure(&found, &residuals).unwrap();
        assert_eq!(layers.len(), network.layers().len());
        for (layer, range) in layers.iter().zip(network.ranges()) {
            let own = kernel_of(&jacobian, theta.len(), range.clone());
            let with_whole: f64 = own.iter().zip(&expected).map(|(own, whole)| own * whole).sum();
            let own = DenseKernel::new(own, network.outputs()).unwrap();
            let own = Geometry::measure(&own, &residuals).unwrap();
            assert_eq!(layer.geometry.params, Some(range.len()));
            let share = with_whole / (samples as f64 * whole.curvature.frobenius).powi(2);
            let pairs = of_interest(&layer.geometry).into_iter().zip(of_interest(&own));
            for (found, expected) in pairs.chain([(layer.share_of_squares, share)]) {
                let error = (found / expected - 1.0).abs();
                assert!(error < 20.0 * tolerance, "{seed}, {}: {found} {expected}", layer.name);
            }
        }
        let total = |of: fn(&Geometry) -> f64| layers.iter().map(|layer| of(&layer.geometry)).sum::<f64>();
        for of in [|g: &Geometry| g.curvature.trace, |g: &Geometry| g.centred.trace] {
            assert!((total(of) / of(&whole) - 1.0).abs() < 20.0 * tolerance);
        }
    }
}

fn of_interest(geometry: &Geometry) -> [f64; 8] {
    let Geometry { curvature, uncentred, centred, .. } = geometry;
    [
        geometry.gradient_norm,
        curvature.trace,
        curvature.frobenius,
        curvature.lambda_max,
        uncentred.trace,
        uncentred.alignment,
        centred.trace,
        centred.trace_with_curvature,
    ]
}

fn close(found: &Sums, expected: &Sums, tolerance: f64, case: usize) {
    let all = |s: &Sums| [s.trace, s.squares, s.block_squares, s.noise, s.pulled, s.gram];
    for (found, expected) in all(found).into_iter().zip(all(expected)) {
        assert!((found / expected - 1.0).abs() < 10.0 * tolerance, "case {case}: {found} {expected}");
    }
}

#[test]
fn the_kernel_is_that_of_the_jacobian_by_every_method() {
    compare::<f64>(1e-13, |_, _| PLENTY);
}

#[test]
fn a_kernel_in_float32_is_as_good_as_its_rounding() {
    compare::<f32>(3e-6, |_, _| PLENTY);
}

#[test]
fn a_kernel_that_does_not_fit_into_memory_is_made_block_by_block() {
    compare::<f64>(1e-13, |network, samples| {
        let plan = Plan::new::<f64>(network, samples, 0);
        assert!(!plan.keeps_kernel && plan.samples_of_a_group <= plan.samples_of_a_block.min(samples));
        0
    });
}

#[test]
fn a_plan_stays_within_its_memory() {
    use Method::{Pairs, Readout, Rows};
    let image = Shape { channels: 3, height: 32, width: 32 };
    let vgg = network("vgg", &[("depth", Value::Integer(11))], 10, image);
    let plenty = Plan::new::<f32>(&vgg, 1000, PLENTY);
    assert!(plenty.keeps_kernel && plenty.samples_of_a_group == 1000);
    for gigabytes in [2, 4, 8] {
        let plan = Plan::new::<f32>(&vgg, 1000, gigabytes << 30);
        let bytes = plan.bytes + plan.bytes_of_a_thread;
        assert!(bytes <= (gigabytes << 30) as f64, "{gigabytes}: {bytes}");
        assert!(plan.multiply_adds >= plenty.multiply_adds && plan.samples_of_a_group < 1000);
    }
    // Deep in the network, where images have four places, pairs of places are cheaper than rows of two million numbers.
    let methods: Vec<_> = plenty.layers.iter().map(|layer| layer.method).collect();
    assert_eq!(methods, [Rows, Rows, Rows, Rows, Pairs, Pairs, Pairs, Pairs, Readout]);
}

#[test]
fn bits_of_a_kernel_do_not_depend_on_the_number_of_threads() {
    let network = network("mlp", &[("widths", numbers(&[6.0, 5.0]))], 3, Shape::vector(8));
    let (theta, inputs, residuals) = (start(&network), normals(1, 8 * 250), normals(2, 3 * 250));
    let measured = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let request = KernelRequest::new(&theta, &inputs, &residuals).with_layers();
            let kernel = NetworkKernel::<f32>::new(&network, &request, PLENTY);
            let layers = LayerGeometry::measure(&kernel, &residuals).unwrap();
            (Geometry::measure(&kernel, &residuals).unwrap(), layers)
        })
    };
    assert_eq!(measured(1), measured(3));
}
