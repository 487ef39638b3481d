//! The laboratory: experiments on disk. Experiment files, run folders, claims of papers and reports.

pub mod claim;
pub mod experiment;
pub mod measure;
mod number;
pub mod paper;
pub mod report;
pub mod run;
pub mod storage;
