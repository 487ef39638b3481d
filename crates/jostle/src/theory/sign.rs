//! Which coefficients a parametrisation can reach.

use crate::model::LinkKind;

/// The signs that coefficients may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Any.
    Signed,
    /// Zero or above.
    NonNegative,
}

impl Sign {
    /// The signs that a parametrisation can reach: `w^2` is never negative.
    pub fn of(link: LinkKind) -> Self {
        match link {
            LinkKind::Square(_) => Sign::NonNegative,
            LinkKind::Power(_) | LinkKind::Product(_) | LinkKind::Unit(_) => Sign::Signed,
        }
    }

    /// How far a correlation with a column reaches towards the bound on it: `|v|`, or `v` where only positive
    /// coefficients are allowed.
    pub(super) fn reach(self, v: f64) -> f64 {
        match self {
            Sign::Signed => v.abs(),
            Sign::NonNegative => v,
        }
    }
}

impl std::fmt::Display for Sign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sign::Signed => write!(f, "signed"),
            Sign::NonNegative => write!(f, "non-negative"),
        }
    }
}
