//! The parameters themselves.

use super::{GradientPoint, Here};

pub(super) const NAME: &str = "parameters";

/// The parameters themselves.
#[derive(Debug)]
pub(super) struct Parameters;

impl GradientPoint for Parameters {
    fn place(&self, _: &Here<'_>, _: &mut [f64]) {}

    fn is_parameters(&self) -> bool {
        true
    }
}
