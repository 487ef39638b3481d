//! What the papers predict, each with a certificate where it is the solution of a problem.

mod active_set;
pub mod basis_pursuit;
mod conic;
pub mod entropy_projection;
mod error;
pub mod hyperbolic_entropy;
mod interpolation;
pub mod label_noise;
pub mod lasso;
pub mod lasso_path;
pub mod null_cone;
mod sign;

pub use basis_pursuit::{BasisPursuit, BasisPursuitCertificate, basis_pursuit, basis_pursuit_certificate};
pub use entropy_projection::{EntropyProjection, entropy_projection};
pub use error::TheoryError;
pub use hyperbolic_entropy::hyperbolic_entropy_projection;
pub use label_noise::{LabelNoiseStrength, label_noise_strength, sampling_strength};
pub use lasso::{Lasso, LassoCertificate, lasso, lasso_certificate, lasso_from};
pub use lasso_path::{lasso_path, lasso_scale_max};
pub use null_cone::{NullCone, null_cone, positive_null_probability, positive_null_vector};
pub use sign::Sign;
