//! The products of one replica written plainly, as a reference for kernels and noises.

use crate::float::Float;
use crate::model::{Link, LinkKind, with_link};
use crate::noise::Products;
use crate::problem::Problem;
use crate::simd::Vector;

/// One replica, one number at a time.
pub(crate) struct PlainProducts<'a, F> {
    pub(crate) link: LinkKind,
    pub(crate) problem: &'a Problem,
    pub(crate) theta: &'a [F],
}

impl<F: Float> PlainProducts<'_, F> {
    fn pull_with(&self, weights: &[F], out: &mut [F], entry: impl Fn(F) -> F) {
        for (j, h) in out.iter_mut().enumerate() {
            let x = |i: usize| entry(F::of(self.problem.row(i)[j]));
            *h = chain(F::default(), weights.iter().enumerate().map(|(i, w)| (x(i), *w)));
        }
    }
}

impl<F: Float> Products<F> for PlainProducts<'_, F> {
    fn pull(&self, weights: &[F], out: &mut [F]) {
        self.pull_with(weights, out, |x| x);
    }
    fn pull_squared(&self, weights: &[F], out: &mut [F]) {
        self.pull_with(weights, out, |x| x * x);
    }
    fn slopes(&self, out: &mut [F]) {
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

fn parts<F: Float>(link: LinkKind, theta: &[F], dim: usize, j: usize) -> [F::Single; 2] {
    let part = |part: usize| if part < link.parts() { theta[part * dim + j] } else { F::default() };
    [0, 1].map(|k| F::Single::splat(part(k)))
}

/// Coefficient `j`.
pub(crate) fn coefficient<F: Float>(link: LinkKind, theta: &[F], dim: usize, j: usize) -> F {
    with_link!(link, form => form.coefficient(parts(link, theta, dim, j))).sum()
}

/// The derivatives of coefficient `j` with respect to its parameters.
pub(crate) fn slopes<F: Float>(link: LinkKind, theta: &[F], dim: usize, j: usize) -> Vec<F> {
    let slopes = with_link!(link, form => form.slope(parts(link, theta, dim, j)));
    slopes[..link.parts()].iter().map(|slope| slope.sum()).collect()
}

/// A sum of products in one chain of fused multiply-adds.
pub(crate) fn chain<F: Float>(start: F, terms: impl Iterator<Item = (F, F)>) -> F {
    terms.fold(start, |sum, (a, b)| a.mul_add(b, sum))
}
