//! Networks on real images: along SGD, where it ends, and escape.

use super::super::claims::{End, NETWORKS, SHARP, batches, data_of_networks, ends, of_batch, outputs};
use super::{curve, escape};
use crate::Runs;
use crate::drawing::{Drawing, SPREAD};
use jostle::statistics::median;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_lab::read::series::{over_steps, point};
use jostle_report::number::compact;
use jostle_report::{Axis, ReferenceLine, Series, bands, sweep};

fn data(run: &Run) -> String {
    run.manifest.data.join("; ")
}

pub(super) fn alignment(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let (mut series, mut texts) = (Vec::new(), Vec::new());
    for (run, name) in NETWORKS.map(|(run, name)| (runs.get(run), name)) {
        let c = outputs(run)?;
        let mut one = over_steps(run, 0, "alignment", &format!("{name}, c = {c}"))?;
        for point in &mut one.points {
            (point.mid, point.low, point.high) = (c * point.mid, c * point.low, c * point.high);
        }
        texts.push(format!(
            "{}: {} to {}, while the loss goes from {} to {}",
            one.name,
            compact(one.points[0].mid),
            compact(one.points[one.points.len() - 1].mid),
            compact(median(&run.values_at(0, "train_loss", 0)?)),
            compact(median(&run.finals(0, "train_loss")?))
        ));
        series.push(one);
    }
    let see = format!(
        "Noise 2 L G / c, with c outputs, has the alignment 1/c, so that c mu is of order one. From the start to the end, {}. \
         Data: {}. {SPREAD}",
        texts.join("; "),
        data_of_networks(runs)
    );
    let line = ReferenceLine { value: 1.0, label: "1".to_owned() };
    let spec = bands(&series, &Axis::log("step"), &Axis::log("c mu"), &[line]);
    let names = NETWORKS.map(|(name, _)| name).join(", ");
    let source = format!("{names}: metrics.parquet, column alignment, times the outputs");
    Ok(Drawing::new(see, &source, spec))
}

/// A quantity of the ends of SGD over the step size, one series a batch size, with what bounds it beside them.
pub(super) struct Ends {
    symbol: &'static str,
    column: &'static str,
    of: fn(&End) -> &[f64],
    /// What it may be at most, with a step size, and in words.
    bound: fn(&End, f64) -> f64,
    bounded: &'static str,
    /// Whether every batch size has a bound of its own.
    by_batch: bool,
}

pub(super) fn against_step_sizes(runs: &Runs<'_>, drawn: &Ends) -> Result<Drawing, LabError> {
    let run = runs.get("nets-solutions");
    let ends = ends(run)?;
    let (mut series, mut limits, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for batch in batches(&ends) {
        let of_batch = of_batch(&ends, batch);
        let points: Vec<_> = of_batch.iter().map(|end| point(median(&end.etas), (drawn.of)(end))).collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
        let name = format!("B = {}", compact(batch));
        texts.push(format!("{} to {} with {name}", compact(first.mid), compact(last.mid)));
        let limit = of_batch.iter().map(|end| median(&end.etas)).zip(&of_batch);
        let limit: Vec<(f64, f64)> = limit.map(|(eta, end)| (eta, (drawn.bound)(end, eta))).collect();
        series.push(Series { name, points });
        if drawn.by_batch {
            // With full batches two of the bounds are infinite.
            let limit = curve(&format!("bound, B = {}", compact(batch)), limit);
            limits.extend(Some(limit).filter(|limit| !limit.points.is_empty()));
        } else {
            // The same for all: that of the batch size with the largest step sizes is drawn.
            limits = vec![curve("bound", limit)];
        }
    }
    series.extend(limits);
    let see = format!(
        "{} where SGD ends at a loss below 1e-3, from the smallest to the largest step size at which it does: {}. At most {}. \
         Medians over up to {} replicas, whiskers from the 10 % to the 90 % quantile. Data: {}.",
        drawn.symbol,
        texts.join(", "),
        drawn.bounded,
        run.replicas(0),
        data(run)
    );
    let spec = sweep(&series, &Axis::log("step size eta"), &Axis::log(drawn.symbol), &[]);
    let source = format!("nets-solutions: metrics.parquet, {} at the last step", drawn.column);
    Ok(Drawing::new(see, &source, spec))
}

/// The trace where SGD ends.
pub(super) const TRACE: Ends = Ends {
    symbol: "Tr G",
    column: "column trace_G",
    of: |end| &end.traces,
    bound: |end, eta| end.bounds[0] / eta,
    bounded: "2 B'/eta, which is infinite with full batches",
    by_batch: true,
};

/// The Frobenius norm where SGD ends.
pub(super) const FROBENIUS: Ends = Ends {
    symbol: "|G|_F",
    column: "column frobenius_G",
    of: |end| &end.norms,
    bound: |end, eta| end.bounds[1] / eta,
    bounded: "sqrt(B') / (eta sqrt(1 - 1/B')), which is infinite with one sample and with full batches",
    by_batch: true,
};

/// The largest eigenvalue where SGD ends.
pub(super) const LAMBDA_MAX: Ends = Ends {
    symbol: "lambda_max",
    column: "column lambda_max_G",
    of: |end| &end.top,
    bound: |end, eta| end.bounds[2] / eta,
    bounded: "2/eta",
    by_batch: false,
};

/// The step size over the exact threshold where SGD ends.
pub(super) const THRESHOLD: Ends = Ends {
    symbol: "eta / eta*",
    column: "columns learning_rate (at the first step) and max_stable_learning_rate",
    of: |end| &end.shares,
    bound: |_, _| 1.0,
    bounded: "1, with the exact threshold eta* of every end",
    by_batch: false,
};

pub(super) fn losses(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let (see, spec) = escape::loss_paths(runs.get("nets-escape"))?;
    Ok(Drawing::new(see, "nets-escape: metrics.parquet, column train_loss", spec))
}

pub(super) fn curvature(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let (see, spec) = escape::curvature_paths(runs.get("nets-escape"), SHARP)?;
    let source = "nets-escape: metrics.parquet, columns frobenius_G, trace_G, lambda_max_G";
    Ok(Drawing::new(see, source, spec))
}
