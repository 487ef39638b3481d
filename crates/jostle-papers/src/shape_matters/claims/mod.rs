//! Claims A1 to A8, and N4 and N5 on networks, each a measurement that could fail.

mod ends;
mod theory;

use super::networks;
use crate::{ClaimEntry, Failure};
use jostle_report::claim::Source;

/// Every claim.
pub(super) const CLAIMS: &[ClaimEntry] = &[
    ClaimEntry {
        id: "A1",
        statement: "Gradient descent started at w = 1 ends at a dense interpolator, far from the sparse truth.",
        source: Source::Paper,
        needs: &["gd-seeds", "gd"],
        measure: ends::gd_is_dense,
    },
    ClaimEntry {
        id: "A2",
        statement: "Label noise recovers the sparse truth from the same start.",
        source: Source::Paper,
        needs: &["label-seeds", "label"],
        measure: ends::label_noise_recovers,
    },
    ClaimEntry {
        id: "A3",
        statement: "Isotropic Gaussian noise of std 0.01 to 1 at a constant step size does not recover it, and drifts away.",
        source: Source::Paper,
        needs: &["isotropic"],
        measure: ends::isotropic_does_not,
    },
    ClaimEntry {
        id: "A4",
        statement: "Label noise recovers the truth from starts of 0.1 to 3, if the noise is large enough for the start.",
        source: Source::Paper,
        needs: &["initialisation"],
        measure: ends::from_any_start,
    },
    ClaimEntry {
        id: "A5",
        statement: "Gradient descent ends at the entropy projection that its start determines.",
        source: Source::Jostle,
        needs: &["gd-limit"],
        measure: theory::gd_limit_is_the_projection,
    },
    ClaimEntry {
        id: "A6",
        statement: "Mini-batch noise helps, but not reliably.",
        source: Source::Jostle,
        needs: &["mini-batch", "label", "gd"],
        measure: ends::mini_batch_is_unreliable,
    },
    ClaimEntry {
        id: "A7",
        statement: "With 40 samples in dimension 100 the design almost always has a strictly positive null vector, along which \
                    isotropic noise has no stationary law.",
        source: Source::Jostle,
        needs: &[],
        measure: |runs| Ok(theory::positive_null_vectors(runs)),
    },
    ClaimEntry {
        id: "A8",
        statement: "With large label noise, three step sizes and 60 samples, on most data sets everything shrinks, then the support \
                    grows back, then its accuracy is refined.",
        source: Source::Paper,
        needs: &["three-phases"],
        measure: ends::three_phases,
    },
    ClaimEntry {
        id: "N4",
        statement: "A convolutional network trained with large batches generalises worse than one trained with small batches; label \
                    noise makes up for it, isotropic noise for less of it.",
        source: Source::Paper,
        needs: &networks::RUNS,
        measure: networks::accuracy,
    },
    ClaimEntry {
        id: "N5",
        statement: "Small batches, and label noise with large ones, lead to flatter points than large batches do.",
        source: Source::Jostle,
        needs: &networks::RUNS,
        measure: networks::sharpness,
    },
];

/// Where claims are known to fail.
pub(super) const FAILURES: &[Failure] = &[
    Failure {
        id: "N4",
        place: "the digits",
        numbers: "small batches gain 0.008 [-0.005, 0.025] in test accuracy",
    },
    Failure {
        id: "N4",
        place: "CIFAR-10",
        numbers: "small batches gain -0.039 [-0.070, -0.015], label noise -0.007 [-0.025, 0.009]",
    },
];
