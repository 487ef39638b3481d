//! What a finished run says at its end.

use super::Run;
use super::lasso::{LassoArrays, ShownLasso, arrays_of, lasso_lines, measured_of};
use super::series::spread;
use crate::LabError;
use crate::record::{Active, LassoRecord, ReadData, StdOfLambda, lines_of_lambdas};
use jostle_report::Estimate;
use jostle_report::number::{compact, compact_interval};
use jostle_report::text::aligned;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The end of a run in numbers.
pub struct Summary {
    folder: PathBuf,
    data: Vec<String>,
    data_sets: Vec<ReadData>,
    quantities: Vec<String>,
    cells: Vec<CellSummary>,
    /// The coefficients that the Lasso of a single cell is compared with.
    measured: Vec<f64>,
    converged: Option<(usize, u64)>,
    replica_steps: f64,
    seconds: f64,
}

struct CellSummary {
    keys: Vec<(String, String)>,
    steps: u64,
    replicas: usize,
    diverged: usize,
    predicted: bool,
    label_noise: Vec<StdOfLambda>,
    lasso: Option<LassoRecord>,
    /// The `lambda_j` and the coefficients of the predicted Lasso.
    lasso_arrays: Option<LassoArrays>,
    active: Option<Active>,
    /// None where there is no prediction; with the number of replicas that have a value.
    finals: Vec<Option<(Estimate, usize)>>,
    /// The intercept that belongs to the final coefficients, for features and labels as in the file, and that of the
    /// time averages; none where nothing was subtracted.
    intercepts: [Option<Estimate>; 2],
}

/// Summarises a run: the last value of every quantity in every cell.
///
/// # Errors
/// The run folder's table lacks a column.
pub fn summary(run: &Run) -> Result<Summary, LabError> {
    let quantities = run.quantities();
    let cells = (0..run.cells()).map(|cell| -> Result<CellSummary, LabError> {
        let finals: Result<Vec<_>, _> = quantities
            .iter()
            .map(|quantity| run.finals(cell, quantity).map(|values| estimate(run, cell, &values)))
            .collect();
        Ok(CellSummary {
            keys: run
                .keys()
                .into_iter()
                .map(|key| (run.key_text(cell, &key), key))
                .map(|(v, k)| (k, v))
                .collect(),
            steps: run.steps(cell)?.last().copied().unwrap_or(0),
            replicas: run.replicas(cell),
            diverged: run.diverged(cell),
            predicted: run.predicted(cell).is_some(),
            label_noise: run.label_noise(cell).to_vec(),
            lasso: run.predicted_lasso(cell).cloned(),
            lasso_arrays: arrays_of(run, cell)?,
            active: run.active(cell).cloned(),
            finals: finals?,
            intercepts: [
                intercept(run, &format!("intercept_{cell}"))?,
                intercept(run, &format!("intercept_mean_{cell}"))?,
            ],
        })
    });
    let measured = match run.cells() {
        1 if matches!(run.predicted_lasso(0), Some(LassoRecord::Known(_))) => measured_of(run, 0)?,
        _ => Vec::new(),
    };
    Ok(Summary {
        measured,
        folder: run.folder.clone(),
        data: run.manifest.data.clone(),
        data_sets: run.manifest.data_sets.clone(),
        cells: cells.collect::<Result<_, _>>()?,
        quantities,
        converged: run.manifest.converged(),
        replica_steps: run.manifest.replica_steps,
        seconds: run.manifest.wall_seconds,
    })
}

/// The spread of an intercept over replicas.
fn intercept(run: &Run, name: &str) -> Result<Option<Estimate>, LabError> {
    Ok(run.final_vector(name)?.map(|values| spread(&values)))
}

/// Replica-steps a second, in a unit in which they are not rounded to nothing.
fn rate(per_second: f64) -> String {
    match per_second {
        rate if rate >= 1e6 => format!("{:.2} M/s", rate / 1e6),
        rate if rate >= 1e3 => format!("{:.2} k/s", rate / 1e3),
        rate => format!("{rate:.2} /s"),
    }
}

fn estimate(run: &Run, cell: usize, values: &[f64]) -> Option<(Estimate, usize)> {
    let missing = run.predicted(cell).is_some() && values.iter().any(|value| value.is_nan());
    (!missing).then(|| (spread(values), values.iter().filter(|value| !value.is_nan()).count()))
}

/// Which data were used, a line each.
pub(super) fn data_text(data: &[String]) -> String {
    if data.is_empty() { String::new() } else { format!("\nData: {}.\n", data.join(".\nData: ")) }
}

impl Summary {
    /// As a table for a terminal.
    pub fn to_text(&self) -> String {
        let mut rows = vec![self.header()];
        rows.extend(self.cells.iter().enumerate().map(|(k, cell)| {
            let mut row = vec![k.to_string()];
            row.extend(cell.keys.iter().map(|(_, value)| value.clone()));
            row.push(if cell.predicted { "theory".to_owned() } else { cell.replicas.to_string() });
            row.extend(cell.finals.iter().map(|e| match e {
                None => "not predicted".to_owned(),
                Some((_, 0)) => "nan".to_owned(),
                Some((e, _)) if cell.predicted && cell.replicas == 1 => compact(e.value),
                Some((e, count)) => {
                    let interval = compact_interval(Some(e.value), Some(e.low), Some(e.high));
                    let all = *count == cell.replicas;
                    if all { interval } else { format!("{interval} of {count}") }
                }
            }));
            if self.any_diverged() {
                row.push(cell.diverged.to_string());
            }
            row
        }));
        let mut text = aligned(&rows);
        text += &self.intercepts_text();
        text += &data_text(&self.data);
        if self.any_diverged() {
            let _ = writeln!(
                text,
                "\nDiverged replicas count as infinite in losses, errors and norms; counts and shares leave them out, and say \
                 of how many replicas they are."
            );
        }
        let of_active =
            |name: &String| ["active", "support_precision", "support_recall"].contains(&name.as_str());
        if let Some(active) = self.cells.first().and_then(|cell| cell.active.as_ref())
            && self.quantities.iter().any(of_active)
        {
            let _ = writeln!(text, "\nActive coefficients are {}.", active.words);
        }
        let lassos = self.lasso_lines();
        if !lassos.is_empty() {
            let _ = writeln!(text, "\n{}", lassos.join("\n"));
        }
        let label_noise = lines_of_lambdas(self.cells.iter().map(|cell| &cell.label_noise[..]));
        if !label_noise.is_empty() {
            let _ = writeln!(text, "\n{}", label_noise.join("\n"));
        }
        if let Some((count, first)) = self.converged {
            let all: usize = self.cells.iter().map(|cell| cell.replicas).sum();
            let _ = writeln!(
                text,
                "\n{count} of {all} replicas converged and stopped, the first at step {first}: they stay where they are."
            );
        }
        let predicted = self.cells.iter().filter(|cell| cell.predicted).count();
        if predicted > 0 {
            let _ = writeln!(
                text,
                "\n{predicted} of {} cells hold means that theory predicts (the slow flow), not simulated replicas.",
                self.cells.len()
            );
        }
        let rate = rate(self.replica_steps / self.seconds.max(1e-9));
        let steps = self.cells.iter().map(|cell| cell.steps).max().unwrap_or(0);
        let _ = writeln!(
            text,
            "\nAfter {steps} steps: median [10 % quantile, 90 % quantile] over replicas. \
             {:.3e} replica-steps in {:.2} s ({rate}).\nReport: {}",
            self.replica_steps,
            self.seconds,
            self.folder.join("report.html").display(),
        );
        text
    }

    /// The intercepts, a line each: those of the time averages where there are some.
    fn intercepts_text(&self) -> String {
        let mut text = String::new();
        for (k, cell) in self.cells.iter().enumerate() {
            let of_cell =
                if self.cells.len() > 1 { format!("Cell {k}: intercept") } else { "Intercept".to_owned() };
            let (whose, estimate) = match cell.intercepts {
                [_, Some(of_mean)] => ("time average of the coefficients", of_mean),
                [Some(of_final), None] => ("final coefficients", of_final),
                [None, None] => continue,
            };
            let value = compact_interval(Some(estimate.value), Some(estimate.low), Some(estimate.high));
            let _ =
                writeln!(text, "{of_cell} for the file's own features and labels, with the {whose}: {value}");
        }
        if text.is_empty() { text } else { format!("\n{text}") }
    }

    fn lasso_lines(&self) -> Vec<String> {
        let records: Vec<&LassoRecord> = self.cells.iter().filter_map(|cell| cell.lasso.as_ref()).collect();
        let arrays = self.cells.first().and_then(|cell| cell.lasso_arrays.as_ref());
        let measured = (!self.measured.is_empty()).then_some(&self.measured[..]);
        lasso_lines(&records, arrays.map(|(lambda, beta)| ShownLasso { lambda, beta, measured }))
    }

    fn any_diverged(&self) -> bool {
        self.cells.iter().any(|cell| cell.diverged > 0)
    }

    fn header(&self) -> Vec<String> {
        let mut header = vec!["cell".to_owned()];
        header.extend(
            self.cells.first().into_iter().flat_map(|cell| cell.keys.iter().map(|(key, _)| key.clone())),
        );
        header.push("replicas".to_owned());
        header.extend(self.quantities.iter().cloned());
        if self.any_diverged() {
            header.push("diverged".to_owned());
        }
        header
    }

    /// As JSON; values that are not finite are null.
    pub fn to_json(&self) -> Value {
        let cells = self.cells.iter().enumerate().map(|(k, cell)| {
            let finals = self.quantities.iter().zip(&cell.finals).map(|(name, e)| {
                let value = e.map(|(e, count)| {
                    json!({ "median": e.value, "low": e.low, "high": e.high, "replicas": count })
                });
                (name.clone(), json!(value))
            });
            json!({
                "cell": k,
                "keys": cell.keys.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>(),
                "steps": cell.steps,
                "replicas": cell.replicas,
                "diverged": cell.diverged,
                "predicted": cell.predicted,
                "label_noise": cell.label_noise,
                "intercept": cell.intercepts[0].map(|e| json!({ "median": e.value, "low": e.low, "high": e.high })),
                "intercept_mean": cell.intercepts[1].map(|e| json!({ "median": e.value, "low": e.low, "high": e.high })),
                "predicted_lasso": cell.lasso.as_ref().map(|lasso| {
                    let (lambda, beta) = cell.lasso_arrays.as_ref().map_or((&[][..], &[][..]), |(l, b)| (&l[..], &b[..]));
                    lasso.to_json(lambda, beta)
                }),
                "active": cell.active,
                "final": finals.collect::<serde_json::Map<_, _>>(),
            })
        });
        json!({
            "run": self.folder,
            "data": self.data,
            "data_sets": self.data_sets,
            "cells": cells.collect::<Vec<_>>(),
            "converged": self.converged.map_or(0, |(count, _)| count),
            "replica_steps": self.replica_steps,
            "wall_seconds": self.seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn slow_rates_are_not_rounded_to_nothing() {
        assert_eq!([6.8, 4200.0, 4.2e7].map(rate), ["6.80 /s", "4.20 k/s", "42.00 M/s"]);
    }
}
