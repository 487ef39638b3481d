//! One configuration, checked as a whole: what an ensemble runs replicas of.

use super::{Origin, Recording, Start};
use crate::dynamics::{Augment, Batch, Dynamics, RateUnit};
use crate::error::InputError;
use crate::float::Precision;
use crate::model::{Form, LinkKind, Loss, ModelSpec, Power, RandomFeatures};
use crate::noise::{LabelNoise, Needs as NoiseNeeds, Noise};
use crate::observable::{ActiveThreshold, Needs, Observable, Reference};
use crate::problem::{Generator, Problem};
use crate::random::Purpose;
use crate::setting::{SettingError, Settings};
use crate::theory::{TheoryError, std_of_lambda};
use std::sync::Arc;

/// Where the replicas of a cell get their training data.
#[derive(Clone)]
pub enum Source {
    /// All replicas share one problem.
    Shared(Arc<Problem>),
    /// Replica `k` has data set number `k` of its own.
    PerReplica(Generator),
}

impl Source {
    /// Number of samples `n`.
    pub fn samples(&self) -> usize {
        match self {
            Source::Shared(problem) => problem.samples(),
            Source::PerReplica(source) => source.samples(),
        }
    }

    /// Dimension `d`.
    pub fn dim(&self) -> usize {
        match self {
            Source::Shared(problem) => problem.dim(),
            Source::PerReplica(source) => source.dim(),
        }
    }

    /// Labels `c` of a sample.
    pub fn outputs(&self) -> usize {
        match self {
            Source::Shared(problem) => problem.outputs(),
            Source::PerReplica(_) => 1,
        }
    }

    /// Whether there are samples to test on.
    pub fn has_test(&self) -> bool {
        match self {
            Source::Shared(problem) => problem.test().is_some(),
            Source::PerReplica(source) => source.test_samples() > 0,
        }
    }

    /// Whether labels are classes.
    pub fn has_classes(&self) -> bool {
        matches!(self, Source::Shared(problem) if problem.is_classification())
    }

    /// Whether there is a ground truth.
    pub fn has_truth(&self) -> bool {
        match self {
            Source::Shared(problem) => problem.truth().is_some(),
            Source::PerReplica(source) => source.has_truth(),
        }
    }

    /// The training data of a replica.
    pub fn problem(&self, replica: u32) -> Arc<Problem> {
        match self {
            Source::Shared(problem) => Arc::clone(problem),
            Source::PerReplica(source) => Arc::new(source.generate(replica)),
        }
    }
}

/// The model that checked settings describe on given data, and the data as the model sees them; `kind` is one of
/// [`crate::model::ENTRIES`].
///
/// # Errors
/// As [`ModelSpec::from_settings`]; random features of data that every replica has for itself.
pub fn model_from_settings(
    kind: &str,
    settings: &Settings,
    source: Source,
) -> Result<(ModelSpec, Source), InputError> {
    let model = ModelSpec::from_settings(kind, settings, source.dim(), source.outputs())?;
    if kind != "random-features" {
        return Ok((model, source));
    }
    match source {
        Source::Shared(problem) => {
            let design = RandomFeatures::from_settings(settings).design(&problem)?;
            Ok((model, Source::Shared(Arc::new(design))))
        }
        Source::PerReplica(_) => {
            let problem = "is true; expected false with model.kind = \"random-features\"";
            Err(InputError::in_section("problem")(SettingError::new("data_per_replica", problem)))
        }
    }
}

/// Everything that determines the trajectories of a configuration.
#[derive(Clone)]
pub struct Cell {
    /// The training data.
    pub source: Source,
    /// The model, its start and its loss factor.
    pub model: ModelSpec,
    /// Where replicas begin.
    pub start: Start,
    /// How parameters move.
    pub dynamics: Dynamics,
    /// The noises.
    pub noises: Vec<Noise>,
    /// The recorded steps.
    pub recording: Recording,
    /// What is recorded.
    pub quantities: Vec<&'static Observable>,
    /// From which size on a coefficient is active.
    pub active: ActiveThreshold,
    /// Average the coefficients over the steps after this one.
    pub average_from: Option<u64>,
    /// Number of replicas `R`.
    pub replicas: u32,
    /// Seed of the noise.
    pub seed: u64,
    /// Floating-point format of the trajectories.
    pub precision: Precision,
}

impl Cell {
    /// Checks that the parts fit each other, normalises the batch, and finds the label noise whose Lasso is given.
    ///
    /// # Errors
    /// A batch larger than the problem, a noise that needs full batches with mini-batches, a flow of a model or with a
    /// noise for which there is none, an observable that needs a truth, an average or a predicted Lasso that is not
    /// there, initial values of the wrong number, a model, a start or a noise that do not go together, or a `lambda` for
    /// which no label noise is known.
    pub fn check(mut self) -> Result<Self, InputError> {
        if self.noises.len() > Purpose::NOISES {
            let place = format!("noise.{}", Purpose::NOISES);
            let problem = format!("is one noise too many; expected at most {}", Purpose::NOISES);
            return Err(InputError::in_section(place)(SettingError::new("kind", problem)));
        }
        self.dynamics = self.dynamics.fit(self.source.samples(), &self.model, &self.noises)?;
        self.check_model()?;
        self.check_start()?;
        self.find_label_noise()?;
        for quantity in &self.quantities {
            if let Some(lacks) = self.lacks(quantity.needs) {
                let problem = format!("has {:?}, which needs {lacks}", quantity.name);
                return Err(InputError::in_section("observe")(SettingError::new("quantities", problem)));
            }
        }
        if let Some(quantity) = self.quantities.iter().find(|quantity| quantity.needs.lasso())
            && let Err(error) = Reference::new(&self, &self.source.problem(0))
        {
            let problem = format!("has {:?}, which needs a predicted Lasso, but {error}", quantity.name);
            return Err(InputError::in_section("observe")(SettingError::new("quantities", problem)));
        }
        if self.average_from.is_some() && !self.has_coefficients() {
            let problem = "averages coefficients, which the model has none of; expected no setting";
            return Err(InputError::in_section("observe")(SettingError::new("average_from", problem)));
        }
        if let Some(from) = self.average_from.filter(|from| *from >= self.dynamics.steps()) {
            let problem =
                format!("is {from}; expected less than the {} steps of the run", self.dynamics.steps());
            return Err(InputError::in_section("observe")(SettingError::new("average_from", problem)));
        }
        Ok(self)
    }

    /// Finds the standard deviation of the label noise whose Lasso is given.
    fn find_label_noise(&mut self) -> Result<(), InputError> {
        let asking =
            |(k, noise): (usize, &Noise)| noise.of_lambda().map(|(label, lambda)| (k, label, lambda));
        let asking: Vec<_> = self.noises.iter().enumerate().filter_map(asking).collect();
        let Some((k, label, lambda)) = asking.last().copied() else { return Ok(()) };
        let refuse = |problem: String| {
            let error = SettingError::new("lambda", format!("is {lambda}{problem}"));
            InputError::in_section(format!("noise.{k}"))(error)
        };
        if asking.len() > 1 {
            return Err(refuse(", which another noise has as well; expected std".to_owned()));
        }
        if let Some(lacks) = self.lacks(Needs::Lasso) {
            return Err(refuse(format!(", which needs {lacks}; expected std in its place")));
        }
        let Source::Shared(problem) = &self.source else {
            let needs = ", which needs problem.data_per_replica = false; expected std in its place";
            return Err(refuse(needs.to_owned()));
        };
        let std = std_of_lambda(self, problem, k, lambda).map_err(|error| match error {
            TheoryError::TooMuchNoise { .. } => refuse(format!(", but {error}")),
            _ => refuse(format!(", but {error}; expected std in its place")),
        })?;
        self.noises[k] = Noise::sample(LabelNoise { std, ..label });
        Ok(())
    }

    /// Checks that the model fits the data, the dynamics and the noises.
    fn check_model(&self) -> Result<(), InputError> {
        let refuse = |section: String, setting: &str, problem: String| {
            Err(InputError::in_section(section)(SettingError::new(setting, problem)))
        };
        let (found, expected) = (self.model.model().outputs(), self.source.outputs());
        if found != expected {
            let problem =
                format!("has {found} outputs; expected {expected}, as many as the labels of a sample");
            return refuse("model".to_owned(), "kind", problem);
        }
        if self.model.loss == Loss::CrossEntropy && (found == 1 || !self.source.has_classes()) {
            let problem = "is \"cross-entropy\", which needs one-hot labels; expected \"square\"";
            return refuse("model".to_owned(), "loss", problem.to_owned());
        }
        for (k, noise) in self.noises.iter().enumerate() {
            noise.check(self.source.samples()).map_err(InputError::in_section(format!("noise.{k}")))?;
        }
        if let Some(k) = self.noises.iter().position(|noise| noise.needs().contains(NoiseNeeds::CLASSES))
            && !self.source.has_classes()
        {
            let problem = "changes classes; expected another noise, or a problem whose labels are classes";
            return refuse(format!("noise.{k}"), "kind", problem.to_owned());
        }
        if self.model.link().is_some() || self.start.linearise {
            self.check_linear()?;
        }
        if self.model.link().is_some() {
            self.model.initial(self.source.dim(), 0)?;
            return Ok(());
        }
        if let Dynamics::GradientDescent(dynamics) = &self.dynamics
            && dynamics.augment == Augment::CropFlip
            && !matches!(&self.source, Source::Shared(problem) if problem.image().is_some())
        {
            let problem = "is \"crop-flip\", which needs images; expected \"none\"";
            return refuse("dynamics".to_owned(), "augment", problem.to_owned());
        }
        // Linearised, a network of one output is a linear model.
        if self.is_network()
            && let Some(k) = self.noises.iter().position(|noise| noise.needs().contains(NoiseNeeds::PRODUCTS))
        {
            let problem = "has a shape that only linear models of one output know how to draw; expected shape = \"full\"";
            return refuse(format!("noise.{k}"), "shape", problem.to_owned());
        }
        Ok(())
    }

    /// Checks that nothing is asked of a linear model that only networks do.
    fn check_linear(&self) -> Result<(), InputError> {
        let refuse = |section: &str, setting: &str, problem: &str| {
            Err(InputError::in_section(section)(SettingError::new(setting, problem)))
        };
        if self.model.loss == Loss::CrossEntropy {
            return refuse(
                "model",
                "loss",
                "is \"cross-entropy\"; expected \"square\" where the model is linearised",
            );
        }
        if let Some(k) = self.noises.iter().position(|noise| noise.needs().contains(NoiseNeeds::NETWORK)) {
            return refuse(&format!("noise.{k}"), "kind", "is a noise of networks; expected another one");
        }
        if let Some(k) = self.noises.iter().position(Noise::bypasses_momentum)
            && self.dynamics.momentum() > 0.0
        {
            let problem =
                "is \"step\", which networks know only with dynamics.momentum above 0; expected \"gradient\"";
            return refuse(&format!("noise.{k}"), "enters", problem);
        }
        match &self.dynamics {
            Dynamics::GradientDescent(dynamics) if dynamics.nesterov => {
                refuse("dynamics", "nesterov", "is true, which networks know only; expected false")
            }
            Dynamics::GradientDescent(dynamics) if dynamics.augment != Augment::None => {
                refuse("dynamics", "augment", "changes images, for networks only; expected \"none\"")
            }
            Dynamics::GradientDescent(_) | Dynamics::Flow(_) => Ok(()),
        }
    }

    /// Checks that the start fits the model and the dynamics.
    fn check_start(&self) -> Result<(), InputError> {
        self.start.check(self.model.model().num_params(self.source.dim()), self.replicas)?;
        let refuse = |setting: &str, problem: &str| {
            Err(InputError::in_section("start")(SettingError::new(setting, problem)))
        };
        let is_flow = matches!(self.dynamics, Dynamics::Flow(_));
        if is_flow && !(self.begins_together() && self.start.perturbation == 0.0) {
            let setting = if self.start.perturbation > 0.0 { "perturbation" } else { "path" };
            return refuse(
                setting,
                "gives replicas starts of their own; expected one for all in continuous time",
            );
        }
        if !self.start.linearise {
            return Ok(());
        }
        if !matches!(self.source, Source::Shared(_)) || !self.begins_together() {
            return refuse(
                "linearise",
                "is true; expected false where replicas have data or starts of their own",
            );
        }
        Ok(())
    }

    /// Whether the replicas are linear predictors.
    pub fn has_coefficients(&self) -> bool {
        // Whether there are any does not depend on the point.
        let zeros = || vec![0.0; self.model.model().num_params(self.source.dim())];
        let of_network = || self.model.model().coefficients(&zeros(), self.source.dim()).is_some();
        if self.start.linearise {
            return self.source.outputs() == 1;
        }
        self.model.link().is_some() || of_network()
    }

    /// What an observable needs and the settings do not give.
    pub(crate) fn lacks(&self, needs: Needs) -> Option<&'static str> {
        let has_average = self.average_from.is_some();
        match needs {
            Needs::Truth | Needs::AverageAndTruth if !self.source.has_truth() => {
                Some("a problem with a truth")
            }
            Needs::AverageAndTruth | Needs::AverageAndLasso if !has_average => Some("observe.average_from"),
            Needs::Truth | Needs::AverageAndTruth | Needs::Coefficients if !self.has_coefficients() => {
                Some("a model that is a linear predictor")
            }
            Needs::Truth | Needs::AverageAndTruth if self.start.linearise => Some("start.linearise = false"),
            Needs::Test | Needs::TestClasses if !self.source.has_test() || self.start.linearise => {
                Some("a problem with test samples")
            }
            Needs::Classes | Needs::TestClasses if !self.source.has_classes() || self.start.linearise => {
                Some("a problem whose labels are classes")
            }
            Needs::Lasso | Needs::AverageAndLasso | Needs::LassoAtOneStepSize if !self.start.is_init() => {
                Some("start.kind = \"init\"")
            }
            Needs::Lasso | Needs::AverageAndLasso | Needs::LassoAtOneStepSize
                if self.dynamics.unit() != RateUnit::One =>
            {
                Some("dynamics.learning_rate_unit = \"one\"")
            }
            Needs::LassoAtOneStepSize if self.dynamics.has_drops() => {
                Some("a dynamics.learning_rate without drops")
            }
            Needs::HeavyBall if self.dynamics.is_nesterov() => Some("dynamics.nesterov = false"),
            Needs::TwoSquares if self.model.link() != Some(LinkKind::Power(Power { depth: 2 })) => {
                Some("the model \"hadamard\" with depth = 2 and form = \"power\"")
            }
            _ => None,
        }
    }

    /// Whether replicas are stepped as networks: not those of a link, nor the linearisation with one output.
    pub(super) fn is_network(&self) -> bool {
        self.model.link().is_none() && !(self.start.linearise && self.source.outputs() == 1)
    }

    /// Number of parameters `p`; of coordinates, where the model is linearised.
    pub fn num_params(&self) -> usize {
        if self.start.linearise {
            return self.source.samples() * self.source.outputs();
        }
        self.model.model().num_params(self.source.dim())
    }

    /// Number of coefficients: the dimension, or 0 where the model is no linear predictor.
    pub fn num_coefficients(&self) -> usize {
        match self.has_coefficients() {
            true if self.start.linearise => self.source.samples(),
            true => self.source.dim(),
            false => 0,
        }
    }

    /// Multiply-adds of one replica's step, for estimates of time.
    pub fn work_per_step(&self) -> f64 {
        let (n, dim) = (self.source.samples() as f64, self.source.dim() as f64);
        if let (Form::Network { network, .. }, false) = (&self.model.form, self.start.linearise) {
            return self.dynamics.batch_size(self.source.samples()) as f64 * network.work_per_sample();
        }
        let outputs = self.source.outputs() as f64;
        let dim = if self.start.linearise { n * outputs * outputs } else { dim };
        let products = match self.dynamics.batch() {
            Batch::Full => 2.0 * n * dim,
            Batch::Size(size) => 2.0 * size as f64 * dim,
        };
        match self.dynamics {
            Dynamics::GradientDescent(_) => products,
            Dynamics::Flow(_) => {
                let exponentials = WORK_OF_EXP * self.num_params() as f64;
                self.dynamics.evaluations() as f64 * (products + exponentials)
            }
        }
    }

    /// Multiply-adds of what a replica does apart from its steps: of its recorded geometry, and of the start at a minimum
    /// where it has one of its own.
    pub fn work_beside_steps(&self) -> f64 {
        let one = self.measurement_of_records().map_or(0.0, |measurement| measurement.multiply_adds());
        let recorded = self.recording.count(self.dynamics.steps()) as f64;
        let own = if self.begins_together() { 1.0 / f64::from(self.replicas) } else { 1.0 };
        let start = self.measurement_of_start().map_or(0.0, |measurement| measurement.multiply_adds());
        one * recorded + own * (self.work_of_start() + start)
    }

    /// Multiply-adds of finding the start.
    fn work_of_start(&self) -> f64 {
        let Origin::Minimum { steps, .. } = self.start.origin else { return 0.0 };
        steps as f64 * self.work_of_full_step()
    }

    /// Multiply-adds of a step with the full batch on the way to the start.
    pub(super) fn work_of_full_step(&self) -> f64 {
        let full = Batch::Full.size(self.source.samples()) as f64;
        let of_sample = match &self.model.form {
            Form::Network { network, .. } => network.work_per_sample(),
            Form::Link { .. } => 2.0 * self.source.dim() as f64,
        };
        full * of_sample
    }

    /// Normal numbers of one replica's step, but for the few that perturb labels in gradient descent.
    pub fn normals_per_step(&self) -> f64 {
        match &self.dynamics {
            Dynamics::GradientDescent(_) => {
                let of_parameters = self.noises.iter().filter(|noise| matches!(noise, Noise::Parameter(_)));
                (of_parameters.count() * self.num_params()) as f64
            }
            Dynamics::Flow(_) if self.noises.is_empty() => 0.0,
            Dynamics::Flow(flow) => {
                let of_sample = if flow.scheme.tableau().uses_mean() { 2 } else { 1 };
                (of_sample * self.source.samples()) as f64
            }
        }
    }
}

/// Multiply-adds that take as long as an exponential in a vector.
const WORK_OF_EXP: f64 = 20.0;
