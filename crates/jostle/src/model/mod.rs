//! From parameters to predictions, and from sample weights to gradients.
//!
//! The models here are the reparametrised linear family: predictions `f = X beta(theta)`, where every coefficient
//! `beta_j` is a function (a [`Link`]) of the one or two parameters that belong to it. The loss is
//! `L(theta) = (c/n) sum_i (f_i - y_i)^2` with the loss factor `c` of the model: 1/4 for the square parametrisations,
//! 1/2 otherwise, so that all of them share the update `h = (1/n) X' r` of papers' section 0.

mod link;
mod network;

pub(crate) use link::with_link;
pub use link::{Arithmetic, Link, LinkKind, Power, Product, Scaling, Square, Unit};
pub(crate) use network::Pass;
pub use network::{AnyNetwork, Network, Tape};

use crate::error::InputError;
use crate::linear_algebra::dot;
use crate::problem::Problem;
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};

/// Parameters theta (p) to predictions f (n), and the product `J(theta)' w` that turns sample weights into a gradient.
pub trait Model: Send + Sync {
    /// Number of parameters `p`.
    fn num_params(&self, dim: usize) -> usize;

    /// The coefficients `beta(theta)` (d) of the linear predictor that `theta` (p) stands for.
    fn coefficients(&self, theta: &[f64], beta: &mut [f64]);

    /// The gradient `J(theta)' w` (p) for sample weights `w` (n); with `w_i = 2 c r_i / n` it is the loss's gradient.
    fn pull_back(&self, theta: &[f64], problem: &Problem, weights: &[f64], gradient: &mut [f64]);

    /// The squared norms `K_ii = |grad_theta f(x_i)|^2` (n), the diagonal of the kernel `K = J J'`.
    fn kernel_diagonal(&self, theta: &[f64], problem: &Problem, diagonal: &mut [f64]);
}

/// Predictions `f = X beta` (n).
pub fn predict(problem: &Problem, beta: &[f64], predictions: &mut [f64]) {
    for (i, f) in predictions.iter_mut().enumerate() {
        *f = dot(problem.row(i), beta);
    }
}

impl<L: Link> Model for L {
    fn num_params(&self, dim: usize) -> usize {
        L::PARTS * dim
    }

    fn coefficients(&self, theta: &[f64], beta: &mut [f64]) {
        let dim = beta.len();
        for (j, b) in beta.iter_mut().enumerate() {
            *b = self.coefficient(parts::<L>(theta, dim, j));
        }
    }

    fn pull_back(&self, theta: &[f64], problem: &Problem, weights: &[f64], gradient: &mut [f64]) {
        let dim = problem.dim();
        let mut pulled = vec![0.0; dim];
        for (i, w) in weights.iter().enumerate() {
            pulled.iter_mut().zip(problem.row(i)).for_each(|(h, x)| *h += w * x);
        }
        for (j, h) in pulled.iter().enumerate() {
            let slope = self.slope(parts::<L>(theta, dim, j));
            for part in 0..L::PARTS {
                gradient[part * dim + j] = slope[part] * h;
            }
        }
    }

    fn kernel_diagonal(&self, theta: &[f64], problem: &Problem, diagonal: &mut [f64]) {
        let dim = problem.dim();
        let squares: Vec<f64> = (0..dim)
            .map(|j| self.slope(parts::<L>(theta, dim, j))[..L::PARTS].iter().map(|s| s * s).sum())
            .collect();
        for (i, k) in diagonal.iter_mut().enumerate() {
            *k = problem.row(i).iter().zip(&squares).map(|(x, s)| x * x * s).sum();
        }
    }
}

/// The parameters of coefficient `j` when parameters are stored part after part.
fn parts<L: Link>(theta: &[f64], dim: usize, j: usize) -> [f64; 2] {
    std::array::from_fn(|part| if part < L::PARTS { theta[part * dim + j] } else { 0.0 })
}

/// A model with its start and its loss: what an experiment's `[model]` table says.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// The parametrisation.
    pub link: LinkKind,
    /// The scale of the start: one value for all coordinates, or one each (d).
    pub init: Vec<f64>,
    /// The loss factor `c`.
    pub loss_factor: f64,
}

impl ModelSpec {
    /// A parametrisation started at the same scale everywhere, with the loss factor of the papers.
    pub fn new(link: LinkKind, init: f64) -> Self {
        Self { link, init: vec![init], loss_factor: link.loss_factor() }
    }

    /// The model that checked settings describe; `kind` is one of [`ENTRIES`].
    ///
    /// # Errors
    /// A product form with another depth than 2.
    ///
    /// # Panics
    /// If `kind` is not one of the entries.
    pub fn from_settings(kind: &str, settings: &Settings) -> Result<Self, InputError> {
        let link = match kind {
            "quadratic" => LinkKind::Square(Square),
            "linear" => LinkKind::Unit(Unit),
            "hadamard" if settings.text("form") == "product" => match settings.integer("depth") {
                2 => LinkKind::Product(Product),
                depth => {
                    let problem = format!("is {depth}; expected 2 with form = \"product\"");
                    return Err(InputError::in_section("model")(SettingError::new("depth", problem)));
                }
            },
            "hadamard" => LinkKind::Power(Power { depth: settings.integer("depth") as u32 }),
            other => panic!("{other:?} is not a kind of model"),
        };
        Ok(Self { init: settings.numbers("init").to_vec(), ..Self::new(link, 0.0) })
    }

    /// The rate `m` of gradient flow, `d ln |w_j| = -m [X' r]_j / n dt`: `4 c` for `w^2` and `u^2 - v^2`, `2 c` for
    /// `a * b`. For the linear model the `2 c` of `d beta_j = -m [X' r]_j / n dt`. None for other depths.
    pub fn rate(&self) -> Option<f64> {
        let multiple = match self.link {
            LinkKind::Square(_) | LinkKind::Power(Power { depth: 2 }) => 4.0,
            LinkKind::Product(_) | LinkKind::Unit(_) => 2.0,
            LinkKind::Power(_) => return None,
        };
        Some(multiple * self.loss_factor)
    }

    /// The start theta_0 (p) in dimension `dim`.
    ///
    /// # Errors
    /// A list of initial values whose length is neither 1 nor the dimension.
    pub fn initial(&self, dim: usize) -> Result<Vec<f64>, InputError> {
        if self.init.len() != 1 && self.init.len() != dim {
            let problem = format!("has {} values; expected 1 or {dim} (the dimension)", self.init.len());
            return Err(InputError::in_section("model")(SettingError::new("init", problem)));
        }
        let scale = |j: usize| self.init[j % self.init.len()];
        let mut theta = vec![0.0; self.link.model().num_params(dim)];
        for (k, t) in theta.iter_mut().enumerate() {
            *t = self.link.initial_part(k / dim, scale(k % dim));
        }
        Ok(theta)
    }
}

const INIT: Setting = Setting {
    name: "init",
    symbol: "alpha, tau",
    kind: Kind::Numbers,
    fallback: Fallback::Number(1.0),
    doc: "Scale of the start, one for all coordinates or a list of d.",
};

/// The kinds of model that a file may name.
pub const ENTRIES: &[Entry] = &[
    Entry {
        kind: "quadratic",
        summary: "beta = w * w: non-negative coefficients",
        detail: "theta = w (d), started at w = init. Loss (1/4n) sum r^2, so that w_j <- w_j (1 - learning_rate h_j) \
                 with h = X' r / n.",
        reference: "HaoChen et al. 2020 (arXiv 2006.08680), section 2",
        settings: &[INIT],
    },
    Entry {
        kind: "hadamard",
        summary: "beta = u^depth - v^depth: signed coefficients",
        detail: "theta = (u, v) (2d), started at u = v = init, loss (1/4n) sum r^2. The product form is beta = a * b \
                 with loss (1/2n) sum r^2, started at a = 2 init, b = 0, which is the same point; with depth 2 both \
                 forms follow the same path, u = (a + b)/2 and v = (a - b)/2.",
        reference: "Woodworth et al. 2020 (arXiv 2002.09277); Pesme et al. 2021 (arXiv 2106.09524)",
        settings: &[
            INIT,
            Setting {
                name: "depth",
                symbol: "k",
                kind: Kind::Integer { min: 2 },
                fallback: Fallback::Integer(2),
                doc: "The power.",
            },
            Setting {
                name: "form",
                symbol: "",
                kind: Kind::Choice(&["power", "product"]),
                fallback: Fallback::Text("power"),
                doc: "\"power\" for u^depth - v^depth; \"product\" for a * b (depth 2 only).",
            },
        ],
    },
    Entry {
        kind: "linear",
        summary: "beta = theta: ordinary linear regression",
        detail: "theta = beta (d), started at init (0 by default). Loss (1/2n) sum r^2.",
        reference: "",
        settings: &[Setting { fallback: Fallback::Number(0.0), ..INIT }],
    },
];

#[cfg(test)]
mod tests;
