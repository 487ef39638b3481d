//! The data of the released code of *Shape Matters*.

use jostle::problem::Problem;
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;
use std::fs::File;

/// The training data and the truth.
pub(crate) fn data() -> Problem {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/shape-matters/released-code.npz");
    let mut arrays = NpzReader::new(File::open(path).unwrap()).unwrap();
    let x: Array2<f64> = arrays.by_name("X").unwrap();
    let y: Array1<f64> = arrays.by_name("y").unwrap();
    let truth: Array1<f64> = arrays.by_name("truth").unwrap();
    Problem::new(x.iter().copied().collect(), y.to_vec(), Some(truth.to_vec())).unwrap()
}
