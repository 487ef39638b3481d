//! The linearisation of a model at a point, as an ordinary linear model with the same kernel.
//!
//! Near `theta_0` the residuals are `r_0 + J (theta - theta_0)`, and all that gradients, batches and noises in sample space
//! do to them depends on the kernel `K = J J'` alone. With any `nc x nc` matrix `A` such that `A A' = K`, the linear model
//! of `nc` parameters on the inputs `A` and the labels `-r_0` has the same residuals, step for step, whatever the number of
//! parameters of the model was.

use super::unit::{Shared, Work};
use super::{Cell, Monitor, Origin, Source, Start, UnitResult};
use crate::dynamics::Dynamics;
use crate::geometry::kernel_of_model;
use crate::linear_algebra::symmetric_eigen;
use crate::model::{LinkKind, Loss, ModelSpec, SharedLinear, Unit as Linear};
use crate::problem::Problem;
use crate::simd::Level;
use std::sync::Arc;

/// A cell of the linear model that stands for another cell.
pub(super) struct Linearisation {
    cell: Cell,
    shared: Shared,
}

impl Linearisation {
    /// Runs a unit of the cell that it stands for.
    pub(super) fn run(&self, work: Work<'_>) -> Option<UnitResult> {
        Work { cell: &self.cell, shared: &self.shared, ..work }.run_prepared()
    }
}

impl Cell {
    /// The linearisation at the start; `None` if the monitor asked to stop.
    pub(super) fn linearised(&self, level: Level, monitor: &dyn Monitor) -> Option<Linearisation> {
        let problem = self.source.problem(0);
        let begin = self.begin(&problem, 0, level, monitor)?;
        let (n, c) = (problem.samples(), problem.outputs());
        let rows = n * c;
        let linear = linear_problem(&self.model, &begin.theta, &problem)
            // A start that is not finite: every replica diverges at once, and nothing else comes of it.
            .unwrap_or_else(|| Problem::of(vec![f64::NAN; rows * rows], vec![f64::NAN; rows], c * rows, c));
        let dynamics = match &self.dynamics {
            Dynamics::GradientDescent(dynamics) => dynamics.in_units(begin.unit).into(),
            Dynamics::Flow(flow) => flow.clone().into(),
        };
        let spec = match c {
            1 => ModelSpec::new(LinkKind::Unit(Linear), 0.0),
            outputs => ModelSpec::of_network(Arc::new(SharedLinear { params: rows, outputs }), 0),
        };
        let cell = Cell {
            source: Source::Shared(Arc::new(linear)),
            model: ModelSpec { loss_factor: self.model.loss_factor, ..spec },
            dynamics,
            start: Start { origin: Origin::Init, linearise: false, ..self.start },
            ..self.clone()
        };
        Some(Linearisation { cell, shared: Shared::default() })
    }
}

/// The inputs `A = V diag(sqrt(lambda))` (nc x nc) with `J J' = V diag(lambda) V'`, the rows of a sample's outputs side by
/// side, and the labels `-r_0`; none if the point is not finite. `A` holds the rows of `J` in the coordinates of the
/// eigenvectors of `J' J`.
fn linear_problem(model: &ModelSpec, theta: &[f64], problem: &Problem) -> Option<Problem> {
    // With this loss factor residuals and kernel are as they are.
    let plain = (Loss::Square, 0.5);
    let (source, residuals) = kernel_of_model(model.model(), plain, theta, problem).ok()?;
    let (n, rows) = (problem.samples(), residuals.len());
    let mut kernel = vec![0.0; rows * rows];
    source.block(0..n, 0..n, &mut kernel);
    let (values, vectors) = symmetric_eigen(&kernel, rows)?;
    let entry = |k: usize| values[k % rows].max(0.0).sqrt() * vectors[k % rows * rows + k / rows];
    let inputs = (0..rows * rows).map(entry).collect();
    Problem::with_outputs(inputs, residuals.iter().map(|r| -r).collect(), problem.outputs()).ok()
}
