//! Papers: their experiments, the claims that are judged on them, and their figures.

/// Experiments of a paper by their names, compiled into the program.
macro_rules! experiments {
    ($paper:literal: $($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/", $paper, "/", $name, ".toml")),
        )),*]
    };
}

/// Files that a paper's experiments read.
macro_rules! data {
    ($paper:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/", $paper, "/", $name)))),*]
    };
}

mod alignment;
mod drawing;
mod judgement;
mod label_noise_lasso;
mod paper;
mod reproduce;
mod shape_matters;

pub use drawing::Drawing;
pub use judgement::{Judged, Measured};
pub use paper::{ClaimEntry, Failure, FigureEntry, Paper, Runs};
pub use reproduce::{PaperOutcome, Reproduction, rebuild_report, reproduce};

use jostle_lab::LabError;

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

/// Refuses a paper without further experiments on networks.
///
/// # Errors
/// It has none; which papers have some.
pub fn check_networks(paper: &Paper) -> Result<(), LabError> {
    if !paper.networks.is_empty() {
        return Ok(());
    }
    let have = PAPERS.iter().filter(|paper| !paper.networks.is_empty());
    Err(LabError::NoNetworks {
        paper: paper.name.to_owned(),
        expected: have.map(|paper| paper.name).collect::<Vec<_>>().join(", "),
    })
}
