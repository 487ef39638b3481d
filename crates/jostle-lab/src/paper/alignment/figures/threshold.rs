//! The threshold over the batch size, beside its bounds.

use super::super::points::{Point, starts};
use super::{curve, figure};
use crate::number::compact;
use crate::paper::Runs;
use crate::report::{Axis, BandPoint, Figure, ReferenceLine, Series, bands, sweep};
use crate::run::{LabError, Run};
use jostle::statistics::median;

/// A start with the batch size of its cell.
struct AtBatch {
    size: f64,
    /// The exact threshold.
    threshold: f64,
    point: Point,
}

/// The first start of every batch size, in order.
fn by_batch(run: &Run) -> Result<Vec<AtBatch>, LabError> {
    let mut found: Vec<AtBatch> = Vec::new();
    for (cell, points) in starts(run)?.into_iter().enumerate() {
        let size = batch(run, cell);
        if let Some(point) = points.into_iter().next()
            && found.iter().all(|known| known.size != size)
        {
            found.push(AtBatch { size, threshold: point.threshold()?, point });
        }
    }
    found.sort_by(|a, b| a.size.total_cmp(&b.size));
    Ok(found)
}

fn batch(run: &Run, cell: usize) -> f64 {
    run.key(cell, "dynamics.batch").unwrap_or(f64::NAN)
}

const GD_LIMIT: &str = "(G) by lambda_max: gradient descent";
const BOUNDS: [&str; 4] =
    [GD_LIMIT, "(T) by the trace", "(F) by the alignment, worst direction", "(F) without alignment"];

/// The exact threshold and every bound over the batch size.
fn curves(points: &[AtBatch]) -> Result<Vec<Series>, LabError> {
    let mut values = Vec::new();
    for AtBatch { size, point, .. } in points {
        let bounds = point.bounds()?;
        let of = [bounds.gd_limit, bounds.trace_bound, point.frobenius_bound()?, bounds.alignment_free_bound];
        values.push((*size, of));
    }
    let of = |(k, name): (usize, &&str)| curve(name, values.iter().map(|(size, bounds)| (*size, bounds[k])));
    let exact = curve("exact threshold", points.iter().map(|at| (at.size, at.threshold)));
    Ok(std::iter::once(exact).chain(BOUNDS.iter().enumerate().map(of)).collect())
}

fn batches() -> Axis {
    Axis::log("batch size B, without replacement")
}

/// The bounds by the alignment leave the others far below for large batches: step sizes up to where gradient descent
/// is long unstable.
fn rates(points: &[AtBatch]) -> Axis {
    let lowest = points.iter().fold(f64::INFINITY, |least, at| least.min(at.threshold));
    let limit = points.iter().fold(0.0f64, |most, at| most.max(2.0 / at.point.curvature().lambda_max));
    Axis::log("step size").with_limits(lowest / 1.5, 4.0 * limit)
}

pub(super) fn bounds(runs: &Runs) -> Result<Figure, LabError> {
    let points = by_batch(runs.get("batches-tanh"))?;
    let mut series = curves(&points)?;
    let mut aligned = Vec::new();
    for at in &points {
        aligned.push((at.size, at.point.spectrum.aligned_learning_rate(at.point.batches)?));
    }
    series.push(curve("if perfectly aligned (no bound)", aligned));
    let (first, last) = (&points[0], &points[points.len() - 1]);
    let see = format!(
        "tanh random features of {} samples: the exact threshold goes from {} for single samples to {} for batches of {}. \
         For small batches the trace bounds it, for large ones gradient descent's limit; the bound by the alignment lies \
         above both.",
        first.point.geometry.samples,
        compact(first.threshold),
        compact(last.threshold),
        compact(last.size)
    );
    let source =
        "batches-tanh: its data; thresholds also in metrics.parquet, column max_stable_learning_rate";
    Ok(figure(4, "bounds", see, source, bands(&series, &batches(), &rates(&points), &[])))
}

pub(super) fn tightness(runs: &Runs) -> Result<Figure, LabError> {
    let kernels = [
        ("batches-tanh", "tanh features"),
        ("batches-relu", "ReLU features"),
        ("batches-gaussian", "Gaussian, linear"),
    ];
    let (mut series, mut texts) = (Vec::new(), Vec::new());
    for (name, label) in kernels {
        let (mut smallest, mut frobenius) = (Vec::new(), Vec::new());
        for at in by_batch(runs.get(name))? {
            let (bounds, by_alignment) = (at.point.bounds()?, at.point.frobenius_bound()?);
            let least = bounds.gd_limit.min(bounds.trace_bound).min(by_alignment);
            smallest.push((at.size, at.threshold / least));
            frobenius.push((at.size, at.threshold / by_alignment));
        }
        let ends = |values: &[(f64, f64)]| {
            let (low, high) = values
                .iter()
                .fold((f64::INFINITY, 0.0f64), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
            format!("{} to {}", compact(low), compact(high))
        };
        texts.push(format!("{label} {} and {}", ends(&smallest), ends(&frobenius)));
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
    let source = "batches-tanh, batches-relu, batches-gaussian: their data";
    Ok(figure(5, "tightness", see, source, sweep(&series, &batches(), &y, &[line])))
}

/// The step size, over the threshold, from which on the median of the replicas grows in the second half of the run:
/// between the largest tried that decays and the next.
fn boundary(run: &Run, size: f64) -> Result<Option<[f64; 2]>, LabError> {
    let mut rates = Vec::new();
    for cell in (0..run.cells()).filter(|cell| batch(run, *cell) == size) {
        let middle = run.steps(cell)?.last().copied().unwrap_or(0) / 2;
        let (before, after) = (run.values_at(cell, "train_loss", middle)?, run.finals(cell, "train_loss")?);
        // A replica that diverged has grown, whatever its loss is.
        let growth = |(b, a): (&f64, &f64)| if a.is_finite() { (a / b).ln() } else { f64::INFINITY };
        let growth: Vec<f64> = before.iter().zip(&after).map(growth).collect();
        rates.push((run.key(cell, "dynamics.learning_rate").unwrap_or(f64::NAN), median(&growth) > 0.0));
    }
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = rates.iter().position(|(_, grows)| *grows).filter(|k| *k > 0);
    Ok(first.map(|k| [rates[k - 1].0, rates[k].0]))
}

pub(super) fn atlas(runs: &Runs) -> Result<Figure, LabError> {
    let run = runs.get("atlas");
    let points = by_batch(run)?;
    let (mut found, mut texts) = (Vec::new(), Vec::new());
    for AtBatch { size, threshold, .. } in &points {
        if let Some([low, high]) = boundary(run, *size)? {
            let [from, to] = [low, high].map(|multiple| multiple * threshold);
            found.push(BandPoint { x: *size, mid: (from * to).sqrt(), low: from, high: to });
            texts.push(format!("{} to {} (B = {})", compact(low), compact(high), compact(*size)));
        }
    }
    let see = format!(
        "tanh random features of {} samples. SGD is stable in the mean square below the exact threshold; the typical path, \
         the median of {} replicas, decays up to a step size of {} of it: with this many directions the typical path is \
         close to the mean.",
        points[0].point.geometry.samples,
        run.replicas(0),
        texts.join(", ")
    );
    let mut series = curves(&points)?;
    series.insert(1, Series { name: "typical path grows from here on (measured)".to_owned(), points: found });
    let source =
        "atlas: metrics.parquet, column train_loss, second half of the run; thresholds from its data";
    Ok(figure(11, "atlas", see, source, sweep(&series, &batches(), &rates(&points), &[])))
}
