//! **jostle**: the laboratory for noisy gradient descent.
//!
//! 64 replicas of `w^2` with label noise, on all processors:
//!
//! ```
//! use jostle::prelude::*;
//!
//! # fn main() -> Result<(), InputError> {
//! let problem = SparseRegression { samples: 40, dim: 100, sparsity: 5, ..Default::default() }.draw(0)?;
//! let dynamics = GradientDescent::new(3_000, 0.01);
//! let process = Process::new(problem, ModelSpec::new(Square, 1.0), dynamics).noise(LabelNoise::gaussian(1.0));
//! let ensemble = Ensemble::new(process)?.replicas(64)?.record(["train_loss", "test_error"])?;
//! let results = ensemble.run();
//! let error = results.last("test_error")?;
//! println!("{:.3e} +- {:.1e}, {} diverged", error.mean(), error.standard_error(), error.diverged());
//! # Ok(())
//! # }
//! ```
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
//! [`noise`] perturbs one of the two halves, and [`dynamics`] says how parameters move: together they are a [`process`].
//! [`theory`] reads a process, and holds what the papers predict of it; an [`ensemble`] runs many replicas of it side by
//! side and records [`observables`](observable) along the way, and a [`prediction`] gives their means without replicas.
//! [`geometry`] is what the kernel `J J'` and the residuals say about a point and its stability.
//!
//! More programs are in the folder `examples`. The crate reads no files, prints nothing and knows no clock.

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
pub mod prelude;
pub mod problem;
pub mod process;
pub mod random;
pub mod schedule;
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
