//! Papers: their experiments, the claims that are judged on them, and their figures.

mod alignment;
mod drawing;
mod judgement;
mod label_noise_lasso;
mod reproduce;
mod shape_matters;

pub use judgement::Measured;
pub use reproduce::{PaperOutcome, Reproduction, rebuild_report, reproduce};

use crate::claim::Claim;
use crate::report::Figure;
use crate::run::{LabError, Run};
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
    /// Its claims: id and statement.
    pub claims: &'static [(&'static str, &'static str)],
    /// Works whose statements or methods are used.
    pub references: &'static [&'static str],
    judge: fn(&Runs) -> Result<Vec<Claim>, LabError>,
    draw: fn(&Runs) -> Result<Vec<Figure>, LabError>,
    /// Further experiments on networks, which run where they are asked for.
    pub networks: Option<&'static Networks>,
}

/// What a paper says on networks, where that takes too long to be a part of every reproduction.
pub struct Networks {
    /// Its experiments: name and text of the file.
    pub experiments: &'static [(&'static str, &'static str)],
    /// Titles of its figures.
    pub figures: &'static [&'static str],
    /// Its claims: id and statement.
    pub claims: &'static [(&'static str, &'static str)],
    judge: fn(&Runs) -> Result<Vec<Claim>, LabError>,
    draw: fn(&Runs) -> Result<Vec<Figure>, LabError>,
}

impl Paper {
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
    fn claims_on(&self, runs: &Runs) -> Result<Vec<Claim>, LabError> {
        let mut claims = (self.judge)(runs)?;
        if let Some(networks) = self.networks.filter(|networks| runs.have(networks)) {
            claims.extend((networks.judge)(runs)?);
        }
        Ok(claims)
    }

    /// Draws every figure whose experiments were run.
    fn figures_on(&self, runs: &Runs) -> Result<Vec<Figure>, LabError> {
        let mut figures = (self.draw)(runs)?;
        if let Some(networks) = self.networks.filter(|networks| runs.have(networks)) {
            figures.extend((networks.draw)(runs)?);
        }
        Ok(figures)
    }
}

/// Every paper.
pub const PAPERS: &[Paper] = &[shape_matters::PAPER, label_noise_lasso::PAPER, alignment::PAPER];

/// The paper of this name.
///
/// # Errors
/// There is none.
pub fn find(name: &str) -> Result<&'static Paper, LabError> {
    PAPERS.iter().find(|paper| paper.name == name).ok_or_else(|| LabError::NoSuchPaper {
        name: name.to_owned(),
        expected: PAPERS.iter().map(|paper| paper.name).collect::<Vec<_>>().join(", "),
    })
}

/// The finished runs of a paper's experiments, by name.
pub struct Runs {
    runs: BTreeMap<String, Run>,
    scale: String,
}

impl Runs {
    /// The run of an experiment.
    ///
    /// # Panics
    /// If the paper has no experiment of that name.
    fn get(&self, name: &str) -> &Run {
        &self.runs[name]
    }

    /// Whether the experiments on networks were run.
    fn have(&self, networks: &Networks) -> bool {
        networks.experiments.iter().all(|(name, _)| self.runs.contains_key(*name))
    }

    /// All runs, by name.
    fn iter(&self) -> impl Iterator<Item = (&String, &Run)> {
        self.runs.iter()
    }
}
