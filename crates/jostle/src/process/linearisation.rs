//! The linearisation of a model at a point, as an ordinary linear model with the same kernel.
//!
//! Near `theta_0` the residuals are `r_0 + J (theta - theta_0)`, and all that gradients, batches and noises in sample space
//! do to them depends on the kernel `K = J J'` alone. With any `nc x nc` matrix `A` such that `A A' = K`, the linear model
//! of `nc` parameters on the inputs `A` and the labels `-r_0` has the same residuals, step for step, whatever the number of
//! parameters of the model was.

use super::{Origin, Process, Source, Start};
use crate::dynamics::Dynamics;
use crate::geometry::{KernelSource, Watched, kernel_of_model};
use crate::interruption::unless_stopped;
use crate::linear_algebra::symmetric_eigen;
use crate::model::{LinkKind, Loss, ModelSpec, SharedLinear, Unit};
use crate::problem::Problem;
use crate::watch::Watch;
use std::sync::Arc;

impl Process {
    /// The linear process that stands for this one near the point `theta` (p), where a step size counts `unit`; `None` if
    /// the watch asked to stop.
    pub(crate) fn linearised_at(
        &self,
        theta: &[f64],
        unit: f64,
        problem: &Problem,
        watch: &dyn Watch,
    ) -> Option<Self> {
        let (n, c) = (problem.samples(), problem.outputs());
        let rows = n * c;
        let linear = linear_problem(&self.model, theta, problem, watch)?;
        let dynamics = match &self.dynamics {
            Dynamics::GradientDescent(dynamics) => dynamics.in_units(unit).into(),
            Dynamics::Flow(flow) => flow.clone().into(),
        };
        let spec = match c {
            1 => ModelSpec::new(LinkKind::Unit(Unit), 0.0),
            outputs => ModelSpec::of_network(Arc::new(SharedLinear { params: rows, outputs }), 0),
        };
        Some(Self {
            source: Source::Shared(Arc::new(linear)),
            model: ModelSpec { loss_factor: self.model.loss_factor, ..spec },
            start: Start { origin: Origin::Init, linearise: false, ..self.start },
            dynamics,
            noises: self.noises.clone(),
        })
    }
}

/// The inputs `A = V diag(sqrt(lambda))` (nc x nc) with `J J' = V diag(lambda) V'`, the rows of a sample's outputs side by
/// side, and the labels `-r_0`; all NaN if the point is not finite, and none if the watch asked to stop. `A` holds the rows of `J` in the coordinates of the
/// eigenvectors of `J' J`.
fn linear_problem(model: &ModelSpec, theta: &[f64], problem: &Problem, watch: &dyn Watch) -> Option<Problem> {
    let (n, outputs) = (problem.samples(), problem.outputs());
    let rows = n * outputs;
    // With this loss factor residuals and kernel are as they are.
    let plain = (Loss::Square, 0.5);
    // Every replica diverges at once, and nothing else comes of it.
    let void = || Problem::of(vec![f64::NAN; rows * rows], vec![f64::NAN; rows], outputs * rows, outputs);
    let Ok((source, residuals)) = kernel_of_model(&*model.model(problem.dim()), plain, theta, problem, watch)
    else {
        return (!watch.should_stop()).then(void);
    };
    let mut kernel = vec![0.0; rows * rows];
    let source = Watched::new(source, watch);
    let exponent = source.exponent();
    source.block(0..n, 0..n, &mut kernel);
    let work = (rows as f64).powi(3);
    let linear = unless_stopped(work, &|| watch.should_stop(), move || {
        // Arrays near the ends of the range are in units of their own.
        for entry in kernel.iter_mut().filter(|_| exponent != 0) {
            *entry = libm::scalbn(*entry, exponent);
        }
        let (values, vectors) = symmetric_eigen(&kernel, rows)?;
        let entry = |k: usize| values[k % rows].max(0.0).sqrt() * vectors[k % rows * rows + k / rows];
        let inputs = (0..rows * rows).map(entry).collect();
        Problem::with_outputs(inputs, residuals.iter().map(|r| -r).collect(), outputs).ok()
    });
    Some(linear?.unwrap_or_else(void))
}
