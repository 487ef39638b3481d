//! jostle-lab

pub mod storage;
