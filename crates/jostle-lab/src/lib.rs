//! jostle-lab

pub mod experiment;
