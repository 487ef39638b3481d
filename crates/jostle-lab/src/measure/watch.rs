//! How far a measurement is.

use super::Point;
use crate::{Progress, Unit};
use jostle::Watch;
use jostle::geometry::{KernelSource, Watched};

/// Products in which a largest eigenvalue is found, as a rule.
const PRODUCTS: f64 = 24.0;

/// Passes on what a kernel says about its work.
pub(super) struct Watching<'a>(pub(super) &'a dyn Progress);

impl Watch for Watching<'_> {
    fn computed(&self, multiply_adds: f64) {
        self.0.advanced(multiply_adds as u64);
    }
}

/// Does what passes over the kernel of a point and finds its largest eigenvalue and those of its layers, watched.
pub(super) fn with_kernel<R>(
    point: &Point,
    progress: &dyn Progress,
    work: impl FnOnce(&Watched<'_>) -> R,
) -> R {
    let watching = Watching(progress);
    let watched = Watched::new(Box::new(&*point.source), &watching);
    let products = PRODUCTS * (1 + point.source.layers().len()) as f64;
    let total = watched.work_of_pass() + products * watched.work_of_product();
    progress.begins("quantities", total, Unit::MultiplyAdds);
    let result = work(&watched);
    progress.ends();
    result
}
