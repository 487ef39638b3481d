//! The observables themselves: each is an entry that documents and computes itself.

use super::{Moments, Needs, Observable, SumOfSquares, View, truth_support};
use crate::noise::total_trace;
use crate::theory::Reference;

const INFINITE: f64 = f64::INFINITY;

pub(super) const ALL: &[Observable] = &[
    Observable {
        name: "train_loss",
        symbol: "L = (a/n) sum_i (f_i - y_i)^2",
        doc: "Training loss, with the loss factor a of the model; of a network with cross-entropy, -(1/n) sum_i ln softmax(f_i)_y.",
        needs: Needs::Nothing,
        diverged: INFINITE,
        measure: |view| view.training_loss(),
        expect: Some(|moments| {
            moments.loss_factor / moments.problem.samples() as f64 * moments.squared_residuals
        }),
    },
    Observable {
        name: "test_error",
        symbol: "|beta - truth|^2",
        doc: "Squared distance of the coefficients to the truth; for isotropic inputs, the mean squared test error.",
        needs: Needs::Truth,
        diverged: INFINITE,
        measure: |view| squared_error(view, view.beta),
        expect: Some(|moments| error(moments).mean),
    },
    Observable {
        name: "distance_to_truth",
        symbol: "|beta - truth| / |truth|",
        doc: "Relative distance of the coefficients to the truth (the plain distance where the truth is zero).",
        needs: Needs::Truth,
        diverged: INFINITE,
        measure: |view| {
            let norm: f64 = view.problem.truth().unwrap_or_default().iter().map(|t| t * t).sum();
            (squared_error(view, view.beta) / if norm > 0.0 { norm } else { 1.0 }).sqrt()
        },
        expect: Some(|moments| {
            let norm: f64 = moments.problem.truth().unwrap_or_default().iter().map(|t| t * t).sum();
            error(moments).root() / if norm > 0.0 { norm.sqrt() } else { 1.0 }
        }),
    },
    Observable {
        name: "average_test_error",
        symbol: "|mean beta - truth|^2",
        doc: "Squared distance of the running time average of the coefficients to the truth.",
        needs: Needs::AverageAndTruth,
        diverged: INFINITE,
        measure: |view| squared_error(view, view.settled()),
        expect: None,
    },
    Observable {
        name: "l1_norm",
        symbol: "|beta|_1",
        doc: "Sum of the absolute coefficients.",
        needs: Needs::Coefficients,
        diverged: INFINITE,
        measure: |view| view.beta.iter().map(|b| b.abs()).sum(),
        expect: Some(|moments| (0..moments.mean.len()).map(|j| moments.absolute(j)).sum()),
    },
    Observable {
        name: "l2_norm",
        symbol: "|beta|_2",
        doc: "Euclidean norm of the coefficients.",
        needs: Needs::Coefficients,
        diverged: INFINITE,
        measure: |view| view.beta.iter().map(|b| b * b).sum::<f64>().sqrt(),
        expect: Some(|moments| moments.squared_distance(|_| 0.0).root()),
    },
    Observable {
        name: "active",
        symbol: "#{|beta_j| > threshold}",
        doc: "Number of active coefficients: those above observe.active_threshold.",
        needs: Needs::Coefficients,
        diverged: f64::NAN,
        measure: |view| active(view).filter(|a| *a).count() as f64,
        expect: Some(|moments| (0..moments.mean.len()).map(|j| moments.active(j)).sum()),
    },
    Observable {
        name: "support_mean",
        symbol: "mean of |beta_j| over the support of the truth",
        doc: "Mean absolute coefficient on the support of the truth; 0 when the truth is zero.",
        needs: Needs::Truth,
        diverged: INFINITE,
        measure: |view| {
            let on: Vec<f64> = split(view, true).collect();
            if on.is_empty() { 0.0 } else { on.iter().sum::<f64>() / on.len() as f64 }
        },
        expect: Some(|moments| {
            let (sum, count) = moments.on_support(Moments::absolute);
            if count == 0 { 0.0 } else { sum / count as f64 }
        }),
    },
    Observable {
        name: "off_support_max",
        symbol: "max of |beta_j| off the support of the truth",
        doc: "Largest absolute coefficient off the support of the truth; 0 when there is none.",
        needs: Needs::Truth,
        diverged: INFINITE,
        measure: |view| split(view, false).fold(0.0, f64::max),
        expect: None,
    },
    Observable {
        name: "support_precision",
        symbol: "|active and true| / |active|",
        doc: "Share of the active coefficients that are in the support of the truth; 1 when none is active.",
        needs: Needs::Truth,
        diverged: f64::NAN,
        measure: |view| share(both(view), active(view).filter(|a| *a).count()),
        expect: None,
    },
    Observable {
        name: "support_recall",
        symbol: "|active and true| / |true|",
        doc: "Share of the support of the truth that is active; 1 when the truth is zero.",
        needs: Needs::Truth,
        diverged: f64::NAN,
        measure: |view| share(both(view), truth_support(view.problem).filter(|s| *s).count()),
        expect: Some(|moments| {
            let (sum, count) = moments.on_support(Moments::active);
            if count == 0 { 1.0 } else { sum / count as f64 }
        }),
    },
    Observable {
        name: "gradient_norm",
        symbol: "|grad L|",
        doc: "Euclidean norm of the gradient of the training loss.",
        needs: Needs::Nothing,
        diverged: INFINITE,
        measure: |view| view.gradient().iter().map(|g| g * g).sum::<f64>().sqrt(),
        expect: Some(|moments| moments.squared_gradient.root()),
    },
    Observable {
        name: "noise_trace",
        symbol: "Tr Cov(J'w + zeta)",
        doc: "Trace of the covariance of one step's gradient: of the mini-batch and of every noise.",
        needs: Needs::Nothing,
        diverged: INFINITE,
        measure: |view| {
            let point = view.point();
            total_trace(view.noises, view.dynamics.effective_batch(point.problem.samples()), &point)
        },
        expect: Some(|moments| moments.noise_trace),
    },
    Observable {
        name: "distance_to_lasso",
        symbol: "|beta - Lasso| / |Lasso|",
        doc: "Relative distance of the coefficients to the Lasso that theory predicts for the last step size (their norm \
              where it is zero); NaN where that is one of several.",
        needs: Needs::Lasso,
        diverged: INFINITE,
        measure: |view| to_lasso(view, view.beta),
        expect: None,
    },
    Observable {
        name: "time_average_to_lasso",
        symbol: "|mean beta - Lasso| / |Lasso|",
        doc: "Relative distance of the running time average of the coefficients to the predicted Lasso; NaN where that is one \
              of several.",
        needs: Needs::AverageAndLasso,
        diverged: INFINITE,
        measure: |view| to_lasso(view, view.settled()),
        expect: None,
    },
    Observable {
        name: "predictions_to_lasso",
        symbol: "|X (beta - Lasso)| / |X Lasso|",
        doc: "Relative distance of the predictions X beta to those of the predicted Lasso (their norm where it is zero). All \
              solutions of a Lasso have the same predictions.",
        needs: Needs::Lasso,
        diverged: INFINITE,
        measure: |view| predictions_to_lasso(view, view.beta),
        expect: None,
    },
    Observable {
        name: "average_predictions_to_lasso",
        symbol: "|X (mean beta - Lasso)| / |X Lasso|",
        doc: "Relative distance of the predictions of the running time average to those of the predicted Lasso.",
        needs: Needs::AverageAndLasso,
        diverged: INFINITE,
        measure: |view| predictions_to_lasso(view, view.settled()),
        expect: None,
    },
    Observable {
        name: "kkt_residual",
        symbol: "max_j c_j |change of b_j by minimising over it| / lambda_j, c_j = |X_j|^2/n",
        doc: "Violation of the predicted Lasso's optimality conditions, each divided by its lambda_j, by the running time \
              average, or by the coefficients where none is kept.",
        needs: Needs::Lasso,
        diverged: INFINITE,
        measure: |view| view.lasso_certificate().map_or(f64::NAN, |certificate| certificate.kkt_residual),
        expect: None,
    },
    Observable {
        name: "duality_gap",
        symbol: "(P - D) / (|y|^2 / 2n)",
        doc: "Duality gap of the predicted Lasso in units of its objective at zero, at the running time average, or at \
              the coefficients where none is kept; NaN where all labels are zero.",
        needs: Needs::Lasso,
        diverged: INFINITE,
        measure: |view| view.lasso_certificate().map_or(f64::NAN, |certificate| certificate.relative_gap),
        expect: None,
    },
    Observable {
        name: "log_slope_error",
        symbol: "rms(slope_j - slack_j) / rms(slack_j)",
        doc: "Off the predicted Lasso's support: relative distance of the slopes of ln |w_j| since the start to the KKT \
              slack.",
        needs: Needs::LassoAtOneStepSize,
        diverged: INFINITE,
        measure: |view| {
            let error = |reference: &Reference| reference.log_slope_error(view.log_abs_theta, view.step);
            view.reference.map_or(f64::NAN, error)
        },
        expect: None,
    },
    Observable {
        name: "effective_init",
        symbol: "alpha_t = exp(mean_j ln sqrt|u_j v_j|)",
        doc: "Scale of the start from which gradient flow would keep the same u_j v_j: their geometric mean.",
        needs: Needs::TwoSquares,
        diverged: INFINITE,
        measure: |view| {
            let logarithms = view.log_abs_theta;
            (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp()
        },
        expect: None,
    },
];

fn to_lasso(view: &View<'_>, beta: &[f64]) -> f64 {
    let unique = view.reference.map(|reference| &reference.predicted).filter(|found| found.lasso.is_unique);
    unique.map_or(f64::NAN, |predicted| predicted.relative_distance(beta))
}

fn predictions_to_lasso(view: &View<'_>, beta: &[f64]) -> f64 {
    let distance = |reference: &Reference| reference.predicted.predictions_distance(view.problem, beta);
    view.reference.map_or(f64::NAN, distance)
}

fn squared_error(view: &View<'_>, beta: &[f64]) -> f64 {
    let truth = view.problem.truth().unwrap_or_default();
    beta.iter().zip(truth).map(|(b, t)| (b - t) * (b - t)).sum()
}

fn error(moments: &Moments<'_>) -> SumOfSquares {
    let truth = moments.problem.truth().unwrap_or_default();
    moments.squared_distance(|j| truth[j])
}

fn active<'a>(view: &View<'a>) -> impl Iterator<Item = bool> + use<'a> {
    let threshold = view.active.at(view.problem.truth(), view.beta);
    view.beta.iter().map(move |b| b.abs() > threshold)
}

/// The absolute coefficients on the support of the truth, or off it.
fn split<'a>(view: &View<'a>, on: bool) -> impl Iterator<Item = f64> + use<'a> {
    view.beta
        .iter()
        .zip(truth_support(view.problem))
        .filter(move |(_, real)| *real == on)
        .map(|(b, _)| b.abs())
}

fn both(view: &View<'_>) -> usize {
    active(view).zip(truth_support(view.problem)).filter(|(active, real)| *active && *real).count()
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
