//! The products of one replica written plainly, as a reference for kernels and noises.

use crate::model::{Link, LinkKind, with_link};
use crate::noise::Products;
use crate::problem::Problem;

/// One replica, one number at a time.
pub(crate) struct PlainProducts<'a> {
    pub(crate) link: LinkKind,
    pub(crate) problem: &'a Problem,
    pub(crate) theta: &'a [f64],
}

impl Products for PlainProducts<'_> {
    fn pull(&self, weights: &[f64], out: &mut [f64]) {
        for (j, h) in out.iter_mut().enumerate() {
            *h = chain(0.0, weights.iter().enumerate().map(|(i, w)| (self.problem.row(i)[j], *w)));
        }
    }
    fn pull_squared(&self, weights: &[f64], out: &mut [f64]) {
        for (j, h) in out.iter_mut().enumerate() {
            *h = chain(0.0, weights.iter().enumerate().map(|(i, w)| (self.problem.row(i)[j].powi(2), *w)));
        }
    }
    fn slopes(&self, out: &mut [f64]) {
        let dim = self.problem.dim();
        for j in 0..dim {
            for (part, slope) in slopes(self.link, self.theta, dim, j).into_iter().enumerate() {
                out[part * dim + j] = slope;
            }
        }
    }
    fn shape(&self) -> (usize, usize) {
        (self.theta.len(), self.problem.dim())
    }
}

fn parts(link: LinkKind, theta: &[f64], dim: usize, j: usize) -> [f64; 2] {
    std::array::from_fn(|part| if part < link.parts() { theta[part * dim + j] } else { 0.0 })
}

/// The derivatives of coefficient `j` with respect to its parameters.
pub(crate) fn slopes(link: LinkKind, theta: &[f64], dim: usize, j: usize) -> Vec<f64> {
    let slopes = with_link!(link, form => form.slope(parts(link, theta, dim, j)));
    slopes[..link.parts()].to_vec()
}

/// A sum of products in one chain of fused multiply-adds.
pub(crate) fn chain(start: f64, terms: impl Iterator<Item = (f64, f64)>) -> f64 {
    terms.fold(start, |sum, (a, b)| a.mul_add(b, sum))
}
