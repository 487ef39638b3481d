//! Observables of the geometry at a point, and of test samples: the names are those of `jostle measure`.
#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of a view is not general in its lifetime"
)]

use super::{Needs, Observable, View};
use crate::geometry::{Curvature, QUANTITIES};

/// What is written where a replica has diverged, or where there is no geometry.
const NONE: f64 = f64::NAN;
const INFINITE: f64 = f64::INFINITY;

fn kernel(view: &View<'_>, of: impl Fn(&Curvature) -> f64) -> f64 {
    view.kernel_curvature().map_or(NONE, |curvature| of(&curvature))
}

impl Observable {
    /// Whether it looks at the kernel.
    pub fn needs_kernel(&self) -> bool {
        let is_own = ["trace_kernel", "frobenius_kernel", "max_stable_learning_rate", "gd_limit"];
        is_own.contains(&self.name) || QUANTITIES.iter().any(|quantity| quantity.name == self.name)
    }

    /// Whether it looks at all eigenvalues of the kernel.
    pub fn needs_spectrum(&self) -> bool {
        self.name == "max_stable_learning_rate"
    }
}

/// The quantity of the geometry in place `K` of its registry.
const fn at<const K: usize>() -> Observable {
    let quantity = QUANTITIES[K];
    let diverged = if quantity.is_size { INFINITE } else { NONE };
    entry([quantity.name, quantity.symbol, quantity.doc], Needs::Nothing, diverged, |view| {
        view.geometry().map_or(NONE, QUANTITIES[K].of)
    })
}

/// The quantities of the geometry, all that `jostle measure` answers of a point.
pub(super) const GEOMETRIC: [Observable; QUANTITIES.len()] = [
    at::<0>(),
    at::<1>(),
    at::<2>(),
    at::<3>(),
    at::<4>(),
    at::<5>(),
    at::<6>(),
    at::<7>(),
    at::<8>(),
    at::<9>(),
    at::<10>(),
    at::<11>(),
    at::<12>(),
];

const fn entry(
    [name, symbol, doc]: [&'static str; 3],
    needs: Needs,
    diverged: f64,
    measure: fn(&View<'_>) -> f64,
) -> Observable {
    Observable { name, symbol, doc, needs, diverged, measure, expect: None }
}

pub(super) const ALL: [Observable; 8] = [
    entry(
        [
            "test_loss",
            "(a/m) sum_i |f(x_i) - y_i|^2",
            "Loss on the test samples, with the loss factor a of the model.",
        ],
        Needs::Test,
        INFINITE,
        |view| view.test_loss(),
    ),
    entry(
        [
            "train_accuracy",
            "share of f_i on y_i's side",
            "Share of the training samples whose class is predicted: the sign with one output, else the largest.",
        ],
        Needs::Classes,
        NONE,
        |view| view.train_accuracy(),
    ),
    entry(
        [
            "test_accuracy",
            "share of f(x_i) on y_i's side",
            "Share of the test samples whose class is predicted.",
        ],
        Needs::TestClasses,
        NONE,
        |view| view.test_accuracy(),
    ),
    entry(
        [
            "trace_kernel",
            "Tr(J J') / n",
            "Trace of the kernel of the outputs over n, whatever the loss: Tr G of the square loss with the factor 1/2, and Tr G / 2a \
             with the factor a. With the cross-entropy, whose curvature vanishes with the loss, it compares points of different losses.",
        ],
        Needs::Nothing,
        INFINITE,
        |view| kernel(view, |c| c.trace),
    ),
    entry(
        ["frobenius_kernel", "|J J'|_F / n", "Frobenius norm of that kernel over n."],
        Needs::Nothing,
        INFINITE,
        |view| kernel(view, |c| c.frobenius),
    ),
    entry(
        [
            "max_stable_learning_rate",
            "eta*",
            "Largest step size at which the linearisation here is stable in mean square with the run's batches and its momentum \
             (not with Nesterov's); one symmetric eigen-decomposition of n c numbers at each recorded step.",
        ],
        Needs::HeavyBall,
        NONE,
        |view| view.max_stable_learning_rate(),
    ),
    entry(
        [
            "gd_limit",
            "2 (1 + b) / lambda_max(G)",
            "Largest step size at which gradient descent with full batches and the run's momentum b is stable here (not with Nesterov's).",
        ],
        Needs::HeavyBall,
        NONE,
        |view| view.gd_limit(),
    ),
    entry(
        ["learning_rate", "eta", "Step size of the step that leads away from here, its unit written out."],
        Needs::Nothing,
        NONE,
        |view| view.learning_rate,
    ),
];
