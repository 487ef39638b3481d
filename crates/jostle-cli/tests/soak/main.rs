//! Random experiments over the whole space of settings: no panic, the same bits on every level, with one and two threads,
//! together and alone, and from the plain reference; exit codes 0 and 2; and no number that is none but of a replica that
//! is reported as diverged.
//!
//! `cargo xtask soak MINUTES [--seed S]` goes on for longer. A failure is made small and printed as an experiment file.

mod case;
mod check;
mod draw;
mod minimise;
mod random;

use case::Case;
use check::{Outcome, check};
use std::time::{Duration, Instant};

/// Every so many experiments the command is called too.
const COMMAND_EVERY: u64 = 8;

/// How many experiments ended how.
#[derive(Debug, Default)]
struct Counts {
    refused: u64,
    skipped: u64,
    ran: u64,
}

/// Checks the experiment of a seed.
///
/// # Panics
/// If it fails, with the smallest experiment that fails in the same way.
fn soak(seed: u64, counts: &mut Counts) {
    let command = seed.is_multiple_of(COMMAND_EVERY);
    let ended = |case: &Case| check(case, tempfile::tempdir().unwrap().path(), command);
    let case = draw::draw(seed);
    match ended(&case) {
        Outcome::Refused => counts.refused += 1,
        Outcome::Skipped => counts.skipped += 1,
        Outcome::Ran => counts.ran += 1,
        Outcome::Failed { kind, found } => {
            let fails =
                |case: &Case| matches!(ended(case), Outcome::Failed { kind: other, .. } if other == kind);
            let small = minimise::minimise(case, minimise::smaller, fails);
            let now = ended(&small);
            panic!(
                "the experiment of seed {seed} fails: {kind}: {found}\nmade small, {now:?}:\n\n{}\n{:?}\n{:?}",
                small.text(),
                small.data,
                small.start
            );
        }
    }
}

/// Enough for about half a minute of one processor.
#[test]
fn random_experiments_keep_what_is_promised_of_all() {
    let mut counts = Counts::default();
    (0..5000).for_each(|seed| soak(seed, &mut counts));
    println!("{counts:?}");
    assert!(counts.ran >= 500, "most experiments should run: {counts:?}");
}

/// The first seed and the minutes are those of `JOSTLE_SOAK_SEED` and `JOSTLE_SOAK_MINUTES`.
#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn random_experiments_for_some_minutes() {
    let setting = |name: &str, default: u64| {
        std::env::var(name)
            .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}")))
    };
    let first = setting("JOSTLE_SOAK_SEED", 1_000_000);
    let enough = Duration::from_secs(60 * setting("JOSTLE_SOAK_MINUTES", 10));
    let (begun, mut counts) = (Instant::now(), Counts::default());
    let mut seed = first;
    while begun.elapsed() < enough {
        soak(seed, &mut counts);
        seed += 1;
    }
    println!("experiments of the seeds from {first} to {}: {counts:?}", seed - 1);
}
