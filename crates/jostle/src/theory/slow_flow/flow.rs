//! The mean flow: `dz/ds = -(X beta - y)/n` with `beta = exp(plus + c(s) + 2 X'z) - exp(minus + c(s) - 2 X'z)`.
//!
//! It is stiff: `X beta` finds to the labels at the rates `2 K/n`, `K = X D X'`, and follows them ever after. Rodas3, a
//! Rosenbrock method of order 3 that is L-stable and stiffly accurate, takes one factorisation and three gradients a
//! step, and its steps grow with the time scale of what still moves (Sandu et al. 1997, Atmospheric Environment 31;
//! Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.7).

use super::start::{Coefficients, Start};
use crate::linear_algebra::{Columns, Symmetric};
use crate::problem::Problem;

/// The error of a step, as a relative error of the coefficients (root mean square, weighted by `D`).
const TOLERANCE: f64 = 1e-3;
/// How much a step may grow over the last one, and shrink when it is tried again.
const GROWTH: f64 = 3.0;
const SHRINKAGE: f64 = 0.2;
/// A step of this size, in units of the shortest time scale, is not stiff.
const NOT_STIFF: f64 = 2.0;
/// Kept from the step that the error estimate suggests.
const SAFETY: f64 = 0.9;
/// The method's order, and its coefficient of the implicit part.
const ORDER: f64 = 3.0;
const GAMMA: f64 = 0.5;

/// The flow's fixed part.
pub(super) struct Flow<'a> {
    pub(super) problem: &'a Problem,
    pub(super) columns: Columns<'a>,
    pub(super) start: Start,
}

/// A point of the flow.
#[derive(Clone)]
pub(super) struct Node {
    /// The time since the segment began.
    pub(super) time: f64,
    /// `c` (d): what the noise has taken from the logarithms, and what fluctuations add to the mean.
    pub(super) scale: Vec<f64>,
    /// `x = 2 X'z` (d).
    pub(super) x: Vec<f64>,
    pub(super) coefficients: Coefficients,
    /// `dz/ds` (n): the mean residuals, divided by -n.
    pub(super) force: Vec<f64>,
    /// `dx/ds` (d).
    pub(super) velocity: Vec<f64>,
}

/// A step from one node to the next.
pub(super) struct Step {
    pub(super) from: Node,
    pub(super) to: Node,
    /// The change of `z` (n).
    moved: Vec<f64>,
    /// The step's size in units of the shortest time scale.
    stiffness: f64,
}

/// What a node lacks, because the fluctuations are only looked at every few steps.
pub(super) struct Correction {
    /// To be added to `c` (d).
    pub(super) scale: Vec<f64>,
    /// To be added to `x` (d), so that the predictions stay where they are: `2 X' z`.
    pub(super) x: Vec<f64>,
}

/// A trial of a step.
pub(super) struct Trial {
    /// The step, unless its error is too large.
    pub(super) accepted: Option<Step>,
    /// The size to try next.
    pub(super) next: f64,
}

impl<'a> Flow<'a> {
    /// The flow from a start.
    pub(super) fn new(problem: &'a Problem, start: Start) -> Self {
        Self { problem, columns: Columns::new(problem.x(), problem.dim()), start }
    }

    /// `-(X beta - y)/n` of the predictions `X beta`.
    fn force(&self, predictions: &[f64]) -> Vec<f64> {
        let n = self.problem.samples() as f64;
        predictions.iter().zip(self.problem.y()).map(|(f, y)| (y - f) / n).collect()
    }

    /// `2 X' v`.
    fn pull(&self, v: &[f64]) -> Vec<f64> {
        self.columns.transpose_product(&twice(v))
    }

    /// `x + factor 2 X' v`, and the force there.
    fn point_along(&self, scale: &[f64], x: &[f64], factor: f64, v: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (pulled, predictions) = self.columns.there_and_back(&twice(v), |first, pulled| {
            let block = first..first + pulled.len();
            let x = along(&x[block.clone()], factor, pulled);
            self.start.coefficients_from(first, &scale[block], &x).beta
        });
        (along(x, factor, &pulled), self.force(&predictions))
    }

    /// The node at `c` and `x`.
    pub(super) fn node(&self, time: f64, scale: Vec<f64>, x: Vec<f64>) -> Node {
        let force = self.force(&self.columns.product(&self.start.coefficients(&scale, &x).beta));
        self.node_with(time, scale, x, force)
    }

    /// The node at `c` and `x + 2 X' v`.
    pub(super) fn node_along(&self, time: f64, scale: Vec<f64>, x: &[f64], v: &[f64]) -> Node {
        let (x, force) = self.point_along(&scale, x, 1.0, v);
        self.node_with(time, scale, x, force)
    }

    fn node_with(&self, time: f64, scale: Vec<f64>, x: Vec<f64>, force: Vec<f64>) -> Node {
        let coefficients = self.start.coefficients(&scale, &x);
        let velocity = self.pull(&force);
        Node { time, scale, x, coefficients, force, velocity }
    }

    /// The kernel `K = X D X'` of a node.
    pub(super) fn kernel(&self, node: &Node) -> Symmetric {
        self.columns.gram(&node.coefficients.slope)
    }

    /// Tries a step of the size `size`, along which `c` changes at the given rates (d).
    pub(super) fn step(
        &self,
        from: &Node,
        kernel: &Symmetric,
        rates: &[f64],
        size: f64,
        shortest: f64,
    ) -> Trial {
        let refused = Trial { accepted: None, next: SHRINKAGE * size };
        let n = self.problem.samples() as f64;
        let Some(solve) = kernel.shifted(n / (2.0 * size * GAMMA)) else { return refused };
        // (1/(size gamma) + 2 K/n)^-1
        let implicit = |rhs: &[f64]| -> Vec<f64> { solve(rhs).iter().map(|v| 0.5 * n * v).collect() };
        let scale = along(&from.scale, size, rates);
        let lost: Vec<f64> = from.coefficients.beta.iter().zip(rates).map(|(b, r)| b * r).collect();
        let drift: Vec<f64> = self.columns.product(&lost).iter().map(|v| -v / n).collect();

        let k1 = implicit(&sum(&[(1.0, &from.force), (GAMMA * size, &drift)]));
        let k2 = implicit(&sum(&[(1.0, &from.force), (4.0 / size, &k1), (1.5 * size, &drift)]));
        let (third, force) = self.point_along(&scale, &from.x, 2.0, &k1);
        let k3 = implicit(&sum(&[(1.0, &force), (1.0 / size, &k1), (-1.0 / size, &k2)]));
        let (fourth, force) = self.point_along(&scale, &third, 1.0, &k3);
        let k4 = implicit(&sum(&[
            (1.0, &force),
            (1.0 / size, &k1),
            (-1.0 / size, &k2),
            (-8.0 / (3.0 * size), &k3),
        ]));
        let total = from.coefficients.total().max(f64::MIN_POSITIVE);
        let error = (4.0 * kernel.form(&k4).max(0.0) / total).sqrt();
        if !error.is_finite() {
            return refused;
        }
        let factor = (SAFETY * (TOLERANCE / error).powf(1.0 / ORDER)).clamp(SHRINKAGE, GROWTH);
        if error > TOLERANCE {
            return Trial { accepted: None, next: factor.min(SAFETY) * size };
        }
        let moved = sum(&[(2.0, &k1), (1.0, &k3), (1.0, &k4)]);
        let to = self.node_along(from.time + size, scale, &fourth, &k4);
        let accepted = to.force.iter().all(|f| f.is_finite());
        let step = Step { from: from.clone(), to, moved, stiffness: size / shortest };
        Trial { accepted: accepted.then_some(step), next: if accepted { factor } else { SHRINKAGE } * size }
    }
}

/// The beginning of the step before, as far as interpolation needs it.
pub(super) struct Previous {
    /// Before the node from which the step went.
    time: f64,
    x: Vec<f64>,
    /// The change of `z` (n) from there to that node.
    moved: Vec<f64>,
}

impl Previous {
    /// The same, moved by a share of a correction.
    pub(super) fn corrected(self, correction: &Correction, share: f64) -> Self {
        Self { x: along(&self.x, share, &correction.x), ..self }
    }
}

impl Step {
    /// The node at a time within the step, moved by a share of a correction.
    ///
    /// Where the step is shorter than the shortest time scale, the flow's own velocities at its ends make a cubic
    /// interpolation. They are of no use where residuals have found their slow course, from which those at a node differ
    /// by errors that would decay at once: there, a parabola through the nodes is taken.
    pub(super) fn at(
        &self,
        flow: &Flow<'_>,
        time: f64,
        previous: Option<&Previous>,
        correction: &Correction,
        share: f64,
    ) -> Node {
        let (from, to) = (&self.from, &self.to);
        let t = (time - from.time) / (to.time - from.time);
        let [x, velocity, force] = match previous {
            Some(previous) if self.stiffness > NOT_STIFF => self.parabola(time, previous),
            _ => self.cubic(t),
        };
        let scale = sum(&[(1.0 - t, &from.scale), (t, &to.scale), (share, &correction.scale)]);
        let x = along(&x, share, &correction.x);
        let coefficients = flow.start.coefficients(&scale, &x);
        Node { time, scale, x, coefficients, force, velocity }
    }

    /// What the step that follows needs of this one.
    pub(super) fn previous(&self) -> Previous {
        Previous { time: self.from.time, x: self.from.x.clone(), moved: self.moved.clone() }
    }

    /// `x`, `dx/ds` and `dz/ds` at a share of the step.
    fn cubic(&self, t: f64) -> [Vec<f64>; 3] {
        let (from, to) = (&self.from, &self.to);
        let (u, size) = (1.0 - t, to.time - from.time);
        let (here, there) =
            ([u * u * (1.0 + 2.0 * t), t * u * u * size], [t * t * (3.0 - 2.0 * t), -t * t * u * size]);
        let bump = 6.0 * t * u / size;
        let (start, end) = (u * (1.0 - 3.0 * t), t * (3.0 * t - 2.0));
        [
            sum(&[
                (here[0], &from.x),
                (here[1], &from.velocity),
                (there[0], &to.x),
                (there[1], &to.velocity),
            ]),
            sum(&[(-bump, &from.x), (bump, &to.x), (start, &from.velocity), (end, &to.velocity)]),
            sum(&[(bump, &self.moved), (start, &from.force), (end, &to.force)]),
        ]
    }

    /// The same through the step's nodes and the one before.
    fn parabola(&self, time: f64, previous: &Previous) -> [Vec<f64>; 3] {
        let (from, to) = (&self.from, &self.to);
        let (before, size) = (from.time - previous.time, to.time - from.time);
        let t = time - from.time;
        let last = t * (t - size) / (before * (before + size));
        let next = t * (t + before) / (size * (before + size));
        let (last_slope, next_slope) =
            ((2.0 * t - size) / (before * (before + size)), (2.0 * t + before) / (size * (before + size)));
        [
            sum(&[(last, &previous.x), (1.0 - last - next, &from.x), (next, &to.x)]),
            sum(&[(last_slope, &previous.x), (-last_slope - next_slope, &from.x), (next_slope, &to.x)]),
            sum(&[(-last_slope, &previous.moved), (next_slope, &self.moved)]),
        ]
    }
}

impl Node {
    /// `|r|^2`, the sum of the squared mean residuals.
    pub(super) fn squared_residuals(&self) -> f64 {
        let n = self.force.len() as f64;
        self.force.iter().map(|f| n * f * n * f).sum()
    }

    /// `X_j' r` (d).
    pub(super) fn gradients(&self) -> impl Iterator<Item = f64> {
        let n = self.force.len() as f64;
        self.velocity.iter().map(move |v| -0.5 * n * v)
    }
}

/// `a + factor b`.
pub(super) fn along(a: &[f64], factor: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + factor * b).collect()
}

fn twice(v: &[f64]) -> Vec<f64> {
    v.iter().map(|v| 2.0 * v).collect()
}

/// The sum of some vectors with their factors.
fn sum(terms: &[(f64, &Vec<f64>)]) -> Vec<f64> {
    let mut total = vec![0.0; terms[0].1.len()];
    for (factor, vector) in terms {
        total.iter_mut().zip(*vector).for_each(|(t, v)| *t += factor * v);
    }
    total
}
