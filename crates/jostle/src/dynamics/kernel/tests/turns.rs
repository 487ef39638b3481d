//! Replicas that take turns, some of which keep an exponent with their parameters and some of which do not.

use super::*;
use crate::dynamics::Sampling;

/// Looks between and at the ends of what is drawn ahead (256 steps) and of the looks at exponents (64 steps).
const LOOKS: [u64; 7] = [1, 64, 127, 255, 300, 512, 600];

const REPLICAS: usize = 5;

/// A start of ordinary size, and one below the limit from which on parameters are kept with an exponent (2^-256, and
/// 2^-32 in float32), whose coefficients are still ordinary numbers.
fn starts<F: Float>(link: LinkKind, dim: usize) -> [Vec<f64>; 2] {
    let small = if F::PRECISION == crate::float::Precision::F64 { 1e-90 } else { 1e-11 };
    [0.7, small].map(|init| ModelSpec::new(link, init).initial(dim, 0))
}

/// Parameters and coefficients of one replica at each of the looks.
type Path = Vec<(Vec<f64>, Vec<f64>)>;

fn reference_path<F: Float>(task: &Task<'_>, problem: &Problem, replica: u32, start: &[f64]) -> Path {
    let mut reference = Reference::<F>::new(task, problem, replica, start).without_exponents();
    let until = |look: &u64| {
        while reference.step < *look {
            reference.advance();
        }
        (reference.parameters(), widened(&reference.beta))
    };
    LOOKS.iter().map(until).collect()
}

fn check<F: Float>(task: &Task<'_>, problem: &Problem, what: &str) {
    let (data, dim) = (Data::<F>::new(problem), problem.dim());
    let starts = starts::<F>(task.link, dim);
    let paths: Vec<[Path; 2]> = (0..REPLICAS as u32)
        .map(|replica| [0, 1].map(|small| reference_path::<F>(task, problem, replica, &starts[small])))
        .collect();
    let is_small = |order: usize, replica: usize| order >> replica & 1;
    for order in 0..1 << REPLICAS {
        let block = |replica: usize| {
            let begins = Begin::everywhere(&starts[is_small(order, replica)], 1);
            Block { data: &data, state: State::new(task, &begins, dim, vec![replica as u32]) }
        };
        let mut blocks: Vec<_> = (0..REPLICAS).map(block).collect();
        for (look, step) in LOOKS.into_iter().enumerate() {
            advance(task, Kernel::Sample, &mut blocks, step);
            for (replica, block) in blocks.iter().enumerate() {
                let (theta, beta) = &paths[replica][is_small(order, replica)][look];
                let lane = block.state.lane(0);
                let place = format!("{what}, order {order:b}, step {step}, replica {replica}");
                assert_eq!(&lane.theta, theta, "theta: {place}");
                assert_eq!(&lane.beta, beta, "beta: {place}");
            }
        }
    }
}

/// Four that take turns, and one that is left over.
#[test]
fn replicas_that_take_turns_follow_the_reference_in_whatever_order_some_of_them_are_tiny() {
    let problem = problem(3, 2);
    let links = [LinkKind::Square(Square), LinkKind::Power(Power { depth: 2 }), LinkKind::Product(Product)];
    for link in links {
        for names in [&[][..], &["label"]] {
            let noises = noises(names);
            for replacement in [true, false] {
                let drops = Schedule::with_drops(0.002, vec![(270, 0.5)]).unwrap();
                let dynamics = GradientDescent {
                    batch: Batch::Size(1),
                    sampling: Sampling::with_replacement(replacement),
                    learning_rate: drops,
                    ..GradientDescent::new(600, 0.002)
                };
                let rule = Rule {
                    loss: Loss::Square,
                    loss_factor: link.loss_factor(),
                    dynamics: &dynamics,
                    noises: &noises,
                    average_from: None,
                    seed: 5,
                    level: Level::detect(),
                };
                let task = Task { link, rule };
                let what = format!("{link:?} with {names:?}, replacement {replacement}");
                check::<f64>(&task, &problem, &format!("{what}, f64"));
                check::<f32>(&task, &problem, &format!("{what}, f32"));
            }
        }
    }
}

#[test]
fn batches_are_the_same_in_whatever_order_steps_are_asked_for() {
    let replicas = [4];
    let draws = Draws::new(5, &replicas, 0);
    for (size, replacement) in [(1, true), (3, true), (3, false)] {
        let fresh = |step| {
            members::Members::new(draws, 7, size, Sampling::with_replacement(replacement), 1000)
                .at(step)
                .to_vec()
        };
        let mut batches =
            members::Members::new(draws, 7, size, Sampling::with_replacement(replacement), 1000);
        for step in [0, 300, 299, 256, 255, 3, 999, 0] {
            assert_eq!(batches.at(step), fresh(step), "step {step}");
        }
    }
}

#[test]
fn perturbations_are_the_same_in_whatever_order_steps_are_asked_for() {
    let (noises, dynamics) = (noises(&["label", "labels"]), GradientDescent::new(1000, 0.01));
    let rule = Rule {
        loss: Loss::Square,
        loss_factor: 0.5,
        dynamics: &dynamics,
        noises: &noises,
        average_from: None,
        seed: 5,
        level: Level::detect(),
    };
    let shape = frame::Shape { batch: 3, outputs: 1, params: 2 };
    let new = || frame::Frame::<f64>::new(&rule, 1e30, &[4], shape, 0, 1000);
    let of_step = |frame: &mut frame::Frame<'_, f64>, step| {
        let (numbers, stride) = frame.perturbation(step, &[]).unwrap();
        [0, 1, 2].map(|k| numbers[k * stride])
    };
    let mut frame = new();
    for step in [0, 300, 299, 256, 255, 3, 999, 0] {
        assert_eq!(of_step(&mut frame, step), of_step(&mut new(), step), "step {step}");
    }
}
