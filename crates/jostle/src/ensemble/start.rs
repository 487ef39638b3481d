//! Where replicas begin: at the model's own start, at a minimum, or at a given point; and in which unit their step size is.

use super::unit::{OfMonitor, WORK_BETWEEN_CALLS};
use super::{Cell, Monitor, Source};
use crate::dynamics::kernel::passes::Training;
use crate::dynamics::kernel::{Data, Kernel, Rule, Task};
use crate::dynamics::stepper::{Begin, Descent, Stepper};
use crate::dynamics::{Dynamics, GradientDescent, RateUnit};
use crate::error::InputError;
use crate::geometry::{Batches, Curvature, Threshold, Watched, kernel_of_model};
use crate::model::Form;
use crate::problem::Problem;
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};
use crate::simd::Level;
use std::sync::Arc;

/// Where the replicas of a cell begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The point.
    pub origin: Origin,
    /// Standard deviation of a Gaussian that is added to every parameter, of each replica anew.
    pub perturbation: f64,
    /// Whether the model is replaced by its linearisation there, before any perturbation.
    pub linearise: bool,
}

/// The point at which replicas begin, but for a perturbation.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The model's own start.
    Init,
    /// Where gradient descent without noise, with full batches, leads from the model's own start.
    Minimum {
        /// Its step size, in its unit.
        learning_rate: f64,
        /// What the step size counts, at the model's own start.
        unit: RateUnit,
        /// Its steps, at most.
        steps: u64,
        /// It ends once the training loss is as small as this.
        loss: f64,
    },
    /// Given parameters (p): the same for all replicas, or one for each.
    Points(Vec<Arc<[f64]>>),
}

impl Default for Start {
    fn default() -> Self {
        Self { origin: Origin::Init, perturbation: 0.0, linearise: false }
    }
}

/// Steps of gradient descent between two looks at the loss.
const STRIDE: u64 = 200;

impl Start {
    /// The start that checked settings describe; `points` are the rows of the file where it names one.
    ///
    /// # Panics
    /// If `kind` is not one of [`START_ENTRIES`].
    pub fn from_settings(kind: &str, settings: &Settings, points: Vec<Vec<f64>>) -> Self {
        let origin = match kind {
            "init" => Origin::Init,
            "minimum" => Origin::Minimum {
                learning_rate: settings.number("learning_rate"),
                unit: RateUnit::named(settings.text("learning_rate_unit")),
                steps: settings.integer("steps"),
                loss: settings.number("loss"),
            },
            "file" => Origin::Points(points.into_iter().map(Arc::from).collect()),
            other => panic!("{other:?} is not a kind of start"),
        };
        Self { origin, perturbation: settings.number("perturbation"), linearise: settings.flag("linearise") }
    }

    /// Whether every replica begins where the model itself does.
    pub fn is_init(&self) -> bool {
        *self == Self::default()
    }

    /// Whether replicas begin at different points even without a perturbation.
    fn differs(&self) -> bool {
        matches!(&self.origin, Origin::Points(points) if points.len() > 1)
    }

    /// Checks that given points fit the model and the number of replicas.
    pub(super) fn check(&self, params: usize, replicas: u32) -> Result<(), InputError> {
        let Origin::Points(points) = &self.origin else { return Ok(()) };
        let refuse = |problem| Err(InputError::in_section("start")(SettingError::new("path", problem)));
        if let Some(point) = points.iter().find(|point| point.len() != params) {
            let problem = format!(
                "has points of {} numbers; expected {params}, the parameters of the model",
                point.len()
            );
            return refuse(problem);
        }
        if let Some(k) = points.iter().position(|point| point.iter().any(|t| !t.is_finite())) {
            return refuse(format!("has a point, number {k}, that is not finite"));
        }
        if points.len() != 1 && points.len() < replicas as usize {
            let problem = format!("has {} points; expected 1, or {replicas}, one a replica", points.len());
            return refuse(problem);
        }
        Ok(())
    }
}

impl Cell {
    /// Whether all replicas on the same data have their start, but for a perturbation, and the unit of their step size in
    /// common.
    pub fn begins_together(&self) -> bool {
        !self.model.init_per_replica() && !self.start.differs()
    }

    /// Whether something long has to be done once before the units.
    pub(super) fn needs_preparation(&self) -> bool {
        let is_long =
            matches!(self.start.origin, Origin::Minimum { .. }) || self.dynamics.unit() != RateUnit::One;
        self.start.linearise
            || (is_long && self.begins_together() && matches!(self.source, Source::Shared(_)))
    }

    /// Where a replica begins, without its perturbation; `None` if the monitor asked to stop.
    pub(super) fn begin(
        &self,
        problem: &Problem,
        replica: u32,
        level: Level,
        monitor: &dyn Monitor,
    ) -> Option<Begin> {
        let init = || self.model.initial(problem.dim(), replica).expect("the cell has been checked");
        let theta: Arc<[f64]> = match &self.start.origin {
            Origin::Init => init().into(),
            Origin::Points(points) => Arc::clone(&points[replica as usize % points.len()]),
            Origin::Minimum { learning_rate, unit, steps, loss } => {
                let init = init();
                let all = Batches::without_replacement(problem.samples());
                let unit = self.rate_unit(*unit, all, problem, &init, monitor)?;
                let begin = Begin::everywhere(&init, 1);
                let dynamics = GradientDescent::new(*steps, learning_rate * unit);
                let rule = Rule {
                    loss: self.model.loss,
                    loss_factor: self.model.loss_factor,
                    dynamics: &dynamics,
                    noises: &[],
                    average_from: None,
                    seed: 0,
                    level,
                };
                let data = Data::<f64>::new(problem);
                let to = (*loss, monitor);
                match &self.model.form {
                    Form::Link { link, .. } => {
                        let task = Task { link: *link, rule };
                        let stepper = Descent { task: &task, data: &data, kernel: Kernel::Single };
                        descend(self, problem, &stepper, &begin, *steps, to)?
                    }
                    Form::Network { network, .. } => {
                        let stepper = Training { network: &**network, rule: &rule, data: &data };
                        descend(self, problem, &stepper, &begin, *steps, to)?
                    }
                }
            }
        };
        let unit = match &self.dynamics {
            Dynamics::GradientDescent(dynamics) => {
                self.rate_unit(dynamics.unit, dynamics.batches(problem.samples()), problem, &theta, monitor)?
            }
            Dynamics::Flow(_) => 1.0,
        };
        Some(Begin { theta, unit })
    }

    /// What is counted by the step sizes of the way to the start and of the run.
    pub(super) fn rate_units(&self) -> [RateUnit; 2] {
        let of_start = match self.start.origin {
            Origin::Minimum { unit, .. } => unit,
            Origin::Init | Origin::Points(_) => RateUnit::One,
        };
        [of_start, self.dynamics.unit()]
    }

    /// The size of a unit of step sizes at a point, for some batches; NaN where it has none, and `None` if the monitor asked to
    /// stop.
    fn rate_unit(
        &self,
        unit: RateUnit,
        batches: Batches,
        problem: &Problem,
        theta: &[f64],
        monitor: &dyn Monitor,
    ) -> Option<f64> {
        if unit == RateUnit::One {
            return Some(1.0);
        }
        let (watch, loss) = (OfMonitor(monitor), (self.model.loss, self.model.loss_factor));
        let kernel = kernel_of_model(self.model.model(), loss, theta, problem, &watch);
        let size = kernel.and_then(|(kernel, _)| match unit {
            RateUnit::One => Ok(1.0),
            RateUnit::Threshold => Ok(Threshold::of_kernel(&kernel, batches, 0.0, &watch)?.learning_rate),
            // The largest eigenvalue alone needs no decomposition, which is out of reach for 1,000 images of ten classes.
            RateUnit::GdLimit => Ok(2.0 / Curvature::measure(&Watched::new(kernel, &watch))?.lambda_max),
        });
        (!monitor.should_stop()).then(|| size.unwrap_or(f64::NAN))
    }

    /// A start with the perturbation of a replica.
    pub(super) fn perturbed(&self, begin: &Begin, replica: u32, level: Level) -> Begin {
        if self.start.perturbation == 0.0 {
            return begin.clone();
        }
        let mut theta = begin.theta.to_vec();
        let replicas = [replica];
        let draws = Draws::new(self.seed, &replicas, 0).on_level(level);
        draws.add_normals(Purpose::PERTURBATION, self.start.perturbation, &mut theta);
        Begin { theta: theta.into(), unit: begin.unit }
    }
}

/// Where a dynamics without noise leads, once the loss is small enough or nothing changes any more; `None` if the monitor asked
/// to stop.
fn descend<S: Stepper>(
    cell: &Cell,
    problem: &Problem,
    stepper: &S,
    begin: &[Begin],
    steps: u64,
    (enough, monitor): (f64, &dyn Monitor),
) -> Option<Arc<[f64]>> {
    let model = &cell.model;
    let stride = (WORK_BETWEEN_CALLS / cell.work_of_full_step()).clamp(1.0, STRIDE as f64) as u64;
    let mut block = [stepper.begin(begin, vec![0])];
    while stepper.step(&block[0]) < steps {
        let look = steps.min(stepper.step(&block[0]) + STRIDE);
        while stepper.step(&block[0]) < look {
            if monitor.should_stop() {
                return None;
            }
            let until = look.min(stepper.step(&block[0]) + stride);
            stepper.advance(&mut block, until);
        }
        let theta = stepper.lane(&block[0], 0).theta;
        let predictions = model.model().predict(&theta, problem.x(), problem.dim());
        let loss = model.loss.mean(model.loss_factor, &predictions, problem.y(), problem.outputs());
        if loss.is_nan() || loss <= enough || stepper.is_at_rest(&block[0]) {
            break;
        }
    }
    Some(stepper.lane(&block[0], 0).theta.into())
}

const PERTURBATION: Setting = Setting {
    name: "perturbation",
    symbol: "",
    kind: Kind::Number(Range::NonNegative),
    fallback: Fallback::Number(0.0),
    doc: "Standard deviation of a Gaussian that is added to every parameter, of each replica anew.",
};

const LINEARISE: Setting = Setting {
    name: "linearise",
    symbol: "",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    doc: "Replaces the model by f(theta_0) + J(theta_0) (theta - theta_0), in n coordinates with the same kernel: the \
          linear stability of a minimum, at a small cost a step. final.npz then holds these coordinates.",
};

/// The kinds of start that a file may name.
pub const START_ENTRIES: &[Entry] = &[
    Entry {
        kind: "init",
        summary: "the model's own start",
        detail: "Replicas begin at the start that [model] describes.",
        reference: "",
        settings: &[PERTURBATION, LINEARISE],
    },
    Entry {
        kind: "minimum",
        summary: "where gradient descent leads from the model's own start",
        detail: "Before step 0, gradient descent with full batches and without noise runs from the start that [model] \
                 describes until the training loss is small enough: the minimum from which SGD may escape.",
        reference: "Wu, Wang, Su 2022 (arXiv 2207.02628)",
        settings: &[
            Setting {
                name: "learning_rate",
                symbol: "",
                kind: Kind::Number(Range::Positive),
                fallback: Fallback::Required,
                doc: "Step size of this gradient descent.",
            },
            Setting {
                name: "learning_rate_unit",
                symbol: "",
                kind: Kind::Choice(&["one", "gd-limit"]),
                fallback: Fallback::Text("one"),
                doc: "What it counts: itself, or gradient descent's limit 2/lambda_max at the model's own start.",
            },
            Setting {
                name: "steps",
                symbol: "",
                kind: Kind::Integer { min: 1 },
                fallback: Fallback::Required,
                doc: "Its steps, at most.",
            },
            Setting {
                name: "loss",
                symbol: "",
                kind: Kind::Number(Range::NonNegative),
                fallback: Fallback::Number(1e-20),
                doc: "It ends once the training loss is as small as this.",
            },
            PERTURBATION,
            LINEARISE,
        ],
    },
    Entry {
        kind: "file",
        summary: "given parameters",
        detail: "Parameters from an npz file, such as the final.npz of a run: an array of p numbers for all replicas, or \
                 of one row a replica. For mlp, cnn and vgg also a safetensors file: a checkpoint of a run, or the \
                 state_dict of a PyTorch module with the same layers.",
        reference: "",
        settings: &[
            Setting {
                name: "path",
                symbol: "",
                kind: Kind::Text,
                fallback: Fallback::Required,
                doc: "The file, relative to the experiment file.",
            },
            Setting {
                name: "array",
                symbol: "",
                kind: Kind::Text,
                fallback: Fallback::Text("theta_0"),
                doc: "The name of the array.",
            },
            PERTURBATION,
            LINEARISE,
        ],
    },
];
