//! Checks that the parts of a process fit each other.

use super::{Process, Source};
use crate::dynamics::{Augment, Dynamics};
use crate::error::InputError;
use crate::model::Loss;
use crate::noise::Needs;
use crate::random::Purpose;
use crate::setting::SettingError;

impl Process {
    /// Checks that the parts fit each other, and normalises the batch.
    ///
    /// # Errors
    /// A batch larger than the problem, a noise that needs full batches with mini-batches, a flow of a model or with a
    /// noise for which there is none, initial values of the wrong number, or a model, a start or a noise that do not go
    /// together.
    pub fn check(mut self) -> Result<Self, InputError> {
        if self.noises.len() > Purpose::NOISES {
            let place = format!("noise.{}", Purpose::NOISES);
            let problem = format!("is one noise too many; expected at most {}", Purpose::NOISES);
            return Err(InputError::in_section(place)(SettingError::new("kind", problem)));
        }
        self.dynamics = self.dynamics.fit(self.source.samples(), &self.model, &self.noises)?;
        self.check_model()?;
        self.check_start()?;
        Ok(self)
    }

    /// Checks that the model fits the data, the dynamics and the noises.
    fn check_model(&self) -> Result<(), InputError> {
        let refuse = |section: String, setting: &str, problem: String| {
            Err(InputError::in_section(section)(SettingError::new(setting, problem)))
        };
        let (found, expected) = (self.model.model(self.source.dim()).outputs(), self.source.outputs());
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
        if let Some(k) = self.noises.iter().position(|noise| noise.needs().contains(Needs::CLASSES))
            && !self.source.has_classes()
        {
            let problem = "changes classes; expected another noise, or a problem whose labels are classes";
            return refuse(format!("noise.{k}"), "kind", problem.to_owned());
        }
        if (self.model.link().is_some() || self.start.linearise) && self.model.loss == Loss::CrossEntropy {
            let problem = "is \"cross-entropy\"; expected \"square\" where the model is linear or linearised";
            return refuse("model".to_owned(), "loss", problem.to_owned());
        }
        if self.start.linearise {
            self.check_linearised()?;
        }
        if let Dynamics::GradientDescent(dynamics) = &self.dynamics
            && dynamics.augment == Augment::CropFlip
            && !matches!(&self.source, Source::Shared(problem) if problem.image().is_some())
        {
            let problem = "is \"crop-flip\", which needs images; expected \"none\"";
            return refuse("dynamics".to_owned(), "augment", problem.to_owned());
        }
        if self.model.link().is_some() {
            self.model.check_initial(self.source.dim())?;
            return Ok(());
        }
        // Linearised, a network of one output is a linear model.
        if self.is_network()
            && let Some(k) = self.noises.iter().position(|noise| noise.needs().contains(Needs::PRODUCTS))
        {
            let problem = "has a shape that only linear models of one output know how to draw; expected shape = \"full\"";
            return refuse(format!("noise.{k}"), "shape", problem.to_owned());
        }
        Ok(())
    }

    /// Checks that nothing is asked of a linearised model that needs the parameters or the data of the model itself: it has
    /// coordinates along the eigenvectors of `J' J`, from the start on.
    fn check_linearised(&self) -> Result<(), InputError> {
        let refuse = |section: &str, setting: &str, problem: &str| {
            Err(InputError::in_section(section)(SettingError::new(setting, problem)))
        };
        if let Some(k) = self.noises.iter().position(|noise| noise.needs().contains(Needs::CLASSES)) {
            let problem = "changes classes, which a linearised model does not see; expected another noise";
            return refuse(&format!("noise.{k}"), "kind", problem);
        }
        let Dynamics::GradientDescent(dynamics) = &self.dynamics else { return Ok(()) };
        if dynamics.augment != Augment::None {
            let problem = "changes images, which a linearised model does not see; expected \"none\"";
            return refuse("dynamics", "augment", problem);
        }
        if dynamics.weight_decay > 0.0 {
            let problem = "pulls parameters to 0, which a linearised model does not have; expected 0";
            return refuse("dynamics", "weight_decay", problem);
        }
        if dynamics.rule.is_some() {
            let problem =
                "depends on single parameters, which a linearised model does not have; expected momentum";
            return refuse("dynamics", "rule", problem);
        }
        Ok(())
    }

    /// Checks that the start fits the model and the dynamics.
    fn check_start(&self) -> Result<(), InputError> {
        self.start.check(self.model.model(self.source.dim()).num_params())?;
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
}
