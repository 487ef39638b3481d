//! Factorisation of a positive semi-definite matrix that is seen through linear measurements.

use super::start::{INIT, INIT_PER_REPLICA, SEED, normal_start};
use super::{Model, Pass, Passes, Tape};
use crate::error::InputError;
use crate::float::Float;
use crate::random::Draws;
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};
use crate::simd::{View, product, products_of_rows};

/// `f_i = <A_i, U U'>` with `U` (s x r), where row `i` of `X` holds `A_i` (s x s) row by row; `A_i` need not be symmetric.
///
/// Parameters are `U`, row by row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatrixFactorisation {
    side: usize,
    rank: usize,
    start: Start,
    init: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Start {
    Gaussian,
    Identity,
}

impl MatrixFactorisation {
    /// The model that checked settings describe, for samples of dimension `dim` with `outputs` labels.
    ///
    /// # Errors
    /// Samples that are not square matrices, or several labels a sample.
    pub fn from_settings(settings: &Settings, dim: usize, outputs: usize) -> Result<Self, InputError> {
        let refused = |problem| Err(InputError::in_section("model")(SettingError::new("kind", problem)));
        if outputs != 1 {
            let problem = format!("is \"matrix\", which has one output, but samples have {outputs} labels");
            return refused(problem);
        }
        let side = dim.isqrt();
        if side * side != dim {
            let problem =
                format!("is \"matrix\", whose samples are square matrices, but their dimension is {dim}");
            return refused(problem);
        }
        let rank = if settings.has("rank") { settings.count("rank") } else { side };
        let start = match settings.text("start") {
            "identity" => Start::Identity,
            _ => Start::Gaussian,
        };
        Ok(Self { side, rank, start, init: settings.number(INIT.name) })
    }
}

impl<F: Float> Passes<F> for MatrixFactorisation {
    fn forward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, predictions: &mut [F]) {
        let Pass { level, theta, inputs } = pass;
        let dim = self.side * self.side;
        let [matrix] = tape.arrays(0, [dim]);
        products_of_rows(level, self.rank, theta, theta, matrix);
        products_of_rows(level, dim, inputs, matrix, predictions);
    }

    fn backward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        let Pass { level, theta, inputs } = pass;
        let (side, dim) = (self.side, self.side * self.side);
        let [_, pulled] = tape.arrays(0, [dim, dim]);
        product(level, View::new(weights, weights.len()), inputs, pulled);
        // d <A, U U'> = <(A + A') U, d U>.
        for i in 0..side {
            for j in 0..=i {
                let sum = pulled[i * side + j] + pulled[j * side + i];
                pulled[i * side + j] = sum;
                pulled[j * side + i] = sum;
            }
        }
        product(level, View::new(pulled, side), theta, gradient);
    }
}

impl Model for MatrixFactorisation {
    fn dim(&self) -> usize {
        self.side * self.side
    }

    fn num_params(&self) -> usize {
        self.side.saturating_mul(self.rank)
    }

    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        match self.start {
            Start::Gaussian => {
                normal_start(draws, &[(self.num_params(), self.init / (self.rank as f64).sqrt())])
            }
            Start::Identity => (0..self.num_params())
                .map(|k| if k / self.rank == k % self.rank { self.init } else { 0.0 })
                .collect(),
        }
    }

    fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>> {
        let rows = || theta.chunks_exact(self.rank);
        let entry = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
        Some(rows().flat_map(|a| rows().map(move |b| entry(a, b))).collect())
    }

    fn work_per_sample(&self) -> f64 {
        (2 * self.side * self.side) as f64
    }
}

pub(super) const ENTRY: Entry = Entry {
    kind: "matrix",
    summary: "f = <A, U U'>: factorisation of a positive semi-definite matrix",
    detail: "Every sample is a matrix A (side x side, row by row; not necessarily symmetric), so that the dimension is \
             side^2; U is side x rank, and beta = vec(U U'). Started at entries ~ init N(0, 1/rank), so that E U U' = \
             init^2 I, or at U = init I. Loss (1/2n) sum r^2.",
    reference: "Gunasekar et al. 2017 (arXiv 1705.09280); Li, Ma, Zhang 2018 (arXiv 1712.09203)",
    settings: &[
        Setting {
            name: "rank",
            symbol: "r",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Absent,
            doc: "Columns of U; by default as many as rows; fewer restrict the rank.",
        },
        Setting {
            name: "start",
            symbol: "U_0",
            kind: Kind::Choice(&["gaussian", "identity"]),
            fallback: Fallback::Text("gaussian"),
            doc: "\"gaussian\" for random entries, \"identity\" for ones on the diagonal.",
        },
        INIT,
        SEED,
        INIT_PER_REPLICA,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network_laws::{Oracle, check_model, check_start};
    use crate::setting::Value;
    use num_dual::Dual64;

    fn model(given: &[(&str, Value)], dim: usize, outputs: usize) -> Result<MatrixFactorisation, InputError> {
        MatrixFactorisation::from_settings(&Settings::check(&ENTRY, given).unwrap(), dim, outputs)
    }

    impl Oracle for MatrixFactorisation {
        fn predict(&self, theta: &[Dual64], x: &[f64]) -> Vec<Dual64> {
            let column = |c: usize| {
                let pairs = (0..x.len())
                    .map(move |e| (e, e / self.side * self.rank + c, e % self.side * self.rank + c));
                pairs.map(|(e, i, j)| theta[i] * theta[j] * x[e]).sum::<Dual64>()
            };
            vec![(0..self.rank).map(column).sum()]
        }
    }

    #[test]
    fn both_passes_are_those_of_the_formula() {
        check_model(&model(&[], 49, 1).unwrap(), 49);
        check_model(&model(&[("rank", Value::Integer(2))], 36, 1).unwrap(), 36);
    }

    #[test]
    fn a_random_start_is_a_multiple_of_the_identity_on_average() {
        let (rank, init) = (("rank", Value::Integer(5)), ("init", Value::Number(0.3)));
        check_start(&model(&[rank, init], 64, 1).unwrap(), &[(40, 0.09 / 5.0)]);
    }

    #[test]
    fn an_identity_start_is_one() {
        let given = [
            ("rank", Value::Integer(2)),
            ("init", Value::Number(0.1)),
            ("start", Value::Text("identity".to_owned())),
        ];
        let model = model(&given, 9, 1).unwrap();
        assert_eq!(model.initial(&Draws::new(0, &[0], 0)), [0.1, 0.0, 0.0, 0.1, 0.0, 0.0]);
    }

    #[test]
    fn samples_that_are_no_square_matrices_are_refused() {
        let message =
            |given: &[(&str, Value)], dim, outputs| model(given, dim, outputs).unwrap_err().to_string();
        assert_eq!(
            message(&[], 10, 1),
            "model.kind is \"matrix\", whose samples are square matrices, but their dimension is 10"
        );
        assert_eq!(
            message(&[], 9, 2),
            "model.kind is \"matrix\", which has one output, but samples have 2 labels"
        );
    }
}
