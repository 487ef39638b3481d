//! What a kernel costs, before it is made.

use crate::linear_algebra::MOST_PRODUCTS;

/// What it takes to measure the geometry of a model at a point.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelCost {
    /// Bytes that are held at most, but for those of threads.
    pub bytes: f64,
    /// Bytes that each thread at work on it needs beside them, at most.
    pub bytes_of_a_thread: f64,
    /// Multiply-adds of one pass over the kernel.
    pub multiply_adds: f64,
    /// Layer by layer, where the kernel is made so.
    pub layers: Vec<LayerCost>,
}

/// How the share of one layer in a kernel is made.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerCost {
    /// The layer's name.
    pub name: String,
    /// Its parameters.
    pub params: usize,
    /// How its share is made, in a few words.
    pub method: &'static str,
    /// Multiply-adds.
    pub multiply_adds: f64,
}

impl KernelCost {
    /// A kernel of `rows` (nc) by its Jacobian (nc x p).
    pub fn of_jacobian(rows: usize, params: usize) -> Self {
        const SIDE: f64 = 256.0;
        let (rows, params) = (rows as f64, params as f64);
        Self {
            // With a row that is being made, its image, and the samples' maps of their outputs.
            bytes: 8.0 * (rows * params + 4.0 * params + 8.0 * rows),
            bytes_of_a_thread: 8.0 * (3.0 * SIDE * SIDE),
            multiply_adds: rows * rows / 2.0 * params,
            layers: Vec::new(),
        }
    }

    /// Bytes that measuring the geometry of a kernel of `rows` (nc) takes at most on so many threads: the kernel, and the
    /// basis in which its largest eigenvalue is found.
    pub fn bytes_on(&self, rows: usize, threads: usize) -> f64 {
        let basis = 8.0 * rows as f64 * (rows.min(MOST_PRODUCTS) + 8) as f64;
        self.bytes + threads as f64 * self.bytes_of_a_thread + basis
    }
}
