//! How the noise of stochastic gradients meets the curvature at a point, from the kernel and the residuals alone.
//!
//! With `n` samples of `c` outputs each, predictions `f` (nc), their Jacobian `J` (nc x p), the kernel `K = J J'`
//! (nc x nc, samples one after the other) and the residuals `r = f - y` (nc), the loss here is
//! `L = (1/2n) |r|^2` (of a model with another loss, see [`Jacobian::of_model`]), and
//!
//! ```text
//! G       = (1/n) J' J  = (1/n) sum_i H_i,  H_i = J_i' J_i      the Hessian where the residuals vanish
//! Sigma_1 = (1/n) sum_i g_i g_i',           g_i = J_i' r_i      the uncentred covariance of one sample's gradient
//! Sigma   = Sigma_1 - grad L grad L'                            the covariance
//! ```
//!
//! where `J_i` (c x p) and `r_i` (c) are the rows of sample `i`. Nothing of size p x p is ever formed: a
//! [`KernelSource`] hands over blocks of `K` and products with it. [`Geometry::measure`] needs one pass over the kernel
//! and a few products; a [`Spectrum`] is one symmetric eigen-decomposition, from which the stability of stochastic
//! gradient descent follows exactly; [`Bounds`] are the inequalities of the papers beside it.
//!
//! ```
//! use jostle::geometry::{Batches, Geometry, Jacobian, Spectrum};
//!
//! // Two samples, three parameters, one output.
//! let source = Jacobian::new(vec![1.0, 0.0, 2.0, 0.0, 1.0, 1.0], 3, 1)?;
//! let geometry = Geometry::measure(&source, &[0.1, -0.2])?;
//! assert_eq!(geometry.curvature.trace, 3.5);
//!
//! let threshold = Spectrum::new(&source)?.max_stable_learning_rate(Batches::with_replacement(1))?;
//! assert!(threshold.learning_rate < 2.0 / geometry.curvature.lambda_max);
//! # Ok::<(), jostle::geometry::GeometryError>(())
//! ```
//!
//! Wu, Wang, Su 2022 (arXiv 2207.02628); Mulayoff, Michaeli 2024 (arXiv 2306.07850).

mod atlas;
mod batches;
mod bounds;
mod cost;
mod error;
mod layers;
mod mean_square;
mod quantities;
mod range;
mod registry;
mod request;
mod source;
mod spectrum;
mod stability;
mod sums;

pub use atlas::Atlas;
pub(crate) use batches::effective_batch_without_replacement;
pub use batches::{BatchMoments, Batches, Sampling};
pub use bounds::{Bounds, root_coherence, safe_learning_rate};
pub use cost::{KernelCost, LayerCost};
pub use error::GeometryError;
pub use layers::LayerGeometry;
pub use quantities::{Curvature, Geometry, NoiseShape};
pub use registry::{QUANTITIES, Quantity};
pub use request::{KernelRequest, Watched};
pub use source::{DenseKernel, Jacobian, KernelSource, LayerKernel, kernel_of_model, layers_of_model};
pub use spectrum::Spectrum;
pub use stability::Threshold;
pub use sums::Sums;

#[cfg(test)]
mod tests;
