//! The state of a block of replicas between steps.

use super::{Task, padded};
use crate::model::Scaling;

/// Parameters below 2^-256 are multiplied by 2^256, and the exponent is kept apart.
const SHIFT: f64 = 1.157920892373162e77;
const SHIFT_BITS: f64 = 256.0;
/// Steps between two looks at the exponents.
pub(super) const SCALING_PERIOD: u64 = 64;

/// The state of a block of replicas; arrays hold the replicas side by side (entries x lanes).
///
/// A parameter is `mantissa * scale` with `scale = 2^(-256 shifts)`: a parameter of size exp(-1000) is far below the
/// smallest float64 number, but its mantissa is not.
pub(crate) struct State {
    pub(super) step: u64,
    pub(super) replicas: Vec<u32>,
    pub(super) dim: usize,
    pub(super) mantissa: Vec<f64>,
    pub(super) scale: Vec<f64>,
    shifts: Vec<u32>,
    pub(super) velocity: Vec<f64>,
    pub(super) beta: Vec<f64>,
    pub(super) beta_sum: Vec<f64>,
    averaged: u64,
    diverged: Vec<Option<u64>>,
    pub(super) scaling: Scaling,
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

impl State {
    /// The start `theta` (p) for every lane. `beta` is filled up with zeros for kernels that read whole vectors.
    pub(crate) fn new(task: &Task<'_>, theta: &[f64], dim: usize, replicas: Vec<u32>) -> Self {
        let lanes = replicas.len();
        let mut beta = vec![0.0; dim];
        task.link.model().coefficients(theta, &mut beta);
        let spread = |values: &[f64]| values.iter().flat_map(|v| std::iter::repeat_n(*v, lanes)).collect();
        let mantissa: Vec<f64> = spread(theta);
        let mut beta: Vec<f64> = spread(&beta);
        beta.resize(padded(dim * lanes), 0.0);
        let scaling = task.scaling();
        let scaled = if scaling == Scaling::Fixed { 0 } else { mantissa.len() };
        Self {
            step: 0,
            dim,
            scale: vec![1.0; scaled],
            shifts: vec![0; scaled],
            velocity: vec![0.0; if task.dynamics.momentum > 0.0 { mantissa.len() } else { 0 }],
            beta_sum: vec![0.0; if task.average_from.is_some() { dim * lanes } else { 0 }],
            averaged: 0,
            diverged: vec![None; lanes],
            mantissa,
            beta,
            replicas,
            scaling,
        }
    }

    /// The number of steps taken.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// Passes over steps that would change nothing, because every replica has diverged.
    pub(crate) fn skip_to(&mut self, task: &Task<'_>, step: u64) {
        let averaged_from = task.average_from.map_or(step, |from| from.max(self.step));
        self.averaged += step.saturating_sub(averaged_from);
        self.step = step;
    }

    pub(super) fn lanes(&self) -> usize {
        self.replicas.len()
    }

    /// Whether the step that leads away from the current state is averaged, counting it if so.
    pub(super) fn count_average(&mut self, task: &Task<'_>) -> bool {
        let averaging = task.average_from.is_some_and(|from| self.step >= from);
        self.averaged += u64::from(averaging);
        averaging
    }

    /// Whether every one of the first `replicas` lanes has diverged.
    pub(crate) fn all_diverged(&self, replicas: usize) -> bool {
        self.diverged[..replicas].iter().all(Option::is_some)
    }

    /// Marks a lane as diverged at the current step and stills it, so that its infinities stay out of the way.
    #[cold]
    pub(super) fn diverge(&mut self, lane: usize) {
        self.diverged[lane].get_or_insert(self.step);
        let lanes = self.lanes();
        for array in [&mut self.mantissa, &mut self.velocity, &mut self.beta, &mut self.beta_sum] {
            array[..].iter_mut().skip(lane).step_by(lanes).for_each(|v| *v = 0.0);
        }
    }

    /// Moves small parameters up, and those that have grown back down, by whole powers of two: exact.
    pub(super) fn rescale(&mut self) {
        let entries = self.dim * self.lanes();
        match self.scaling {
            Scaling::Fixed => {}
            Scaling::Separate => (0..self.mantissa.len()).for_each(|k| self.rescale_group(&[k])),
            Scaling::Joint => (0..entries).for_each(|k| self.rescale_group(&[k, k + entries])),
        }
    }

    fn rescale_group(&mut self, group: &[usize]) {
        let size = group.iter().fold(0.0f64, |max, k| max.max(self.mantissa[*k].abs()));
        let (factor, shifts) = if size < 1.0 / SHIFT && size > 0.0 {
            (SHIFT, self.shifts[group[0]] + 1)
        } else if size >= 1.0 && self.shifts[group[0]] > 0 {
            (1.0 / SHIFT, self.shifts[group[0]] - 1)
        } else {
            return;
        };
        for k in group {
            self.mantissa[*k] *= factor;
            if let Some(velocity) = self.velocity.get_mut(*k) {
                *velocity *= factor;
            }
            self.shifts[*k] = shifts;
            self.scale[*k] = (-SHIFT_BITS * f64::from(shifts)).exp2();
        }
    }

    /// The replica in one lane.
    pub(crate) fn lane(&self, lane: usize) -> Lane {
        let lanes = self.lanes();
        let of = |array: &[f64]| -> Vec<f64> { array.iter().skip(lane).step_by(lanes).copied().collect() };
        let mantissa = of(&self.mantissa);
        let shifts: Vec<u32> = self.shifts.iter().skip(lane).step_by(lanes).copied().collect();
        let shift = |k: usize| f64::from(shifts.get(k).copied().unwrap_or(0)) * SHIFT_BITS;
        let diverged = self.diverged[lane];
        let valid = |values: Vec<f64>| if diverged.is_some() { vec![f64::NAN; values.len()] } else { values };
        Lane {
            theta: valid(mantissa.iter().enumerate().map(|(k, m)| m * (-shift(k)).exp2()).collect()),
            log_abs_theta: valid(
                mantissa
                    .iter()
                    .enumerate()
                    .map(|(k, m)| m.abs().ln() - shift(k) * std::f64::consts::LN_2)
                    .collect(),
            ),
            beta: valid(of(&self.beta[..self.dim * lanes])),
            average: (self.averaged > 0)
                .then(|| valid(of(&self.beta_sum).iter().map(|sum| sum / self.averaged as f64).collect())),
            diverged,
        }
    }
}
