//! **jostle**: the laboratory for noisy gradient descent.
//!
//! Every algorithm here is one step, with two places where randomness may enter:
//!
//! ```text
//! theta <- theta - learning_rate * ( J(theta)' w  +  zeta )
//! ```
//!
//! `w` lives in sample space (one number per training sample): mini-batches and label noise act there, shaped by the
//! Jacobian `J`. `zeta` lives in parameter space: isotropic noise, and noise of a prescribed covariance. A
//! [`problem`] gives the data, a [`model`] turns parameters into predictions and sample weights into gradients, a
//! [`noise`] perturbs one of the two halves, [`dynamics`] says how parameters move, an [`ensemble`] runs many replicas
//! side by side, and an [`observable`] is a number recorded along the way. [`geometry`] is what the kernel `J J'` and the
//! residuals say about a point and its stability, and [`theory`] holds what the papers predict.
//!
//! The crate reads no files, prints nothing and knows no clock.

mod aligned;
mod device;
pub mod dynamics;
pub mod ensemble;
pub mod error;
mod float;
pub mod geometry;
pub mod interruption;
mod linear_algebra;
pub mod model;
pub mod noise;
pub mod observable;
pub mod prediction;
pub mod problem;
pub mod process;
pub mod random;
pub mod setting;
pub mod simd;
pub mod statistics;
pub mod theory;
mod watch;

pub use device::Device;
pub use error::InputError;
pub use float::{Float, Precision};
pub use simd::Level;
pub use watch::Watch;
