//! `jostle report`.

use crate::args::{Output, ReportOptions};
use crate::{Ending, print};
use jostle_lab::LabError;
use jostle_papers::rebuild_report;

/// Builds the report of a run folder again, from the files in it.
pub(crate) fn report(options: &ReportOptions, output: &Output) -> Result<Ending, LabError> {
    let path = rebuild_report(&options.run)?;
    if output.json {
        print(&format!("{:#}\n", serde_json::json!({ "report": path })));
    } else if !output.quiet {
        print(&format!("{}\n", path.display()));
    }
    Ok(Ending::Done)
}
