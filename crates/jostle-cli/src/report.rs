//! `jostle report`.

use crate::args::{Output, ReportOptions};
use crate::output::Ending;
use jostle_lab::LabError;
use jostle_papers::rebuild_report;

/// Builds the report of a run folder again, from the files in it.
pub(crate) fn report(options: &ReportOptions, output: &Output) -> Result<Ending, LabError> {
    let path = rebuild_report(&options.run)?;
    output.result(|| serde_json::json!({ "report": path }), || format!("{}\n", path.display()));
    Ok(Ending::Done)
}
