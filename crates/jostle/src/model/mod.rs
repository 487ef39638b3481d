//! From parameters to predictions, and from sample weights to gradients.
//!
//! There are two forms of models. In the reparametrised linear family predictions are `f = X beta(theta)`, where every
//! coefficient `beta_j` is a function (a [`Link`]) of the one or two parameters that belong to it; the stepping kernels
//! are made for it. Everything else is a [`Network`]. The loss is `L(theta) = (c/n) sum_i |f_i - y_i|^2` with the loss
//! factor `c` of the model: 1/4 for the square parametrisations, 1/2 otherwise, so that all of the linear family share
//! the update `h = (1/n) X' r`.

mod activation;
mod linear_network;
mod link;
mod loss;
mod matrix;
mod network;
#[cfg(test)]
mod network_laws;
mod passes;
mod random_features;
mod registry;
mod shared_linear;
mod two_layer;

pub use activation::Activation;
pub use linear_network::LinearNetwork;
pub(crate) use link::with_link;
pub use link::{Arithmetic, Link, LinkKind, Power, Product, Scaling, Square, Unit};
pub(crate) use loss::map_outputs;
pub use loss::{LOSS, Loss};
pub use matrix::MatrixFactorisation;
pub(crate) use network::Pass;
pub use network::{AnyNetwork, Network, Tape, Tensor};
pub use random_features::RandomFeatures;
pub use registry::{INIT_PER_REPLICA, NETWORK_ENTRIES, SEED, network_from_settings};
pub use shared_linear::SharedLinear;
pub use two_layer::TwoLayer;

use crate::error::InputError;
use crate::geometry::{KernelCost, KernelRequest, KernelSource};
use crate::linear_algebra::dot;
use crate::problem::Problem;
use crate::random::Draws;
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};
use std::sync::Arc;

/// Parameters theta (p) to predictions f (n x c), and the product `J(theta)' w` that turns sample weights into a gradient.
pub trait Model: Send + Sync {
    /// Number of parameters `p` in dimension `dim`; the largest whole number where there are more.
    fn num_params(&self, dim: usize) -> usize;

    /// Outputs `c` of one sample.
    fn outputs(&self) -> usize {
        1
    }

    /// The coefficients `beta(theta)` (d) of the linear predictor that `theta` (p) stands for, if it stands for one.
    fn coefficients(&self, theta: &[f64], dim: usize) -> Option<Vec<f64>>;

    /// Predictions (m x c) of any inputs (m x d).
    fn predict(&self, theta: &[f64], inputs: &[f64], dim: usize) -> Vec<f64>;

    /// The gradient `J(theta)' w` (p) for sample weights `w` (n x c); with `w_i = 2 c r_i / n` it is the loss's gradient.
    fn pull_back(&self, theta: &[f64], problem: &Problem, weights: &[f64], gradient: &mut [f64]);

    /// The Jacobian `factor * J(theta)` (nc x p), row major.
    fn jacobian(&self, theta: &[f64], problem: &Problem, factor: f64) -> Vec<f64> {
        let rows = problem.samples() * self.outputs();
        let mut jacobian = vec![0.0; rows * theta.len()];
        let mut weights = vec![0.0; rows];
        for (i, row) in jacobian.chunks_exact_mut(theta.len()).enumerate() {
            weights[i] = factor;
            self.pull_back(theta, problem, &weights, row);
            weights[i] = 0.0;
        }
        jacobian
    }

    /// The kernel that is asked for, where there is a cheaper way to it than by the Jacobian.
    fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
        let _ = request;
        None
    }

    /// What the kernel of so many samples of dimension `dim` costs, without its layers.
    fn kernel_cost(&self, samples: usize, dim: usize) -> KernelCost {
        KernelCost::of_jacobian(samples * self.outputs(), self.num_params(dim))
    }

    /// The blocks `K_ii = J_i J_i'` (n x c x c) of every sample on the diagonal of the kernel `K = J J'`; with one output,
    /// the squared norms `|grad_theta f(x_i)|^2`.
    fn kernel_blocks(&self, theta: &[f64], problem: &Problem, blocks: &mut [f64]);
}

/// Predictions `f = X beta` (m) of inputs `X` (m x d).
pub fn predict(inputs: &[f64], beta: &[f64]) -> Vec<f64> {
    inputs.chunks_exact(beta.len()).map(|row| dot(row, beta)).collect()
}

impl<L: Link> Model for L {
    fn num_params(&self, dim: usize) -> usize {
        L::PARTS.saturating_mul(dim)
    }

    fn coefficients(&self, theta: &[f64], dim: usize) -> Option<Vec<f64>> {
        Some((0..dim).map(|j| self.coefficient(parts::<L>(theta, dim, j))).collect())
    }

    fn predict(&self, theta: &[f64], inputs: &[f64], dim: usize) -> Vec<f64> {
        let beta: Vec<f64> = (0..dim).map(|j| self.coefficient(parts::<L>(theta, dim, j))).collect();
        predict(inputs, &beta)
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

    fn kernel_blocks(&self, theta: &[f64], problem: &Problem, blocks: &mut [f64]) {
        let dim = problem.dim();
        let squares: Vec<f64> = (0..dim)
            .map(|j| self.slope(parts::<L>(theta, dim, j))[..L::PARTS].iter().map(|s| s * s).sum())
            .collect();
        for (i, k) in blocks.iter_mut().enumerate() {
            *k = problem.row(i).iter().zip(&squares).map(|(x, s)| x * x * s).sum();
        }
    }
}

/// The parameters of coefficient `j` when parameters are stored part after part.
fn parts<L: Link>(theta: &[f64], dim: usize, j: usize) -> [f64; 2] {
    std::array::from_fn(|part| if part < L::PARTS { theta[part * dim + j] } else { 0.0 })
}

/// The form of a model.
#[derive(Debug, Clone)]
pub enum Form {
    /// A reparametrised linear predictor.
    Link {
        /// The parametrisation.
        link: LinkKind,
        /// The scale of the start: one value for all coordinates, or one each (d).
        init: Vec<f64>,
    },
    /// A network, started at random.
    Network {
        /// The network.
        network: Arc<dyn AnyNetwork>,
        /// Seed of the start.
        seed: u64,
        /// Whether every replica has a start of its own.
        init_per_replica: bool,
    },
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Form::Link { link: LinkKind::Square(_), .. } => f.write_str("quadratic"),
            Form::Link { link: LinkKind::Power(Power { depth }), .. } => {
                write!(f, "hadamard of depth {depth}")
            }
            Form::Link { link: LinkKind::Product(_), .. } => f.write_str("hadamard in product form"),
            Form::Link { link: LinkKind::Unit(_), .. } => f.write_str("linear"),
            Form::Network { network, .. } => write!(f, "{network:?}"),
        }
    }
}

/// A model with its start and its loss: what an experiment's `[model]` table says.
#[derive(Debug, Clone)]
pub struct ModelSpec {
    /// The model and its start.
    pub form: Form,
    /// The loss.
    pub loss: Loss,
    /// The loss factor `c`.
    pub loss_factor: f64,
}

impl ModelSpec {
    /// A parametrisation started at the same scale everywhere, with the loss factor of the papers.
    pub fn new(link: LinkKind, init: f64) -> Self {
        Self::with_init(link, vec![init])
    }

    /// A parametrisation whose start has one scale for all coordinates, or one for each (d).
    pub fn with_init(link: LinkKind, init: Vec<f64>) -> Self {
        Self { form: Form::Link { link, init }, loss: Loss::Square, loss_factor: link.loss_factor() }
    }

    /// A network, whose replicas start at the same random point; the loss is `(1/2n) sum_i |r_i|^2`.
    pub fn of_network(network: Arc<dyn AnyNetwork>, seed: u64) -> Self {
        let form = Form::Network { network, seed, init_per_replica: false };
        Self { form, loss: Loss::Square, loss_factor: 0.5 }
    }

    /// The parametrisation, of a reparametrised linear predictor.
    pub fn link(&self) -> Option<LinkKind> {
        match &self.form {
            Form::Link { link, .. } => Some(*link),
            Form::Network { .. } => None,
        }
    }

    /// The model.
    pub fn model(&self) -> &dyn Model {
        match &self.form {
            Form::Link { link, .. } => link.model(),
            Form::Network { network, .. } => network,
        }
    }

    /// The named tensors that the parameters are made of, one after the other; none where they have no names.
    pub fn tensors(&self) -> Vec<Tensor> {
        match &self.form {
            Form::Link { .. } => Vec::new(),
            Form::Network { network, .. } => network.tensors(),
        }
    }

    /// Whether every replica has a start of its own.
    pub fn init_per_replica(&self) -> bool {
        matches!(self.form, Form::Network { init_per_replica: true, .. })
    }

    /// The model that checked settings describe, for samples of dimension `dim` with `outputs` labels; `kind` is one of
    /// [`ENTRIES`]. The kind `random-features` is the linear model on [other data](RandomFeatures::design).
    ///
    /// # Errors
    /// A product form with another depth than 2; samples that do not fit a network.
    ///
    /// # Panics
    /// If `kind` is not one of the entries.
    pub fn from_settings(
        kind: &str,
        settings: &Settings,
        dim: usize,
        outputs: usize,
    ) -> Result<Self, InputError> {
        let link = match kind {
            "quadratic" => LinkKind::Square(Square),
            "linear" | "random-features" => LinkKind::Unit(Unit),
            "hadamard" if settings.text("form") == "product" => match settings.integer("depth") {
                2 => LinkKind::Product(Product),
                depth => {
                    let problem = format!("is {depth}; expected 2 with form = \"product\"");
                    return Err(InputError::in_section("model")(SettingError::new("depth", problem)));
                }
            },
            "hadamard" => LinkKind::Power(Power { depth: settings.integer("depth") as u32 }),
            other => {
                let network = network_from_settings(other, settings, dim, outputs)
                    .unwrap_or_else(|| panic!("{other:?} is not a kind of model"))?;
                return Ok(Self::with_settings(network, settings));
            }
        };
        Ok(Self::with_init(link, settings.numbers("init").to_vec()))
    }

    /// A network with the start that checked settings describe.
    pub fn with_settings(network: Arc<dyn AnyNetwork>, settings: &Settings) -> Self {
        let (seed, init_per_replica) = (settings.integer("seed"), settings.flag("init_per_replica"));
        let loss = Loss::from_settings(settings);
        Self { form: Form::Network { network, seed, init_per_replica }, loss, loss_factor: 0.5 }
    }

    /// The rate `m` of gradient flow, `d ln |w_j| = -m [X' r]_j / n dt`: `4 c` for `w^2` and `u^2 - v^2`, `2 c` for
    /// `a * b`. For the linear model the `2 c` of `d beta_j = -m [X' r]_j / n dt`. None for other depths.
    pub fn rate(&self) -> Option<f64> {
        let multiple = match self.link()? {
            LinkKind::Square(_) | LinkKind::Power(Power { depth: 2 }) => 4.0,
            LinkKind::Product(_) | LinkKind::Unit(_) => 2.0,
            LinkKind::Power(_) => return None,
        };
        Some(multiple * self.loss_factor)
    }

    /// Checks that there is one initial value, or one for each coordinate of dimension `dim`.
    ///
    /// # Errors
    /// A list of initial values whose length is neither 1 nor the dimension.
    pub fn check_initial(&self, dim: usize) -> Result<(), InputError> {
        let Form::Link { init, .. } = &self.form else { return Ok(()) };
        if init.len() == 1 || init.len() == dim {
            return Ok(());
        }
        let problem = format!("has {} values; expected 1 or {dim} (the dimension)", init.len());
        Err(InputError::in_section("model")(SettingError::new("init", problem)))
    }

    /// The start theta_0 (p) of a replica in dimension `dim`; initial values that are [too few](Self::check_initial) are
    /// repeated.
    pub fn initial(&self, dim: usize, replica: u32) -> Vec<f64> {
        let (link, init) = match &self.form {
            Form::Link { link, init } => (link, init),
            Form::Network { network, seed, init_per_replica } => {
                let replicas = [if *init_per_replica { replica } else { 0 }];
                return network.initial(&Draws::new(*seed, &replicas, 0));
            }
        };
        let scale = |j: usize| init[j % init.len()];
        let mut theta = vec![0.0; link.model().num_params(dim)];
        for (k, t) in theta.iter_mut().enumerate() {
            *t = link.initial_part(k / dim, scale(k % dim));
        }
        theta
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
pub const ENTRIES: &[Entry] = &{
    let (first, then) = (LINEAR_FAMILY, NETWORK_ENTRIES);
    let mut entries = [RandomFeatures::ENTRY; LINEAR_FAMILY.len() + 1 + NETWORK_ENTRIES.len()];
    let mut k = 0;
    while k < entries.len() {
        if k < first.len() {
            entries[k] = first[k];
        } else if k > first.len() {
            entries[k] = then[k - first.len() - 1];
        }
        k += 1;
    }
    entries
};

/// The reparametrised linear family.
const LINEAR_FAMILY: &[Entry] = &[
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
