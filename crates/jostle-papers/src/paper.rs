//! What a paper is: its experiments, claims and figures, and the runs on which they are judged and drawn.

use crate::PAPERS;
use jostle_lab::run::{LabError, Run};
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
    /// Files that the experiments read.
    pub data: &'static [(&'static str, &'static [u8])],
    /// Titles of its figures.
    pub figures: &'static [&'static str],
    /// Its claims.
    pub claims: &'static [Statement],
    /// Where claims are known to fail.
    pub failures: &'static [Failure],
    /// The page of the documentation about it.
    pub page: &'static str,
    /// Works whose statements or methods are used.
    pub references: &'static [&'static str],
    pub(crate) judge: fn(&Runs) -> Result<Vec<Claim>, LabError>,
    pub(crate) draw: fn(&Runs) -> Result<Vec<Figure>, LabError>,
    /// Further experiments on networks, which run where they are asked for.
    pub networks: Option<&'static Networks>,
}

/// What a paper says on networks, where that takes too long to be a part of every reproduction.
pub struct Networks {
    /// Its experiments: name and text of the file.
    pub experiments: &'static [(&'static str, &'static str)],
    /// Titles of its figures.
    pub figures: &'static [&'static str],
    /// Its claims.
    pub claims: &'static [Statement],
    pub(crate) judge: fn(&Runs) -> Result<Vec<Claim>, LabError>,
    pub(crate) draw: fn(&Runs) -> Result<Vec<Figure>, LabError>,
}

/// The statement of a claim.
pub struct Statement {
    /// Short name of the claim.
    pub id: &'static str,
    /// What is said, as one sentence.
    pub text: &'static str,
    /// Whose statement it is.
    pub source: Source,
}

impl Statement {
    /// A statement of the paper.
    pub(crate) const fn of_the_paper(id: &'static str, text: &'static str) -> Self {
        Self { id, text, source: Source::Paper }
    }

    /// A statement of jostle's own.
    pub(crate) const fn of_jostle(id: &'static str, text: &'static str) -> Self {
        Self { id, text, source: Source::Jostle }
    }
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
    /// Every statement, those on networks among them.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &'static Statement> {
        self.claims.iter().chain(self.networks.map_or(&[][..], |networks| networks.claims))
    }

    /// What the verdicts of a run do not say: claims that it leaves out, and those that are known to fail elsewhere.
    pub fn remarks(&self, claims: &[Claim]) -> Vec<String> {
        let judged = |id: &str| claims.iter().find(|claim| claim.id == id);
        let left_out: Vec<&str> =
            self.statements().map(|known| known.id).filter(|id| judged(id).is_none()).collect();
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

    /// The paper's further experiments on networks.
    ///
    /// # Errors
    /// It has none.
    pub fn with_networks(&self) -> Result<&'static Networks, LabError> {
        let has = |paper: &&Paper| paper.networks.is_some();
        self.networks.ok_or_else(|| LabError::NoNetworks {
            paper: self.name.to_owned(),
            expected: PAPERS.iter().filter(has).map(|paper| paper.name).collect::<Vec<_>>().join(", "),
        })
    }

    /// Judges every claim whose experiments were run.
    pub(crate) fn claims_on(&self, runs: &Runs) -> Result<Vec<Claim>, LabError> {
        let mut claims = (self.judge)(runs)?;
        if let Some(networks) = self.networks.filter(|networks| runs.have(networks)) {
            claims.extend((networks.judge)(runs)?);
        }
        Ok(claims)
    }

    /// Draws every figure whose experiments were run.
    pub(crate) fn figures_on(&self, runs: &Runs) -> Result<Vec<Figure>, LabError> {
        let mut figures = (self.draw)(runs)?;
        if let Some(networks) = self.networks.filter(|networks| runs.have(networks)) {
            figures.extend((networks.draw)(runs)?);
        }
        Ok(figures)
    }
}

/// The finished runs of a paper's experiments, by name.
pub struct Runs {
    pub(crate) runs: BTreeMap<String, Run>,
    pub(crate) scale: String,
}

impl Runs {
    /// The run of an experiment.
    ///
    /// # Panics
    /// If the paper has no experiment of that name.
    pub(crate) fn get(&self, name: &str) -> &Run {
        &self.runs[name]
    }

    /// Whether the experiments on networks were run.
    pub(crate) fn have(&self, networks: &Networks) -> bool {
        networks.experiments.iter().all(|(name, _)| self.runs.contains_key(*name))
    }

    /// All runs, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Run)> {
        self.runs.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find;

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
        let mut claims: Vec<Claim> = paper.claims.iter().map(|known| claim(known.id, true)).collect();
        let remarks = paper.remarks(&claims);
        assert_eq!(remarks[0], "Not run here: N4, N5 (--with-networks).");
        assert!(remarks[1].starts_with("Known to fail: N4 on the digits ("), "{remarks:?}");
        assert!(remarks[1].ends_with("; see docs/science/shape-matters.md."), "{remarks:?}");
        // What fails in this very run is in the counts already.
        claims.extend([claim("N4", false), claim("N5", true)]);
        assert!(paper.remarks(&claims).is_empty(), "{:?}", paper.remarks(&claims));
    }

    #[test]
    fn failures_and_claims_have_statements_of_one_id() {
        for paper in PAPERS {
            let ids: Vec<&str> = paper.statements().map(|known| known.id).collect();
            for (k, id) in ids.iter().enumerate() {
                assert!(!ids[..k].contains(id), "{id} twice");
            }
            for known in paper.failures {
                assert!(ids.contains(&known.id), "{} is not a claim of {}", known.id, paper.name);
            }
        }
    }
}
