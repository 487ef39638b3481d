//! The weighted Lasso by an exact active-set method, after the one for non-negative least squares of Lawson and
//! Hanson (1974, chapter 23).
//!
//! On a set of active columns with known signs the objective is a quadratic, minimised exactly through a QR
//! factorisation of those columns. A coefficient that would change its sign on the way there stops the move at zero
//! and leaves the set; once the minimum is reached, the column that violates its condition most enters. Every round
//! lowers the objective, so that no set comes back, and the last one gives the solution up to rounding.

use super::Sign;
use crate::linear_algebra::{ThinQr, column, norm, transpose_product, weighted_squares};
use crate::problem::Problem;

/// A violation up to this counts as rounding, in units of `|X_j| |y|`.
const ROUNDING: f64 = 1e-13;

/// A correlation that misses its bound by less counts as reaching it, in units of the bound, beside ten times what counts
/// as rounding.
const REACHED: f64 = 1e-9;

/// Rounds for each sample and coordinate before giving up.
const PATIENCE: usize = 20;

/// The method and where it is. `lambda` may be infinite for columns that must not enter.
pub(super) struct ActiveSet<'a> {
    problem: &'a Problem,
    lambda: &'a [f64],
    sign: Sign,
    norms: Vec<f64>,
    labels: f64,
    /// The active columns: their indices, entries, signs and coefficients, in the order of the factorisation.
    active: Vec<usize>,
    columns: Vec<Vec<f64>>,
    signs: Vec<f64>,
    values: Vec<f64>,
    is_active: Vec<bool>,
    factor: ThinQr,
}

impl<'a> ActiveSet<'a> {
    /// Begins at `start` (d), less what cannot be part of a solution with independent columns.
    pub(super) fn new(problem: &'a Problem, lambda: &'a [f64], sign: Sign, start: &[f64]) -> Self {
        let ones = vec![1.0; problem.samples()];
        let squares = weighted_squares(problem.x(), problem.dim(), &ones);
        let mut set = Self {
            problem,
            lambda,
            sign,
            norms: squares.into_iter().map(f64::sqrt).collect(),
            labels: norm(problem.y()),
            active: Vec::new(),
            columns: Vec::new(),
            signs: Vec::new(),
            values: Vec::new(),
            is_active: vec![false; problem.dim()],
            factor: ThinQr::default(),
        };
        for (j, b) in start.iter().enumerate() {
            if sign.reach(*b) > 0.0 && lambda[j].is_finite() {
                let column = column(problem.x(), problem.dim(), j);
                if set.factor.append(&column).is_ok() {
                    set.enter(j, column, b.signum(), *b);
                }
            }
        }
        set
    }

    /// Runs to the end; returns the number of columns that entered or left.
    pub(super) fn solve(&mut self) -> usize {
        let mut changes = self.settle();
        let mut refused = vec![false; self.problem.dim()];
        let limit = PATIENCE * (self.problem.samples() + self.problem.dim());
        while changes < limit {
            let correlations = self.correlations();
            let Some(j) = self.most_violated(&correlations, &refused) else { break };
            let column = column(self.problem.x(), self.problem.dim(), j);
            let sign = correlations[j].signum();
            let entered = match self.factor.append(&column) {
                Ok(()) => Some(0.0),
                Err(coordinates) => self.exchange(&coordinates, sign, &column),
            };
            let Some(value) = entered else {
                refused[j] = true;
                continue;
            };
            self.enter(j, column, sign, value);
            changes += 1 + self.settle();
            // By rounding, a column may be thrown out again at once: it is not tried a second time at this point.
            if self.is_active[j] {
                refused.fill(false);
            } else {
                refused[j] = true;
            }
        }
        self.refine();
        changes
    }

    /// The coefficients (d).
    pub(super) fn beta(&self) -> Vec<f64> {
        let mut beta = vec![0.0; self.problem.dim()];
        for (j, value) in self.active.iter().zip(&self.values) {
            beta[*j] = *value;
        }
        beta
    }

    /// Whether the columns that reach their bound are independent. That is enough for the solution to be the only one; where
    /// it is not so, others are as good, or as good up to rounding.
    pub(super) fn is_unique(&self) -> bool {
        let correlations = self.correlations();
        let samples = self.problem.samples() as f64;
        let mut factor = self.factor.clone();
        (0..self.problem.dim()).filter(|j| !self.is_active[*j]).all(|j| {
            let missing = self.lambda[j] - self.sign.reach(correlations[j]);
            let rounding = 10.0 * ROUNDING * self.norms[j] * self.labels / samples;
            missing > REACHED * self.lambda[j] + rounding
                || factor.append(&column(self.problem.x(), self.problem.dim(), j)).is_ok()
        })
    }

    fn enter(&mut self, j: usize, column: Vec<f64>, sign: f64, value: f64) {
        self.active.push(j);
        self.columns.push(column);
        self.signs.push(sign);
        self.values.push(value);
        self.is_active[j] = true;
    }

    fn leave(&mut self, k: usize) {
        self.is_active[self.active.remove(k)] = false;
        self.columns.remove(k);
        self.signs.remove(k);
        self.values.remove(k);
        self.factor.remove(k);
    }

    /// Whether an active coefficient may not change its sign: there is no cost in it for a signed one without penalty.
    fn keeps_sign(&self, k: usize) -> bool {
        self.sign == Sign::NonNegative || self.lambda[self.active[k]] > 0.0
    }

    /// `X'(y - X b)/n` (d).
    fn correlations(&self) -> Vec<f64> {
        let mut residual = self.problem.y().to_vec();
        for (column, value) in self.columns.iter().zip(&self.values) {
            residual.iter_mut().zip(column).for_each(|(r, x)| *r -= value * x);
        }
        let samples = self.problem.samples() as f64;
        for r in &mut residual {
            *r /= samples;
        }
        transpose_product(self.problem.x(), self.problem.dim(), &residual)
    }

    /// The column outside the set whose correlation exceeds its bound most, in units of its norm.
    fn most_violated(&self, correlations: &[f64], refused: &[bool]) -> Option<usize> {
        let mut worst = (ROUNDING * self.labels / self.problem.samples() as f64, None);
        for (j, c) in correlations.iter().enumerate() {
            let violation = (self.sign.reach(*c) - self.lambda[j]) / self.norms[j];
            if violation > worst.0 && !self.is_active[j] && !refused[j] {
                worst = (violation, Some(j));
            }
        }
        worst.1
    }

    /// The minimiser over the active columns, at their signs.
    fn minimiser(&self) -> Vec<f64> {
        let samples = self.problem.samples() as f64;
        let penalty: Vec<f64> =
            self.active.iter().zip(&self.signs).map(|(j, sign)| samples * self.lambda[*j] * sign).collect();
        let mut right = self.factor.project(self.problem.y());
        for (r, p) in right.iter_mut().zip(self.factor.solve_lower(&penalty)) {
            *r -= p;
        }
        self.factor.solve_upper(&right)
    }

    /// Moves to the minimiser over the active columns; those that reach zero on the way leave. Returns their number.
    fn settle(&mut self) -> usize {
        let mut left = 0;
        loop {
            let target = self.minimiser();
            let stops = |k: usize| self.keeps_sign(k) && target[k] * self.signs[k] <= 0.0;
            let share = |k: usize| {
                let value = self.values[k];
                if value == 0.0 { 0.0 } else { value / (value - target[k]) }
            };
            let stopping: Vec<usize> = (0..target.len()).filter(|k| stops(*k)).collect();
            let Some(first) = stopping.iter().map(|k| share(*k)).reduce(f64::min) else {
                self.values = target;
                return left;
            };
            let gone: Vec<usize> = stopping.into_iter().filter(|k| share(*k) == first).collect();
            for (value, t) in self.values.iter_mut().zip(&target) {
                *value += first * (t - *value);
            }
            for k in gone.into_iter().rev() {
                self.leave(k);
                left += 1;
            }
        }
    }

    /// Lets a column take the place of one that it depends on: along the null vector, which changes no prediction, the
    /// penalty falls until a coefficient is zero. Returns the entering coefficient, or none if there is no such step.
    fn exchange(&mut self, coordinates: &[f64], sign: f64, column: &[f64]) -> Option<f64> {
        let direction: Vec<f64> = coordinates.iter().map(|a| -a * sign).collect();
        let reach = |k: usize| {
            let towards = direction[k] * self.signs[k] < 0.0 && self.keeps_sign(k);
            if towards { self.values[k] / -direction[k] } else { f64::INFINITY }
        };
        let (k, length) = (0..direction.len()).map(|k| (k, reach(k))).min_by(|a, b| a.1.total_cmp(&b.1))?;
        if !length.is_finite() {
            return None;
        }
        for (value, d) in self.values.iter_mut().zip(&direction) {
            *value += length * d;
        }
        self.leave(k);
        // Still dependent only by rounding.
        self.factor.append(column).is_ok().then_some(length * sign)
    }

    /// Computes the last minimiser once more from a fresh factorisation.
    fn refine(&mut self) {
        let mut fresh = ThinQr::default();
        if self.columns.iter().all(|column| fresh.append(column).is_ok()) {
            self.factor = fresh;
            let target = self.minimiser();
            if (0..target.len()).all(|k| !self.keeps_sign(k) || target[k] * self.signs[k] > 0.0) {
                self.values = target;
            }
        }
    }
}
