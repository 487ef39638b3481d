//! What label noise does to an ensemble, without simulating it.
//!
//! On the square models the logarithms of the parameters move within the row space of `X`, apart from what the noise
//! takes from them at a known rate:
//!
//! ```text
//! beta = exp(ln u_0^2 + c + x) - exp(ln v_0^2 + c - x),    x = 2 X'z,    dz/ds = -(X beta - y)/n
//! dc_j/ds = -rate (1/n) sum_i x_ij^2 c_i^2                 = -2 lambda_j, per step -2 rate lambda_j
//! ```
//!
//! (`v = 0` for `w^2`; the time `s` is the sum of the rates `m eta / (1 - b)` of the steps, as in
//! [`super::label_noise`]), so that an ensemble of any size moves in `n` dimensions, fast until `X beta` has found the
//! labels and slowly from then on: there `beta` is the interpolator that is closest to the start in an entropy whose
//! scale shrinks ([`entropy_projection`](super::entropy_projection()) with `tau_j^2 = exp(ln u_0^2 + c_j)`), until in the limit it is the one
//! with the smallest `sum_j |X_j|^2 |beta_j|`. What is kept beyond this limit of small steps, to first order in the step
//! size:
//!
//! * the fluctuations around the mean, `Cov(beta) = rate delta^2 D X' K^+ X D` once they are stationary (`K = X D X'`),
//!   and on the way there and after a drop of the step size;
//! * the difference between the mean of a coefficient and the exponential of its mean logarithm, half the variance of
//!   the logarithm;
//! * what the second order of `ln(1 - rate h)` takes from the logarithms, with the residuals as they fluctuate;
//! * for mini-batches the noise of sampling, `c_i^2 = delta^2 + E r_i^2 / B'`, with the mean squared residuals that this
//!   noise itself makes.
//!
//! The flow is that of Li, Wang and Arora 2021 (arXiv 2110.06914) and Pillaud-Vivien, Reygner and Flammarion 2022 (arXiv
//! 2206.09841); the corrections are ours, and tested against the ensembles themselves.

mod conditions;
mod flow;
mod fluctuation;
mod start;
mod walk;

use conditions::Conditions;
use flow::Flow;
use fluctuation::Unbounded;
use start::Start;
use walk::{End, Point, Reason, walk};

use super::TheoryError;
use crate::ensemble::{Cell, Silent, Source, Unit, run_unit_until};
use crate::model::LinkKind;
use crate::observable::{Moments, SumOfSquares};
use crate::problem::Problem;
use crate::simd::Level;

/// What theory says of a cell: the ensemble's means, as one replica's results would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The observables' means, recorded step after recorded step; NaN where there is no prediction.
    pub rows: Vec<f64>,
    /// Parameters (p) with the logarithms of [`Prediction::log_abs_theta`] and the signs of the start.
    pub theta: Vec<f64>,
    /// Means of the natural logarithms of the final absolute parameters (p).
    pub log_abs_theta: Vec<f64>,
    /// Means of the final coefficients (d).
    pub beta: Vec<f64>,
    /// Standard deviations of the final coefficients (d).
    pub deviation: Vec<f64>,
    /// The steps at the beginning that were simulated, with this many replicas.
    pub simulated: Option<Simulated>,
    /// From where on there is no prediction. Final parameters and coefficients are NaN then.
    pub outside: Option<Outside>,
    /// What the prediction is an expansion in.
    pub expansion: Expansion,
}

/// Steps that were simulated, because single samples drive their own noise there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simulated {
    /// Their number.
    pub steps: u64,
    /// The replicas.
    pub replicas: u32,
}

/// From where on there is no prediction, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Outside {
    /// The first recorded step without one.
    pub step: u64,
    /// Why.
    pub reason: String,
}

/// The largest values along the way of what a prediction is an expansion in; errors are of their second order.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Expansion {
    /// `gamma lambda_max(X D X') / n`, with `gamma = rate (1 - b)/(1 + b)`: gradient descent is unstable from 1 on.
    pub step_size: f64,
    /// The mean square fluctuation of the coefficients, relative to their own.
    pub variance: f64,
    /// `max_i gamma (X D X')_ii / B'`, the share of the residuals in the noise that makes them.
    pub feedback: f64,
}

impl Expansion {
    fn add(&mut self, other: &Self) {
        self.step_size = self.step_size.max(other.step_size);
        self.variance = self.variance.max(other.variance);
        self.feedback = self.feedback.max(other.feedback);
    }
}

/// From this share of the residuals in the noise that makes them on, the first steps are simulated.
const STRONG_FEEDBACK: f64 = 0.1;
/// How many, and with how many replicas.
const SIMULATED: Simulated = Simulated { steps: 1000, replicas: 64 };

/// Whether there is a prediction for a cell; which of its observables have one is in
/// [`crate::observable::Observable::expect`].
///
/// # Errors
/// Dynamics, a model or a noise that the flow does not describe.
pub fn check(cell: &Cell) -> Result<(), TheoryError> {
    conditions::check(cell).map(|_| ())
}

/// The means of an ensemble's observables at the recorded steps, for the data set of one replica (any, where replicas
/// share their data).
///
/// # Errors
/// As [`check`].
///
/// # Panics
/// If the cell has not been checked by [`Cell::check`].
pub fn predict(cell: &Cell, replica: u32) -> Result<Prediction, TheoryError> {
    let problem = cell.source.problem(replica);
    let conditions = Conditions::new(cell, &problem)?;
    let theta = cell.model.initial(problem.dim(), replica).expect("the cell has been checked");
    let recorded = cell.recording.steps(cell.dynamics.steps());
    let mut rows = vec![f64::NAN; recorded.len() * cell.quantities.len()];
    let (mut start, mut simulated) = (Start::new(conditions.link, &theta), None);
    if feedback(&problem, &conditions, &start) > STRONG_FEEDBACK {
        let until = SIMULATED.steps.min(cell.dynamics.steps());
        match simulate(cell, conditions.link, replica, until, &mut rows) {
            Ok(found) => {
                start = found;
                let replicas = if is_shared(cell) { SIMULATED.replicas } else { 1 };
                simulated = Some(Simulated { steps: until, replicas });
            }
            Err(reason) => return Ok(Prediction::nothing(cell, rows, Outside { step: 0, reason })),
        }
    }
    let flow = Flow::new(&problem, start);
    let scene = Scene { cell, problem: &problem, conditions: &conditions, columns: column_squares(&problem) };
    let from = simulated.map_or(0, |s| s.steps);
    let (mut next, width) = (recorded.partition_point(|step| *step <= from), cell.quantities.len());
    next = if from == 0 { 0 } else { next };
    let end = walk(&flow, &conditions, from, &recorded, &mut |point| {
        debug_assert_eq!(point.step, recorded[next]);
        scene.measure(&point, &mut rows[next * width..(next + 1) * width]);
        next += 1;
    });
    let outside = end
        .outside
        .map(|reason| Outside { step: recorded[next.min(recorded.len() - 1)], reason: reason.to_string() });
    let mut prediction = Prediction::at_the_end(conditions.link, &flow, &theta, rows, &end);
    prediction.simulated = simulated;
    if let Some(outside) = outside {
        prediction = Prediction {
            simulated,
            expansion: end.expansion,
            ..Prediction::nothing(cell, prediction.rows, outside)
        };
    }
    Ok(prediction)
}

fn is_shared(cell: &Cell) -> bool {
    matches!(cell.source, Source::Shared(_))
}

/// `max_i gamma K_ii / B'` at the start.
fn feedback(problem: &Problem, conditions: &Conditions, start: &Start) -> f64 {
    let zeros = vec![0.0; problem.dim()];
    let slope = start.coefficients(&zeros, &zeros).slope;
    let diagonal = (0..problem.samples())
        .map(|i| problem.row(i).iter().zip(&slope).map(|(x, d)| x * x * d).sum::<f64>());
    conditions.sampling * conditions.step_size(conditions.segments[0].rate) * diagonal.fold(0.0, f64::max)
}

/// Simulates the first steps; fills in the means of the recorded steps among them, and returns the mean of the
/// logarithms at their end.
fn simulate(
    cell: &Cell,
    link: LinkKind,
    replica: u32,
    until: u64,
    rows: &mut [f64],
) -> Result<Start, String> {
    let replicas = if is_shared(cell) { 0..SIMULATED.replicas } else { replica..replica + 1 };
    let unit = Unit { replicas: replicas.clone() };
    let found =
        run_unit_until(cell, &unit, until, Level::detect(), &Silent).map_or_else(Vec::new, |r| r.replicas);
    let diverged = found.iter().filter(|replica| replica.diverged.is_some()).count();
    if diverged > 0 {
        return Err(format!("{diverged} of {} replicas diverged within {until} steps", found.len()));
    }
    for (k, row) in rows.iter_mut().enumerate().take(found[0].rows.len()) {
        if cell.quantities[k % cell.quantities.len()].expect.is_some() {
            *row = found.iter().map(|replica| replica.rows[k]).sum::<f64>() / found.len() as f64;
        }
    }
    let starts: Vec<Start> = found.iter().map(|replica| Start::new(link, &replica.theta)).collect();
    Ok(Start::mean(&starts))
}

/// What the moments of a point depend on beside the point.
struct Scene<'a> {
    cell: &'a Cell,
    problem: &'a Problem,
    conditions: &'a Conditions,
    /// `|X_j|^2` (d).
    columns: Vec<f64>,
}

fn column_squares(problem: &Problem) -> Vec<f64> {
    let mut squares = vec![0.0; problem.dim()];
    for i in 0..problem.samples() {
        for (square, x) in squares.iter_mut().zip(problem.row(i)) {
            *square += x * x;
        }
    }
    squares
}

impl Scene<'_> {
    /// The means of the observables at a point.
    fn measure(&self, point: &Point, row: &mut [f64]) {
        let (n, c) = (self.problem.samples() as f64, self.cell.model.loss_factor);
        let Point { node, spread, sums, .. } = point;
        let slope = &node.coefficients.slope;
        let variance: Vec<f64> = spread.iter().zip(slope).map(|(nu, d)| nu * d).collect();
        let kernel: f64 = slope.iter().zip(&self.columns).map(|(d, x)| d * x).sum();
        let smooth: f64 = node.gradients().zip(slope).map(|(g, d)| g * g * d).sum();
        let gradient = smooth + sums.gradient;
        // The squared slopes of a coefficient's parameters are a multiple of D.
        let slopes = if matches!(self.conditions.link, LinkKind::Product(_)) { 2.0 } else { 4.0 };
        let of_labels: f64 = self.conditions.label_variance.iter().sum::<f64>() / n * kernel;
        let of_sampling = self.conditions.sampling * (sums.weighted_residuals - gradient / n);
        let factor = (2.0 * c / n).powi(2) * slopes;
        let moments = Moments {
            problem: self.problem,
            loss_factor: c,
            mean: &node.coefficients.beta,
            variance: &variance,
            slope,
            active_threshold: self.cell.active.at(self.problem.truth(), &node.coefficients.beta),
            squared_residuals: node.squared_residuals() + sums.residual_ratio * kernel,
            squared_gradient: SumOfSquares::new(factor * gradient, factor * factor * sums.gradient_variance),
            noise_trace: 4.0 * c * c * slopes / n * (of_labels + of_sampling),
        };
        for (value, quantity) in row.iter_mut().zip(&self.cell.quantities) {
            *value = quantity.expect.map_or(f64::NAN, |expect| expect(&moments));
        }
    }
}

impl Prediction {
    /// A prediction with the rows so far and nothing beyond.
    fn nothing(cell: &Cell, rows: Vec<f64>, outside: Outside) -> Self {
        let (params, dim) = (cell.num_params(), cell.source.dim());
        Self {
            rows,
            theta: vec![f64::NAN; params],
            log_abs_theta: vec![f64::NAN; params],
            beta: vec![f64::NAN; dim],
            deviation: vec![f64::NAN; dim],
            simulated: None,
            outside: Some(outside),
            expansion: Expansion::default(),
        }
    }

    fn at_the_end(link: LinkKind, flow: &Flow<'_>, theta: &[f64], rows: Vec<f64>, end: &End) -> Self {
        let End { node, fluctuation, .. } = end;
        // The mean logarithm is below that of the mean.
        let typical: Vec<f64> =
            node.scale.iter().zip(&fluctuation.log_variance).map(|(c, v)| c - 0.5 * v).collect();
        let (theta, log_abs_theta) = flow.start.parameters(link, theta, &typical, &node.x);
        let variances = fluctuation.spread.iter().zip(&node.coefficients.slope).map(|(nu, d)| nu * d);
        Self {
            rows,
            theta,
            log_abs_theta,
            beta: node.coefficients.beta.clone(),
            deviation: variances.map(f64::sqrt).collect(),
            simulated: None,
            outside: None,
            expansion: end.expansion,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unbounded(Unbounded::StepSize(size)) => {
                write!(
                    f,
                    "gradient descent is unstable: its step size is {size:.3} of the largest stable one"
                )
            }
            Self::Unbounded(Unbounded::Feedback) => {
                write!(f, "single samples drive their own noise: mean squares grow without end")
            }
            Self::Unbounded(Unbounded::Numbers) => write!(f, "the flow leaves the range of numbers"),
            Self::Variance(variance) => write!(
                f,
                "fluctuations are not small: the coefficients' mean square fluctuation is {variance:.3} of their own"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
