//! Finding the point at which replicas begin, and the unit of their step size there.

use super::Ensemble;
use super::cost::WORK_BETWEEN_CALLS;
use crate::dynamics::kernel::passes::Training;
use crate::dynamics::kernel::{Data, Kernel, Rule, Task};
use crate::dynamics::stepper::{Begin, Descent, Stepper};
use crate::dynamics::{Dynamics, GradientDescent, RateUnit};
use crate::geometry::{Batches, Curvature, Threshold, Watched, kernel_of_model};
use crate::model::Form;
use crate::problem::Problem;
use crate::process::{Origin, Source};
use crate::random::{Draws, Purpose};
use crate::simd::Level;
use crate::watch::Watch;
use std::sync::Arc;

/// Steps of gradient descent between two looks at the loss.
const STRIDE: u64 = 200;

impl Ensemble {
    /// Whether something long has to be done once before the units.
    pub(super) fn needs_preparation(&self) -> bool {
        let is_long = matches!(self.process.start.origin, Origin::Minimum { .. })
            || self.process.dynamics.unit() != RateUnit::One;
        self.process.start.linearise
            || (is_long && self.process.begins_together() && matches!(self.process.source, Source::Shared(_)))
    }

    /// Where a replica begins, without its perturbation; `None` if the watch asked to stop.
    pub(super) fn begin(
        &self,
        problem: &Problem,
        replica: u32,
        level: Level,
        watch: &dyn Watch,
    ) -> Option<Begin> {
        let init = || self.process.model.initial(problem.dim(), replica);
        let theta: Arc<[f64]> = match &self.process.start.origin {
            Origin::Init => init().into(),
            Origin::Points(points) => Arc::clone(&points[replica as usize % points.len()]),
            Origin::Minimum { learning_rate, unit, steps, loss } => {
                let init = init();
                let all = Batches::without_replacement(problem.samples());
                let unit = self.rate_unit(*unit, all, problem, &init, watch)?;
                let begin = Begin::everywhere(&init, 1);
                let dynamics = GradientDescent::new(*steps, learning_rate * unit);
                let rule = Rule {
                    loss: self.process.model.loss,
                    loss_factor: self.process.model.loss_factor,
                    dynamics: &dynamics,
                    noises: &[],
                    average_from: None,
                    seed: 0,
                    level,
                };
                let data = Data::<f64>::new(problem);
                let to = (*loss, watch);
                match &self.process.model.form {
                    Form::Link { link, .. } => {
                        let task = Task { link: *link, rule };
                        let stepper = Descent { task: &task, data: &data, kernel: Kernel::Single };
                        descend(self, problem, &stepper, &begin, *steps, to)?
                    }
                    Form::Network { network, .. } => {
                        let stepper = Training { model: &**network, link: None, rule: &rule, data: &data };
                        descend(self, problem, &stepper, &begin, *steps, to)?
                    }
                }
            }
        };
        let unit = match &self.process.dynamics {
            Dynamics::GradientDescent(dynamics) => {
                self.rate_unit(dynamics.unit, dynamics.batches(problem.samples()), problem, &theta, watch)?
            }
            Dynamics::Flow(_) => 1.0,
        };
        Some(Begin { theta, unit })
    }

    /// What is counted by the step sizes of the way to the start and of the run.
    pub(super) fn rate_units(&self) -> [RateUnit; 2] {
        let of_start = match self.process.start.origin {
            Origin::Minimum { unit, .. } => unit,
            Origin::Init | Origin::Points(_) => RateUnit::One,
        };
        [of_start, self.process.dynamics.unit()]
    }

    /// The size of a unit of step sizes at a point, for some batches; NaN where it has none, and `None` if the watch asked to
    /// stop.
    fn rate_unit(
        &self,
        unit: RateUnit,
        batches: Batches,
        problem: &Problem,
        theta: &[f64],
        watch: &dyn Watch,
    ) -> Option<f64> {
        if unit == RateUnit::One {
            return Some(1.0);
        }
        let loss = (self.process.model.loss, self.process.model.loss_factor);
        let kernel = kernel_of_model(&*self.process.model.model(problem.dim()), loss, theta, problem, watch);
        let size = kernel.and_then(|(kernel, _)| match unit {
            RateUnit::One => Ok(1.0),
            RateUnit::Threshold => Ok(Threshold::of_kernel(&kernel, batches, 0.0, watch)?.learning_rate),
            // The largest eigenvalue alone needs no decomposition, which is out of reach for 1,000 images of ten classes.
            RateUnit::GdLimit => Ok(2.0 / Curvature::measure(&Watched::new(kernel, watch))?.lambda_max),
        });
        (!watch.should_stop()).then(|| size.unwrap_or(f64::NAN))
    }

    /// A start with the perturbation of a replica.
    pub(super) fn perturbed(&self, begin: &Begin, replica: u32, level: Level) -> Begin {
        if self.process.start.perturbation == 0.0 {
            return begin.clone();
        }
        let mut theta = begin.theta.to_vec();
        let replicas = [replica];
        let draws = Draws::new(self.protocol.seed, &replicas, 0).on_level(level);
        draws.add_normals(Purpose::PERTURBATION, self.process.start.perturbation, &mut theta);
        Begin { theta: theta.into(), unit: begin.unit }
    }
}

/// Where a dynamics without noise leads, once the loss is small enough or nothing changes any more; `None` if the watch asked
/// to stop.
fn descend<S: Stepper>(
    ensemble: &Ensemble,
    problem: &Problem,
    stepper: &S,
    begin: &[Begin],
    steps: u64,
    (enough, watch): (f64, &dyn Watch),
) -> Option<Arc<[f64]>> {
    let model = &ensemble.process.model;
    let stride = (WORK_BETWEEN_CALLS / ensemble.work_of_full_step()).clamp(1.0, STRIDE as f64) as u64;
    let mut block = [stepper.begin(begin, vec![0])];
    while stepper.step(&block[0]) < steps {
        let look = steps.min(stepper.step(&block[0]) + STRIDE);
        while stepper.step(&block[0]) < look {
            if watch.should_stop() {
                return None;
            }
            let until = look.min(stepper.step(&block[0]) + stride);
            stepper.advance(&mut block, until);
        }
        let theta = stepper.lane(&block[0], 0).theta;
        let predictions = model.model(problem.dim()).predict(&theta, problem.x());
        let loss = model.loss.mean(model.loss_factor, &predictions, problem.y(), problem.outputs());
        if loss.is_nan() || loss <= enough || stepper.is_at_rest(&block[0]) {
            break;
        }
    }
    Some(stepper.lane(&block[0], 0).theta.into())
}
