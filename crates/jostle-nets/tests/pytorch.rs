//! Predictions and kernels against PyTorch's per-sample gradients on the same weights and images, made by
//! `fixtures/make.py`.

use jostle::geometry::{KernelRequest, KernelSource};
use jostle::model::{Model, Pass, Passes, Tape, Tensor};
use jostle::setting::{Settings, Value};
use jostle::{Float, Level};
use jostle_nets::{ENTRIES, FeedForward, NetworkKernel, Shape};
use safetensors::SafeTensors;
use std::collections::BTreeMap;

/// Names a fixture that has just been made, for the comparison with PyTorch as it is installed.
const LIVE: &str = "JOSTLE_PYTORCH_FIXTURE";

/// Numbers in (-1, 1), as in `make.py`.
fn uniform(seed: u64, count: usize) -> impl Iterator<Item = f64> {
    (0..count as u64).map(move |k| {
        let mut z = (seed << 32).wrapping_add(k + 1).wrapping_mul(0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB);
        z ^= z >> 31;
        ((z >> 41) as f64 + 0.5) / 22f64.exp2() - 1.0
    })
}

fn network(kind: &str, given: &[(&str, Value)], outputs: usize, image: Shape) -> FeedForward {
    let entry = ENTRIES.iter().find(|entry| entry.kind == kind).unwrap();
    let settings = Settings::check(entry, given).unwrap();
    FeedForward::from_settings(kind, &settings, image.values(), outputs, Some(image)).unwrap()
}

fn numbers(values: &[f64]) -> Value {
    Value::Numbers(values.to_vec())
}

fn text(value: &str) -> Value {
    Value::Text(value.to_string())
}

fn image(channels: usize, height: usize, width: usize) -> Shape {
    Shape { channels, height, width }
}

/// The networks of `SMALL` in `make.py`.
fn small() -> Vec<(&'static str, FeedForward)> {
    let mlp = |widths: &[f64], activation, outputs| {
        let given = [("widths", numbers(widths)), ("activation", text(activation))];
        network("mlp", &given, outputs, Shape::vector(48))
    };
    let cnn = |channels: &[f64], activation, pooling, outputs, image| {
        let given =
            [("channels", numbers(channels)), ("activation", text(activation)), ("pooling", text(pooling))];
        network("cnn", &given, outputs, image)
    };
    vec![
        ("mlp-relu", mlp(&[20.0, 12.0], "relu", 10)),
        ("mlp-gelu", mlp(&[9.0, 7.0], "gelu", 3)),
        ("cnn-average-relu", cnn(&[5.0, 6.0, 7.0], "relu", "average", 10, image(3, 12, 10))),
        ("cnn-maximum-tanh", cnn(&[4.0, 6.0], "tanh", "maximum", 3, image(1, 9, 7))),
        ("vgg-11", vgg(11, 3)),
    ]
}

/// The networks of `LARGE` in `make.py`: the defaults.
fn large() -> Vec<(&'static str, FeedForward)> {
    vec![
        ("mlp-relu", network("mlp", &[], 10, image(3, 32, 32))),
        ("cnn-average-relu", network("cnn", &[], 10, image(3, 32, 32))),
        ("vgg-11", vgg(11, 64)),
        ("vgg-19", vgg(19, 64)),
    ]
}

fn vgg(depth: u64, width: u64) -> FeedForward {
    network(
        "vgg",
        &[("depth", Value::Integer(depth)), ("width", Value::Integer(width))],
        10,
        image(3, 32, 32),
    )
}

/// The tensors of a fixture.
fn read(bytes: &[u8]) -> BTreeMap<String, Vec<f64>> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let numbers = |bytes: &[u8]| bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    file.tensors().into_iter().map(|(name, view)| (name, numbers(view.data()))).collect()
}

/// The weights that `make.py` gives a network.
fn weights(network: &FeedForward) -> Vec<f64> {
    let mut values = uniform(1, network.num_params());
    let of_tensor = |Tensor { shape, .. }: Tensor| {
        let terms = if shape.len() > 1 { shape[1..].iter().product() } else { 4_usize };
        let scale = (6.0 / terms as f64).sqrt();
        let count = shape.iter().product();
        values.by_ref().take(count).map(|v| f64::from((v * scale) as f32)).collect::<Vec<_>>()
    };
    network.tensors().into_iter().flat_map(of_tensor).collect()
}

fn compare<F: Float>(
    name: &str,
    network: &FeedForward,
    fixture: &BTreeMap<String, Vec<f64>>,
    tolerance: f64,
) {
    let theta = weights(network);
    let mut rest = &theta[..];
    for Tensor { name: parameter, shape } in network.tensors() {
        let (tensor, behind) = rest.split_at(shape.iter().product());
        let shape: Vec<_> = shape.iter().map(usize::to_string).collect();
        let key = format!("{name}:{parameter}:{}", shape.join("x"));
        let sum = fixture.get(&key).unwrap_or_else(|| panic!("PyTorch's module has no {key}"))[0];
        let size: f64 = tensor.iter().map(|t| t.abs()).sum();
        assert!((tensor.iter().sum::<f64>() - sum).abs() < 1e-12 * size, "{key}");
        rest = behind;
    }

    let (expected, predictions) =
        (&fixture[&format!("{name}.kernel")], &fixture[&format!("{name}.predictions")]);
    let (outputs, samples) = (network.outputs(), predictions.len() / network.outputs());
    let inputs: Vec<f64> = uniform(2, samples * network.input().values()).collect();
    let rounded = |values: &[f64]| values.iter().map(|v| F::of(*v)).collect::<Vec<F>>();
    let mut found = vec![F::default(); predictions.len()];
    let mut tape = Tape::default();
    network.forward(
        Pass { level: Level::detect(), theta: &rounded(&theta), inputs: &rounded(&inputs) },
        &mut tape,
        &mut found,
    );
    let found: Vec<f64> = found.into_iter().map(Into::into).collect();
    close(&found, predictions, tolerance, &format!("predictions of {name}"));

    let zeros = vec![0.0; samples * outputs];
    let kernel = NetworkKernel::<F>::new(network, &KernelRequest::new(&theta, &inputs, &zeros), 1 << 32);
    let mut found = vec![0.0; expected.len()];
    kernel.block(0..samples, 0..samples, &mut found);
    close(&found, expected, tolerance, &format!("kernel of {name}"));
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let error = found.iter().zip(expected).fold(0.0f64, |most, (f, e)| most.max((f - e).abs()));
    assert!(error <= tolerance * largest, "{what}: {error:e} of {largest:e}");
}

#[test]
fn kernels_are_those_of_pytorchs_gradients() {
    let fixture = read(include_bytes!("../fixtures/pytorch.safetensors"));
    for (name, network) in small() {
        compare::<f64>(name, &network, &fixture, 1e-10);
        compare::<f32>(name, &network, &fixture, 1e-5);
    }
}

#[test]
#[ignore = "slow, and needs PyTorch: run by cargo xtask pytorch"]
fn kernels_are_those_of_pytorch_as_it_is_installed() {
    let Some(path) = std::env::var_os(LIVE) else {
        eprintln!("{LIVE} names no fixture: cargo xtask pytorch makes one");
        return;
    };
    let fixture = read(&std::fs::read(path).unwrap());
    for (name, network) in large() {
        compare::<f64>(name, &network, &fixture, 1e-10);
        compare::<f32>(name, &network, &fixture, 1e-5);
    }
}
