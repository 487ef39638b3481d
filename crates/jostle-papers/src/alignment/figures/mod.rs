//! The figures: how the noise is aligned, what that leaves stable, and what happens where it does not.

mod along;
mod around;
mod escape;
mod networks;
mod threshold;

use crate::FigureEntry;
use jostle_report::{BandPoint, Series};

/// Every figure.
pub(super) const FIGURES: &[FigureEntry] = &[
    FigureEntry { id: "alignment", title: "Alignment along SGD", needs: &["networks"], draw: along::paths },
    FigureEntry {
        id: "width-alignment",
        title: "Alignment and width",
        needs: &["features", "networks", "linear-networks"],
        draw: along::widths,
    },
    FigureEntry {
        id: "angle-and-size",
        title: "Angle and size across widths",
        needs: &["features", "networks", "linear-networks"],
        draw: along::angle_and_size,
    },
    FigureEntry {
        id: "directions",
        title: "Alignment in a random direction",
        needs: &["directions"],
        draw: along::directions,
    },
    FigureEntry {
        id: "bounds",
        title: "Largest stable step size, and its bounds",
        needs: &["batches-tanh"],
        draw: threshold::bounds,
    },
    FigureEntry {
        id: "tightness",
        title: "Which bound is tight where",
        needs: &["batches-tanh", "batches-relu", "batches-gaussian"],
        draw: threshold::tightness,
    },
    FigureEntry {
        id: "threshold-width",
        title: "The threshold and the width",
        needs: &["width"],
        draw: around::width,
    },
    FigureEntry {
        id: "threshold-samples",
        title: "The threshold and the number of samples",
        needs: &["samples"],
        draw: around::samples,
    },
    FigureEntry {
        id: "growth",
        title: "Around the threshold: the mean and the typical path",
        needs: &["growth"],
        draw: around::growth,
    },
    FigureEntry {
        id: "escape-loss",
        title: "Escape from a minimum: the loss",
        needs: &["escape"],
        draw: escape::losses,
    },
    FigureEntry {
        id: "escape-curvature",
        title: "Escape from a minimum: the curvature",
        needs: &["escape"],
        draw: escape::curvature,
    },
    FigureEntry { id: "atlas", title: "Step size and batch size", needs: &["atlas"], draw: threshold::atlas },
    FigureEntry {
        id: "images-alignment",
        title: "Alignment along SGD on images",
        needs: &["nets-mlp", "nets-mlp-outputs", "nets-cnn", "nets-cnn-outputs"],
        draw: networks::alignment,
    },
    FigureEntry {
        id: "images-trace",
        title: "Where SGD ends on images: the trace",
        needs: &["nets-solutions"],
        draw: |runs| networks::against_step_sizes(runs, &networks::TRACE),
    },
    FigureEntry {
        id: "images-frobenius",
        title: "Where SGD ends on images: the Frobenius norm",
        needs: &["nets-solutions"],
        draw: |runs| networks::against_step_sizes(runs, &networks::FROBENIUS),
    },
    FigureEntry {
        id: "images-lambda-max",
        title: "Where SGD ends on images: the largest eigenvalue",
        needs: &["nets-solutions"],
        draw: |runs| networks::against_step_sizes(runs, &networks::LAMBDA_MAX),
    },
    FigureEntry {
        id: "images-threshold",
        title: "Where SGD ends on images: the threshold",
        needs: &["nets-solutions"],
        draw: |runs| networks::against_step_sizes(runs, &networks::THRESHOLD),
    },
    FigureEntry {
        id: "images-escape-loss",
        title: "Escape on images: the loss",
        needs: &["nets-escape"],
        draw: networks::losses,
    },
    FigureEntry {
        id: "images-escape-curvature",
        title: "Escape on images: the curvature",
        needs: &["nets-escape"],
        draw: networks::curvature,
    },
];

/// A curve without intervals; what is infinite says nothing and is left out.
fn curve(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Series {
    let point = |(x, mid): (f64, f64)| BandPoint { x, mid, low: f64::NAN, high: f64::NAN };
    let points = points.into_iter().filter(|(_, y)| y.is_finite()).map(point).collect();
    Series { name: name.to_owned(), points }
}
