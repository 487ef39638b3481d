//! N1 and N2: networks on real images, along SGD and where it ends.

use super::largest;
use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict};
use jostle::geometry::BatchMoments;
use jostle::statistics::{mean, median};
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::compact;

/// What a run on images was trained on.
fn data(run: &Run) -> String {
    run.manifest.data.join("; ")
}

/// The networks that are trained with one output and with ten, and what they are called.
pub(crate) const NETWORKS: [(&str, &str); 4] = [
    ("nets-mlp", "fully connected"),
    ("nets-mlp-outputs", "fully connected"),
    ("nets-cnn", "convolutional"),
    ("nets-cnn-outputs", "convolutional"),
];

/// The outputs `c` of a run.
pub(crate) fn outputs(run: &Run) -> Result<f64, LabError> {
    Ok(run.rebuilt_cells()?[0].process().source.outputs() as f64)
}

/// What the networks with one output, and those with ten, were trained on.
pub(crate) fn data_of_networks(runs: &Runs<'_>) -> String {
    [NETWORKS[0].0, NETWORKS[1].0].map(|name| data(runs.get(name))).join("; ")
}

pub(super) fn along_sgd(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let (mut found, mut texts) = (Vec::new(), Vec::new());
    for (run, name) in NETWORKS.map(|(run, name)| (runs.get(run), name)) {
        let outputs = outputs(run)?;
        // Noise 2 L G / c has the alignment 1/c.
        let means: Vec<f64> = run.paths(0, "alignment")?.iter().map(|path| outputs * mean(path)).collect();
        let scaled = Measured::mean(&means);
        let name = format!("{name}, c = {outputs}");
        texts.push(format!(
            "{name}: {} (training accuracy {})",
            scaled.text(),
            compact(median(&run.finals(0, "train_accuracy")?)),
        ));
        found.push((name, scaled));
    }
    Ok(Judged::new(
        Verdict::of_all(found, Criterion::Within(0.5, 2.0)),
        "mean of c mu along SGD in [0.5, 2] as in B2, for both networks, with c = 1 and c = 10 outputs",
        format!(
            "Mean of c mu over recorded steps and {} replicas, with Student's 95 % interval over replicas. {}. Data: {}.",
            runs.get(NETWORKS[0].0).replicas(0),
            texts.join("; "),
            data_of_networks(runs)
        ),
    ))
}

/// A loss below which an end is taken for a minimum.
const MINIMUM: f64 = 1e-3;

/// By how much an end may exceed a bound: gradient descent at the edge of stability oscillates about `2/lambda_max`.
const ABOUT: f64 = 1.05;

/// How much of the exact threshold is to be reached with every batch size.
const REACHED: f64 = 0.6;

/// Where a cell ended, replica by replica; those that diverged, or are at no minimum, are left out.
pub(crate) struct End {
    /// The batch size of the file.
    pub(crate) batch: f64,
    /// Step sizes `eta`.
    pub(crate) etas: Vec<f64>,
    /// `Tr G`.
    pub(crate) traces: Vec<f64>,
    /// `|G|_F`.
    pub(crate) norms: Vec<f64>,
    /// `lambda_max`.
    pub(crate) top: Vec<f64>,
    /// Step sizes over the exact thresholds.
    pub(crate) shares: Vec<f64>,
    /// What `Tr G`, `|G|_F` and `lambda_max` may be at most, for step sizes of one.
    pub(crate) bounds: [f64; 3],
    diverged: usize,
    replicas: usize,
}

/// The ends of all cells of `nets-solutions`.
pub(crate) fn ends(run: &Run) -> Result<Vec<End>, LabError> {
    let cells = run.rebuilt_cells()?;
    let end = |(k, cell): (usize, &jostle::ensemble::Ensemble)| -> Result<End, LabError> {
        let (n, outputs) = (cell.process().source.samples(), cell.process().source.outputs() as f64);
        let BatchMoments { full, single } = cell.process().dynamics.batches(n).moments(n)?;
        let losses = run.finals(k, "train_loss")?;
        let kept = |values: Vec<f64>| -> Vec<f64> {
            values.into_iter().zip(&losses).filter(|(_, loss)| **loss < MINIMUM).map(|(v, _)| v).collect()
        };
        let etas = kept(run.values_at(k, "learning_rate", 0)?);
        let thresholds = kept(run.finals(k, "max_stable_learning_rate")?);
        Ok(End {
            batch: run.key(k, "dynamics.batch").unwrap_or(f64::NAN),
            traces: kept(run.finals(k, "trace_G")?),
            norms: kept(run.finals(k, "frobenius_G")?),
            top: kept(run.finals(k, "lambda_max_G")?),
            shares: etas.iter().zip(&thresholds).map(|(eta, threshold)| eta / threshold).collect(),
            bounds: [2.0 * outputs / single, (outputs / (full * single)).sqrt(), 2.0],
            etas,
            diverged: run.diverged(k),
            replicas: losses.len(),
        })
    };
    cells.iter().enumerate().map(end).collect()
}

impl End {
    /// `Tr G`, `|G|_F` and `lambda_max` over what they may be at most: the largest of the replicas.
    fn shares_of_bounds(&self) -> [f64; 3] {
        let share = |values: &[f64], bound: f64| {
            largest(self.etas.iter().zip(values).map(|(eta, value)| eta * value / bound))
        };
        let [trace, norm, top] = self.bounds;
        [share(&self.traces, trace), share(&self.norms, norm), share(&self.top, top)]
    }
}

impl End {
    /// How many replicas ended within threshold and bounds.
    fn within(&self) -> usize {
        let [trace, norm, top] = self.bounds;
        let is_within = |k: &usize| {
            let (k, eta) = (*k, self.etas[*k]);
            let shares =
                [self.traces[k] / trace, self.norms[k] / norm, self.top[k] / top].map(|share| eta * share);
            self.shares[k] <= ABOUT && shares.iter().all(|share| *share <= ABOUT)
        };
        (0..self.etas.len()).filter(is_within).count()
    }
}

/// The ends with one batch size that are at minima, in order of their step sizes.
pub(crate) fn of_batch(ends: &[End], batch: f64) -> Vec<&End> {
    ends.iter().filter(|end| end.batch == batch && !end.etas.is_empty()).collect()
}

/// The batch sizes, in order.
pub(crate) fn batches(ends: &[End]) -> Vec<f64> {
    let mut batches: Vec<f64> = ends.iter().map(|end| end.batch).collect();
    batches.sort_by(f64::total_cmp);
    batches.dedup();
    batches
}

/// At least this share of the ends is to be within its bounds.
const MOST_ENDS: f64 = 0.9;

pub(super) fn solutions(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("nets-solutions");
    let ends = ends(run)?;
    let (mut reached, mut texts) = (Vec::new(), Vec::new());
    for batch in batches(&ends) {
        let shares = || of_batch(&ends, batch).into_iter().flat_map(|end| end.shares.iter().copied());
        let count = shares().count();
        // That some end comes so close is a matter of one example: nothing is estimated.
        let closest = if count == 0 { f64::NAN } else { largest(shares()) };
        reached.push((format!("the closest end with B = {}", compact(batch)), Measured::exactly(closest)));
        texts.push(format!("{} of {count} with B = {}", compact(closest), compact(batch)));
    }
    let at_minima = || ends.iter().filter(|end| !end.etas.is_empty());
    let exact = largest(at_minima().flat_map(|end| end.shares.iter().copied()));
    let bounded = largest(at_minima().flat_map(End::shares_of_bounds));
    let count = |of: &dyn Fn(&End) -> usize| ends.iter().map(of).sum::<usize>();
    let (total, diverged, judged) =
        (count(&|e| e.replicas), count(&|e| e.diverged), count(&|e| e.etas.len()));
    let within = count(&End::within);
    Ok(Judged::new(
        Verdict::of(Measured::share(within, judged), Criterion::AtLeast(MOST_ENDS))
            .and(
                "the number of ends beyond threshold or bounds",
                Measured::exactly((judged - within) as f64),
                Criterion::AtMost(0.0),
            )
            .and_all(reached, Criterion::Above(REACHED)),
        "wherever SGD ends at a loss below 1e-3, step size, Tr G, |G|_F and lambda_max exceed exact threshold and bounds by at \
         most 5 %: at every end of the run, and so at a share of at least 0.9; with every batch size some end is at more than \
         0.6 of the exact threshold",
        format!(
            "Share of the {judged} ends, with Wilson's 95 % interval. Closest ends, eta over the exact threshold: {}. Largest of \
             all: {}; largest share of a bound: {}. Of {total} replicas {judged} are at minima, {diverged} diverged. Data: {}.",
            texts.join(", "),
            compact(exact),
            compact(bounded),
            data(run)
        ),
    ))
}
