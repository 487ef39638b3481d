//! The geometry where the replicas of a run begin: what its bounds are computed from.

use jostle::ensemble::Ensemble;
use jostle::geometry::{Batches, Bounds, Curvature, Geometry, GeometryError, Jacobian, Spectrum};
use jostle::process::Source;
use jostle_lab::LabError;
use jostle_lab::read::Run;

/// A start, with the batches of its cell.
pub(super) struct Point {
    /// How batches are drawn.
    pub(super) batches: Batches,
    /// The geometry.
    pub(super) geometry: Geometry,
    /// Its spectrum.
    pub(super) spectrum: Spectrum,
    /// The smallest centred alignment in any direction: what the theorem asks for.
    pub(super) worst_alignment: f64,
}

/// The starts of a cell: one where replicas share their data, otherwise one each.
pub(super) fn starts(run: &Run) -> Result<Vec<Vec<Point>>, LabError> {
    let cells = run.rebuilt_cells()?;
    let points = |cell: &Ensemble| -> Result<Vec<Point>, LabError> {
        let count = match cell.process().source {
            Source::Shared(_) => 1,
            Source::PerReplica(_) => cell.protocol().replicas,
        };
        (0..count).map(|replica| Ok(Point::new(cell, replica)?)).collect()
    };
    cells.iter().map(points).collect()
}

impl Point {
    fn new(cell: &Ensemble, replica: u32) -> Result<Self, GeometryError> {
        let problem = cell.process().source.problem(replica);
        let theta = cell.process().model.initial(problem.dim(), replica);
        let loss = (cell.process().model.loss, cell.process().model.loss_factor);
        let model = cell.process().model.model(problem.dim());
        let (jacobian, residuals) = Jacobian::of_model(&*model, loss, &theta, &problem)?;
        let spectrum = Spectrum::new(&jacobian)?;
        let batches = cell.process().dynamics.batches(problem.samples());
        Ok(Self {
            batches,
            geometry: Geometry::measure(&jacobian, &residuals)?,
            worst_alignment: spectrum.worst_alignment(true)?.0,
            spectrum,
        })
    }

    /// The curvature.
    pub(super) fn curvature(&self) -> &Curvature {
        &self.geometry.curvature
    }

    /// The bounds that need no alignment.
    pub(super) fn bounds(&self) -> Result<Bounds, GeometryError> {
        Bounds::new(self.curvature(), self.batches)
    }

    /// (F), with the smallest centred alignment.
    pub(super) fn frobenius_bound(&self) -> Result<f64, GeometryError> {
        self.curvature().frobenius_bound(self.batches, self.worst_alignment)
    }

    /// The exact threshold.
    pub(super) fn threshold(&self) -> Result<f64, GeometryError> {
        Ok(self.spectrum.max_stable_learning_rate(self.batches)?.learning_rate)
    }
}
