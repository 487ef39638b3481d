//! Networks on real images: along SGD, where it ends, and escape.

use super::super::claims::{End, ends};
use super::{curve, escape, figure};
use crate::paper::Runs;
use crate::paper::drawing::SPREAD;
use crate::report::{Axis, Figure, ReferenceLine, Series, bands, compact, sweep};
use crate::run::series::{over_steps, point};
use crate::run::{LabError, Run};
use jostle::statistics::median;

fn data(run: &Run) -> String {
    run.manifest.data.join("; ")
}

pub(super) fn alignment(runs: &Runs) -> Result<Figure, LabError> {
    let (mut series, mut texts) = (Vec::new(), Vec::new());
    for (name, short) in [("nets-mlp", "MLP"), ("nets-cnn", "CNN")] {
        let run = runs.get(name);
        for (quantity, symbol) in
            [("alignment", "mu"), ("angle_alignment", "angle alpha"), ("size_alignment", "size beta")]
        {
            series.push(over_steps(run, 0, quantity, &format!("{short}, {symbol}"))?);
        }
        texts.push(format!(
            "{short} from {} to {} while the loss falls from {} to {}",
            compact(median(&run.values_at(0, "alignment", 0)?)),
            compact(median(&run.finals(0, "alignment")?)),
            compact(median(&run.values_at(0, "train_loss", 0)?)),
            compact(median(&run.finals(0, "train_loss")?))
        ));
    }
    let see = format!(
        "With ten outputs the alignment mu = alpha beta is near 1/c = 0.1, that of noise 2 L G / c: {}. Data: {}. {SPREAD}",
        texts.join(", "),
        data(runs.get("nets-mlp"))
    );
    let line = ReferenceLine { value: 0.1, label: "1/c".to_owned() };
    let spec = bands(&series, &Axis::log("step"), &Axis::log("alignment"), &[line]);
    let source = "nets-mlp, nets-cnn: metrics.parquet, columns alignment, angle_alignment and size_alignment";
    Ok(figure(12, "images-alignment", see, source, spec))
}

/// What the replicas of every cell ended at, one series a batch size, with its bound beside it.
fn against_step_sizes(
    runs: &Runs,
    of: impl Fn(&End) -> &[f64],
    bound: usize,
) -> Result<(Vec<Series>, String), LabError> {
    let ends = ends(runs.get("nets-solutions"))?;
    let mut batches: Vec<f64> = ends.iter().map(|end| end.batch).collect();
    batches.sort_by(f64::total_cmp);
    batches.dedup();
    let (mut series, mut limits, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for batch in batches {
        let of_batch = || ends.iter().filter(|end| end.batch == batch && !end.etas.is_empty());
        let points: Vec<_> = of_batch().map(|end| point(median(&end.etas), of(end))).collect();
        let limit = of_batch().map(|end| (median(&end.etas), end.bounds[bound] / median(&end.etas)));
        if let (Some(first), Some(last)) = (points.first(), points.last()) {
            texts.push(format!(
                "{} to {} with B = {}",
                compact(first.mid),
                compact(last.mid),
                compact(batch)
            ));
        }
        limits.push(curve(&format!("bound, B = {}", compact(batch)), limit));
        series.push(Series { name: format!("B = {}", compact(batch)), points });
    }
    series.extend(limits);
    Ok((series, texts.join(", ")))
}

fn solutions(
    runs: &Runs,
    (k, id): (usize, &str),
    (symbol, column): (&str, &str),
    (drawn, texts): (Vec<Series>, String),
) -> Figure {
    let run = runs.get("nets-solutions");
    let see = format!(
        "{symbol} where SGD ends, from the smallest to the largest step size: {texts}. Medians over {} replicas, whiskers from \
         the 10 % to the 90 % quantile; cells that all diverged are left out. Data: {}.",
        run.replicas(0),
        data(run)
    );
    let spec = sweep(&drawn, &Axis::log("step size eta"), &Axis::log(symbol), &[]);
    figure(k, id, see, &format!("nets-solutions: metrics.parquet, column {column} at the last step"), spec)
}

pub(super) fn traces(runs: &Runs) -> Result<Figure, LabError> {
    let drawn = against_step_sizes(runs, |end| &end.traces, 0)?;
    Ok(solutions(runs, (13, "images-trace"), ("Tr G", "trace_G"), drawn))
}

pub(super) fn norms(runs: &Runs) -> Result<Figure, LabError> {
    let drawn = against_step_sizes(runs, |end| &end.norms, 1)?;
    Ok(solutions(runs, (14, "images-frobenius"), ("|G|_F", "frobenius_G"), drawn))
}

pub(super) fn losses(runs: &Runs) -> Result<Figure, LabError> {
    let (see, spec) = escape::loss_paths(runs.get("nets-escape"))?;
    Ok(figure(15, "images-escape-loss", see, "nets-escape: metrics.parquet, column train_loss", spec))
}

pub(super) fn curvature(runs: &Runs) -> Result<Figure, LabError> {
    let (see, spec) = escape::curvature_paths(runs.get("nets-escape"), 2.0)?;
    let source = "nets-escape: metrics.parquet, columns frobenius_G, trace_G, lambda_max_G";
    Ok(figure(16, "images-escape-curvature", see, source, spec))
}
