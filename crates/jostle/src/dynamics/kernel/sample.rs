//! One sample a step, several replicas in turn: while one waits for its residual, the next one computes.
//!
//! The pass that updates the parameters also sums the next step's row product, so that a step reads and writes the
//! parameters once.
#![allow(unsafe_code)]

use super::frame::Frame;
use super::members::Members;
use super::mini_batch::NoProducts;
use super::stripes;
use super::update::{Single, Update};
use super::{Block, Task, exceeds};
use crate::float::Float;
use crate::model::Link;
use crate::simd::{STRIPES, Stripes, Vector};

/// Carries replicas that stand at the same step to the step `until`.
#[inline(always)]
pub(super) fn advance_samples<V: Vector, L: Link>(
    link: L,
    task: &Task<'_>,
    blocks: &mut [Block<'_, V::Float>],
    until: u64,
) {
    let replicas: Vec<Vec<u32>> = blocks.iter().map(|block| block.state.replicas.clone()).collect();
    let mut runners: Vec<Runner<'_, '_, V::Float>> = Vec::with_capacity(blocks.len());
    for (block, replicas) in blocks.iter_mut().zip(&replicas) {
        runners.push(Runner::new(task, block, replicas, until));
    }
    let Some(first) = runners.first() else { return };
    assert!(
        runners.iter().all(|runner| runner.rows == first.rows),
        "replicas that take turns share their data"
    );
    let mut step = first.block.state.step;
    while step < until {
        // Steps without anything particular are taken in stretches; the last one stores the coefficients.
        let most = MOST_STEPS.min(until - 1 - step);
        let stretch = runners.iter_mut().fold(most, |steps, runner| steps.min(runner.plain_steps()));
        if stretch == 0 {
            for runner in &mut runners {
                runner.step::<V, L>(link, task, until);
            }
            step += 1;
            continue;
        }
        // Only now that all of them take it: what is drawn depends on how long it is.
        for runner in &mut runners {
            runner.draw(stretch);
        }
        let (fours, rest) = runners.as_chunks_mut::<4>();
        for four in fours {
            take_stretch::<V, L, 4>(link, task, four, stretch);
        }
        for one in rest {
            take_stretch::<V, L, 1>(link, task, std::array::from_mut(one), stretch);
        }
        step += stretch;
    }
}

/// Steps of one stretch, at most.
const MOST_STEPS: u64 = 64;

/// The steps of a plain stretch: the perturbations of their weights, and the samples of the steps after them.
struct Tape<F> {
    perturbations: [F; MOST_STEPS as usize],
    nexts: [usize; MOST_STEPS as usize],
}

/// One replica on its way.
struct Runner<'b, 'd, F: Float> {
    /// The sample of the current step and its residual.
    member: usize,
    residual: F,
    rows: *const F,
    stride: usize,
    labels: &'b [F],
    tape: Tape<F>,
    block: &'b mut Block<'d, F>,
    frame: Frame<'b, F>,
    batches: Members<'b>,
}

impl<'b, 'd, F: Float> Runner<'b, 'd, F> {
    fn new(task: &'b Task<'_>, block: &'b mut Block<'d, F>, replicas: &'b [u32], until: u64) -> Self {
        let (data, state) = (block.data, &block.state);
        let rows = data.rows();
        let n = data.samples();
        assert!(
            state.lanes() == 1 && state.entries == rows.stride && rows.numbers().len() == n * rows.stride
        );
        let frame = Frame::of_link(task, data, replicas, 1, state.step, until);
        let mut batches = Members::new(frame.draws(), n, 1, task.rule.dynamics.sampling, until);
        let member = batches.at(state.step)[0];
        let mut residual = [F::default()];
        stripes::residuals(task.rule.level, rows.numbers(), &[member], &state.beta, data.y(), &mut residual);
        Self {
            member,
            residual: residual[0],
            rows: rows.numbers().as_ptr(),
            stride: rows.stride,
            labels: data.y(),
            tape: Tape {
                perturbations: [F::default(); MOST_STEPS as usize],
                nexts: [0; MOST_STEPS as usize],
            },
            block,
            frame,
            batches,
        }
    }

    /// How many of the next steps are a plain stretch: without averages, rescaled parameters, noise of the parameters,
    /// momentum, or a change of the step size.
    fn plain_steps(&mut self) -> u64 {
        if !self.frame.zeta.is_empty() {
            return 0;
        }
        let state = &self.block.state;
        state.plain_steps().min(self.frame.steps_at_this_rate(state.step))
    }

    /// Draws what a stretch of some steps needs.
    fn draw(&mut self, steps: u64) {
        let step = self.block.state.step;
        let mut rest = &mut self.tape.nexts[..steps as usize];
        while !rest.is_empty() {
            let members = self.batches.ahead(step + 1 + steps - rest.len() as u64, rest.len() as u64);
            let (known, unknown) = rest.split_at_mut(members.len());
            known.copy_from_slice(members);
            rest = unknown;
        }
        let mut rest = &mut self.tape.perturbations[..steps as usize];
        while !rest.is_empty() {
            // One number a step: those of several steps stand side by side.
            let Some((ahead, _)) = self.frame.perturbation(step + steps - rest.len() as u64, &[]) else {
                break;
            };
            let (known, unknown) = rest.split_at_mut(ahead.len().min(rest.len()));
            known.copy_from_slice(&ahead[..known.len()]);
            rest = unknown;
        }
    }

    /// Stops where the stretch has come to, because the residual is out of bounds.
    #[cold]
    #[inline(never)]
    fn diverge(&mut self, ahead: usize) {
        let state = &mut self.block.state;
        state.step += ahead as u64;
        state.diverge(0);
        state.step -= ahead as u64;
    }

    /// Any step.
    #[inline(always)]
    fn step<V: Vector<Float = F>, L: Link>(&mut self, link: L, task: &Task<'_>, until: u64) {
        let state = &mut self.block.state;
        let (mut residual, mut weight) = ([self.residual], [F::default()]);
        self.frame.weigh(state, &mut residual, &mut weight);
        if !self.frame.zeta.is_empty() {
            self.frame.draw_zeta(state.step, &residual, &NoProducts);
        }
        let update = Update::new::<L>(task, state, &mut self.frame);
        // After the last step nobody asks for a product; the same row is as good as any.
        let is_last = state.step + 1 == until;
        let next = if is_last { self.member } else { self.batches.at(state.step + 1)[0] };
        // SAFETY: members are rows, which are as long as the parameters, and nothing else uses the state meanwhile.
        let product = unsafe {
            let (row, next) = (self.rows.add(self.member * self.stride), self.rows.add(next * self.stride));
            pass::<V, L, 1, false>(link, [update], weight, [row], [next])[0]
        };
        (self.member, self.residual) = (next, product - self.labels[next]);
        state.end_step();
    }
}

/// Takes the steps of a plain stretch with `N` replicas, two by two: what a step needs of a replica stays in registers.
#[inline(always)]
fn take_stretch<V: Vector, L: Link, const N: usize>(
    link: L,
    task: &Task<'_>,
    runners: &mut [Runner<'_, '_, V::Float>; N],
    steps: u64,
) {
    let mut updates = runners.each_mut().map(|runner| {
        let update = Update::new::<L>(task, &mut runner.block.state, &mut runner.frame);
        assert!(update.is_plain() && update.entries == runner.stride);
        update
    });
    let (limit, weight) = (runners[0].frame.limit(), runners[0].frame.weight());
    let descent = runners[0].frame.descent(runners[0].block.state.step);
    let (rows, stride) = (runners[0].rows, runners[0].stride);
    let mut residuals = runners.each_ref().map(|runner| runner.residual);
    let mut members = runners.each_ref().map(|runner| rows.wrapping_add(runner.member * stride));
    for ahead in 0..steps as usize {
        for first in (0..N).step_by(2) {
            let mut weights = [V::Float::default(); 2];
            let mut nexts = [std::ptr::null(); 2];
            let pair = first..N.min(first + 2);
            for r in pair.clone() {
                let residual = residuals[r];
                if exceeds(residual * residual, limit) {
                    runners[r].diverge(ahead);
                    residuals[r] = V::Float::default();
                    // What was pointed to has been written to.
                    updates[r] = updates[r].again(&mut runners[r].block.state);
                }
                let tape = &runners[r].tape;
                weights[r - first] = residuals[r].mul_add(weight, tape.perturbations[ahead]) * descent;
                nexts[r - first] = rows.wrapping_add(tape.nexts[ahead] * stride);
            }
            // SAFETY: members are rows of the data that all runners share, rows are as long as the parameters, and
            // nothing else uses the states meanwhile.
            unsafe {
                if N == 1 {
                    let [product] =
                        pass::<V, L, 1, true>(link, [updates[0]], [weights[0]], [members[0]], [nexts[0]]);
                    residuals[0] = product;
                } else {
                    let both = [members[first], members[first + 1]];
                    let products = pass::<V, L, 2, true>(
                        link,
                        [updates[first], updates[first + 1]],
                        weights,
                        both,
                        nexts,
                    );
                    residuals[first..first + 2].copy_from_slice(&products);
                }
            }
            for r in pair {
                members[r] = nexts[r - first];
                residuals[r] -= runners[r].labels[runners[r].tape.nexts[ahead]];
            }
        }
    }
    for (runner, residual) in runners.iter_mut().zip(residuals) {
        runner.residual = residual;
        runner.member = runner.tape.nexts[steps as usize - 1];
        runner.block.state.end_steps(steps);
    }
}

/// Updates all parameters of some replicas by one sample's row each, and returns the products of other rows with the
/// new coefficients. Passes that are not `PLAIN` also store the coefficients.
///
/// # Safety
/// The rows are as long as the parameters, with their padding; see also [`Update::apply`].
#[inline(always)]
unsafe fn pass<V: Vector, L: Link, const N: usize, const PLAIN: bool>(
    link: L,
    updates: [Update<V::Float>; N],
    weights: [V::Float; N],
    rows: [*const V::Float; N],
    nexts: [*const V::Float; N],
) -> [V::Float; N] {
    let mut factors = [V::from(0.0); N];
    for r in 0..N {
        factors[r] = V::splat(weights[r]);
    }
    let mut sums = [Stripes::<V>::zero(); N];
    // A macro: a closure might not be inlined, and would then be compiled for the baseline processor.
    macro_rules! vector {
        ($k:expr, $at:expr) => {
            for r in 0..N {
                // SAFETY: the caller promises that the rows and the parameters are whole vectors.
                unsafe {
                    let pulled = Single { x: V::load(rows[r].add($at)), weight: factors[r] };
                    let beta = updates[r].apply::<V, L, PLAIN>(link, $at, pulled);
                    if !PLAIN {
                        beta.store(updates[r].beta.add($at));
                    }
                    sums[r].add($k, V::load(nexts[r].add($at)), beta);
                }
            }
        };
    }
    let used = updates[0].used;
    let whole = used / STRIPES * STRIPES;
    for first in (0..whole).step_by(STRIPES) {
        for k in 0..Stripes::<V>::VECTORS {
            vector!(k, first + k * V::WIDTH);
        }
    }
    for k in 0..Stripes::<V>::VECTORS {
        if whole + k * V::WIDTH < used {
            vector!(k, whole + k * V::WIDTH);
        }
    }
    let mut products = [V::Float::default(); N];
    for r in 0..N {
        products[r] = sums[r].total();
    }
    products
}
