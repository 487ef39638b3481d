//! What the kernels that an ensemble measures cost: for what it records, and for where its replicas begin.

use super::Ensemble;
use crate::dynamics::RateUnit;
use crate::geometry::{KernelCost, Spectrum};

/// Bytes that faer's products keep for each thread, at most: a part of the processor's caches.
const BYTES_OF_PRODUCTS: f64 = 8.0 * 1024.0 * 1024.0;

/// One measurement of a kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The kernel.
    pub kernel: KernelCost,
    /// Its rows (nc), and its columns where it is made by its Jacobian.
    rows: usize,
    params: Option<usize>,
    /// Whether all its eigenvalues are computed.
    decomposes: bool,
    /// Kernels (nc x nc) that are held besides.
    held: f64,
}

impl Measurement {
    /// Bytes that it takes at most, where so many threads are at work on it.
    pub fn bytes(&self, threads: usize) -> f64 {
        let rows = self.rows as f64;
        let spectrum = if self.decomposes { Spectrum::bytes(self.rows, self.params) } else { 0.0 };
        let of_threads = threads as f64 * BYTES_OF_PRODUCTS;
        self.kernel.bytes_on(self.rows, threads) + of_threads + spectrum + self.held * 8.0 * rows * rows
    }

    /// Multiply-adds, roughly: the kernel and its largest eigenvalue, or all of them and an iteration in their coordinates.
    pub fn multiply_adds(&self) -> f64 {
        let rows = self.rows as f64;
        let rank = self.params.map_or(rows, |p| rows.min(p as f64));
        let spectrum = if self.decomposes { 60.0 * rows * rows * rank } else { 0.0 };
        self.kernel.multiply_adds + 100.0 * rows * rows + spectrum
    }
}

impl Ensemble {
    /// What every record of a replica takes that looks at the kernel, if one is asked for.
    pub fn measurement_of_records(&self) -> Option<Measurement> {
        if !self.protocol.quantities.iter().any(|quantity| quantity.needs_kernel()) {
            return None;
        }
        let rows = self.process.source.samples() * self.process.source.outputs();
        // A linearisation has as many coordinates as its kernel has rows.
        let kernel = if self.process.start.linearise {
            KernelCost::of_jacobian(rows, rows)
        } else {
            self.kernel_cost()
        };
        let decomposes = self.protocol.quantities.iter().any(|quantity| quantity.needs_spectrum());
        Some(self.measurement(kernel, decomposes, 0.0))
    }

    /// What finding out where replicas begin takes, and in which unit their step size is, if that needs a kernel.
    pub fn measurement_of_start(&self) -> Option<Measurement> {
        let units = self.rate_units();
        let linearise = self.process.start.linearise;
        if !linearise && units == [RateUnit::One; 2] {
            return None;
        }
        // The kernel, its eigenvectors in two layouts, and the inputs of the linear model.
        let held = if linearise { 5.0 } else { 0.0 };
        let mut measurement =
            self.measurement(self.kernel_cost(), units.contains(&RateUnit::Threshold), held);
        measurement.decomposes |= linearise;
        Some(measurement)
    }

    fn kernel_cost(&self) -> KernelCost {
        self.process.model.model(self.process.source.dim()).kernel_cost(self.process.source.samples())
    }

    fn measurement(&self, kernel: KernelCost, decomposes: bool, held: f64) -> Measurement {
        let rows = self.process.source.samples() * self.process.source.outputs();
        let by_jacobian = kernel.layers.is_empty();
        let params = by_jacobian.then(|| self.process.num_params());
        Measurement { kernel, rows, params, decomposes, held }
    }
}
