//! Every kernel, on every level, in both precisions, against a plain reference: the same bits after every step.

mod identities;
mod turns;

use super::plain::Reference;
use super::*;
use crate::dynamics::Sampling;
use crate::dynamics::Schedule;
use crate::dynamics::stepper::Begin;
use crate::model::{ModelSpec, Power, Product, Square, Unit};
use crate::noise::{
    CovarianceOf, CovarianceShape, GaussianSampleNoise, IsotropicNoise, LabelDistribution, LabelNoise,
    Labels, MiniBatchDifference, ShapedNoise,
};
use crate::problem::Problem;
use crate::random::{Draws, Purpose};

fn problem(samples: usize, dim: usize) -> Problem {
    let replicas = [9];
    let draws = Draws::new(77, &replicas, 0);
    let (mut x, mut y) = (vec![0.0; samples * dim], vec![0.0; samples]);
    draws.normals(Purpose::DESIGN, &mut x);
    draws.normals(Purpose::LABELS, &mut y);
    Problem::new(x, y, None).unwrap()
}

fn widened<F: Float>(values: &[F]) -> Vec<f64> {
    values.iter().map(|v| (*v).into()).collect()
}

/// Compares a kernel with the reference at each of some steps, to the bit.
fn compare<F: Float>(task: &Task<'_>, problem: &Problem, kernel: Kernel, steps: &[u64], what: &str) {
    let data = Data::<F>::new(problem);
    let dim = problem.dim();
    let theta = ModelSpec::new(task.link, 0.7).initial(dim, 0);
    // Replicas that take turns are blocks of their own.
    let count = if kernel == Kernel::Sample { 3 } else { kernel.lanes::<F>(task.rule.level) };
    let in_block = kernel.lanes::<F>(task.rule.level);
    let replicas: Vec<u32> = (3..).take(count).collect();
    let mut blocks: Vec<_> = replicas
        .chunks(in_block)
        .map(|replicas| Block {
            data: &data,
            state: State::new(task, &Begin::everywhere(&theta, replicas.len()), dim, replicas.to_vec()),
        })
        .collect();
    let mut references: Vec<_> =
        replicas.iter().map(|replica| Reference::<F>::new(task, problem, *replica, &theta)).collect();
    for step in steps {
        advance(task, kernel, &mut blocks, *step);
        for (k, reference) in references.iter_mut().enumerate() {
            while reference.step < *step {
                reference.advance();
            }
            let place = format!(
                "{what}, {kernel:?} in {} on {}, step {step}, replica {k}",
                F::PRECISION,
                task.rule.level
            );
            let found = blocks[k / in_block].state.lane(k % in_block);
            assert_eq!(found.theta, reference.parameters(), "theta: {place}");
            assert_eq!(found.beta, widened(&reference.beta), "beta: {place}");
            if let Some(average) = found.average {
                let expected = reference.average().unwrap();
                assert_eq!(average, expected, "average: {place}");
            }
        }
    }
}

fn noises(names: &[&str]) -> Vec<Noise> {
    let (std, scale) = (0.3, 0.5);
    names
        .iter()
        .map(|name| {
            let label =
                |labels, distribution| Noise::sample(LabelNoise { std, lambda: None, labels, distribution });
            let of = CovarianceOf::MiniBatch(2);
            match *name {
                "label" => label(Labels::One, LabelDistribution::Gaussian),
                "labels" => label(Labels::Batch, LabelDistribution::Rademacher),
                "difference" => Noise::sample(MiniBatchDifference { scale, batch: 1 }),
                "difference of batches" => Noise::sample(MiniBatchDifference { scale, batch: 3 }),
                "isotropic" => Noise::parameter(IsotropicNoise { std, bypasses_momentum: false }),
                "covariance" => Noise::sample(GaussianSampleNoise { of, scale }),
                "label covariance" => Noise::sample(GaussianSampleNoise { of: CovarianceOf::Label, scale }),
                "diagonal" => {
                    let shape = CovarianceShape::Diagonal;
                    Noise::parameter(ShapedNoise { of, shape, scale })
                }
                "trace" => {
                    let (of, shape) = (CovarianceOf::Label, CovarianceShape::Isotropic);
                    Noise::parameter(ShapedNoise { of, shape, scale })
                }
                other => unreachable!("{other}"),
            }
        })
        .collect()
}

const LINKS: [LinkKind; 5] = [
    LinkKind::Square(Square),
    LinkKind::Power(Power { depth: 2 }),
    LinkKind::Power(Power { depth: 3 }),
    LinkKind::Product(Product),
    LinkKind::Unit(Unit),
];

fn check_all(dynamics: &GradientDescent, kernels: &[Kernel], noise_sets: &[&[&str]]) {
    // Sizes that leave remainders for every tile and every vector width.
    for (samples, dim) in [(3, 2), (13, 19), (40, 100)] {
        check_at(dynamics, kernels, noise_sets, samples, dim, &LINKS, &[1, 2, 3, 4, 6], Some(2));
    }
}

#[expect(clippy::too_many_arguments, reason = "what one comparison needs")]
fn check_at(
    dynamics: &GradientDescent,
    kernels: &[Kernel],
    noise_sets: &[&[&str]],
    samples: usize,
    dim: usize,
    links: &[LinkKind],
    steps: &[u64],
    average_from: Option<u64>,
) {
    let problem = problem(samples, dim);
    for link in links {
        for names in noise_sets {
            let noises = noises(names);
            for level in Level::available() {
                let task = Task {
                    link: *link,
                    rule: Rule {
                        loss: Loss::Square,
                        loss_factor: link.loss_factor(),
                        dynamics,
                        noises: &noises,
                        average_from,
                        seed: 5,
                        level,
                    },
                };
                for kernel in kernels {
                    let what = format!("{link:?} with {names:?} at {samples}x{dim}");
                    compare::<f64>(&task, &problem, *kernel, steps, &what);
                    compare::<f32>(&task, &problem, *kernel, steps, &what);
                }
            }
        }
    }
}

#[test]
fn full_batch_kernels_follow_the_reference_to_the_bit() {
    let drops = Schedule::with_drops(0.01, vec![(3, 0.1)]).unwrap();
    let dynamics = GradientDescent { learning_rate: drops, ..GradientDescent::new(6, 0.01) };
    let kernels = [Kernel::Lanes(1), Kernel::Lanes(2), Kernel::Single];
    let sets: [&[&str]; 7] = [
        &[],
        &["label"],
        &["difference", "isotropic"],
        &["difference of batches", "labels"],
        &["covariance", "label covariance"],
        &["diagonal"],
        &["trace", "label"],
    ];
    check_all(&dynamics, &kernels, &sets);
    let heavy_ball = GradientDescent { momentum: 0.9, ..dynamics };
    check_all(&heavy_ball, &kernels, &[&[], &["label", "isotropic"]]);
}

#[test]
fn the_mini_batch_kernels_follow_the_reference_to_the_bit() {
    for (size, replacement) in [(1, true), (3, true), (2, false)] {
        let drops = Schedule::with_drops(0.002, vec![(3, 0.5)]).unwrap();
        let dynamics = GradientDescent {
            batch: Batch::Size(size),
            sampling: Sampling::with_replacement(replacement),
            learning_rate: drops,
            ..GradientDescent::new(6, 0.002)
        };
        let kernels = if size == 1 { vec![Kernel::Sample] } else { vec![Kernel::MiniBatch] };
        check_all(&dynamics, &kernels, &[&[], &["label"], &["labels", "isotropic"]]);
        let heavy_ball = GradientDescent { momentum: 0.5, ..dynamics };
        check_all(&heavy_ball, &kernels, &[&["label"]]);
    }
}

/// Long enough for noise that is drawn ahead to be drawn again, and for exponents and averages to be looked at.
#[test]
fn long_stretches_of_steps_follow_the_reference_to_the_bit() {
    let links = [LinkKind::Square(Square), LinkKind::Product(Product)];
    let steps = [1, 63, 64, 150, 200];
    let drops = Schedule::with_drops(0.01, vec![(77, 0.5), (100, 0.5)]).unwrap();
    let full = GradientDescent { learning_rate: drops, ..GradientDescent::new(200, 0.01) };
    let kernels = [Kernel::Lanes(1), Kernel::Lanes(2), Kernel::Single];
    for average_from in [None, Some(70)] {
        check_at(&full, &kernels, &[&["label"]], 13, 19, &links, &steps, average_from);
        let samples = GradientDescent { batch: Batch::Size(1), ..full.clone() };
        let sets: [&[&str]; 2] = [&[], &["label", "labels"]];
        check_at(&samples, &[Kernel::Sample], &sets, 13, 19, &links, &steps, average_from);
    }
}

/// More columns than one block of the matrix holds.
#[test]
fn a_matrix_in_several_blocks_gives_the_same_bits() {
    let dynamics = GradientDescent::new(4, 1e-5);
    let kernels = [Kernel::Lanes(1), Kernel::Lanes(2), Kernel::Single];
    let problem = problem(61, 1003);
    assert!(
        Data::<f64>::new(&problem).blocks().width() < 500
            && Data::<f32>::new(&problem).blocks().width() < 500
    );
    let sets: [&[&str]; 2] = [&["label"], &["diagonal"]];
    check_at(&dynamics, &kernels, &sets, 61, 1003, &[LinkKind::Square(Square)], &[1, 3], None);
}

/// One sample `x = 1`, label `y`, no noise: `w <- w (1 - eta (w^2 - y))` shrinks by the factor `1 + eta y` as w -> 0.
#[test]
fn a_parameter_of_size_exp_minus_1000_survives_and_comes_back() {
    let down = Problem::new(vec![1.0], vec![-1.0], None).unwrap();
    let up = Problem::new(vec![1.0], vec![1.0], None).unwrap();
    let dynamics = GradientDescent::new(2_000_000, 0.001);
    for link in [LinkKind::Square(Square), LinkKind::Product(Product)] {
        for kernel in [Kernel::Single, Kernel::Lanes(2)] {
            let task = Task {
                link,
                rule: Rule {
                    loss: Loss::Square,
                    loss_factor: link.loss_factor(),
                    dynamics: &dynamics,
                    noises: &[],
                    average_from: None,
                    seed: 0,
                    level: Level::detect(),
                },
            };
            // The product form is started off its axis of symmetry, where b = 0 would stay negligible.
            let theta = if link.parts() == 2 { vec![1.0, 1.0] } else { vec![1.0] };
            let replicas = (0..).take(kernel.lanes::<f64>(task.rule.level)).collect();
            let (down, up) = (Data::<f64>::new(&down), Data::new(&up));
            let begins = Begin::everywhere(&theta, kernel.lanes::<f64>(task.rule.level));
            let mut blocks = [Block { data: &down, state: State::new(&task, &begins, 1, replicas) }];
            advance(&task, kernel, &mut blocks, 1_000_000);
            let shrunk = blocks[0].state.lane(0);
            let expected = 1e6 * (1.0f64 - 0.001).ln();
            assert!((shrunk.log_abs_theta[0] / expected - 1.0).abs() < 1e-3, "{}", shrunk.log_abs_theta[0]);
            assert!(shrunk.log_abs_theta[0] < -1000.0 && shrunk.theta[0] == 0.0);
            blocks[0].data = &up;
            advance(&task, kernel, &mut blocks, 1_990_000);
            let early = blocks[0].state.lane(0).beta;
            assert!(early[0] < 1e-3, "it must not come back early: {early:?}");
            advance(&task, kernel, &mut blocks, 2_020_000);
            let back = blocks[0].state.lane(0).beta;
            assert!((back[0] - 1.0).abs() < 1e-6, "{back:?}");
        }
    }
}

#[test]
fn a_diverged_lane_is_marked_with_its_step_and_its_neighbours_do_not_notice() {
    // Label noise so large that some replicas explode and others do not.
    let problem = problem(13, 19);
    let noises = [Noise::sample(LabelNoise {
        std: 22.0,
        lambda: None,
        labels: Labels::One,
        distribution: LabelDistribution::Gaussian,
    })];
    let dynamics = GradientDescent::new(400, 0.03);
    let link = LinkKind::Square(Square);
    let task = Task {
        link,
        rule: Rule {
            loss: Loss::Square,
            loss_factor: 0.25,
            dynamics: &dynamics,
            noises: &noises,
            average_from: None,
            seed: 1,
            level: Level::detect(),
        },
    };
    let theta = ModelSpec::new(link, 1.0).initial(19, 0);
    let data = Data::<f64>::new(&problem);
    let run = |kernel: Kernel, replicas: Vec<u32>| {
        let begins = Begin::everywhere(&theta, replicas.len());
        let mut blocks = [Block { data: &data, state: State::new(&task, &begins, 19, replicas) }];
        advance(&task, kernel, &mut blocks, 400);
        let [block] = blocks;
        block.state
    };
    let lanes = Kernel::Lanes(2).lanes::<f64>(task.rule.level) as u32;
    let together = run(Kernel::Lanes(2), (0..lanes).collect());
    let mut counts = [0, 0];
    for lane in 0..lanes {
        let (alone, together) = (run(Kernel::Single, vec![lane]).lane(0), together.lane(lane as usize));
        assert_eq!(alone.diverged, together.diverged, "lane {lane}");
        if alone.diverged.is_none() {
            assert_eq!(alone.theta, together.theta, "lane {lane}");
        } else {
            assert!(together.theta.iter().all(|t| t.is_nan()));
        }
        counts[usize::from(alone.diverged.is_some())] += 1;
    }
    assert!(counts[0] > 0 && counts[1] > 0, "the test needs both fates: {counts:?}");
}
