//! What a run folder says of itself: `manifest.json`, and what it records of each cell.

mod label_noise;
mod lasso;
mod manifest;
mod predicted;

pub use label_noise::{StdOfLambda, lines_of_lambdas};
pub use lasso::{DistanceToLasso, KnownLasso, LassoRecord, OfCell, predicted_lassos};
pub use manifest::{
    Active, CellRecord, Converged, Diverged, FeatureScaling, Head, Machine, Manifest, ReadData, Status,
    write_json,
};
pub use predicted::{Expansion, Outside, Predicted, Simulated};
