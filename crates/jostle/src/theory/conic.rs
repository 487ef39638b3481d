//! Convex programmes, solved by clarabel's interior-point method.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolution, DefaultSolver, IPSolver, SupportedConeT};

/// Minimise `x' diag(curvature) x / 2 + cost . x` subject to `bounds - constraints x` in the product of the cones.
pub(crate) struct Programme {
    /// Non-negative (variables).
    pub(crate) curvature: Vec<f64>,
    /// Variables.
    pub(crate) cost: Vec<f64>,
    /// Row, column, value.
    pub(crate) constraints: Vec<(usize, usize, f64)>,
    /// Rows.
    pub(crate) bounds: Vec<f64>,
    /// The cones, in the order of the rows.
    pub(crate) cones: Vec<SupportedConeT<f64>>,
}

impl Programme {
    /// Solves it as far as double precision allows; callers verify the certificate that they take from the answer.
    pub(crate) fn solve(self) -> DefaultSolution<f64> {
        let variables = self.cost.len();
        let settings = DefaultSettings {
            verbose: false,
            max_threads: 1,
            tol_gap_abs: 1e-11,
            tol_gap_rel: 1e-11,
            tol_feas: 1e-11,
            ..DefaultSettings::default()
        };
        let curved: Vec<usize> = (0..variables).filter(|k| self.curvature[*k] != 0.0).collect();
        let curvature = curved.iter().map(|k| self.curvature[*k]).collect();
        let quadratic = CscMatrix::new_from_triplets(variables, variables, curved.clone(), curved, curvature);
        let rows = self.constraints.iter().map(|c| c.0).collect();
        let columns = self.constraints.iter().map(|c| c.1).collect();
        let values = self.constraints.iter().map(|c| c.2).collect();
        let linear = CscMatrix::new_from_triplets(self.bounds.len(), variables, rows, columns, values);
        let mut solver =
            DefaultSolver::new(&quadratic, &self.cost, &linear, &self.bounds, &self.cones, settings)
                .expect("the dimensions of the programmes here agree");
        solver.solve();
        solver.solution
    }
}

/// The entries of a row-major matrix as triplets, moved down and right.
pub(crate) fn block(
    x: &[f64],
    dim: usize,
    row: usize,
    column: usize,
) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
    x.iter().enumerate().map(move |(k, value)| (row + k / dim, column + k % dim, *value))
}
