//! Why the geometry of a point cannot be told.

/// A kernel, residuals or batches that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GeometryError {
    /// Nothing to measure.
    #[error("{array} is empty; expected at least one sample, output and parameter")]
    Empty {
        /// The array.
        array: &'static str,
    },
    /// An array whose size does not fit.
    #[error("{array} has {found} values; expected {expected}")]
    Length {
        /// The array.
        array: &'static str,
        /// Its number of values.
        found: usize,
        /// What fits.
        expected: String,
    },
    /// A value that is NaN or infinite.
    #[error("{array}[{position}] is {value}; expected a finite number")]
    NotFinite {
        /// The array.
        array: &'static str,
        /// The index, or `row i, column j`.
        position: String,
        /// NaN or an infinity.
        value: f64,
    },
    /// A kernel that differs from its transpose.
    #[error(
        "kernel[row {row}, column {column}] is {value}, but kernel[row {column}, column {row}] is {mirrored}; expected a symmetric matrix"
    )]
    NotSymmetric {
        /// A row.
        row: usize,
        /// A column.
        column: usize,
        /// The entry there.
        value: f64,
        /// The entry on the other side of the diagonal.
        mirrored: f64,
    },
    /// A kernel that no Jacobian has.
    #[error(
        "kernel has the eigenvalue {eigenvalue:.3e} beside its largest, {largest:.3e}; expected none below 0 but for rounding, as K = J J' has"
    )]
    NotPositive {
        /// Its smallest eigenvalue.
        eigenvalue: f64,
        /// Its largest eigenvalue.
        largest: f64,
    },
    /// A kernel with a negative entry on its diagonal.
    #[error(
        "kernel[row {row}, column {row}] is {value}; expected no entry below 0 on the diagonal, as K = J J' has none"
    )]
    NegativeDiagonal {
        /// The row, and the column.
        row: usize,
        /// The entry.
        value: f64,
    },
    /// A kernel that has overflowed at the point.
    #[error(
        "the kernel is not finite here (its trace is {trace:e}, its squared norm {squares:e}): products of derivatives overflow at this \
         point; expected smaller parameters"
    )]
    Overflow {
        /// Its trace.
        trace: f64,
        /// The sum of its squared entries.
        squares: f64,
    },
    /// A kernel whose numbers are beyond those of float64.
    #[error(
        "the kernel is about 1e{exponent}, which no float64 holds with all its digits (2e-308 to 2e308); scale jacobian and residuals, or \
         kernel, by a power of two: alignments and effective_rank do not depend on it"
    )]
    OutOfRange {
        /// The decimal exponent.
        exponent: i32,
    },
    /// A kernel of zeros: no parameter changes a prediction.
    #[error("kernel is zero: no parameter changes a prediction here")]
    Zero,
    /// A batch that cannot be drawn.
    #[error("batch is {found}; expected 1 to {samples} (the number of samples)")]
    Batch {
        /// The size asked for.
        found: usize,
        /// The number of samples.
        samples: usize,
    },
    /// A learning rate that is none.
    #[error("learning_rate is {found}; expected a finite number above 0")]
    LearningRate {
        /// What was given.
        found: f64,
    },
    /// A momentum that is none.
    #[error("momentum is {found}; expected at least 0 and below 1")]
    Momentum {
        /// What was given.
        found: f64,
    },
    /// Somebody asked to stop.
    #[error("the measurement was stopped")]
    Stopped,
    /// An eigen-decomposition that failed.
    #[error("the eigenvalues of the kernel could not be computed")]
    Eigenvalues,
}
