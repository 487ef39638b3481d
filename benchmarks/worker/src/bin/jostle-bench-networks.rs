//! jostle as one of the programs that `benchmarks/networks.py` compares: one measurement of a network's kernel, or of a step
//! of training.
//!
//! `jostle-bench-networks kernel|layers|training FOLDER f32|f64` reads what `networks.py` writes, and prints one JSON line;
//! `layers` is `kernel` with the geometry of every layer.

#[path = "../clock.rs"]
mod clock;

use clock::Stopwatch;
use jostle::geometry::{Geometry, KernelRequest, LayerGeometry};
use jostle::model::{Model, Pass, Passes, Tape};
use jostle::setting::{Settings, Value};
use jostle::{Float, Level};
use jostle_nets::{ENTRIES, FeedForward, NetworkKernel, Shape};
use serde::Deserialize;
use serde_json::json;
use std::error::Error;
use std::fs;
use std::path::Path;

/// What may be held: well below the 1.5 GB that the comparison allows.
const MEMORY: usize = 1 << 30;

/// Samples of a step of training.
const BATCH: usize = 64;

#[derive(Deserialize)]
struct Workload {
    network: String,
    samples: usize,
    outputs: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, precision] = &arguments[..] else {
        return Err("usage: jostle-bench-networks kernel|layers|training FOLDER f32|f64".into());
    };
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let folder = Path::new(folder);
    let Workload { network, samples, outputs } =
        serde_json::from_str(&fs::read_to_string(folder.join("workload.json"))?)?;
    let [theta, inputs, targets] =
        [read(folder, "theta.f64")?, read(folder, "inputs.f64")?, read(folder, "targets.f64")?];
    let entry = ENTRIES.iter().find(|entry| entry.kind == network).ok_or("no such network")?;
    let settings = Settings::check(entry, &[("init", Value::Text("pytorch".into()))])?;
    let image = Shape { channels: 3, height: 32, width: 32 };
    let network = FeedForward::from_settings(&network, &settings, image.values(), outputs, Some(image))?;
    assert_eq!(inputs.len(), samples * image.values());
    let answer = match (what.as_str(), precision.as_str()) {
        ("kernel" | "layers", "f32") => kernel::<f32>(&network, &theta, &inputs, &targets, what == "layers")?,
        ("kernel" | "layers", "f64") => kernel::<f64>(&network, &theta, &inputs, &targets, what == "layers")?,
        ("training", "f32") => training::<f32>(&network, &theta, &inputs, &targets),
        ("training", "f64") => training::<f64>(&network, &theta, &inputs, &targets),
        _ => return Err("kernel, layers or training, in f32 or f64".into()),
    };
    println!("{answer}");
    Ok(())
}

fn read(folder: &Path, name: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = fs::read(folder.join(name))?;
    let (numbers, _) = bytes.as_chunks::<8>();
    Ok(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
}

fn kernel<F: Float>(
    network: &FeedForward,
    theta: &[f64],
    inputs: &[f64],
    targets: &[f64],
    has_layers: bool,
) -> Result<serde_json::Value, Box<dyn Error>> {
    let measure = |samples: usize| -> Result<_, Box<dyn Error>> {
        let (inputs, targets) =
            (&inputs[..samples * network.input().values()], &targets[..samples * network.outputs()]);
        let mut residuals = predictions::<F>(network, theta, inputs);
        residuals.iter_mut().zip(targets).for_each(|(f, y)| *f -= y);
        let request = KernelRequest { has_layers, ..KernelRequest::new(theta, inputs, &residuals) };
        let kernel = NetworkKernel::<F>::new(network, &request, MEMORY);
        let geometry = Geometry::measure(&kernel, &residuals)?;
        let layers = LayerGeometry::measure(&kernel, &residuals)?;
        Ok((kernel, geometry, layers))
    };
    measure(4)?;
    let before = most_memory();
    let watch = Stopwatch::start();
    let (kernel, geometry, layers) = measure(targets.len() / network.outputs())?;
    let (_, seconds) = watch.seconds();
    let layer = |l: &LayerGeometry| {
        json!({
            "name": l.name, "trace_G": l.geometry.curvature.trace, "frobenius_G": l.geometry.curvature.frobenius,
            "lambda_max_G": l.geometry.curvature.lambda_max, "trace_noise": l.geometry.uncentred.trace,
        })
    };
    Ok(json!({
        "seconds": seconds,
        "extra_megabytes": most_memory() - before,
        "flops": 2.0 * kernel.plan().multiply_adds,
        "forecast_megabytes": (kernel.plan().bytes + kernel.plan().bytes_of_a_thread) / 1e6,
        "methods": kernel.plan().layers.iter().map(|l| format!("{:?}", l.method)).collect::<Vec<_>>(),
        "trace_G": geometry.curvature.trace,
        "frobenius_G": geometry.curvature.frobenius,
        "lambda_max_G": geometry.curvature.lambda_max,
        "trace_noise_G": geometry.uncentred.trace_with_curvature,
        "trace_noise_G_centred": geometry.centred.trace_with_curvature,
        "alignment": geometry.uncentred.alignment,
        "layers": layers.iter().map(layer).collect::<Vec<_>>(),
    }))
}

fn predictions<F: Float>(network: &FeedForward, theta: &[f64], inputs: &[f64]) -> Vec<f64> {
    let theta: Vec<F> = theta.iter().map(|t| F::of(*t)).collect();
    let (mut tape, mut out) = (Tape::default(), Vec::new());
    for inputs in inputs.chunks(BATCH * network.input().values()) {
        let inputs: Vec<F> = inputs.iter().map(|x| F::of(*x)).collect();
        let count = inputs.len() / network.input().values() * network.outputs();
        let mut predictions = vec![F::default(); count];
        network.forward(
            Pass { level: Level::detect(), theta: &theta, inputs: &inputs },
            &mut tape,
            &mut predictions,
        );
        out.extend(predictions.iter().map(|f| Into::<f64>::into(*f)));
    }
    out
}

/// Megabytes that the process has held at most.
fn most_memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    let kilobytes: f64 =
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(f64::NAN);
    kilobytes / 1024.0
}

fn training<F: Float>(
    network: &FeedForward,
    theta: &[f64],
    inputs: &[f64],
    targets: &[f64],
) -> serde_json::Value {
    let narrow = |values: &[f64]| values.iter().map(|v| F::of(*v)).collect::<Vec<F>>();
    let (mut theta, targets) = (narrow(theta), narrow(&targets[..BATCH * network.outputs()]));
    let inputs = narrow(&inputs[..BATCH * network.input().values()]);
    let (mut tape, mut gradient) = (Tape::default(), vec![F::default(); theta.len()]);
    let mut weights = targets.clone();
    let mut times = Vec::new();
    for step in 0..10 {
        let watch = Stopwatch::start();
        network.forward(
            Pass { level: Level::detect(), theta: &theta, inputs: &inputs },
            &mut tape,
            &mut weights,
        );
        for (weight, target) in weights.iter_mut().zip(&targets) {
            *weight = (*weight - *target) * F::of(1.0 / BATCH as f64);
        }
        network.backward(
            Pass { level: Level::detect(), theta: &theta, inputs: &inputs },
            &mut tape,
            &weights,
            &mut gradient,
        );
        theta.iter_mut().zip(&gradient).for_each(|(t, g)| *t -= F::of(0.01) * *g);
        if step >= 3 {
            times.push(watch.seconds().1);
        }
    }
    times.sort_by(f64::total_cmp);
    json!({ "seconds": times[times.len() / 2] })
}
