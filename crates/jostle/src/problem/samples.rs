//! Samples that a model is tested on, and the shape of samples that are images.

use super::data::check;
use crate::error::InputError;

/// Samples that take no part in training: `X` (m x d, row major) and labels `y` (m x c, row major).
#[derive(Debug, Clone, PartialEq)]
pub struct TestSet {
    x: Vec<f64>,
    y: Vec<f64>,
    samples: usize,
}

impl TestSet {
    /// Takes over samples of dimension `dim` with `outputs` labels each.
    ///
    /// # Errors
    /// As [`super::Problem::new`].
    pub(super) fn new(x: Vec<f64>, y: Vec<f64>, dim: usize, outputs: usize) -> Result<Self, InputError> {
        let samples = check(["X_test", "y_test"], &x, &y, dim, outputs)?;
        Ok(Self { x, y, samples })
    }

    /// Samples that are known to be in order.
    pub(super) fn of(x: Vec<f64>, y: Vec<f64>, outputs: usize) -> Self {
        let samples = y.len() / outputs;
        Self { x, y, samples }
    }

    /// Number of samples `m`.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// `X`, row major (m x d).
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// The labels, row major (m x c).
    pub fn y(&self) -> &[f64] {
        &self.y
    }
}

/// The shape of a sample that is an image: `d = channels * height * width` values, channel by channel, each row by row
/// from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Colours; 1 for grey.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// Values of one image.
    pub fn values(self) -> usize {
        self.channels * self.height * self.width
    }
}
