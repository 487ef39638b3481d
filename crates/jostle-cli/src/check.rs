//! `jostle check`.

use crate::args::{CheckOptions, Output};
use crate::{Ending, print};
use jostle_lab::experiment::Experiment;
use jostle_lab::run::{LabError, Plan, memory};

/// Validates an experiment file and says what running it would take.
pub(crate) fn check(options: &CheckOptions, output: &Output) -> Result<Ending, LabError> {
    let mut experiment = Experiment::read(&options.file, &options.changes.overrides(None))?;
    let plan = Plan::new(&mut experiment, options.threads.map(usize::from))?;
    let resolved = experiment.to_toml_string();
    if output.json {
        let json = serde_json::json!({
            "name": experiment.name,
            "cells": plan.cells.len(),
            "replica_steps": plan.replica_steps(),
            "memory_bytes": plan.memory(),
            "seconds": plan.seconds(),
            "threads": plan.threads,
            "level": plan.level.to_string(),
            "experiment": resolved,
        });
        print(&format!("{json:#}\n"));
        return Ok(Ending::Done);
    }
    if output.quiet {
        return Ok(Ending::Done);
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let mut lines = vec![
        resolved,
        format!(
            "# {} cell{}, {:.3e} replica-steps, {} of memory, {} on {} thread{}",
            plan.cells.len(),
            plural(plan.cells.len()),
            plan.replica_steps(),
            memory::readable(plan.memory()),
            about(plan.seconds()),
            plan.threads,
            plural(plan.threads),
        ),
    ];
    if output.verbose {
        lines.push(format!("# vectors: {}", plan.level));
        let kernels = plan.kernels().into_iter().enumerate();
        lines.extend(kernels.map(|(k, kernels)| format!("# cell {k}: {kernels}")));
    }
    print(&(lines.join("\n") + "\n"));
    Ok(Ending::Done)
}

fn about(seconds: f64) -> String {
    let duration = duration(seconds);
    if duration.starts_with(|c: char| c.is_ascii_digit()) { format!("about {duration}") } else { duration }
}

/// A rough time in the unit that suits it.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.95 => "under a second".to_owned(),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5940.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
