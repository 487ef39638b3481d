//! The general path: one replica of any model, by passes forwards and backwards over the samples of a step, with any update
//! rule and any point at which the gradient is taken.
//!
//! ```text
//! r = f(theta) - y                    of the batch, every output of every sample
//! w = (2 c / batch) r + p             with the perturbation p of the noises of the sample space
//! g = J' (-learning_rate w)           with momentum, or another rule, g = J' w
//! theta <- theta + g - learning_rate zeta
//! ```
//!
//! With momentum `m <- momentum m + (g + zeta)` and `theta <- theta - learning_rate m`; with Nesterov's,
//! `theta <- theta - learning_rate (g + zeta + momentum m)`; other rules are asked for one update after the other. Noise that
//! enters behind the momentum is added to what the step size multiplies.

use super::frame::{Frame, Shape, Stilled};
use super::members::Members;
use super::mini_batch::NoProducts;
use super::plain::PlainProducts;
use super::{Data, Lane, Rule};
use crate::dynamics::augment::{Augment, crop_flip};
use crate::dynamics::point::Here;
use crate::dynamics::rule::AnyRule;
use crate::dynamics::stepper::{Begin, Stepper};
use crate::dynamics::{Batch, GradientDescent, rule};
use crate::float::Float;
use crate::model::{LinkKind, Model, Pass, Tape};
use crate::random::Purpose;

/// A model on one problem.
pub(crate) struct Training<'a, F> {
    pub(crate) model: &'a dyn Model,
    /// Its link, if it is a reparametrised linear predictor.
    pub(crate) link: Option<LinkKind>,
    pub(crate) rule: &'a Rule<'a>,
    pub(crate) data: &'a Data<'a, F>,
}

/// A replica between steps.
#[derive(Clone)]
pub(crate) struct PassBlock<F> {
    step: u64,
    replica: [u32; 1],
    theta: Vec<F>,
    velocity: Vec<F>,
    /// What a rule other than momentum keeps.
    memory: Vec<Vec<f64>>,
    /// The unit of its step size.
    unit: f64,
    average: Average,
    diverged: Option<u64>,
}

/// The sum of the coefficients of a reparametrised linear predictor, and over how many steps.
#[derive(Clone, Default)]
struct Average {
    sum: Vec<f64>,
    steps: u64,
}

impl Average {
    /// Adds coefficients (d) that last for some steps.
    fn add(&mut self, beta: &[f64], steps: u64) {
        self.sum.resize(beta.len(), 0.0);
        self.sum.iter_mut().zip(beta).for_each(|(sum, beta)| *sum += steps as f64 * beta);
        self.steps += steps;
    }

    fn mean(&self) -> Option<Vec<f64>> {
        (self.steps > 0).then(|| self.sum.iter().map(|sum| sum / self.steps as f64).collect())
    }
}

impl<F: Float> Stilled for PassBlock<F> {
    fn step(&self) -> u64 {
        self.step
    }
    fn lanes(&self) -> usize {
        1
    }
    fn diverge(&mut self, _: usize) {
        self.diverged.get_or_insert(self.step);
    }
}

impl<F: Float> PassBlock<F> {
    fn parameters(&self) -> Vec<f64> {
        self.theta.iter().map(|t| (*t).into()).collect()
    }
}

/// The samples of a step, gathered where they are not all of them as they are.
struct Gathered<'a, F> {
    data: &'a Data<'a, F>,
    members: Members<'a>,
    dynamics: &'a GradientDescent,
    outputs: usize,
    everything: Vec<usize>,
    words: Vec<u64>,
    inputs: Vec<F>,
    labels: Vec<F>,
}

impl<'a, F: Float> Gathered<'a, F> {
    fn new(
        data: &'a Data<'a, F>,
        frame: &Frame<'a, F>,
        dynamics: &'a GradientDescent,
        outputs: usize,
        until: u64,
    ) -> Self {
        let (n, dim) = (data.samples(), data.dim());
        let batch = dynamics.batch.size(n);
        let members = Members::new(frame.draws(), n, batch, dynamics.sampling, until);
        let image = data.problem.image().filter(|_| dynamics.augment == Augment::CropFlip);
        // The data as they are, without a copy of the batch.
        let is_whole = dynamics.batch == Batch::Full && image.is_none();
        let zeros = |numbers: usize| vec![F::default(); if is_whole { 0 } else { numbers }];
        Self {
            data,
            members,
            dynamics,
            outputs,
            everything: if is_whole { Vec::new() } else { (0..n).collect() },
            words: vec![0; if image.is_some() { batch } else { 0 }],
            inputs: zeros(batch * dim),
            labels: zeros(batch * outputs),
        }
    }

    /// The inputs and the labels of a step.
    fn of_step(&mut self, frame: &Frame<'_, F>, step: u64) -> (&[F], &[F]) {
        if self.inputs.is_empty() {
            return (self.data.inputs(), self.data.y());
        }
        let Self { data, outputs, words, inputs, labels, .. } = self;
        let (dim, outputs) = (data.dim(), *outputs);
        let image = data.problem.image().filter(|_| self.dynamics.augment == Augment::CropFlip);
        frame.draws().at_step(step).bits(Purpose::AUGMENT, words);
        let is_full = self.dynamics.batch == Batch::Full;
        let members = if is_full { &self.everything } else { self.members.at(step) };
        for (k, i) in members.iter().enumerate() {
            let (from, to) = (&data.inputs()[i * dim..][..dim], &mut inputs[k * dim..][..dim]);
            match image {
                Some(image) => crop_flip(image, words[k], from, to),
                None => to.copy_from_slice(from),
            }
            labels[k * outputs..][..outputs].copy_from_slice(&data.y()[i * outputs..][..outputs]);
        }
        (inputs, labels)
    }
}

/// A rule other than momentum, and its arrays in float64.
struct General {
    rule: AnyRule,
    theta: Vec<f64>,
    gradient: Vec<f64>,
}

impl General {
    fn of(dynamics: &GradientDescent) -> Option<Self> {
        let rule = dynamics.general_rule()?;
        Some(Self { rule, theta: Vec::new(), gradient: Vec::new() })
    }

    /// The point at which the gradient is taken, given the one at the parameters where it was asked for.
    fn place<F: Float>(
        &mut self,
        block: &PassBlock<F>,
        dynamics: &GradientDescent,
        gradient: &[F],
    ) -> Vec<F> {
        self.theta.clear();
        self.theta.extend(block.theta.iter().map(|t| -> f64 { (*t).into() }));
        self.gradient.clear();
        self.gradient.extend(gradient.iter().map(|g| -> f64 { (*g).into() }));
        let rate = dynamics.learning_rate.at(block.step);
        let here = Here { rule: &*self.rule, memory: &block.memory, rate, gradient: &self.gradient };
        dynamics.gradient_at.place(&here, &mut self.theta);
        self.theta.iter().map(|t| F::of(*t)).collect()
    }

    /// Moves a replica by a gradient.
    fn move_by<F: Float>(
        &mut self,
        block: &mut PassBlock<F>,
        frame: &Frame<'_, F>,
        dynamics: &GradientDescent,
        gradient: &[F],
    ) {
        let rate = dynamics.learning_rate.at(block.step);
        let zeta = frame.zeta.iter().map(|z| -> f64 { (*z).into() }).chain(std::iter::repeat(0.0));
        self.theta.clear();
        self.theta.extend(block.theta.iter().map(|t| -> f64 { (*t).into() }));
        self.gradient.clear();
        self.gradient.extend(gradient.iter().zip(zeta).map(|(g, z)| -> f64 { (*g).into() + z }));
        self.rule.update(&mut rule::Step {
            theta: &mut self.theta,
            gradient: &self.gradient,
            memory: &mut block.memory,
            rate,
            number: block.step,
        });
        let behind = frame.behind.iter().map(|z| -> f64 { (*z).into() });
        self.theta.iter_mut().zip(behind).for_each(|(t, z)| *t -= rate * z);
        block.theta.iter_mut().zip(&self.theta).for_each(|(to, t)| *to = F::of(*t));
    }
}

impl<F: Float> Training<'_, F> {
    fn advance_block(&self, block: &mut PassBlock<F>, until: u64) {
        let (data, passes) = (self.data, self.model.in_precision::<F>());
        let dynamics = self.rule.dynamics.in_units(block.unit);
        let rule = Rule { dynamics: &dynamics, ..*self.rule };
        let (n, outputs) = (data.samples(), self.model.outputs());
        let batch = dynamics.batch.size(n);
        let shape = Shape { batch, outputs, params: block.theta.len() };
        let replica = block.replica;
        let mut frame = Frame::new(&rule, data.divergence_limit(), &replica, shape, block.step, until);
        let mut gathered = Gathered::new(data, &frame, &dynamics, outputs, until);
        let mut general = General::of(&dynamics);
        let mut tape = Tape::default();
        let mut residuals = vec![F::default(); batch * outputs];
        let mut weights = residuals.clone();
        let mut gradient = vec![F::default(); block.theta.len()];
        while block.step < until && block.diverged.is_none() {
            let (inputs, y) = gathered.of_step(&frame, block.step);
            let mut elsewhere = None;
            if let Some(general) = general.as_mut().filter(|_| !dynamics.gradient_at.is_parameters()) {
                if dynamics.gradient_at.needs_gradient() {
                    let pass = Pass { level: rule.level, theta: &block.theta, inputs };
                    passes.forward(pass, &mut tape, &mut residuals);
                    rule.loss.residuals(&mut residuals, y, outputs);
                    weights.iter_mut().zip(&residuals).for_each(|(w, r)| *w = *r * frame.weight());
                    passes.backward(pass, &mut tape, &weights, &mut gradient);
                    elsewhere = Some(general.place(block, &dynamics, &gradient));
                } else {
                    elsewhere = Some(general.place(block, &dynamics, &[]));
                }
            }
            let theta = elsewhere.as_ref().unwrap_or(&block.theta);
            let pass = Pass { level: rule.level, theta, inputs };
            passes.forward(pass, &mut tape, &mut residuals);
            rule.loss.residuals(&mut residuals, y, outputs);
            frame.weigh_labelled(block, &mut residuals, y, &mut weights);
            if block.diverged.is_some() {
                break;
            }
            let theta = elsewhere.as_ref().unwrap_or(&block.theta);
            let pass = Pass { level: rule.level, theta, inputs };
            passes.backward(pass, &mut tape, &weights, &mut gradient);
            if frame.has_zeta() {
                match self.link.filter(|_| dynamics.batch == Batch::Full) {
                    Some(link) => {
                        let products = PlainProducts { link, problem: data.problem, theta };
                        frame.draw_zeta(block.step, &residuals, &products);
                    }
                    None => frame.draw_zeta(block.step, &residuals, &NoProducts),
                }
            }
            match &mut general {
                Some(general) => general.move_by(block, &frame, &dynamics, &gradient),
                None => move_by(block, &mut frame, &dynamics, &gradient),
            }
            let averages = self.link.is_some() && rule.average_from.is_some_and(|from| block.step >= from);
            block.step += 1;
            if averages {
                block.average.add(&self.coefficients(&block.parameters()), 1);
            }
        }
        block.step = until;
    }

    fn coefficients(&self, theta: &[f64]) -> Vec<f64> {
        self.model.coefficients(theta).unwrap_or_default()
    }
}

/// The end of a step with momentum or none: the gradient carries the factor `-learning_rate`, unless there is momentum.
fn move_by<F: Float>(
    block: &mut PassBlock<F>,
    frame: &mut Frame<'_, F>,
    dynamics: &GradientDescent,
    gradient: &[F],
) {
    let momentum = F::of(dynamics.momentum);
    let descent = frame.descent(block.step);
    let zeta = frame.zeta.iter().copied().chain(std::iter::repeat(F::default()));
    if block.velocity.is_empty() {
        if frame.zeta.is_empty() {
            block.theta.iter_mut().zip(gradient).for_each(|(t, g)| *t += *g);
        } else {
            let moves = gradient.iter().zip(zeta);
            block.theta.iter_mut().zip(moves).for_each(|(t, (g, z))| *t += *g + descent * z);
        }
        return;
    }
    let noise = zeta.zip(frame.behind.iter().copied().chain(std::iter::repeat(F::default())));
    for (((t, m), g), (z, behind)) in block.theta.iter_mut().zip(&mut block.velocity).zip(gradient).zip(noise)
    {
        let g = *g + z;
        *m = momentum * *m + g;
        let step = if dynamics.nesterov { g + momentum * *m } else { *m };
        *t += descent * (step + behind);
    }
}

impl<F: Float> Stepper for Training<'_, F> {
    type Block = PassBlock<F>;

    fn lanes(&self) -> usize {
        1
    }

    fn begin(&self, begins: &[Begin], replicas: Vec<u32>) -> PassBlock<F> {
        let [begin] = begins else { unreachable!("a block is one replica") };
        let theta: Vec<F> = begin.theta.iter().map(|t| F::of(*t)).collect();
        let with_momentum = self.rule.dynamics.momentum > 0.0;
        let memory = self.rule.dynamics.general_rule().map_or(0, |rule| rule.memory());
        PassBlock {
            step: 0,
            replica: [replicas[0]],
            velocity: vec![F::default(); if with_momentum && memory == 0 { theta.len() } else { 0 }],
            memory: vec![vec![0.0; theta.len()]; memory],
            theta,
            unit: begin.unit,
            average: Average::default(),
            diverged: None,
        }
    }

    fn advance(&self, blocks: &mut [PassBlock<F>], until: u64) {
        for block in blocks {
            self.advance_block(block, until);
        }
    }

    fn skip_to(&self, block: &mut PassBlock<F>, step: u64) {
        if let Some(from) = self.rule.average_from.filter(|_| self.link.is_some()) {
            let steps = step.saturating_sub(from.max(block.step));
            block.average.add(&self.coefficients(&block.parameters()), steps);
        }
        block.step = step;
    }

    fn step(&self, block: &PassBlock<F>) -> u64 {
        block.step
    }

    fn lane(&self, block: &PassBlock<F>, _: usize) -> Lane {
        let theta = block.parameters();
        let logarithms = |theta: &[f64]| theta.iter().map(|t| t.abs().ln()).collect();
        Lane {
            beta: self.coefficients(&theta),
            log_abs_theta: self.link.map_or_else(Vec::new, |_| logarithms(&theta)),
            theta,
            average: block.average.mean(),
            diverged: block.diverged,
        }
    }

    fn all_diverged(&self, block: &PassBlock<F>, _: usize) -> bool {
        block.diverged.is_some()
    }

    fn is_at_rest(&self, block: &PassBlock<F>) -> bool {
        if self.rule.dynamics.batch != Batch::Full {
            return false;
        }
        let mut next = block.clone();
        self.advance_block(&mut next, block.step + 1);
        next.theta == block.theta
    }
}
