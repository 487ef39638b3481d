//! Reading: tables, series, summaries and reports of what a run folder holds.

mod comparison;
mod folder;
mod lasso;
mod prediction_summary;
mod report;
pub mod series;
mod summary;

pub use comparison::{Comparison, Difference, Differences, OfObservables, compare};
pub use folder::Run;
pub use lasso::{ShownLasso, lasso_lines};
pub use prediction_summary::PredictionSummary;
pub use report::{diverged_warning, report_of_run, settings_to_share, spread_text, write_report};
pub use summary::{Summary, summary};
