//! What a prediction says on a terminal, and to scripts.

use super::comparison::{Comparison, Difference, Differences};
use super::lasso::{ShownLasso, lasso_lines};
use super::summary::data_text;
use crate::record::LassoRecord;
use crate::run::{PredictedCell, Predictions};
use jostle::theory::PredictedLasso;
use jostle_report::number::compact;
use jostle_report::text::{aligned, counted};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Rows that a terminal is shown of one cell.
const ROWS: usize = 12;

/// A prediction with what it was compared with.
pub struct PredictionSummary<'a> {
    /// The name of the experiment.
    pub name: &'a str,
    /// The predictions.
    pub predictions: &'a Predictions,
    /// The comparison, or why there is none.
    pub comparison: Result<Comparison, String>,
    /// The run folder that was written.
    pub run: Option<&'a Path>,
}

impl PredictionSummary<'_> {
    /// As a text for a terminal: some of the recorded steps, or all of them; of several cells the last step only.
    pub fn to_text(&self, all_steps: bool) -> String {
        let mut text = "Means predicted by theory (the slow flow), not simulated.\n".to_owned();
        let cells: Vec<_> = self.predictions.cells().collect();
        if let [(_, cell)] = cells[..] {
            text += &steps_table(cell, all_steps);
        } else {
            text += &cells_table(&cells);
        }
        text += &notes(&cells);
        text += &lassos(&cells);
        text += &data_text(&self.predictions.data);
        match &self.comparison {
            Ok(comparison) => text += &comparison_text(comparison),
            Err(reason) => {
                let _ = writeln!(text, "\nNot compared with a simulated ensemble: {reason}.");
            }
        }
        if let Some(folder) = self.run {
            let _ = writeln!(text, "\nReport: {}", folder.join("report.html").display());
        }
        text
    }

    /// As JSON; what is not predicted is null.
    pub fn to_json(&self) -> Value {
        let cells = self.predictions.cells().map(|(k, cell)| {
            let record = cell.record();
            let values = cell.quantities.iter().enumerate();
            let values: Map<_, _> =
                values.map(|(q, quantity)| (quantity.name.to_owned(), json!(cell.path(q)))).collect();
            let keys: Map<_, _> = cell.keys.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            json!({
                "cell": k,
                "keys": keys,
                "steps": cell.steps,
                "predicted": values,
                "not_predicted": record.not_predicted,
                "simulated": record.simulated,
                "outside": record.outside,
                "expansion": record.expansion,
                "predicted_lasso": LassoRecord::json_of(cell.lasso()),
            })
        });
        json!({
            "name": self.name,
            "method": "predict",
            "by": "the slow flow",
            "run": self.run,
            "data": self.predictions.data,
            "data_sets": self.predictions.data_sets,
            "cells": cells.collect::<Vec<_>>(),
            "comparison": self.comparison.as_ref().ok().map(comparison_json),
            "not_compared": self.comparison.as_ref().err(),
        })
    }
}

fn shown(found: &PredictedLasso) -> ShownLasso<'_> {
    ShownLasso { lambda: &found.lambda, beta: &found.lasso.beta, measured: None }
}

/// The Lassos that time averages tend to.
fn lassos(cells: &[(usize, &PredictedCell)]) -> String {
    let records: Vec<LassoRecord> = cells.iter().map(|(_, cell)| LassoRecord::new(cell.lasso())).collect();
    let arrays = match cells {
        [(_, cell)] => cell.lasso().as_ref().ok().map(shown),
        _ => None,
    };
    let lines = lasso_lines(&records.iter().collect::<Vec<_>>(), arrays);
    if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join("\n")) }
}

/// The observables that have a prediction, with their means.
fn paths(cell: &PredictedCell) -> Vec<(&'static str, Vec<f64>)> {
    let all = cell.quantities.iter().enumerate();
    all.filter_map(|(q, quantity)| Some((quantity.name, cell.path(q)?))).collect()
}

fn steps_table(cell: &PredictedCell, all_steps: bool) -> String {
    let paths = paths(cell);
    let last = cell.steps.len() - 1;
    let mut shown: Vec<usize> = (0..=last).collect();
    if !all_steps && last >= ROWS {
        shown = (0..ROWS).map(|k| (k * last).div_ceil(ROWS - 1)).collect();
    }
    let mut rows = vec![vec!["step".to_owned()]];
    rows[0].extend(paths.iter().map(|(name, _)| (*name).to_owned()));
    rows.extend(shown.into_iter().map(|at| {
        let values = paths.iter().map(|(_, path)| compact(path[at]));
        std::iter::once(cell.steps[at].to_string()).chain(values).collect()
    }));
    format!("\n{}", aligned(&rows))
}

fn cells_table(cells: &[(usize, &PredictedCell)]) -> String {
    let Some((_, first)) = cells.first() else { return String::new() };
    let names: Vec<&str> = paths(first).iter().map(|(name, _)| *name).collect();
    let mut rows = vec![vec!["cell".to_owned()]];
    rows[0].extend(first.keys.iter().map(|(key, _)| key.clone()));
    rows[0].extend(names.iter().map(|name| (*name).to_owned()));
    for (k, cell) in cells {
        let paths = paths(cell);
        let value = |name: &&str| {
            let path = paths.iter().find(|(other, _)| other == name);
            path.and_then(|(_, path)| path.last()).map_or_else(String::new, |value| compact(*value))
        };
        let mut row = vec![k.to_string()];
        row.extend(cell.keys.iter().map(|(_, value)| value.clone()));
        row.extend(names.iter().map(value));
        rows.push(row);
    }
    let steps = cells.iter().filter_map(|(_, cell)| cell.steps.last()).max().copied().unwrap_or(0);
    format!(
        "\n{}\nAfter {steps} steps; the means at every recorded step are in --json and in --out.\n",
        aligned(&rows)
    )
}

/// What has to be known to believe the numbers.
fn notes(cells: &[(usize, &PredictedCell)]) -> String {
    let mut text = String::from("\n");
    let of = |k: usize| if cells.len() > 1 { format!("cell {k}: ") } else { String::new() };
    let records: Vec<_> = cells.iter().map(|(k, cell)| (*k, cell.record())).collect();
    let mut missing: Vec<&String> = records.iter().flat_map(|(_, record)| &record.not_predicted).collect();
    missing.sort();
    missing.dedup();
    if !missing.is_empty() {
        let names: Vec<_> = missing.into_iter().cloned().collect();
        let _ = writeln!(text, "Not predicted: {}.", names.join(", "));
    }
    for (k, record) in &records {
        if let Some(simulated) = &record.simulated {
            let _ = writeln!(
                text,
                "{}the first {} steps were simulated with {} replicas: {}.",
                of(*k),
                simulated.steps,
                simulated.replicas,
                simulated.reason
            );
        }
        if let Some(outside) = record.outside.first() {
            let others = match record.outside.len() {
                1 => String::new(),
                count => format!(" (and {} more data sets)", count - 1),
            };
            let _ = writeln!(
                text,
                "{}outside its validity from step {} on: {}{others}.",
                of(*k),
                outside.step,
                outside.reason
            );
        }
    }
    for (k, record) in &records {
        let _ = writeln!(text, "{}{}", of(*k), record.expansion.in_words());
    }
    text
}

fn comparison_text(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (k, replicas, differences) in &comparison.cells {
        let mut rows = vec![
            ["observable", "largest difference", "at step", "last difference", "at step"]
                .map(str::to_owned)
                .to_vec(),
        ];
        let mut ends = Vec::new();
        rows.extend(differences.iter().map(|(name, Differences { largest, last, end })| {
            if !end.1 {
                ends.push((name, end.0));
            }
            let pair = |difference: &Option<Difference>| match difference {
                Some(difference) => [told(difference), difference.step.to_string()],
                None => ["no prediction".to_owned(), "-".to_owned()],
            };
            [[name.clone()].as_slice(), &pair(largest), &pair(last)].concat()
        }));
        let cell = if comparison.cells.len() > 1 { format!(" (cell {k})") } else { String::new() };
        let folder = comparison.folder.display();
        let _ = write!(
            text,
            "\nAgainst {} in {folder}{cell}, relative to their mean:\n\n{}",
            counted(*replicas, "simulated replica"),
            aligned(&rows)
        );
        if let Some((_, step)) = ends.first() {
            let names: Vec<&str> = ends.iter().map(|(name, _)| name.as_str()).collect();
            let _ =
                writeln!(text, "At the last step, {step}, there is no prediction of {}.", names.join(", "));
        }
    }
    text
}

/// `+1.2 % (0.9 standard errors)`.
fn told(difference: &Difference) -> String {
    let relative = difference.relative();
    if !relative.is_finite() {
        return format!("{} against {}", compact(difference.predicted), compact(difference.mean));
    }
    let errors = difference.in_errors().abs();
    let errors = if errors.is_finite() { format!(" ({errors:.1} standard errors)") } else { String::new() };
    format!("{:+.2} %{errors}", 100.0 * relative)
}

fn comparison_json(comparison: &Comparison) -> Value {
    let one = |d: &Difference| {
        json!({
            "step": d.step,
            "predicted": d.predicted,
            "mean": d.mean,
            "standard_error": d.standard_error,
            "relative": d.relative(),
        })
    };
    let cells = comparison.cells.iter().map(|(k, replicas, differences)| {
        let quantities: Map<_, _> = differences
            .iter()
            .map(|(name, d)| {
                let differences = json!({
                    "largest": d.largest.as_ref().map(one),
                    "last": d.last.as_ref().map(one),
                    "last_step": d.end.0,
                    "predicted_at_last_step": d.end.1,
                });
                (name.clone(), differences)
            })
            .collect();
        json!({ "cell": k, "replicas": replicas, "quantities": quantities })
    });
    json!({ "run": comparison.folder, "cells": cells.collect::<Vec<_>>() })
}
