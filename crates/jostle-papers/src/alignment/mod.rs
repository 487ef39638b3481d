//! *The alignment property of SGD noise and how it helps select flat minima: A stability analysis* (Wu, Wang, Su 2022).

mod claims;
mod figures;
mod points;

use super::Paper;

pub(super) const PAPER: Paper = Paper {
    name: "alignment",
    title: "The alignment of SGD noise",
    reference: "L. Wu, M. Wang, W. J. Su: The alignment property of SGD noise and how it helps select flat minima: A \
                stability analysis. NeurIPS 2022, arXiv:2207.02628.",
    lead: "The noise of stochastic gradients is large where the loss is large and points where the curvature is. How \
           close does it follow the curvature, which minima does that leave stable, and what happens at the others?",
    experiments: experiments![
        "alignment":
        "gaussian",
        "directions",
        "features",
        "networks",
        "linear-networks",
        "width",
        "samples",
        "batches-tanh",
        "batches-relu",
        "batches-gaussian",
        "one-sample",
        "outputs",
        "growth",
        "escape",
        "minima",
        "atlas",
        "nets-mlp",
        "nets-mlp-outputs",
        "nets-cnn",
        "nets-cnn-outputs",
        "nets-solutions",
        "nets-escape",
    ],
    networks: &[],
    data: &[],
    claims: claims::CLAIMS,
    figures: figures::FIGURES,
    failures: claims::FAILURES,
    page: "docs/science/alignment.md",
    references: &[
        "R. Mulayoff, T. Michaeli: Exact mean square linear stability analysis for SGD. COLT 2024, arXiv:2306.07850 (the \
         exact threshold, the trace bound).",
    ],
};
