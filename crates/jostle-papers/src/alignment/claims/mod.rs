//! Claims B1 to B8, and N1 to N3 on images, each a measurement that could fail.

mod alignment;
mod escape;
mod growth;
mod networks;
mod stability;

use crate::{ClaimEntry, Failure};
use jostle_report::claim::Source;

pub(super) use escape::{Fate, SHARP, counted, fates};
pub(super) use growth::{Growth, growths};
pub(super) use networks::{End, NETWORKS, batches, data_of_networks, ends, of_batch, outputs};
pub(super) use stability::means_by;

/// Every claim.
pub(super) const CLAIMS: &[ClaimEntry] = &[
    ClaimEntry {
        id: "B1",
        statement: "On a linear predictor with many Gaussian samples the alignment is 1 + grad L' S grad L / (2 L |S|_F^2).",
        source: Source::Paper,
        needs: &["gaussian"],
        measure: alignment::gaussian,
    },
    ClaimEntry {
        id: "B2",
        statement: "On random features and networks the alignment is of order one along SGD, whatever the width.",
        source: Source::Paper,
        needs: &["features", "networks", "linear-networks"],
        measure: alignment::along_sgd,
    },
    ClaimEntry {
        id: "B3",
        statement: "Where SGD is stable in the mean square, |G|_F <= sqrt(B'/mu_0) / eta, with the smallest centred alignment mu_0 \
                    of any direction: necessary, not sharp on these kernels.",
        source: Source::Jostle,
        needs: &["batches-tanh", "batches-relu", "batches-gaussian", "directions", "one-sample", "outputs"],
        measure: stability::frobenius_bound,
    },
    ClaimEntry {
        id: "B4",
        statement: "Where it is not, the mean loss grows at least by the factor eta^2 mu_0 |G|_F^2 / B' a step, with the same mu_0.",
        source: Source::Jostle,
        needs: &["batches-tanh", "batches-relu", "batches-gaussian"],
        measure: stability::lower_bound_of_growth,
    },
    ClaimEntry {
        id: "B5",
        statement: "The exact threshold separates growth of the mean loss from decay; the typical path decays beyond it.",
        source: Source::Jostle,
        needs: &["growth"],
        measure: growth::threshold_separates,
    },
    ClaimEntry {
        id: "B6",
        statement: "On tanh random features in dimension 10 the threshold of single samples depends by less than 5 % on the width and \
                    on the number of samples.",
        source: Source::Paper,
        needs: &["width", "samples"],
        measure: stability::independence,
    },
    ClaimEntry {
        id: "B7",
        statement: "SGD escapes exponentially from a minimum that is too sharp for its step size, and lands at a flatter one.",
        source: Source::Paper,
        needs: &["escape", "minima"],
        measure: escape::lands_flatter,
    },
    ClaimEntry {
        id: "B8",
        statement: "On three kernels the smallest of the bounds by lambda_max, trace and alignment predicts the threshold for every \
                    batch size, and |G|_F <= sqrt(B') / (eta sqrt(1 - 1/B')) without any alignment.",
        source: Source::Jostle,
        needs: &["batches-tanh", "batches-relu", "batches-gaussian", "outputs"],
        measure: stability::envelope,
    },
    ClaimEntry {
        id: "N1",
        statement: "On real images the alignment is of order one along SGD, for a fully connected and a convolutional network: mu with \
                    one output, c mu with c of them.",
        source: Source::Paper,
        needs: &["nets-mlp", "nets-mlp-outputs", "nets-cnn", "nets-cnn-outputs"],
        measure: networks::along_sgd,
    },
    ClaimEntry {
        id: "N2",
        statement: "Where SGD ends on real images its step size is at most the exact threshold, so that Tr G <= 2 B'/eta, |G|_F <= \
                    sqrt(B') / (eta sqrt(1 - 1/B')) and lambda_max <= 2/eta; and some large step sizes end close to it.",
        source: Source::Jostle,
        needs: &["nets-solutions"],
        measure: networks::solutions,
    },
    ClaimEntry {
        id: "N3",
        statement: "From most minima that gradient descent found on real images SGD escapes, and lands at flatter ones.",
        source: Source::Paper,
        needs: &["nets-escape"],
        measure: escape::networks_land_flatter,
    },
];

/// Where claims are known to fail.
pub(super) const FAILURES: &[Failure] = &[
    Failure {
        id: "N1",
        place: "CIFAR-10 at the quick scale",
        numbers: "ten outputs, convolutions: c mu is 3.4 [2.4, 4.9]",
    },
    Failure {
        id: "N2",
        place: "CIFAR-10",
        numbers: "5 of 17 ends of single samples are at 1.06 to 1.19 of the exact threshold",
    },
];

/// The largest of some numbers; not a number if one of them is not.
fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::NEG_INFINITY, |most, v| if v > most || v.is_nan() { v } else { most })
}

/// The smallest of some numbers; not a number if one of them is not.
fn smallest(values: impl IntoIterator<Item = f64>) -> f64 {
    -largest(values.into_iter().map(|v| -v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_both_the_largest_and_the_smallest() {
        assert_eq!((largest([1.0, 3.0, 2.0]), smallest([1.0, 3.0, 2.0])), (3.0, 1.0));
        for values in [[f64::NAN, 1.0, 2.0], [1.0, f64::NAN, 2.0], [1.0, 2.0, f64::NAN]] {
            assert!(largest(values).is_nan() && smallest(values).is_nan());
        }
    }
}
