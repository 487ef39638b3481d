//! Networks on a device against the processor's own passes. `cargo xtask gpu` runs them, also without a graphics processor.

use super::OpenDevice;
use crate::network::FeedForward;
use crate::shape::Shape;
use crate::tests::{network, networks, normals, numbers, start, text};
use jostle::dynamics::{Batch, GradientDescent};
use jostle::ensemble::{Ensemble, Recording, Replica};
use jostle::model::{Model, ModelSpec, Pass, Passes, Tape};
use jostle::noise::{LabelDistribution, LabelNoise, Labels, Noise};
use jostle::problem::Problem;
use jostle::process::Process;
use jostle::setting::Value;
use jostle::{Device, Level, Precision};
use std::sync::Arc;

/// Float32 rounds by 6e-8; the longest sums here have 4,096 terms, whose errors grow like the root of their number, and there
/// are nine layers: `6e-8 * 64 * 3`. The tensor cores of a card would be wrong by some 5e-4, and GELU with the slope of its
/// approximation by 1e-3.
const TOLERANCE: f64 = 1.1e-5;

fn device() -> OpenDevice {
    OpenDevice::open(Device::Wgpu).unwrap_or_else(|error| panic!("{error}"))
}

fn rounded(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}

/// Predictions, and the gradients for several weights, in float32.
fn passes(
    network: &dyn Model,
    theta: &[f64],
    samples: &[f64],
    m: usize,
    weights: &[Vec<f64>],
) -> (Vec<f32>, Vec<Vec<f32>>) {
    let (theta, samples, mut tape) = (rounded(theta), rounded(samples), Tape::default());
    let mut predictions = vec![0.0; m * network.outputs()];
    let pass = Pass { level: Level::detect(), theta: &theta, inputs: &samples };
    network.in_precision::<f32>().forward(pass, &mut tape, &mut predictions);
    let gradient = |w: &Vec<f64>| {
        let mut gradient = vec![0.0; theta.len()];
        network.in_precision::<f32>().backward(pass, &mut tape, &rounded(w), &mut gradient);
        gradient
    };
    (predictions, weights.iter().map(gradient).collect())
}

/// The distance relative to the size of what was expected.
fn error(found: &[f32], expected: &[f64]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let distance = square(&mut found.iter().zip(expected).map(|(f, e)| f64::from(*f) - e));
    (distance / square(&mut expected.iter().copied())).sqrt()
}

fn with_wide_vgg() -> Vec<(FeedForward, Vec<f64>)> {
    let image = Shape { channels: 3, height: 32, width: 32 };
    let vgg = network("vgg", &[("depth", Value::Integer(11)), ("width", Value::Integer(8))], 10, image);
    let samples = normals(9, 4 * image.values());
    let mut all = networks();
    all.push((vgg, samples));
    all
}

#[test]
fn an_adapter_is_found() {
    assert!(device().to_string().starts_with("wgpu, "));
}

#[test]
fn predictions_and_gradients_are_those_of_the_processor() {
    let device = device();
    for (network, samples) in with_wide_vgg() {
        let m = samples.len() / network.input().values();
        let theta: Vec<f64> = rounded(&start(&network)).into_iter().map(f64::from).collect();
        let samples: Vec<f64> = rounded(&samples).into_iter().map(f64::from).collect();
        let c = network.outputs();
        // Twice the same ones, and others.
        let [first, other] = [6, 7].map(|seed| normals(seed, m * c));
        let weights: Vec<Vec<f64>> = [&first, &first, &other]
            .map(|w| rounded(w).into_iter().map(f64::from).collect::<Vec<f64>>())
            .to_vec();
        let (mut tape, mut predictions) = (Tape::default(), vec![0.0; m * c]);
        network.forward(
            Pass { level: Level::detect(), theta: &theta, inputs: &samples },
            &mut tape,
            &mut predictions,
        );
        let placed = device.place(network.clone());
        let (found, gradients) = passes(&*placed, &theta, &samples, m, &weights);
        let mut errors = vec![error(&found, &predictions)];
        for (found, w) in gradients.iter().zip(&weights) {
            let mut expected = vec![0.0; theta.len()];
            network.backward(
                Pass { level: Level::detect(), theta: &theta, inputs: &samples },
                &mut tape,
                w,
                &mut expected,
            );
            errors.push(error(found, &expected));
        }
        assert!(errors.iter().all(|error| *error < TOLERANCE), "{errors:?} {network:?}");
        assert_eq!(gradients[0], gradients[1], "a pass backwards may be asked for again");
    }
}

#[test]
fn float64_stays_on_the_processor() {
    let (network, samples) = networks().swap_remove(0);
    let (theta, m) = (start(&network), samples.len() / network.input().values());
    let mut expected = vec![0.0; m * network.outputs()];
    let mut found = expected.clone();
    network.forward(
        Pass { level: Level::detect(), theta: &theta, inputs: &samples },
        &mut Tape::default(),
        &mut expected,
    );
    let placed = device().place(network);
    let pass = Pass { level: Level::detect(), theta: &theta, inputs: &samples };
    placed.in_precision::<f64>().forward(pass, &mut Tape::default(), &mut found);
    assert_eq!(found, expected);
}

#[test]
fn a_parameter_that_is_not_finite_is_never_hidden() {
    let settings = [("channels", numbers(&[3.0, 4.0])), ("pooling", text("maximum"))];
    let network = network("cnn", &settings, 2, Shape { channels: 1, height: 6, width: 6 });
    let (theta, samples) = (start(&network), normals(3, 2 * 36));
    let placed = device().place(network);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut theta = theta.clone();
        theta[4] = bad;
        let (predictions, _) = passes(&*placed, &theta, &samples, 2, &[]);
        assert!(predictions.iter().all(|f| f.is_nan()), "{bad} {predictions:?}");
    }
}

/// A few epochs with everything that a step may have.
fn trained(network: &FeedForward, device: &OpenDevice, threads: usize) -> Vec<Replica> {
    let (n, values) = (24, network.input().values());
    let y = (0..2 * n).map(|k| f64::from(u8::from(k / 2 % 2 == k % 2))).collect();
    let problem = Problem::with_outputs(normals(4, n * values), y, 2).unwrap();
    let batch = Batch::Size(8);
    let dynamics = GradientDescent { batch, momentum: 0.5, ..GradientDescent::new(STEPS, 0.02) };
    let noise = LabelNoise {
        std: 0.1,
        lambda: None,
        labels: Labels::Batch,
        distribution: LabelDistribution::Gaussian,
    };
    let model = ModelSpec::of_network(device.place(network.clone()), 3);
    let process = Process::new(problem, model, dynamics).noise(Noise::sample(noise));
    let ensemble = Ensemble::new(process).unwrap().seed(4).precision(Precision::F32).at(Recording::Every(10));
    let ensemble = ensemble.replicas(4).unwrap().record(["train_loss"]).unwrap();
    ensemble.run_on(threads, &()).unwrap().replicas().to_vec()
}

const STEPS: u64 = 40;

#[test]
fn training_on_a_device_follows_the_processor_whatever_the_threads() {
    let settings = [("channels", numbers(&[4.0, 5.0])), ("activation", text("gelu"))];
    let network = network("cnn", &settings, 2, Shape { channels: 1, height: 8, width: 8 });
    let expected = trained(&network, &OpenDevice::open(Device::Cpu).unwrap(), 1);
    let [found, again] = [1, 2].map(|threads| trained(&network, &device(), threads));
    for ((found, again), expected) in found.iter().zip(&again).zip(&expected) {
        assert_eq!(found.theta, again.theta);
        assert!(error(&rounded(&found.theta), &expected.theta) < TOLERANCE);
        assert!(error(&rounded(&found.rows), &expected.rows) < TOLERANCE);
    }
}
