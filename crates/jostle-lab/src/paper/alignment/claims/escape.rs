//! B7 and N3: escape from a sharp minimum.

use super::{claim, largest};
use crate::claim::Claim;
use crate::number::compact;
use crate::paper::Runs;
use crate::paper::judgement::{Measured, last_step};
use crate::run::{LabError, Run};

/// What became of a replica that began at a minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The loss never grew by more than a factor of 1000.
    Stayed,
    /// The loss grew, and is small again where it was: `|G|_F` within 1 %.
    Returned,
    /// The loss grew, and is small again elsewhere.
    Landed,
    /// The loss grew, and is not yet small again.
    Away,
    /// Beyond bounds.
    Diverged,
}

/// Every fate, and what is said of a replica that met it.
const FATES: [(Fate, &str); 5] = [
    (Fate::Stayed, "stayed"),
    (Fate::Landed, "landed elsewhere"),
    (Fate::Returned, "returned"),
    (Fate::Away, "were still away"),
    (Fate::Diverged, "diverged"),
];

/// How many replicas met which fate, as a text.
pub(crate) fn counted(fates: &[Fate]) -> String {
    let count = |(fate, what): (Fate, &str)| match fates.iter().filter(|f| **f == fate).count() {
        0 => None,
        count => Some(format!("{count} {what}")),
    };
    FATES.into_iter().filter_map(count).collect::<Vec<_>>().join(", ")
}

/// A loss as small as this is one of a minimum.
const SMALL: f64 = 1e-6;

/// The loss of an escape exceeds that of the minimum by more than this factor on its way.
const ESCAPE: f64 = 1e3;

/// Where replicas land, `|G|_F` is to be below this share of the minimum's, in the median with its interval. Every one of
/// them is to land below the minimum's; to ask for this share of every one is more than SGD gives.
const FLATTER: f64 = 0.9;

/// The fate of every replica of a cell.
pub(crate) fn fates(run: &Run, cell: usize) -> Result<Vec<Fate>, LabError> {
    let (losses, norms) = (run.paths(cell, "train_loss")?, run.paths(cell, "frobenius_G")?);
    let fate = |(path, norms): (&Vec<f64>, &Vec<f64>)| match largest(path.iter().copied()) {
        peak if !peak.is_finite() => Fate::Diverged,
        peak if peak <= ESCAPE * path[0] => Fate::Stayed,
        _ if end(path) > SMALL => Fate::Away,
        _ if is_same(end(norms) / norms[0]) => Fate::Returned,
        _ => Fate::Landed,
    };
    Ok(losses.iter().zip(&norms).map(fate).collect())
}

fn end(path: &[f64]) -> f64 {
    path[path.len() - 1]
}

/// Whether a curvature is what it was.
fn is_same(ratio: f64) -> bool {
    (ratio - 1.0).abs() < 0.01
}

/// Final values over first ones of the replicas with one fate.
fn ratios(run: &Run, cell: usize, quantity: &str, fate: Fate) -> Result<Vec<f64>, LabError> {
    let paths = run.paths(cell, quantity)?;
    let chosen = paths.iter().zip(fates(run, cell)?).filter(|(_, of)| *of == fate);
    Ok(chosen.map(|(path, _)| end(path) / path[0]).collect())
}

/// What became of the replicas of a cell.
struct Outcome {
    multiple: f64,
    fates: Vec<Fate>,
    /// `|G|_F` over the minimum's, of those that stayed and of those that landed.
    stayed: Vec<f64>,
    landed: Vec<f64>,
    /// `Tr G` over `2 c/eta` with `c` outputs, of those that landed.
    traces: Vec<f64>,
}

impl Outcome {
    fn of(run: &Run, cell: usize, outputs: usize) -> Result<Self, LabError> {
        let fates = fates(run, cell)?;
        let (etas, traces) = (run.values_at(cell, "learning_rate", 0)?, run.finals(cell, "trace_G")?);
        // With one sample a step, B' = 1.
        let traces = etas.iter().zip(&traces).zip(&fates).filter(|(_, fate)| **fate == Fate::Landed);
        Ok(Self {
            multiple: run.key(cell, "dynamics.learning_rate").unwrap_or(f64::NAN),
            stayed: ratios(run, cell, "frobenius_G", Fate::Stayed)?,
            landed: ratios(run, cell, "frobenius_G", Fate::Landed)?,
            traces: traces.map(|((eta, trace), _)| 0.5 * eta * trace / outputs as f64).collect(),
            fates,
        })
    }

    fn text(&self) -> String {
        let text = format!("at {} eta* {}", compact(self.multiple), counted(&self.fates));
        if self.landed.is_empty() {
            return text;
        }
        format!(
            "{text}, where |G|_F is {} of the minimum's (at most {}, below {FLATTER} of it in {}) and Tr G at most {} of 2c/eta",
            Measured::median(&self.landed).text(),
            compact(largest(self.landed.iter().copied())),
            self.landed.iter().filter(|ratio| **ratio < FLATTER).count(),
            compact(largest(self.traces.iter().copied()))
        )
    }

    /// Nobody left.
    fn is_stable(&self) -> bool {
        self.stayed.len() == self.fates.len() && self.stayed.iter().all(|ratio| is_same(*ratio))
    }

    /// Nine in ten left, and most of all landed: every one of them at a flatter place where the trace is within its bound,
    /// and the median at a clearly flatter one.
    fn escapes(&self) -> bool {
        10 * self.stayed.len() <= self.fates.len()
            && 2 * self.landed.len() > self.fates.len()
            && Measured::median(&self.landed).high < FLATTER
            && self.landed.iter().all(|ratio| *ratio < 1.0)
            && self.traces.iter().all(|trace| *trace <= 1.0)
    }
}

fn outcomes(run: &Run) -> Result<Vec<Outcome>, LabError> {
    let cells = run.rebuilt_cells()?;
    cells.iter().enumerate().map(|(k, cell)| Outcome::of(run, k, cell.source.outputs())).collect()
}

fn texts(outcomes: &[Outcome]) -> String {
    outcomes.iter().map(Outcome::text).collect::<Vec<_>>().join("; ")
}

pub(super) fn lands_flatter(runs: &Runs) -> Result<Claim, LabError> {
    let (one, many) = (runs.get("escape"), runs.get("minima"));
    let (from_one, from_many) = (outcomes(one)?, outcomes(many)?);
    let all = || from_one.iter().chain(&from_many);
    let sharp = |outcome: &&Outcome| outcome.multiple == 1.3;
    let holds = all().filter(|outcome| outcome.multiple < 1.0).all(Outcome::is_stable)
        && all().filter(sharp).all(Outcome::escapes);
    let measured = from_one.iter().find(sharp).map(|outcome| Measured::median(&outcome.landed));
    Ok(claim(
        "B7",
        measured.unwrap_or(super::exactly(f64::NAN)),
        "below the threshold every replica stays (|G|_F within 1 %); at 1.3 times it the loss of nine in ten grows more \
         than a thousandfold; where it becomes small again elsewhere, |G|_F is below the minimum's in every replica and below \
         0.9 of it in the median with its interval, and Tr G is at most 2B'/eta",
        holds,
        format!(
            "Median of the final |G|_F over that of the minimum at 1.3 eta*, over the replicas that landed elsewhere, interval of \
             order statistics. {} replicas of SGD with one sample for {} steps from a minimum with loss {}; to return is to land \
             where |G|_F is within 1 % of what it was: {}. From {} minima, one a replica, after {} steps: {}.",
            one.replicas(0),
            last_step(one, 0)?,
            compact(one.values_at(0, "train_loss", 0)?[0]),
            texts(&from_one),
            many.replicas(0),
            last_step(many, 0)?,
            texts(&from_many)
        ),
    ))
}

/// The multiple of the threshold at which networks on images are to leave.
pub(crate) const SHARP: f64 = 2.0;

pub(super) fn networks_land_flatter(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("nets-escape");
    let outcomes = outcomes(run)?;
    let sharp = |outcome: &&Outcome| outcome.multiple == SHARP;
    let holds = outcomes.iter().filter(|outcome| outcome.multiple < 1.0).all(Outcome::is_stable)
        && outcomes.iter().filter(sharp).all(Outcome::escapes);
    let measured = outcomes.iter().find(sharp).map(|outcome| Measured::median(&outcome.landed));
    Ok(claim(
        "N3",
        measured.unwrap_or(super::exactly(f64::NAN)),
        "below the threshold every replica stays (|G|_F within 1 %); at twice it the loss of nine in ten grows more than a \
         thousandfold, most are at a small loss again elsewhere, where |G|_F is below the minimum's in every replica and \
         below 0.9 of it in the median with its interval, and Tr G is at most 2cB'/eta",
        holds,
        format!(
            "Median of the final |G|_F over that of the minimum at {} eta*, over the replicas that landed elsewhere, with their \
             range (from six on, the interval of order statistics). Of {} replicas, a minimum each: {}. Data: {}.",
            compact(SHARP),
            run.replicas(0),
            texts(&outcomes),
            run.manifest.data.join("; ")
        ),
    ))
}
