//! The state of a block of replicas between steps.

use super::Task;
use super::data::padded;
use crate::aligned::Aligned;
use crate::dynamics::stepper::Begin;
use crate::float::{Float, Precision};
use crate::model::{LinearPredictor, Scaling};

/// Steps between two looks at the exponents of parameters and at the sums of averages.
pub(super) const PERIOD: u64 = 64;

/// The state of a block of replicas; arrays hold the replicas side by side (entries x lanes), and each part of the
/// parameters is filled up with zeros to whole vectors.
///
/// A parameter is `mantissa * scale` with `scale = 2^(-B shifts)` and B = 256 (float64) or 32 (float32): a parameter
/// of size exp(-1000) is far below the smallest float64 number, but its mantissa is not.
#[derive(Clone)]
pub(crate) struct State<F: Float> {
    pub(super) step: u64,
    pub(super) replicas: Vec<u32>,
    pub(super) dim: usize,
    /// Entries of one part of the parameters, with its padding.
    pub(super) entries: usize,
    pub(super) mantissa: Aligned<F>,
    pub(super) scale: Aligned<F>,
    shifts: Vec<u32>,
    /// Whether any scale differs from one.
    pub(super) scaled: bool,
    pub(super) velocity: Aligned<F>,
    pub(super) beta: Aligned<F>,
    /// The coefficients' sums since the last look, and before it.
    pub(super) beta_sum: Aligned<F>,
    beta_total: Vec<f64>,
    averaged: u64,
    diverged: Vec<Option<u64>>,
    scaling: Scaling,
}

/// One replica of a block, as numbers.
pub(crate) struct Lane {
    /// Parameters (p); those below 1e-308 underflow here.
    pub(crate) theta: Vec<f64>,
    /// Natural logarithms of the absolute parameters (p), finite even where the parameter underflows.
    pub(crate) log_abs_theta: Vec<f64>,
    /// Coefficients (d).
    pub(crate) beta: Vec<f64>,
    /// The time average of the coefficients (d), once a step has been averaged.
    pub(crate) average: Option<Vec<f64>>,
    /// The step at which the replica diverged.
    pub(crate) diverged: Option<u64>,
}

/// Parameters below 2^-B are multiplied by 2^B, and the exponent is kept apart.
pub(super) const fn shift_bits(precision: Precision) -> i32 {
    match precision {
        Precision::F64 => 256,
        Precision::F32 => 32,
    }
}

impl<F: Float> State<F> {
    /// The starts of the lanes.
    pub(crate) fn new(task: &Task<'_>, begins: &[Begin], dim: usize, replicas: Vec<u32>) -> Self {
        let lanes = replicas.len();
        assert!(begins.len() == lanes, "every lane has a start");
        let entries = padded(dim * lanes);
        let rounded = |begin: &Begin| begin.theta.iter().map(|t| F::of(*t).into()).collect();
        let thetas: Vec<Vec<f64>> = begins.iter().map(rounded).collect();
        // Of the rounded parameters, as every later coefficient is.
        let model = LinearPredictor { link: task.link, dim };
        let betas: Vec<Vec<f64>> = thetas.iter().map(|theta| model.beta(theta)).collect();
        let side_by_side = |values: &[Vec<f64>], first: usize| {
            let mut array = Vec::with_capacity(entries);
            for k in first..first + dim {
                array.extend(values.iter().map(|of_lane| F::of(of_lane[k])));
            }
            array.resize(entries, F::default());
            array
        };
        let parts = (0..thetas[0].len()).step_by(dim);
        let mantissa: Vec<F> = parts.flat_map(|first| side_by_side(&thetas, first)).collect();
        let mantissa = Aligned::copy_of(&mantissa);
        let scaling = task.scaling();
        let scaled = if scaling == Scaling::Fixed { 0 } else { mantissa.len() };
        let averaged = if task.rule.average_from.is_some() { entries } else { 0 };
        Self {
            step: 0,
            dim,
            entries,
            scale: Aligned::copy_of(&vec![F::of(1.0); scaled]),
            shifts: vec![0; scaled],
            scaled: false,
            velocity: Aligned::zeros(if task.rule.dynamics.momentum > 0.0 { mantissa.len() } else { 0 }),
            beta_sum: Aligned::zeros(averaged),
            beta_total: vec![0.0; averaged],
            averaged: 0,
            diverged: vec![None; lanes],
            beta: Aligned::copy_of(&side_by_side(&betas, 0)),
            mantissa,
            replicas,
            scaling,
        }
    }

    /// The number of steps taken.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// Passes over steps that would change nothing: those of diverged replicas, and of converged ones.
    pub(crate) fn skip_to(&mut self, task: &Task<'_>, step: u64) {
        let averaged_from = task.rule.average_from.map_or(step, |from| from.max(self.step));
        let steps = step.saturating_sub(averaged_from);
        self.averaged += steps;
        for (total, beta) in self.beta_total.iter_mut().zip(self.beta.iter()) {
            *total += steps as f64 * (*beta).into();
        }
        self.step = step;
    }

    pub(super) fn lanes(&self) -> usize {
        self.replicas.len()
    }

    /// Whether the step that leads away from the current state is averaged, counting it if so.
    #[inline(always)]
    pub(super) fn count_average(&mut self, task: &Task<'_>) -> bool {
        let averaging = task.rule.average_from.is_some_and(|from| self.step >= from);
        self.averaged += u64::from(averaging);
        averaging
    }

    /// Whether every one of the first `replicas` lanes has diverged.
    pub(crate) fn all_diverged(&self, replicas: usize) -> bool {
        self.diverged[..replicas].iter().all(Option::is_some)
    }

    /// Whether the parameters are the same, to the bit.
    pub(crate) fn has_parameters_of(&self, other: &Self) -> bool {
        self.mantissa[..] == other.mantissa[..] && self.shifts == other.shifts
    }

    /// Marks a lane as diverged at the current step and stills it, so that its infinities stay out of the way.
    #[cold]
    #[inline(never)]
    pub(super) fn diverge(&mut self, lane: usize) {
        self.diverged[lane].get_or_insert(self.step);
        let lanes = self.lanes();
        for array in [&mut self.mantissa, &mut self.velocity, &mut self.beta, &mut self.beta_sum] {
            array[..].iter_mut().skip(lane).step_by(lanes).for_each(|v| *v = F::default());
        }
    }

    /// How many of the next steps are free of averages, exponents and tidying; the last of them may tidy up.
    pub(super) fn plain_steps(&self) -> u64 {
        if self.scaled || !self.velocity.is_empty() || !self.beta_sum.is_empty() {
            return 0;
        }
        PERIOD - self.step % PERIOD
    }

    /// Ends several plain steps.
    pub(super) fn end_steps(&mut self, steps: u64) {
        self.step += steps;
        if self.step.is_multiple_of(PERIOD) {
            self.tidy();
        }
    }

    /// Ends a step.
    #[inline(always)]
    pub(super) fn end_step(&mut self) {
        self.step += 1;
        if self.step.is_multiple_of(PERIOD) {
            self.tidy();
        }
    }

    /// What is done now and then: exponents, and sums of many small numbers.
    #[inline(never)]
    fn tidy(&mut self) {
        self.rescale();
        for (total, sum) in self.beta_total.iter_mut().zip(self.beta_sum.iter_mut()) {
            *total += (*sum).into();
            *sum = F::default();
        }
    }

    /// Moves small parameters up, and those that have grown back down, by whole powers of two: exact.
    fn rescale(&mut self) {
        let entries = self.entries;
        let down = F::of((-f64::from(shift_bits(F::PRECISION))).exp2());
        let mut any_small = self.scaled;
        for m in self.mantissa.iter() {
            any_small |= m.abs() < down && *m != F::default();
        }
        if !any_small {
            return;
        }
        match self.scaling {
            Scaling::Fixed => return,
            Scaling::Separate => (0..self.mantissa.len()).for_each(|k| self.rescale_group(&[k])),
            Scaling::Joint => (0..entries).for_each(|k| self.rescale_group(&[k, k + entries])),
        }
        self.scaled = self.shifts.iter().any(|shifts| *shifts > 0);
    }

    #[inline(always)]
    fn rescale_group(&mut self, group: &[usize]) {
        let bits = shift_bits(F::PRECISION);
        let up = F::of(f64::from(bits).exp2());
        let down = F::of((-f64::from(bits)).exp2());
        let mut size = F::default();
        for k in group {
            let entry = self.mantissa[*k].abs();
            size = if entry > size { entry } else { size };
        }
        let shifts = self.shifts[group[0]];
        let (factor, shifts) = if size < down && size > F::default() {
            (up, shifts + 1)
        } else if size >= F::of(1.0) && shifts > 0 {
            (down, shifts - 1)
        } else {
            return;
        };
        for k in group {
            self.mantissa[*k] *= factor;
            if let Some(velocity) = self.velocity.get_mut(*k) {
                *velocity *= factor;
            }
            self.shifts[*k] = shifts;
            // From the second shift on, coefficients (of degree two) are below the smallest number: exactly zero
            // keeps them out of the processor's slow range just above it.
            self.scale[*k] = match shifts {
                0 => F::of(1.0),
                1 => down,
                _ => F::default(),
            };
        }
    }

    /// The replica in one lane.
    pub(crate) fn lane(&self, lane: usize) -> Lane {
        let (lanes, used) = (self.lanes(), self.dim * self.lanes());
        let of = |array: &[F]| -> Vec<f64> {
            array[..used].iter().skip(lane).step_by(lanes).map(|v| (*v).into()).collect()
        };
        let mantissa: Vec<f64> = self.mantissa.chunks(self.entries).flat_map(of).collect();
        let bits = f64::from(shift_bits(F::PRECISION));
        let exponent = |k: usize| {
            let place = k / self.dim * self.entries + k % self.dim * lanes + lane;
            f64::from(self.shifts.get(place).copied().unwrap_or(0)) * bits
        };
        let diverged = self.diverged[lane];
        let valid = |values: Vec<f64>| if diverged.is_some() { vec![f64::NAN; values.len()] } else { values };
        let average = || {
            let totals = self.beta_total.iter().skip(lane).step_by(lanes);
            let sums = of(&self.beta_sum);
            sums.iter().zip(totals).map(|(sum, total)| (total + sum) / self.averaged as f64).collect()
        };
        Lane {
            theta: valid(mantissa.iter().enumerate().map(|(k, m)| m * (-exponent(k)).exp2()).collect()),
            log_abs_theta: valid(
                mantissa
                    .iter()
                    .enumerate()
                    .map(|(k, m)| m.abs().ln() - exponent(k) * std::f64::consts::LN_2)
                    .collect(),
            ),
            beta: valid(of(&self.beta)),
            average: (self.averaged > 0).then(|| valid(average())),
            diverged,
        }
    }
}
