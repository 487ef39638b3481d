//! Runs: from an experiment to a folder of results, and back.

mod build;
mod checkpoints;
mod comparison;
mod computed;
mod data;
mod destination;
mod device;
mod error;
mod estimate;
mod execute;
mod folder;
mod images;
mod label_noise;
mod manifest;
pub mod memory;
mod overwriting;
mod predicted_lasso;
mod prediction;
mod prediction_summary;
mod report;
mod resources;
mod results;
pub mod series;
mod summary;

pub use build::{Built, build};
pub use comparison::{Comparison, Difference, Differences, OfObservables, compare};
pub use computed::Computed;
pub use destination::{Destination, Held, head};
pub use error::LabError;
pub use execute::{Outcome, Plan, Progress, Remains, Unit, Unwatched, compute, execute};
pub use folder::Run;
pub use label_noise::{StdOfLambda, lines_of_lambdas};
pub use manifest::{
    Active, CellRecord, Converged, Diverged, Expansion, FeatureScaling, Head, Machine, Manifest, Outside,
    Predicted, ReadData, Simulated, Status, write_json,
};
pub use overwriting::refuse_to_overwrite;
pub use predicted_lasso::{
    DistanceToLasso, KnownLasso, LassoRecord, OfCell, ShownLasso, lasso_lines, predicted_lassos,
};
pub use prediction::{PredictedCell, PredictionOutcome, Predictions, predict};
pub use prediction_summary::PredictionSummary;
pub use report::{diverged_warning, report_of_run, settings_to_share, spread_text, write_report};
pub use resources::Resources;
pub use summary::{Summary, summary};
