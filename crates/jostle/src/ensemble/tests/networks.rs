//! Networks as models of an ensemble, and where replicas begin.

use super::*;
use crate::dynamics::{Augment, Flow, RateUnit, Sampling};
use crate::ensemble::setup::Setup;
use crate::float::Float;
use crate::geometry::{DenseKernel, KernelRequest, KernelSource};
use crate::model::{Form, Loss, Model, Pass, Passes, Tape, Unit as Linear};
use crate::noise::{CovarianceShape, LabelFlip, OutputGradientNoise, ShapedNoise};
use crate::random::{Draws, Purpose};
use rayon::prelude::*;

/// `f = W x` with several outputs, trained as a network: what linear models can be compared with.
#[derive(Debug)]
struct Affine {
    dim: usize,
    outputs: usize,
}

impl<F: Float> Passes<F> for Affine {
    fn forward(&self, pass: Pass<'_, F>, _: &mut Tape<F>, out: &mut [F]) {
        let Pass { theta, inputs, .. } = pass;
        for (x, f) in inputs.chunks_exact(self.dim).zip(out.chunks_exact_mut(self.outputs)) {
            for (f, w) in f.iter_mut().zip(theta.chunks_exact(self.dim)) {
                *f = x.iter().zip(w).map(|(x, w)| *x * *w).sum();
            }
        }
    }
    fn backward(&self, pass: Pass<'_, F>, _: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        let Pass { inputs, .. } = pass;
        gradient.fill(F::default());
        for (x, w) in inputs.chunks_exact(self.dim).zip(weights.chunks_exact(self.outputs)) {
            for (g, w) in gradient.chunks_exact_mut(self.dim).zip(w) {
                g.iter_mut().zip(x).for_each(|(g, x)| *g += *w * *x);
            }
        }
    }
}

impl Model for Affine {
    fn dim(&self) -> usize {
        self.dim
    }
    fn num_params(&self) -> usize {
        self.dim * self.outputs
    }
    fn outputs(&self) -> usize {
        self.outputs
    }
    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        let mut theta = vec![0.0; self.num_params()];
        draws.normals(Purpose::INIT, &mut theta);
        theta
    }
    fn work_per_sample(&self) -> f64 {
        (2 * self.num_params()) as f64
    }
}

/// `f = sum_j theta_j^2 x_j`: the quadratic model as a network.
#[derive(Debug)]
struct Quadratic(usize);

impl<F: Float> Passes<F> for Quadratic {
    fn forward(&self, pass: Pass<'_, F>, _: &mut Tape<F>, out: &mut [F]) {
        let Pass { theta, inputs, .. } = pass;
        for (x, f) in inputs.chunks_exact(self.0).zip(out) {
            *f = x.iter().zip(theta).map(|(x, w)| *x * *w * *w).sum();
        }
    }
    fn backward(&self, pass: Pass<'_, F>, _: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        let Pass { theta, inputs, .. } = pass;
        gradient.fill(F::default());
        for (x, w) in inputs.chunks_exact(self.0).zip(weights) {
            for ((g, x), t) in gradient.iter_mut().zip(x).zip(theta) {
                *g += F::of(2.0) * *t * *w * *x;
            }
        }
    }
}

impl Model for Quadratic {
    fn dim(&self) -> usize {
        self.0
    }
    fn num_params(&self) -> usize {
        self.0
    }
    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        let mut theta = vec![1.0; self.0];
        draws.add_normals(Purpose::INIT, 0.1, &mut theta);
        theta
    }
    fn work_per_sample(&self) -> f64 {
        (2 * self.0) as f64
    }
}

fn data(samples: usize, dim: usize, outputs: usize) -> Problem {
    let draws = Draws::new(77, &[0], 0);
    let (mut x, mut y) = (vec![0.0; samples * dim], vec![0.0; samples * outputs]);
    draws.normals(Purpose::DESIGN, &mut x);
    draws.normals(Purpose::LABELS, &mut y);
    Problem::with_outputs(x, y, outputs).unwrap()
}

fn with(problem: Problem, model: ModelSpec, dynamics: GradientDescent, noises: Vec<Noise>) -> Setup {
    Setup {
        source: Source::Shared(Arc::new(problem)),
        start: Start::default(),
        model,
        dynamics: dynamics.into(),
        noises,
        recording: Recording::Every(10),
        quantities: vec![find("train_loss").unwrap()],
        active: crate::observable::ActiveThreshold::default(),
        average_from: None,
        replicas: 3,
        seed: 4,
        precision: Precision::F64,
    }
}

fn all(cell: Setup) -> Vec<Replica> {
    run_unit_of_all(&cell.check().unwrap())
}

fn affine(dim: usize, outputs: usize) -> ModelSpec {
    ModelSpec::of_network(Arc::new(Affine { dim, outputs }), 1)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// A linear model stepped by passes, from the same start and with the same draws, follows the path of the kernels.
#[test]
fn passes_take_the_steps_of_the_kernels_whatever_the_batch_and_the_noise() {
    let momentum = GradientDescent { momentum: 0.8, ..GradientDescent::new(60, 0.01) };
    let single = GradientDescent { batch: Batch::Size(1), ..GradientDescent::new(60, 0.01) };
    let few = GradientDescent {
        batch: Batch::Size(3),
        sampling: Sampling::WITHOUT_REPLACEMENT,
        ..GradientDescent::new(60, 0.01)
    };
    for dynamics in [GradientDescent::new(60, 0.01), momentum, single, few] {
        let isotropic = Noise::parameter(IsotropicNoise { std: 0.1, bypasses_momentum: false });
        let noises = vec![label_noise(0.5), isotropic];
        let origin = Origin::Points(vec![vec![0.25; 7].into()]);
        let run = |model: ModelSpec| {
            let cell = with(data(9, 7, 1), model, dynamics.clone(), noises.clone());
            all(Setup { start: Start { origin: origin.clone(), ..Start::default() }, ..cell })
        };
        let (passes, kernel) = (run(affine(7, 1)), run(ModelSpec::new(LinkKind::Unit(Linear), 0.0)));
        for (a, b) in passes.iter().zip(&kernel) {
            assert!(distance(&a.theta, &b.theta) < 1e-12, "{:?} {:?} {dynamics:?}", a.theta, b.theta);
            assert!(distance(&a.rows, &b.rows) < 1e-12);
        }
        assert_ne!(passes[0].theta, passes[1].theta);
    }
}

/// With several outputs every one of them is a problem of its own, if the batches are the same.
#[test]
fn outputs_are_trained_side_by_side() {
    let dynamics = GradientDescent { batch: Batch::Size(2), ..GradientDescent::new(50, 0.02) };
    let problem = data(8, 5, 3);
    let origin = |width: usize| Origin::Points(vec![vec![0.5; width].into()]);
    let start = |width| Start { origin: origin(width), ..Start::default() };
    let cell = with(problem.clone(), affine(5, 3), dynamics.clone(), Vec::new());
    let together = all(Setup { start: start(15), ..cell });
    for output in 0..3 {
        let y = problem.y().iter().skip(output).step_by(3).copied().collect();
        let alone = Problem::new(problem.x().to_vec(), y, None).unwrap();
        let cell = with(alone, affine(5, 1), dynamics.clone(), Vec::new());
        let alone = all(Setup { start: start(5), ..cell });
        for (whole, part) in together.iter().zip(&alone) {
            assert!(distance(&whole.theta[5 * output..][..5], &part.theta) < 1e-13);
        }
    }
}

#[test]
fn label_noise_in_several_outputs_has_the_variance_of_its_law() {
    // One step from zero residuals: theta moves by -eta J'w, with w = -2c eps_k of one of the n samples.
    let (n, std, rate) = (4, 0.7, 0.1);
    let problem = Problem::with_outputs(
        (0..n * n).map(|k| if k % (n + 1) == 0 { 1.0 } else { 0.0 }).collect(),
        vec![0.0; 2 * n],
        2,
    );
    let start = Start { origin: Origin::Points(vec![vec![0.0; 2 * n].into()]), ..Start::default() };
    let model = affine(n, 2);
    for (labels, expected) in [(Labels::One, 1.0 / n as f64), (Labels::Batch, 1.0 / (n * n) as f64)] {
        let distribution = LabelDistribution::Gaussian;
        let noise = Noise::sample(LabelNoise { std, lambda: None, labels, distribution });
        let cell = with(problem.clone().unwrap(), model.clone(), GradientDescent::new(1, rate), vec![noise]);
        let cell = Setup { start: start.clone(), replicas: 20_000, ..cell };
        let squares: Vec<f64> = all(cell)
            .iter()
            .flat_map(|replica| replica.theta.iter().map(|t| t * t).collect::<Vec<_>>())
            .collect();
        let mean = squares.iter().sum::<f64>() / squares.len() as f64;
        let expected = expected * (rate * std).powi(2);
        let fourth = squares.iter().map(|s| s * s).sum::<f64>() / squares.len() as f64;
        let error = ((fourth - mean * mean) / squares.len() as f64).sqrt();
        assert!(
            (mean - expected).abs() < 4.0 * error,
            "{labels:?}: {mean} against {expected}, error {error}"
        );
    }
}

#[test]
fn a_network_in_float32_stays_close_to_float64_and_stops_when_it_has_converged() {
    let cell = |precision| {
        let model = ModelSpec::of_network(Arc::new(Quadratic(12)), 3);
        Setup { precision, ..with(data(5, 12, 1), model, GradientDescent::new(20_000, 0.02), Vec::new()) }
    };
    let (double, single) = (all(cell(Precision::F64)), all(cell(Precision::F32)));
    assert!(distance(&double[0].theta, &single[0].theta) < 1e-4);
    assert!(double[0].converged.is_some() && double[0].rows.last().is_some_and(|loss| *loss < 1e-18));
}

#[test]
fn replicas_of_a_network_have_starts_of_their_own_where_asked_for() {
    let form =
        |init_per_replica| Form::Network { network: Arc::new(Quadratic(6)), seed: 3, init_per_replica };
    let theta = |init_per_replica| {
        let model = ModelSpec { form: form(init_per_replica), loss: Loss::Square, loss_factor: 0.5 };
        let replicas = all(with(data(4, 6, 1), model, GradientDescent::new(1, 0.01), Vec::new()));
        replicas.into_iter().map(|replica| replica.theta).collect::<Vec<_>>()
    };
    let (shared, own) = (theta(false), theta(true));
    assert!(shared[0] == shared[1] && shared[0] == own[0]);
    assert!(own[0] != own[1] && own[1] != own[2]);
}

#[test]
fn a_diverging_network_is_data() {
    let model = ModelSpec::of_network(Arc::new(Quadratic(6)), 3);
    let replicas = all(with(data(4, 6, 1), model, GradientDescent::new(200, 5.0), Vec::new()));
    let step = replicas[0].diverged.unwrap();
    assert!(step > 0 && step < 100, "{step}");
    assert!(replicas[0].theta.iter().all(|t| t.is_nan()) && replicas[0].rows.last().unwrap().is_infinite());
}

/// A minimum of the quadratic model, as a start; and its threshold.
fn at_a_minimum(unit: RateUnit, rate: f64, batch: usize) -> Setup {
    let dynamics = GradientDescent { unit, batch: Batch::Size(batch), ..GradientDescent::new(400, rate) };
    let origin = Origin::Minimum { learning_rate: 0.02, unit: RateUnit::One, steps: 40_000, loss: 1e-24 };
    let x = data(6, 15, 1).x().to_vec();
    let truth: Vec<f64> = (0..15).map(|j| 0.1 * f64::from(j)).collect();
    let y = crate::model::predict(&x, &truth);
    let model = ModelSpec::of_network(Arc::new(Quadratic(15)), 3);
    let cell = with(Problem::new(x, y, None).unwrap(), model, dynamics, Vec::new());
    let quantities =
        ["train_loss", "learning_rate", "max_stable_learning_rate"].map(|name| find(name).unwrap());
    Setup {
        start: Start { origin, ..Start::default() },
        quantities: quantities.to_vec(),
        recording: Recording::Every(20),
        ..cell
    }
}

#[test]
fn a_start_at_a_minimum_has_the_loss_that_was_asked_for_and_its_threshold_as_unit() {
    let replicas = all(at_a_minimum(RateUnit::Threshold, 1.25, 2));
    let [loss, rate, threshold] = replicas[0].rows[..3] else { unreachable!() };
    assert!(loss <= 1e-24 && loss > 0.0, "{loss} {rate} {threshold}");
    assert!((rate / threshold - 1.25).abs() < 1e-9, "{rate} {threshold}");
    let plain = all(at_a_minimum(RateUnit::One, rate, 2));
    assert!(distance(&plain[0].theta, &replicas[0].theta) < 1e-9 || replicas[0].diverged.is_some());
}

#[test]
fn the_step_size_towards_a_minimum_may_count_the_limit_of_gradient_descent() {
    let towards = |learning_rate, unit| {
        let cell = at_a_minimum(RateUnit::One, 0.01, 1);
        let origin = Origin::Minimum { learning_rate, unit, steps: 400, loss: 0.0 };
        let dynamics = GradientDescent::new(1, 1e-12).into();
        all(Setup { start: Start { origin, ..Start::default() }, dynamics, ..cell })[0].theta.clone()
    };
    let cell = at_a_minimum(RateUnit::GdLimit, 0.1, 1);
    let rate = all(Setup { start: Start::default(), ..cell })[0].rows[1];
    let (counted, plain) = (towards(0.1, RateUnit::GdLimit), towards(rate, RateUnit::One));
    assert!(distance(&counted, &plain) < 1e-9 * distance(&plain, &vec![0.0; plain.len()]), "{rate}");
}

/// Asks to stop once it has been asked so often.
struct Patience {
    asked: AtomicU64,
    limit: u64,
}

impl Watch for Patience {
    fn advanced(&self, _: u64) {}
    fn should_stop(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.limit
    }
}

#[test]
fn starts_units_linearisations_and_measurements_hear_a_stop_wherever_they_are() {
    let plain = at_a_minimum(RateUnit::One, 0.01, 2);
    let threshold = at_a_minimum(RateUnit::Threshold, 0.5, 2);
    let of_start = Origin::Minimum { learning_rate: 0.1, unit: RateUnit::GdLimit, steps: 400, loss: 0.0 };
    let linear = Start { origin: of_start.clone(), linearise: true, ..Start::default() };
    let measured =
        Setup { start: Start::default(), dynamics: GradientDescent::new(1, 0.01).into(), ..plain.clone() };
    for (what, cell) in [
        ("minimum", plain.clone()),
        ("threshold", threshold),
        ("limit", Setup { start: Start { origin: of_start, ..Start::default() }, ..plain.clone() }),
        ("linearised", Setup { start: linear, ..plain }),
        ("measured", measured),
    ] {
        let cell = cell.check().unwrap();
        let unit = Unit { replicas: 0..1 };
        let asks = |limit| {
            let patience = Patience { asked: AtomicU64::new(0), limit };
            let result = run_unit(&cell, &unit, Level::detect(), &patience);
            (result.is_some(), patience.asked.into_inner())
        };
        let (is_done, in_all) = asks(u64::MAX);
        assert!(is_done && in_all > 5, "{what}: asked {in_all} times");
        for limit in 0..in_all - 1 {
            assert!(!asks(limit).0, "{what}: stopped at question {limit} of {in_all}");
        }
    }
}

/// The recorded threshold of a linear model, from the definition: batches of one of two samples that have nothing in common.
#[test]
fn recorded_thresholds_are_those_of_the_heavy_ball() {
    let problem = Problem::new(vec![1.0, 0.0, 0.0, 2.0], vec![0.5, 0.5], None).unwrap();
    let recorded = |momentum, batch| {
        let dynamics = GradientDescent { batch, momentum, ..GradientDescent::new(1, 1e-3) };
        let model = ModelSpec { loss_factor: 0.5, ..ModelSpec::new(LinkKind::Unit(Linear), 0.0) };
        let cell = with(problem.clone(), model, dynamics, Vec::new());
        let quantities = ["max_stable_learning_rate", "gd_limit"].map(|name| find(name).unwrap()).to_vec();
        all(Setup { quantities, ..cell })[0].rows[..2].to_vec()
    };
    for momentum in [0.0, 0.5, 0.9] {
        let full = recorded(momentum, Batch::Full);
        let limit = 2.0 * (1.0 + momentum) / 2.0;
        assert!((full[0] / limit - 1.0).abs() < 1e-12 && (full[1] / limit - 1.0).abs() < 1e-12, "{full:?}");
        // A coordinate is multiplied by h = 4 with probability 1/2. From its second moments x of the last, z of the mixed, y of the
        // one before: x <- E(1 + b - eta h)^2 x - 2b E(1 + b - eta h) z + b^2 y, z <- E(1 + b - eta h) x - b z, y <- x.
        let grows = |eta: f64| {
            let (a, square) = (
                1.0 + momentum - 2.0 * eta,
                f64::midpoint((1.0 + momentum).powi(2), (1.0 + momentum - 4.0 * eta).powi(2)),
            );
            // At a fixed point z = a x / (1 + b).
            square - 2.0 * momentum * a * a / (1.0 + momentum) + momentum * momentum >= 1.0
        };
        let (mut low, mut high) = (1e-6, 4.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            *(if grows(middle) { &mut high } else { &mut low }) = middle;
        }
        let found = recorded(momentum, Batch::Size(1));
        assert!((found[0] / low - 1.0).abs() < 1e-9, "{momentum}: {} {low}", found[0]);
        assert_eq!(found[1], full[1]);
    }
}

#[test]
fn thresholds_of_nesterovs_momentum_are_refused_by_name() {
    for name in ["max_stable_learning_rate", "gd_limit"] {
        let dynamics = GradientDescent { momentum: 0.5, nesterov: true, ..GradientDescent::new(1, 0.1) };
        let cell = with(data(4, 6, 1), affine(6, 1), dynamics, Vec::new());
        let refused =
            Setup { quantities: vec![find(name).unwrap()], ..cell }.check().err().unwrap().to_string();
        assert!(refused.contains(name) && refused.contains("dynamics.nesterov = false"), "{refused}");
    }
}

#[test]
fn the_links_begin_at_a_minimum_too() {
    let of_network = at_a_minimum(RateUnit::One, 0.01, 1);
    let link = ModelSpec { loss_factor: 0.5, ..ModelSpec::new(LinkKind::Square(Square), 1.0) };
    let replicas = all(Setup { model: link, ..of_network });
    assert!(replicas[0].rows[0] <= 1e-24);
}

/// The linearisation has `n` coordinates and the residuals of `f(theta_0) + J (theta - theta_0)`.
#[test]
fn a_linearised_network_follows_the_linear_model_of_its_jacobian() {
    let cell = at_a_minimum(RateUnit::One, 0.02, 1);
    let linear = Start { linearise: true, perturbation: 0.0, ..cell.start.clone() };
    let problem = cell.source.problem(0);
    // From a point with residuals, so that there is something to follow.
    let point: Vec<f64> = (0..15).map(|k| 0.5 + 0.1 * f64::from(k)).collect();
    let origin = Origin::Points(vec![point.clone().into()]);
    let found = all(Setup { start: Start { origin, ..linear }, ..cell.clone() });
    assert_eq!(found[0].theta.len(), 6);
    let model = cell.model.model(15);
    let jacobian = model.jacobian(&point, &problem, 1.0);
    let predictions = model.predict(&point, problem.x());
    let labels = predictions.iter().zip(problem.y()).map(|(f, y)| y - f).collect();
    let plain = Setup {
        source: Source::Shared(Arc::new(Problem::new(jacobian, labels, None).unwrap())),
        model: ModelSpec::new(LinkKind::Unit(Linear), 0.0),
        start: Start::default(),
        ..cell
    };
    let expected = all(plain);
    for (a, b) in found.iter().zip(&expected) {
        for (found, expected) in a.rows.iter().zip(&b.rows) {
            assert!((found - expected).abs() <= 1e-9 * b.rows[0].max(1.0), "{found} {expected}");
        }
    }
}

/// With several outputs the residuals of the linearisation are those of the network, which is linear itself.
#[test]
fn a_linearisation_with_several_outputs_has_the_residuals_of_the_model() {
    let dynamics = GradientDescent { batch: Batch::Size(2), ..GradientDescent::new(60, 0.02) };
    let cell = with(data(5, 4, 3), affine(4, 3), dynamics, vec![label_noise(0.3)]);
    let linear = Setup { start: Start { linearise: true, ..Start::default() }, ..cell.clone() };
    assert_eq!((linear.process().num_params(), linear.process().num_coefficients()), (15, 0));
    let (found, expected) = (all(linear), all(cell));
    for (found, expected) in found.iter().zip(&expected) {
        for (found, expected) in found.rows.iter().zip(&expected.rows) {
            assert!((found - expected).abs() < 1e-9 * expected, "{found} {expected}");
        }
    }
}

#[test]
fn perturbations_are_of_the_stated_size_and_each_replicas_own() {
    let start = Start { perturbation: 0.3, ..Start::default() };
    let model = ModelSpec::of_network(Arc::new(Quadratic(400)), 3);
    let still = with(data(2, 400, 1), model, GradientDescent::new(1, 1e-12), Vec::new());
    let (there, moved) = (all(still.clone()), all(Setup { start, ..still }));
    let away: Vec<f64> = moved[0].theta.iter().zip(&there[0].theta).map(|(a, b)| a - b).collect();
    let variance = away.iter().map(|d| d * d).sum::<f64>() / 400.0;
    assert!((variance / 0.09 - 1.0).abs() < 4.0 * (2.0f64 / 400.0).sqrt(), "{variance}");
    assert!(distance(&moved[0].theta, &moved[1].theta) > 0.3);
}

#[test]
fn an_ensemble_prepares_each_cell_once_and_gives_the_same_results_on_any_number_of_threads() {
    let cells: Vec<Ensemble> = (1..4)
        .map(|batch| {
            let cell = at_a_minimum(RateUnit::Threshold, 0.5, batch);
            Setup {
                replicas: 9,
                start: Start { linearise: batch == 2, perturbation: 1e-3, ..cell.start.clone() },
                ..cell
            }
            .check()
            .unwrap()
        })
        .collect();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut results = Vec::new();
        let done = run(&cells, &pool, Level::detect(), &(), &mut |_, result| results.push(result));
        assert_eq!(done, 3);
        results
    };
    let one = on(1);
    assert_eq!(one, on(4));
    assert!(one.iter().all(|result| result.replicas.len() == 9));
}

#[test]
fn what_does_not_go_together_is_refused() {
    type Change<'a> = &'a dyn Fn(&mut Setup);
    let refusal = |change: Change<'_>| {
        let mut cell = at_a_minimum(RateUnit::One, 0.01, 1);
        change(&mut cell);
        cell.check().err().unwrap().to_string()
    };
    let shaped = || {
        let (of, shape) = (CovarianceOf::Label, CovarianceShape::Diagonal);
        vec![Noise::parameter(ShapedNoise { of, shape, scale: 1.0 })]
    };
    let full = || GradientDescent::new(5, 0.1).into();
    let cases: [(Change<'_>, &str); 10] = [
        (
            &|cell| cell.model = affine(15, 2),
            "model.kind has 2 outputs; expected 1, as many as the labels of a sample",
        ),
        (
            &|cell| (cell.noises, cell.dynamics) = (shaped(), full()),
            "noise.0.shape has a shape that only linear models of one output know how to draw; expected shape = \"full\"",
        ),
        (
            &|cell| {
                (cell.noises, cell.dynamics, cell.start.linearise) = (shaped(), full(), true);
                let y = vec![0.0; 2 * cell.source.samples()];
                cell.source = Source::Shared(Arc::new(
                    Problem::with_outputs(cell.source.problem(0).x().to_vec(), y, 2).unwrap(),
                ));
                cell.model = affine(15, 2);
            },
            "noise.0.shape has a shape that only linear models of one output know how to draw; expected shape = \"full\"",
        ),
        (
            &|cell| cell.start.origin = Origin::Points(vec![vec![0.0; 4].into()]),
            "start.path has points of 4 numbers; expected 15, the parameters of the model",
        ),
        (
            &|cell| cell.start.origin = Origin::Points(vec![vec![0.0; 15].into(), vec![1.0; 15].into()]),
            "start.path has 2 points; expected 1, or 3, one a replica",
        ),
        (
            &|cell| cell.dynamics = Flow::new(5, 0.1).into(),
            "model.kind has no flow; expected \"quadratic\", \"hadamard\" or \"linear\" with dynamics.kind = \"flow\"",
        ),
        (
            &|cell| cell.average_from = Some(3),
            "observe.average_from averages coefficients, which the model has none of; expected no setting",
        ),
        (
            &|cell| cell.quantities = vec![find("l1_norm").unwrap()],
            "observe.quantities has \"l1_norm\", which needs a model that is a linear predictor",
        ),
        (
            &|cell| cell.quantities = vec![find("test_loss").unwrap()],
            "observe.quantities has \"test_loss\", which needs a problem with test samples",
        ),
        (
            &|cell| {
                let dynamics = GradientDescent { momentum: 0.5, ..GradientDescent::new(5, 0.1) };
                cell.dynamics = GradientDescent { unit: RateUnit::GdLimit, ..dynamics }.into();
            },
            "dynamics.learning_rate_unit is a threshold of steps without momentum; expected \"one\" with \
             momentum, weight decay or another rule",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(refusal(change), expected);
    }
}

/// One-hot labels of three classes that a linear model can tell apart.
fn classes(samples: usize) -> Problem {
    let x = data(samples, 5, 1).x().to_vec();
    let class = |row: &[f64]| if row[0] > 0.5 { 0 } else { 1 + usize::from(row[1] > 0.0) };
    let one_hot = |row: &[f64]| (0..3).map(|k| f64::from(u8::from(k == class(row)))).collect::<Vec<_>>();
    let y: Vec<f64> = x.chunks(5).flat_map(one_hot).collect();
    let problem = Problem::with_outputs(x.clone(), y.clone(), 3).unwrap().with_classes().unwrap();
    problem.with_test(x, y).unwrap()
}

#[test]
fn classes_are_learnt_with_cross_entropy() {
    let dynamics = GradientDescent { batch: Batch::Size(8), ..GradientDescent::new(4000, 0.5) };
    let model = ModelSpec { loss: Loss::CrossEntropy, ..affine(5, 3) };
    let quantities =
        ["train_loss", "train_accuracy", "test_accuracy", "gradient_norm", "trace_G", "trace_kernel"];
    let squares: f64 = classes(40).x().iter().map(|x| x * x).sum();
    let cell = Setup {
        quantities: quantities.map(|name| find(name).unwrap()).to_vec(),
        ..with(classes(40), model, dynamics, Vec::new())
    };
    let replicas = all(cell);
    let rows: Vec<&[f64]> = replicas[0].rows.chunks(6).collect();
    let [loss, train, test, gradient, trace, kernel] = rows.last().unwrap() else { unreachable!() };
    assert!(*loss < 0.2 && *loss < 0.2 * rows[0][0], "{loss} after {}", rows[0][0]);
    assert!(*train > 0.9 && train == test, "{train} {test}");
    assert!(*gradient < 0.1 && *trace > 0.0 && *trace < rows[0][4]);
    // The curvature of the loss falls with the loss; the kernel of a linear predictor is the same everywhere.
    assert!((kernel - 3.0 * squares / 40.0).abs() < 1e-12 * squares && *kernel == rows[0][5]);
}

/// The step of a replica whose start fits exactly, in the labels' own coordinates: minus the gradient of the noise.
fn moves(noise: Noise, problem: Problem, replicas: u32) -> Vec<Vec<f64>> {
    let n = problem.samples();
    let start =
        Start { origin: Origin::Points(vec![problem_as_parameters(&problem).into()]), ..Start::default() };
    let cell = with(problem, affine(n, 3), GradientDescent::new(1, 1.0), vec![noise]);
    let theta = match &start.origin {
        Origin::Points(points) => points[0].clone(),
        _ => unreachable!(),
    };
    let moved = all(Setup { start, replicas, ..cell });
    let away = |replica: &Replica| replica.theta.iter().zip(theta.iter()).map(|(a, b)| b - a).collect();
    moved.iter().map(away).collect()
}

/// With the identity for inputs, the weights of an affine network that fits the labels: theta_kj = y_jk.
fn problem_as_parameters(problem: &Problem) -> Vec<f64> {
    let (n, c) = (problem.samples(), problem.outputs());
    (0..n * c).map(|k| problem.y()[k % n * c + k / n]).collect()
}

fn identity_with_classes(n: usize) -> Problem {
    let x = (0..n * n).map(|k| f64::from(u8::from(k % (n + 1) == 0))).collect();
    let y = (0..3 * n).map(|k| f64::from(u8::from(k % 3 == k / 3 % 3))).collect();
    Problem::with_outputs(x, y, 3).unwrap().with_classes().unwrap()
}

#[test]
fn labels_are_flipped_as_often_as_asked_for_and_to_every_class_alike() {
    let (n, probability) = (6, 0.3);
    let noise = LabelFlip { probability: Schedule::constant(probability) };
    let moved = moves(Noise::sample(noise), identity_with_classes(n), 4000);
    // The gradient of output k at sample j is (y - y~) / n.
    let mut kinds = [0.0; 2];
    for gradient in &moved {
        for j in 0..n {
            let change: Vec<f64> = (0..3).map(|k| gradient[k * n + j] * n as f64).collect();
            let flipped = change.iter().any(|c| c.abs() > 0.5);
            assert!(change.iter().sum::<f64>().abs() < 1e-12);
            kinds[usize::from(flipped)] += 1.0;
        }
    }
    // A third of the replaced labels are replaced by themselves.
    let (total, expected) = (kinds[0] + kinds[1], probability * 2.0 / 3.0);
    let (found, error) = (kinds[1] / total, (expected * (1.0 - expected) / total).sqrt());
    assert!((found - expected).abs() < 4.0 * error, "{found} against {expected}");
}

#[test]
fn noise_on_the_gradient_of_the_outputs_has_its_norm_and_no_mean() {
    let norm = Schedule::constant(0.25);
    let noise = OutputGradientNoise { norm };
    let moved = moves(Noise::sample(noise), identity_with_classes(5), 50);
    for gradient in &moved {
        assert!((gradient.iter().map(|g| g * g).sum::<f64>().sqrt() - 0.25).abs() < 1e-12);
        assert!(gradient.iter().sum::<f64>().abs() < 1e-12);
    }
    assert!(distance(&moved[0], &moved[1]) > 0.01);
}

#[test]
fn nesterovs_momentum_is_that_of_pytorch() {
    // f = theta on one sample with y = 0: g = theta.
    let problem = Problem::new(vec![1.0], vec![0.0], None).unwrap();
    let dynamics = GradientDescent { momentum: 0.5, nesterov: true, ..GradientDescent::new(3, 0.1) };
    let start = Start { origin: Origin::Points(vec![vec![1.0].into()]), ..Start::default() };
    let found = all(Setup { start, ..with(problem, affine(1, 1), dynamics, Vec::new()) });
    let (mut theta, mut buffer) = (1.0, 0.0);
    for _ in 0..3 {
        buffer = 0.5 * buffer + theta;
        theta -= 0.1 * (theta + 0.5 * buffer);
    }
    assert!((found[0].theta[0] - theta).abs() < 1e-15);
}

#[test]
fn noise_that_enters_the_step_is_not_accumulated_by_the_momentum() {
    // f = theta on one sample with y = 0, and a step size of one: theta moves by -(m + zeta).
    let path = |behind_momentum: bool, momentum: f64, nesterov: bool| {
        let noise = IsotropicNoise { std: 0.5, bypasses_momentum: behind_momentum };
        let dynamics = GradientDescent { momentum, nesterov, ..GradientDescent::new(2, 0.25) };
        let start = Start { origin: Origin::Points(vec![vec![1.0].into()]), ..Start::default() };
        let problem = Problem::new(vec![1.0], vec![0.0], None).unwrap();
        let noises = vec![Noise::parameter(noise)];
        all(Setup { start, ..with(problem, affine(1, 1), dynamics, noises) }).swap_remove(0).theta[0]
    };
    let mut zeta = [[0.0f64; 1]; 2];
    for (step, zeta) in zeta.iter_mut().enumerate() {
        let draws = Draws::new(4, &[0], step as u64);
        draws.add_normals(Purpose::noise(0, 0), 0.5, zeta);
    }
    for nesterov in [false, true] {
        let expected = |behind: bool| {
            let (mut theta, mut m) = (1.0, 0.0);
            for [z] in zeta {
                let g = if behind { theta } else { theta + z };
                m = 0.5 * m + g;
                let step = if nesterov { g + 0.5 * m } else { m };
                theta -= 0.25 * if behind { step + z } else { step };
            }
            theta
        };
        for behind in [false, true] {
            assert!((path(behind, 0.5, nesterov) - expected(behind)).abs() < 1e-15, "{behind} {nesterov}");
        }
        assert!((expected(true) - expected(false)).abs() > 1e-3);
    }
    assert_eq!(path(true, 0.0, false), path(false, 0.0, false));
}

#[test]
fn images_are_changed_before_they_are_seen() {
    let image = crate::problem::ImageShape { channels: 1, height: 5, width: 5 };
    let problem = data(3, 25, 1);
    let problem = problem.with_image(image).unwrap();
    let run = |augment| {
        let dynamics = GradientDescent { augment, ..GradientDescent::new(50, 0.01) };
        all(with(problem.clone(), affine(25, 1), dynamics, Vec::new()))
    };
    let (plain, changed) = (run(Augment::None), run(Augment::CropFlip));
    assert_eq!(plain[0].theta, plain[1].theta);
    assert!(plain[0].theta != changed[0].theta && changed[0].theta != changed[1].theta);
}

#[test]
fn noises_and_changes_of_images_need_data_that_have_classes_and_images() {
    let flip = || {
        let probability = Schedule::constant(0.1);
        vec![Noise::sample(LabelFlip { probability })]
    };
    let linear = || ModelSpec::new(LinkKind::Unit(Linear), 0.0);
    let refusal = |problem: Problem, model: ModelSpec, dynamics: GradientDescent, noises: Vec<Noise>| {
        with(problem, model, dynamics, noises).check().err().unwrap().to_string()
    };
    let signs = || data(4, 3, 1).x().to_vec();
    let two = || Problem::new(signs(), vec![1.0, -1.0, 1.0, -1.0], None).unwrap().with_classes().unwrap();
    let plain = || GradientDescent::new(5, 0.1);
    for model in [affine(3, 1), linear()] {
        let found = refusal(data(4, 3, 1), model.clone(), plain(), flip());
        assert_eq!(
            found,
            "noise.0.kind changes classes; expected another noise, or a problem whose labels are classes"
        );
        let probability = Schedule::with_drops(0.1, vec![(3, 20.0)]).unwrap();
        let often = vec![Noise::sample(LabelFlip { probability })];
        let found = refusal(two(), model.clone(), plain(), often);
        assert_eq!(found, "noise.0.probability is 2; expected at most 1");
        let cropped = GradientDescent { augment: Augment::CropFlip, ..plain() };
        let found = refusal(two(), model, cropped, Vec::new());
        assert_eq!(found, "dynamics.augment is \"crop-flip\", which needs images; expected \"none\"");
    }
    let entropy = ModelSpec { loss: Loss::CrossEntropy, ..affine(3, 1) };
    let found = refusal(two(), entropy, plain(), Vec::new());
    assert_eq!(found, "model.loss is \"cross-entropy\", which needs one-hot labels; expected \"square\"");
}

/// A linear model that counts the kernels of its kind that are alive, and makes them on all threads.
#[derive(Debug)]
struct Counting(Affine);

static ALIVE: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);

/// A kernel that is counted while it lives.
struct Counted(DenseKernel);

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::ops::Deref for Counted {
    type Target = DenseKernel;
    fn deref(&self) -> &DenseKernel {
        &self.0
    }
}

impl<F: Float> Passes<F> for Counting {
    fn forward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, out: &mut [F]) {
        self.0.forward(pass, tape, out);
    }
    fn backward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        self.0.backward(pass, tape, weights, gradient);
    }
}

impl Model for Counting {
    fn dim(&self) -> usize {
        self.0.dim
    }
    fn num_params(&self) -> usize {
        self.0.num_params()
    }
    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        self.0.initial(draws)
    }
    fn work_per_sample(&self) -> f64 {
        1.0
    }
    fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
        MOST.fetch_max(ALIVE.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        let rows: Vec<&[f64]> = request.inputs.chunks_exact(self.0.dim).collect();
        let kernel: Vec<Vec<f64>> = rows
            .par_iter()
            .map(|a| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                rows.iter().map(|b| a.iter().zip(*b).map(|(a, b)| a * b).sum()).collect()
            })
            .collect();
        Some(Box::new(Counted(DenseKernel::new(kernel.concat(), 1).unwrap())))
    }
}

/// A thread that waits for others within a unit looks for work, and must not find another unit.
#[test]
fn no_more_units_are_under_way_than_there_are_threads() {
    let cell = Setup {
        model: ModelSpec::of_network(Arc::new(Counting(Affine { dim: 19, outputs: 1 })), 3),
        quantities: vec![quantity("trace_G")],
        average_from: None,
        ..cell(shared(13, 19), Batch::Full, 16)
    }
    .check()
    .unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let finished = run(&[&cell], &pool, Level::detect(), &(), &mut |_, result| {
        assert_eq!(result.replicas.len(), 16);
    });
    assert_eq!((finished, ALIVE.load(Ordering::Relaxed)), (1, 0));
    assert!(MOST.load(Ordering::Relaxed) <= 3, "{MOST:?}");
}
