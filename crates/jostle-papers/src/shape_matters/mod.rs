//! *Shape Matters: Understanding the Implicit Bias of the Noise Covariance* (HaoChen, Wei, Lee, Ma 2020).

mod claims;
mod figures;
mod networks;

use super::Paper;

pub(super) const PAPER: Paper = Paper {
    name: "shape-matters",
    title: "Shape Matters",
    reference: "J. Z. HaoChen, C. Wei, J. D. Lee, T. Ma: Shape Matters: Understanding the Implicit Bias of the Noise \
                Covariance. COLT 2021, arXiv:2006.08680.",
    lead: "Which minimum does noisy gradient descent find on f(x) = <w*w, x> with fewer samples than dimensions? \
           Label noise recovers the sparse truth; gradient descent and isotropic noise overfit.",
    experiments: experiments![
        "shape-matters":
        "gd",
        "label",
        "mini-batch",
        "isotropic",
        "gd-seeds",
        "label-seeds",
        "initialisation",
        "gd-limit",
        "three-phases",
        "samples",
        "shape",
    ],
    networks: experiments!["shape-matters": "nets-small-batch", "nets-large-batch", "nets-label-noise", "nets-isotropic"],
    data: data!["shape-matters": "released-code.npz"],
    claims: claims::CLAIMS,
    figures: figures::FIGURES,
    failures: claims::FAILURES,
    page: "docs/science/shape-matters.md",
    references: &[
        "J. G. Wendel: A problem in geometric probability. Mathematica Scandinavica 11, 1962 (claim A7).",
        "J. Pesme, L. Pillaud-Vivien, N. Flammarion: Implicit bias of SGD for diagonal linear networks. NeurIPS 2021, \
         arXiv:2106.09524 (the multiplicative form of the updates).",
    ],
};
