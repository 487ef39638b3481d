//! From sample space to parameters: a flow is determined by `n` numbers.
//!
//! Gradient and noise of a flow act through `X'`. On the models of depth 2 they multiply, so that with
//! `d eta = -(r / n) dt + s dB` (n) the parameters are, exactly and at every time,
//!
//! ```text
//! w = w_0 exp(l),  u = u_0 exp(l),  v = v_0 exp(l'),      l, l' = +-m X' eta - (m^2/2) int s^2 dt diag(X' X)
//! ```
//!
//! The last term is Ito's. `a * b` is the same point, `a = u + v` and `b = u - v`. Coefficients of the linear model are
//! `beta_0 + m X' eta`. The rate `m` is 4 times the loss factor for squares and twice the loss factor otherwise.

#![allow(unsafe_code)]

use super::super::data::padded;
use crate::float::Float;
use crate::linear_algebra::transpose_product;
use crate::model::{Link, LinkKind, ModelSpec, Power, Square};
use crate::problem::Problem;
use crate::simd::{Level, Simd, Vector, dispatch, exp};

/// How parameters follow from sample space; arrays hold the replicas side by side (d x lanes, with padding).
#[derive(Clone)]
pub(super) struct Coordinates<F> {
    form: Form,
    /// `m`.
    rate: f64,
    /// The start `w_0`, or `u_0` and `v_0`, or `beta_0`.
    start: Vec<Vec<F>>,
    /// `(m^2/2) sum_i x_ij^2 s_i^2 / gamma`; empty without noise.
    shrinkage: Vec<F>,
    lanes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `w^2`.
    Square,
    /// `u^2 - v^2`; rotated, its parameters are `u + v` and `u - v`.
    Difference { is_rotated: bool },
    /// `beta` itself.
    Plain,
}

impl<F: Float> Coordinates<F> {
    /// The coordinates of a start `theta` (p). The noise has the variances `strengths` (n) in units of `gamma`.
    pub(super) fn new(
        model: &ModelSpec,
        problem: &Problem,
        theta: &[f64],
        strengths: &[f64],
        lanes: usize,
    ) -> Self {
        let dim = problem.dim();
        let form = match model.link().expect("the cell has been checked") {
            LinkKind::Square(_) => Form::Square,
            LinkKind::Power(_) => Form::Difference { is_rotated: false },
            LinkKind::Product(_) => Form::Difference { is_rotated: true },
            LinkKind::Unit(_) => Form::Plain,
        };
        let rate = model.rate().expect("the cell has been checked");
        let spread = |values: &mut dyn Iterator<Item = f64>| {
            let mut array = Vec::with_capacity(padded(dim * lanes));
            array.extend(values.flat_map(|v| std::iter::repeat_n(F::of(v), lanes)));
            array.resize(padded(dim * lanes), F::default());
            array
        };
        let start = rotated(form, theta, dim);
        let squared: Vec<f64> = problem.x().iter().map(|x| x * x).collect();
        let shrinkage = transpose_product(&squared, dim, strengths);
        Self {
            form,
            rate,
            start: start.chunks(dim).map(|part| spread(&mut part.iter().copied())).collect(),
            shrinkage: if strengths.is_empty() || form == Form::Plain {
                Vec::new()
            } else {
                spread(&mut shrinkage.iter().map(|q| 0.5 * rate * rate * q))
            },
            lanes,
        }
    }

    /// The coefficients from the place `first` on, given `X' eta` there and the integral of `gamma`.
    pub(super) fn coefficients(
        &self,
        level: Level,
        integral: f64,
        first: usize,
        pulled: &[F],
        beta: &mut [F],
    ) {
        let part = |k: usize| self.start.get(k).map_or(&[][..], |part| &part[first..]);
        let place = Place {
            form: self.form,
            rate: F::of(self.rate),
            start: [part(0), part(1)],
            shrinkage: self.shrinkage.get(first..).unwrap_or_default(),
            integral: F::of(-integral),
        };
        let place = &place;
        dispatch!(level, coefficients, F, [], (place: &Place<'_, F>, pulled: &[F], beta: &mut [F]));
    }

    /// The parameters (p) and the logarithms of their absolute values, in one lane with given `X' eta` (d).
    pub(super) fn parameters(&self, integral: f64, pulled: &[f64]) -> [Vec<f64>; 2] {
        let dim = pulled.len();
        let number = |array: &[F], j: usize| -> f64 { array[j * self.lanes].into() };
        let at = |part: usize, j: usize| number(&self.start[part], j);
        if self.form == Form::Plain {
            let beta: Vec<f64> = pulled.iter().enumerate().map(|(j, v)| at(0, j) + self.rate * v).collect();
            let logarithms = beta.iter().map(|b| b.abs().ln()).collect();
            return [beta, logarithms];
        }
        let exponent = |part: usize, j: usize| {
            let shrinkage = if self.shrinkage.is_empty() { 0.0 } else { number(&self.shrinkage, j) };
            [1.0, -1.0][part] * self.rate * pulled[j] - integral * shrinkage
        };
        let places = (0..self.start.len() * dim).map(|k| (k / dim, k % dim));
        let theta: Vec<f64> =
            places.clone().map(|(part, j)| at(part, j) * exp_of(exponent(part, j))).collect();
        let logarithms: Vec<f64> =
            places.map(|(part, j)| at(part, j).abs().ln() + exponent(part, j)).collect();
        if self.form != (Form::Difference { is_rotated: true }) {
            return [theta, logarithms];
        }
        // |u +- v| = exp(L) |+-exp(l - L) +- exp(l' - L)| with the larger logarithm L, where u and v underflow.
        let logarithm_of_sum = |j: usize, sign: f64| {
            let [l, m] = [logarithms[j], logarithms[dim + j]];
            let largest = l.max(m);
            if largest == f64::NEG_INFINITY {
                return largest;
            }
            let u = at(0, j).signum() * (l - largest).exp();
            let v = at(1, j).signum() * (m - largest).exp();
            largest + (u + sign * v).abs().ln()
        };
        let both = || [1.0, -1.0].into_iter().flat_map(|sign| (0..dim).map(move |j| (sign, j)));
        [
            both().map(|(sign, j)| theta[j] + sign * theta[dim + j]).collect(),
            both().map(|(sign, j)| logarithm_of_sum(j, sign)).collect(),
        ]
    }
}

/// The start in the coordinates that shrink and grow: `u = (a + b)/2` and `v = (a - b)/2` for the product form.
fn rotated(form: Form, theta: &[f64], dim: usize) -> Vec<f64> {
    if form != (Form::Difference { is_rotated: true }) {
        return theta.to_vec();
    }
    let (a, b) = theta.split_at(dim);
    let half = |sign: f64| a.iter().zip(b).map(move |(a, b)| 0.5 * (a + sign * b));
    half(1.0).chain(half(-1.0)).collect()
}

/// The exponential of one number, as trajectories have it.
fn exp_of(x: f64) -> f64 {
    exp(<f64 as Simd>::Single::splat(x)).sum()
}

/// A stretch of the coordinates, and the negative integral of `gamma`.
struct Place<'a, F> {
    form: Form,
    rate: F,
    start: [&'a [F]; 2],
    shrinkage: &'a [F],
    integral: F,
}

#[inline(always)]
fn coefficients<V: Vector>(place: &Place<'_, V::Float>, pulled: &[V::Float], beta: &mut [V::Float]) {
    let length = pulled.len();
    let reaches = |array: &[V::Float]| array.len() >= length;
    assert!(length.is_multiple_of(V::WIDTH) && beta.len() == length && reaches(place.start[0]));
    assert!(reaches(place.start[1]) || !matches!(place.form, Form::Difference { .. }));
    assert!(reaches(place.shrinkage) || place.shrinkage.is_empty());
    let rate = V::splat(place.rate);
    for at in (0..length).step_by(V::WIDTH) {
        // SAFETY: what is read of the arrays is within the length, or was checked to be there with the form.
        let coefficient = unsafe {
            let pulled = V::load(pulled.as_ptr().add(at));
            let start = |part: usize| V::load(place.start[part].as_ptr().add(at));
            let shrunk = if place.shrinkage.is_empty() {
                V::from(0.0)
            } else {
                V::load(place.shrinkage.as_ptr().add(at)) * V::splat(place.integral)
            };
            match place.form {
                Form::Plain => pulled.mul_add(rate, start(0)),
                Form::Square => {
                    let w = start(0) * exp(pulled.mul_add(rate, shrunk));
                    Square.coefficient([w, w])
                }
                Form::Difference { .. } => {
                    let u = start(0) * exp(pulled.mul_add(rate, shrunk));
                    let v = start(1) * exp(shrunk - pulled * rate);
                    Power { depth: 2 }.coefficient([u, v])
                }
            }
        };
        coefficient.write(&mut beta[at..]);
    }
}
