//! Every noise, with every option: what it draws against what it says about itself.

use super::*;
use crate::dynamics::kernel::plain::PlainProducts;
use crate::dynamics::{Batch, GradientDescent, Sampling, Schedule};
use crate::ensemble::setup::Setup;
use crate::ensemble::{Recording, Unit, run_unit};
use crate::model::{LinearPredictor, LinkKind, Model, ModelSpec, Power, SharedLinear, Square};
use crate::observable::find;
use crate::problem::Problem;
use crate::process::{Source, Start};
use crate::random::laws::{Moments, check_estimates};
use crate::random::{Draws, Purpose};
use crate::setting::{Kind, Setting, Value};
use crate::simd::Level;
use crate::{Float, Precision};
use std::sync::Arc;

const SAMPLES: usize = 7;
const DIM: usize = 5;
/// Neither of the usual loss factors, so that a forgotten one shows.
const LOSS_FACTOR: f64 = 0.3;
const STEPS: u64 = 100_000;
/// Found are means off by a fifth of a standard deviation, and covariances off by a fifth of the variances.
const RESOLVES: f64 = 0.2;

/// A point of a small problem.
struct Place {
    model: LinearPredictor,
    problem: Problem,
    theta: Vec<f64>,
    residuals: Vec<f64>,
}

impl Place {
    fn new(link: LinkKind) -> Self {
        let draws = Draws::new(11, &[0], 0);
        let (mut x, mut y) = (vec![0.0; SAMPLES * DIM], vec![0.0; SAMPLES]);
        draws.normals(Purpose::DESIGN, &mut x);
        draws.normals(Purpose::LABELS, &mut y);
        let problem = Problem::new(x, y, None).unwrap();
        let mut theta = vec![0.0; LinearPredictor { link, dim: DIM }.num_params()];
        draws.normals(Purpose::BOOTSTRAP, &mut theta);
        Self::at(link, problem, theta)
    }

    fn at(link: LinkKind, problem: Problem, theta: Vec<f64>) -> Self {
        let model = LinearPredictor { link, dim: DIM };
        let mut residuals = model.predict(&theta, problem.x());
        residuals.iter_mut().zip(problem.y()).for_each(|(f, y)| *f -= y);
        Self { model, problem, theta, residuals }
    }

    fn point(&self, batch: usize) -> Point<'_> {
        Point {
            problem: &self.problem,
            model: &self.model,
            theta: &self.theta,
            residuals: &self.residuals,
            loss_factor: LOSS_FACTOR,
            batch,
            replacement: false,
            step: 0,
        }
    }

    fn pull_back(&self, weights: &[f64]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.theta.len()];
        self.model.pull_back(&self.theta, &self.problem, weights, &mut gradient);
        gradient
    }

    /// `J' C J` (p x p).
    fn parameter_covariance(&self, c: &SampleCovariance) -> Vec<f64> {
        let p = self.theta.len();
        let mut covariance = vec![0.0; p * p];
        let mut add = |factor: f64, g: &[f64]| {
            (0..p * p).for_each(|k| covariance[k] += factor * g[k / p] * g[k % p]);
        };
        for (i, a) in c.blocks.iter().enumerate() {
            let one: Vec<f64> = (0..SAMPLES).map(|k| f64::from(u8::from(k == i))).collect();
            add(*a, &self.pull_back(&one));
        }
        add(-1.0, &self.pull_back(&c.removed));
        covariance
    }

    fn weights(&self) -> Vec<f64> {
        self.residuals.iter().map(|r| 2.0 * LOSS_FACTOR / SAMPLES as f64 * r).collect()
    }
}

/// `C` (nc x nc).
fn sample_covariance(c: &SampleCovariance) -> Vec<f64> {
    let entries = c.removed.len();
    let outputs = c.blocks.len() / entries;
    let entry = |a: usize, b: usize| {
        let same = if a / outputs == b / outputs { c.blocks[a * outputs + b % outputs] } else { 0.0 };
        same - c.removed[a] * c.removed[b]
    };
    (0..entries * entries).map(|k| entry(k / entries, k % entries)).collect()
}

fn diagonal(variances: &[f64]) -> Vec<f64> {
    let p = variances.len();
    (0..p * p).map(|k| if k / p == k % p { variances[k / p] } else { 0.0 }).collect()
}

/// Values of a setting that its law is tested at.
fn values(kind: &str, setting: &Setting) -> Vec<Value> {
    match (setting.name, setting.kind) {
        (_, Kind::Choice(choices)) => choices.iter().map(|c| Value::Text((*c).to_string())).collect(),
        ("std", _) => vec![Value::Number(0.7)],
        ("scale", _) => vec![Value::Number(0.6)],
        ("batch", _) => vec![Value::Integer(1), Value::Integer(3)],
        ("probability" | "norm", _) => vec![Value::Number(0.4)],
        (name, accepts) => {
            panic!("give the setting {name} of {kind:?} ({accepts}) values here to test its law")
        }
    }
}

/// Every noise of the registry at every choice of its settings.
fn all_noises() -> Vec<(String, Noise)> {
    let mut noises = Vec::new();
    for entry in ENTRIES {
        let mut given: Vec<Vec<(&str, Value)>> = vec![Vec::new()];
        // Once a cell is checked, a lambda is a std.
        for setting in entry.settings.iter().filter(|setting| setting.name != "lambda") {
            let values = values(entry.kind, setting);
            given = given
                .iter()
                .flat_map(|chosen| {
                    values.iter().map(|value| [chosen.clone(), vec![(setting.name, value.clone())]].concat())
                })
                .collect();
        }
        for chosen in given {
            let settings = Settings::check(entry, &chosen).unwrap();
            noises.push((
                format!("{} with {chosen:?}", entry.kind),
                Noise::from_settings(entry.kind, &settings),
            ));
        }
    }
    noises
}

/// Draws a noise many times and compares mean and covariance with its formula, in sample space, in parameter space,
/// and its trace.
fn check_law(what: &str, noise: &Noise, place: &Place) {
    let point = place.point(SAMPLES);
    let products = PlainProducts { link: place.model.link, problem: &place.problem, theta: &place.theta };
    let (p, mut scratch) = (place.theta.len(), Scratch::default());
    let mean = match noise {
        Noise::Sample(noise) => noise.mean(&point),
        Noise::Parameter(_) => vec![0.0; SAMPLES],
    };
    let pulled = place.pull_back(&mean);
    let of_mean: f64 = pulled.iter().map(|g| g * g).sum();
    let mut norms = Moments::about(vec![noise.trace(&point) + of_mean]);
    let (mut samples, mut parameters) = (Moments::about(mean), Moments::about(pulled));
    let draws = Draws::new(23, &[4], 0);
    for t in 0..STEPS {
        let step = Step {
            draws: draws.at_step(t),
            batch: SAMPLES,
            outputs: 1,
            residuals: &place.residuals,
            labels: place.problem.y(),
            loss_factor: LOSS_FACTOR,
            position: 1,
        };
        let zeta = match noise {
            Noise::Sample(noise) => {
                let mut weights = vec![0.0; SAMPLES];
                noise.in_precision().perturb_weights(&step, &mut scratch, &mut weights);
                samples.add(&weights);
                place.pull_back(&weights)
            }
            Noise::Parameter(noise) => {
                let mut zeta = vec![0.0; p];
                noise.in_precision().perturb_gradient(&step, &products, &mut scratch, &mut zeta);
                zeta
            }
        };
        norms.add(&[zeta.iter().map(|z| z * z).sum()]);
        parameters.add(&zeta);
    }
    match noise {
        Noise::Sample(noise) => {
            let covariance = noise.covariance(&point);
            samples.check(&format!("{what}, samples"), RESOLVES, &sample_covariance(&covariance));
            let covariance = place.parameter_covariance(&covariance);
            parameters.check(&format!("{what}, parameters"), RESOLVES, &covariance);
        }
        Noise::Parameter(noise) => {
            parameters.check(what, RESOLVES, &diagonal(&noise.variances(&point)));
        }
    }
    check_estimates(&format!("{what}, trace"), RESOLVES, &[norms.average(0)]);
}

fn check_all_laws(link: LinkKind) {
    let place = Place::new(link);
    for (name, noise) in all_noises() {
        check_law(&format!("{link:?}: {name}"), &noise, &place);
    }
}

#[test]
fn every_noise_has_the_covariance_it_states_for_squares() {
    check_all_laws(LinkKind::Square(Square));
}

#[test]
fn every_noise_has_the_covariance_it_states_for_differences_of_squares() {
    check_all_laws(LinkKind::Power(Power { depth: 2 }));
}

#[test]
fn every_kind_of_noise_is_among_the_tested_ones() {
    let tested = all_noises();
    for entry in ENTRIES {
        assert!(tested.iter().any(|(name, _)| name.starts_with(entry.kind)), "{}", entry.kind);
    }
}

/// One step from `init` by many replicas: mean and covariance of the gradient they saw.
fn check_first_gradients(batch: Batch, replacement: bool, noise: Option<LabelNoise>) {
    const REPLICAS: u32 = 40_000;
    const RATE: f64 = 0.5;
    let link = LinkKind::Power(Power { depth: 2 });
    let model =
        ModelSpec { loss_factor: LOSS_FACTOR, ..ModelSpec::with_init(link, vec![0.4, 1.3, 0.8, -0.6, 1.1]) };
    let theta = model.initial(DIM, 0);
    let place = Place::at(link, Place::new(link).problem, theta);
    let dynamics = GradientDescent {
        batch,
        sampling: Sampling::with_replacement(replacement),
        ..GradientDescent::new(1, RATE)
    };
    let noises: Vec<_> = noise.into_iter().map(Noise::sample).collect();
    let what = format!("batch {batch}, replacement {replacement}, {noise:?}");

    let size = match batch {
        Batch::Full => SAMPLES,
        Batch::Size(size) => size,
    };
    let point = place.point(size);
    let effective = dynamics.effective_batch(SAMPLES);
    let trace = total_trace(&noises, effective, &point);
    let sampling = SampleCovariance::of_mini_batch(&place.residuals, 1, LOSS_FACTOR, effective);
    let mut covariance = place.parameter_covariance(&sampling);
    if let Some(noise) = noise {
        let of_noise = place.parameter_covariance(&SampleNoise::covariance(&noise, &point));
        covariance.iter_mut().zip(of_noise).for_each(|(whole, part)| *whole += part);
    }

    let cell = Setup {
        source: Source::Shared(Arc::new(place.problem.clone())),
        start: Start::default(),
        model,
        dynamics: dynamics.into(),
        noises,
        recording: Recording::Every(1),
        quantities: vec![find("noise_trace").unwrap()],
        active: crate::observable::ActiveThreshold::default(),
        average_from: None,
        replicas: REPLICAS,
        seed: 6,
        precision: Precision::F64,
    };
    let all = Unit { replicas: 0..REPLICAS };
    let result = run_unit(&cell.check().unwrap(), &all, Level::detect(), &()).unwrap();
    let mean = place.pull_back(&place.weights());
    let mut gradients = Moments::about(mean.clone());
    let mut norms = Moments::about(vec![trace]);
    for replica in &result.replicas {
        assert!((replica.rows[0] - trace).abs() < 1e-12 * (1.0 + trace), "{what}");
        let gradient: Vec<f64> =
            replica.theta.iter().zip(&place.theta).map(|(after, before)| (before - after) / RATE).collect();
        norms.add(&[gradient.iter().zip(&mean).map(|(g, m)| (g - m) * (g - m)).sum()]);
        gradients.add(&gradient);
    }
    gradients.check(&what, RESOLVES, &covariance);
    check_estimates(&format!("{what}: trace"), RESOLVES, &[norms.average(0)]);
}

#[test]
fn mini_batches_with_and_without_replacement_have_the_stated_covariance() {
    for size in [1, 3, 6] {
        for replacement in [true, false] {
            check_first_gradients(Batch::Size(size), replacement, None);
        }
    }
    check_first_gradients(Batch::Full, true, None);
    check_first_gradients(Batch::Size(SAMPLES), true, None);
}

#[test]
fn label_noise_in_mini_batches_adds_the_stated_covariance() {
    for labels in [Labels::One, Labels::Batch] {
        for distribution in [LabelDistribution::Gaussian, LabelDistribution::Rademacher] {
            for (size, replacement) in [(1, true), (3, true), (3, false)] {
                let noise = LabelNoise { std: 1.2, lambda: None, labels, distribution };
                check_first_gradients(Batch::Size(size), replacement, Some(noise));
            }
        }
    }
}

/// All batches of `size` out of `n`, as tuples with replacement or sets without.
fn batches(n: usize, size: usize, replacement: bool) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        batches = batches
            .iter()
            .flat_map(|batch| {
                let from = if replacement { 0 } else { batch.last().map_or(0, |last| last + 1) };
                (from..n).map(|i| [batch.as_slice(), &[i]].concat())
            })
            .collect();
    }
    batches
}

/// Mean of `w w'` (n x n) over all batches, of the deviation of the batch's weights from the full batch's.
fn exact_covariance(residuals: &[f64], batches: &[Vec<usize>]) -> Vec<f64> {
    let n = residuals.len();
    let mut covariance = vec![0.0; n * n];
    for batch in batches {
        let mut w: Vec<f64> = residuals.iter().map(|r| -2.0 * LOSS_FACTOR / n as f64 * r).collect();
        for i in batch {
            w[*i] += 2.0 * LOSS_FACTOR / batch.len() as f64 * residuals[*i];
        }
        (0..n * n).for_each(|k| covariance[k] += w[k / n] * w[k % n] / batches.len() as f64);
    }
    covariance
}

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(0.0f64, |max, e| max.max(e.abs()));
    for (k, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= 1e-12 * size, "{what}, entry {k}: {f} against {e}");
    }
}

#[test]
fn the_covariance_of_a_mini_batch_is_the_mean_over_all_batches() {
    let residuals = [0.3, -1.2, 0.7, 2.0, -0.4];
    for size in 1..=5 {
        for replacement in [true, false] {
            let batch = Batch::Size(size);
            let dynamics = GradientDescent {
                batch,
                sampling: Sampling::with_replacement(replacement),
                ..GradientDescent::new(1, 0.1)
            };
            let effective = dynamics.effective_batch(5);
            let formula = SampleCovariance::of_mini_batch(&residuals, 1, LOSS_FACTOR, effective);
            let exact = exact_covariance(&residuals, &batches(5, size, replacement));
            assert_close(&sample_covariance(&formula), &exact, &format!("{size}, {replacement}"));
        }
    }
}

#[test]
fn the_difference_of_mini_batches_has_twice_their_covariance() {
    let place = Place::new(LinkKind::Square(Square));
    for batch in [1, 3, SAMPLES] {
        let noise = MiniBatchDifference { scale: 0.6, batch };
        let of_one = exact_covariance(&place.residuals, &batches(SAMPLES, batch, false));
        let expected: Vec<f64> = of_one.iter().map(|c| 2.0 * 0.6 * 0.6 * c).collect();
        let found = sample_covariance(&SampleNoise::covariance(&noise, &place.point(SAMPLES)));
        assert_close(&found, &expected, &format!("batches of {batch}"));
    }
}

/// Plain formulas: one label has weight 2c, all labels 2c/n each.
#[test]
fn perturbed_labels_have_the_variance_of_their_weight() {
    let place = Place::new(LinkKind::Square(Square));
    let n = SAMPLES as f64;
    for (labels, variance) in [(Labels::One, 0.36 * 0.49 / n), (Labels::Batch, 0.36 * 0.49 / (n * n))] {
        let noise =
            LabelNoise { std: 0.7, lambda: None, labels, distribution: LabelDistribution::Rademacher };
        let found = sample_covariance(&SampleNoise::covariance(&noise, &place.point(SAMPLES)));
        assert_close(&found, &diagonal(&[variance; SAMPLES]), &format!("{labels:?}"));
    }
}

#[test]
fn shapes_keep_the_whole_covariance_or_its_diagonal_or_its_trace() {
    for link in [LinkKind::Square(Square), LinkKind::Power(Power { depth: 3 })] {
        let place = Place::new(link);
        let point = place.point(SAMPLES);
        let p = place.theta.len();
        let label = LabelNoise {
            std: 0.6,
            lambda: None,
            labels: Labels::One,
            distribution: LabelDistribution::Gaussian,
        };
        let of_batch = exact_covariance(&place.residuals, &batches(SAMPLES, 2, true));
        let of_batch = of_batch.into_iter().map(|c| 0.36 * c).collect();
        let of_label = sample_covariance(&SampleNoise::covariance(&label, &point));
        for (of, expected) in [(CovarianceOf::MiniBatch(2), of_batch), (CovarianceOf::Label, of_label)] {
            let full = SampleNoise::covariance(&GaussianSampleNoise { of, scale: 0.6 }, &point);
            assert_close(&sample_covariance(&full), &expected, &format!("{of:?}"));
            let full = place.parameter_covariance(&full);
            let variances: Vec<f64> = (0..p).map(|k| full[k * p + k]).collect();
            let of_shape = |shape| ParameterNoise::variances(&ShapedNoise { of, shape, scale: 0.6 }, &point);
            assert_close(&of_shape(CovarianceShape::Diagonal), &variances, &format!("{of:?}, diagonal"));
            let mean = variances.iter().sum::<f64>() / p as f64;
            assert_close(&of_shape(CovarianceShape::Isotropic), &vec![mean; p], &format!("{of:?}, trace"));
        }
    }
}

#[test]
fn a_single_sample_has_no_mini_batch_noise() {
    let problem = Problem::new(vec![1.0, 2.0], vec![0.5], None).unwrap();
    let point = Point {
        problem: &problem,
        model: &LinearPredictor::new(Square, 2),
        theta: &[1.0, 1.0],
        residuals: &[2.5],
        loss_factor: LOSS_FACTOR,
        batch: 1,
        replacement: false,
        step: 0,
    };
    let noise = Noise::sample(MiniBatchDifference { scale: 1.0, batch: 1 });
    assert_eq!(noise.trace(&point), 0.0);
    for replacement in [true, false] {
        let batch = Batch::Size(1);
        let dynamics = GradientDescent {
            batch,
            sampling: Sampling::with_replacement(replacement),
            ..GradientDescent::new(1, 0.1)
        };
        assert_eq!(
            total_trace(&[], dynamics.effective_batch(problem.samples()), &point),
            0.0,
            "replacement {replacement}"
        );
    }
}

/// Also for more replicas than any kernel of ours puts side by side.
#[test]
fn a_replicas_noise_does_not_depend_on_its_neighbours() {
    let place = Place::new(LinkKind::Square(Square));
    let draw = |noise: &dyn SampleNoise, replicas: &[u32]| {
        let residuals: Vec<f64> =
            place.residuals.iter().flat_map(|r| std::iter::repeat_n(*r, replicas.len())).collect();
        let step = Step {
            draws: Draws::new(3, replicas, 8),
            batch: SAMPLES,
            outputs: 1,
            residuals: &residuals,
            labels: &residuals,
            loss_factor: LOSS_FACTOR,
            position: 2,
        };
        let mut weights = vec![0.0; residuals.len()];
        noise.in_precision().perturb_weights(&step, &mut Scratch::default(), &mut weights);
        weights
    };
    for (name, noise) in all_noises() {
        let Noise::Sample(noise) = noise else { continue };
        for lanes in [3, 8, 16, 17] {
            let replicas: Vec<u32> = (5..5 + lanes).collect();
            let together = draw(noise.as_ref(), &replicas);
            for (lane, replica) in replicas.iter().enumerate() {
                let found: Vec<f64> = together[lane..].iter().step_by(lanes as usize).copied().collect();
                assert_eq!(found, draw(noise.as_ref(), &[*replica]), "{name}, lane {lane} of {lanes}");
            }
        }
    }
}

#[test]
fn noises_at_different_positions_are_different() {
    let place = Place::new(LinkKind::Square(Square));
    let products = PlainProducts { link: place.model.link, problem: &place.problem, theta: &place.theta };
    let draw = |noise: &Noise, position: usize| {
        let step = Step {
            draws: Draws::new(3, &[1], 8),
            batch: SAMPLES,
            outputs: 1,
            residuals: &place.residuals,
            labels: place.problem.y(),
            loss_factor: LOSS_FACTOR,
            position,
        };
        let mut out = [0.0; SAMPLES];
        match noise {
            Noise::Sample(noise) => {
                noise.in_precision().perturb_weights(&step, &mut Scratch::default(), &mut out);
            }
            Noise::Parameter(noise) => {
                noise.in_precision().perturb_gradient(
                    &step,
                    &products,
                    &mut Scratch::default(),
                    &mut out[..DIM],
                );
            }
        }
        out
    };
    for (name, noise) in all_noises() {
        assert_ne!(draw(&noise, 0), draw(&noise, 1), "{name}");
    }
}

/// What makes drawing ahead possible: several steps side by side are the steps one after the other.
#[test]
fn noises_that_do_not_read_residuals_can_be_drawn_for_many_steps_at_a_time() {
    fn draw<F: Float>(noise: &dyn SampleNoise, batch: usize, step: u64, steps: usize) -> Vec<F> {
        let replicas = [3, 9];
        let draws = Draws::new(3, &replicas, step).for_steps(steps);
        let step = Step {
            draws,
            batch,
            outputs: 1,
            residuals: &[],
            labels: &[],
            loss_factor: LOSS_FACTOR,
            position: 2,
        };
        let mut weights = vec![F::default(); batch * draws.lanes()];
        noise.in_precision().perturb_weights(&step, &mut Scratch::default(), &mut weights);
        weights
    }
    fn check<F: Float>(name: &str, noise: &dyn SampleNoise) {
        for batch in [1, 5] {
            let together = draw::<F>(noise, batch, 20, 8);
            for ahead in 0..8 {
                let alone = draw::<F>(noise, batch, 20 + ahead as u64, 1);
                let found: Vec<F> =
                    (0..batch).flat_map(|k| together[k * 16 + 2 * ahead..][..2].to_vec()).collect();
                assert_eq!(found, alone, "{name}, batch {batch}, step {ahead}");
            }
        }
    }
    let mut checked = 0;
    for (name, noise) in all_noises() {
        let Noise::Sample(noise) = noise else { continue };
        if !noise.needs().contains(Needs::RESIDUALS) {
            check::<f64>(&name, &*noise);
            check::<f32>(&name, &*noise);
            checked += 1;
        }
    }
    assert!(checked > 5, "{checked} noises");
}

const OUTPUTS: usize = 3;

/// Four one-hot samples with three outputs of a linear model whose outputs share five parameters, and the residuals.
fn several_outputs() -> (SharedLinear, Problem, Vec<f64>, Vec<f64>) {
    let mut x = vec![0.0; 4 * OUTPUTS * DIM];
    Draws::new(12, &[0], 0).normals(Purpose::DESIGN, &mut x);
    let y = [0, 2, 1, 1].iter().flat_map(|class| (0..OUTPUTS).map(move |k| f64::from(u8::from(k == *class))));
    let problem = Problem::of(x, y.collect::<Vec<f64>>(), OUTPUTS * DIM, OUTPUTS);
    let model = SharedLinear { params: DIM, outputs: OUTPUTS };
    let theta = vec![0.3, -0.7, 1.1, 0.2, -0.4];
    let mut residuals = model.predict(&theta, problem.x());
    residuals.iter_mut().zip(problem.y()).for_each(|(f, y)| *f -= y);
    (model, problem, theta, residuals)
}

#[test]
fn every_noise_of_the_sample_weights_has_the_covariance_it_states_for_several_outputs() {
    let (model, problem, theta, residuals) = several_outputs();
    let batch = problem.samples();
    let loss_factor = LOSS_FACTOR;
    let point = Point {
        problem: &problem,
        model: &model,
        theta: &theta,
        residuals: &residuals,
        loss_factor,
        batch,
        replacement: false,
        step: 0,
    };
    let draws = Draws::new(29, &[2], 0);
    for (name, noise) in all_noises() {
        let Noise::Sample(sample_noise) = &noise else { continue };
        let mean = sample_noise.mean(&point);
        let mut gradient = vec![0.0; DIM];
        model.pull_back(&theta, &problem, &mean, &mut gradient);
        let of_mean: f64 = gradient.iter().map(|g| g * g).sum();
        let mut norms = Moments::about(vec![noise.trace(&point) + of_mean]);
        let mut samples = Moments::about(mean);
        let mut scratch = Scratch::default();
        for t in 0..STEPS {
            let step = Step {
                draws: draws.at_step(t),
                batch,
                outputs: OUTPUTS,
                residuals: &residuals,
                labels: problem.y(),
                loss_factor,
                position: 1,
            };
            let mut weights = vec![0.0; residuals.len()];
            sample_noise.in_precision().perturb_weights(&step, &mut scratch, &mut weights);
            samples.add(&weights);
            model.pull_back(&theta, &problem, &weights, &mut gradient);
            norms.add(&[gradient.iter().map(|g| g * g).sum()]);
        }
        let covariance = sample_covariance(&sample_noise.covariance(&point));
        samples.check(&format!("{name}, several outputs"), RESOLVES, &covariance);
        check_estimates(&format!("{name}, several outputs, trace"), RESOLVES, &[norms.average(0)]);
    }
}

/// Over all batches of two and all ways to flip their labels, without a draw.
#[test]
fn the_trace_of_flipped_labels_in_mini_batches_is_the_mean_over_all_of_them() {
    let (model, problem, theta, residuals) = several_outputs();
    let probability = 0.4;
    let n = problem.samples();
    for replacement in [true, false] {
        let noise = Noise::sample(LabelFlip { probability: Schedule::constant(probability) });
        let dynamics = GradientDescent {
            batch: Batch::Size(2),
            sampling: Sampling::with_replacement(replacement),
            ..GradientDescent::new(1, 0.1)
        };
        let point = Point {
            problem: &problem,
            model: &model,
            theta: &theta,
            residuals: &residuals,
            loss_factor: LOSS_FACTOR,
            batch: 2,
            replacement,
            step: 0,
        };
        let found =
            total_trace(std::slice::from_ref(&noise), dynamics.effective_batch(problem.samples()), &point);

        // Not flipped, or flipped to one of the classes.
        let ways: Vec<(f64, Option<usize>)> = std::iter::once((1.0 - probability, None))
            .chain((0..OUTPUTS).map(|class| (probability / OUTPUTS as f64, Some(class))))
            .collect();
        let all = batches(n, 2, replacement);
        let (mut mean, mut squares) = (vec![0.0; DIM], 0.0);
        for batch in &all {
            for (p, first) in &ways {
                for (q, second) in &ways {
                    let mut weights = vec![0.0; residuals.len()];
                    for (i, class) in batch.iter().zip([first, second]) {
                        for k in 0..OUTPUTS {
                            let entry = i * OUTPUTS + k;
                            let flipped =
                                class.map_or(problem.y()[entry], |class| f64::from(u8::from(class == k)));
                            let residual = residuals[entry] + problem.y()[entry] - flipped;
                            weights[entry] += 2.0 * LOSS_FACTOR / 2.0 * residual;
                        }
                    }
                    let mut gradient = vec![0.0; DIM];
                    model.pull_back(&theta, &problem, &weights, &mut gradient);
                    let weight = p * q / all.len() as f64;
                    mean.iter_mut().zip(&gradient).for_each(|(mean, g)| *mean += weight * g);
                    squares += weight * gradient.iter().map(|g| g * g).sum::<f64>();
                }
            }
        }
        let expected = squares - mean.iter().map(|m| m * m).sum::<f64>();
        assert!((found / expected - 1.0).abs() < 1e-12, "replacement {replacement}: {found} {expected}");
    }
}

/// The mean over all batches of `J_B' C J_B` with the covariance `norm^2 / (N - 1) (1 - 1 1' / N)` of the `N` outputs of a
/// batch, and from draws: a batch of every size, with and without replacement, at a step behind a drop of the norm.
#[test]
fn the_trace_of_noise_on_the_output_gradients_is_the_mean_over_all_batches_at_its_norm_there() {
    let (model, problem, theta, residuals) = several_outputs();
    let n = problem.samples();
    let norm = Schedule::with_drops(2.0, vec![(5, 0.1)]).unwrap();
    let noise = Noise::sample(OutputGradientNoise { norm: norm.clone() });
    let jacobian = model.jacobian(&theta, &problem, 1.0);
    for (size, replacement) in [(1, true), (2, true), (3, true), (1, false), (2, false), (4, false)] {
        for step in [4, 5] {
            let point = Point {
                problem: &problem,
                model: &model,
                theta: &theta,
                residuals: &residuals,
                loss_factor: LOSS_FACTOR,
                batch: size,
                replacement,
                step,
            };
            let all = batches(n, size, replacement);
            let entries = (size * OUTPUTS) as f64;
            let mut expected = 0.0;
            for batch in &all {
                let rows = batch.iter().flat_map(|i| (0..OUTPUTS).map(move |k| i * OUTPUTS + k));
                let rows: Vec<&[f64]> = rows.map(|row| &jacobian[row * DIM..][..DIM]).collect();
                let squares: f64 = rows.iter().flat_map(|row| row.iter().map(|j| j * j)).sum();
                let sums = (0..DIM).map(|j| rows.iter().map(|row| row[j]).sum::<f64>());
                let of_mean = sums.map(|sum| sum * sum).sum::<f64>() / entries;
                expected += (squares - of_mean) / (entries - 1.0) / all.len() as f64;
            }
            expected *= norm.at(step).powi(2);
            let found = noise.trace(&point);
            let what = format!("batch {size}, replacement {replacement}, step {step}");
            assert!((found / expected - 1.0).abs() < 1e-12, "{what}: {found} {expected}");

            if step == 4 {
                continue;
            }
            // Every batch as often as every other, and a draw for each.
            let fixed = OutputGradientNoise { norm: Schedule::constant(norm.at(step)) };
            let mut norms = Moments::about(vec![expected]);
            let (draws, mut scratch) = (Draws::new(31, &[2], 0), Scratch::default());
            for t in 0..all.len() * 10_000_usize.div_ceil(all.len()) {
                let drawn = Step {
                    draws: draws.at_step(t as u64),
                    batch: size,
                    outputs: OUTPUTS,
                    residuals: &residuals,
                    labels: problem.y(),
                    loss_factor: LOSS_FACTOR,
                    position: 0,
                };
                let mut of_batch = vec![0.0; size * OUTPUTS];
                PerturbWeights::perturb_weights(&fixed, &drawn, &mut scratch, &mut of_batch);
                let mut weights = vec![0.0; residuals.len()];
                for (i, of_sample) in all[t % all.len()].iter().zip(of_batch.chunks_exact(OUTPUTS)) {
                    (0..OUTPUTS).for_each(|k| weights[i * OUTPUTS + k] += of_sample[k]);
                }
                let mut gradient = vec![0.0; DIM];
                model.pull_back(&theta, &problem, &weights, &mut gradient);
                norms.add(&[gradient.iter().map(|g| g * g).sum()]);
            }
            check_estimates(&what, RESOLVES, &[norms.average(0)]);
        }
    }
}

#[test]
fn the_trace_of_flipped_labels_follows_the_drops_of_their_probability() {
    let (model, problem, theta, residuals) = several_outputs();
    let at = |probability: Schedule, step| {
        let noise = Noise::sample(LabelFlip { probability });
        let point = Point {
            problem: &problem,
            model: &model,
            theta: &theta,
            residuals: &residuals,
            loss_factor: LOSS_FACTOR,
            batch: 2,
            replacement: true,
            step,
        };
        total_trace(&[noise], 2.0, &point)
    };
    let drops = Schedule::with_drops(0.5, vec![(5, 0.1)]).unwrap();
    assert_eq!(at(drops.clone(), 4), at(Schedule::constant(0.5), 0));
    assert_eq!(at(drops, 5), at(Schedule::constant(0.05), 0));
}
