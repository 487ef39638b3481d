//! Networks: one replica, by passes forwards and backwards over the samples of a step.
//!
//! ```text
//! r = f(theta) - y                    of the batch, every output of every sample
//! w = (2 c / batch) r + p             with the perturbation p of the noises of the sample space
//! g = J' (-learning_rate w)           with momentum g = J' w
//! theta <- theta + g - learning_rate zeta
//! ```
//!
//! With momentum `m <- momentum m + (g + zeta)` and `theta <- theta - learning_rate m`; with Nesterov's,
//! `theta <- theta - learning_rate (g + zeta + momentum m)`. Noise that enters behind the momentum is added to what the
//! step size multiplies.

use super::frame::{Frame, Shape, Stilled};
use super::members::Members;
use super::mini_batch::NoProducts;
use super::{Data, Lane, Rule};
use crate::dynamics::augment::{Augment, crop_flip};
use crate::dynamics::stepper::{Begin, Stepper};
use crate::dynamics::{Batch, GradientDescent};
use crate::float::Float;
use crate::model::{Model, Pass, Tape};
use crate::random::Purpose;

/// A network on one problem.
pub(crate) struct Training<'a, F> {
    pub(crate) network: &'a dyn Model,
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
    /// The unit of its step size.
    unit: f64,
    diverged: Option<u64>,
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

impl<F: Float> Training<'_, F> {
    fn advance_block(&self, block: &mut PassBlock<F>, until: u64) {
        let (data, passes) = (self.data, self.network.in_precision::<F>());
        let dynamics = self.rule.dynamics.in_units(block.unit);
        let rule = Rule { dynamics: &dynamics, ..*self.rule };
        let (n, dim, outputs) = (data.samples(), data.dim(), self.network.outputs());
        let batch = dynamics.batch.size(n);
        let shape = Shape { batch, outputs, params: block.theta.len() };
        let replica = block.replica;
        let mut frame = Frame::new(&rule, data.divergence_limit(), &replica, shape, block.step, until);
        let mut members = Members::new(frame.draws(), n, batch, dynamics.replacement, until);
        let image = data.problem.image().filter(|_| dynamics.augment == Augment::CropFlip);
        // The data as they are, without a copy of the batch.
        let is_whole = dynamics.batch == Batch::Full && image.is_none();
        let everything: Vec<usize> = if is_whole { Vec::new() } else { (0..n).collect() };
        let mut words = vec![0; if image.is_some() { batch } else { 0 }];
        let mut tape = Tape::default();
        let mut gathered = vec![F::default(); if is_whole { 0 } else { batch * dim }];
        let mut labels = vec![F::default(); if is_whole { 0 } else { batch * outputs }];
        let mut residuals = vec![F::default(); batch * outputs];
        let mut weights = residuals.clone();
        let mut gradient = vec![F::default(); block.theta.len()];
        while block.step < until && block.diverged.is_none() {
            let (inputs, y) = if is_whole {
                (data.inputs(), data.y())
            } else {
                frame.draws().at_step(block.step).bits(Purpose::AUGMENT, &mut words);
                let members =
                    if dynamics.batch == Batch::Full { &everything } else { members.at(block.step) };
                for (k, i) in members.iter().enumerate() {
                    let (from, to) = (&data.inputs()[i * dim..][..dim], &mut gathered[k * dim..][..dim]);
                    match image {
                        Some(image) => crop_flip(image, words[k], from, to),
                        None => to.copy_from_slice(from),
                    }
                    labels[k * outputs..][..outputs].copy_from_slice(&data.y()[i * outputs..][..outputs]);
                }
                (&gathered[..], &labels[..])
            };
            let pass = Pass { level: rule.level, theta: &block.theta, inputs };
            passes.forward(pass, &mut tape, &mut residuals);
            rule.loss.residuals(&mut residuals, y, outputs);
            frame.weigh_labelled(block, &mut residuals, y, &mut weights);
            if block.diverged.is_some() {
                break;
            }
            let pass = Pass { level: rule.level, theta: &block.theta, inputs };
            passes.backward(pass, &mut tape, &weights, &mut gradient);
            if frame.has_zeta() {
                frame.draw_zeta(block.step, &residuals, &NoProducts);
            }
            move_by(block, &mut frame, &dynamics, &gradient);
            block.step += 1;
        }
        block.step = until;
    }
}

/// The end of a step: the gradient carries the factor `-learning_rate`, unless there is momentum.
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
        PassBlock {
            step: 0,
            replica: [replicas[0]],
            velocity: vec![F::default(); if with_momentum { theta.len() } else { 0 }],
            theta,
            unit: begin.unit,
            diverged: None,
        }
    }

    fn advance(&self, blocks: &mut [PassBlock<F>], until: u64) {
        for block in blocks {
            self.advance_block(block, until);
        }
    }

    fn skip_to(&self, block: &mut PassBlock<F>, step: u64) {
        block.step = step;
    }

    fn step(&self, block: &PassBlock<F>) -> u64 {
        block.step
    }

    fn lane(&self, block: &PassBlock<F>, _: usize) -> Lane {
        let theta: Vec<f64> = block.theta.iter().map(|t| (*t).into()).collect();
        Lane {
            beta: self.network.coefficients(&theta).unwrap_or_default(),
            theta,
            log_abs_theta: Vec::new(),
            average: None,
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
