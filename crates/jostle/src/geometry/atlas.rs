//! The phase diagram of stability: learning rates against batch sizes.

use super::{Batches, Bounds, Curvature, GeometryError, Spectrum, Threshold};

/// Which learning rates are stable with which batches, and the curves that the bounds draw beside the threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Atlas {
    /// The learning rates, in the order given.
    pub learning_rates: Vec<f64>,
    /// The batches, in the order given.
    pub batches: Vec<Batches>,
    /// The exact threshold of each kind of batches.
    pub thresholds: Vec<Threshold>,
    /// The bounds of each kind of batches.
    pub bounds: Vec<Bounds>,
    /// Row by row, one row for each kind of batches: whether each learning rate is stable.
    pub stable: Vec<Vec<bool>>,
}

impl Atlas {
    /// Draws the phase diagram of a point.
    ///
    /// # Errors
    /// A learning rate that is not above 0, a batch of no sample, or of more than there are.
    pub fn new(
        spectrum: &Spectrum,
        curvature: &Curvature,
        learning_rates: &[f64],
        batches: &[Batches],
    ) -> Result<Self, GeometryError> {
        if let Some(found) = learning_rates.iter().find(|eta| !(**eta > 0.0 && eta.is_finite())) {
            return Err(GeometryError::LearningRate { found: *found });
        }
        let thresholds = spectrum.max_stable_learning_rates(batches)?;
        let bounds: Result<_, _> = batches.iter().map(|b| Bounds::new(curvature, *b)).collect();
        let row = |threshold: &Threshold| threshold.allows(learning_rates);
        Ok(Self {
            learning_rates: learning_rates.to_vec(),
            batches: batches.to_vec(),
            stable: thresholds.iter().map(row).collect(),
            thresholds,
            bounds: bounds?,
        })
    }
}

impl Threshold {
    /// Whether each of these learning rates is stable.
    fn allows(&self, learning_rates: &[f64]) -> Vec<bool> {
        learning_rates.iter().map(|eta| self.is_stable(*eta)).collect()
    }

    /// Whether a learning rate is stable: at most the threshold.
    pub fn is_stable(&self, learning_rate: f64) -> bool {
        learning_rate <= self.learning_rate
    }
}
