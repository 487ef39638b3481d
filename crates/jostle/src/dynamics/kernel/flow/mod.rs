//! The flow, integrated in sample space: replicas side by side or one at a time, as for gradient descent.
//!
//! The state is `eta` (n) with `d eta = -(r / n) dt + s dB`, and the integral of the learning rate; [`coordinates`]
//! says how parameters follow. In `eta` the noise is additive. A stage of a [`Scheme`](crate::dynamics::Scheme) is
//! `X' eta`, the coefficients, and `r = X beta - y`, by the products of the other kernels in their order of operations.

mod coordinates;
mod sums;

use super::data::{Data, padded};
use super::state::Lane;
use super::tiles::{pull, push};
use super::{Kernel, chains::chains, exceeds};
use crate::dynamics::Flow;
use crate::dynamics::stepper::{Begin, Stepper};
use crate::float::Float;
use crate::linear_algebra::transpose_product;
use crate::model::ModelSpec;
use crate::noise::{Noise, Point};
use crate::random::{Draws, Purpose};
use crate::simd::{Level, Vector, dispatch};
use coordinates::Coordinates;
use sums::{Average, Sum};

/// What is constant over the run of a cell.
pub(crate) struct FlowTask<'a> {
    pub(crate) model: &'a ModelSpec,
    pub(crate) flow: &'a Flow,
    pub(crate) noises: &'a [Noise],
    pub(crate) average_from: Option<u64>,
    pub(crate) seed: u64,
    pub(crate) level: Level,
}

/// A flow on one problem.
pub(crate) struct Flowing<'a, F> {
    pub(crate) task: &'a FlowTask<'a>,
    pub(crate) data: &'a Data<'a, F>,
    pub(crate) kernel: Kernel,
}

/// Replicas that flow together; arrays hold them side by side (entries x lanes), with padding.
#[derive(Clone)]
pub(crate) struct FlowBlock<F> {
    step: u64,
    replicas: Vec<u32>,
    coordinates: Coordinates<F>,
    /// `s_i / sqrt(gamma)` (n); empty without noise.
    deviations: Vec<F>,
    /// Where the replicas are (n).
    eta: Vec<F>,
    /// The coefficients (d) and residuals (n) there.
    beta: Vec<F>,
    residuals: Vec<F>,
    average: Average<F>,
    diverged: Vec<Option<u64>>,
}

/// A sample's `eta` beyond which a replica has diverged: nothing else keeps a NaN from being taken for a number.
const LARGEST_ETA: f64 = 1e15;

/// Buffers of a step.
struct Work<F> {
    pulled: Vec<F>,
    beta: Vec<F>,
    eta: Vec<F>,
    /// Residuals of the later stages.
    residuals: Vec<Vec<F>>,
    noise: Increments<F>,
}

/// The noise of a step: its increment, and the mean over the step of what has come of it (n); empty without noise.
struct Increments<F> {
    whole: Vec<F>,
    mean: Vec<F>,
}

impl<F: Float> Flowing<'_, F> {
    fn samples(&self) -> usize {
        self.data.samples()
    }

    /// `gamma C_ii / 4 c^2` of all noises together, in units of `gamma`; empty without noise.
    fn strengths(&self, theta: &[f64]) -> Vec<f64> {
        let (task, n) = (self.task, self.samples());
        if task.noises.is_empty() {
            return Vec::new();
        }
        let model = task.model.model(self.data.dim());
        let point = Point {
            problem: self.data.problem,
            model: &*model,
            theta,
            // The cell has been checked: no noise reads them.
            residuals: &vec![0.0; n],
            loss_factor: task.model.loss_factor,
            batch: n,
            replacement: false,
            step: 0,
        };
        let mut strengths = vec![0.0; n];
        for noise in task.noises {
            let Noise::Sample(noise) = noise else { unreachable!("the cell has been checked") };
            let covariance = noise.covariance(&point).blocks;
            let unit = 4.0 * task.model.loss_factor * task.model.loss_factor;
            strengths.iter_mut().zip(covariance).for_each(|(s, c)| *s += c / unit);
        }
        strengths
    }

    fn work(&self, block: &FlowBlock<F>) -> Work<F> {
        let stages = self.task.flow.scheme.tableau().stages();
        let like = |array: &[F]| vec![F::default(); array.len()];
        Work {
            pulled: like(&block.beta),
            beta: like(&block.beta),
            eta: like(&block.eta),
            residuals: vec![like(&block.eta); stages - 1],
            noise: Increments { whole: like(&block.deviations), mean: like(&block.deviations) },
        }
    }

    /// Coefficients and residuals at `eta`.
    fn evaluate(
        &self,
        coordinates: &Coordinates<F>,
        integral: f64,
        eta: &[F],
        pulled: &mut [F],
        beta: &mut [F],
        residuals: &mut [F],
    ) {
        let (n, dim, level) = (self.samples(), self.data.dim(), self.task.level);
        if self.kernel == Kernel::Single {
            let (rows, columns) = (self.data.rows(), self.data.columns());
            pulled.fill(F::default());
            chains(level, rows, dim, &eta[..n], pulled, false);
            coordinates.coefficients(level, integral, 0, pulled, beta);
            residuals[..n].iter_mut().zip(self.data.y()).for_each(|(r, y)| *r = -*y);
            residuals[n..].fill(F::default());
            chains(level, columns, n, &beta[..dim], residuals, false);
            return;
        }
        let lanes = self.kernel.lanes::<F>(level);
        let blocks = self.data.blocks();
        for (columns, x) in blocks.iter() {
            let place = columns.start * lanes..columns.end * lanes;
            let (pulled, beta) = (&mut pulled[place.clone()], &mut beta[place.clone()]);
            pull(level, lanes, x, &eta[..n * lanes], pulled, blocks.ahead());
            coordinates.coefficients(level, integral, place.start, pulled, beta);
            // Residuals begin at -y, and every block of columns adds to them.
            let labels = (columns.start == 0).then_some(self.data.y());
            push(level, lanes, x, beta, labels, &mut residuals[..n * lanes]);
        }
    }

    /// Carries a block over one step, with the noise that has been put into the buffers.
    fn step(&self, block: &mut FlowBlock<F>, work: &mut Work<F>) {
        let (flow, level) = (self.task.flow, self.task.level);
        let tableau = flow.scheme.tableau();
        let of_residuals = |factor: f64| F::of(-flow.time_step * factor / self.samples() as f64);
        let (start, rate) = (flow.rate_integral(block.step), flow.rate_at(block.step));
        for (k, stage) in tableau.later.iter().enumerate() {
            let (before, rest) = work.residuals.split_at_mut(k);
            let mut sum = Sum::new(&block.eta);
            let known = std::iter::once(&block.residuals).chain(&*before);
            for (residuals, drift) in known.zip(stage.drifts) {
                sum.add(of_residuals(*drift), residuals);
            }
            sum.add(F::of(stage.noise), &work.noise.mean);
            sum.write(level, &mut work.eta);
            let integral = start + stage.time * flow.time_step * rate;
            let at = (&block.coordinates, &work.eta);
            self.evaluate(at.0, integral, at.1, &mut work.pulled, &mut work.beta, &mut rest[0]);
        }
        let mut sum = Sum::new(&block.eta);
        let known = std::iter::once(&block.residuals).chain(&work.residuals);
        for (residuals, weight) in known.zip(tableau.weights) {
            sum.add(of_residuals(*weight), residuals);
        }
        sum.add(F::of(1.0), &work.noise.whole);
        sum.write(level, &mut work.eta);
        std::mem::swap(&mut block.eta, &mut work.eta);
        let is_averaged = self.task.average_from.is_some_and(|from| block.step >= from);
        block.step += 1;
        self.arrive(block, &mut work.pulled);
        if is_averaged {
            block.average.add(&block.beta);
        }
    }

    /// Coefficients and residuals where the replicas are.
    fn arrive(&self, block: &mut FlowBlock<F>, pulled: &mut [F]) {
        let integral = self.task.flow.rate_integral(block.step);
        let FlowBlock { coordinates, eta, beta, residuals, .. } = block;
        self.evaluate(coordinates, integral, eta, pulled, beta, residuals);
    }

    /// Draws the noise of a step, whose two parts per sample are a pure function of the seed, the replica and the step.
    fn draw(&self, draws: Draws<'_>, block: &FlowBlock<F>, noise: &mut Increments<F>) {
        if block.deviations.is_empty() {
            return;
        }
        let (flow, level) = (self.task.flow, self.task.level);
        let used = self.samples() * block.replicas.len();
        let draws = draws.at_step(block.step);
        draws.normals(Purpose::noise(0, 0), &mut noise.whole[..used]);
        if flow.scheme.tableau().uses_mean() {
            draws.normals(Purpose::noise(0, 1), &mut noise.mean[..used]);
        }
        let deviation = F::of((flow.rate_at(block.step) * flow.time_step).sqrt());
        let (deviations, Increments { whole, mean }) = (&block.deviations, noise);
        dispatch!(level, increments, F, [],
            (deviation: F, deviations: &[F], whole: &mut [F], mean: &mut [F]));
    }

    /// Marks the replicas that have exploded as diverged, and takes them back to the start, out of the way.
    fn look_for_divergence(&self, block: &mut FlowBlock<F>) {
        let limits = [self.data.divergence_limit(), F::of(LARGEST_ETA * LARGEST_ETA)];
        let (level, mut is_fine) = (self.task.level, true);
        for (array, limit) in [&block.residuals, &block.eta].into_iter().zip(limits) {
            let found = &mut is_fine;
            dispatch!(level, squares_at_most, F, [], (array: &[F], limit: F, found: &mut bool));
        }
        if is_fine {
            return;
        }
        let (lanes, used) = (block.replicas.len(), self.samples() * block.replicas.len());
        for lane in 0..lanes {
            let explodes = [&block.residuals, &block.eta].into_iter().zip(limits).any(|(array, limit)| {
                array[..used].iter().skip(lane).step_by(lanes).any(|v| exceeds(*v * *v, limit))
            });
            if explodes {
                block.diverged[lane].get_or_insert(block.step);
                for array in [&mut block.eta, &mut block.residuals, &mut block.beta] {
                    array.iter_mut().skip(lane).step_by(lanes).for_each(|v| *v = F::default());
                }
                block.average.clear(lane, lanes);
            }
        }
    }
}

impl<F: Float> Stepper for Flowing<'_, F> {
    type Block = FlowBlock<F>;

    fn lanes(&self) -> usize {
        self.kernel.lanes::<F>(self.task.level)
    }

    fn begin(&self, begins: &[Begin], replicas: Vec<u32>) -> FlowBlock<F> {
        // The cell has been checked: replicas of a flow have their start in common.
        let theta = &begins[0].theta;
        let (task, problem, lanes) = (self.task, self.data.problem, replicas.len());
        let strengths = self.strengths(theta);
        let eta = vec![F::default(); padded(self.samples() * lanes)];
        let beta = vec![F::default(); padded(self.data.dim() * lanes)];
        let spread = strengths.iter().flat_map(|s| std::iter::repeat_n(F::of(s.sqrt()), lanes));
        let mut deviations: Vec<F> = spread.collect();
        deviations.resize(padded(deviations.len()), F::default());
        let averaged = if task.average_from.is_some() { beta.len() } else { 0 };
        let mut block = FlowBlock {
            step: 0,
            coordinates: Coordinates::new(task.model, problem, theta, &strengths, lanes),
            deviations,
            residuals: eta.clone(),
            eta,
            average: Average::new(averaged),
            diverged: vec![None; lanes],
            beta: beta.clone(),
            replicas,
        };
        self.arrive(&mut block, &mut { beta });
        block
    }

    fn advance(&self, blocks: &mut [FlowBlock<F>], until: u64) {
        for block in blocks {
            let replicas = block.replicas.clone();
            let draws = Draws::new(self.task.seed, &replicas, block.step).on_level(self.task.level);
            let mut work = self.work(block);
            while block.step < until {
                self.look_for_divergence(block);
                self.draw(draws, block, &mut work.noise);
                self.step(block, &mut work);
            }
        }
    }

    fn skip_to(&self, block: &mut FlowBlock<F>, step: u64) {
        let averaged_from = self.task.average_from.map_or(step, |from| from.max(block.step));
        block.average.hold(&block.beta, step.saturating_sub(averaged_from));
        block.step = step;
    }

    fn step(&self, block: &FlowBlock<F>) -> u64 {
        block.step
    }

    fn lane(&self, block: &FlowBlock<F>, lane: usize) -> Lane {
        let (dim, lanes) = (self.data.dim(), block.replicas.len());
        let of = |array: &[F], count: usize| -> Vec<f64> {
            array.iter().skip(lane).step_by(lanes).take(count).map(|v| (*v).into()).collect()
        };
        let diverged = block.diverged[lane];
        let valid = |values: Vec<f64>| if diverged.is_some() { vec![f64::NAN; values.len()] } else { values };
        let pulled = transpose_product(self.data.problem.x(), dim, &of(&block.eta, self.samples()));
        let integral = self.task.flow.rate_integral(block.step);
        let [theta, log_abs_theta] = block.coordinates.parameters(integral, &pulled);
        Lane {
            theta: valid(theta),
            log_abs_theta: valid(log_abs_theta),
            beta: valid(of(&block.beta, dim)),
            average: block.average.of_lane(lane, lanes, dim).map(valid),
            diverged,
        }
    }

    fn all_diverged(&self, block: &FlowBlock<F>, replicas: usize) -> bool {
        block.diverged[..replicas].iter().all(Option::is_some)
    }

    fn is_at_rest(&self, block: &FlowBlock<F>) -> bool {
        let mut next = block.clone();
        Flowing::step(self, &mut next, &mut self.work(block));
        next.eta == block.eta
    }
}

/// From standard normal numbers to the increment `W` and the mean `J = (W + Z / sqrt(3)) / 2` of Brownian motion.
#[inline(always)]
fn increments<V: Vector>(
    deviation: V::Float,
    deviations: &[V::Float],
    whole: &mut [V::Float],
    mean: &mut [V::Float],
) {
    let third = V::from(1.0 / 3f64.sqrt());
    for at in (0..whole.len()).step_by(V::WIDTH) {
        let deviation = V::read(&deviations[at..]) * V::splat(deviation);
        let w = V::read(&whole[at..]) * deviation;
        let z = V::read(&mean[at..]) * deviation;
        w.write(&mut whole[at..]);
        (z.mul_add(third, w) * V::from(0.5)).write(&mut mean[at..]);
    }
}

#[inline(always)]
fn squares_at_most<V: Vector>(array: &[V::Float], limit: V::Float, found: &mut bool) {
    for at in (0..array.len()).step_by(V::WIDTH) {
        let value = V::read(&array[at..]);
        *found &= (value * value).all_at_most(limit);
    }
}

#[cfg(test)]
mod tests;
