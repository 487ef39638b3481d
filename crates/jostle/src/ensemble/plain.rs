//! A replica of an ensemble computed plainly, as a check of the kernels that ensembles run on.

use super::Ensemble;
use crate::dynamics::Dynamics;
use crate::dynamics::kernel::plain::Reference;
use crate::dynamics::kernel::{Rule, Task, divergence_limit, exceeds};
use crate::float::{Float, Precision};
use crate::model::{LinkKind, predict};
use crate::simd::Level;

/// Where a replica is, computed one number at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain {
    /// The parameters (p); NaN if it diverged.
    pub theta: Vec<f64>,
    /// Natural logarithms of the absolute parameters (p); NaN if it diverged.
    pub log_abs_theta: Vec<f64>,
    /// The coefficients (d); NaN if it diverged.
    pub beta: Vec<f64>,
    /// The time average of the coefficients (d), where one was asked for; NaN if it diverged.
    pub average: Option<Vec<f64>>,
    /// The step at which it diverged.
    pub diverged: Option<u64>,
}

/// A replica of an ensemble after `until` steps, computed one number at a time: slowly, and with the same bits as on every kernel.
/// None for networks, linearisations and flows, and for dynamics that take the general path, which have no such form.
pub fn run_plainly(ensemble: &Ensemble, replica: u32, until: u64) -> Option<Plain> {
    let is_fused = !ensemble.process.start.linearise && ensemble.process.beyond_fused().is_none();
    let link = ensemble.process.model.link().filter(|_| is_fused)?;
    match ensemble.protocol.precision {
        Precision::F64 => run_in::<f64>(ensemble, link, replica, until),
        Precision::F32 => run_in::<f32>(ensemble, link, replica, until),
    }
}

fn run_in<F: Float>(ensemble: &Ensemble, link: LinkKind, replica: u32, until: u64) -> Option<Plain> {
    let Dynamics::GradientDescent(dynamics) = &ensemble.process.dynamics else { return None };
    let (problem, level) = (ensemble.process.source.problem(replica), Level::Portable);
    let first = if ensemble.process.begins_together() { 0 } else { replica };
    let begin = ensemble.perturbed(&ensemble.begin(&problem, first, level, &())?, replica, level);
    let dynamics = dynamics.in_units(begin.unit);
    let rule = Rule {
        loss: ensemble.process.model.loss,
        loss_factor: ensemble.process.model.loss_factor,
        dynamics: &dynamics,
        noises: &ensemble.process.noises,
        average_from: ensemble.protocol.average_from,
        seed: ensemble.protocol.seed,
        level,
    };
    let task = Task { link, rule };
    let mut reference = Reference::<F>::new(&task, &problem, replica, &begin.theta);
    let recorded = ensemble.protocol.recording.steps(ensemble.process.dynamics.steps());
    loop {
        // At recorded steps the residuals of all samples are looked at.
        if reference.diverged.is_none() && recorded.binary_search(&reference.step).is_ok() {
            let beta: Vec<f64> = reference.beta.iter().map(|b| (*b).into()).collect();
            let limit = divergence_limit(&problem);
            let residuals = predict(problem.x(), &beta).into_iter().zip(problem.y()).map(|(f, y)| f - y);
            if residuals.into_iter().any(|r| exceeds(r * r, limit)) {
                reference.diverged = Some(reference.step);
            }
        }
        if reference.step == until {
            break;
        }
        reference.advance();
    }
    let valid = |values: Vec<f64>| {
        if reference.diverged.is_some() { vec![f64::NAN; values.len()] } else { values }
    };
    Some(Plain {
        theta: valid(reference.parameters()),
        log_abs_theta: valid(reference.log_abs_parameters()),
        beta: valid(reference.beta.iter().map(|b| (*b).into()).collect()),
        average: reference.average().map(valid),
        diverged: reference.diverged,
    })
}
