//! Numbers recorded along a trajectory.

mod at_point;
mod moments;
mod quantities;
mod threshold;
mod view;

pub use moments::{Moments, SumOfSquares};
pub use threshold::ActiveThreshold;
pub use view::View;

use crate::error::InputError;
use crate::problem::Problem;
use crate::setting::{Entry, Fallback, Kind, Range, Recording, Setting, SettingError};

/// A number recorded along a trajectory, with its documentation.
#[derive(Clone, Copy)]
pub struct Observable {
    /// The name in files and tables.
    pub name: &'static str,
    /// Its symbol or formula.
    pub symbol: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// What it needs beyond the trajectory itself.
    pub needs: Needs,
    /// Its value once a replica has diverged: infinite for losses, errors and norms, NaN for counts and shares.
    pub diverged: f64,
    /// Its value at a point.
    pub measure: fn(&View<'_>) -> f64,
    /// Its mean over an ensemble, where that follows from the moments.
    pub expect: Option<fn(&Moments<'_>) -> f64>,
}

/// What an observable needs beyond the trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A linear predictor.
    Coefficients,
    /// Samples to test on.
    Test,
    /// Labels that are classes.
    Classes,
    /// Samples to test on, with labels that are classes.
    TestClasses,
    /// A problem with a ground truth.
    Truth,
    /// A running time average (and a ground truth).
    AverageAndTruth,
    /// The Lasso that theory predicts, see [`Reference`](crate::theory::Reference).
    Lasso,
    /// A running time average, and the Lasso.
    AverageAndLasso,
    /// The Lasso, and a constant step size.
    LassoAtOneStepSize,
    /// A momentum that is the heavy ball's, or none.
    HeavyBall,
    /// Two parameters `u_j`, `v_j` for each coefficient `u_j^2 - v_j^2`.
    TwoSquares,
}

impl Needs {
    /// Whether the predicted Lasso is needed.
    pub fn lasso(self) -> bool {
        matches!(self, Needs::Lasso | Needs::AverageAndLasso | Needs::LassoAtOneStepSize)
    }
}

/// Every observable.
pub const REGISTRY: &[Observable] = &{
    const PARTS: [&[Observable]; 3] = [quantities::ALL, &at_point::GEOMETRIC, &at_point::ALL];
    let mut all = [PARTS[0][0]; PARTS[0].len() + PARTS[1].len() + PARTS[2].len()];
    let (mut part, mut k, mut at) = (0, 0, 0);
    while part < PARTS.len() {
        while k < PARTS[part].len() {
            all[at] = PARTS[part][k];
            (k, at) = (k + 1, at + 1);
        }
        (part, k) = (part + 1, 0);
    }
    all
};

/// The observable of this name.
pub fn find(name: &str) -> Option<&'static Observable> {
    REGISTRY.iter().find(|observable| observable.name == name)
}

/// The observable of this name.
///
/// # Errors
/// A name that no observable has.
pub fn named(name: &str) -> Result<&'static Observable, InputError> {
    find(name).ok_or_else(|| {
        let problem = format!("has {name:?}; expected the name of an observable");
        InputError::in_section("observe")(SettingError::new("quantities", problem))
    })
}

/// The settings of an experiment's `[observe]` table.
pub const ENTRY: Entry = Entry {
    kind: "observe",
    summary: "what is recorded, and when",
    detail: "Recorded steps always include 0 and the last one.",
    reference: "",
    settings: &[
        Setting {
            name: "at",
            symbol: "",
            kind: Kind::Recording,
            fallback: Fallback::Recording(Recording::Log(200)),
            doc: "The recorded steps: { log = count } or { every = steps }.",
        },
        Setting {
            name: "quantities",
            symbol: "",
            kind: Kind::Names,
            fallback: Fallback::Absent,
            doc: "The observables; by default train_loss, and of test_error, test_loss, train_accuracy, test_accuracy, l1_norm and \
                  active those that the problem and the model have.",
        },
        Setting {
            name: "active_threshold",
            symbol: "",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Number(0.05),
            doc: "The size above which a coefficient counts as active, for active, support_precision and support_recall.",
        },
        Setting {
            name: "active_threshold_unit",
            symbol: "",
            kind: Kind::Choice(&["relative", "absolute"]),
            fallback: Fallback::Text("relative"),
            doc: "\"relative\": active_threshold counts the largest absolute coefficient of the truth, or of the coefficients \
                  themselves where there is no truth; \"absolute\": it is a number of its own.",
        },
        Setting {
            name: "average_from",
            symbol: "",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Absent,
            doc: "Keep the running time average of beta over the steps after this one; not kept when absent.",
        },
    ],
};

/// The support of the truth (d flags).
fn truth_support(problem: &Problem) -> impl Iterator<Item = bool> + use<'_> {
    problem.truth().unwrap_or_default().iter().map(|t| *t != 0.0)
}

#[cfg(test)]
mod tests;
