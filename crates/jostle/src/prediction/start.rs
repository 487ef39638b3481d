//! The coefficients as a function of what moves: one number for every sample.

use crate::model::{LinkKind, Power};

/// The parametrisations that the flow describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parametrisation {
    /// `w^2`.
    Square,
    /// `u^2 - v^2`.
    Difference,
    /// `a * b`.
    Product,
}

impl Parametrisation {
    /// That of a link, if the flow describes it.
    pub(super) fn of(link: LinkKind) -> Option<Self> {
        match link {
            LinkKind::Square(_) => Some(Self::Square),
            LinkKind::Power(Power { depth: 2 }) => Some(Self::Difference),
            LinkKind::Product(_) => Some(Self::Product),
            LinkKind::Power(_) | LinkKind::Unit(_) => None,
        }
    }

    /// Parameters of one coefficient.
    pub(super) fn parts(self) -> usize {
        match self {
            Self::Square => 1,
            Self::Difference | Self::Product => 2,
        }
    }
}

/// `beta_j = exp(plus_j + c_j + x_j) - exp(minus_j + c_j - x_j)` with `x = 2 X'z`: the models `w^2` (without a second
/// part), `u^2 - v^2` and `a * b`, where `u = (a + b)/2` and `v = (a - b)/2`.
#[derive(Debug, Clone)]
pub(super) struct Start {
    /// `ln w^2` or `ln u^2` (d); minus infinity where the parameter is zero, where it stays.
    pub(super) plus: Vec<f64>,
    /// `ln v^2` (d).
    pub(super) minus: Option<Vec<f64>>,
}

/// Coefficients with the scale at which they react.
#[derive(Debug, Clone, Default)]
pub(super) struct Coefficients {
    /// `beta` (d).
    pub(super) beta: Vec<f64>,
    /// `D_j = d beta_j / d x_j` (d): `w^2`, or `u^2 + v^2`.
    pub(super) slope: Vec<f64>,
}

impl Start {
    /// The start at the parameters `theta` (p).
    pub(super) fn new(link: Parametrisation, theta: &[f64]) -> Self {
        let log = |value: f64| 2.0 * value.abs().ln();
        let (first, second) = theta.split_at(theta.len() / link.parts());
        match link {
            Parametrisation::Product => {
                let pairs = || first.iter().zip(second);
                let plus = pairs().map(|(a, b)| log((a + b) / 2.0)).collect();
                Self { plus, minus: Some(pairs().map(|(a, b)| log((a - b) / 2.0)).collect()) }
            }
            Parametrisation::Difference => {
                let minus = second.iter().map(|v| log(*v)).collect();
                Self { plus: first.iter().map(|u| log(*u)).collect(), minus: Some(minus) }
            }
            Parametrisation::Square => Self { plus: first.iter().map(|w| log(*w)).collect(), minus: None },
        }
    }

    /// The mean of several starts in the logarithm.
    pub(super) fn mean(starts: &[Self]) -> Self {
        let of = |part: &dyn Fn(&Self) -> &[f64]| -> Vec<f64> {
            let mut sum = vec![0.0; part(&starts[0]).len()];
            for start in starts {
                sum.iter_mut().zip(part(start)).for_each(|(s, value)| *s += value / starts.len() as f64);
            }
            sum
        };
        let has_minus = starts[0].minus.is_some();
        Self {
            plus: of(&|start| &start.plus),
            minus: has_minus.then(|| of(&|start| start.minus.as_deref().unwrap_or_default())),
        }
    }

    /// How much the coefficients (d) change, to first order in the logarithms, on the way to another start.
    pub(super) fn moved_to(&self, other: &Self) -> Vec<f64> {
        let part = |from: &[f64], to: &[f64]| -> Vec<f64> {
            // What is zero for some is nothing for their mean.
            from.iter().zip(to).map(|(a, b)| if a.exp() == 0.0 { 0.0 } else { a.exp() * (b - a) }).collect()
        };
        let mut moved = part(&self.plus, &other.plus);
        if let (Some(from), Some(to)) = (&self.minus, &other.minus) {
            moved.iter_mut().zip(part(from, to)).for_each(|(m, v)| *m -= v);
        }
        moved
    }

    /// The coefficients at `c` and `x` (d).
    pub(super) fn coefficients(&self, c: &[f64], x: &[f64]) -> Coefficients {
        self.coefficients_from(0, c, x)
    }

    /// Those from the coordinate `first` on, as many as there are values.
    pub(super) fn coefficients_from(&self, first: usize, c: &[f64], x: &[f64]) -> Coefficients {
        let plus = &self.plus[first..];
        let ahead: Vec<f64> = plus.iter().zip(c).zip(x).map(|((plus, c), x)| (plus + c + x).exp()).collect();
        let Some(minus) = &self.minus else {
            return Coefficients { slope: ahead.clone(), beta: ahead };
        };
        let minus = &minus[first..];
        let behind: Vec<f64> =
            minus.iter().zip(c).zip(x).map(|((minus, c), x)| (minus + c - x).exp()).collect();
        Coefficients {
            beta: ahead.iter().zip(&behind).map(|(u, v)| u - v).collect(),
            slope: ahead.iter().zip(&behind).map(|(u, v)| u + v).collect(),
        }
    }

    /// The parameters at `c` and `x`, with the signs that they have at `theta` (p), and the logarithms of their
    /// absolute values.
    pub(super) fn parameters(
        &self,
        link: Parametrisation,
        theta: &[f64],
        c: &[f64],
        x: &[f64],
    ) -> (Vec<f64>, Vec<f64>) {
        let half = |log: &[f64], sign: f64| -> Vec<f64> {
            log.iter().zip(c).zip(x).map(|((log, c), x)| 0.5 * (log + c + sign * x)).collect()
        };
        let mut logs = half(&self.plus, 1.0);
        if let Some(minus) = &self.minus {
            logs.extend(half(minus, -1.0));
        }
        if link != Parametrisation::Product {
            return (logs.iter().zip(theta).map(|(log, sign)| log.exp().copysign(*sign)).collect(), logs);
        }
        let (a, b) = theta.split_at(theta.len() / 2);
        let (u, v) = logs.split_at(logs.len() / 2);
        let signed = |k: usize| (u[k].exp().copysign(a[k] + b[k]), v[k].exp().copysign(a[k] - b[k]));
        let mut theta: Vec<f64> = (0..u.len()).map(signed).map(|(u, v)| u + v).collect();
        theta.extend((0..u.len()).map(signed).map(|(u, v)| u - v));
        // From the logarithms, as both u and v may underflow.
        let log = |k: usize, difference: bool| {
            let (u, v) = (u[k], v[k]);
            let (large, ratio) = (u.max(v), -(u - v).abs());
            let same = (a[k] + b[k]).is_sign_negative() == (a[k] - b[k]).is_sign_negative();
            large + if same == difference { (-ratio.exp()).ln_1p() } else { ratio.exp().ln_1p() }
        };
        let mut logs: Vec<f64> = (0..u.len()).map(|k| log(k, false)).collect();
        logs.extend((0..u.len()).map(|k| log(k, true)));
        (theta, logs)
    }
}

impl Coefficients {
    /// `sum_j D_j`.
    pub(super) fn total(&self) -> f64 {
        self.slope.iter().sum()
    }
}
