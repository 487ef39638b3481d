//! `jostle run`.

use crate::args::{Output, RunOptions};
use crate::progress::Bar;
use crate::{Ending, print, say};
use jostle_lab::experiment::Experiment;
use jostle_lab::run::{LabError, Outcome, execute, report_of_run, summary, write_report};
use std::path::PathBuf;

/// Runs one experiment file.
pub(crate) fn run(options: &RunOptions, output: &Output) -> Result<Ending, LabError> {
    let mut experiment = Experiment::read(&options.file, &options.changes.overrides(None))?;
    let out = options.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&experiment.name));
    let bar = Bar::new(output);
    let run = match execute(&mut experiment, &out, options.threads.map(usize::from), &bar)? {
        Outcome::Done(run) => run,
        Outcome::Interrupted => {
            say(&format!("interrupted; the finished cells are in {}\n", out.display()));
            return Ok(Ending::Interrupted);
        }
    };
    write_report(&run.folder, &report_of_run(&run)?)?;
    let summary = summary(&run)?;
    if output.json {
        print(&format!("{:#}\n", summary.to_json()));
    } else if !output.quiet {
        print(&summary.to_text());
    }
    Ok(Ending::Done)
}
