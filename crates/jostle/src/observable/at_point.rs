//! Observables of the geometry at a point, and of test samples: the names are those of `jostle measure`.
#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of a view is not general in its lifetime"
)]

use super::{Needs, Observable, View};
use crate::geometry::{Curvature, Geometry, NoiseShape};

/// What is written where a replica has diverged, or where there is no geometry.
const NONE: f64 = f64::NAN;
const INFINITE: f64 = f64::INFINITY;

fn curvature(view: &View<'_>, of: impl Fn(&Curvature) -> f64) -> f64 {
    view.geometry().map_or(NONE, |geometry| of(&geometry.curvature))
}

fn kernel(view: &View<'_>, of: impl Fn(&Curvature) -> f64) -> f64 {
    view.kernel_curvature().map_or(NONE, |curvature| of(&curvature))
}

fn noise(view: &View<'_>, of: impl Fn(&NoiseShape) -> f64) -> f64 {
    view.geometry().map_or(NONE, |geometry: &Geometry| of(&geometry.uncentred))
}

impl Observable {
    /// Whether it looks at the kernel.
    pub fn needs_kernel(&self) -> bool {
        MEASURED.contains(&self.name)
    }

    /// Whether it looks at all eigenvalues of the kernel.
    pub fn needs_spectrum(&self) -> bool {
        self.name == "max_stable_learning_rate"
    }
}

/// The names of the observables that look at the kernel.
const MEASURED: [&str; 14] = [
    "trace_G",
    "frobenius_G",
    "lambda_max_G",
    "trace_kernel",
    "frobenius_kernel",
    "effective_rank",
    "trace_noise",
    "trace_noise_G",
    "alignment",
    "alignment_centred",
    "angle_alignment",
    "size_alignment",
    "max_stable_learning_rate",
    "gd_limit",
];

const fn entry(
    [name, symbol, doc]: [&'static str; 3],
    needs: Needs,
    diverged: f64,
    measure: fn(&View<'_>) -> f64,
) -> Observable {
    Observable { name, symbol, doc, needs, diverged, measure, expect: None }
}

pub(super) const ALL: [Observable; 18] = [
    entry(
        [
            "test_loss",
            "(c/m) sum_i |f(x_i) - y_i|^2",
            "Loss on the test samples, with the loss factor c of the model.",
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
        ["trace_G", "Tr G", "Trace of the curvature G = J'J / n (with the loss factor c: 2c J'J / n)."],
        Needs::Nothing,
        INFINITE,
        |view| curvature(view, |c| c.trace),
    ),
    entry(["frobenius_G", "|G|_F", "Frobenius norm of the curvature."], Needs::Nothing, INFINITE, |view| {
        curvature(view, |c| c.frobenius)
    }),
    entry(
        ["lambda_max_G", "lambda_max(G)", "Largest eigenvalue of the curvature."],
        Needs::Nothing,
        INFINITE,
        |view| curvature(view, |c| c.lambda_max),
    ),
    entry(
        [
            "trace_kernel",
            "Tr(J J') / n",
            "Trace of the kernel of the outputs over n, whatever the loss: Tr G of the square loss. With the cross-entropy, whose \
             curvature vanishes with the loss, it compares points of different losses.",
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
            "effective_rank",
            "(Tr G)^2 / |G|_F^2",
            "Number of equal eigenvalues with this trace and Frobenius norm.",
        ],
        Needs::Nothing,
        NONE,
        |view| curvature(view, |c| c.effective_rank),
    ),
    entry(
        ["trace_noise", "Tr Sigma_1", "Trace of the uncentred covariance of one sample's gradient."],
        Needs::Nothing,
        INFINITE,
        |view| noise(view, |n| n.trace),
    ),
    entry(
        ["trace_noise_G", "Tr(Sigma_1 G)", "Trace of that covariance times the curvature."],
        Needs::Nothing,
        INFINITE,
        |view| noise(view, |n| n.trace_with_curvature),
    ),
    entry(
        [
            "alignment",
            "mu = Tr(Sigma_1 G) / (2 L |G|_F^2)",
            "Loss-scaled alignment of noise and curvature, uncentred covariance; NaN where the loss is zero.",
        ],
        Needs::Nothing,
        NONE,
        |view| noise(view, |n| n.alignment),
    ),
    entry(
        [
            "alignment_centred",
            "Tr(Sigma G) / (2 L |G|_F^2)",
            "The same with the centred covariance Sigma = Sigma_1 - grad L grad L'.",
        ],
        Needs::Nothing,
        NONE,
        |view| view.geometry().map_or(NONE, |geometry| geometry.centred.alignment),
    ),
    entry(
        [
            "angle_alignment",
            "alpha = Tr(Sigma_1 G) / (|Sigma_1|_F |G|_F)",
            "Cosine of the angle between the uncentred covariance and the curvature.",
        ],
        Needs::Nothing,
        NONE,
        |view| noise(view, |n| n.angle_alignment),
    ),
    entry(
        [
            "size_alignment",
            "beta = |Sigma_1|_F / (2 L |G|_F)",
            "Size of the uncentred covariance against that of the curvature: alignment = alpha beta.",
        ],
        Needs::Nothing,
        NONE,
        |view| noise(view, |n| n.size_alignment),
    ),
    entry(
        [
            "max_stable_learning_rate",
            "eta* = 2 / lambda_max(C^+ D)",
            "Largest step size at which the linearisation here is stable in mean square with the run's batches; one \
             symmetric eigen-decomposition of n c numbers at each recorded step.",
        ],
        Needs::Nothing,
        NONE,
        |view| view.max_stable_learning_rate(),
    ),
    entry(
        ["gd_limit", "2 / lambda_max(G)", "Largest step size at which gradient descent is stable here."],
        Needs::Nothing,
        NONE,
        |view| curvature(view, |c| 2.0 / c.lambda_max),
    ),
    entry(
        ["learning_rate", "eta", "Step size of the step that leads away from here, its unit written out."],
        Needs::Nothing,
        NONE,
        |view| view.learning_rate,
    ),
];
