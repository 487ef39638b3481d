//! What of a configuration the flow depends on, and which configurations it describes.

use super::start::Parametrisation;
use crate::dynamics::{Dynamics, Flow, GradientDescent, RateUnit, Schedule};
use crate::model::ModelSpec;
use crate::noise::{Needs, Noise, Point, SampleNoise};
use crate::problem::Problem;
use crate::process::Process;
use crate::theory::TheoryError;
use crate::theory::described;
use crate::theory::label_noise::{label_variances, rate};
use crate::theory::stationary::SecondOrder;

/// Steps, in units of `b/(1 - b)`, in which momentum forgets where it came from.
const FORGOTTEN: f64 = 16.0;

/// What the flow depends on, beside the data and the start.
pub(super) struct Conditions {
    /// The parametrisation.
    pub(super) link: Parametrisation,
    /// Stretches of constant step size.
    pub(super) segments: Vec<Segment>,
    /// The variance `q_i` (n) of the labels in a step, in the units of one perturbed label a step.
    pub(super) label_variance: Vec<f64>,
    /// `p = 1/B'` for mini-batches of the effective size `B'`, 0 for the full batch.
    pub(super) sampling: f64,
    /// Heavy-ball coefficient `b`; none in continuous time, where steps have no size.
    pub(super) momentum: Option<f64>,
    /// What steps of a size and momentum add to the relaxation of fluctuations.
    pub(super) second_order: SecondOrder,
}

/// A stretch of constant step size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Segment {
    /// Its first step.
    pub(super) start: u64,
    /// The step at which it ends.
    pub(super) end: u64,
    /// The time that a step takes.
    pub(super) time: f64,
    /// `rate = m eta / (1 - b)`, the strength of the noise: in discrete time the same.
    pub(super) rate: f64,
}

impl Segment {
    /// The time that has passed at a step since the segment began.
    pub(super) fn time(&self, step: u64) -> f64 {
        self.time * (step - self.start) as f64
    }
}

impl Conditions {
    /// The conditions of a process on one of its data sets.
    ///
    /// # Errors
    /// As [`check`].
    pub(super) fn new(process: &Process, problem: &Problem) -> Result<Self, TheoryError> {
        let link = check(process)?;
        let (n, loss_factor) = (problem.samples(), process.model.loss_factor);
        let theta = vec![0.0; link.parts() * problem.dim()];
        let residuals = vec![0.0; n];
        let model = process.model.model(problem.dim());
        let point = Point {
            problem,
            model: &*model,
            theta: &theta,
            residuals: &residuals,
            loss_factor,
            batch: process.dynamics.batch_size(n),
            replacement: process.dynamics.draws_with_replacement(),
            step: 0,
        };
        let mut label_variance = vec![0.0; n];
        for noise in process.noises.iter().filter_map(label_type) {
            let variances = label_variances(&noise.covariance(&point), loss_factor);
            label_variance.iter_mut().zip(variances).for_each(|(q, v)| *q += v);
        }
        let sampling = process.dynamics.effective_batch(n).recip();
        let (segments, momentum) = match &process.dynamics {
            Dynamics::GradientDescent(dynamics) => {
                (of_descent(&process.model, dynamics)?, Some(dynamics.momentum))
            }
            Dynamics::Flow(flow) => (of_flow(&process.model, flow), None),
        };
        let second_order = SecondOrder::of(&process.dynamics);
        Ok(Self { link, segments, label_variance, sampling, momentum, second_order })
    }

    /// `rate (1 - b)/(1 + b)`, the size of a step as far as fluctuations are concerned; 0 in continuous time.
    pub(super) fn step_size(&self, rate: f64) -> f64 {
        self.momentum.map_or(0.0, |b| rate * (1.0 - b) / (1.0 + b))
    }

    /// `rate (1 + b)/(1 - b)`, the size of a step as far as the mean is concerned; 0 in continuous time. The mean is
    /// behind the flow by half of it.
    pub(super) fn smooth_step_size(&self, rate: f64) -> f64 {
        self.momentum.map_or(0.0, |b| rate * (1.0 + b) / (1.0 - b))
    }

    /// Steps in which momentum forgets where it came from: what oscillates has decayed by `exp(-8)`.
    pub(super) fn forgotten(&self) -> f64 {
        Self::forgotten_with(self.momentum.unwrap_or(0.0))
    }

    /// The same with the momentum `b`.
    pub(super) fn forgotten_with(b: f64) -> f64 {
        FORGOTTEN * b / (1.0 - b)
    }

    /// The share of a sample's residual in the noise that makes it, for each unit of `K_ii`: `p rate`; 0 in continuous
    /// time.
    pub(super) fn feedback(&self, rate: f64) -> f64 {
        self.momentum.map_or(0.0, |_| self.sampling * rate)
    }
}

/// The parametrisation of a process that the flow describes.
///
/// # Errors
/// A model or a noise that it does not describe.
pub(super) fn check(process: &Process) -> Result<Parametrisation, TheoryError> {
    let Some(link) = process.model.link().and_then(Parametrisation::of) else {
        return Err(TheoryError::Model { theorem: "the slow flow", model: process.model.form.to_string() });
    };
    described::check("the slow flow", &process.dynamics)?;
    if !process.start.is_init() || process.dynamics.unit() != RateUnit::One {
        return Err(TheoryError::Start { theorem: "the slow flow" });
    }
    match process.noises.iter().position(|noise| label_type(noise).is_none()) {
        Some(index) => Err(TheoryError::Noise { theorem: "the slow flow", index }),
        None => Ok(link),
    }
}

/// Perturbations of sample weights that do not depend on the point are those of labels.
fn label_type(noise: &Noise) -> Option<&dyn SampleNoise> {
    match noise {
        Noise::Sample(noise) if !noise.needs().contains(Needs::RESIDUALS) => Some(noise.as_ref()),
        _ => None,
    }
}

fn of_descent(model: &ModelSpec, dynamics: &GradientDescent) -> Result<Vec<Segment>, TheoryError> {
    let of = |(start, end)| {
        let rate = rate(model, dynamics, start)?;
        Ok(Segment { start, end, time: rate, rate })
    };
    stretches(Some(&dynamics.learning_rate), dynamics.steps).map(of).collect()
}

fn of_flow(model: &ModelSpec, flow: &Flow) -> Vec<Segment> {
    let multiple = model.rate().unwrap_or(0.0);
    let learning_rate = flow.learning_rate.as_ref();
    let of = |(start, end)| {
        let rate = learning_rate.map_or(0.0, |schedule| multiple * schedule.at(start));
        Segment { start, end, time: multiple * flow.time_step, rate }
    };
    stretches(learning_rate, flow.steps).map(of).collect()
}

/// The steps at which stretches of constant step size begin and end.
fn stretches(schedule: Option<&Schedule>, steps: u64) -> impl Iterator<Item = (u64, u64)> + use<'_> {
    let next = move |start: u64| schedule.and_then(|s| s.next_change(start)).unwrap_or(u64::MAX).min(steps);
    let starts = std::iter::successors(Some(0), move |start| Some(next(*start)));
    starts.take_while(move |start| *start < steps).map(move |start| (start, next(start)))
}
