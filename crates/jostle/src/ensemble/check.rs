//! Checks that a process and what is recorded of it fit each other.

use super::observed::lacks;
use super::{Ensemble, Protocol};
use crate::error::InputError;
use crate::noise::{LabelNoise, Noise};
use crate::process::{Process, Source};
use crate::setting::SettingError;
use crate::theory::{Reference, TheoryError, std_of_lambda};

impl Ensemble {
    /// Checks a process and what is to be recorded of it, normalises the batch, and finds the label noise whose Lasso is
    /// given.
    ///
    /// # Errors
    /// As [`Process::check`]; an observable that needs a truth, an average or a predicted Lasso that is not there, fewer
    /// given starts than replicas, or a `lambda` for which no label noise is known.
    pub fn with(process: Process, protocol: Protocol) -> Result<Self, InputError> {
        let mut process = process.check()?;
        process.start.check_replicas(protocol.replicas)?;
        find_label_noise(&mut process)?;
        for quantity in &protocol.quantities {
            if let Some(lacks) = lacks(&process, &protocol, quantity.needs) {
                let problem = format!("has {:?}, which needs {lacks}", quantity.name);
                return Err(InputError::in_section("observe")(SettingError::new("quantities", problem)));
            }
        }
        if let Some(quantity) = protocol.quantities.iter().find(|quantity| quantity.needs.lasso())
            && let Err(error) = Reference::new(&process, &process.source.problem(0))
        {
            let problem = format!("has {:?}, which needs a predicted Lasso, but {error}", quantity.name);
            return Err(InputError::in_section("observe")(SettingError::new("quantities", problem)));
        }
        if protocol.average_from.is_some() && !process.has_coefficients() {
            let problem = "averages coefficients, which the model has none of; expected no setting";
            return Err(InputError::in_section("observe")(SettingError::new("average_from", problem)));
        }
        let steps = process.dynamics.steps();
        if let Some(from) = protocol.average_from.filter(|from| *from >= steps) {
            let problem = format!("is {from}; expected less than the {steps} steps of the run");
            return Err(InputError::in_section("observe")(SettingError::new("average_from", problem)));
        }
        Ok(Self { process, protocol })
    }
}

/// Finds the standard deviation of the label noise whose Lasso is given.
fn find_label_noise(process: &mut Process) -> Result<(), InputError> {
    let asking = |(k, noise): (usize, &Noise)| noise.of_lambda().map(|(label, lambda)| (k, label, lambda));
    let asking: Vec<_> = process.noises.iter().enumerate().filter_map(asking).collect();
    let Some((k, label, lambda)) = asking.last().copied() else { return Ok(()) };
    let refuse = |problem: String| {
        let error = SettingError::new("lambda", format!("is {lambda}{problem}"));
        InputError::in_section(format!("noise.{k}"))(error)
    };
    if asking.len() > 1 {
        return Err(refuse(", which another noise has as well; expected std".to_owned()));
    }
    if let Some(lacks) = process.lacks_for_lasso() {
        return Err(refuse(format!(", which needs {lacks}; expected std in its place")));
    }
    let Source::Shared(problem) = &process.source else {
        let needs = ", which needs problem.data_per_replica = false; expected std in its place";
        return Err(refuse(needs.to_owned()));
    };
    let std = std_of_lambda(process, problem, k, lambda).map_err(|error| match error {
        TheoryError::TooMuchNoise { .. } => refuse(format!(", but {error}")),
        _ => refuse(format!(", but {error}; expected std in its place")),
    })?;
    process.noises[k] = Noise::sample(LabelNoise { std, ..label });
    Ok(())
}
