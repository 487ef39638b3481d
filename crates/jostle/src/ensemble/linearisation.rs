//! The linearisation of a model at a point, as an ordinary linear model with the same kernel.
//!
//! Near `theta_0` the residuals are `r_0 + J (theta - theta_0)`, and all that gradients, batches and noises in sample space
//! do to them depends on the kernel `K = J J'` alone. With any `n x n` matrix `A` such that `A A' = K`, the linear model
//! of `n` parameters on the inputs `A` and the labels `-r_0` has the same residuals, step for step, whatever the number of
//! parameters of the model was.

use super::unit::{Shared, Work};
use super::{Cell, Monitor, Origin, Source, Start, UnitResult};
use crate::dynamics::Dynamics;
use crate::linear_algebra::{products_of_rows, symmetric_eigen};
use crate::model::{LinkKind, ModelSpec, Unit as Linear};
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
        let (model, n) = (self.model.model(), problem.samples());
        let jacobian = model.jacobian(&begin.theta, &problem, 1.0);
        let predictions = model.predict(&begin.theta, problem.x(), problem.dim());
        let labels: Vec<f64> = predictions.iter().zip(problem.y()).map(|(f, y)| y - f).collect();
        let linear = factor(&jacobian, n)
            .and_then(|inputs| Problem::new(inputs, labels, None).ok())
            // A start that is not finite: every replica diverges at once, and nothing else comes of it.
            .unwrap_or_else(|| Problem::of(vec![f64::NAN; n * n], vec![f64::NAN; n], n, 1));
        let dynamics = match &self.dynamics {
            Dynamics::GradientDescent(dynamics) => dynamics.in_units(begin.unit).into(),
            Dynamics::Flow(flow) => flow.clone().into(),
        };
        let spec = ModelSpec::new(LinkKind::Unit(Linear), 0.0);
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

/// `V diag(sqrt(lambda))` (n x n) with `J J' = V diag(lambda) V'`: its rows are the samples in the coordinates of the
/// eigenvectors of `J' J`; none if it is not finite.
fn factor(jacobian: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut kernel = vec![0.0; n * n];
    products_of_rows(jacobian, jacobian, jacobian.len() / n, &mut kernel);
    if kernel.iter().any(|k| !k.is_finite()) {
        return None;
    }
    let (values, vectors) = symmetric_eigen(&kernel, n)?;
    let entry = |k: usize| values[k % n].max(0.0).sqrt() * vectors[k % n * n + k / n];
    Some((0..n * n).map(entry).collect())
}
