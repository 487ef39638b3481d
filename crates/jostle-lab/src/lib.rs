//! jostle-lab

pub mod claim;
pub mod report;
