//! The memory of a problem's arrays: its own, or shared with whoever made them.

use std::ops::Deref;
use std::sync::Arc;

/// Numbers that somebody else holds, such as a NumPy array. They must stay the same numbers as long as they are shared.
pub type SharedNumbers = Arc<dyn AsRef<[f64]> + Send + Sync>;

/// An array of numbers.
#[derive(Clone)]
pub(crate) enum Numbers {
    /// Memory of its own.
    Own(Vec<f64>),
    /// Memory of somebody else, which is only read.
    Shared(SharedNumbers),
}

impl Numbers {
    /// The numbers as memory of its own, copied first where it is shared.
    pub(super) fn own(&mut self) -> &mut Vec<f64> {
        let copied = match self {
            Self::Own(values) => std::mem::take(values),
            Self::Shared(values) => (**values).as_ref().to_vec(),
        };
        *self = Self::Own(copied);
        match self {
            Self::Own(values) => values,
            Self::Shared(_) => unreachable!("what was shared has been copied"),
        }
    }
}

impl Deref for Numbers {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        match self {
            Self::Own(values) => values,
            Self::Shared(values) => (**values).as_ref(),
        }
    }
}

impl From<Vec<f64>> for Numbers {
    fn from(values: Vec<f64>) -> Self {
        Self::Own(values)
    }
}

impl From<SharedNumbers> for Numbers {
    fn from(values: SharedNumbers) -> Self {
        Self::Shared(values)
    }
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}
