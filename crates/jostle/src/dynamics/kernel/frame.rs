//! What the step loops of all kernels have in common: from residuals to perturbed weights, and the noise of parameters.

use super::data::PADDING;
use super::{Data, Rule, State, Task, exceeds};
use crate::aligned::Aligned;
use crate::float::Float;
use crate::noise::{Needs, Noise, Products, Scratch, Step};
use crate::random::Draws;
use crate::simd::{Vector, dispatch};

/// Most steps that noises draw ahead, and the numbers that they may fill: a part of the first level of cache.
const MOST_STEPS_AHEAD: usize = 256;
const NUMBERS_AHEAD: usize = 2048;
const SHARED_STEPS: usize = Draws::SHARED_STEPS as usize;

/// A block's steps up to the step `until`.
pub(super) struct Frame<'a, F> {
    rule: &'a Rule<'a>,
    draws: Draws<'a>,
    batch: usize,
    /// Weights of one replica's step: one for each output of each sample.
    weights: usize,
    until: u64,
    limit: F,
    /// `2 c / batch`, of residuals.
    weight: F,
    /// The negative step size, as of this step, until that one.
    descent: F,
    descent_until: u64,
    /// Whether the update needs the gradient itself, and not yet multiplied by the step size.
    by_gradient: bool,
    ahead: Ahead<F>,
    /// This step's `zeta` (p x lanes), with padding; empty without parameter noise.
    pub(super) zeta: Aligned<F>,
    /// The same for noise that is added behind the momentum; with networks only.
    pub(super) behind: Aligned<F>,
    params: usize,
    scratch: Scratch<F>,
}

/// The perturbations of the sample weights of some steps, side by side.
struct Ahead<F> {
    numbers: Vec<F>,
    first: u64,
    steps: usize,
    /// How many steps can be drawn at a time: one if a noise looks at the residuals, none without noise.
    most: usize,
}

/// The samples of a step, and the parameters that it moves.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Samples of one step.
    pub(super) batch: usize,
    /// Outputs of one sample.
    pub(super) outputs: usize,
    /// Parameters of one replica.
    pub(super) params: usize,
}

/// Replicas that can be stopped where they stand.
pub(super) trait Stilled {
    /// The number of steps taken.
    fn step(&self) -> u64;
    /// Replicas side by side.
    fn lanes(&self) -> usize;
    /// Marks a lane as diverged at the current step.
    fn diverge(&mut self, lane: usize);
}

impl<F: Float> Stilled for State<F> {
    fn step(&self) -> u64 {
        self.step
    }
    fn lanes(&self) -> usize {
        self.lanes()
    }
    fn diverge(&mut self, lane: usize) {
        self.diverge(lane);
    }
}

impl<'a, F: Float> Frame<'a, F> {
    /// The steps of the replicas of a block, `batch` samples each, from `step` to `until`, for a link.
    pub(super) fn of_link(
        task: &'a Task<'a>,
        data: &Data<'_, F>,
        replicas: &'a [u32],
        batch: usize,
        step: u64,
        until: u64,
    ) -> Self {
        let shape = Shape { batch, outputs: 1, params: task.link.parts() * data.dim() };
        Self::new(&task.rule, data.divergence_limit(), replicas, shape, step, until)
    }

    /// The steps of the replicas of a block from `step` to `until`; a squared residual above `limit` has diverged.
    pub(super) fn new(
        rule: &'a Rule<'a>,
        limit: F,
        replicas: &'a [u32],
        shape: Shape,
        step: u64,
        until: u64,
    ) -> Self {
        let (lanes, Shape { batch, outputs, params }) = (replicas.len(), shape);
        let weights = batch * outputs;
        let mut samples = rule.noises.iter().filter_map(|noise| match noise {
            Noise::Sample(noise) => Some(noise.needs().contains(Needs::RESIDUALS)),
            Noise::Parameter(_) => None,
        });
        let most = match samples.next() {
            None => 0,
            Some(reads) if reads || samples.any(|reads| reads) => 1,
            // Whole groups of steps that share blocks.
            Some(_) => {
                match (NUMBERS_AHEAD / (weights * lanes)).min(MOST_STEPS_AHEAD) / SHARED_STEPS * SHARED_STEPS
                {
                    0 => 1,
                    most => most,
                }
            }
        };
        let params = params * lanes;
        let zeta =
            |behind| Aligned::zeros(if rule.has_parameter_noise(behind) { params + PADDING } else { 0 });
        Self {
            rule,
            draws: Draws::new(rule.seed, replicas, step).on_level(rule.level),
            batch,
            weights,
            until,
            limit,
            weight: F::of(2.0 * rule.loss_factor / batch as f64),
            descent: F::default(),
            descent_until: step,
            by_gradient: rule.dynamics.momentum > 0.0 || rule.dynamics.is_beyond_momentum(),
            ahead: Ahead { numbers: Vec::new(), first: step, steps: 0, most },
            zeta: zeta(false),
            behind: zeta(true),
            params,
            scratch: Scratch::default(),
        }
    }

    /// The limit of squared residuals.
    pub(super) fn limit(&self) -> F {
        self.limit
    }

    /// `2 c / batch`.
    pub(super) fn weight(&self) -> F {
        self.weight
    }

    /// The random numbers of the block.
    pub(super) fn draws(&self) -> Draws<'a> {
        self.draws
    }

    /// How many steps from this one on have its step size.
    pub(super) fn steps_at_this_rate(&mut self, step: u64) -> u64 {
        self.descent(step);
        self.descent_until - step
    }

    /// The negative step size of a step.
    #[inline(always)]
    pub(super) fn descent(&mut self, step: u64) -> F {
        if step >= self.descent_until {
            let schedule = &self.rule.dynamics.learning_rate;
            self.descent = F::of(-schedule.at(step));
            self.descent_until = schedule.next_change(step).unwrap_or(u64::MAX);
        }
        self.descent
    }

    /// The factor that weights carry into the update: `-learning_rate`, unless the update needs the gradient itself.
    #[inline(always)]
    pub(super) fn factor(&mut self, step: u64) -> F {
        let descent = self.descent(step);
        if self.by_gradient { F::of(1.0) } else { descent }
    }

    /// The weights (batch x lanes) of a step, `((2 c / batch) r + perturbation) * factor`, once the lanes have been
    /// stilled in which a squared residual exceeds the limit.
    pub(super) fn weigh(&mut self, state: &mut impl Stilled, residuals: &mut [F], weights: &mut [F]) {
        self.weigh_labelled(state, residuals, &[], weights);
    }

    /// The same for a step whose labels noises may look at.
    pub(super) fn weigh_labelled(
        &mut self,
        state: &mut impl Stilled,
        residuals: &mut [F],
        labels: &[F],
        weights: &mut [F],
    ) {
        let (step, level, limit) = (state.step(), self.rule.level, self.limit);
        let mut diverges = false;
        let found = &mut diverges;
        dispatch!(level, any_exceeds, F, [], (residuals: &[F], limit: F, found: &mut bool));
        if diverges {
            self.still(state, residuals);
        }
        let lanes = self.draws.lanes();
        let factors = [self.weight, self.factor(step)];
        let perturbation = self.perturbation_of(step, residuals, labels);
        dispatch!(level, weigh, F, [], (
            lanes: usize, factors: [F; 2], perturbation: Option<(&[F], usize)>, residuals: &[F], weights: &mut [F],
        ));
    }

    /// Stills the lanes in which a squared residual exceeds the limit.
    #[cold]
    #[inline(never)]
    pub(super) fn still(&self, state: &mut impl Stilled, residuals: &mut [F]) {
        let lanes = state.lanes();
        for lane in 0..lanes {
            let mut of_lane = residuals.iter().skip(lane).step_by(lanes);
            if of_lane.any(|r| exceeds(*r * *r, self.limit)) {
                state.diverge(lane);
                residuals.iter_mut().skip(lane).step_by(lanes).for_each(|r| *r = F::default());
            }
        }
    }

    /// The perturbation of the sample weights of a step, if there is any: entry `k` of lane `l` stands at
    /// `k * stride + l` of the slice that comes with the stride.
    #[inline(always)]
    pub(super) fn perturbation(&mut self, step: u64, residuals: &[F]) -> Option<(&[F], usize)> {
        self.perturbation_of(step, residuals, &[])
    }

    #[inline(always)]
    fn perturbation_of(&mut self, step: u64, residuals: &[F], labels: &[F]) -> Option<(&[F], usize)> {
        if self.ahead.most == 0 {
            return None;
        }
        // Before the first step the difference wraps around, and is larger than any number of steps.
        if self.ahead.most == 1 || step.wrapping_sub(self.ahead.first) >= self.ahead.steps as u64 {
            self.draw_ahead(step, residuals, labels);
        }
        let lanes = self.draws.lanes();
        let offset = (step - self.ahead.first) as usize * lanes;
        Some((&self.ahead.numbers[offset..], self.ahead.steps * lanes))
    }

    /// Lets every noise of the sample weights draw for the next steps. Not inlined: what a noise does is not the
    /// kernel's affair.
    #[inline(never)]
    fn draw_ahead(&mut self, step: u64, residuals: &[F], labels: &[F]) {
        let lanes = self.draws.lanes();
        let most = self.ahead.most as u64;
        let first = if most > 1 { step / Draws::SHARED_STEPS * Draws::SHARED_STEPS } else { step };
        let steps = (self.until - first).min(most) as usize;
        (self.ahead.first, self.ahead.steps) = (first, steps);
        let Ahead { numbers, most, .. } = &mut self.ahead;
        numbers.clear();
        numbers.resize(self.weights * steps * lanes, F::default());
        let step = Step {
            draws: self.draws.at_step(first).for_steps(steps),
            batch: self.batch,
            outputs: self.weights / self.batch,
            residuals: if *most == 1 { residuals } else { &[] },
            labels,
            loss_factor: self.rule.loss_factor,
            position: 0,
        };
        for (position, noise) in self.rule.noises.iter().enumerate() {
            if let Noise::Sample(noise) = noise {
                let (noise, step) = (noise.in_precision(), step.at_position(position));
                noise.perturb_weights(&step, &mut self.scratch, numbers);
            }
        }
    }

    /// Whether there is noise of the parameters.
    pub(super) fn has_zeta(&self) -> bool {
        !(self.zeta.is_empty() && self.behind.is_empty())
    }

    /// Lets every noise of the parameters add to this step's zeta.
    #[inline(never)]
    pub(super) fn draw_zeta(&mut self, step: u64, residuals: &[F], products: &dyn Products<F>) {
        let step = Step {
            draws: self.draws.at_step(step),
            batch: self.batch,
            outputs: self.weights / self.batch,
            residuals,
            labels: &[],
            loss_factor: self.rule.loss_factor,
            position: 0,
        };
        self.zeta.fill(F::default());
        self.behind.fill(F::default());
        for (position, noise) in self.rule.noises.iter().enumerate() {
            let behind = self.rule.is_behind_momentum(noise);
            if let Noise::Parameter(noise) = noise {
                let zeta = if behind { &mut self.behind } else { &mut self.zeta };
                let (noise, step) = (noise.in_precision(), step.at_position(position));
                noise.perturb_gradient(&step, products, &mut self.scratch, &mut zeta[..self.params]);
            }
        }
    }
}

#[inline(always)]
fn any_exceeds<V: Vector>(residuals: &[V::Float], limit: V::Float, found: &mut bool) {
    let mut diverges = false;
    for r in residuals {
        diverges |= exceeds(*r * *r, limit);
    }
    *found = diverges;
}

#[inline(always)]
fn weigh<V: Vector>(
    lanes: usize,
    [weight, factor]: [V::Float; 2],
    perturbation: Option<(&[V::Float], usize)>,
    residuals: &[V::Float],
    weights: &mut [V::Float],
) {
    assert!(weights.len() == residuals.len());
    let Some((perturbation, stride)) = perturbation else {
        for (w, r) in weights.iter_mut().zip(residuals) {
            *w = *r * weight * factor;
        }
        return;
    };
    for (k, (w, r)) in weights.chunks_exact_mut(lanes).zip(residuals.chunks_exact(lanes)).enumerate() {
        let perturbation = &perturbation[k * stride..][..lanes];
        for lane in 0..lanes {
            w[lane] = r[lane].mul_add(weight, perturbation[lane]) * factor;
        }
    }
}
