//! What most programs need: `use jostle::prelude::*`.

pub use crate::dynamics::{Batch, Flow, GradientDescent, Schedule};
pub use crate::ensemble::{Ensemble, Protocol, Recording, Results, Values};
pub use crate::model::{ModelSpec, Power, Product, Square, Unit};
pub use crate::noise::{IsotropicNoise, LabelNoise, Noise};
pub use crate::problem::{Problem, SparseRegression};
pub use crate::process::{Process, Start};
pub use crate::{InputError, Precision, Watch};
