//! B3, B4, B6 and B8: the threshold and its bounds.

use super::super::points::{Point, starts};
use super::{largest, smallest};
use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict};
use jostle::statistics::mean;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::{compact, precise};

/// Rounding of ratios that are at most one.
const ROUNDING: f64 = 1e-9;

const BATCHES: [&str; 3] = ["batches-tanh", "batches-relu", "batches-gaussian"];

/// Recorded threshold and geometry of every start of a run, cell by cell.
fn with_thresholds(run: &Run) -> Result<Vec<Vec<(f64, Point)>>, LabError> {
    let pair = |(cell, points): (usize, Vec<Point>)| {
        let thresholds = run.values_at(cell, "max_stable_learning_rate", 0)?;
        Ok(thresholds.into_iter().zip(points).collect())
    };
    starts(run)?.into_iter().enumerate().map(pair).collect()
}

pub(super) fn frobenius_bound(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let (mut ratios, mut uncentred) = (Vec::new(), Vec::new());
    let mut texts = Vec::new();
    for name in BATCHES.iter().chain(&["directions", "one-sample", "outputs"]) {
        let mut of_run = Vec::new();
        for (threshold, point) in with_thresholds(runs.get(name))?.into_iter().flatten() {
            of_run.push(threshold / point.frobenius_bound()?);
            let mu = point.spectrum.worst_alignment(false)?.0;
            uncentred.push(threshold / point.curvature().frobenius_bound(point.batches, mu)?);
        }
        let (low, high) = (smallest(of_run.iter().copied()), largest(of_run.iter().copied()));
        texts.push(format!("{name} {} to {}", compact(low), compact(high)));
        ratios.extend(of_run);
    }
    let worst = largest(ratios.iter().copied());
    let (_, one) = &with_thresholds(runs.get("one-sample"))?[0][0];
    Ok(Judged::new(
        Verdict::of(Measured::exactly(worst), Criterion::AtMost(1.0 + ROUNDING)),
        "threshold over the bound at most 1 at every point",
        format!(
            "Largest ratio, computed and not sampled, of the exact threshold to sqrt(B'/mu_0) / |G|_F over {} kernels and batch \
             sizes ({}). It holds with the centred alignment only, in its worst direction: with the uncentred one the ratio \
             reaches {}, and for a single sample, where mu = {} but SGD is gradient descent, it is 2.",
            ratios.len(),
            texts.join(", "),
            precise(largest(uncentred)),
            compact(one.geometry.uncentred.alignment),
        ),
    ))
}

/// Step sizes, in units of the threshold.
const MULTIPLES: [f64; 6] = [1.0, 1.1, 1.5, 2.0, 4.0, 10.0];

pub(super) fn lower_bound_of_growth(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let (mut margins, mut above) = (Vec::new(), Vec::new());
    for name in BATCHES {
        for (threshold, point) in with_thresholds(runs.get(name))?.into_iter().flatten() {
            for multiple in MULTIPLES {
                let eta = multiple * threshold;
                let growth = point.spectrum.growth_rate(eta, point.batches)?;
                let bound = 2.0 * (eta / point.frobenius_bound()?).ln();
                margins.push(growth - bound);
                if bound > 0.0 {
                    above.push(growth / bound);
                }
            }
        }
    }
    let least = smallest(margins.iter().copied());
    Ok(Judged::new(
        Verdict::of(Measured::exactly(least), Criterion::AtLeast(-ROUNDING)),
        "growth rate minus ln(eta^2 mu_0 |G|_F^2 / B') at least 0 for every step size and batch size",
        format!(
            "Smallest difference over {} kernels, batch sizes and step sizes from the threshold to ten times it; the growth \
             rate of the mean loss is exact (the largest eigenvalue of the dynamics of second moments). Where the bound is \
             above 0 it is {} to {} of the growth rate.",
            margins.len(),
            compact(1.0 / largest(above.iter().copied())),
            compact(1.0 / smallest(above.iter().copied()))
        ),
    ))
}

/// Mean over seeds of a quantity for every value of a key, in increasing order.
pub(crate) fn means_by(run: &Run, key: &str, quantity: &str) -> Result<Vec<(f64, Vec<f64>)>, LabError> {
    let mut found: Vec<(f64, Vec<f64>)> = Vec::new();
    for cell in 0..run.cells() {
        let (at, value) = (run.key(cell, key).unwrap_or(f64::NAN), run.values_at(cell, quantity, 0)?[0]);
        match found.iter_mut().find(|(known, _)| *known == at) {
            Some((_, values)) => values.push(value),
            None => found.push((at, vec![value])),
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(found)
}

pub(super) fn independence(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let mut spreads = Vec::new();
    let mut texts = Vec::new();
    for (name, key, what) in [("width", "model.width", "width"), ("samples", "problem.samples", "samples")] {
        let run = runs.get(name);
        let (thresholds, limits) =
            (means_by(run, key, "max_stable_learning_rate")?, means_by(run, key, "gd_limit")?);
        let lists: Vec<Vec<f64>> = thresholds.into_iter().map(|(_, values)| values).collect();
        let means: Vec<f64> = lists.iter().map(|values| mean(values)).collect();
        let spread =
            |means: &[f64]| (largest(means.iter().copied()) - smallest(means.iter().copied())) / mean(means);
        let spread = Measured::of_means(&lists, spread);
        let ((first, slowest), (last, fastest)) = (&limits[0], &limits[limits.len() - 1]);
        texts.push(format!(
            "{what} {} to {}: threshold {} to {}, {} of the mean, while 2/lambda_max goes from {} to {}",
            compact(*first),
            compact(*last),
            compact(smallest(means.iter().copied())),
            compact(largest(means.iter().copied())),
            spread.text(),
            compact(mean(slowest)),
            compact(mean(fastest))
        ));
        spreads.push((format!("over the {what}"), spread));
    }
    let seeds = means_by(runs.get("width"), "model.width", "gd_limit")?[0].1.len();
    Ok(Judged::new(
        Verdict::of_all(spreads, Criterion::Below(0.05)),
        "thresholds of single samples within 5 % of each other",
        format!(
            "Largest difference over the mean, of the mean thresholds of {seeds} seeds of data and features, with a 95 % \
             bootstrap interval over seeds; tanh random features in dimension 10. {}.",
            texts.join("; ")
        ),
    ))
}

pub(super) fn envelope(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let (mut ratios, mut free, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let mut binding = [0usize; 3];
    for name in BATCHES {
        let mut of_run = Vec::new();
        for (threshold, point) in with_thresholds(runs.get(name))?.into_iter().flatten() {
            let bounds = point.bounds()?;
            let three = [bounds.gd_limit, bounds.trace_bound, point.frobenius_bound()?];
            let least = smallest(three);
            binding[three.iter().position(|bound| *bound == least).unwrap_or_default()] += 1;
            of_run.push(threshold / least);
            free.push(threshold / bounds.alignment_free_bound);
        }
        let (low, high) = (smallest(of_run.iter().copied()), largest(of_run.iter().copied()));
        texts.push(format!("{} {} to {}", name.trim_start_matches("batches-"), compact(low), compact(high)));
        ratios.extend(of_run);
    }
    let (low, high) = (smallest(ratios.iter().copied()), largest(ratios.iter().copied()));
    let mut of_outputs = Vec::new();
    let several = with_thresholds(runs.get("outputs"))?;
    for (threshold, point) in several.iter().flatten() {
        of_outputs.push(threshold / point.bounds()?.alignment_free_bound);
    }
    let outputs = several[0][0].1.geometry.outputs;
    let with_outputs = largest(of_outputs.iter().copied());
    let most = largest(free.into_iter().chain(of_outputs));
    Ok(Judged::new(
        Verdict::of(Measured::exactly(low), Criterion::AtLeast(0.8))
            .and("the largest ratio", Measured::exactly(high), Criterion::AtMost(1.0 + ROUNDING))
            .and(
                "the largest ratio to the alignment-free bound",
                Measured::exactly(most),
                Criterion::AtMost(1.0 + ROUNDING),
            ),
        "threshold over the smallest bound in [0.8, 1] for every batch size, and at most 1 over the alignment-free bound",
        format!(
            "Smallest ratio, computed and not sampled, over {} kernels and batch sizes without replacement, from 1 to n - 1 ({}). The \
             smallest bound is that by lambda_max {} times, that by the trace {} times, and the paper's, by the alignment, {} \
             times. The largest ratio to the alignment-free bound is {}. With c outputs a sample it needs a factor sqrt(c): \
             with {outputs} outputs (digits, two-layer network) the largest ratio is {} with it, and {} without.",
            ratios.len(),
            texts.join(", "),
            binding[0],
            binding[1],
            binding[2],
            compact(most),
            compact(with_outputs),
            compact(with_outputs * (outputs as f64).sqrt())
        ),
    ))
}
