//! The eigenvalues of the curvature, and what needs its eigenvectors.

use super::{GeometryError, KernelSource, range};
use crate::linear_algebra::{Features, dot, symmetric_eigenvalues};

/// Eigenvalues below minus this share of the largest are no rounding of a kernel, also of one made in float32.
const POSITIVITY: f64 = 1e-5;

/// The eigen-decomposition of the curvature `G = (1/n) J' J` in sample space: its positive eigenvalues `w` (r) and the
/// features `F = J V` (nc x r) of the samples along its unit eigenvectors `V` (p x r), which are never formed.
pub struct Spectrum {
    /// In the unit of the kernel, as `values` are.
    pub(super) features: Features,
    /// Eigenvalues of `G` (r) that count as positive, in decreasing order.
    pub(super) values: Vec<f64>,
    /// The exponent of that unit.
    pub(super) exponent: i32,
    eigenvalues: Vec<f64>,
    pub(super) samples: usize,
}

impl Spectrum {
    /// Decomposes a kernel (nc x nc), or `J' J` where the Jacobian is held and has fewer than `nc` parameters.
    ///
    /// Eigenvalues up to `nc` rounding errors of the largest count as zero, and so do those up to the size of the most
    /// negative one.
    ///
    /// # Errors
    /// A kernel that is zero, or with an eigenvalue below -1e-5 of its largest; a decomposition that fails.
    pub fn new(source: &impl KernelSource) -> Result<Self, GeometryError> {
        Gathered::of(source).spectrum()
    }

    /// Bytes that a decomposition takes, and the stability that is computed from it: of a kernel with so many `rows` (nc), and
    /// `params` columns where its Jacobian is held.
    pub fn bytes(rows: usize, params: Option<usize>) -> f64 {
        let rows = rows as f64;
        let rank = params.map_or(rows, |p| rows.min(p as f64));
        let decomposition = if rank < rows { rank * rank } else { 3.0 * rows * rows };
        8.0 * (decomposition + 2.0 * rows * rank + 4.0 * rank * rank)
    }

    /// The eigenvalues of `G` that count as positive, in decreasing order.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// Number of samples `n`.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The directional alignment `v' Sigma_1 v / (2 L v' G v)` along every unit eigenvector `v` of `G` (r), in the order
    /// of the eigenvalues; its mean, weighted with their squares, is the alignment `mu` (Wang, Wu 2023). NaN where the
    /// residuals `r` (nc) are zero.
    ///
    /// # Panics
    /// If there are not nc residuals.
    pub fn directional_alignments(&self, residuals: &[f64]) -> Vec<f64> {
        let c = self.features.outputs();
        assert_eq!(residuals.len(), self.samples * c, "one residual for each output of each sample");
        let twice_loss = dot(residuals, residuals) / self.samples as f64;
        let along = |(k, value): (usize, &f64)| {
            let pairs = self.features.column(k).chunks_exact(c).zip(residuals.chunks_exact(c));
            let squares: f64 = pairs.map(|(f, r)| dot(f, r).powi(2)).sum();
            squares / self.samples as f64 / (twice_loss * value)
        };
        self.values.iter().enumerate().map(along).collect()
    }

    /// The smallest and the largest alignment `mu` that residuals `J (theta - theta*)` can have here, whatever the
    /// direction in which the minimum was left: the extreme eigenvalues of
    ///
    /// ```text
    /// (1/n) sum_i J_i' (J_i G J_i') J_i   [ - G^3 if centred ]     against G,     divided by |G|_F^2
    /// ```
    ///
    /// # Errors
    /// A decomposition that fails.
    pub fn worst_alignment(&self, is_centred: bool) -> Result<(f64, f64), GeometryError> {
        let (rank, samples) = (self.values.len(), self.samples as f64);
        let lambda = self.features.eigenvalues();
        let weights: Vec<f64> = lambda.iter().map(|l| l / samples).collect();
        let pulled = self.features.gram(&self.features.blocks(&weights));
        let mut matrix = pulled.scaled(|i, j| 1.0 / (lambda[i] * lambda[j]).sqrt()).to_dense();
        if is_centred {
            for (k, value) in self.values.iter().enumerate() {
                matrix[k * rank + k] -= value * value;
            }
        }
        let values = symmetric_eigenvalues(&matrix, rank).ok_or(GeometryError::Eigenvalues)?;
        let squared = dot(&self.values, &self.values);
        // The matrix is positive semi-definite but for rounding.
        Ok((values[0].max(0.0) / squared, values[rank - 1] / squared))
    }
}

/// All that a decomposition needs, in one place: it may move to another thread.
pub(super) struct Gathered {
    /// The kernel (nc x nc), or the Jacobian (nc x p) where that has fewer columns.
    values: Vec<f64>,
    /// Columns of that Jacobian.
    params: Option<usize>,
    samples: usize,
    outputs: usize,
    exponent: i32,
}

impl Gathered {
    pub(super) fn of(source: &impl KernelSource) -> Self {
        let (samples, outputs) = (source.samples(), source.outputs());
        let narrow = source.jacobian().zip(source.params()).filter(|(_, params)| *params < samples * outputs);
        let (values, params) = match narrow {
            Some((jacobian, params)) => (jacobian.to_vec(), Some(params)),
            None => (assembled(source), None),
        };
        Self { values, params, samples, outputs, exponent: source.exponent() }
    }

    /// Multiply-adds of a product with all eigenvectors, of which a decomposition takes some tens.
    pub(super) fn work(&self) -> f64 {
        let rows = (self.samples * self.outputs) as f64;
        let rank = self.params.map_or(rows, |params| params as f64);
        rows * rank * rank
    }

    /// # Errors
    /// As [`Spectrum::new`].
    pub(super) fn spectrum(self) -> Result<Spectrum, GeometryError> {
        let Self { values, params, samples, outputs, exponent } = self;
        let features = match params {
            Some(params) => Features::of_jacobian(&values, params, outputs),
            None => Features::of_kernel(&values, outputs),
        };
        drop(values);
        let features = features.ok_or(GeometryError::Eigenvalues)?;
        let (eigenvalue, largest) = features.extremes();
        if eigenvalue < -POSITIVITY * largest {
            let [eigenvalue, largest] = [eigenvalue, largest].map(|value| range::times(value, exponent));
            return Err(GeometryError::NotPositive { eigenvalue, largest });
        }
        if features.eigenvalues().is_empty() {
            return Err(GeometryError::Zero);
        }
        let values: Vec<f64> = features.eigenvalues().iter().map(|lambda| lambda / samples as f64).collect();
        let eigenvalues = values.iter().map(|value| range::times(*value, exponent)).collect();
        Ok(Spectrum { features, values, exponent, eigenvalues, samples })
    }
}

/// The whole kernel (nc x nc).
fn assembled(source: &impl KernelSource) -> Vec<f64> {
    let (n, c) = (source.samples(), source.outputs());
    let (side, step) = (n * c, source.samples_of_a_block());
    let mut kernel = vec![0.0; side * side];
    let mut block = Vec::new();
    for first in (0..n).step_by(step) {
        let rows = first..n.min(first + step);
        for start in (0..=first).step_by(step) {
            let columns = start..n.min(start + step);
            let width = c * columns.len();
            block.resize(c * rows.len() * width, 0.0);
            source.block(rows.clone(), columns.clone(), &mut block);
            for (row, values) in (c * rows.start..).zip(block.chunks_exact(width)) {
                for (column, value) in (c * columns.start..).zip(values) {
                    kernel[row * side + column] = *value;
                    kernel[column * side + row] = *value;
                }
            }
        }
    }
    kernel
}
