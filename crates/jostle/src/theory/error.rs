//! Why a prediction cannot be made.

use super::Sign;

/// A prediction that does not exist, does not apply, or could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TheoryError {
    /// A start from which multiplicative updates cannot move.
    #[error("init[{position}] is {value}; expected a finite number other than 0")]
    Init {
        /// The coordinate.
        position: usize,
        /// Its initial scale.
        value: f64,
    },
    /// An array of the wrong length.
    #[error("{array} has {found} values; expected {expected}")]
    Length {
        /// The array.
        array: &'static str,
        /// Its length.
        found: usize,
        /// The lengths it may have.
        expected: String,
    },
    /// An entry below zero, or not finite, where a strength or a weight is meant.
    #[error("{array}[{position}] is {value}; expected a finite number of at least 0")]
    Negative {
        /// The array.
        array: &'static str,
        /// The coordinate.
        position: usize,
        /// Its value.
        value: f64,
    },
    /// No coefficients of the sign reproduce the labels.
    #[error(
        "no {}coefficients reproduce the labels: the closest ones miss them by {distance:.3e} of their norm",
        if *sign == Sign::NonNegative { "non-negative " } else { "" }
    )]
    NoInterpolator {
        /// The signs that coefficients may have.
        sign: Sign,
        /// Distance of the labels to the closest predictions, relative to their norm.
        distance: f64,
    },
    /// An iteration that did not reach the accuracy of its certificate.
    #[error("the {quantity} was found only to a relative residual of {residual:.3e}")]
    NotConverged {
        /// What was to be computed.
        quantity: &'static str,
        /// The smallest residual reached.
        residual: f64,
    },
    /// A design so close to the boundary that neither certificate could be verified.
    #[error("the design is undecided: the smallest entry of the most positive null vector is {margin:.3e}")]
    Undecided {
        /// Entries are those of a vector whose sum is one, for columns of norm one.
        margin: f64,
    },
    /// A model outside the theorem.
    #[error("{theorem} holds for beta = w^2, u^2 - v^2 and a * b; the model is {model}")]
    Model {
        /// The prediction that was asked for.
        theorem: &'static str,
        /// The model.
        model: String,
    },
    /// A truth that the coefficients of the sign cannot be.
    #[error(
        "truth[{position}] is {value}; expected a finite {}number",
        if *sign == Sign::NonNegative { "non-negative " } else { "" }
    )]
    Truth {
        /// The coordinate.
        position: usize,
        /// Its value.
        value: f64,
        /// The signs that coefficients may have.
        sign: Sign,
    },
    /// Settings under which no theory says which Lasso, if any, the time average tends to.
    #[error("no Lasso is known for {place}: {reason}")]
    NoLasso {
        /// The setting, as in an experiment.
        place: String,
        /// Why it keeps theory from predicting.
        reason: String,
    },
    /// A `lambda` that cannot be reached by adding noise.
    #[error(
        "mini-batches and the other noises make a lambda of {others:.3e} already; expected more than that"
    )]
    TooMuchNoise {
        /// The one that is asked for.
        lambda: f64,
        /// The mean `lambda_j` of everything else.
        others: f64,
    },
    /// A noise outside the theorem.
    #[error("{theorem} holds for label noise and mini-batches; noise.{index} is another noise")]
    Noise {
        /// The prediction that was asked for.
        theorem: &'static str,
        /// The position of the noise in the experiment.
        index: usize,
    },
    /// A dynamics outside the theorem.
    #[error("{theorem} holds for {known}; dynamics.{setting} is {found}")]
    Dynamics {
        /// The prediction that was asked for.
        theorem: &'static str,
        /// The setting.
        setting: &'static str,
        /// Its value, in words.
        found: String,
        /// What the theorem holds for, in words.
        known: String,
    },
    /// Replicas that begin elsewhere than theory supposes.
    #[error("{theorem} holds for start.kind = \"init\" and dynamics.learning_rate_unit = \"one\"")]
    Start {
        /// The prediction that was asked for.
        theorem: &'static str,
    },
    /// A fraction outside (0, 1).
    #[error("{name} is {value}; expected a number above 0 and below 1")]
    Fraction {
        /// The argument.
        name: &'static str,
        /// Its value.
        value: f64,
    },
}
