//! The threshold: its bounds, what it depends on, and what happens around it.

use super::super::claims::{growths, means_by};
use super::super::points::{Point, starts};
use super::{curve, figure};
use crate::paper::Runs;
use crate::report::{Axis, BandPoint, Figure, ReferenceLine, Series, bands, compact, sweep};
use crate::run::series::point;
use crate::run::{LabError, Run};
use jostle::statistics::median;

/// The start of every cell and its recorded threshold, in order of the batch size.
fn by_batch(run: &Run) -> Result<Vec<(f64, f64, Point)>, LabError> {
    let mut found = Vec::new();
    for (cell, mut points) in starts(run)?.into_iter().enumerate() {
        let threshold = run.values_at(cell, "max_stable_learning_rate", 0)?[0];
        found.push((run.key(cell, "dynamics.batch").unwrap_or(f64::NAN), threshold, points.swap_remove(0)));
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(found)
}

/// The bounds of every point, with their names.
fn bounds_of(points: &[(f64, f64, Point)]) -> Result<Vec<Series>, LabError> {
    let mut values = Vec::new();
    for (batch, _, point) in points {
        let bounds = point.bounds()?;
        values.push((
            *batch,
            [bounds.gd_limit, bounds.trace_bound, point.frobenius_bound()?, bounds.alignment_free_bound],
        ));
    }
    let names = [
        "(G) by lambda_max: gradient descent",
        "(T) by the trace",
        "(F) by the alignment, worst direction",
        "(F) without alignment",
    ];
    let of = |(k, name): (usize, &str)| curve(name, values.iter().map(|(batch, bounds)| (*batch, bounds[k])));
    Ok(names.into_iter().enumerate().map(of).collect())
}

pub(super) fn bounds(runs: &Runs) -> Result<Figure, LabError> {
    let points = by_batch(runs.get("batches-tanh"))?;
    let mut series = vec![curve("exact threshold", points.iter().map(|(batch, eta, _)| (*batch, *eta)))];
    series.extend(bounds_of(&points)?);
    let mut aligned = Vec::new();
    for (batch, _, point) in &points {
        aligned.push((*batch, point.spectrum.aligned_learning_rate(point.batches)?));
    }
    series.push(curve("if perfectly aligned (no bound)", aligned));
    let (first, last) = (&points[0], &points[points.len() - 1]);
    let see = format!(
        "tanh random features of {} samples: the exact threshold goes from {} for single samples to {} for batches of {}. \
         For small batches the trace bounds it, for large ones gradient descent's limit; the bound by the alignment lies \
         above both.",
        first.2.geometry.samples,
        compact(first.1),
        compact(last.1),
        compact(last.0)
    );
    let spec = bands(&series, &Axis::log("batch size B, without replacement"), &Axis::log("step size"), &[]);
    let source = "batches-tanh: metrics.parquet, column max_stable_learning_rate; bounds from its data";
    Ok(figure(4, "bounds", see, source, spec))
}

pub(super) fn tightness(runs: &Runs) -> Result<Figure, LabError> {
    let kernels = [
        ("batches-tanh", "tanh features"),
        ("batches-relu", "ReLU features"),
        ("batches-gaussian", "Gaussian, linear"),
    ];
    let (mut series, mut texts) = (Vec::new(), Vec::new());
    for (name, label) in kernels {
        let points = by_batch(runs.get(name))?;
        let (mut smallest, mut frobenius) = (Vec::new(), Vec::new());
        for (batch, eta, point) in &points {
            let (bounds, by_alignment) = (point.bounds()?, point.frobenius_bound()?);
            smallest.push((*batch, eta / bounds.gd_limit.min(bounds.trace_bound).min(by_alignment)));
            frobenius.push((*batch, eta / by_alignment));
        }
        let least = |values: &[(f64, f64)]| values.iter().fold(f64::INFINITY, |least, (_, y)| least.min(*y));
        texts.push(format!(
            "{label} at least {} and {}",
            compact(least(&smallest)),
            compact(least(&frobenius))
        ));
        series.push(curve(&format!("{label}: smallest bound"), smallest));
        series.push(curve(&format!("{label}: (F)"), frobenius));
    }
    let see = format!(
        "The threshold over the smallest of (G), (T) and (F), and over (F) alone, the bound of the paper with the alignment \
         of its worst direction: {}. Above one a bound would be violated.",
        texts.join(", ")
    );
    let line = ReferenceLine { value: 1.0, label: "bound reached".to_owned() };
    let y = Axis::linear("threshold / bound").with_limits(0.0, 1.1);
    let spec = sweep(&series, &Axis::log("batch size B, without replacement"), &y, &[line]);
    let source =
        "batches-tanh, batches-relu, batches-gaussian: metrics.parquet, column max_stable_learning_rate";
    Ok(figure(5, "tightness", see, source, spec))
}

fn against(run: &Run, k: usize, [key, what, id]: [&str; 3]) -> Result<Figure, LabError> {
    let series_of = |quantity: &str, name: &str| -> Result<Series, LabError> {
        let points = means_by(run, key, quantity)?.iter().map(|(x, values)| point(*x, values)).collect();
        Ok(Series { name: name.to_owned(), points })
    };
    let series = [
        series_of("max_stable_learning_rate", "exact threshold, single samples")?,
        series_of("gd_limit", "2/lambda_max: gradient descent")?,
    ];
    let ends = |s: &Series| {
        format!("from {} to {}", compact(s.points[0].mid), compact(s.points[s.points.len() - 1].mid))
    };
    let seeds = means_by(run, key, "gd_limit")?[0].1.len();
    let see = format!(
        "tanh random features in dimension 10: over the {what} the threshold of single samples goes {}, the limit of \
         gradient descent {}. Medians over {seeds} seeds of data and features, whiskers from the 10 % to the 90 % quantile.",
        ends(&series[0]),
        ends(&series[1])
    );
    let spec = sweep(&series, &Axis::log(what), &Axis::log("step size"), &[]);
    let source = format!("{id}: metrics.parquet, columns max_stable_learning_rate and gd_limit");
    Ok(figure(k, &format!("threshold-{id}"), see, &source, spec))
}

pub(super) fn width(runs: &Runs) -> Result<Figure, LabError> {
    against(runs.get("width"), 6, ["model.width", "width", "width"])
}

pub(super) fn samples(runs: &Runs) -> Result<Figure, LabError> {
    against(runs.get("samples"), 7, ["problem.samples", "number of samples", "samples"])
}

pub(super) fn growth(runs: &Runs) -> Result<Figure, LabError> {
    let run = runs.get("growth");
    let all = growths(run)?;
    let whiskers = |of: &dyn Fn(&super::super::claims::Growth) -> crate::paper::judgement::Measured,
                    name: &str| {
        let points = all.iter().map(|g| {
            let measured = of(g);
            BandPoint { x: g.multiple, mid: measured.value, low: measured.low, high: measured.high }
        });
        Series { name: name.to_owned(), points: points.collect() }
    };
    let point = &starts(run)?[0][0];
    let (threshold, first, last) = (point.threshold()?, all[0].multiple, all[all.len() - 1].multiple);
    let mut predicted = Vec::new();
    for k in 0..=40 {
        let multiple = first + (last - first) * f64::from(k) / 40.0;
        predicted.push((multiple, point.spectrum.growth_rate(multiple * threshold, point.batches)?));
    }
    let series = [
        curve("mean loss, predicted", predicted),
        whiskers(&|g| g.of_mean, "mean loss, measured"),
        whiskers(&|g| g.typical, "typical path, measured"),
    ];
    let above = all.iter().find(|g| g.multiple > 1.0);
    let see = format!(
        "The mean loss grows from the threshold on, as predicted. The typical path still decays there: {}. Above the \
         threshold the mean is carried by ever fewer of the {} replicas, so that its measurement falls short.",
        above.map_or_else(String::new, |g| format!(
            "at {} of it the mean of ln L changes by {} a step, ln of the mean by {} (predicted {})",
            compact(g.multiple),
            compact(g.typical.value),
            compact(g.of_mean.value),
            compact(g.predicted)
        )),
        run.replicas(0)
    );
    let line = ReferenceLine { value: 0.0, label: "no growth".to_owned() };
    let spec = sweep(
        &series,
        &Axis::linear("step size over the threshold"),
        &Axis::linear("growth rate a step"),
        &[line],
    );
    Ok(figure(8, "growth", see, "growth: metrics.parquet, column train_loss, second half of the run", spec))
}

pub(super) fn atlas(runs: &Runs) -> Result<Figure, LabError> {
    let run = runs.get("atlas");
    let points = starts(run)?;
    let batch = |cell: usize| run.key(cell, "dynamics.batch").unwrap_or(f64::NAN);
    let mut batches: Vec<f64> = (0..run.cells()).map(batch).collect();
    batches.sort_by(f64::total_cmp);
    batches.dedup();
    let (mut exact, mut boundary, mut of_points) = (Vec::new(), Vec::new(), Vec::new());
    let mut points: Vec<Option<Point>> = points.into_iter().map(|mut of| of.pop()).collect();
    for size in &batches {
        let cells: Vec<usize> = (0..run.cells()).filter(|cell| batch(*cell) == *size).collect();
        // Between the largest step size whose typical path decays and the next one.
        let mut rates = Vec::new();
        for cell in &cells {
            let (start, end) = (run.values_at(*cell, "train_loss", 0)?, run.finals(*cell, "train_loss")?);
            let growth: Vec<f64> = start.iter().zip(&end).map(|(s, e)| (e / s).ln()).collect();
            rates.push((run.key(*cell, "dynamics.learning_rate").unwrap_or(f64::NAN), median(&growth) > 0.0));
        }
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let grows = rates.iter().position(|(_, grows)| *grows);
        if let Some(k) = grows.filter(|k| *k > 0) {
            let (low, high) = (rates[k - 1].0, rates[k].0);
            boundary.push(BandPoint { x: *size, mid: (low * high).sqrt(), low, high });
        }
        if let Some(point) = points[cells[0]].take() {
            let threshold = point.threshold()?;
            exact.push((*size, threshold));
            of_points.push((*size, threshold, point));
        }
    }
    let measured = Series { name: "typical path grows from here on (measured)".to_owned(), points: boundary };
    let see = format!(
        "tanh random features of {} samples. SGD is stable in the mean square below the exact threshold; the typical path, \
         the median of {} replicas over {} steps, decays up to larger step sizes, by a factor of {} for single samples. \
         Whiskers: between the largest step size tried that decays and the next.",
        of_points[0].2.geometry.samples,
        run.replicas(0),
        run.steps(0)?.last().copied().unwrap_or(0),
        measured.points.first().map_or_else(|| "more than tried".to_owned(), |p| compact(p.mid / exact[0].1)),
    );
    let mut series = vec![curve("exact threshold (mean square)", exact), measured];
    series.extend(bounds_of(&of_points)?);
    let spec = sweep(&series, &Axis::log("batch size B, without replacement"), &Axis::log("step size"), &[]);
    Ok(figure(11, "atlas", see, "atlas: metrics.parquet, column train_loss; thresholds from its data", spec))
}
