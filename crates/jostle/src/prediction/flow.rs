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
/// The share of a step in which the error of a node's force is given time to decay: enough for what is stiff, and so little
/// that what is not stays as it is.
const RELAXATION: f64 = 0.02;
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

/// How the flow moves at a node, without the error of the node.
#[derive(Clone)]
pub(super) struct Course {
    /// `dz/ds` (n).
    force: Vec<f64>,
    /// `dx/ds` (d).
    velocity: Vec<f64>,
}

/// How fast the mean moves, in units of the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The relative change of the coefficients.
    pub(super) coefficients: f64,
    /// The relative change of the sum of squared residuals.
    pub(super) residuals: f64,
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

    /// What the change of `c` at the given rates (d) does to the force: `-X (beta rates) / n`.
    fn drift(&self, node: &Node, rates: &[f64]) -> Vec<f64> {
        let n = self.problem.samples() as f64;
        let lost: Vec<f64> = node.coefficients.beta.iter().zip(rates).map(|(b, r)| b * r).collect();
        self.columns.product(&lost).iter().map(|v| -v / n).collect()
    }

    /// How the flow moves at the end of a step, after another one.
    ///
    /// Residuals that have found their slow course differ at a node from it by errors that would decay at once. The force
    /// `f` obeys `df/ds = drift - (2 K/n) f`; with the mean accelerations `a` of the last two steps on the left, and the
    /// node's own force for as much of it as does not decay within a short time `t`, it is
    ///
    /// ```text
    /// (1/t + 2 K/n)^-1 (f/t + drift - a)
    /// ```
    ///
    /// which is `f` itself where nothing decays, and the slow course where everything does.
    pub(super) fn course(
        &self,
        step: &Step,
        before: Option<&Step>,
        kernel: &Symmetric,
        rates: &[f64],
    ) -> Course {
        let to = &step.to;
        let Some(before) = before.filter(|_| step.stiffness > NOT_STIFF) else { return to.course() };
        let (last, size) = (before.size(), step.size());
        let n = self.problem.samples() as f64;
        let (time, between) = (RELAXATION * size, 0.5 * (last + size));
        let Some(solve) = kernel.shifted(n / (2.0 * time)) else { return to.course() };
        let changed = sum(&[
            (1.0 / time, &to.force),
            (1.0, &self.drift(to, rates)),
            (1.0 / (last * between), &before.moved),
            (-1.0 / (size * between), &step.moved),
        ]);
        let force: Vec<f64> = solve(&changed).iter().map(|v| 0.5 * n * v).collect();
        Course { velocity: self.pull(&force), force }
    }

    /// The kernel `K = X D X'` of a node.
    pub(super) fn kernel(&self, node: &Node) -> Symmetric {
        self.columns.gram(&node.coefficients.slope)
    }

    /// How fast the mean moves, in units of the time: the relative change of the coefficients (root mean square, weighted by
    /// `D`), and that of the sum of squared residuals, of which `noise` does not come from the mean.
    pub(super) fn pace(node: &Node, kernel: &Symmetric, rates: &[f64], noise: f64) -> Pace {
        let Coefficients { slope, beta } = &node.coefficients;
        let moved = node.velocity.iter().zip(rates).zip(beta.iter().zip(slope));
        let square = |((x, c), (b, d)): ((&f64, &f64), (&f64, &f64))| {
            if *d > 0.0 { (x * d + c * b).powi(2) / d } else { 0.0 }
        };
        let squares: f64 = moved.map(square).sum();
        let total = node.coefficients.total().max(f64::MIN_POSITIVE);
        let (n, residuals) = (node.force.len() as f64, node.squared_residuals());
        // df/ds = -(2 K/n) f.
        let falling = 4.0 * n * kernel.form(&node.force).max(0.0);
        Pace {
            coefficients: (squares / total).sqrt(),
            residuals: falling / (residuals + noise).max(f64::MIN_POSITIVE),
        }
    }

    /// What the coefficients change by, relative to `D` (d), once `x` has followed a change of the logarithms that changes
    /// them by `moved` (d): `D (moved / D - X' K^+ X moved)`.
    pub(super) fn relaxed(&self, slope: &[f64], kernel: &Symmetric, moved: &[f64]) -> Option<Vec<f64>> {
        let solve = kernel.shifted(1e-9 * kernel.trace() / self.problem.samples() as f64)?;
        let followed = self.columns.transpose_product(&solve(&self.columns.product(moved)));
        Some(moved.iter().zip(slope).zip(followed).map(|((m, d), x)| m - d * x).collect())
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
        let drift = self.drift(from, rates);
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

impl Step {
    fn size(&self) -> f64 {
        self.to.time - self.from.time
    }

    /// The node at a time within the step, moved by a share of a correction: a cubic interpolation between the courses at
    /// the ends.
    pub(super) fn at(
        &self,
        flow: &Flow<'_>,
        time: f64,
        [begins, ends]: [&Course; 2],
        correction: &Correction,
        share: f64,
    ) -> Node {
        let (from, to, size) = (&self.from, &self.to, self.size());
        let t = (time - from.time) / size;
        let u = 1.0 - t;
        let (here, there) =
            ([u * u * (1.0 + 2.0 * t), t * u * u * size], [t * t * (3.0 - 2.0 * t), -t * t * u * size]);
        let bump = 6.0 * t * u / size;
        let (start, end) = (u * (1.0 - 3.0 * t), t * (3.0 * t - 2.0));
        let x = sum(&[
            (here[0], &from.x),
            (here[1], &begins.velocity),
            (there[0], &to.x),
            (there[1], &ends.velocity),
            (share, &correction.x),
        ]);
        let velocity =
            sum(&[(-bump, &from.x), (bump, &to.x), (start, &begins.velocity), (end, &ends.velocity)]);
        let force = sum(&[(bump, &self.moved), (start, &begins.force), (end, &ends.force)]);
        let scale = sum(&[(u, &from.scale), (t, &to.scale), (share, &correction.scale)]);
        let coefficients = flow.start.coefficients(&scale, &x);
        Node { time, scale, x, coefficients, force, velocity }
    }
}

impl Node {
    /// How the flow moves here.
    pub(super) fn course(&self) -> Course {
        Course { force: self.force.clone(), velocity: self.velocity.clone() }
    }

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
