//! From which size on a coefficient counts as active.

use crate::setting::Settings;
use crate::theory::shortened;

/// The size from which on a coefficient counts as active.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ActiveThreshold {
    /// This.
    Absolute(f64),
    /// This times the largest absolute coefficient of the truth; of the coefficients themselves where there is no truth, or
    /// a truth of zeros.
    Relative(f64),
}

impl Default for ActiveThreshold {
    fn default() -> Self {
        Self::Relative(0.05)
    }
}

impl ActiveThreshold {
    /// The threshold that checked settings of [`ENTRY`](super::ENTRY) describe.
    pub fn from_settings(observe: &Settings) -> Self {
        let size = observe.number("active_threshold");
        match observe.text("active_threshold_unit") {
            "absolute" => Self::Absolute(size),
            _ => Self::Relative(size),
        }
    }

    /// The absolute value above which coefficients `beta` are active.
    pub fn at(self, truth: Option<&[f64]>, beta: &[f64]) -> f64 {
        match self {
            Self::Absolute(size) => size,
            Self::Relative(share) => share * of_truth(truth).unwrap_or_else(|| largest(beta)),
        }
    }

    /// The same in words.
    pub fn words(self, truth: Option<&[f64]>) -> String {
        match (self, of_truth(truth)) {
            (Self::Absolute(size), _) => format!("above {size}"),
            (Self::Relative(share), Some(largest)) => {
                format!("above {}, {share} times the largest true coefficient", shortened(share * largest))
            }
            (Self::Relative(share), None) => format!("above {share} times the largest fitted coefficient"),
        }
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, v| largest.max(v.abs()))
}

/// The largest absolute coefficient of a truth that is not zero.
fn of_truth(truth: Option<&[f64]>) -> Option<f64> {
    truth.map(largest).filter(|largest| *largest > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_follows_the_scale_of_the_truth_or_else_of_the_coefficients() {
        let relative = ActiveThreshold::default();
        assert_eq!(relative.at(Some(&[0.0, -0.5]), &[8.0]), 0.05 * 0.5);
        assert_eq!(relative.at(None, &[0.2, -8.0]), 0.05 * 8.0);
        assert_eq!(relative.at(Some(&[0.0, 0.0]), &[0.2, -8.0]), 0.05 * 8.0);
        assert_eq!(ActiveThreshold::Absolute(0.3).at(Some(&[0.0, -0.5]), &[8.0]), 0.3);
    }

    #[test]
    fn what_the_threshold_is_relative_to_is_said() {
        let said = |threshold: ActiveThreshold, truth: Option<&[f64]>| threshold.words(truth);
        let relative = ActiveThreshold::Relative(0.25);
        assert_eq!(said(relative, Some(&[2.0])), "above 0.5, 0.25 times the largest true coefficient");
        assert_eq!(said(relative, Some(&[0.1])), "above 0.025, 0.25 times the largest true coefficient");
        let many_digits = said(relative, Some(&[2.0 / 3.0]));
        assert_eq!(many_digits, "above 0.1667, 0.25 times the largest true coefficient");
        assert_eq!(said(relative, None), "above 0.25 times the largest fitted coefficient");
        assert_eq!(said(ActiveThreshold::Absolute(0.25), None), "above 0.25");
    }
}
