//! One replica of the linear family, and its products, written plainly: what kernels and noises are compared with.
//!
//! One number at a time, in the order of operations that the kernels have in common (see [`super`]), without vectors,
//! blocks or anything drawn ahead.

use super::data::divergence_limit_of;
use super::state::{PERIOD, shift_bits};
use super::{Task, exceeds};
use crate::dynamics::Batch;
use crate::dynamics::sampling::{self, Steps};
use crate::float::Float;
use crate::model::{LinearPredictor, Link, LinkKind, Scaling, with_link};
use crate::noise::{Noise, Products, Scratch, Step};
use crate::problem::Problem;
use crate::random::Draws;
use crate::simd::{Level, Vector};

/// One replica on its way.
pub(crate) struct Reference<'a, F> {
    task: &'a Task<'a>,
    problem: &'a Problem,
    replica: [u32; 1],
    /// The number of steps taken.
    pub(crate) step: u64,
    mantissas: Vec<F>,
    shifts: Vec<u32>,
    scaling: Scaling,
    velocity: Vec<F>,
    /// The coefficients (d).
    pub(crate) beta: Vec<F>,
    /// Sums of the coefficients since the last look, and before it.
    sums: [Vec<f64>; 2],
    averaged: u64,
    scratch: Scratch<F>,
    /// `X' w` of the last step, times minus the step size without momentum.
    pub(crate) pulled: Vec<F>,
    /// The step at which it diverged.
    pub(crate) diverged: Option<u64>,
}

impl<'a, F: Float> Reference<'a, F> {
    pub(crate) fn new(task: &'a Task<'a>, problem: &'a Problem, replica: u32, start: &[f64]) -> Self {
        let dim = problem.dim();
        let mantissas: Vec<F> = start.iter().map(|t| F::of(*t)).collect();
        // As everywhere, the first coefficients are those of the rounded parameters in float64.
        let rounded: Vec<f64> = mantissas.iter().map(|m| (*m).into()).collect();
        let beta = LinearPredictor { link: task.link, dim }.beta(&rounded);
        Self {
            task,
            problem,
            replica: [replica],
            step: 0,
            shifts: vec![0; mantissas.len()],
            scaling: task.scaling(),
            velocity: vec![F::default(); mantissas.len()],
            beta: beta.into_iter().map(F::of).collect(),
            mantissas,
            sums: [vec![0.0; dim], vec![0.0; dim]],
            averaged: 0,
            scratch: Scratch::default(),
            pulled: Vec::new(),
            diverged: None,
        }
    }

    /// The same with parameters as they are, for a path on which none becomes too small.
    #[cfg(test)]
    pub(crate) fn without_exponents(self) -> Self {
        Self { scaling: Scaling::Fixed, ..self }
    }

    fn exponent(&self, k: usize) -> f64 {
        f64::from(self.shifts[k]) * f64::from(shift_bits(F::PRECISION))
    }

    /// The parameters (p).
    pub(crate) fn parameters(&self) -> Vec<f64> {
        let of = |(k, m): (usize, &F)| (*m).into() * (-self.exponent(k)).exp2();
        self.mantissas.iter().enumerate().map(of).collect()
    }

    /// Natural logarithms of the absolute parameters (p).
    pub(crate) fn log_abs_parameters(&self) -> Vec<f64> {
        let of = |(k, m): (usize, &F)| (*m).into().abs().ln() - self.exponent(k) * std::f64::consts::LN_2;
        self.mantissas.iter().enumerate().map(of).collect()
    }

    /// The time average of the coefficients (d), once a step has been averaged.
    pub(crate) fn average(&self) -> Option<Vec<f64>> {
        let [sums, totals] = &self.sums;
        let averages = sums.iter().zip(totals).map(|(sum, total)| (total + sum) / self.averaged as f64);
        (self.averaged > 0).then(|| averages.collect())
    }

    /// Takes one step; a diverged replica stays where it is.
    pub(crate) fn advance(&mut self) {
        self.averaged += u64::from(self.is_averaging());
        if self.diverged.is_none() {
            self.take_step();
        }
        self.step += 1;
        if self.step.is_multiple_of(PERIOD) {
            self.rescale();
            let [sums, totals] = &mut self.sums;
            for (sum, total) in sums.iter_mut().zip(totals) {
                *total += *sum;
                *sum = 0.0;
            }
        }
    }

    fn take_step(&mut self) {
        let (problem, dim, rule) = (self.problem, self.problem.dim(), &self.task.rule);
        let draws = Draws::new(rule.seed, &self.replica, self.step).on_level(Level::Portable);
        let members = self.members(draws);
        let residuals: Vec<F> = members.iter().map(|i| self.residual(*i)).collect();
        let limit = divergence_limit_of::<F>(problem);
        if residuals.iter().any(|r| exceeds(*r * *r, limit)) {
            self.diverged = Some(self.step);
            return;
        }
        let zero = F::default();
        let (mut perturbation, mut zeta) = (vec![zero; members.len()], vec![zero; self.mantissas.len()]);
        let products = PlainProducts { link: self.task.link, problem, theta: &self.mantissas };
        let step = Step {
            draws,
            batch: members.len(),
            outputs: 1,
            residuals: &residuals,
            labels: &[],
            loss_factor: rule.loss_factor,
            position: 0,
        };
        for (position, noise) in rule.noises.iter().enumerate() {
            let step = step.at_position(position);
            match noise {
                Noise::Sample(noise) => {
                    noise.in_precision().perturb_weights(&step, &mut self.scratch, &mut perturbation);
                }
                Noise::Parameter(noise) => {
                    noise.in_precision().perturb_gradient(&step, &products, &mut self.scratch, &mut zeta);
                }
            }
        }
        // One that is rounded to zero is one all the same.
        let has_momentum = rule.dynamics.momentum > 0.0;
        let momentum = F::of(rule.dynamics.momentum);
        let descent = F::of(-rule.dynamics.learning_rate.at(self.step));
        let factor = if has_momentum { F::of(1.0) } else { descent };
        let weight = F::of(2.0 * rule.loss_factor / members.len() as f64);
        let weigh = |(r, p): (&F, &F)| {
            // Without a noise there is nothing to add.
            let perturbs = rule.noises.iter().any(|noise| matches!(noise, Noise::Sample(_)));
            (if perturbs { r.mul_add(weight, *p) } else { *r * weight }) * factor
        };
        let weights: Vec<F> = residuals.iter().zip(&perturbation).map(weigh).collect();
        let rows: Vec<Vec<F>> = members.iter().map(|i| self.row(*i)).collect();
        let has_zeta = rule.noises.iter().any(|noise| matches!(noise, Noise::Parameter(_)));
        self.pulled.clear();
        for j in 0..dim {
            let h = chain(zero, rows.iter().zip(&weights).map(|(row, w)| (row[j], *w)));
            self.pulled.push(h);
            // The weight of a single sample comes last.
            let single = rule.dynamics.batch == Batch::Size(1);
            for (part, slope) in slopes(self.task.link, &self.mantissas, dim, j).into_iter().enumerate() {
                let k = part * dim + j;
                let (slope, h) = if single { (slope * rows[0][j], weights[0]) } else { (slope, h) };
                let gradient = slope * h;
                self.mantissas[k] = if has_momentum {
                    let gradient = if has_zeta { gradient + zeta[k] } else { gradient };
                    self.velocity[k] = self.velocity[k].mul_add(momentum, gradient);
                    self.velocity[k].mul_add(descent, self.mantissas[k])
                } else if has_zeta {
                    slope.mul_add(h, zeta[k].mul_add(descent, self.mantissas[k]))
                } else {
                    slope.mul_add(h, self.mantissas[k])
                };
            }
        }
        self.beta = self.coefficients();
        if self.is_averaging() {
            for (sum, b) in self.sums[0].iter_mut().zip(&self.beta) {
                *sum = (F::of(*sum) + *b).into();
            }
        }
    }

    fn is_averaging(&self) -> bool {
        self.task.rule.average_from.is_some_and(|from| self.step >= from)
    }

    fn coefficients(&self) -> Vec<F> {
        let down = F::of((-f64::from(shift_bits(F::PRECISION))).exp2());
        let scale = |shifts: u32| [F::of(1.0), down, F::default()][shifts.min(2) as usize];
        let scaled: Vec<F> = self.mantissas.iter().zip(&self.shifts).map(|(m, s)| *m * scale(*s)).collect();
        let dim = self.problem.dim();
        (0..dim).map(|j| coefficient(self.task.link, &scaled, dim, j)).collect()
    }

    fn row(&self, i: usize) -> Vec<F> {
        self.problem.row(i).iter().map(|x| F::of(*x)).collect()
    }

    fn members(&self, draws: Draws<'_>) -> Vec<usize> {
        let n = self.problem.samples();
        let Batch::Size(size) = self.task.rule.dynamics.batch else { return (0..n).collect() };
        // As a step by itself, which its own tests compare with stretches of steps.
        let step = Steps { draws, first: self.step, count: 1, samples: n, size };
        let mut members = vec![0; size];
        self.task.rule.dynamics.sampling.draw(&step, &mut sampling::Scratch::default(), &mut members);
        members
    }

    fn residual(&self, i: usize) -> F {
        let terms = self.row(i).into_iter().zip(self.beta.iter().copied());
        let y = F::of(self.problem.y()[i]);
        if self.task.rule.dynamics.batch == Batch::Full {
            return chain(-y, terms);
        }
        let stripe = |s: usize| {
            let terms = terms.clone().enumerate().filter(|(j, _)| j % 16 == s);
            chain(F::default(), terms.map(|(_, term)| term))
        };
        let mut stripes: Vec<F> = (0..16).map(stripe).collect();
        while stripes.len() > 1 {
            let half = stripes.len() / 2;
            stripes = (0..half).map(|k| stripes[k] + stripes[k + half]).collect();
        }
        stripes[0] - y
    }

    /// Parameters below `2^-B` become `2^B` times as large, with one more shift, and those that have grown to 1 again
    /// come back.
    fn rescale(&mut self) {
        let dim = self.problem.dim();
        let groups: Vec<Vec<usize>> = match self.scaling {
            Scaling::Fixed => Vec::new(),
            Scaling::Separate => (0..self.mantissas.len()).map(|k| vec![k]).collect(),
            Scaling::Joint => (0..dim).map(|j| vec![j, j + dim]).collect(),
        };
        let bits = f64::from(shift_bits(F::PRECISION));
        for group in groups {
            let largest = group.iter().map(|k| self.mantissas[*k].abs().into()).fold(0.0, f64::max);
            let shifts = self.shifts[group[0]];
            let (factor, shifts) = if largest > 0.0 && largest < (-bits).exp2() {
                (bits.exp2(), shifts + 1)
            } else if largest >= 1.0 && shifts > 0 {
                ((-bits).exp2(), shifts - 1)
            } else {
                continue;
            };
            for k in group {
                self.mantissas[k] *= F::of(factor);
                self.velocity[k] *= F::of(factor);
                self.shifts[k] = shifts;
            }
        }
    }
}

/// One replica, one number at a time.
pub(crate) struct PlainProducts<'a, F> {
    pub(crate) link: LinkKind,
    pub(crate) problem: &'a Problem,
    pub(crate) theta: &'a [F],
}

impl<F: Float> PlainProducts<'_, F> {
    fn pull_with(&self, weights: &[F], out: &mut [F], entry: impl Fn(F) -> F) {
        for (j, h) in out.iter_mut().enumerate() {
            let x = |i: usize| entry(F::of(self.problem.row(i)[j]));
            *h = chain(F::default(), weights.iter().enumerate().map(|(i, w)| (x(i), *w)));
        }
    }
}

impl<F: Float> Products<F> for PlainProducts<'_, F> {
    fn pull(&self, weights: &[F], out: &mut [F]) {
        self.pull_with(weights, out, |x| x);
    }
    fn pull_squared(&self, weights: &[F], out: &mut [F]) {
        self.pull_with(weights, out, |x| x * x);
    }
    fn slopes(&self, out: &mut [F]) {
        let dim = self.problem.dim();
        for j in 0..dim {
            for (part, slope) in slopes(self.link, self.theta, dim, j).into_iter().enumerate() {
                out[part * dim + j] = slope;
            }
        }
    }
    fn shape(&self) -> (usize, usize) {
        (self.theta.len(), self.problem.dim())
    }
}

fn parts<F: Float>(link: LinkKind, theta: &[F], dim: usize, j: usize) -> [F::Single; 2] {
    let part = |part: usize| if part < link.parts() { theta[part * dim + j] } else { F::default() };
    [0, 1].map(|k| F::Single::splat(part(k)))
}

/// Coefficient `j`.
pub(crate) fn coefficient<F: Float>(link: LinkKind, theta: &[F], dim: usize, j: usize) -> F {
    with_link!(link, form => form.coefficient(parts(link, theta, dim, j))).sum()
}

/// The derivatives of coefficient `j` with respect to its parameters.
pub(crate) fn slopes<F: Float>(link: LinkKind, theta: &[F], dim: usize, j: usize) -> Vec<F> {
    let slopes = with_link!(link, form => form.slope(parts(link, theta, dim, j)));
    slopes[..link.parts()].iter().map(|slope| slope.sum()).collect()
}

/// A sum of products in one chain of fused multiply-adds.
pub(crate) fn chain<F: Float>(start: F, terms: impl Iterator<Item = (F, F)>) -> F {
    terms.fold(start, |sum, (a, b)| a.mul_add(b, sum))
}
