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
    let mut text = resolved;
    text += &format!(
        "\n# {} cell{}, {:.3e} replica-steps, {} of memory, about {} on {} thread{}\n",
        plan.cells.len(),
        if plan.cells.len() == 1 { "" } else { "s" },
        plan.replica_steps(),
        memory::readable(plan.memory()),
        duration(plan.seconds()),
        plan.threads,
        if plan.threads == 1 { "" } else { "s" },
    );
    if output.verbose {
        text += &format!("# vectors: {}\n", plan.level);
        for (k, kernels) in plan.kernels().iter().enumerate() {
            text += &format!("# cell {k}: {kernels}\n");
        }
    }
    print(&text);
    Ok(Ending::Done)
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
