//! From parameters to predictions, and from sample weights to gradients.
//!
//! There are two forms of models. In the reparametrised linear family predictions are `f = X beta(theta)`, where every
//! coefficient `beta_j` is a function (a [`Link`]) of the one or two parameters that belong to it; the stepping kernels
//! are made for it. Everything else, in the [form](Form) of a network, is trained by forward and backward passes. The loss is `L(theta) = (c/n) sum_i |f_i - y_i|^2` with the loss
//! factor `c` of the model: 1/4 for the square parametrisations, 1/2 otherwise, so that all of the linear family share
//! the update `h = (1/n) X' r`.

mod activation;
mod interface;
mod linear_family;
mod linear_network;
mod linear_predictor;
mod link;
mod loss;
mod matrix;
#[cfg(test)]
mod network_laws;
mod passes;
mod random_features;
mod registry;
mod shared_linear;
mod spec;
mod start;
mod two_layer;

pub use activation::Activation;
pub use interface::{Model, Tensor};
pub use linear_network::LinearNetwork;
pub use linear_predictor::LinearPredictor;
pub(crate) use link::with_link;
pub use link::{Arithmetic, Link, LinkKind, Power, Product, Scaling, Square, Unit};
pub(crate) use loss::map_outputs;
pub use loss::{LOSS, Loss};
pub use matrix::MatrixFactorisation;
pub use passes::{Pass, Passes, Tape};
pub use random_features::RandomFeatures;
pub use registry::{ENTRIES, NETWORK_ENTRIES, network_from_settings};
pub use shared_linear::SharedLinear;
pub use spec::{Form, ModelSpec};
pub use start::{INIT_PER_REPLICA, SEED};
pub use two_layer::TwoLayer;

use crate::linear_algebra::dot;

/// Predictions `f = X beta` (m) of inputs `X` (m x d).
pub fn predict(inputs: &[f64], beta: &[f64]) -> Vec<f64> {
    inputs.chunks_exact(beta.len()).map(|row| dot(row, beta)).collect()
}
