//! N1 and N2: networks on real images, along SGD and where it ends.

use super::{claim, exactly, largest, smallest};
use crate::claim::Claim;
use crate::paper::Runs;
use crate::paper::judgement::{Measured, last_step};
use crate::report::compact;
use crate::run::{LabError, Run};
use jostle::geometry::BatchMoments;
use jostle::statistics::{mean, median};

/// What a run on images was trained on.
fn data(run: &Run) -> String {
    run.manifest.data.join("; ")
}

/// Means over the recorded steps of every replica, and the mean of these with its interval.
fn along(run: &Run, quantity: &str) -> Result<Measured, LabError> {
    let means: Vec<f64> = run.paths(0, quantity)?.iter().map(|path| mean(path)).collect();
    Ok(Measured::mean(&means))
}

pub(super) fn along_sgd(runs: &Runs) -> Result<Claim, LabError> {
    let (mut found, mut texts, mut holds) = (Vec::new(), Vec::new(), true);
    for (run, name) in [(runs.get("nets-mlp"), "fully connected"), (runs.get("nets-cnn"), "convolutional")] {
        let outputs = run.rebuilt_cells()?[0].source.outputs() as f64;
        let mu = along(run, "alignment")?;
        let points = run.paths(0, "alignment")?.concat();
        holds &= mu.low >= 0.5 && mu.high <= 2.0;
        texts.push(format!(
            "{name}: mu {} (times the {outputs} outputs {}), alpha {}, beta {}, single mu from {} to {}, loss from {} to {}, accuracy {} after {} steps, {} \
             replicas, {} diverged",
            mu.text(),
            compact(outputs * mu.value),
            along(run, "angle_alignment")?.text(),
            along(run, "size_alignment")?.text(),
            compact(smallest(points.iter().copied())),
            compact(largest(points.iter().copied())),
            compact(median(&run.values_at(0, "train_loss", 0)?)),
            compact(median(&run.finals(0, "train_loss")?)),
            compact(median(&run.finals(0, "train_accuracy")?)),
            last_step(run, 0)?,
            run.replicas(0),
            run.diverged(0)
        ));
        found.push(mu);
    }
    let measured = Measured {
        value: mean(&found.iter().map(|mu| mu.value).collect::<Vec<_>>()),
        low: smallest(found.iter().map(|mu| mu.low)),
        high: largest(found.iter().map(|mu| mu.high)),
    };
    Ok(claim(
        "N1",
        measured,
        "mean alignment of both networks in [0.5, 2], with its interval, as with one output (B2)",
        holds,
        format!(
            "Mean over both networks of the (uncentred) alignment over recorded steps and replicas, each from a start of its own; \
             from the lower end of one 95 % bootstrap interval to the upper end of the other. Noise 2 L G / c with c outputs \
             would have the alignment 1/c: it is c times the alignment that is of order one here. {}. Data: {}.",
            texts.join("; "),
            data(runs.get("nets-mlp"))
        ),
    ))
}

/// Where a cell ended, replica by replica; those that diverged are left out.
pub(crate) struct End {
    /// The batch size of the file.
    pub(crate) batch: f64,
    /// The step size as the file counts it.
    pub(crate) rate: f64,
    /// Step sizes `eta`.
    pub(crate) etas: Vec<f64>,
    /// `Tr G`.
    pub(crate) traces: Vec<f64>,
    /// `|G|_F`.
    pub(crate) norms: Vec<f64>,
    /// What `Tr G` and `|G|_F` may be at most, for step sizes of one.
    pub(crate) bounds: [f64; 2],
    top: Vec<f64>,
    losses: Vec<f64>,
    diverged: usize,
}

/// The ends of all cells of `nets-solutions`.
pub(crate) fn ends(run: &Run) -> Result<Vec<End>, LabError> {
    let cells = run.rebuilt_cells()?;
    let end = |(k, cell): (usize, &jostle::ensemble::Cell)| -> Result<End, LabError> {
        let (n, outputs) = (cell.source.samples(), cell.source.outputs() as f64);
        let BatchMoments { full, single } = cell.dynamics.batches(n).moments(n)?;
        let losses = run.finals(k, "train_loss")?;
        let kept = |quantity: &str| -> Result<Vec<f64>, LabError> {
            let values = run.finals(k, quantity)?;
            Ok(values.iter().zip(&losses).filter(|(_, loss)| loss.is_finite()).map(|(v, _)| *v).collect())
        };
        let etas = run.values_at(k, "learning_rate", 0)?;
        Ok(End {
            batch: run.key(k, "dynamics.batch").unwrap_or(f64::NAN),
            rate: run.key(k, "dynamics.learning_rate").unwrap_or(f64::NAN),
            etas: etas.iter().zip(&losses).filter(|(_, loss)| loss.is_finite()).map(|(v, _)| *v).collect(),
            traces: kept("trace_G")?,
            norms: kept("frobenius_G")?,
            bounds: [2.0 * outputs / single, (outputs / (full * single)).sqrt()],
            top: kept("lambda_max_G")?,
            losses: kept("train_loss")?,
            diverged: run.diverged(k),
        })
    };
    cells.iter().enumerate().map(end).collect()
}

impl End {
    /// `Tr G`, `|G|_F` and `lambda_max` over what they may be at most: the largest of the replicas.
    fn shares(&self) -> [f64; 3] {
        let share = |values: &[f64], bound: f64| {
            largest(self.etas.iter().zip(values).map(|(eta, value)| eta * value / bound))
        };
        [share(&self.traces, self.bounds[0]), share(&self.norms, self.bounds[1]), share(&self.top, 2.0)]
    }

    fn text(&self) -> String {
        let lost = if self.diverged > 0 { format!(", {} diverged", self.diverged) } else { String::new() };
        if self.etas.is_empty() {
            return format!("B = {}, {}: all diverged", compact(self.batch), compact(self.rate));
        }
        let [trace, norm, top] = self.shares().map(compact);
        format!(
            "B = {}, {}: {}, {}, {trace}, {norm}, {top}, {}{lost}",
            compact(self.batch),
            compact(self.rate),
            Measured::median(&self.traces).text(),
            Measured::median(&self.norms).text(),
            compact(median(&self.losses))
        )
    }
}

pub(super) fn solutions(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("nets-solutions");
    let ends = ends(run)?;
    let alive = || ends.iter().filter(|end| !end.etas.is_empty());
    let most = largest(alive().flat_map(End::shares));
    let texts: Vec<String> = ends.iter().map(End::text).collect();
    Ok(claim(
        "N2",
        exactly(most),
        "each at most 1 times its bound wherever SGD has not diverged",
        most <= 1.0 && alive().count() > 0,
        format!(
            "Largest of Tr G, |G|_F and lambda_max over their bounds, over cells and replicas that did not diverge, after {} \
             steps; {} replicas a cell. Bounds are necessary where the loss is zero, which it is not quite. Batch size, step \
             size in units of 2/lambda_max at the start: Tr G and |G|_F (median, with the whole range), the largest shares of \
             the three bounds, and the median loss: {}. Data: {}.",
            last_step(run, 0)?,
            run.replicas(0),
            texts.join("; "),
            data(run)
        ),
    ))
}
