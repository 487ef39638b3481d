//! The laboratory: experiments on disk. Experiment files, runs, predictions and measurements.

pub mod experiment;
pub mod measure;
pub mod run;
