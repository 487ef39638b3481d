//! The threshold over the batch size, beside its bounds.

use super::super::points::{Point, starts};
use super::curve;
use crate::Runs;
use crate::drawing::Drawing;
use jostle::statistics::median;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::compact;
use jostle_report::{Axis, BandPoint, Curve, ReferenceLine, Table, atlas as stability, sweep};

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

const BOUNDS: [Curve; 4] = [Curve::GradientDescent, Curve::Trace, Curve::Frobenius, Curve::AlignmentFree];

/// The values of [`BOUNDS`] at a point.
fn bounds_at(point: &Point) -> Result<[f64; 4], LabError> {
    let bounds = point.bounds()?;
    Ok([bounds.gd_limit, bounds.trace_bound, point.frobenius_bound()?, bounds.alignment_free_bound])
}

/// A curve without intervals; what is infinite says nothing and is left out.
fn line(curve: Curve, points: impl IntoIterator<Item = (f64, f64)>) -> (Curve, Vec<BandPoint>) {
    (curve, super::curve(curve.name(), points).points)
}

/// The exact threshold and every bound over the batch size.
fn curves(points: &[AtBatch]) -> Result<Vec<(Curve, Vec<BandPoint>)>, LabError> {
    let mut values = Vec::new();
    for AtBatch { size, point, .. } in points {
        values.push((*size, bounds_at(point)?));
    }
    let of =
        |(k, curve): (usize, &Curve)| line(*curve, values.iter().map(|(size, bounds)| (*size, bounds[k])));
    let exact = line(Curve::Threshold, points.iter().map(|at| (at.size, at.threshold)));
    Ok(std::iter::once(exact).chain(BOUNDS.iter().enumerate().map(of)).collect())
}

/// Threshold and bounds of every batch size as numbers, with the bound that is the smallest of (G), (T) and (F).
fn table(points: &[AtBatch]) -> Result<Table, LabError> {
    let heads = ["batch size", Curve::Threshold.name()].into_iter().chain(BOUNDS.map(Curve::name));
    let heads = heads.chain(["smallest of (G), (T), (F)", "threshold over it"]).map(str::to_owned).collect();
    let mut rows = Vec::new();
    for AtBatch { size, threshold, point } in points {
        let bounds = bounds_at(point)?;
        let (name, least) = smallest(&bounds);
        let cells = [*size, *threshold].into_iter().chain(bounds).map(compact);
        rows.push(cells.chain([name.to_owned(), compact(threshold / least)]).collect());
    }
    Ok(Table { heads, rows })
}

/// Which of (G), (T) and (F) is the smallest.
fn smallest(bounds: &[f64; 4]) -> (&'static str, f64) {
    let named = ["(G)", "(T)", "(F)"].into_iter().zip(bounds.iter().copied());
    named.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(("none", f64::NAN))
}

/// In words: whether every threshold respects its bounds, and which bound is the smallest where.
fn respected(points: &[AtBatch]) -> Result<String, LabError> {
    let (mut within, mut named) = (true, Vec::new());
    for AtBatch { size, threshold, point } in points {
        let bounds = bounds_at(point)?;
        within &= bounds.iter().all(|bound| *threshold <= bound * (1.0 + 1e-9));
        named.push(format!("{} (B = {})", smallest(&bounds).0, compact(*size)));
    }
    let verdict = if within { "Every threshold is within all bounds" } else { "A bound is violated" };
    Ok(format!("{verdict}; the smallest of (G), (T) and (F) is {}.", named.join(", ")))
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

pub(super) fn bounds(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let points = by_batch(runs.get("batches-tanh"))?;
    let mut drawn = curves(&points)?;
    let mut aligned = Vec::new();
    for at in &points {
        aligned.push((at.size, at.point.spectrum.aligned_learning_rate(at.point.batches)?));
    }
    drawn.push(line(Curve::Aligned, aligned));
    let (first, last) = (&points[0], &points[points.len() - 1]);
    let see = format!(
        "tanh random features of {} samples: the exact threshold goes from {} for single samples to {} for batches of {}. \
         For small batches the trace bounds it, for large ones gradient descent's limit; the bound by the alignment lies \
         above both. {}",
        first.point.geometry.samples,
        compact(first.threshold),
        compact(last.threshold),
        compact(last.size),
        respected(&points)?
    );
    let source =
        "batches-tanh: its data; thresholds also in metrics.parquet, column max_stable_learning_rate";
    let spec = stability(&drawn, &batches(), &rates(&points), &[]);
    Ok(Drawing { table: Some(table(&points)?), ..Drawing::new(see, source, spec) })
}

pub(super) fn tightness(runs: &Runs<'_>) -> Result<Drawing, LabError> {
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
    Ok(Drawing::new(see, source, sweep(&series, &batches(), &y, &[line])))
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

pub(super) fn atlas(runs: &Runs<'_>) -> Result<Drawing, LabError> {
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
         close to the mean. {}",
        points[0].point.geometry.samples,
        run.replicas(0),
        texts.join(", "),
        respected(&points)?
    );
    let mut drawn = curves(&points)?;
    drawn.insert(1, (Curve::Typical, found));
    let source =
        "atlas: metrics.parquet, column train_loss, second half of the run; thresholds from its data";
    let spec = stability(&drawn, &batches(), &rates(&points), &[]);
    Ok(Drawing { table: Some(table(&points)?), ..Drawing::new(see, source, spec) })
}
