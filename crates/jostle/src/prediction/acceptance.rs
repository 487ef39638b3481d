//! Predictions beside ensembles, over settings drawn at random: right within what they say of themselves, or none.

use super::*;
use crate::dynamics::{Batch, Dynamics, GradientDescent, Sampling, Schedule};
use crate::ensemble::setup::Setup;
use crate::ensemble::{Recording, Replica, Unit, run_unit};
use crate::float::Precision;
use crate::linear_algebra::{Columns, product};
use crate::model::{LinkKind, ModelSpec, Power, Product, Square};
use crate::noise::{LabelDistribution, LabelNoise, Labels, Noise};
use crate::observable::REGISTRY;
use crate::process::Start as Begin;
use crate::random::{Draws, Purpose};
use crate::simd::Level;
use rayon::prelude::*;
use std::sync::Arc;

const REPLICAS: u32 = 200;
const NAMES: [&str; 3] = ["test_error", "train_loss", "l1_norm"];
/// Standard errors that a mean of 200 or more replicas may be off by, in some thousand comparisons.
const ERRORS: f64 = 4.5;

/// Numbers drawn for one setting, one after the other.
struct Dice {
    draws: Vec<f64>,
}

impl Dice {
    fn new(seed: u64) -> Self {
        let mut draws = vec![0.0; 40];
        Draws::new(seed, &[77], 0).normals(Purpose::TRUTH, &mut draws);
        Self { draws }
    }

    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        let z = self.draws.pop().expect("enough draws");
        (0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)).min(1.0 - 1e-12)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    fn log_between(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[(self.uniform() * of.len() as f64) as usize].clone()
    }
}

/// A problem (n from 4 to 20, d from 3 to 40, n < d or n > d) whose columns have a spectrum, with exact or noisy labels.
fn problem(dice: &mut Dice, seed: u64, signed: bool) -> Problem {
    let (n, dim) = (dice.between(4.0, 20.0) as usize, dice.between(3.0, 40.0) as usize);
    let decay = dice.one_of(&[0.0, 0.0, 0.5, 1.0]);
    let noise = dice.one_of(&[0.0, 0.0, 0.3]);
    let mut draws = vec![0.0; n * (dim + 1)];
    Draws::new(seed, &[78], 0).normals(Purpose::DESIGN, &mut draws);
    let (x, labels) = draws.split_at(n * dim);
    let scale = |j: usize| f64::powf(1.0 + j as f64 / 3.0, -decay);
    let x: Vec<f64> = x.iter().enumerate().map(|(k, x)| x * scale(k % dim)).collect();
    let mut truth = vec![0.0; dim];
    for (k, value) in [1.0, 0.5, 1.5].into_iter().enumerate().take(dim.min(3)) {
        truth[k * dim / 3] = if signed && k == 1 { -value } else { value };
    }
    let y = product(&x, dim, &truth).iter().zip(labels).map(|(f, e)| f + noise * e).collect();
    Problem::new(x, y, Some(truth)).unwrap()
}

/// The largest eigenvalue of `X diag(D) X' / n` at the start or at the truth, and the trace.
fn curvature(problem: &Problem, init: f64, signed: bool) -> (f64, f64) {
    let columns = Columns::new(problem.x(), problem.dim());
    let n = problem.samples() as f64;
    let of = |slope: &[f64]| {
        let kernel = columns.gram(slope);
        (kernel.eigen().unwrap().values.last().copied().unwrap() / n, kernel.trace() / n)
    };
    let start = if signed { 2.0 } else { 1.0 } * init * init;
    let at_truth: Vec<f64> = problem.truth().unwrap().iter().map(|t| t.abs()).collect();
    let (a, b) = (of(&vec![start; problem.dim()]), of(&at_truth));
    (a.0.max(b.0), a.1.max(b.1))
}

fn setting(seed: u64) -> Setup {
    let mut dice = Dice::new(seed);
    let square = LinkKind::Square(Square);
    let link = dice.one_of(&[square, LinkKind::Power(Power { depth: 2 }), LinkKind::Product(Product)]);
    let signed = link != square;
    let problem = problem(&mut dice, seed, signed);
    let (n, init) = (problem.samples(), dice.log_between(0.1, 1.0));
    let momentum = dice.one_of(&[0.0, 0.0, 0.3, 0.5, 0.8, 0.9, 0.95, 0.99]);
    let mut model = ModelSpec::new(link, init);
    model.loss_factor *= dice.one_of(&[1.0, 1.0, 0.6, 2.0]);
    let multiple = model.rate().unwrap();
    let share = dice.log_between(0.01, 0.6);
    let (curvature, trace) = curvature(&problem, init, signed);
    let batch =
        dice.one_of(&[Batch::Full, Batch::Full, Batch::Size(1), Batch::Size(n / 2), Batch::Size(n - 1)]);
    let size = batch.size(n) as f64;
    let batches = matches!(batch, Batch::Size(_));
    let sampling = Sampling::with_replacement(dice.uniform() < 0.5);
    // Gradient descent is stable up to the first, and mini-batches drive their own noise from about the second on.
    let (stable, own) = ((1.0 + momentum) / curvature, (1.0 - momentum) * size / trace);
    let learning_rate = share / multiple * if batches { stable.min(own) } else { stable };
    let learning_rate = if dice.uniform() < 0.3 {
        let at = dice.between(200.0, 2000.0) as u64;
        Schedule::with_drops(learning_rate, vec![(at, dice.one_of(&[0.1, 0.3]))]).unwrap()
    } else {
        Schedule::constant(learning_rate)
    };
    let std = dice.log_between(0.03, 1.0);
    let labels = dice.one_of(&[Labels::One, Labels::Batch]);
    let distribution = dice.one_of(&[LabelDistribution::Gaussian, LabelDistribution::Rademacher]);
    let with_noise = !batches || dice.uniform() < 0.7;
    let label = Noise::sample(LabelNoise { std, lambda: None, labels, distribution });
    let descent =
        GradientDescent { learning_rate, batch, sampling, momentum, ..GradientDescent::new(3000, 0.0) };
    Setup {
        source: Source::Shared(Arc::new(problem)),
        start: Begin::default(),
        model,
        dynamics: descent.into(),
        noises: if with_noise { vec![label] } else { Vec::new() },
        recording: Recording::Log(12),
        quantities: NAMES.iter().map(|name| REGISTRY.iter().find(|o| o.name == *name).unwrap()).collect(),
        average_from: None,
        active: crate::observable::ActiveThreshold::default(),
        replicas: REPLICAS,
        seed: 0,
        precision: Precision::F64,
    }
}

/// The replicas of an ensemble with other random numbers than those that a prediction may have simulated.
fn simulate(cell: &Setup) -> Vec<Replica> {
    let cell = Setup { seed: 1, ..cell.clone() };
    run_unit(&cell.checked(), &Unit { replicas: 0..REPLICAS }, Level::detect(), &()).unwrap().replicas
}

/// By how much a prediction is off, relatively, beyond what chance allows: the worst of its observables and steps.
struct Off {
    text: String,
    beyond: f64,
}

fn off(cell: &Setup, found: &Prediction, replicas: &[Replica]) -> Off {
    let steps = cell.recording.steps(cell.dynamics.steps());
    let (width, count) = (NAMES.len(), replicas.len() as f64);
    let mut worst = Off { text: String::new(), beyond: 0.0 };
    let of_start = found.simulated.map_or(0.0, |s| 1.0 / f64::from(s.replicas));
    let diverged = replicas.iter().filter_map(|r| r.diverged).min();
    if let (Some(step), None, true) = (diverged, &found.outside, found.expansion.trust() < 1.0) {
        return Off { text: format!("a replica diverged at step {step}"), beyond: f64::INFINITY };
    }
    for (k, predicted) in found.rows.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        let values = replicas.iter().map(|r| r.rows[k]);
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.clone().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
        // Nor does a simulation know a mean that one replica makes.
        let carried = values.clone().fold(0.0, f64::max) > 0.1 * count * mean;
        if carried || diverged.is_some_and(|step| steps[k / width] >= step) {
            continue;
        }
        let error = (variance * (1.0 / count + of_start)).sqrt();
        let beyond = ((predicted - mean).abs() - ERRORS * error) / mean.abs().max(1e-12);
        if beyond.is_nan() || beyond > worst.beyond {
            let text = format!(
                "{} at step {}: {predicted:.4e} for {mean:.4e} +- {error:.1e}",
                NAMES[k % width],
                steps[k / width]
            );
            worst = Off { text, beyond: if beyond.is_nan() { f64::INFINITY } else { beyond } };
        }
    }
    worst
}

fn described(cell: &Setup) -> String {
    let (n, d) = (cell.source.samples(), cell.source.dim());
    let Dynamics::GradientDescent(g) = &cell.dynamics else { unreachable!("there are no others") };
    format!(
        "{} n={n} d={d} b={} {:?} {:?} {}",
        cell.model.form,
        g.momentum,
        g.batch,
        g.learning_rate,
        if cell.noises.is_empty() { "no label noise" } else { "" }
    )
}

/// Compares the settings of some seeds; the share that has predictions to the end.
fn compare(seeds: std::ops::Range<u64>) -> f64 {
    let one = |seed: u64| {
        let cell = setting(seed);
        let found = predict(&cell.checked(), 0, &()).unwrap().expect("nobody stops it");
        let off = off(&cell, &found, &simulate(&cell));
        let (trust, e) = (found.expansion.trust(), found.expansion);
        let line = format!(
            "{} {seed}: off {:.3}, trust {trust:.3} (step {:.3} variance {:.3} feedback {:.3} inertia {:.3} start {:.4}) {} {:?} {:?}; {}",
            if off.beyond > trust { "WRONG" } else { "right" },
            off.beyond,
            e.step_size,
            e.variance,
            e.feedback,
            e.inertia,
            e.start,
            described(&cell),
            found.simulated.map(|s| (s.steps, s.replicas)),
            found.outside,
            off.text,
        );
        // A trust of one or more says that there is no number to be relied on.
        (line, off.beyond <= trust || trust >= 1.0, found.outside.is_none())
    };
    let all: Vec<_> = seeds.into_par_iter().map(one).collect();
    let wrong: Vec<&str> = all.iter().filter(|(_, right, _)| !right).map(|(line, ..)| &line[..]).collect();
    for (line, ..) in &all {
        println!("{line}");
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    all.iter().filter(|(_, _, whole)| *whole).count() as f64 / all.len() as f64
}

#[test]
fn predictions_of_some_random_settings_are_right_within_their_trust() {
    assert!(compare(0..10) > 0.5);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn predictions_of_two_hundred_random_settings_are_right_within_their_trust() {
    assert!(compare(100..300) > 0.5);
}

/// A quadratic model of 20 samples with labels of standard deviation 0.3, as the underdamped starts of the audit.
fn underdamped(momentum: f64, learning_rate: Schedule) -> Setup {
    let mut dice = Dice::new(1);
    let problem = loop {
        let found = problem(&mut dice, 17, false);
        if found.dim() > found.samples() {
            break found;
        }
    };
    let (labels, distribution) = (Labels::One, LabelDistribution::Gaussian);
    let label = LabelNoise { std: 0.3, lambda: None, labels, distribution };
    let descent = GradientDescent { learning_rate, momentum, ..GradientDescent::new(6000, 0.0) };
    Setup {
        source: Source::Shared(Arc::new(problem)),
        model: ModelSpec::new(LinkKind::Square(Square), 0.5),
        dynamics: descent.into(),
        noises: vec![Noise::sample(label)],
        recording: Recording::Log(20),
        ..setting(3)
    }
}

#[test]
fn underdamped_starts_are_simulated_until_the_flow_follows() {
    for (momentum, rate) in [(0.8, 0.01), (0.9, 0.01), (0.99, 0.0005)] {
        let drops = Schedule::with_drops(rate, vec![(3000, 0.1)]).unwrap();
        let cell = underdamped(momentum, drops);
        let found = predict(&cell.checked(), 0, &()).unwrap().unwrap();
        let simulated = found.simulated.unwrap();
        assert_eq!((simulated.cause, found.outside.clone()), (Cause::Momentum, None));
        assert!(simulated.steps < 3000, "{simulated:?}");
        let (off, trust) = (off(&cell, &found, &simulate(&cell)), found.expansion.trust());
        assert!(
            off.beyond < trust && trust < 0.5,
            "{momentum}: {} beyond, trust {trust}: {}",
            off.beyond,
            off.text
        );
    }
}
