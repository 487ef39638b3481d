//! What holds for every kind of network.

use crate::{Activation, ENTRIES, FeedForward, Pool, Shape, build};
use jostle::model::{Model, Pass, Passes, Tape};
use jostle::random::Draws;
use jostle::setting::{Settings, Value};
use jostle::{Float, Level};

const IMAGE: Shape = Shape { channels: 2, height: 9, width: 7 };

/// A network of a kind of [`ENTRIES`] with its defaults where nothing else is given.
pub(crate) fn network(kind: &str, given: &[(&str, Value)], outputs: usize, image: Shape) -> FeedForward {
    let entry = ENTRIES.iter().find(|entry| entry.kind == kind).unwrap();
    let settings = Settings::check(entry, given).unwrap();
    FeedForward::from_settings(kind, &settings, image.values(), outputs, Some(image)).unwrap()
}

pub(crate) fn numbers(values: &[f64]) -> Value {
    Value::Numbers(values.to_vec())
}

pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.to_string())
}

pub(crate) fn normals(seed: u64, length: usize) -> Vec<f64> {
    let mut out = vec![0.0; length];
    Draws::new(seed, &[0], 0).normals(jostle::random::Purpose::DESIGN, &mut out);
    out
}

/// One network of every kind of layer, and samples for it.
pub(crate) fn networks() -> Vec<(FeedForward, Vec<f64>)> {
    let mut networks = Vec::new();
    for activation in Activation::NAMES {
        for pooling in ["average", "maximum"] {
            let settings = [
                ("channels", numbers(&[3.0, 5.0, 4.0])),
                ("activation", text(activation)),
                ("pooling", text(pooling)),
            ];
            networks.push(network("cnn", &settings, 3, IMAGE));
        }
        let settings = [("widths", numbers(&[11.0, 6.0])), ("activation", text(activation))];
        networks.push(network("mlp", &settings, 3, IMAGE));
    }
    let image = Shape { channels: 3, height: 32, width: 32 };
    networks.push(network("vgg", &[("depth", Value::Integer(11)), ("width", Value::Integer(2))], 2, image));
    networks.into_iter().map(|n| (n.clone(), normals(5, 3 * n.input().values()))).collect()
}

pub(crate) fn start(network: &FeedForward) -> Vec<f64> {
    network.initial(&Draws::new(7, &[0], 0))
}

/// Predictions, and the gradient for some weights.
fn passes<F: Float>(network: &FeedForward, level: Level, theta: &[f64], samples: &[f64]) -> (Vec<F>, Vec<F>) {
    let [theta, samples] = [theta, samples].map(|v| v.iter().map(|v| F::of(*v)).collect::<Vec<F>>());
    let m = samples.len() / network.input().values();
    let mut predictions = vec![F::default(); m * network.outputs()];
    let mut gradient = vec![F::default(); theta.len()];
    let weights: Vec<F> = normals(6, predictions.len()).iter().map(|w| F::of(*w)).collect();
    let mut tape = Tape::default();
    network.forward(Pass { level, theta: &theta, inputs: &samples }, &mut tape, &mut predictions);
    network.backward(Pass { level, theta: &theta, inputs: &samples }, &mut tape, &weights, &mut gradient);
    (predictions, gradient)
}

#[test]
fn the_gradient_is_that_of_the_predictions() {
    for (network, samples) in networks() {
        let mut theta = start(&network);
        // Biases too, so that no unit sits at a kink.
        let shifts = normals(8, theta.len());
        theta.iter_mut().zip(shifts).for_each(|(t, shift)| *t += 0.05 * shift);
        let (predictions, gradient) = passes::<f64>(&network, Level::detect(), &theta, &samples);
        let weights = normals(6, predictions.len());
        let value = |theta: &[f64]| -> f64 {
            let (predictions, _) = passes::<f64>(&network, Level::detect(), theta, &samples);
            predictions.iter().zip(&weights).map(|(f, w)| f * w).sum()
        };
        let size = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let probes = theta.len().min(60);
        let last = theta.len() - 1;
        for k in (0..probes).map(|k| k * last / (probes - 1)) {
            let mut at = |shift: f64| {
                let kept = theta[k];
                theta[k] += shift;
                let value = value(&theta);
                theta[k] = kept;
                value
            };
            let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
            let error = (difference - gradient[k]).abs() / size;
            assert!(error < 1e-8, "{network:?}, parameter {k}: {difference} {}", gradient[k]);
        }
    }
}

#[test]
fn float32_follows_float64() {
    for (network, samples) in networks() {
        let theta = start(&network);
        let (predictions, gradient) = passes::<f64>(&network, Level::detect(), &theta, &samples);
        let (single, single_gradient) = passes::<f32>(&network, Level::detect(), &theta, &samples);
        for (exact, rounded) in [(predictions, single), (gradient, single_gradient)] {
            let difference: f64 = exact.iter().zip(&rounded).map(|(e, r)| (e - f64::from(*r)).powi(2)).sum();
            let size: f64 = exact.iter().map(|e| e * e).sum();
            assert!(difference.sqrt() < 2e-6 * size.sqrt(), "{network:?}: {}", (difference / size).sqrt());
        }
    }
}

#[test]
fn bits_depend_neither_on_the_level_nor_on_the_other_samples() {
    for (network, samples) in networks() {
        let theta = start(&network);
        let values = network.input().values();
        let (predictions, gradient) = passes::<f32>(&network, Level::detect(), &theta, &samples);
        for level in Level::available() {
            let found = passes::<f32>(&network, level, &theta, &samples);
            assert_eq!(found, (predictions.clone(), gradient.clone()), "{level} {network:?}");
            let alone = passes::<f32>(&network, level, &theta, &samples[values..2 * values]).0;
            assert_eq!(alone, predictions[alone.len()..2 * alone.len()], "{level} {network:?}");
        }
    }
}

#[test]
fn vgg_has_the_layers_of_its_paper() {
    let image = Shape { channels: 3, height: 32, width: 32 };
    for (depth, params) in [(11, 9_225_610), (13, 9_410_122), (16, 14_719_818), (19, 20_029_514)] {
        let vgg = network("vgg", &[("depth", Value::Integer(depth))], 10, image);
        assert_eq!((vgg.layers().len() + 2, vgg.num_params()), (depth as usize, params));
        let names: Vec<_> = vgg.layers().iter().map(|layer| layer.name.as_str()).collect();
        if depth == 11 {
            let numbers = [0, 3, 6, 8, 11, 13, 16, 18].map(|k| format!("features.{k}"));
            assert_eq!(names, [numbers.as_slice(), &["classifier".to_string()]].concat());
        }
    }
    let pooled = network("cnn", &[], 10, image);
    assert_eq!(pooled.layers()[2].pool, Pool::Average([8, 8]));
    assert_eq!(pooled.num_params(), 56_970);
}

#[test]
fn starts_have_the_sizes_that_they_promise() {
    for (init, weight, bias) in [("he", (2.0 / 300.0f64).sqrt(), 0.0), ("pytorch", 1.0 / 900f64.sqrt(), 1.0)]
    {
        let image = Shape { channels: 300, height: 1, width: 1 };
        let network = network("mlp", &[("widths", numbers(&[400.0])), ("init", text(init))], 1, image);
        let theta = start(&network);
        let (weights, biases) = (&theta[..120_000], &theta[120_000..120_400]);
        let deviation = (weights.iter().map(|w| w * w).sum::<f64>() / 120_000.0).sqrt();
        // Six standard errors of a standard deviation of normal numbers; of uniform ones it is smaller.
        assert!((deviation / weight - 1.0).abs() < 6.0 / 240_000f64.sqrt(), "{init}: {deviation} {weight}");
        let largest = biases.iter().fold(0.0f64, |most, b| most.max(b.abs())) * 300f64.sqrt();
        assert!(largest <= bias && largest >= 0.95 * bias, "{init}: {largest}");
        assert_eq!(theta, start(&network));
    }
}

#[test]
fn networks_that_do_not_fit_are_refused() {
    let refused = |kind: &str, given: &[(&str, Value)], image: Option<Shape>| {
        let entry = ENTRIES.iter().find(|entry| entry.kind == kind).unwrap();
        let settings = Settings::check(entry, given).unwrap();
        build(kind, &settings, 128, 10, image).unwrap_err().to_string()
    };
    let digits = Some(Shape { channels: 1, height: 8, width: 8 });
    assert_eq!(
        refused("vgg", &[], digits),
        "model.kind is \"vgg\", which needs images of 32 to 63 pixels a side; those of the problem have 8 x 8"
    );
    assert_eq!(
        refused("cnn", &[("channels", numbers(&[1.0; 65]))], digits),
        "model.kind is \"cnn\", which needs images of 18446744073709551615 or more pixels a side; those of the problem have 8 x 8"
    );
    assert_eq!(
        refused("cnn", &[("channels", numbers(&[4.0; 5]))], digits),
        "model.kind is \"cnn\", which needs images of 16 or more pixels a side; those of the problem have 8 x 8"
    );
    assert_eq!(
        refused("cnn", &[], None),
        "model.kind is \"cnn\", which needs images of 4 or more pixels a side; the samples of the problem are no images"
    );
    assert_eq!(
        refused("mlp", &[("widths", numbers(&[4.0, 2.5]))], None),
        "model.widths has the value 2.5; expected whole numbers, at least 1"
    );
    assert_eq!(
        refused("vgg", &[("depth", Value::Integer(12))], Some(Shape { channels: 3, height: 32, width: 32 })),
        "model.depth is 12; expected 11, 13, 16 or 19"
    );
}
