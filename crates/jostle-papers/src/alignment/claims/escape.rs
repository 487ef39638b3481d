//! B7 and N3: escape from a sharp minimum.

use super::largest;
use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict, last_step};
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::compact;

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

/// Where replicas land, `|G|_F` is to be below this share of the minimum's, in the median. Every one of
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

    /// Nobody leaves: in this run, and so in a share of at least `most`.
    fn asks_to_stay(&self, verdict: Verdict, from: &str, most: f64) -> Verdict {
        let at = format!("at {} eta* {from}", compact(self.multiple));
        let stayed = self.stayed.iter().filter(|ratio| is_same(**ratio)).count();
        verdict.and(&format!("the share that stays {at}"), self.share(stayed), Criterion::AtLeast(most)).and(
            &format!("the number that leaves {at}"),
            Measured::exactly((self.fates.len() - stayed) as f64),
            Criterion::AtMost(0.0),
        )
    }

    /// A share of at least `most` leaves, and more than half lands: every replica of this run at a flatter place where the
    /// trace is within its bound, and the median at a clearly flatter one.
    fn asks_to_escape(&self, verdict: Verdict, from: &str, most: f64) -> Verdict {
        let at = format!("at {} eta* {from}", compact(self.multiple));
        let flatter = self.landed.iter().filter(|ratio| **ratio < 1.0).count();
        let bounded = self.traces.iter().filter(|trace| **trace <= 1.0).count();
        let beyond = self.landed.len() - flatter + self.traces.len() - bounded;
        verdict
            .and(
                &format!("the share that leaves {at}"),
                self.share(self.fates.len() - self.stayed.len()),
                Criterion::AtLeast(most),
            )
            .and(
                &format!("the share that lands elsewhere {at}"),
                self.share(self.landed.len()),
                Criterion::Above(0.5),
            )
            .and(
                &format!("the number that lands at a place not flatter, or beyond the trace bound, {at}"),
                Measured::exactly(beyond as f64),
                Criterion::AtMost(0.0),
            )
    }

    fn share(&self, count: usize) -> Measured {
        Measured::share(count, self.fates.len())
    }
}

/// The verdict on the outcomes of several runs: what is below the threshold stays, what is at `sharp` of it escapes.
fn verdict(all: &[(&str, &[Outcome])], sharp: f64, most: f64) -> Verdict {
    let outcomes = || all.iter().flat_map(|(from, outcomes)| outcomes.iter().map(move |one| (*from, one)));
    let landed = outcomes().filter(|(_, one)| one.multiple == sharp);
    let shown = landed.map(|(from, one)| (from.to_owned(), Measured::median(&one.landed)));
    let verdict = Verdict::of_all(shown, Criterion::Below(FLATTER));
    outcomes().fold(verdict, |verdict, (from, one)| match one.multiple {
        multiple if multiple < 1.0 => one.asks_to_stay(verdict, from, most),
        multiple if multiple == sharp => one.asks_to_escape(verdict, from, most),
        _ => verdict,
    })
}

fn outcomes(run: &Run) -> Result<Vec<Outcome>, LabError> {
    let cells = run.rebuilt_cells()?;
    cells.iter().enumerate().map(|(k, cell)| Outcome::of(run, k, cell.process().source.outputs())).collect()
}

fn texts(outcomes: &[Outcome]) -> String {
    outcomes.iter().map(Outcome::text).collect::<Vec<_>>().join("; ")
}

pub(super) fn lands_flatter(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let (one, many) = (runs.get("escape"), runs.get("minima"));
    let (from_one, from_many) = (outcomes(one)?, outcomes(many)?);
    Ok(Judged::new(
        verdict(&[("from one minimum", &from_one), ("from many minima", &from_many)], 1.3, 0.9),
        "below the threshold every replica stays (|G|_F within 1 %), and so a share of at least 0.9; at 1.3 times it the loss of \
         at least nine in ten grows more than a thousandfold; where it becomes small again elsewhere, as it does for more than \
         half, |G|_F is below the minimum's in every replica and below 0.9 of it in the median, and Tr G is at most 2B'/eta",
        format!(
            "Median of the final |G|_F over that of the minimum at 1.3 eta*, over the replicas that landed elsewhere, 95 % \
             interval of order statistics; shares have Wilson's. {} replicas of SGD with one sample for {} steps from a minimum with loss {}; to return is to land \
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

pub(super) fn networks_land_flatter(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("nets-escape");
    let outcomes = outcomes(run)?;
    Ok(Judged::new(
        verdict(&[("from a minimum for each replica", &outcomes)], SHARP, 0.5),
        "below the threshold every replica stays (|G|_F within 1 %), and so a share of at least a half; at twice it the loss of at \
         least a half grows more than a thousandfold, more than half are at a small loss again elsewhere, where |G|_F is below \
         the minimum's in every replica and below 0.9 of it in the median, and Tr G is at most 2cB'/eta",
        format!(
            "Median of the final |G|_F over that of the minimum at {} eta*, over the replicas that landed elsewhere, 95 % interval \
             of order statistics; shares have Wilson's. Of {} replicas, a minimum each: {}. Data: {}.",
            compact(SHARP),
            run.replicas(0),
            texts(&outcomes),
            run.manifest.data.join("; ")
        ),
    ))
}
