//! `jostle check`.

use crate::args::{CheckOptions, Output};
use crate::output::{Ending, print};
use jostle::ensemble::{Ensemble, Measurement};
use jostle::geometry::LayerCost;
use jostle_lab::LabError;
use jostle_lab::experiment::Experiment;
use jostle_lab::plan::Plan;
use jostle_lab::read::{ShownLasso, lasso_lines};
use jostle_lab::record::{LassoRecord, OfCell, StdOfLambda, lines_of_lambdas, predicted_lassos};
use jostle_report::number::readable_bytes;
use jostle_report::text::counted;

/// Validates an experiment file and says what running it would take.
pub(crate) fn check(options: &CheckOptions, output: &Output) -> Result<Ending, LabError> {
    let experiment = Experiment::read(&options.file, &options.changes.overrides(None))?;
    let plan = Plan::new(experiment, &options.threads.resources())?;
    let resolved = plan.experiment().to_toml_string();
    let label_noise: Vec<_> = plan.cells().iter().map(StdOfLambda::of).collect();
    let lassos = predicted_lassos(plan.cells(), false);
    if output.json {
        let json = serde_json::json!({
            "name": plan.experiment().name,
            "cells": plan.cells().len(),
            "replica_steps": plan.replica_steps(),
            "memory_bytes": plan.memory(),
            "geometry_bytes": plan.geometry_memory(),
            "seconds": plan.seconds(),
            "threads": plan.threads(),
            "level": plan.level().to_string(),
            "data": plan.data(),
            "data_sets": plan.data_sets(),
            "devices": plan.devices(),
            "kernels": plan.kernels().iter().map(|kernel| kernel.as_ref().map(|(kernel, rate)| serde_json::json!({
                "kernel": kernel.kernel.to_string(),
                "reason": kernel.reason,
                "replicas_together": kernel.together,
                "precision": kernel.precision.to_string(),
                "replica_steps_per_second": rate,
                "may_stop_early": kernel.may_stop_early,
            }))).collect::<Vec<_>>(),
            "geometry": plan.cells().iter().map(geometry_json).collect::<Vec<_>>(),
            "label_noise": label_noise,
            "predicted_lasso": lassos.iter().map(LassoRecord::json_of).collect::<Vec<_>>(),
            "experiment": resolved,
        });
        print(&format!("{json:#}\n"));
        return Ok(Ending::Done);
    }
    if output.quiet {
        return Ok(Ending::Done);
    }
    let mut lines = vec![
        resolved,
        format!(
            "# {}, {:.3e} replica-steps, {} of memory, {} on {}",
            counted(plan.cells().len(), "cell"),
            plan.replica_steps(),
            readable_bytes(plan.memory()),
            about(plan.seconds()),
            counted(plan.threads(), "thread"),
        ),
    ];
    if plan.geometry_memory() > 0.0 {
        let bytes = readable_bytes(plan.geometry_memory());
        lines.push(format!("# of it at most {bytes} for the geometry that is measured"));
    }
    lines.extend(plan.data().iter().map(|data| format!("# data: {data}")));
    let label_noise = lines_of_lambdas(label_noise.iter().map(|found| &found[..]));
    lines.extend(label_noise.into_iter().map(|line| format!("# {line}")));
    let of_lassos = lines_of_lassos(&lassos, output.verbose);
    lines.splice(1..1, of_lassos.into_iter().map(|line| format!("# {line}")));
    let device = |device| format!("# device: {device} (the time is that of the processor alone)");
    lines.extend(plan.devices().iter().map(device));
    if output.verbose {
        lines.push(format!("# vectors: {}", plan.level()));
        if plan.level().imitates_fma() {
            lines.push(
                "# This processor has no fused multiply-add: the results are the same, about a hundred times slower."
                    .to_owned(),
            );
        }
        for (k, kernel) in plan.kernels().into_iter().enumerate() {
            let Some((kernel, rate)) = kernel else {
                lines.push(format!("# cell {k}: predicted by theory; replicas take at most the first steps"));
                continue;
            };
            lines.push(format!("# cell {k}: {kernel}"));
            lines.push(format!("#   about {} replica-steps a second on each thread", rounded(rate)));
            if kernel.may_stop_early {
                lines.push("#   replicas stop when they have converged (dynamics.tolerance)".to_owned());
            }
            lines.extend(geometry_lines(&plan.cells()[k], plan.threads()));
        }
    }
    print(&(lines.join("\n") + "\n"));
    Ok(Ending::Done)
}

/// The predicted Lassos, and in more words what they are made of, or why there is none.
fn lines_of_lassos(lassos: &[OfCell], verbose: bool) -> Vec<String> {
    let records: Vec<LassoRecord> = lassos.iter().map(LassoRecord::new).collect();
    let first = lassos.first().and_then(|found| found.as_ref().ok());
    let arrays =
        first.map(|found| ShownLasso { lambda: &found.lambda, beta: &found.lasso.beta, measured: None });
    let mut lines = lasso_lines(&records.iter().collect::<Vec<_>>(), arrays);
    if verbose {
        for (k, found) in lassos.iter().enumerate() {
            match found {
                Ok(found) => lines.extend(found.convention.to_string().lines().map(str::to_owned)),
                Err(reason) => lines.push(format!("cell {k} has no predicted Lasso: {reason}")),
            }
        }
    }
    lines
}

/// What is measured of a cell, by the settings that ask for it.
fn measurements(cell: &Ensemble) -> impl Iterator<Item = (&'static str, Measurement)> {
    let (records, start) = (cell.measurement_of_records(), cell.measurement_of_start());
    [("observe", records), ("start", start)].into_iter().filter_map(|(part, m)| Some((part, m?)))
}

fn geometry_json(cell: &Ensemble) -> serde_json::Value {
    let of = |(part, measurement): (&str, Measurement)| {
        let layer = |layer: &LayerCost| {
            serde_json::json!({
                "name": layer.name,
                "p": layer.params,
                "method": layer.method,
                "flops": 2.0 * layer.multiply_adds,
            })
        };
        serde_json::json!({
            "asked_by": part,
            "bytes": measurement.bytes(1),
            "flops": 2.0 * measurement.kernel.multiply_adds,
            "layers": measurement.kernel.layers.iter().map(layer).collect::<Vec<_>>(),
        })
    };
    measurements(cell).map(of).collect()
}

/// How the kernels of a cell are made, and what that takes.
fn geometry_lines(cell: &Ensemble, threads: usize) -> Vec<String> {
    let of = |(part, measurement): (&str, Measurement)| {
        let bytes = readable_bytes(measurement.bytes(threads));
        let flops = 2.0 * measurement.kernel.multiply_adds;
        let way = if measurement.kernel.layers.is_empty() { " by its Jacobian" } else { " layer by layer" };
        let head = format!("#   kernel for [{part}]{way}: at most {bytes}, {flops:.1e} operations a point");
        let layer = |layer: &LayerCost| {
            let LayerCost { name, params, method, multiply_adds } = layer;
            format!(
                "#     layer {name} ({params} parameters): {method}, {:.1e} operations",
                2.0 * multiply_adds
            )
        };
        std::iter::once(head).chain(measurement.kernel.layers.iter().map(layer)).collect::<Vec<_>>()
    };
    measurements(cell).flat_map(of).collect()
}

/// A rate in two digits.
fn rounded(rate: f64) -> String {
    let (value, unit) = match rate {
        r if r >= 1e6 => (r / 1e6, " million"),
        r if r >= 1e3 => (r / 1e3, " thousand"),
        r => (r, ""),
    };
    let digits = usize::from(value < 10.0);
    format!("{value:.digits$}{unit}")
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
