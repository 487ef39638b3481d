//! The figures: how the noise is aligned, what that leaves stable, and what happens where it does not.

mod along;
mod around;
mod escape;
mod networks;
mod threshold;

use crate::Runs;
use crate::drawing;
use jostle_lab::run::LabError;
use jostle_report::{BandPoint, Figure, Series};

/// Titles, in order.
pub(super) const TITLES: &[&str] = &[
    "Alignment along SGD",
    "Alignment and width",
    "Angle and size across widths",
    "Alignment in a random direction",
    "Largest stable step size, and its bounds",
    "Which bound is tight where",
    "The threshold and the width",
    "The threshold and the number of samples",
    "Around the threshold: the mean and the typical path",
    "Escape from a minimum: the loss",
    "Escape from a minimum: the curvature",
    "Step size and batch size",
    "Alignment along SGD on images",
    "Where SGD ends on images: the trace",
    "Where SGD ends on images: the Frobenius norm",
    "Where SGD ends on images: the largest eigenvalue",
    "Where SGD ends on images: the threshold",
    "Escape on images: the loss",
    "Escape on images: the curvature",
];

/// Draws every figure.
pub(super) fn draw(runs: &Runs) -> Result<Vec<Figure>, LabError> {
    let mut figures = vec![
        along::paths(runs)?,
        along::widths(runs)?,
        along::angle_and_size(runs)?,
        along::directions(runs)?,
        threshold::bounds(runs)?,
        threshold::tightness(runs)?,
        around::width(runs)?,
        around::samples(runs)?,
        around::growth(runs)?,
        escape::losses(runs)?,
        escape::curvature(runs)?,
        threshold::atlas(runs)?,
        networks::alignment(runs)?,
    ];
    figures.extend(networks::solutions(runs)?);
    figures.extend([networks::losses(runs)?, networks::curvature(runs)?]);
    Ok(figures)
}

fn figure(k: usize, id: &str, see: String, source: &str, spec: serde_json::Value) -> Figure {
    drawing::figure(TITLES[k], id, see, source, spec)
}

/// A curve without intervals; what is infinite says nothing and is left out.
fn curve(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Series {
    let point = |(x, mid): (f64, f64)| BandPoint { x, mid, low: f64::NAN, high: f64::NAN };
    let points = points.into_iter().filter(|(_, y)| y.is_finite()).map(point).collect();
    Series { name: name.to_owned(), points }
}
