//! Reparametrised linear predictors as models.

use super::{Link, LinkKind, Model, Pass, Passes, Tape, predict, with_link};
use crate::float::Float;
use crate::problem::Problem;
use crate::random::Draws;
use crate::simd::{Simd, Vector, View, product, products_of_rows};

/// `f = X beta(theta)` with one [`Link`] for all coefficients. Parameters are stored part after part (each d).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearPredictor {
    /// The parametrisation of a coefficient.
    pub link: LinkKind,
    /// Numbers of one sample `d`.
    pub dim: usize,
}

impl LinearPredictor {
    /// A linear predictor for samples of dimension `dim`.
    pub fn new(link: impl Into<LinkKind>, dim: usize) -> Self {
        Self { link: link.into(), dim }
    }

    /// The coefficients `beta(theta)` (d).
    pub fn beta(&self, theta: &[f64]) -> Vec<f64> {
        with_link!(self.link, link => {
            (0..self.dim).map(|j| link.coefficient(parts(link, theta, self.dim, j))).collect()
        })
    }

    /// The parameters (p) at which every coefficient has the start of its link, with one scale for all coordinates or
    /// one for each (d).
    pub(crate) fn start(&self, scales: &[f64]) -> Vec<f64> {
        let scale = |j: usize| scales[j % scales.len()];
        let part = |k: usize| self.link.initial_part(k / self.dim, scale(k % self.dim));
        (0..self.num_params()).map(part).collect()
    }
}

/// The parameters of coefficient `j` when parameters are stored part after part.
fn parts<L: Link>(_: L, theta: &[f64], dim: usize, j: usize) -> [f64; 2] {
    std::array::from_fn(|part| if part < L::PARTS { theta[part * dim + j] } else { 0.0 })
}

/// The same as vectors of one number, which links can be evaluated on in every precision.
#[inline(always)]
fn singles<L: Link, F: Float>(_: L, theta: &[F], dim: usize, j: usize) -> [F::Single; 2] {
    let number = |part| if part < L::PARTS { theta[part * dim + j] } else { F::default() };
    std::array::from_fn(|part| <F as Simd>::Single::splat(number(part)))
}

impl<F: Float> Passes<F> for LinearPredictor {
    fn forward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, predictions: &mut [F]) {
        let [beta] = tape.arrays(0, [self.dim]);
        with_link!(self.link, link => for (j, b) in beta.iter_mut().enumerate() {
            *b = link.coefficient(singles(link, pass.theta, self.dim, j)).sum();
        });
        products_of_rows(pass.level, self.dim, pass.inputs, beta, predictions);
    }

    fn backward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        let dim = self.dim;
        let [_, pulled] = tape.arrays(0, [dim, dim]);
        product(pass.level, View::new(weights, weights.len()), pass.inputs, pulled);
        with_link!(self.link, link => for (j, h) in pulled.iter().enumerate() {
            let slope = link.slope(singles(link, pass.theta, dim, j));
            for (part, slope) in slope.into_iter().enumerate().take(self.link.parts()) {
                gradient[part * dim + j] = slope.sum() * *h;
            }
        });
    }
}

impl Model for LinearPredictor {
    fn dim(&self) -> usize {
        self.dim
    }

    fn num_params(&self) -> usize {
        self.link.parts().saturating_mul(self.dim)
    }

    /// The start at scale 1, which is the same for all draws.
    fn initial(&self, _: &Draws<'_>) -> Vec<f64> {
        self.start(&[1.0])
    }

    fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>> {
        Some(self.beta(theta))
    }

    fn work_per_sample(&self) -> f64 {
        2.0 * self.dim as f64
    }

    fn predict(&self, theta: &[f64], inputs: &[f64]) -> Vec<f64> {
        predict(inputs, &self.beta(theta))
    }

    fn pull_back(&self, theta: &[f64], problem: &Problem, weights: &[f64], gradient: &mut [f64]) {
        let dim = self.dim;
        let mut pulled = vec![0.0; dim];
        for (i, w) in weights.iter().enumerate() {
            pulled.iter_mut().zip(problem.row(i)).for_each(|(h, x)| *h += w * x);
        }
        with_link!(self.link, link => for (j, h) in pulled.iter().enumerate() {
            let slope = link.slope(parts(link, theta, dim, j));
            for (part, slope) in slope.into_iter().enumerate().take(self.link.parts()) {
                gradient[part * dim + j] = slope * h;
            }
        });
    }

    /// Without the rows of the Jacobian: `K_ii = sum_j x_ij^2 |slope_j|^2`.
    fn kernel_blocks(&self, theta: &[f64], problem: &Problem, blocks: &mut [f64]) {
        let of_coefficient = |slope: [f64; 2]| slope[..self.link.parts()].iter().map(|s| s * s).sum();
        let squares: Vec<f64> = with_link!(self.link, link => {
            (0..self.dim).map(|j| of_coefficient(link.slope(parts(link, theta, self.dim, j)))).collect()
        });
        for (i, k) in blocks.iter_mut().enumerate() {
            *k = problem.row(i).iter().zip(&squares).map(|(x, s)| x * x * s).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network_laws::{Oracle, check_model};
    use crate::model::{Power, Product, Square, Unit};
    use num_dual::{Dual64, DualNum};
    use proptest::prelude::*;

    impl Oracle for LinearPredictor {
        fn predict(&self, theta: &[Dual64], x: &[f64]) -> Vec<Dual64> {
            let part = |k: usize, j: usize| theta[k % self.link.parts() * self.dim + j];
            let beta = |j: usize| with_link!(self.link, link => link.coefficient([part(0, j), part(1, j)]));
            vec![x.iter().enumerate().map(|(j, x)| beta(j) * *x).sum()]
        }
    }

    #[test]
    fn both_passes_are_those_of_the_formula() {
        for dim in [5, 37] {
            check_model(&LinearPredictor::new(Square, dim), dim);
            check_model(&LinearPredictor::new(Power { depth: 3 }, dim), dim);
            check_model(&LinearPredictor::new(Product, dim), dim);
            check_model(&LinearPredictor::new(Unit, dim), dim);
        }
    }

    /// The loss written out once more, on dual numbers: its derivative is exact.
    fn loss<L: Link>(link: L, theta: &[Dual64], problem: &Problem, factor: f64) -> Dual64 {
        let dim = problem.dim();
        let mut total = Dual64::from(0.0);
        for (i, y) in problem.y().iter().enumerate() {
            let mut residual = Dual64::from(-*y);
            for (j, x) in problem.row(i).iter().enumerate() {
                let parts = std::array::from_fn(|part| theta[(part % L::PARTS) * dim + j]);
                residual += link.coefficient(parts) * Dual64::from(*x);
            }
            total += residual.powi(2);
        }
        total * (factor / problem.samples() as f64)
    }

    fn check_gradient<L: Link + Into<LinkKind>>(
        link: L,
        factor: f64,
        x: Vec<f64>,
        y: Vec<f64>,
        theta: &[f64],
    ) {
        let problem = Problem::new(x, y, None).unwrap();
        let (n, dim) = (problem.samples(), problem.dim());
        let theta = &theta[..L::PARTS * dim];
        let model = LinearPredictor::new(link, dim);
        let predictions = Model::predict(&model, theta, problem.x());
        let weights: Vec<f64> =
            predictions.iter().zip(problem.y()).map(|(f, y)| 2.0 * factor / n as f64 * (f - y)).collect();
        let mut gradient = vec![0.0; theta.len()];
        model.pull_back(theta, &problem, &weights, &mut gradient);
        for k in 0..theta.len() {
            let mut dual: Vec<_> = theta.iter().map(|t| Dual64::from(*t)).collect();
            dual[k] = dual[k].derivative();
            let exact = loss(link, &dual, &problem, factor).eps;
            assert!(
                (gradient[k] - exact).abs() <= 1e-11 * (1.0 + exact.abs()),
                "{k}: {} {exact}",
                gradient[k]
            );
        }
    }

    proptest! {
        #[test]
        fn pull_back_of_the_residuals_is_the_gradient_of_the_loss(
            x in prop::collection::vec(-2.0..2.0f64, 12),
            y in prop::collection::vec(-2.0..2.0f64, 3),
            theta in prop::collection::vec(-1.5..1.5f64, 8),
            depth in 2..6u32,
        ) {
            check_gradient(Square, 0.25, x.clone(), y.clone(), &theta);
            check_gradient(Power { depth }, 0.25, x.clone(), y.clone(), &theta);
            check_gradient(Product, 0.5, x.clone(), y.clone(), &theta);
            check_gradient(Unit, 0.5, x, y, &theta);
        }
    }

    #[test]
    fn the_blocks_of_the_kernel_are_the_squared_norms_of_each_samples_gradient() {
        let problem = Problem::new(vec![1.0, -2.0, 0.5, 3.0], vec![0.0, 0.0], None).unwrap();
        let theta = [0.3, -0.7, 1.1, 0.2];
        for link in [LinkKind::from(Power { depth: 3 }), Product.into()] {
            let model = LinearPredictor::new(link, 2);
            let mut diagonal = [0.0; 2];
            model.kernel_blocks(&theta, &problem, &mut diagonal);
            for (i, k) in diagonal.iter().enumerate() {
                let mut weights = [0.0; 2];
                weights[i] = 1.0;
                let mut gradient = [0.0; 4];
                model.pull_back(&theta, &problem, &weights, &mut gradient);
                let norm: f64 = gradient.iter().map(|g| g * g).sum();
                assert!((k - norm).abs() < 1e-14, "{k} {norm}");
            }
        }
    }
}
