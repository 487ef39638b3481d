//! *Label noise (stochastic) gradient descent implicitly solves the Lasso for quadratic parametrisation* (Pillaud-Vivien,
//! Reygner, Flammarion 2022).

mod claims;
mod figures;
mod predicted;

use super::Paper;

pub(super) const PAPER: Paper = Paper {
    name: "label-noise-lasso",
    title: "Label noise solves the Lasso",
    reference: "L. Pillaud-Vivien, J. Reygner, N. Flammarion: Label noise (stochastic) gradient descent implicitly \
                solves the Lasso for quadratic parametrisation. COLT 2022, arXiv:2206.09841.",
    lead: "Fresh noise in the labels of f(x) = <w*w, x> makes the time average of the coefficients solve a Lasso, whose \
           strength is set by step size and noise.",
    experiments: experiments![
        "label-noise-lasso":
        "lasso",
        "signed",
        "all-labels",
        "sgd",
        "momentum",
        "columns",
        "scalar",
        "support",
        "iterate",
        "rate",
        "coordinates",
        "gd",
        "sgd-plain",
        "diabetes",
    ],
    networks: &[],
    data: data!["label-noise-lasso": "columns.npz", "scalar.npz", "diabetes.csv"],
    claims: claims::CLAIMS,
    figures: figures::FIGURES,
    failures: &[],
    page: "docs/science/label-noise-lasso.md",
    references: &[
        "B. Efron, T. Hastie, I. Johnstone, R. Tibshirani: Least angle regression. Annals of Statistics 32, 2004 (the \
         diabetes data).",
        "M. Andriushchenko, A. Varre, L. Pillaud-Vivien, N. Flammarion: SGD with large step sizes learns sparse \
         features. ICML 2023, arXiv:2210.05337 (the residual variance of single-sample steps).",
        "J.-J. Fuchs: On sparse representations in arbitrary redundant bases. IEEE Transactions on Information Theory \
         50, 2004 (the condition of support recovery).",
    ],
};
