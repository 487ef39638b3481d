//! `jostle run`.

use crate::args::{Output, RunOptions};
use crate::output::{Ending, say};
use crate::progress::Bar;
use jostle_lab::LabError;
use jostle_lab::experiment::Experiment;
use jostle_lab::plan::Plan;
use jostle_lab::read::{Run, report_of_run, summary, write_report};
use jostle_lab::run::{Destination, Outcome, Remains, execute};
use std::path::{Path, PathBuf};

/// Runs one experiment file.
pub(crate) fn run(options: &RunOptions, output: &Output) -> Result<Ending, LabError> {
    let experiment = Experiment::read(&options.file, &options.changes.overrides(None))?;
    let out = options.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&experiment.name));
    let resources = options.threads.resources();
    let bar = Bar::new(output);
    let plan = Plan::new(experiment, &resources)?;
    if let Outcome::Interrupted(remains) = execute(&plan, &Destination::new(&out, options.force), &bar)? {
        say(&interrupted(remains, &out));
        return Ok(Ending::Interrupted);
    }
    let run = Run::open(&out)?;
    write_report(&run.folder, &report_of_run(&run)?)?;
    let summary = summary(&run)?;
    output.result(|| summary.to_json(), || summary.to_text());
    Ok(Ending::Done)
}

/// What is said of a run that was stopped.
pub(crate) fn interrupted(remains: Remains, out: &Path) -> String {
    let out = out.display();
    match remains {
        Remains::Cells => format!("interrupted; the finished cells are in {out}\n"),
        Remains::Older => format!("interrupted; {out} holds what it held before, and nothing of this run\n"),
        Remains::Nothing => {
            format!("interrupted before anything was computed; {out} holds what it held before\n")
        }
    }
}
