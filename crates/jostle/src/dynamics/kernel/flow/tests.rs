//! Kernels against a plain reference to the bit, and the orders of the schemes on nested grids.

use super::super::plain::chain;
use super::*;
use crate::dynamics::{Schedule, Scheme};
use crate::model::{LinkKind, Power, Product, Square, Unit};
use crate::noise::{LabelDistribution, LabelNoise, Labels};
use crate::problem::Problem;
use crate::random::laws::{Estimate, check_estimates};

const LINKS: [LinkKind; 4] = [
    LinkKind::Square(Square),
    LinkKind::Power(Power { depth: 2 }),
    LinkKind::Product(Product),
    LinkKind::Unit(Unit),
];
const SCHEMES: [Scheme; 3] = [Scheme::EulerMaruyama, Scheme::Sra1, Scheme::RungeKutta];

fn problem(samples: usize, dim: usize) -> Problem {
    let draws = Draws::new(77, &[9], 0);
    let (mut x, mut y) = (vec![0.0; samples * dim], vec![0.0; samples]);
    draws.normals(Purpose::DESIGN, &mut x);
    draws.normals(Purpose::LABELS, &mut y);
    Problem::new(x, y, None).unwrap()
}

fn label_noise(std: f64, labels: Labels) -> Noise {
    let distribution = LabelDistribution::Gaussian;
    Noise::sample(LabelNoise { std, lambda: None, labels, distribution })
}

/// One replica of a flow, one number at a time.
struct Reference<'a, F> {
    task: &'a FlowTask<'a>,
    problem: &'a Problem,
    theta: Vec<f64>,
    replica: [u32; 1],
    step: u64,
    eta: Vec<F>,
    /// `s^2 / gamma`.
    strength: f64,
}

impl<F: Float> Reference<'_, F> {
    fn x(&self, i: usize, j: usize) -> F {
        F::of(self.problem.row(i)[j])
    }

    fn beta(&self, eta: &[F], integral: f64) -> Vec<F> {
        let (n, dim) = (self.problem.samples(), self.problem.dim());
        let (rate, integral) = (self.task.model.rate().unwrap(), F::of(-integral));
        let exp_of = |x: F| crate::simd::exp(F::Single::splat(x)).sum();
        let coefficient = |j: usize| {
            let pulled = chain(F::default(), (0..n).map(|i| (self.x(i, j), eta[i])));
            let squares: f64 = (0..n).map(|i| self.problem.row(i)[j].powi(2) * self.strength).sum();
            let shrunk = F::of(0.5 * rate * rate * squares) * integral;
            let (up, down) = (pulled.mul_add(F::of(rate), shrunk), shrunk - pulled * F::of(rate));
            let start = |part: usize| F::of(self.theta[part * dim + j]);
            let halves = [1.0, -1.0].map(|sign| {
                F::of(0.5 * (self.theta[j] + sign * self.theta.get(dim + j).copied().unwrap_or(0.0)))
            });
            let difference = |[u, v]: [F; 2]| {
                let (u, v) = (u * exp_of(up), v * exp_of(down));
                u * u - v * v
            };
            match self.task.model.link().unwrap() {
                LinkKind::Square(_) => {
                    let w = start(0) * exp_of(up);
                    w * w
                }
                LinkKind::Power(_) => difference([start(0), start(1)]),
                LinkKind::Product(_) => difference(halves),
                LinkKind::Unit(_) => pulled.mul_add(F::of(rate), start(0)),
            }
        };
        (0..dim).map(coefficient).collect()
    }

    fn residuals(&self, eta: &[F], integral: f64) -> Vec<F> {
        let beta = self.beta(eta, integral);
        let row = |i: usize| {
            let terms = beta.iter().enumerate().map(|(j, b)| (self.x(i, j), *b));
            chain(F::of(-self.problem.y()[i]), terms)
        };
        (0..self.problem.samples()).map(row).collect()
    }

    fn advance(&mut self) {
        let (flow, n) = (self.task.flow, self.problem.samples());
        let (h, rate) = (flow.time_step, flow.rate_at(self.step));
        let draws = Draws::new(self.task.seed, &self.replica, self.step).on_level(Level::Portable);
        let (mut whole, mut mean) = (vec![F::default(); n], vec![F::default(); n]);
        if !self.task.noises.is_empty() {
            let mut second = mean.clone();
            draws.normals(Purpose::noise(0, 0), &mut whole);
            draws.normals(Purpose::noise(0, 1), &mut second);
            let deviation = F::of(self.strength.sqrt()) * F::of((rate * h).sqrt());
            for i in 0..n {
                whole[i] *= deviation;
                let z = second[i] * deviation;
                mean[i] = z.mul_add(F::of(1.0 / 3f64.sqrt()), whole[i]) * F::of(0.5);
            }
        }
        let before = flow.rate_integral(self.step);
        let tableau = flow.scheme.tableau();
        let of_residuals = |factor: f64| F::of(-h * factor / n as f64);
        let add = |eta: &mut [F], factor: F, array: &[F]| {
            if factor != F::default() {
                eta.iter_mut().zip(array).for_each(|(e, a)| *e = a.mul_add(factor, *e));
            }
        };
        let mut residuals = vec![self.residuals(&self.eta, before)];
        for stage in tableau.later {
            let mut eta = self.eta.clone();
            for (r, a) in residuals.iter().zip(stage.drifts) {
                add(&mut eta, of_residuals(*a), r);
            }
            add(&mut eta, F::of(stage.noise), &mean);
            residuals.push(self.residuals(&eta, before + stage.time * h * rate));
        }
        for (r, alpha) in residuals.iter().zip(tableau.weights) {
            add(&mut self.eta, of_residuals(*alpha), r);
        }
        add(&mut self.eta, F::of(1.0), &whole);
        self.step += 1;
    }
}

fn compare<F: Float>(task: &FlowTask<'_>, problem: &Problem, kernel: Kernel, steps: &[u64]) {
    let data = Data::<F>::new(problem);
    let flowing = Flowing { task, data: &data, kernel };
    let theta = task.model.initial(problem.dim(), 0);
    let replicas: Vec<u32> = (3..).take(flowing.lanes()).collect();
    let strength = flowing.strengths(&theta).first().copied().unwrap_or(0.0);
    let mut references: Vec<_> = [0, replicas.len() - 1]
        .map(|lane| {
            let eta = vec![F::default(); problem.samples()];
            let (theta, replica) = (theta.clone(), [replicas[lane]]);
            (lane, Reference { task, problem, theta, replica, step: 0, eta, strength })
        })
        .into();
    let mut blocks = [flowing.begin(&Begin::everywhere(&theta, replicas.len()), replicas.clone())];
    for step in steps {
        flowing.advance(&mut blocks, *step);
        for (lane, reference) in &mut references {
            while reference.step < *step {
                reference.advance();
            }
            let block = &blocks[0];
            let found: Vec<F> = block.eta.iter().skip(*lane).step_by(replicas.len()).copied().collect();
            let what = || {
                format!(
                    "{:?}, {:?}, {kernel}, {}, step {step}",
                    task.model.link().unwrap(),
                    task.flow.scheme,
                    task.level
                )
            };
            assert_eq!(found[..problem.samples()], reference.eta, "{}", what());
            let beta = reference.beta(&reference.eta, task.flow.rate_integral(*step));
            let of_lane: Vec<F> = block.beta.iter().skip(*lane).step_by(replicas.len()).copied().collect();
            assert_eq!(of_lane[..problem.dim()], beta, "{}", what());
        }
    }
}

fn compare_all(problem: &Problem, link: LinkKind, steps: &[u64]) {
    let model = ModelSpec::new(link, 0.7);
    let rate = Schedule::with_drops(0.02, vec![(3, 0.5)]).unwrap();
    for scheme in SCHEMES {
        for noises in [vec![], vec![label_noise(0.5, Labels::One), label_noise(0.7, Labels::Batch)]] {
            let flow = Flow { scheme, learning_rate: Some(rate.clone()), ..Flow::new(100, 0.01) };
            for level in Level::available() {
                let (noises, average_from) = (&noises[..], Some(2));
                let task = FlowTask { model: &model, flow: &flow, noises, average_from, seed: 5, level };
                for kernel in [Kernel::Single, Kernel::Lanes(1), Kernel::Lanes(2)] {
                    compare::<f64>(&task, problem, kernel, steps);
                    compare::<f32>(&task, problem, kernel, steps);
                }
            }
        }
    }
}

#[test]
fn every_kernel_takes_the_steps_of_the_plain_reference() {
    for link in LINKS {
        compare_all(&problem(7, 11), link, &[1, 2, 5, 9]);
    }
    // Wide enough for several blocks of columns.
    compare_all(&problem(160, 90), LINKS[0], &[2]);
}

/// The noise of a grid for a block: increments and means of every step.
type Path = Vec<Increments<f64>>;

/// Standard Brownian motions (entries) on `steps` steps of time `h`.
fn brownian(entries: usize, block: u32, steps: usize, h: f64, strength: f64) -> Path {
    let of_step = |step: usize| {
        let draws = |channel: u16| -> Vec<f64> {
            let mut numbers = vec![0.0; padded(entries)];
            Draws::new(12, &[block], step as u64).normals(Purpose::noise(0, channel), &mut numbers);
            numbers.into_iter().map(|z| z * (h * strength).sqrt()).collect()
        };
        let (whole, second) = (draws(0), draws(1));
        let mean = whole.iter().zip(&second).map(|(w, z)| 0.5 * (w + z / 3f64.sqrt())).collect();
        Increments { whole, mean }
    };
    (0..steps).map(of_step).collect()
}

/// The same path on a grid of half as many steps.
fn coarser(path: &Path) -> Path {
    let pair = |pair: &[Increments<f64>]| {
        let [first, second] = pair else { unreachable!("paths have even lengths") };
        let whole = first.whole.iter().zip(&second.whole).map(|(a, b)| a + b).collect();
        let means = first.mean.iter().zip(&first.whole).zip(&second.mean);
        Increments { whole, mean: means.map(|((m, w), n)| 0.5 * (m + (w + n))).collect() }
    };
    path.chunks(2).map(pair).collect()
}

/// Where a block of replicas is at time 1 after given noise, as coefficients (d x lanes).
fn driven(scheme: Scheme, model: &ModelSpec, data: &Data<'_, f64>, path: &Path, strength: f64) -> Vec<f64> {
    let n = data.samples() as f64;
    // gamma = 1 and labels of variance n s^2 give the strength s^2.
    let flow = Flow {
        scheme,
        learning_rate: Some(Schedule::constant(1.0)),
        ..Flow::new(path.len() as u64, 1.0 / path.len() as f64)
    };
    let noises = [label_noise((n * strength).sqrt(), Labels::One)];
    let task =
        FlowTask { model, flow: &flow, noises: &noises, average_from: None, seed: 0, level: Level::detect() };
    let flowing = Flowing { task: &task, data, kernel: Kernel::Lanes(1) };
    let lanes = flowing.lanes();
    let theta = model.initial(data.dim(), 0);
    let mut block = flowing.begin(&Begin::everywhere(&theta, lanes), (0..lanes as u32).collect());
    let mut work = flowing.work(&block);
    for increments in path {
        work.noise.whole.copy_from_slice(&increments.whole);
        work.noise.mean.copy_from_slice(&increments.mean);
        flowing.step(&mut block, &mut work);
    }
    block.beta[..data.dim() * lanes].to_vec()
}

fn lanes() -> usize {
    Kernel::Lanes(1).lanes::<f64>(Level::detect())
}

/// The exponents `p` of errors that shrink like `h^p`, between grids of which each has half the steps of the one before.
fn orders(errors: &[f64]) -> Vec<f64> {
    errors.windows(2).map(|pair| (pair[1] / pair[0]).log2()).collect()
}

/// Errors at time 1 on grids of 512, 256, 128 and 64 steps, against the finest grid of the same 256 paths.
#[test]
fn the_schemes_have_their_strong_orders_on_nested_grids() {
    const STRENGTH: f64 = 0.3;
    let problem = problem(3, 5);
    let data = Data::<f64>::new(&problem);
    let model = ModelSpec::new(LinkKind::Power(Power { depth: 2 }), 0.6);
    let mut errors = [[0.0; 4]; SCHEMES.len()];
    for block in 0..(256 / lanes()) as u32 {
        let mut path = brownian(3 * lanes(), block, 4096, 1.0 / 4096.0, STRENGTH);
        let exact = driven(Scheme::RungeKutta, &model, &data, &path, STRENGTH);
        while path.len() > 512 {
            path = coarser(&path);
        }
        for grid in 0..4 {
            for (scheme, errors) in SCHEMES.into_iter().zip(&mut errors) {
                let found = driven(scheme, &model, &data, &path, STRENGTH);
                errors[grid] += found.iter().zip(&exact).map(|(f, e)| (f - e).abs()).sum::<f64>();
            }
            path = coarser(&path);
        }
    }
    for ((scheme, errors), expected) in SCHEMES.into_iter().zip(errors).zip([1.0, 1.5, 1.5]) {
        let found = orders(&errors);
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        assert!((mean - expected).abs() < 0.15, "{scheme:?}: {found:?} from {errors:?}");
    }
}

/// `beta' = 2 (a - b beta) beta` with `a = xy/n`, `b = x^2/n` is the logistic equation.
#[test]
fn without_noise_the_schemes_have_their_orders() {
    let problem = Problem::new(vec![1.1], vec![1.7], None).unwrap();
    let data = Data::<f64>::new(&problem);
    let model = ModelSpec::new(LinkKind::Square(Square), 0.5);
    let (a, capacity): (f64, f64) = (1.1 * 1.7, 1.7 / 1.1);
    let exact = capacity / (1.0 + (capacity / 0.25 - 1.0) * (-2.0 * a).exp());
    for (scheme, expected) in SCHEMES.into_iter().zip([1.0, 2.0, 4.0]) {
        let error = |steps: usize| {
            let path = brownian(lanes(), 0, steps, 0.0, 0.0);
            (driven(scheme, &model, &data, &path, 0.0)[0] - exact).abs()
        };
        let found = orders(&[64, 32, 16].map(error));
        assert!(found.iter().all(|order| (order - expected).abs() < 0.25), "{scheme:?}: {found:?}");
    }
}

/// In one dimension `Z = 1 / beta` solves a linear equation, so that `E Z' = 2 x^2 + (3 s^2 x^2 - 2 x y) E Z`.
#[test]
fn the_schemes_have_their_weak_orders_in_one_dimension() {
    const STRENGTH: f64 = 0.2;
    const PATHS: usize = 1 << 15;
    let problem = Problem::new(vec![1.0], vec![1.2], None).unwrap();
    let data = Data::<f64>::new(&problem);
    let model = ModelSpec::new(LinkKind::Square(Square), 0.4);
    for (scheme, expected) in SCHEMES.into_iter().zip([1.0, 2.0, 2.0]) {
        // Means of the differences of beta between grids of 32, 16, 8 and 4 steps, and of 1 / beta on the finest.
        let mut differences = vec![0.0; 3];
        let (mut sum, mut sum_of_squares) = (0.0, 0.0);
        for block in 0..(PATHS / lanes()) as u32 {
            let mut path = brownian(lanes(), block, 32, 1.0 / 32.0, STRENGTH);
            let at = |path: &Path| driven(scheme, &model, &data, path, STRENGTH);
            let mut finer = at(&path);
            sum += finer.iter().map(|b| 1.0 / b).sum::<f64>();
            sum_of_squares += finer.iter().map(|b| 1.0 / (b * b)).sum::<f64>();
            for difference in &mut differences {
                path = coarser(&path);
                let found = at(&path);
                *difference += found.iter().zip(&finer).map(|(c, f)| c - f).sum::<f64>();
                finer = found;
            }
        }
        let count = PATHS as f64;
        let means: Vec<f64> = differences.iter().map(|d| (d / count).abs()).collect();
        let found = orders(&means);
        let mean = sum / count;
        let growth = 3.0 * STRENGTH - 2.0 * 1.2;
        let exact = (1.0 / 0.16 + 2.0 / growth) * growth.exp() - 2.0 / growth;
        assert!(found.iter().all(|order| (order - expected).abs() < 0.25), "{scheme:?}: {found:?}");
        if scheme == Scheme::EulerMaruyama {
            continue;
        }
        let standard_error = ((sum_of_squares / count - mean * mean) / count).sqrt();
        let estimate = Estimate { value: mean, expected: exact, standard_error, unit: exact };
        check_estimates(&format!("{scheme:?}"), 0.05, &[estimate]);
    }
}
