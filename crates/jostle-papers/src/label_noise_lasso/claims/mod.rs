//! Claims C1 to C8, each a measurement that could fail.

mod averages;
mod convergence;
mod laws;

use crate::ClaimEntry;
use jostle_report::claim::Source;

/// Every claim.
pub(super) const CLAIMS: &[ClaimEntry] = &[
    ClaimEntry {
        id: "C1",
        statement: "The time average of the coefficients is the non-negative Lasso with lambda_j = eta delta^2/2 |X_j|^2/n, and \
                    not one with half or twice as much.",
        source: Source::Paper,
        needs: &["lasso"],
        measure: averages::average_is_the_lasso,
    },
    ClaimEntry {
        id: "C2",
        statement: "The same holds for signed coefficients, for all labels (lambda / n), for single samples (with the residuals' \
                    variance), for momentum (lambda / (1 - b)), and, weighted, for columns of unequal norms.",
        source: Source::Jostle,
        needs: &["signed", "all-labels", "sgd", "momentum", "columns"],
        measure: averages::variants,
    },
    ClaimEntry {
        id: "C3",
        statement: "To first order in the step size, a single coefficient has a Gamma law, whose mean is the Lasso, and dies where \
                    lambda exceeds its signal.",
        source: Source::Jostle,
        needs: &["scalar"],
        measure: laws::scalar_law,
    },
    ClaimEntry {
        id: "C4",
        statement: "The effective initialisation falls deterministically: ln u_j v_j by (eta delta)^2 |X_j|^2/n a step.",
        source: Source::Jostle,
        needs: &["signed"],
        measure: laws::effective_init,
    },
    ClaimEntry {
        id: "C5",
        statement: "Off the support, ln w_j falls as fast as the Lasso's KKT slack says.",
        source: Source::Jostle,
        needs: &["lasso"],
        measure: laws::slopes_are_slack,
    },
    ClaimEntry {
        id: "C6",
        statement: "Where theory promises it, the Lasso and the average have the support of the truth.",
        source: Source::Jostle,
        needs: &["support"],
        measure: convergence::supports,
    },
    ClaimEntry {
        id: "C7",
        statement: "The average converges to the Lasso; the iterate keeps fluctuating around it, at a constant step size.",
        source: Source::Paper,
        needs: &["iterate"],
        measure: convergence::iterate_fluctuates,
    },
    ClaimEntry {
        id: "C8",
        statement: "The distance of the average to the Lasso falls like a power of the steps: from step 1,000 on the slope of the \
                    logarithms is between -0.65 and -0.4.",
        source: Source::Jostle,
        needs: &["rate"],
        measure: convergence::rate,
    },
];
