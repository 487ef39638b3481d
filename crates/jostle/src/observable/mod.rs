//! Numbers recorded along a trajectory.

mod moments;
mod quantities;
mod reference;
mod view;

pub use moments::{Moments, SumOfSquares};
pub use reference::Reference;
pub use view::View;

use crate::ensemble::Recording;
use crate::problem::Problem;
use crate::setting::{Entry, Fallback, Kind, Setting};

/// `active` counts coefficients of at least this size.
pub const ACTIVE_THRESHOLD: f64 = 0.05;

/// A number recorded along a trajectory, with its documentation.
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
    /// A problem with a ground truth.
    Truth,
    /// A running time average (and a ground truth).
    AverageAndTruth,
    /// The Lasso that theory predicts, see [`Reference`].
    Lasso,
    /// A running time average, and the Lasso.
    AverageAndLasso,
    /// The Lasso, and a step size without drops.
    LassoAtOneStepSize,
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
pub const REGISTRY: &[Observable] = quantities::ALL;

/// The observable of this name.
pub fn find(name: &str) -> Option<&'static Observable> {
    REGISTRY.iter().find(|observable| observable.name == name)
}

/// The names recorded when a file does not say: losses and norms, and the errors where there is a truth.
pub fn default_names(has_truth: bool) -> Vec<&'static str> {
    let wanted = ["train_loss", "test_error", "l1_norm", "active"];
    wanted
        .into_iter()
        .filter(|name| has_truth || find(name).is_some_and(|o| o.needs == Needs::Nothing))
        .collect()
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
            doc: "The observables; by default train_loss, l1_norm and active, and test_error where there is a truth.",
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
