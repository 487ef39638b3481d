//! What the papers predict, each with a certificate where it is the solution of a problem.

mod conic;
pub mod entropy_projection;
mod error;
pub mod label_noise;
pub mod null_cone;

pub use entropy_projection::{EntropyProjection, entropy_projection};
pub use error::TheoryError;
pub use label_noise::{LabelNoiseStrength, label_noise_strength, sampling_strength};
pub use null_cone::{NullCone, null_cone, positive_null_probability, positive_null_vector};
