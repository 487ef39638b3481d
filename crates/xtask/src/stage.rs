//! Stages of a chore, carried out one after the other until one fails.

use crate::tally::Tally;
use std::process::ExitCode;
use std::time::Instant;

/// One step of a chore.
pub(crate) struct Stage {
    name: &'static str,
    work: Box<dyn FnOnce() -> Result<Tally, Failure>>,
}

/// Why a stage failed, and what it had counted by then.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) tally: Tally,
    pub(crate) reason: String,
}

impl Failure {
    /// A failure in which no test was involved.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { tally: Tally::default(), reason: reason.into() }
    }
}

impl Stage {
    pub(crate) fn new(name: &'static str, work: impl FnOnce() -> Result<Tally, Failure> + 'static) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// Carries out the stages in order, stops at the first that fails, and prints the closing line.
pub(crate) fn run(stages: Vec<Stage>) -> ExitCode {
    let mut total = Tally::default();
    for stage in stages {
        println!("== {}", stage.name);
        let started = Instant::now();
        let result = (stage.work)();
        let seconds = started.elapsed().as_secs_f64();
        match result {
            Ok(tally) => {
                total += tally;
                println!("== {}: ok, {seconds:.1} s\n", stage.name);
            }
            Err(Failure { tally, reason }) => {
                total += tally;
                total.failed += u64::from(tally.failed == 0);
                println!("== {}: failed, {seconds:.1} s: {reason}\n", stage.name);
                println!("{total} (stopped at: {})", stage.name);
                return ExitCode::FAILURE;
            }
        }
    }
    if total != Tally::default() {
        println!("{total}");
    }
    ExitCode::SUCCESS
}
