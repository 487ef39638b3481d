//! What the papers predict, each with a certificate where it is the solution of a problem.

mod active_set;
pub mod basis_pursuit;
pub(crate) mod conic;
mod convention;
pub(crate) mod described;
pub mod entropy_projection;
mod error;
pub mod hyperbolic_entropy;
mod interpolation;
pub mod label_noise;
pub mod lasso;
pub mod lasso_path;
pub mod null_cone;
pub mod predicted_lasso;
mod reference;
mod sign;
pub(crate) mod stationary;
pub mod support_recovery;

pub use basis_pursuit::{BasisPursuit, BasisPursuitCertificate, basis_pursuit, basis_pursuit_certificate};
pub(crate) use convention::shortened;
pub use convention::{Convention, Factor};
pub use entropy_projection::{EntropyProjection, entropy_projection};
pub use error::TheoryError;
pub use hyperbolic_entropy::hyperbolic_entropy_projection;
pub use label_noise::{LabelNoiseStrength, label_noise_strength, sampling_strength};
pub use lasso::{Lasso, LassoCertificate, lasso, lasso_certificate, lasso_from};
pub use lasso_path::{lasso_path, lasso_scale_max};
pub use null_cone::{NullCone, null_cone, positive_null_probability, positive_null_vector};
pub use predicted_lasso::{
    PredictedLasso, StdOfLambda, predicted_lasso, predicted_lasso_at, predicted_lasso_of, std_of_lambda,
    stds_of_lambdas,
};
pub use reference::Reference;
pub use sign::Sign;
pub use support_recovery::{SupportRecovery, mean_squared_columns, support_recovery};
