//! The slow flow against ensembles that are simulated, on the data of the released code.

mod released;

use jostle::dynamics::{Batch, GradientDescent, Schedule};
use jostle::ensemble::{Ensemble, Recording, Replica};
use jostle::model::{LinkKind, ModelSpec, Power, Product, Square};
use jostle::noise::{LabelDistribution, LabelNoise, Labels, Noise};
use jostle::observable::REGISTRY;
use jostle::prediction::Prediction;
use jostle::process::Process;

const SQUARE: LinkKind = LinkKind::Square(Square);

fn label(std: f64, labels: Labels) -> Noise {
    let distribution = LabelDistribution::Gaussian;
    Noise::sample(LabelNoise { std, lambda: None, labels, distribution })
}

fn one() -> Noise {
    label(1.0, Labels::One)
}

fn descent(steps: u64) -> GradientDescent {
    GradientDescent::new(steps, 0.01)
}

fn cell(link: LinkKind, dynamics: GradientDescent, noise: Noise, every: u64, replicas: u32) -> Ensemble {
    let process = Process::new(released::data(), ModelSpec::new(link, 1.0), dynamics).noise(noise);
    let expected = REGISTRY.iter().filter(|observable| observable.expect.is_some());
    let ensemble = Ensemble::new(process).unwrap().at(Recording::Every(every)).replicas(replicas).unwrap();
    ensemble.record(expected.map(|observable| observable.name)).unwrap()
}

fn simulate(cell: &Ensemble) -> Vec<Replica> {
    cell.run().replicas().to_vec()
}

fn predict(cell: &Ensemble) -> Prediction {
    jostle::prediction::predict(cell, 0, &()).unwrap().expect("nobody stops it")
}

/// Prediction, mean and standard error of an observable at a recorded step.
struct Beside {
    predicted: f64,
    mean: f64,
    error: f64,
}

fn beside(cell: &Ensemble, prediction: &Prediction, replicas: &[Replica], name: &str, step: u64) -> Beside {
    let quantities = &cell.protocol().quantities;
    let width = quantities.len();
    let column = quantities.iter().position(|observable| observable.name == name).unwrap();
    let steps = cell.protocol().recording.steps(cell.process().dynamics.steps());
    let at = width * steps.iter().position(|recorded| *recorded == step).unwrap() + column;
    let count = replicas.len() as f64;
    let mean = replicas.iter().map(|replica| replica.rows[at]).sum::<f64>() / count;
    let squares: f64 = replicas.iter().map(|replica| (replica.rows[at] - mean).powi(2)).sum();
    Beside { predicted: prediction.rows[at], mean, error: (squares / (count - 1.0) / count).sqrt() }
}

/// Every observable at the given steps within a share of the mean, and four standard errors of it.
fn check(what: &str, cell: &Ensemble, steps: &[u64], share: f64) {
    let (prediction, replicas) = (predict(cell), simulate(cell));
    assert_eq!(prediction.outside, None, "{what}");
    for step in steps {
        for observable in &cell.protocol().quantities {
            let Beside { predicted, mean, error } =
                beside(cell, &prediction, &replicas, observable.name, *step);
            assert!(
                (predicted - mean).abs() <= share * mean.abs() + 4.0 * error,
                "{what}, {} at step {step}: {predicted} against {mean} ({error})",
                observable.name
            );
        }
    }
}

#[test]
fn the_test_error_is_predicted_to_two_per_cent_on_its_way_down() {
    let cell = cell(SQUARE, descent(30_000), one(), 1000, 128);
    let (prediction, replicas) = (predict(&cell), simulate(&cell));
    for step in [1000, 3000, 10_000, 30_000] {
        let Beside { predicted, mean, error } = beside(&cell, &prediction, &replicas, "test_error", step);
        assert!(error < 0.01 * mean, "the ensemble resolves it");
        assert!((predicted / mean - 1.0).abs() < 0.02, "{step}: {predicted} against {mean} ({error})");
    }
}

#[test]
fn every_observable_of_every_model_and_noise_is_predicted() {
    let signed = LinkKind::Power(Power { depth: 2 });
    let momentum = GradientDescent { momentum: 0.9, ..GradientDescent::new(10_000, 0.001) };
    check("w^2", &cell(SQUARE, descent(10_000), one(), 1000, 32), &[1000, 3000, 10_000], 0.02);
    check("u^2 - v^2", &cell(signed, descent(10_000), one(), 1000, 32), &[1000, 3000, 10_000], 0.03);
    let product = cell(LinkKind::Product(Product), descent(10_000), one(), 1000, 32);
    check("a * b", &product, &[1000, 10_000], 0.03);
    check("momentum", &cell(SQUARE, momentum, one(), 1000, 32), &[1000, 3000, 10_000], 0.02);
    let all = cell(SQUARE, descent(10_000), label(6.0, Labels::Batch), 1000, 32);
    check("all labels", &all, &[1000, 3000, 10_000], 0.02);
    let rademacher = LabelNoise {
        std: 1.0,
        lambda: None,
        labels: Labels::One,
        distribution: LabelDistribution::Rademacher,
    };
    let signs = cell(SQUARE, descent(10_000), Noise::sample(rademacher), 1000, 32);
    check("signs", &signs, &[3000, 10_000], 0.02);
}

#[test]
fn drops_of_the_step_size_are_followed() {
    let learning_rate = Schedule::with_drops(0.01, vec![(5000, 0.1), (8000, 0.1)]).unwrap();
    let dynamics = GradientDescent { learning_rate, ..descent(10_000) };
    check("drops", &cell(SQUARE, dynamics, one(), 1000, 64), &[5000, 7000, 8000, 10_000], 0.03);
}

#[test]
fn mini_batches_are_predicted_after_the_steps_that_are_simulated() {
    let small = GradientDescent { batch: Batch::Size(1), ..GradientDescent::new(30_000, 0.003) };
    check("single samples", &cell(SQUARE, small, one(), 1000, 64), &[3000, 10_000, 30_000], 0.02);
    let large = GradientDescent { batch: Batch::Size(1), ..descent(30_000) };
    check("large steps", &cell(SQUARE, large, one(), 1000, 64), &[3000, 10_000, 30_000], 0.06);
    let four = GradientDescent {
        batch: Batch::Size(4),
        sampling: jostle::dynamics::Sampling::WITHOUT_REPLACEMENT,
        ..descent(10_000)
    };
    let noise = label(1.0, Labels::Batch);
    check("batches of four", &cell(SQUARE, four, noise, 1000, 64), &[3000, 10_000], 0.03);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn the_released_schedule_and_a_constant_step_size_are_predicted_to_their_end() {
    let learning_rate = Schedule::with_drops(0.01, vec![(100_000, 0.1), (200_000, 0.1)]).unwrap();
    let dynamics = GradientDescent { learning_rate, ..descent(300_000) };
    let steps = [30_000, 100_000, 200_000, 300_000];
    for (what, cell) in [
        ("constant", cell(SQUARE, descent(300_000), one(), 10_000, 128)),
        ("drops", cell(SQUARE, dynamics, one(), 10_000, 128)),
    ] {
        let (prediction, replicas) = (predict(&cell), simulate(&cell));
        for name in ["test_error", "train_loss", "l1_norm", "distance_to_truth", "noise_trace"] {
            for step in steps {
                let Beside { predicted, mean, error } = beside(&cell, &prediction, &replicas, name, step);
                let allowed = 0.02 * mean + 3.0 * error;
                assert!((predicted - mean).abs() < allowed, "{what}, {name} at {step}: {predicted}, {mean}");
            }
        }
    }
}
