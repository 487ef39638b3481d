//! Which observables an ensemble has what they need for.

use super::Protocol;
use crate::model::{LinkKind, Power};
use crate::observable::{Needs, find};
use crate::process::Process;

/// What an observable needs and the settings do not give.
pub(super) fn lacks(process: &Process, protocol: &Protocol, needs: Needs) -> Option<&'static str> {
    let Process { source, model, start, dynamics, .. } = process;
    let has_average = protocol.average_from.is_some();
    match needs {
        Needs::Truth | Needs::AverageAndTruth if !source.has_truth() => Some("a problem with a truth"),
        Needs::AverageAndTruth | Needs::AverageAndLasso if !has_average => Some("observe.average_from"),
        Needs::Truth | Needs::AverageAndTruth | Needs::Coefficients if !process.has_coefficients() => {
            Some("a model that is a linear predictor")
        }
        Needs::Truth | Needs::AverageAndTruth if start.linearise => Some("start.linearise = false"),
        Needs::Test | Needs::TestClasses if !source.has_test() || start.linearise => {
            Some("a problem with test samples")
        }
        Needs::Classes | Needs::TestClasses if !source.has_classes() || start.linearise => {
            Some("a problem whose labels are classes")
        }
        Needs::LassoAtOneStepSize if process.lacks_for_lasso().is_none() && dynamics.changes_step_size() => {
            Some("a constant dynamics.learning_rate")
        }
        Needs::Lasso | Needs::AverageAndLasso | Needs::LassoAtOneStepSize => process.lacks_for_lasso(),
        Needs::HeavyBall if dynamics.is_nesterov() => Some("dynamics.nesterov = false"),
        Needs::HeavyBall if !dynamics.has_independent_steps() => {
            Some("a dynamics.sampling of independent batches")
        }
        Needs::HeavyBall if dynamics.is_beyond_momentum() => {
            Some("momentum or none, without weight decay or another rule")
        }
        Needs::TwoSquares if model.link() != Some(LinkKind::Power(Power { depth: 2 })) => {
            Some("the model \"hadamard\" with depth = 2 and form = \"power\"")
        }
        Needs::Nothing
        | Needs::Coefficients
        | Needs::Test
        | Needs::Classes
        | Needs::TestClasses
        | Needs::Truth
        | Needs::AverageAndTruth
        | Needs::HeavyBall
        | Needs::TwoSquares => None,
    }
}

/// The names recorded when a file does not say: losses, accuracies and norms, as far as there is what they need.
pub fn default_names(process: &Process, protocol: &Protocol) -> Vec<&'static str> {
    let wanted =
        ["train_loss", "test_error", "test_loss", "train_accuracy", "test_accuracy", "l1_norm", "active"];
    let has = |name: &&str| find(name).is_some_and(|o| lacks(process, protocol, o.needs).is_none());
    wanted.into_iter().filter(has).collect()
}
