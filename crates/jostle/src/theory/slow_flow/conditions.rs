//! What of a configuration the flow depends on, and which configurations it describes.

use crate::dynamics::{Dynamics, GradientDescent};
use crate::ensemble::Cell;
use crate::model::{LinkKind, Power};
use crate::noise::{AnySampleNoise, Noise, Point};
use crate::problem::Problem;
use crate::theory::TheoryError;
use crate::theory::label_noise::{label_variances, rate};

/// What the flow depends on, beside the data and the start.
pub(super) struct Conditions {
    /// Stretches of constant step size.
    pub(super) segments: Vec<Segment>,
    /// The variance `q_i` (n) of the labels in a step, in the units of one perturbed label a step.
    pub(super) label_variance: Vec<f64>,
    /// `p = 1/B'` for mini-batches of the effective size `B'`, 0 for the full batch.
    pub(super) sampling: f64,
    /// Heavy-ball coefficient `b`.
    pub(super) momentum: f64,
}

/// A stretch of constant step size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Segment {
    /// Its first step.
    pub(super) start: u64,
    /// The step at which it ends.
    pub(super) end: u64,
    /// `rate = m eta / (1 - b)`.
    pub(super) rate: f64,
}

impl Segment {
    /// The time that has passed at a step since the segment began.
    pub(super) fn time(&self, step: u64) -> f64 {
        self.rate * (step - self.start) as f64
    }
}

impl Conditions {
    /// The conditions of a cell on one of its data sets.
    ///
    /// # Errors
    /// As [`check`].
    pub(super) fn new(cell: &Cell, problem: &Problem) -> Result<Self, TheoryError> {
        check(cell)?;
        let dynamics = descent(cell)?;
        let (n, loss_factor) = (problem.samples(), cell.model.loss_factor);
        let theta = vec![0.0; cell.model.link.parts() * problem.dim()];
        let residuals = vec![0.0; n];
        let point = Point {
            problem,
            model: cell.model.link.model(),
            theta: &theta,
            residuals: &residuals,
            loss_factor,
            batch: dynamics.batch.size(n),
        };
        let mut label_variance = vec![0.0; n];
        for noise in cell.noises.iter().filter_map(label_type) {
            let variances = label_variances(&noise.covariance(&point), loss_factor);
            label_variance.iter_mut().zip(variances).for_each(|(q, v)| *q += v);
        }
        let sampling = dynamics.effective_batch(n).recip();
        let segments = segments(dynamics, |step| rate(&cell.model, dynamics, step))?;
        Ok(Self { segments, label_variance, sampling, momentum: dynamics.momentum })
    }

    /// `rate (1 - b)/(1 + b)`, the size of a step as far as it makes a difference to the limit of small steps.
    pub(super) fn step_size(&self, rate: f64) -> f64 {
        rate * (1.0 - self.momentum) / (1.0 + self.momentum)
    }
}

/// Whether the flow describes a cell.
///
/// # Errors
/// Dynamics, a model or a noise that it does not describe.
pub(super) fn check(cell: &Cell) -> Result<(), TheoryError> {
    descent(cell)?;
    if !matches!(
        cell.model.link,
        LinkKind::Square(_) | LinkKind::Power(Power { depth: 2 }) | LinkKind::Product(_)
    ) {
        return Err(TheoryError::Model { theorem: "the slow flow", model: format!("{:?}", cell.model.link) });
    }
    match cell.noises.iter().position(|noise| label_type(noise).is_none()) {
        Some(index) => Err(TheoryError::Noise { theorem: "the slow flow", index }),
        None => Ok(()),
    }
}

/// Perturbations of sample weights that do not depend on the point are those of labels.
fn label_type(noise: &Noise) -> Option<&dyn AnySampleNoise> {
    match noise {
        Noise::Sample(noise) if !noise.reads_residuals() => Some(noise.as_ref()),
        _ => None,
    }
}

fn descent(cell: &Cell) -> Result<&GradientDescent, TheoryError> {
    match &cell.dynamics {
        Dynamics::GradientDescent(dynamics) => Ok(dynamics),
        Dynamics::Flow(_) => Err(TheoryError::ContinuousTime { theorem: "the slow flow" }),
    }
}

fn segments(
    dynamics: &GradientDescent,
    rate: impl Fn(u64) -> Result<f64, TheoryError>,
) -> Result<Vec<Segment>, TheoryError> {
    let (mut found, mut start) = (Vec::new(), 0);
    while start < dynamics.steps {
        let end = dynamics.learning_rate.next_change(start).unwrap_or(u64::MAX).min(dynamics.steps);
        found.push(Segment { start, end, rate: rate(start)? });
        start = end;
    }
    Ok(found)
}
