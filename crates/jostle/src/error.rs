//! What can be wrong with an input. A trajectory that explodes is not an error but data.

use crate::setting::SettingError;

/// An input that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A setting that cannot be used with the others; `section` is the part of the experiment it belongs to.
    #[error("{section}.{source}")]
    Setting {
        /// `problem`, `model`, `dynamics`, `noise.0`, `observe` or `ensemble`.
        section: String,
        /// The key and what is wrong with it.
        source: SettingError,
    },
    /// An array of the wrong length.
    #[error("{array} has {found} values; expected {expected} ({reason})")]
    Length {
        /// The array.
        array: &'static str,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
        /// Why.
        reason: &'static str,
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
    /// A label that should be a class.
    #[error("{array} of sample {sample} is {}, not a class; expected {}", shown(label), classes(label.len()))]
    NoClass {
        /// The array.
        array: &'static str,
        /// The sample.
        sample: usize,
        /// Its labels.
        label: Vec<f64>,
    },
    /// An empty problem.
    #[error("the problem has {samples} samples of dimension {dim}; expected at least one of each")]
    Empty {
        /// Number of samples.
        samples: usize,
        /// Dimension of a sample.
        dim: usize,
    },
}

impl InputError {
    /// Puts a setting error into its section.
    pub fn in_section(section: impl Into<String>) -> impl FnOnce(SettingError) -> Self {
        let section = section.into();
        |source| Self::Setting { section, source }
    }
}

/// A label, or the first ones of several.
fn shown(label: &[f64]) -> String {
    match label {
        [one] => format!("{one:?}"),
        few if few.len() <= 10 => format!("{few:?}"),
        many => {
            let first: Vec<String> = many[..10].iter().map(|value| format!("{value:?}")).collect();
            format!("[{}, ...]", first.join(", "))
        }
    }
}

/// The form of labels that are classes.
fn classes(outputs: usize) -> String {
    match outputs {
        1 => "1 or -1".to_owned(),
        many => format!("one 1 among {many} values, and 0 otherwise"),
    }
}
