use super::*;
use crate::dynamics::{Batch, Dynamics, GradientDescent, Sampling, Schedule};
use crate::ensemble::setup::Setup;
use crate::float::Precision;
use crate::model::{LinkKind, ModelSpec, Power, Square};
use crate::noise::{
    CovarianceOf, IsotropicNoise, LabelDistribution, LabelNoise, Labels, MiniBatchDifference, Noise,
};
use crate::observable::find;
use crate::problem::{ENTRIES, Generator, Problem};
use crate::process::{Origin, Source, Start};
use crate::setting::{Settings, Value};
use crate::simd::Level;
use crate::theory::predicted_lasso;
use crate::watch::Watch;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

mod general;
mod networks;

fn generator(samples: u64, dim: u64) -> Generator {
    let given = [("samples", samples), ("dim", dim), ("sparsity", 2), ("seed", 3)]
        .map(|(name, value)| (name, Value::Integer(value)));
    Generator::from_settings(ENTRIES[0].kind, &Settings::check(&ENTRIES[0], &given).unwrap()).unwrap()
}

fn shared(samples: u64, dim: u64) -> Source {
    Source::Shared(Arc::new(generator(samples, dim).generate(0)))
}

fn label_noise(std: f64) -> Noise {
    let (labels, distribution) = (Labels::One, LabelDistribution::Gaussian);
    Noise::sample(LabelNoise { std, lambda: None, labels, distribution })
}

/// 60 steps of label noise on 13 samples of dimension 19.
fn cell(source: Source, batch: Batch, replicas: u32) -> Setup {
    let drops = Schedule::with_drops(0.02, vec![(30, 0.5)]).unwrap();
    Setup {
        source,
        start: Start::default(),
        model: ModelSpec::new(LinkKind::Power(Power { depth: 2 }), 0.5),
        dynamics: GradientDescent { batch, learning_rate: drops, ..GradientDescent::new(60, 0.02) }.into(),
        noises: vec![label_noise(0.5)],
        recording: Recording::Every(25),
        quantities: ["train_loss", "test_error", "average_test_error", "active"].map(quantity).to_vec(),
        active: crate::observable::ActiveThreshold::default(),
        average_from: Some(20),
        replicas,
        seed: 8,
        precision: Precision::F64,
    }
}

#[test]
fn noises_that_would_share_random_numbers_are_refused() {
    let noises = (0..16_320).map(|_| label_noise(0.5)).collect();
    let refused = Setup { noises, ..cell(shared(13, 19), Batch::Full, 1) }.check().err().unwrap().to_string();
    assert_eq!(refused, "noise.16319.kind is one noise too many; expected at most 16319");
}

fn descent(cell: &mut Setup) -> &mut GradientDescent {
    match &mut cell.dynamics {
        Dynamics::GradientDescent(dynamics) => dynamics,
        Dynamics::Flow(_) => panic!("the cell flows"),
    }
}

fn quantity(name: &str) -> &'static crate::observable::Observable {
    find(name).unwrap()
}

/// The ways to run replicas: together or alone, on common data or data of their own, in both precisions.
fn arrangements(replicas: u32) -> Vec<(&'static str, Setup)> {
    [
        ("full batch, shared data", shared(13, 19), Batch::Full),
        ("full batch, own data", Source::PerReplica(generator(13, 19)), Batch::Full),
        ("mini-batch, shared data", shared(13, 19), Batch::Size(3)),
        ("mini-batch, own data", Source::PerReplica(generator(13, 19)), Batch::Size(3)),
        ("one sample, shared data", shared(13, 19), Batch::Size(1)),
        ("one sample, own data", Source::PerReplica(generator(13, 19)), Batch::Size(1)),
        ("full batch, shared data, float32", shared(13, 19), Batch::Full),
        ("mini-batch, own data, float32", Source::PerReplica(generator(13, 19)), Batch::Size(3)),
        ("one sample, shared data, float32", shared(13, 19), Batch::Size(1)),
    ]
    .map(|(what, source, batch)| {
        let precision = if what.ends_with("float32") { Precision::F32 } else { Precision::F64 };
        (what, Setup { precision, ..cell(source, batch, replicas) })
    })
    .into()
}

/// The results of the cells that were finished, which must be handed over in order.
fn run_all(cells: &[Ensemble], threads: usize, level: Level, watch: &dyn Watch) -> Vec<UnitResult> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let mut results = Vec::new();
    let count = run(cells, &pool, level, watch, &mut |k, result| {
        assert_eq!(k, results.len());
        results.push(result);
    });
    assert_eq!(count, results.len());
    results
}

fn run_one(cell: Setup) -> Vec<Replica> {
    run_all(&[cell.check().unwrap()], 2, Level::detect(), &()).remove(0).replicas
}

/// All numbers of a replica as bits, so that NaN equals NaN and 0 differs from -0.
fn bits(replica: &Replica) -> Vec<u64> {
    let average = replica.average.as_deref().unwrap_or_default();
    [&replica.rows, &replica.theta, &replica.log_abs_theta, &replica.beta, average]
        .into_iter()
        .flat_map(|values| values.iter().map(|v| v.to_bits()))
        .chain([u64::from(replica.replica), replica.diverged.map_or(0, |step| step + 1)])
        .collect()
}

fn all_bits(replicas: &[Replica]) -> Vec<Vec<u64>> {
    replicas.iter().map(bits).collect()
}

#[test]
fn results_do_not_depend_on_the_threads_or_the_level() {
    let cells: Vec<Ensemble> = arrangements(21).iter().map(|(_, cell)| cell.checked()).collect();
    let with = |threads: usize, level: Level| -> Vec<Vec<Vec<u64>>> {
        let results = run_all(&cells, threads, level, &());
        assert_eq!(results.len(), cells.len());
        results.iter().map(|result| all_bits(&result.replicas)).collect()
    };
    let expected = with(1, Level::Portable);
    for level in Level::available() {
        for threads in [1, 2, 3] {
            assert!(with(threads, level) == expected, "{threads} threads, {level}");
        }
    }
}

#[test]
fn a_replica_does_not_depend_on_how_many_there_are() {
    for (k, (what, most)) in arrangements(40).into_iter().enumerate() {
        let most = run_one(most);
        assert_eq!(most.iter().map(|r| r.replica).collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
        assert!(most.iter().all(|r| r.diverged.is_none() && r.rows.iter().all(|v| v.is_finite())), "{what}");
        for count in [1, 2, 5, 16, 17] {
            let few = run_one(arrangements(count).remove(k).1);
            assert!(all_bits(&few) == all_bits(&most[..count as usize]), "{count} replicas, {what}");
        }
    }
}

#[test]
fn replicas_are_different_and_so_are_seeds() {
    for (what, cell) in arrangements(3) {
        let first = run_one(Setup { seed: 9, ..cell });
        assert_ne!(first[0].theta, first[1].theta, "{what}");
        assert_ne!(first[1].theta, first[2].theta, "{what}");
    }
    let with_seed = |seed| run_one(Setup { seed, ..cell(shared(13, 19), Batch::Full, 1) }).remove(0).theta;
    assert_ne!(with_seed(1), with_seed(2));
}

#[test]
fn replicas_without_any_noise_are_the_same_on_shared_data() {
    let replicas = run_one(Setup { noises: Vec::new(), ..cell(shared(13, 19), Batch::Full, 20) });
    for replica in &replicas {
        assert_eq!(replica.theta, replicas[0].theta);
    }
}

#[test]
fn units_cover_every_replica_once_in_order() {
    for replicas in [1, 15, 16, 17, 40] {
        for (what, cell) in arrangements(replicas) {
            let listed: Vec<u32> =
                units(&cell.checked()).into_iter().flat_map(|unit| unit.replicas).collect();
            assert_eq!(listed, (0..replicas).collect::<Vec<_>>(), "{what}");
        }
    }
}

/// Label noise so large that some replicas explode and others do not.
fn explosive(batch: Batch, every: u64) -> Setup {
    let rate = if batch == Batch::Full { 0.03 } else { 0.02 };
    Setup {
        model: ModelSpec::new(LinkKind::Square(Square), 1.0),
        dynamics: GradientDescent { batch, ..GradientDescent::new(400, rate) }.into(),
        noises: vec![label_noise(30.0)],
        recording: Recording::Every(every),
        quantities: ["train_loss", "test_error", "l1_norm", "noise_trace", "active", "support_recall"]
            .map(quantity)
            .to_vec(),
        ..cell(shared(13, 19), batch, 40)
    }
}

#[test]
fn a_diverged_replica_is_recorded_as_infinite_and_leaves_the_others_alone() {
    for batch in [Batch::Full, Batch::Size(4)] {
        let cell = explosive(batch, 1).check().unwrap();
        let replicas = run_unit_of_all(&cell);
        let mut fates = [0, 0];
        for replica in &replicas {
            fates[usize::from(replica.diverged.is_some())] += 1;
            let alone = Unit { replicas: replica.replica..replica.replica + 1 };
            let alone = run_unit(&cell, &alone, Level::detect(), &()).unwrap().replicas.remove(0);
            assert!(bits(&alone) == bits(replica), "replica {} beside others", replica.replica);
            for (step, row) in replica.rows.chunks_exact(6).enumerate() {
                if replica.diverged.is_some_and(|diverged| step as u64 >= diverged) {
                    assert!(row[..4].iter().all(|v| *v == f64::INFINITY), "{row:?}");
                    assert!(row[4..].iter().all(|v| v.is_nan()), "{row:?}");
                } else {
                    assert!(row.iter().all(|v| v.is_finite()), "step {step}: {row:?}");
                }
            }
            let last =
                [&replica.theta, &replica.log_abs_theta, &replica.beta, replica.average.as_ref().unwrap()];
            for values in last {
                assert!(values.iter().all(|v| v.is_nan() == replica.diverged.is_some()), "{values:?}");
            }
        }
        assert!(fates[0] > 2 && fates[1] > 2, "the test needs both fates: {fates:?}");
    }
}

fn run_unit_of_all(cell: &Ensemble) -> Vec<Replica> {
    let unit = Unit { replicas: 0..cell.protocol.replicas };
    run_unit(cell, &unit, Level::detect(), &()).unwrap().replicas
}

#[test]
fn the_step_of_divergence_does_not_depend_on_the_recording() {
    let often = run_one(explosive(Batch::Full, 1));
    let seldom = run_one(explosive(Batch::Full, 400));
    for (often, seldom) in often.iter().zip(&seldom) {
        assert_eq!(often.diverged, seldom.diverged, "replica {}", often.replica);
        assert_eq!(
            often.theta.iter().map(|t| t.to_bits()).collect::<Vec<_>>(),
            seldom.theta.iter().map(|t| t.to_bits()).collect::<Vec<_>>()
        );
    }
}

/// A full step of size 1000 on one sample: w = 1, 1 - 1000 (1 - 2) = 1001, then -1001^3 and so on.
#[test]
fn the_first_step_with_a_residual_beyond_the_limit_is_the_step_of_divergence() {
    let problem = Problem::new(vec![1.0], vec![2.0], None).unwrap();
    let cell = Setup {
        start: Start::default(),
        model: ModelSpec::new(LinkKind::Square(Square), 1.0),
        dynamics: GradientDescent::new(10, 1000.0).into(),
        noises: Vec::new(),
        recording: Recording::Every(1),
        quantities: vec![quantity("train_loss")],
        average_from: None,
        ..cell(Source::Shared(Arc::new(problem)), Batch::Full, 1)
    };
    // w: 1, 1.001e3, -1.0e12, 1.0e39, so that the residual w^2 - 2 passes 2e15 at step 2.
    let replica = run_one(cell).remove(0);
    assert_eq!(replica.diverged, Some(2));
    assert!(replica.rows[1].is_finite() && replica.rows[2..].iter().all(|v| *v == f64::INFINITY));
}

/// The observables that compare with the predicted Lasso, on data of all kinds.
fn compared_with_the_lasso(source: Source, replicas: u32) -> Setup {
    let names = [
        "distance_to_lasso",
        "time_average_to_lasso",
        "kkt_residual",
        "duality_gap",
        "log_slope_error",
        "effective_init",
    ];
    Setup {
        dynamics: GradientDescent::new(20_000, 0.02).into(),
        noises: vec![label_noise(1.5)],
        recording: Recording::Every(10_000),
        quantities: names.map(quantity).to_vec(),
        average_from: Some(5_000),
        ..cell(source, Batch::Full, replicas)
    }
}

#[test]
fn replicas_are_compared_with_the_lasso_of_their_own_data() {
    for source in [shared(13, 19), Source::PerReplica(generator(13, 19))] {
        let cells = [compared_with_the_lasso(source, 3).check().unwrap()];
        for replica in run_all(&cells, 2, Level::detect(), &()).remove(0).replicas {
            let predicted =
                predicted_lasso(&cells[0].process, &cells[0].process.source.problem(replica.replica))
                    .unwrap();
            let (first, last) = (&replica.rows[..6], &replica.rows[12..]);
            assert!(replica.rows.iter().all(|v| v.is_finite()), "{:?}", replica.rows);
            assert_eq!(last[0], predicted.relative_distance(&replica.beta));
            assert_eq!(last[1], predicted.relative_distance(replica.average.as_ref().unwrap()));
            assert!(last[1] < 0.2 * first[1], "{last:?}");
            assert!(last[2] < 0.2 * first[2] && last[3] < 0.2 * first[3] && last[4] < 0.5, "{last:?}");
            assert!(first[4] == 1.0 && (first[5] - 0.5).abs() < 1e-14, "{first:?}");
            // ln alpha falls by rate times the mean of lambda a step. Over 400 replicas the ratio is 1.010 (the square of the
            // gradient itself is left out at first order in the step size) with a standard deviation of 0.011 (the mean
            // of 20,000 squared perturbations).
            let fall = 20_000.0 * predicted.rate * predicted.lambda.iter().sum::<f64>() / 19.0;
            assert!((last[5].ln() + fall - 0.5_f64.ln()).abs() < 0.05 * fall, "{} and {fall}", last[5].ln());
        }
    }
}

#[test]
fn every_recorded_step_has_a_row_of_all_quantities() {
    for recording in [Recording::Every(7), Recording::Every(60), Recording::Log(10)] {
        let replicas = run_one(Setup { recording, ..cell(shared(13, 19), Batch::Full, 2) });
        let rows = recording.steps(60).len();
        assert!(replicas.iter().all(|r| r.rows.len() == 4 * rows), "{recording}");
    }
}

#[test]
fn recording_more_often_changes_no_trajectory() {
    for (what, cell) in arrangements(5) {
        let seldom = run_one(cell);
        for (replica, of) in run_one(Setup {
            recording: Recording::Every(1),
            ..arrangements(5).into_iter().find(|(name, _)| *name == what).unwrap().1
        })
        .iter()
        .zip(&seldom)
        {
            assert_eq!((&replica.theta, &replica.average), (&of.theta, &of.average), "{what}");
            assert_eq!(replica.rows[25 * 4..26 * 4], of.rows[4..8], "{what}");
        }
    }
}

#[test]
fn the_average_is_over_the_states_after_its_first_step() {
    for batch in [Batch::Full, Batch::Size(3)] {
        let with_steps = |steps: u64| {
            let mut cell = cell(shared(13, 19), batch, 1);
            descent(&mut cell).steps = steps;
            cell.average_from = (steps > 20).then_some(20);
            cell.quantities.truncate(2);
            run_one(cell).remove(0)
        };
        let average = with_steps(28).average.unwrap();
        let mut expected = vec![0.0; 19];
        for step in 21..=28 {
            expected.iter_mut().zip(with_steps(step).beta).for_each(|(sum, b)| *sum += b / 8.0);
        }
        for (found, expected) in average.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-14, "{batch}: {found} {expected}");
        }
        assert_eq!(with_steps(20).average, None);
    }
}

/// Heavy ball with step size eta (1 - b) follows the path of step size eta. Without data to decide (13 samples,
/// 19 coordinates), the minimum that is reached depends on the path.
#[test]
fn momentum_multiplies_the_step_size_and_reaches_the_same_minimum() {
    let with = |rate: f64, momentum: f64, steps: u64| {
        run_one(Setup {
            dynamics: GradientDescent { momentum, ..GradientDescent::new(steps, rate) }.into(),
            noises: Vec::new(),
            average_from: None,
            quantities: Vec::new(),
            ..cell(shared(13, 19), Batch::Full, 1)
        })
        .remove(0)
        .beta
    };
    let distance = |a: &[f64], b: &[f64]| {
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        square(&mut a.iter().zip(b).map(|(a, b)| a - b)) / square(&mut b.iter().copied())
    };
    let start = with(1e-12, 0.0, 1);
    for steps in [500, 100_000] {
        let plain = with(2e-3, 0.0, steps);
        assert!(distance(&start, &plain) > 0.3, "the path must have left its start");
        assert!(
            distance(&with(2e-4, 0.9, steps), &plain) < 0.02,
            "{}",
            distance(&with(2e-4, 0.9, steps), &plain)
        );
    }
    assert!(distance(&with(2e-3, 0.0, 500), &with(2e-3, 0.0, 100_000)) > 0.1, "500 steps are halfway");
}

/// Counts steps, and asks to stop after some.
struct Stopwatch {
    advanced: AtomicU64,
    limit: u64,
}

impl Watch for Stopwatch {
    fn advanced(&self, replica_steps: u64) {
        self.advanced.fetch_add(replica_steps, Ordering::Relaxed);
    }
    fn should_stop(&self) -> bool {
        self.advanced.load(Ordering::Relaxed) > self.limit
    }
}

#[test]
fn a_monitor_hears_of_every_replica_step() {
    for replicas in [1, 5, 40] {
        for (what, cell) in arrangements(replicas) {
            let watch = Stopwatch { advanced: AtomicU64::new(0), limit: u64::MAX };
            run_all(&[cell.checked()], 2, Level::detect(), &watch);
            assert_eq!(watch.advanced.into_inner(), 60 * u64::from(replicas), "{what}");
        }
    }
    let watch = Stopwatch { advanced: AtomicU64::new(0), limit: u64::MAX };
    run_all(&[explosive(Batch::Full, 100).checked()], 2, Level::detect(), &watch);
    assert_eq!(watch.advanced.into_inner(), 400 * 40, "diverged replicas count as done");
}

#[test]
fn a_stopped_run_hands_over_the_cells_that_were_finished() {
    let cells: Vec<Ensemble> = arrangements(5).iter().map(|(_, cell)| cell.checked()).collect();
    let watch = Stopwatch { advanced: AtomicU64::new(0), limit: 0 };
    assert!(run_all(&cells, 2, Level::detect(), &watch).is_empty());
    // One thread does the cells in turn: the first is finished when the second is stopped.
    let watch = Stopwatch { advanced: AtomicU64::new(0), limit: 5 * 60 };
    let finished = run_all(&cells, 1, Level::detect(), &watch);
    assert_eq!(all_bits(&finished[0].replicas), all_bits(&run_one(arrangements(5).remove(0).1)));
    assert_eq!(finished.len(), 1);
}

#[test]
fn a_long_run_is_stopped_between_recorded_steps() {
    let mut cell = cell(shared(40, 100), Batch::Full, 16);
    descent(&mut cell).steps = 1_000_000_000;
    cell.recording = Recording::Log(2);
    let watch = Stopwatch { advanced: AtomicU64::new(0), limit: 100_000 };
    let cell = cell.checked();
    assert_eq!(run_unit(&cell, &units(&cell)[0], Level::detect(), &watch), None);
    assert!(watch.advanced.into_inner() < 1_000_000);
}

/// The message of a cell that must be refused.
fn refusal(change: impl FnOnce(&mut Setup)) -> String {
    let mut cell = cell(shared(13, 19), Batch::Size(3), 1);
    change(&mut cell);
    match cell.check() {
        Ok(_) => panic!("the cell was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn cells_whose_parts_do_not_fit_are_refused_with_the_reason() {
    assert_eq!(
        refusal(|cell| descent(cell).batch = Batch::Size(14)),
        "dynamics.batch is 14, more than the 13 samples of the problem; expected \"full\" or at most 13"
    );
    let difference = || Noise::sample(MiniBatchDifference { scale: 1.0, batch: 1 });
    assert_eq!(
        refusal(|cell| cell.noises.push(difference())),
        "noise.1.kind adds to the full gradient; expected dynamics.batch = \"full\", not 3"
    );
    let without_truth = |cell: &mut Setup| {
        let problem = generator(13, 19).generate(0);
        let problem = Problem::new(problem.x().to_vec(), problem.y().to_vec(), None).unwrap();
        cell.source = Source::Shared(Arc::new(problem));
    };
    assert_eq!(
        refusal(without_truth),
        "observe.quantities has \"test_error\", which needs a problem with a truth"
    );
    assert_eq!(
        refusal(|cell| cell.average_from = None),
        "observe.quantities has \"average_test_error\", which needs observe.average_from"
    );
    assert_eq!(
        refusal(|cell| {
            cell.average_from = None;
            cell.quantities = vec![quantity("time_average_to_lasso")];
        }),
        "observe.quantities has \"time_average_to_lasso\", which needs observe.average_from"
    );
    assert_eq!(
        refusal(|cell| {
            cell.noises = Vec::new();
            cell.dynamics = GradientDescent::new(60, 0.02).into();
            cell.quantities = vec![quantity("distance_to_lasso")];
        }),
        "observe.quantities has \"distance_to_lasso\", which needs a predicted Lasso, but no Lasso is known for noise: \
         there is neither noise in the labels nor from mini-batches, and the limit depends on the start"
    );
    assert_eq!(
        refusal(|cell| cell.quantities = vec![quantity("log_slope_error")]),
        "observe.quantities has \"log_slope_error\", which needs a constant dynamics.learning_rate"
    );
    assert_eq!(
        refusal(|cell| {
            cell.model = ModelSpec::new(LinkKind::Power(Power { depth: 3 }), 0.5);
            cell.quantities = vec![quantity("effective_init")];
        }),
        "observe.quantities has \"effective_init\", which needs the model \"hadamard\" with depth = 2 and form = \
         \"power\""
    );
    assert_eq!(
        refusal(|cell| cell.average_from = Some(60)),
        "observe.average_from is 60; expected less than the 60 steps of the run"
    );
    assert_eq!(
        refusal(|cell| cell.model = ModelSpec::with_init(LinkKind::Square(Square), vec![1.0; 3])),
        "model.init has 3 values; expected 1 or 19 (the dimension)"
    );
}

#[test]
fn every_noise_of_the_full_gradient_is_refused_for_mini_batches() {
    let of = CovarianceOf::MiniBatch(1);
    let noises = || -> Vec<Noise> {
        use crate::noise::{CovarianceShape, GaussianSampleNoise, ShapedNoise};
        let shape = CovarianceShape::Diagonal;
        vec![
            Noise::sample(MiniBatchDifference { scale: 1.0, batch: 1 }),
            Noise::sample(GaussianSampleNoise { of, scale: 1.0 }),
            Noise::parameter(ShapedNoise { of, shape, scale: 1.0 }),
        ]
    };
    for noise in noises() {
        assert!(refusal(|cell| cell.noises = vec![noise]).contains("expected dynamics.batch = \"full\""));
    }
    let isotropic = Noise::parameter(IsotropicNoise { std: 0.1, bypasses_momentum: false });
    let mut accepted = cell(shared(13, 19), Batch::Size(3), 1);
    accepted.noises.push(isotropic);
    assert!(accepted.check().is_ok());
    // All samples without replacement are the full batch.
    let mut accepted = cell(shared(13, 19), Batch::Size(13), 1);
    descent(&mut accepted).sampling = Sampling::WITHOUT_REPLACEMENT;
    accepted.noises = noises();
    assert_eq!(accepted.check().ok().map(|cell| cell.process.dynamics.batch()), Some(Batch::Full));
}

/// Gradient descent or SGD on data that it can interpolate, with or without an early exit.
fn interpolating(batch: Batch, steps: u64, tolerance: f64, precision: Precision) -> Setup {
    let mut cell = cell(shared(13, 40), batch, 5);
    cell.dynamics = GradientDescent { batch, tolerance, ..GradientDescent::new(steps, 0.02) }.into();
    cell.noises.clear();
    cell.precision = precision;
    cell
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let difference: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    (difference / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

#[test]
fn replicas_that_have_converged_stop_where_they_would_have_ended() {
    for (batch, precision, tolerance, allowed) in [
        (Batch::Full, Precision::F64, 1e-9, 1e-9),
        (Batch::Size(1), Precision::F64, 1e-9, 1e-9),
        (Batch::Size(3), Precision::F64, 1e-6, 1e-6),
        (Batch::Full, Precision::F32, 1e-9, 1e-5),
        (Batch::Size(1), Precision::F32, 1e-4, 1e-4),
    ] {
        let what = format!("{batch}, {precision}");
        let early = run_one(interpolating(batch, 60_000, tolerance, precision));
        let late = run_one(interpolating(batch, 60_000, 0.0, precision));
        assert!(late.iter().all(|replica| replica.converged.is_none()));
        for (early, late) in early.iter().zip(&late) {
            let at = early.converged.unwrap_or_else(|| panic!("{what}: it should have stopped early"));
            assert!(at > 0 && at < 60_000 && at.is_multiple_of(4096), "{what}: {at}");
            assert!(
                distance(&early.theta, &late.theta) <= allowed,
                "{what}: {}",
                distance(&early.theta, &late.theta)
            );
            let (average, expected) = (early.average.as_ref().unwrap(), late.average.as_ref().unwrap());
            assert!(
                distance(average, expected) <= allowed,
                "{what}, average: {}",
                distance(average, expected)
            );
            assert_eq!(early.rows.len(), late.rows.len());
        }
    }
}

#[test]
fn the_step_of_an_early_exit_does_not_depend_on_what_is_recorded_or_on_the_neighbours() {
    for batch in [Batch::Full, Batch::Size(1)] {
        let whole = run_one(interpolating(batch, 30_000, 1e-9, Precision::F64));
        let mut often = interpolating(batch, 30_000, 1e-9, Precision::F64);
        often.recording = Recording::Every(777);
        often.replicas = 2;
        for (often, whole) in run_one(often).iter().zip(&whole) {
            assert_eq!((often.converged, &often.theta), (whole.converged, &whole.theta), "{batch}");
        }
    }
}

#[test]
fn nothing_stops_early_that_still_has_something_to_do() {
    let converged = |change: fn(&mut Setup)| {
        let mut cell = interpolating(Batch::Full, 20_000, 1e-9, Precision::F64);
        change(&mut cell);
        run_one(cell).iter().any(|replica| replica.converged.is_some())
    };
    assert!(converged(|_| ()));
    assert!(!converged(|cell| cell.noises.push(label_noise(1e-12))));
    assert!(!converged(|cell| descent(cell).momentum = 0.5));
    assert!(!converged(|cell| descent(cell).tolerance = 0.0));
    assert!(!converged(|cell| {
        descent(cell).learning_rate = Schedule::with_drops(0.01, vec![(19_999, 2.0)]).unwrap();
    }));
    // Too slow to have come to rest.
    assert!(!converged(|cell| descent(cell).learning_rate = Schedule::constant(1e-6)));
}

/// Noise is another draw of the same law in float32, so that paths are compared without it; batches are the same.
#[test]
fn float32_follows_float64_as_long_as_rounding_lets_it() {
    for k in 0..6 {
        let run = |precision| {
            let (_, mut cell) = arrangements(5).remove(k);
            cell.noises.clear();
            run_one(Setup { precision, ..cell })
        };
        for (single, double) in run(Precision::F32).iter().zip(run(Precision::F64)) {
            let off = distance(&single.beta, &double.beta);
            assert!(off > 0.0 && off < 1e-5, "{}: {off}", arrangements(1)[k].0);
        }
    }
}

/// Parameters that shrink to nothing at their own times: some replicas keep an exponent with them already, and some do not.
#[test]
fn replicas_that_shrink_at_different_times_are_those_that_they_are_alone() {
    let problem = Problem::new(vec![1.0, 1.0], vec![-1.0, 0.0], None).unwrap();
    let cell = Setup {
        source: Source::Shared(Arc::new(problem)),
        model: ModelSpec::new(LinkKind::Square(Square), 1.0),
        dynamics: GradientDescent { batch: Batch::Size(1), ..GradientDescent::new(50_000, 0.01) }.into(),
        noises: vec![label_noise(1.0)],
        recording: Recording::Log(2),
        quantities: vec![quantity("train_loss")],
        average_from: None,
        ..cell(shared(13, 19), Batch::Full, 8)
    };
    let together = run_one(cell.clone());
    let cell = cell.checked();
    let logs: Vec<f64> = together.iter().map(|replica| replica.log_abs_theta[0]).collect();
    assert!(logs.iter().all(|log| *log < -177.5), "below 2^-256: {logs:?}");
    for replica in 0..8 {
        let unit = Unit { replicas: replica..replica + 1 };
        let alone = run_unit(&cell, &unit, Level::detect(), &()).unwrap().replicas;
        assert!(all_bits(&alone) == all_bits(&together[replica as usize..][..1]), "replica {replica}");
    }
}

#[test]
fn residuals_whose_squares_are_no_numbers_have_diverged_whatever_the_labels() {
    for (label, batch) in [(1e200, Batch::Full), (1e200, Batch::Size(1)), (1e160, Batch::Full)] {
        let problem = Problem::new(vec![1.0, 0.0], vec![label, 0.0], None).unwrap();
        let cell = Setup {
            source: Source::Shared(Arc::new(problem)),
            model: ModelSpec::new(LinkKind::Square(Square), 1.0),
            dynamics: GradientDescent { batch, ..GradientDescent::new(3, 0.01) }.into(),
            noises: Vec::new(),
            quantities: vec![quantity("train_loss")],
            average_from: None,
            ..cell(shared(13, 19), Batch::Full, 3)
        };
        for replica in run_one(cell) {
            assert_eq!(replica.diverged, Some(0), "{label}, {batch}");
            assert!(replica.rows.iter().all(|loss| *loss == f64::INFINITY));
        }
    }
}
