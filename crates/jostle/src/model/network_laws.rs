//! What every network has to fulfil, for the tests beside each of them.

use super::{Model, Pass, Tape};
use crate::float::Float;
use crate::random::laws::Moments;
use crate::random::{Draws, philox4x32};
use crate::simd::Level;
use num_dual::Dual64;

/// A network written out once more, for one sample and on dual numbers: its derivatives are exact.
pub(super) trait Oracle: Model {
    /// The predictions (c) of the sample `x` (d) at `theta` (p).
    fn predict(&self, theta: &[Dual64], x: &[f64]) -> Vec<Dual64>;
}

fn numbers(count: usize, stream: u32) -> Vec<f64> {
    let number =
        |k: usize| f64::from(philox4x32([k as u32, stream, 0, 0], [9, 1])[0]) / 2_147_483_648.0 - 1.0;
    (0..count).map(number).collect()
}

fn wide<F: Float>(values: &[F]) -> Vec<f64> {
    values.iter().map(|v| (*v).into()).collect()
}

/// Predictions and gradient of both passes.
fn passes<F: Float>(
    network: &dyn Model,
    level: Level,
    theta: &[f64],
    inputs: &[f64],
    weights: &[f64],
    tape: &mut Tape<F>,
) -> [Vec<F>; 2] {
    let of = |values: &[f64]| -> Vec<F> { values.iter().map(|v| F::of(*v)).collect() };
    let (theta, inputs, weights) = (of(theta), of(inputs), of(weights));
    let mut predictions = vec![F::of(f64::NAN); weights.len()];
    let mut gradient = vec![F::of(f64::NAN); theta.len()];
    let (passes, pass) = (network.in_precision::<F>(), Pass { level, theta: &theta, inputs: &inputs });
    passes.forward(pass, tape, &mut predictions);
    passes.backward(pass, tape, &weights, &mut gradient);
    [predictions, gradient]
}

/// Checks predictions and gradients of several samples of dimension `dim` against the oracle, in both precisions, and that
/// they are the same bits on every level, whatever a tape was used for before, and however samples are grouped.
pub(super) fn check_model<N: Oracle + Clone + 'static>(network: &N, dim: usize) {
    const SAMPLES: usize = 6;
    let outputs = network.outputs();
    let theta = network.initial(&Draws::new(3, &[1], 0));
    assert_eq!(theta.len(), network.num_params());
    let (inputs, weights) = (numbers(SAMPLES * dim, 1), numbers(SAMPLES * outputs, 2));

    let duals: Vec<Dual64> = theta.iter().map(|t| Dual64::from(*t)).collect();
    let predict = |theta: &[Dual64]| -> Vec<Dual64> {
        inputs.chunks_exact(dim).flat_map(|x| Oracle::predict(network, theta, x)).collect()
    };
    let expected: Vec<f64> = predict(&duals).iter().map(|f| f.re).collect();
    let expected_gradient: Vec<f64> = (0..theta.len())
        .map(|k| {
            let mut duals = duals.clone();
            duals[k] = duals[k].derivative();
            predict(&duals).iter().zip(&weights).map(|(f, w)| f.eps * w).sum()
        })
        .collect();
    let check = |what: &str, found: &[f64], expected: &[f64], tolerance: f64| {
        let size = expected.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() <= tolerance * size, "{what} {k}: {found} against {expected}");
        }
    };
    let level = Level::Portable;
    let doubles = passes::<f64>(network, level, &theta, &inputs, &weights, &mut Tape::default());
    let singles = passes::<f32>(network, level, &theta, &inputs, &weights, &mut Tape::default());
    check("prediction", &doubles[0], &expected, 1e-14);
    check("derivative", &doubles[1], &expected_gradient, 1e-14);
    check("float32 prediction", &wide(&singles[0]), &expected, 3e-6);
    check("float32 derivative", &wide(&singles[1]), &expected_gradient, 3e-6);
    if let Some(beta) = network.coefficients(&theta) {
        let product = |x: &[f64]| x.iter().zip(&beta).map(|(x, b)| x * b).sum::<f64>();
        check(
            "linear predictor",
            &inputs.chunks_exact(dim).map(product).collect::<Vec<_>>(),
            &expected,
            1e-14,
        );
    }

    let (mut tape, mut short_tape) = (Tape::<f64>::default(), Tape::<f32>::default());
    passes::<f64>(network, level, &theta, &numbers(9 * dim, 3), &numbers(9 * outputs, 4), &mut tape);
    for level in Level::available() {
        assert_eq!(passes(network, level, &theta, &inputs, &weights, &mut tape), doubles, "{level}");
        assert_eq!(passes(network, level, &theta, &inputs, &weights, &mut short_tape), singles, "{level}");
        for group in [1, 2, 5] {
            let groups = inputs.chunks(group * dim).zip(weights.chunks(group * outputs));
            let predictions: Vec<f64> = groups
                .flat_map(|(x, w)| {
                    let [predictions, _] = passes(network, level, &theta, x, w, &mut tape);
                    predictions
                })
                .collect();
            assert_eq!(predictions, doubles[0], "groups of {group} on {level}");
        }
    }
}

/// Checks the start of a network: independent normal numbers, `(count, variance)` layer by layer.
pub(super) fn check_start<N: Model>(network: &N, layers: &[(usize, f64)]) {
    let of = |replica: u32| network.initial(&Draws::new(5, &[replica], 0));
    assert_eq!(of(3), of(3));
    assert_eq!(of(0).len(), layers.iter().map(|(count, _)| count).sum::<usize>());
    // The first two numbers and the last one of every layer, over many replicas.
    let mut places = Vec::new();
    let mut first = 0;
    for (count, variance) in layers.iter().filter(|(count, _)| *count > 0) {
        for place in [first, first + 1, first + count - 1] {
            places.push((place, *variance));
        }
        first += count;
    }
    let size = places.len();
    let mut moments = Moments::about(vec![0.0; size]);
    for replica in 0..20_000 {
        let theta = of(replica);
        moments.add(&places.iter().map(|(place, _)| theta[*place]).collect::<Vec<_>>());
    }
    let covariance: Vec<f64> =
        (0..size * size).map(|k| if k / size == k % size { places[k / size].1 } else { 0.0 }).collect();
    moments.check("start", 0.2, &covariance);
}
