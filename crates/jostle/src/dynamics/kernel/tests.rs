//! Every kernel, on every level, against a plain reference: the same bits after every step.

use super::plain::{PlainProducts, chain, slopes};
use super::*;
use crate::dynamics::Schedule;
use crate::model::{ModelSpec, Power, Product, Square, Unit};
use crate::noise::{
    CovarianceOf, CovarianceShape, GaussianSampleNoise, IsotropicNoise, LabelDistribution, LabelNoise,
    Labels, MiniBatchDifference, ShapedNoise,
};
use crate::random::Purpose;

/// The step of the module's head, one replica, one number at a time.
struct Reference<'a> {
    task: &'a Task<'a>,
    problem: &'a Problem,
    replica: [u32; 1],
    step: u64,
    theta: Vec<f64>,
    velocity: Vec<f64>,
    beta_sum: Vec<f64>,
    scratch: Scratch,
}

impl Reference<'_> {
    fn beta(&self) -> Vec<f64> {
        let mut beta = vec![0.0; self.problem.dim()];
        self.task.link.model().coefficients(&self.theta, &mut beta);
        beta
    }

    fn members(&self, draws: Draws<'_>) -> Vec<usize> {
        let n = self.problem.samples();
        let Batch::Size(size) = self.task.dynamics.batch else { return (0..n).collect() };
        let mut words = vec![0; size];
        draws.bits(Purpose::BATCH, &mut words);
        if self.task.dynamics.replacement {
            return words.into_iter().map(|word| Draws::index(word, n)).collect();
        }
        let mut members = vec![0; size];
        Draws::subset(words.into_iter(), n, &mut members, &mut Vec::new());
        members
    }

    fn advance(&mut self) {
        let (problem, dim, beta) = (self.problem, self.problem.dim(), self.beta());
        let draws = Draws::new(self.task.seed, &self.replica, self.step).on_level(Level::Portable);
        let members = self.members(draws);
        let residuals: Vec<f64> = members
            .iter()
            .map(|i| {
                let terms = problem.row(*i).iter().copied().zip(beta.iter().copied());
                if self.task.dynamics.batch == Batch::Full {
                    return chain(-problem.y()[*i], terms);
                }
                let mut stripes: Vec<f64> = (0..16)
                    .map(|s| {
                        chain(0.0, terms.clone().enumerate().filter(|(j, _)| j % 16 == s).map(|(_, t)| t))
                    })
                    .collect();
                while stripes.len() > 1 {
                    let half = stripes.len() / 2;
                    stripes = (0..half).map(|k| stripes[k] + stripes[k + half]).collect();
                }
                stripes[0] - problem.y()[*i]
            })
            .collect();
        let weight = 2.0 * self.task.loss_factor / members.len() as f64;
        let mut weights: Vec<f64> = residuals.iter().map(|r| r * weight).collect();
        let mut zeta = vec![0.0; self.theta.len()];
        let products = PlainProducts { link: self.task.link, problem, theta: &self.theta };
        let step = Step {
            draws,
            batch: members.len(),
            residuals: &residuals,
            loss_factor: self.task.loss_factor,
            products: &products,
        };
        for noise in self.task.noises {
            match noise {
                Noise::Sample(noise) => noise.perturb(&step, &mut self.scratch, &mut weights),
                Noise::Parameter(noise) => noise.add(&step, &mut self.scratch, &mut zeta),
            }
        }
        let rate = self.task.dynamics.learning_rate.at(self.step);
        let has_zeta = self.task.has_parameter_noise();
        for j in 0..dim {
            let pairs = members.iter().zip(&weights).map(|(i, w)| (problem.row(*i)[j], *w));
            let h = chain(0.0, pairs);
            for (part, slope) in slopes(self.task.link, &self.theta, dim, j).into_iter().enumerate() {
                let k = part * dim + j;
                let mut g = if has_zeta { slope.mul_add(h, zeta[k]) } else { slope * h };
                if self.task.dynamics.momentum > 0.0 {
                    g = self.velocity[k].mul_add(self.task.dynamics.momentum, g);
                    self.velocity[k] = g;
                }
                self.theta[k] = g.mul_add(-rate, self.theta[k]);
            }
        }
        if self.task.average_from.is_some_and(|from| self.step >= from) {
            let beta = self.beta();
            self.beta_sum.iter_mut().zip(beta).for_each(|(sum, b)| *sum += b);
        }
        self.step += 1;
    }
}

fn problem(samples: usize, dim: usize) -> Problem {
    let replicas = [9];
    let draws = Draws::new(77, &replicas, 0);
    let (mut x, mut y) = (vec![0.0; samples * dim], vec![0.0; samples]);
    draws.normals(Purpose::DESIGN, &mut x);
    draws.normals(Purpose::LABELS, &mut y);
    Problem::new(x, y, None).unwrap()
}

/// Compares a kernel with the reference after each of `steps` steps, to the bit.
fn compare(task: &Task<'_>, problem: &Problem, kernel: Kernel, steps: u64, what: &str) {
    let data = Data::new(problem);
    let dim = problem.dim();
    let theta = ModelSpec::new(task.link, 0.7).initial(dim).unwrap();
    let replicas: Vec<u32> = (3..).take(kernel.lanes(task.level)).collect();
    let mut state = State::new(task, &theta, dim, replicas.clone());
    let mut references: Vec<_> = replicas
        .iter()
        .map(|replica| Reference {
            task,
            problem,
            replica: [*replica],
            step: 0,
            theta: theta.clone(),
            velocity: vec![0.0; theta.len()],
            beta_sum: vec![0.0; dim],
            scratch: Scratch::default(),
        })
        .collect();
    for step in 1..=steps {
        advance(task, &data, kernel, &mut state, step);
        for (lane, reference) in references.iter_mut().enumerate() {
            reference.advance();
            let place = format!("{what}, {kernel:?} on {}, step {step}, lane {lane}", task.level);
            let found = state.lane(lane);
            assert_eq!(found.theta, reference.theta, "theta: {place}");
            assert_eq!(found.beta, reference.beta(), "beta: {place}");
            if let Some(average) = found.average {
                let count = (step - task.average_from.unwrap()) as f64;
                let expected: Vec<f64> = reference.beta_sum.iter().map(|sum| sum / count).collect();
                assert_eq!(average, expected, "average: {place}");
            }
        }
    }
}

fn noises(names: &[&str]) -> Vec<Noise> {
    let (std, scale) = (0.3, 0.5);
    names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let label = |labels, distribution| {
                Noise::Sample(Box::new(LabelNoise { std, labels, distribution, index }) as Box<_>)
            };
            let of = CovarianceOf::MiniBatch(2);
            match *name {
                "label" => label(Labels::One, LabelDistribution::Gaussian),
                "labels" => label(Labels::Batch, LabelDistribution::Rademacher),
                "difference" => Noise::Sample(Box::new(MiniBatchDifference { scale, batch: 1, index })),
                "difference of batches" => {
                    Noise::Sample(Box::new(MiniBatchDifference { scale, batch: 3, index }))
                }
                "isotropic" => Noise::Parameter(Box::new(IsotropicNoise { std, index })),
                "covariance" => Noise::Sample(Box::new(GaussianSampleNoise { of, scale, index })),
                "label covariance" => {
                    Noise::Sample(Box::new(GaussianSampleNoise { of: CovarianceOf::Label, scale, index }))
                }
                "diagonal" => {
                    let shape = CovarianceShape::Diagonal;
                    Noise::Parameter(Box::new(ShapedNoise { of, shape, scale, index }))
                }
                "trace" => {
                    let (of, shape) = (CovarianceOf::Label, CovarianceShape::Isotropic);
                    Noise::Parameter(Box::new(ShapedNoise { of, shape, scale, index }))
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
        let problem = problem(samples, dim);
        for link in LINKS {
            for names in noise_sets {
                let noises = noises(names);
                for level in Level::available() {
                    let task = Task {
                        link,
                        loss_factor: link.loss_factor(),
                        dynamics,
                        noises: &noises,
                        average_from: Some(2),
                        seed: 5,
                        level,
                    };
                    for kernel in kernels {
                        compare(
                            &task,
                            &problem,
                            *kernel,
                            6,
                            &format!("{link:?} with {names:?} at {samples}x{dim}"),
                        );
                    }
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
fn the_mini_batch_kernel_follows_the_reference_to_the_bit() {
    for (size, replacement) in [(1, true), (3, true), (2, false)] {
        let dynamics =
            GradientDescent { batch: Batch::Size(size), replacement, ..GradientDescent::new(6, 0.002) };
        check_all(&dynamics, &[Kernel::MiniBatch], &[&[], &["label"], &["labels", "isotropic"]]);
        let heavy_ball = GradientDescent { momentum: 0.5, ..dynamics };
        check_all(&heavy_ball, &[Kernel::MiniBatch], &[&["label"]]);
    }
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
                loss_factor: link.loss_factor(),
                dynamics: &dynamics,
                noises: &[],
                average_from: None,
                seed: 0,
                level: Level::detect(),
            };
            // The product form is started off its axis of symmetry, where b = 0 would stay negligible.
            let theta = if link.parts() == 2 { vec![1.0, 1.0] } else { vec![1.0] };
            let replicas = (0..).take(kernel.lanes(task.level)).collect();
            let mut state = State::new(&task, &theta, 1, replicas);
            advance(&task, &Data::new(&down), kernel, &mut state, 1_000_000);
            let shrunk = state.lane(0);
            let expected = 1e6 * (1.0f64 - 0.001).ln();
            assert!((shrunk.log_abs_theta[0] / expected - 1.0).abs() < 1e-3, "{}", shrunk.log_abs_theta[0]);
            assert!(shrunk.log_abs_theta[0] < -1000.0 && shrunk.theta[0] == 0.0);
            advance(&task, &Data::new(&up), kernel, &mut state, 1_990_000);
            assert!(state.lane(0).beta[0] < 1e-3, "it must not come back early: {:?}", state.lane(0).beta);
            advance(&task, &Data::new(&up), kernel, &mut state, 2_020_000);
            assert!((state.lane(0).beta[0] - 1.0).abs() < 1e-6, "{:?}", state.lane(0).beta);
        }
    }
}

#[test]
fn a_diverged_lane_is_marked_with_its_step_and_its_neighbours_do_not_notice() {
    // Label noise so large that some replicas explode and others do not.
    let problem = problem(13, 19);
    let noises = [Noise::Sample(Box::new(LabelNoise {
        std: 30.0,
        labels: Labels::One,
        distribution: LabelDistribution::Gaussian,
        index: 0,
    }) as Box<_>)];
    let dynamics = GradientDescent::new(400, 0.03);
    let link = LinkKind::Square(Square);
    let task = Task {
        link,
        loss_factor: 0.25,
        dynamics: &dynamics,
        noises: &noises,
        average_from: None,
        seed: 1,
        level: Level::detect(),
    };
    let theta = ModelSpec::new(link, 1.0).initial(19).unwrap();
    let data = Data::new(&problem);
    let lanes = Kernel::Lanes(2).lanes(task.level) as u32;
    let mut together = State::new(&task, &theta, 19, (0..lanes).collect());
    advance(&task, &data, Kernel::Lanes(2), &mut together, 400);
    let mut counts = [0, 0];
    for lane in 0..lanes {
        let mut alone = State::new(&task, &theta, 19, vec![lane]);
        advance(&task, &data, Kernel::Single, &mut alone, 400);
        let (alone, together) = (alone.lane(0), together.lane(lane as usize));
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
