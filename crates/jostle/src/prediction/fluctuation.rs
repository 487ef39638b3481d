//! The fluctuations around the mean flow, to first order in the step size.
//!
//! The covariance `V` (n x n) of `z` obeys a linear equation whose coefficients are those of a step of gradient descent
//! on the linearised residuals: with `C = diag(q + p E r^2) - (p/n) mean r mean r'`, the covariance of a step's labels and of
//! its sampling, and `E r r' = 4 K V K + mean r mean r'`, in the eigenbasis of `K`,
//!
//! ```text
//! dV_ab/ds = (rate/n) C_ab - V_ab (A_a + A_b - (gamma - p rate) A_a A_b + rate b/(1 - b^2) (A_a - A_b)^2),     A = 2 K/n
//! ```
//!
//! with `gamma = rate (1 - b)/(1 + b)`. Where it rests, it has the second moments of the heavy ball exactly, underdamped or
//! not. On the way there, and after a drop of the step size, the heavy ball's positions and velocities are followed exactly
//! ([`super::heavy_ball`]), for a `K` that stays as it is for the time of a few steps.

use super::conditions::Conditions;
use super::flow::{Flow, Node};
use super::heavy_ball::{Moments, Motion};
use super::start::Coefficients;
use crate::linear_algebra::{Eigen, Symmetric};
use crate::theory::label_noise::strength;

/// Rounds of the equation for the mean squared residuals of mini-batches, which act back on the noise.
const ROUNDS: usize = 30;
/// The relative change at which they end, and the growth over the noise without sampling at which they never will.
const SETTLED: f64 = 1e-6;
const EXPLODED: f64 = 1e3;

/// The factor by which earlier gradients add up, beside those of a parameter that stays: where it would be larger, the parameter
/// overshoots zero.
const LONGEST_MEMORY: f64 = 2.0;

/// Why there is no prediction from some step on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unbounded {
    /// Gradient descent is unstable: `gamma lambda_max(K) / n` is at least 1.
    StepSize(f64),
    /// The noise of mini-batches grows with the residuals that it makes.
    Feedback,
    /// A decomposition failed, or a number overflowed.
    Numbers,
}

/// What is known of the fluctuations at a node.
#[derive(Clone)]
pub(super) struct Fluctuation {
    /// The covariance `V` of `z`; with momentum also `E z v'`, which is not symmetric, and `E v v'` of the change `v` of `z` in
    /// a step.
    covariance: Symmetric,
    crossed: Symmetric,
    velocities: Symmetric,
    /// The rate that they belong to, 0 before the first look.
    rate: f64,
    /// The variances `c_i^2` (n) of a step's perturbations; empty before the first.
    perturbations: Vec<f64>,
    /// `Var(beta_j) / D_j` (d).
    pub(super) spread: Vec<f64>,
    /// The rates (d) at which the scale of the logarithms changes.
    pub(super) rates: Vec<f64>,
    /// The variances of `x` (d) that give a logarithmic normal law the variance of `beta`.
    pub(super) log_variance: Vec<f64>,
    pub(super) sums: Sums,
    /// The largest eigenvalue of `K`.
    pub(super) largest: f64,
    /// `max_i p rate K_ii`: how far single samples are from driving their own noise without end, at 1.
    pub(super) feedback: f64,
    /// The mean of `Var(beta)/D^2`, weighted by `D^2`: the expansion asks that it be small.
    pub(super) relative_variance: f64,
}

/// Sums over samples, which change slowly from node to node.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    /// `Tr R / Tr K`, with the covariance `R` of the residuals.
    pub(super) residual_ratio: f64,
    /// `Tr K R`.
    pub(super) gradient: f64,
    /// The variance of `r' K r`.
    pub(super) gradient_variance: f64,
    /// `sum_i E r_i^2 K_ii`.
    pub(super) weighted_residuals: f64,
}

impl Sums {
    /// The values at a share of the way to others.
    pub(super) fn between(&self, other: &Self, share: f64) -> Self {
        let at = |a: f64, b: f64| between(a, b, share);
        Self {
            residual_ratio: at(self.residual_ratio, other.residual_ratio),
            gradient: at(self.gradient, other.gradient),
            gradient_variance: at(self.gradient_variance, other.gradient_variance),
            weighted_residuals: at(self.weighted_residuals, other.weighted_residuals),
        }
    }
}

/// The value at a share of the way from one to another: what decreases does so exponentially.
pub(super) fn between(a: f64, b: f64, share: f64) -> f64 {
    if 0.0 < b && b < a { a * (b / a).powf(share) } else { a + share * (b - a) }
}

impl Fluctuation {
    /// No fluctuations yet, as at a start that is not random.
    pub(super) fn none(samples: usize, dim: usize) -> Self {
        Self {
            covariance: Symmetric::zeros(samples),
            crossed: Symmetric::zeros(samples),
            velocities: Symmetric::zeros(samples),
            rate: 0.0,
            perturbations: Vec::new(),
            spread: vec![0.0; dim],
            rates: vec![0.0; dim],
            log_variance: vec![0.0; dim],
            sums: Sums::default(),
            largest: 0.0,
            feedback: 0.0,
            relative_variance: 0.0,
        }
    }

    /// By how many powers of `e` the mean squares of residuals and coefficients decrease from here to others.
    pub(super) fn change(&self, later: &Self) -> f64 {
        let of = |a: f64, b: f64| if 0.0 < b && b < a { (a / b).ln() } else { 0.0 };
        of(self.sums.residual_ratio, later.sums.residual_ratio)
            .max(of(self.relative_variance, later.relative_variance))
    }

    /// The fluctuations some time later, at a node with the kernel `kernel`.
    pub(super) fn after(
        &self,
        elapsed: f64,
        flow: &Flow<'_>,
        node: &Node,
        kernel: &Symmetric,
        conditions: &Conditions,
        rate: f64,
    ) -> Result<Self, Unbounded> {
        let n = node.force.len() as f64;
        let (p, gamma) = (conditions.sampling, conditions.step_size(rate));
        let mean: Vec<f64> = node.force.iter().map(|f| -n * f).collect();
        let eigen = kernel.eigen().ok_or(Unbounded::Numbers)?;
        let values: Vec<f64> = eigen.values.iter().map(|k| k.max(0.0)).collect();
        let largest = values.last().copied().unwrap_or(0.0);
        if !largest.is_finite() {
            return Err(Unbounded::Numbers);
        }
        if gamma * largest >= n {
            return Err(Unbounded::StepSize(gamma * largest / n));
        }
        let second = conditions.second_order.with_sampling(p).times(rate);
        let relaxation = |a: usize, b: usize| second.relaxation(2.0 / n * values[a], 2.0 / n * values[b]);
        let pairs = Pairs::new(&values, conditions, rate, elapsed);
        let carried = pairs.carried(&eigen, self, rate);
        let before = &carried.positions;
        // What noise of strength one has become in this time.
        let gain = before.clone().map(|a, b, _| {
            let relaxation = relaxation(a, b);
            if relaxation * elapsed > 1e-12 {
                pairs.risen(a, b, relaxation).positions / relaxation
            } else {
                elapsed
            }
        });
        let shared: Vec<f64> = eigen.project(&mean);
        let fixed = &conditions.label_variance;
        let mut perturbations =
            if self.perturbations.is_empty() { fixed.clone() } else { self.perturbations.clone() };
        let (mut rotated, mut residuals);
        let mut round = 0;
        loop {
            let noise = eigen.rotate(&Symmetric::from_diagonal(&perturbations));
            rotated = before.clone().map(|a, b, v| {
                v + rate / n * gain.entry(a, b) * (noise.entry(a, b) - p / n * shared[a] * shared[b])
            });
            residuals = eigen.rotate_back(&rotated.clone().map(|a, b, v| 4.0 * values[a] * values[b] * v));
            if p == 0.0 {
                break;
            }
            let mut change: f64 = 0.0;
            for (i, variance) in residuals.diagonal().into_iter().enumerate() {
                let alone = fixed[i] + p * mean[i] * mean[i];
                let next = alone + p * variance;
                if next.is_nan() || next > EXPLODED * alone {
                    return Err(Unbounded::Feedback);
                }
                change = change.max((next - perturbations[i]).abs() / next.max(f64::MIN_POSITIVE));
                perturbations[i] = next;
            }
            round += 1;
            if change < SETTLED {
                break;
            }
            if round == ROUNDS {
                return Err(Unbounded::Feedback);
            }
        }
        let (trace, diagonal, slope) = (kernel.trace(), kernel.diagonal(), &node.coefficients.slope);
        let covariance = eigen.rotate_back(&rotated);
        let [crossed, velocities] =
            pairs.moving(&carried, &rotated, &relaxation).map(|moments| eigen.rotate_back(&moments));
        let spread: Vec<f64> =
            flow.columns.forms(&covariance).iter().zip(slope).map(|(v, d)| 4.0 * v.max(0.0) * d).collect();
        let relative = |(nu, d): (&f64, &f64)| if *d > 0.0 { (nu / d).ln_1p() } else { 0.0 };
        let of_noise = |a: usize, b: usize, v: f64| (4.0 * v).powi(2) * (values[a] * values[b]).powi(3);
        let sums = Sums {
            residual_ratio: residuals.trace() / trace.max(f64::MIN_POSITIVE),
            gradient: rotated.sum(|a, b, v| if a == b { 4.0 * values[a].powi(3) * v } else { 0.0 }),
            gradient_variance: 2.0 * rotated.sum(of_noise) + 4.0 * residuals.form(&kernel.times(&mean)),
            weighted_residuals: residuals
                .diagonal()
                .iter()
                .zip(&mean)
                .zip(&diagonal)
                .map(|((variance, mean), k)| (variance + mean * mean) * k)
                .sum(),
        };
        // What residuals that persist add to the squares of a step, and what oscillations take from them (see [`rates`]).
        let slowing = if conditions.momentum.is_some() {
            let pull = |a: usize| 2.0 / n * values[a];
            let product = gamma - p * rate;
            let part = |a: usize, b: usize, v: f64| {
                v * (product * pull(a) * pull(b) - second.apart(pull(a), pull(b)))
            };
            flow.columns.forms(&eigen.rotate_back(&rotated.map(part)))
        } else {
            vec![0.0; slope.len()]
        };
        let variance: f64 = spread.iter().zip(slope).map(|(nu, d)| nu * d).sum();
        let squares: f64 = slope.iter().map(|d| d * d).sum();
        Ok(Self {
            rates: rates(flow, node, &perturbations, &slowing, conditions, rate),
            log_variance: spread.iter().zip(slope).map(relative).collect(),
            sums,
            largest,
            feedback: conditions.feedback(rate) * diagonal.iter().fold(0.0, |most: f64, k| most.max(*k)),
            relative_variance: variance / squares.max(f64::MIN_POSITIVE),
            covariance,
            crossed,
            velocities,
            rate,
            perturbations,
            spread,
        })
    }
}

/// Pairs of eigendirections, without noise, for some time.
struct Pairs<'a> {
    values: &'a [f64],
    momentum: Option<f64>,
    /// `2 rate (1 - b)/n`: the curvature of one step for each unit of `K`.
    pull: f64,
    motions: Vec<Motion>,
    elapsed: f64,
    /// `p rate 4/n^2`: what sampling takes from the covariance for each unit of `K_a K_b`.
    sampling: f64,
}

/// The second moments between eigendirections that are left of earlier ones.
struct Carried {
    positions: Symmetric,
    crossed: Symmetric,
    velocities: Symmetric,
}

impl<'a> Pairs<'a> {
    fn new(values: &'a [f64], conditions: &Conditions, rate: f64, elapsed: f64) -> Self {
        let n = values.len() as f64;
        let b = conditions.momentum.unwrap_or(0.0);
        let pull = 2.0 * rate * (1.0 - b) / n;
        let steps = if rate > 0.0 { elapsed / rate } else { 0.0 };
        let motions = values.iter().map(|k| Motion::new(pull * k, b, steps)).collect();
        let sampling = conditions.sampling * rate * 4.0 / (n * n);
        Self { values, momentum: conditions.momentum, pull, motions, elapsed, sampling }
    }

    fn later(&self, a: usize, b: usize, moments: &Moments) -> Moments {
        let Moments { positions, ahead, behind, velocities } =
            self.motions[a].pair(&self.motions[b], moments);
        let left = (-self.sampling * self.values[a] * self.values[b] * self.elapsed).exp();
        Moments {
            positions: left * positions,
            ahead: left * ahead,
            behind: left * behind,
            velocities: left * velocities,
        }
    }

    /// What is left of the moments that were there; velocities are those of another step size.
    fn carried(&self, eigen: &Eigen, earlier: &Fluctuation, rate: f64) -> Carried {
        let positions = eigen.rotate(&earlier.covariance);
        let Some(momentum) = self.momentum else {
            let decay =
                |a: usize, b: usize| 2.0 / self.values.len() as f64 * (self.values[a] + self.values[b]);
            let left = |a: usize, b: usize, v: f64| v * (-decay(a, b) * self.elapsed).exp();
            let none = Symmetric::zeros(self.values.len());
            return Carried { positions: positions.map(left), crossed: none.clone(), velocities: none };
        };
        let ratio = if earlier.rate > 0.0 { rate / earlier.rate } else { 1.0 };
        let [crossed, velocities] = if momentum > 0.0 {
            [eigen.rotate(&earlier.crossed), eigen.rotate(&earlier.velocities)]
        } else {
            [earlier.crossed.clone(), earlier.velocities.clone()]
        };
        let later = |a: usize, b: usize| {
            let moments = Moments {
                positions: positions.entry(a, b),
                ahead: ratio * crossed.entry(a, b),
                behind: ratio * crossed.entry(b, a),
                velocities: ratio * ratio * velocities.entry(a, b),
            };
            self.later(a, b, &moments)
        };
        Carried {
            positions: positions.clone().map(|a, b, _| later(a, b).positions),
            crossed: crossed.clone().map(|a, b, _| later(a, b).ahead),
            velocities: velocities.clone().map(|a, b, _| later(a, b).velocities),
        }
    }

    /// What noise adds in this time to moments of nothing, in units of its stationary positions.
    fn risen(&self, a: usize, b: usize, relaxation: f64) -> Moments {
        let Some(momentum) = self.momentum else {
            let positions = -(-relaxation * self.elapsed).exp_m1();
            return Moments { positions, ahead: 0.0, behind: 0.0, velocities: 0.0 };
        };
        let pulls = [a, b].map(|k| self.pull * self.values[k]);
        let all = Moments::stationary(1.0, pulls, momentum);
        let left = self.later(a, b, &all);
        Moments {
            positions: all.positions - left.positions,
            ahead: all.ahead - left.ahead,
            behind: all.behind - left.behind,
            velocities: all.velocities - left.velocities,
        }
    }

    /// The moments with velocities that go with these positions: those carried, and those that noise has added.
    fn moving(
        &self,
        carried: &Carried,
        positions: &Symmetric,
        relaxation: &dyn Fn(usize, usize) -> f64,
    ) -> [Symmetric; 2] {
        if self.momentum.is_none_or(|b| b == 0.0) {
            return [carried.crossed.clone(), carried.velocities.clone()];
        }
        let added = |a: usize, b: usize, of: &dyn Fn(&Moments) -> f64| {
            let risen = self.risen(a, b, relaxation(a, b));
            let share = positions.entry(a, b) - carried.positions.entry(a, b);
            if risen.positions > 1e-12 { share / risen.positions * of(&risen) } else { 0.0 }
        };
        [
            carried.crossed.clone().map(|a, b, v| v + added(a, b, &|m| m.ahead)),
            carried.velocities.clone().map(|a, b, v| v + added(a, b, &|m| m.velocities)),
        ]
    }
}

/// `d ln beta/ds` apart from the flow: what the square of a step's relative change `v` takes from the logarithms, which with
/// momentum is `-(1 + b)/(1 - b) E v^2` a step. To second order,
///
/// ```text
/// -rate (1/n) sum_i x_ij^2 c_i^2 - X_j' S X_j - (1 - p) rate (f g)^2 - 2 (f - 1) g,       g = X_j' mean r / n
/// S_ab = V_ab ((gamma - p rate) A_a A_b - rate b/(1 - b^2) (A_a - A_b)^2)
/// f = (1 - b)/(1 - b exp(-d)),        d = -rate (g + lambda_j)
/// ```
///
/// of which the first part is `-2 lambda_j`. `slowing` are the forms `X_j' S X_j` (d). The factor `f` is that of earlier gradients,
/// which were those of a parameter smaller by `exp(-d)` a step: one where noise and gradient are in balance, and
/// `1 + b/(1 - b) rate g` for small steps without noise. Of two parameters with opposite gradients it is the mean, weighted by their squares.
fn rates(
    flow: &Flow<'_>,
    node: &Node,
    perturbations: &[f64],
    slowing: &[f64],
    conditions: &Conditions,
    rate: f64,
) -> Vec<f64> {
    let strengths = strength(flow.problem, rate, perturbations);
    let Some(b) = conditions.momentum else {
        return strengths.iter().zip(slowing).map(|(lambda, slowing)| -2.0 * lambda - slowing).collect();
    };
    let n = node.force.len() as f64;
    let Coefficients { beta, slope } = &node.coefficients;
    let sides = beta.iter().zip(slope).map(|(beta, slope)| if *slope > 0.0 { beta / slope } else { 0.0 });
    let all = strengths.iter().zip(slowing).zip(node.gradients()).zip(sides);
    all.map(|(((lambda, slowing), gradient), side)| {
        let taken = 2.0 * lambda + slowing;
        let of = |g: f64| {
            let earlier = (rate * (g + 0.5 * taken)).exp();
            let memory = ((1.0 - b) / (1.0 - b * earlier).max(0.0)).min(LONGEST_MEMORY);
            (1.0 - conditions.sampling) * rate * (memory * g).powi(2) + 2.0 * (memory - 1.0) * g
        };
        let [plus, minus] = [gradient / n, -gradient / n].map(of);
        -taken - 0.5 * ((1.0 + side) * plus + (1.0 - side) * minus)
    })
    .collect()
}
