//! Claims B1 to B8, and N1 to N3 on images, each a measurement that could fail.

mod alignment;
mod escape;
mod growth;
mod networks;
mod stability;

use crate::judgement::{self, Verdict};
use crate::{Failure, Paper, Runs, Statement};
use jostle_lab::run::LabError;
use jostle_report::claim::Claim;

pub(super) use escape::{Fate, SHARP, counted, fates};
pub(super) use growth::{Growth, growths};
pub(super) use networks::{End, NETWORKS, batches, data_of_networks, ends, of_batch, outputs};
pub(super) use stability::means_by;

const ALIGNMENT: &Paper = &super::PAPER;

/// Every claim.
pub(super) const STATEMENTS: &[Statement] = &[
    Statement::of_the_paper(
        "B1",
        "On a linear predictor with many Gaussian samples the alignment is 1 + grad L' S grad L / (2 L |S|_F^2).",
    ),
    Statement::of_the_paper(
        "B2",
        "On random features and networks the alignment is of order one along SGD, whatever the width.",
    ),
    Statement::of_jostle(
        "B3",
        "Where SGD is stable in the mean square, |G|_F <= sqrt(B'/mu_0) / eta, with the smallest centred alignment mu_0 \
         of any direction: necessary, not sharp on these kernels.",
    ),
    Statement::of_jostle(
        "B4",
        "Where it is not, the mean loss grows at least by the factor eta^2 mu_0 |G|_F^2 / B' a step, with the same mu_0.",
    ),
    Statement::of_jostle(
        "B5",
        "The exact threshold separates growth of the mean loss from decay; the typical path decays beyond it.",
    ),
    Statement::of_the_paper(
        "B6",
        "On tanh random features in dimension 10 the threshold of single samples depends by less than 5 % on the width and \
         on the number of samples.",
    ),
    Statement::of_the_paper(
        "B7",
        "SGD escapes exponentially from a minimum that is too sharp for its step size, and lands at a flatter one.",
    ),
    Statement::of_jostle(
        "B8",
        "On three kernels the smallest of the bounds by lambda_max, trace and alignment predicts the threshold for every \
         batch size, and |G|_F <= sqrt(B') / (eta sqrt(1 - 1/B')) without any alignment.",
    ),
    Statement::of_the_paper(
        "N1",
        "On real images the alignment is of order one along SGD, for a fully connected and a convolutional network: mu with \
         one output, c mu with c of them.",
    ),
    Statement::of_jostle(
        "N2",
        "Where SGD ends on real images its step size is at most the exact threshold, so that Tr G <= 2 B'/eta, |G|_F <= \
         sqrt(B') / (eta sqrt(1 - 1/B')) and lambda_max <= 2/eta; and some large step sizes end close to it.",
    ),
    Statement::of_the_paper(
        "N3",
        "From most minima that gradient descent found on real images SGD escapes, and lands at flatter ones.",
    ),
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

/// Judges every claim.
pub(super) fn judge(runs: &Runs) -> Result<Vec<Claim>, LabError> {
    Ok(vec![
        alignment::gaussian(runs)?,
        alignment::along_sgd(runs)?,
        stability::frobenius_bound(runs)?,
        stability::lower_bound_of_growth(runs)?,
        growth::threshold_separates(runs)?,
        stability::independence(runs)?,
        escape::lands_flatter(runs)?,
        stability::envelope(runs)?,
        networks::along_sgd(runs)?,
        networks::solutions(runs)?,
        escape::networks_land_flatter(runs)?,
    ])
}

fn claim(id: &str, verdict: &Verdict, expected: &str, how: &str) -> Claim {
    judgement::claim(ALIGNMENT, id, verdict, expected, how)
}

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
