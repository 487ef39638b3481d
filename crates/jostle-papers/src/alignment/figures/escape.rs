//! Escape from a minimum that gradient descent found.

use super::super::claims::{Fate, counted, fates};
use crate::Runs;
use crate::drawing::Drawing;
use jostle::statistics::median;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_lab::read::series::{over_steps, point};
use jostle_report::number::compact;
use jostle_report::{Axis, ReferenceLine, Series, bands};

fn multiple(run: &Run, cell: usize) -> f64 {
    run.key(cell, "dynamics.learning_rate").unwrap_or(f64::NAN)
}

pub(super) fn losses(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let (see, spec) = loss_paths(runs.get("escape"))?;
    Ok(Drawing::new(see, "escape: metrics.parquet, column train_loss", spec))
}

/// Losses after a minimum, and what became of the replicas.
pub(super) fn loss_paths(run: &Run) -> Result<(String, serde_json::Value), LabError> {
    let (mut series, mut texts) = (Vec::new(), Vec::new());
    for cell in 0..run.cells() {
        let name = format!("{} eta*", compact(multiple(run, cell)));
        series.push(over_steps(run, cell, "train_loss", &name)?);
        texts.push(format!("at {name} {}", counted(&fates(run, cell)?)));
    }
    let see = format!(
        "SGD with one sample, begun at a minimum that gradient descent found, in units of its threshold: of {} replicas, {}. \
         Lines are medians over replicas, bands reach from the 10 % to the 90 % quantile.",
        run.replicas(0),
        texts.join("; ")
    );
    let spec = bands(&series, &Axis::linear("step"), &Axis::log("training loss"), &[]);
    Ok((see, spec))
}

/// A quantity over its first value, of the replicas that landed.
fn landed(run: &Run, cell: usize, quantity: &str, name: &str) -> Result<Series, LabError> {
    let paths = run.paths(cell, quantity)?;
    let chosen: Vec<&Vec<f64>> =
        paths.iter().zip(fates(run, cell)?).filter(|(_, f)| *f == Fate::Landed).map(|(p, _)| p).collect();
    let at = |k: usize| chosen.iter().map(|path| path[k] / path[0]).collect::<Vec<f64>>();
    let steps = if chosen.is_empty() { Vec::new() } else { run.steps(cell)? };
    let points = steps.iter().enumerate().map(|(k, step)| point(*step as f64, &at(k))).collect();
    Ok(Series { name: name.to_owned(), points })
}

pub(super) fn curvature(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let (see, spec) = curvature_paths(runs.get("escape"), 1.3)?;
    Ok(Drawing::new(see, "escape: metrics.parquet, columns frobenius_G, trace_G, lambda_max_G", spec))
}

/// The curvature of the replicas that landed from a minimum at a multiple of its threshold.
pub(super) fn curvature_paths(run: &Run, at: f64) -> Result<(String, serde_json::Value), LabError> {
    let cell = (0..run.cells()).find(|cell| multiple(run, *cell) == at).unwrap_or(run.cells() - 1);
    let outputs = run.rebuilt_cells()?[cell].process().source.outputs() as f64;
    let quantities = [("frobenius_G", "|G|_F"), ("trace_G", "Tr G"), ("lambda_max_G", "lambda_max")];
    let (mut series, mut texts) = (Vec::new(), Vec::new());
    for (quantity, name) in quantities {
        let one = landed(run, cell, quantity, name)?;
        let start = median(&run.values_at(cell, quantity, 0)?);
        if let Some(last) = one.points.last() {
            texts.push(format!("{name} from {} to {}", compact(start), compact(start * last.mid)));
        }
        series.push(one);
    }
    let eta = run.values_at(cell, "learning_rate", 0)?[0];
    let limit = 2.0 * outputs / eta / median(&run.values_at(cell, "trace_G", 0)?);
    let see = format!(
        "Replicas that escaped at {} eta* and landed again, over the values at the minimum: {}. With one sample a step a \
         stable minimum has Tr G <= 2c/eta = {}, {} of the minimum's. Lines are medians over replicas, bands reach from the \
         10 % to the 90 % quantile.",
        compact(multiple(run, cell)),
        texts.join(", "),
        compact(2.0 * outputs / eta),
        compact(limit)
    );
    let line = ReferenceLine { value: limit, label: "Tr G = 2c/eta".to_owned() };
    let spec = bands(&series, &Axis::linear("step"), &Axis::linear("over the minimum's"), &[line]);
    Ok((see, spec))
}
