//! What a paper is: its experiments, claims and figures, and the runs on which they are judged and drawn.

use crate::drawing::Drawing;
use crate::judgement::Judged;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::Figure;
use jostle_report::claim::{Claim, Source};
use std::collections::BTreeMap;

/// A paper that can be reproduced.
pub struct Paper {
    /// The name on the command line.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Authors, where it appeared, and its number on arXiv.
    pub reference: &'static str,
    /// What it is about and what running it shows, in a sentence or two.
    pub lead: &'static str,
    /// Its experiments: name and text of the file.
    pub experiments: &'static [(&'static str, &'static str)],
    /// Further experiments on networks, which take minutes and run where they are asked for.
    pub networks: &'static [(&'static str, &'static str)],
    /// Files that the experiments read.
    pub data: &'static [(&'static str, &'static [u8])],
    /// Its claims, in the order of its tables.
    pub claims: &'static [ClaimEntry],
    /// Its figures, in the order of its report.
    pub figures: &'static [FigureEntry],
    /// Where claims are known to fail.
    pub failures: &'static [Failure],
    /// The page of the documentation about it.
    pub page: &'static str,
    /// Works whose statements or methods are used.
    pub references: &'static [&'static str],
}

/// A claim: what is said, and how it is measured.
pub struct ClaimEntry {
    /// Short name of the claim.
    pub id: &'static str,
    /// What is said, as one sentence.
    pub statement: &'static str,
    /// Whose statement it is.
    pub source: Source,
    /// The experiments that it is judged on.
    pub needs: &'static [&'static str],
    /// Judges it on their runs.
    pub measure: fn(&Runs<'_>) -> Result<Judged, LabError>,
}

/// A figure: what it is called, and how it is drawn.
pub struct FigureEntry {
    /// Short name, unique in its report.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// The experiments that it shows.
    pub needs: &'static [&'static str],
    /// Draws it from their runs.
    pub draw: fn(&Runs<'_>) -> Result<Drawing, LabError>,
}

/// A claim that is known to fail on some data, or at some scale.
pub struct Failure {
    /// Short name of the claim.
    pub id: &'static str,
    /// Where it fails.
    pub place: &'static str,
    /// What was measured there.
    pub numbers: &'static str,
}

impl Paper {
    /// Whether something needs an experiment that only runs where it is asked for.
    pub fn needs_networks(&self, needs: &[&str]) -> bool {
        self.networks.iter().any(|(name, _)| needs.contains(name))
    }

    /// What the verdicts of a run do not say: claims that it leaves out, and those that are known to fail elsewhere.
    pub fn remarks(&self, claims: &[Claim]) -> Vec<String> {
        let judged = |id: &str| claims.iter().find(|claim| claim.id == id);
        let left_out: Vec<&str> =
            self.claims.iter().map(|known| known.id).filter(|id| judged(id).is_none()).collect();
        let failures = self.failures.iter().filter(|known| judged(known.id).is_none_or(|claim| claim.holds));
        let failures: Vec<String> =
            failures.map(|Failure { id, place, numbers }| format!("{id} on {place} ({numbers})")).collect();
        let mut remarks = Vec::new();
        if !left_out.is_empty() {
            remarks.push(format!("Not run here: {} (--with-networks).", left_out.join(", ")));
        }
        if !failures.is_empty() {
            remarks.push(format!("Known to fail: {}; see {}.", failures.join("; "), self.page));
        }
        remarks
    }

    /// Judges every claim whose experiments were run.
    pub(crate) fn claims_on(&self, finished: &Finished) -> Result<Vec<Claim>, LabError> {
        let judge = |entry: &ClaimEntry| {
            let runs = finished.only(entry.needs)?;
            Some((entry.measure)(&runs).map(|judged| judged.claim(self.name, entry)))
        };
        self.claims.iter().filter_map(judge).collect()
    }

    /// Draws every figure whose experiments were run.
    pub(crate) fn figures_on(&self, finished: &Finished) -> Result<Vec<Figure>, LabError> {
        let draw = |entry: &FigureEntry| {
            let runs = finished.only(entry.needs)?;
            Some((entry.draw)(&runs).map(|drawing| drawing.figure(entry)))
        };
        self.figures.iter().filter_map(draw).collect()
    }
}

/// The finished runs of a paper's experiments, by name.
pub(crate) struct Finished {
    pub(crate) runs: BTreeMap<String, Run>,
    pub(crate) scale: String,
}

impl Finished {
    /// Some of the runs; none if one of them is not there.
    fn only(&self, needs: &'static [&'static str]) -> Option<Runs<'_>> {
        needs.iter().all(|name| self.runs.contains_key(*name)).then_some(Runs { finished: self, needs })
    }
}

/// The runs that an entry needs.
pub struct Runs<'a> {
    finished: &'a Finished,
    needs: &'static [&'static str],
}

impl<'a> Runs<'a> {
    /// The run of an experiment.
    ///
    /// # Panics
    /// If the entry does not say that it needs the experiment.
    pub(crate) fn get(&self, name: &str) -> &'a Run {
        assert!(self.needs.contains(&name), "an entry reads {name:?} and does not name it in `needs`");
        &self.finished.runs[name]
    }

    /// The scale at which they were run.
    pub(crate) fn scale(&self) -> &'a str {
        &self.finished.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PAPERS, find};

    #[test]
    fn a_paper_says_what_it_leaves_out_and_what_is_known_to_fail() {
        let paper = find("shape-matters").unwrap();
        let claim = |id: &str, holds: bool| Claim {
            id: id.to_owned(),
            paper: paper.name.to_owned(),
            statement: String::new(),
            measured: None,
            low: None,
            high: None,
            expected: String::new(),
            holds,
            how: String::new(),
            source: Source::Paper,
        };
        let mut claims: Vec<Claim> = paper
            .claims
            .iter()
            .filter(|entry| !paper.needs_networks(entry.needs))
            .map(|entry| claim(entry.id, true))
            .collect();
        let remarks = paper.remarks(&claims);
        assert_eq!(remarks[0], "Not run here: N4, N5 (--with-networks).");
        assert!(remarks[1].starts_with("Known to fail: N4 on the digits ("), "{remarks:?}");
        assert!(remarks[1].ends_with("; see docs/science/shape-matters.md."), "{remarks:?}");
        // What fails in this very run is in the counts already.
        claims.extend([claim("N4", false), claim("N5", true)]);
        assert!(paper.remarks(&claims).is_empty(), "{:?}", paper.remarks(&claims));
    }

    #[test]
    fn entries_have_unique_names_and_need_experiments_of_their_paper() {
        for paper in PAPERS {
            let claims = paper.claims.iter().map(|entry| (entry.id, entry.needs));
            let figures = paper.figures.iter().map(|entry| (entry.id, entry.needs));
            let entries: Vec<_> = claims.chain(figures).collect();
            for (k, (id, needs)) in entries.iter().enumerate() {
                assert!(entries[..k].iter().all(|(other, _)| other != id), "{id} twice");
                for name in *needs {
                    let mut known = paper.experiments.iter().chain(paper.networks);
                    assert!(known.any(|(known, _)| known == name), "{id} needs {name:?}");
                }
            }
            for known in paper.failures {
                let is_claim = paper.claims.iter().any(|entry| entry.id == known.id);
                assert!(is_claim, "{} is not a claim of {}", known.id, paper.name);
            }
        }
    }
}
