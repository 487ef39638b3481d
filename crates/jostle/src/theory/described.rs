//! Which dynamics the predictions describe: all others are refused, by name.

use super::TheoryError;
use crate::dynamics::{Augment, Dynamics, Flow, GradientDescent};
use crate::schedule::Schedule;

/// Checks that a prediction describes a dynamics: gradient descent with the heavy ball, or a flow, whose step size is constant
/// in stretches of many steps.
///
/// # Errors
/// [`TheoryError::Dynamics`] for every other setting. A field that is added to the dynamics has to be named here.
pub(crate) fn check(theorem: &'static str, dynamics: &Dynamics) -> Result<(), TheoryError> {
    match dynamics {
        Dynamics::GradientDescent(dynamics) => check_descent(theorem, dynamics),
        Dynamics::Flow(Flow { steps: _, time_step: _, learning_rate, scheme: _, tolerance: _ }) => {
            learning_rate.as_ref().map_or(Ok(()), |rate| check_schedule(theorem, rate))
        }
    }
}

/// The same for gradient descent.
pub(super) fn check_descent(theorem: &'static str, dynamics: &GradientDescent) -> Result<(), TheoryError> {
    let GradientDescent {
        steps: _,
        learning_rate,
        unit: _,
        batch: _,
        sampling,
        momentum,
        nesterov,
        rule,
        weight_decay,
        decay_enters: _,
        gradient_at,
        augment,
        tolerance: _,
    } = dynamics;
    check_schedule(theorem, learning_rate)?;
    let refuse = |setting: &'static str, found: String, known: &str| {
        Err(TheoryError::Dynamics { theorem, setting, found, known: known.to_owned() })
    };
    if !dynamics.has_independent_steps() {
        return refuse("sampling", sampling.to_string(), "batches that are drawn independently");
    }
    if *nesterov && *momentum > 0.0 {
        return refuse("nesterov", "true".to_owned(), "the heavy ball");
    }
    if let Some(rule) = rule {
        return refuse("rule", format!("{:?}", rule.kind()), "momentum");
    }
    if *weight_decay > 0.0 {
        return refuse("weight_decay", weight_decay.to_string(), "parameters that do not decay");
    }
    if !gradient_at.is_parameters() {
        return refuse("gradient_at", format!("{:?}", gradient_at.name()), "gradients at the parameters");
    }
    if *augment != Augment::None {
        return refuse("augment", "not \"none\"".to_owned(), "the data as they are");
    }
    Ok(())
}

fn check_schedule(theorem: &'static str, rate: &Schedule) -> Result<(), TheoryError> {
    if rate.is_piecewise_constant() {
        return Ok(());
    }
    let found = format!("of the kind {:?}", rate.kind());
    let known = "a step size that is constant in stretches".to_owned();
    Err(TheoryError::Dynamics { theorem, setting: "learning_rate", found, known })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamics::{Batch, Sampling};
    use crate::schedule::{ENTRIES, SCHEDULES};
    use crate::setting::{Fallback, Kind, Setting, Settings, Table, Value};

    /// A value that any setting of a schedule takes.
    fn value(setting: &Setting) -> Value {
        match setting.kind {
            Kind::Number(_) => Value::Number(0.1),
            Kind::Integer { min } => Value::Integer(min.max(5)),
            Kind::Pairs(_) => Value::Pairs(vec![(0, 0.1), (3, 0.05)]),
            Kind::Choice(choices) => Value::Text(choices[0].to_owned()),
            other => panic!("{}: {other}", setting.name),
        }
    }

    #[test]
    fn every_sampling_that_theory_is_not_known_to_take_is_refused_by_name() {
        for sampling in Sampling::all() {
            let dynamics =
                GradientDescent { batch: Batch::Size(2), sampling, ..GradientDescent::new(9, 0.1) };
            let found = check("the theorem", &dynamics.into());
            if ["with-replacement", "without-replacement"].contains(&sampling.name()) {
                assert_eq!(found, Ok(()), "{sampling}");
                continue;
            }
            assert_eq!(
                found.unwrap_err().to_string(),
                format!(
                    "the theorem holds for batches that are drawn independently; dynamics.sampling is {sampling}"
                )
            );
        }
    }

    #[test]
    fn every_schedule_that_theory_is_not_known_to_take_is_refused_by_name() {
        for entry in ENTRIES {
            let given: Vec<(&str, Value)> = entry
                .settings
                .iter()
                .filter(|setting| setting.fallback != Fallback::Absent || setting.name == "drops")
                .map(|setting| (setting.name, value(setting)))
                .collect();
            let table = Table::of(&SCHEDULES, entry, Settings::check(entry, &given).unwrap()).unwrap();
            let learning_rate = Schedule::from_table(&table);
            let dynamics = GradientDescent { learning_rate, ..GradientDescent::new(9, 0.1) };
            let found = check("the theorem", &dynamics.into());
            if ["constant", "drops", "list"].contains(&entry.kind) {
                assert_eq!(found, Ok(()), "{}", entry.kind);
                continue;
            }
            assert_eq!(
                found.unwrap_err().to_string(),
                format!(
                    "the theorem holds for a step size that is constant in stretches; dynamics.learning_rate is of the kind {:?}",
                    entry.kind
                )
            );
        }
    }
}
