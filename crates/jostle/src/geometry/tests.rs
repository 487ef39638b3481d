//! Everything is compared with explicit p x p matrices: the kernel's formulas share nothing with them.

mod errors;
mod inequalities;
mod oracle;
mod quantities;
mod scale;
mod simulation;
mod stability;

use super::*;
use crate::random::{Draws, Purpose};

/// A Jacobian (nc x p) with residuals (nc).
#[derive(Debug, Clone)]
struct Point {
    jacobian: Vec<f64>,
    residuals: Vec<f64>,
    samples: usize,
    outputs: usize,
    params: usize,
}

impl Point {
    /// Standard normal entries.
    fn normal(seed: u64, samples: usize, outputs: usize, params: usize) -> Self {
        let jacobian = normals(seed, samples * outputs * params);
        Self { jacobian, residuals: normals(seed + (1 << 32), samples * outputs), samples, outputs, params }
    }

    fn source(&self) -> Jacobian {
        Jacobian::new(self.jacobian.clone(), self.params, self.outputs).unwrap()
    }

    /// The same point by its kernel alone.
    fn kernel(&self) -> DenseKernel {
        let side = self.samples * self.outputs;
        let row = |i: usize| &self.jacobian[i * self.params..][..self.params];
        let entry = |k: usize| row(k / side).iter().zip(row(k % side)).map(|(a, b)| a * b).sum();
        DenseKernel::new((0..side * side).map(entry).collect(), self.outputs).unwrap()
    }

    fn spectrum(&self) -> Spectrum {
        Spectrum::new(&self.source()).unwrap()
    }
}

fn normals(seed: u64, count: usize) -> Vec<f64> {
    let mut values = vec![0.0; count];
    Draws::new(seed, &[0], 0).normals(Purpose::DESIGN, &mut values);
    values
}

/// One kernel of every shape: more and fewer parameters than rows, one and several outputs.
const SHAPES: [(usize, usize, usize); 6] = [(1, 1, 1), (5, 1, 3), (4, 1, 7), (3, 2, 4), (4, 3, 5), (2, 3, 9)];

const SAMPLINGS: [Sampling; 3] =
    [Sampling::WithReplacement, Sampling::WithoutReplacement, Sampling::Bernoulli];

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE),
        "{what}: {found:e} instead of {expected:e}"
    );
}
