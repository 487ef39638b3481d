//! Papers: their experiments, the claims that are judged on them, and their figures.

mod alignment;
mod drawing;
mod judgement;
mod label_noise_lasso;
mod paper;
mod reproduce;
mod shape_matters;

pub use judgement::Measured;
pub use paper::{Failure, Networks, Paper, Runs, Statement};
pub use reproduce::{PaperOutcome, Reproduction, rebuild_report, reproduce};

use jostle_lab::run::LabError;

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
