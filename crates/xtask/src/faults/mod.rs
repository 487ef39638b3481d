//! The fault campaign: kills, signals, full disks, odd paths, fuzzed files and damaged folders against the command.
//!
//! A call fails if it panics, aborts, hangs, ends with an exit code that it should not have, says more than one line of
//! error, or leaves something that it should not. Which calls are made depends on the seed alone.

mod bench;
mod disk;
mod files;
mod folders;
mod kills;
mod memory;
mod samples;
mod texts;

use crate::stage::{Failure, Stage};
use crate::tally::Tally;
use crate::tools;
use bench::Bench;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// What is done, how often, and from where the numbers come.
struct Options {
    quick: bool,
    seed: u64,
    binary: Option<PathBuf>,
    only: Option<String>,
}

/// One kind of fault.
struct Kind {
    name: &'static str,
    /// How often it is tried in a whole campaign; a quick one tries a twentieth of what is tried more than thirty times.
    tries: usize,
    /// Tries it so often.
    tried: fn(&mut Bench, usize),
}

const KINDS: [Kind; 19] = [
    Kind { name: "SIGKILL at a random moment, new folder", tries: 60, tried: kills::kill_in_a_new_folder },
    Kind { name: "SIGKILL over finished results", tries: 60, tried: kills::kill_over_results },
    Kind {
        name: "SIGINT, SIGTERM, SIGHUP over finished results",
        tries: 45,
        tried: kills::interrupt_over_results,
    },
    Kind { name: "SIGINT in a new folder", tries: 30, tried: kills::interrupt_in_a_new_folder },
    Kind { name: "two processes in one folder", tries: 40, tried: kills::two_in_one_folder },
    Kind { name: "files of limited size", tries: 60, tried: disk::limited_files },
    Kind { name: "small file system", tries: 40, tried: disk::small_file_system },
    Kind { name: "odd --out", tries: 24, tried: disk::odd_folders },
    Kind { name: "closed and full outputs", tries: 20, tried: disk::closed_outputs },
    Kind { name: "results over their inputs", tries: 12, tried: folders::results_over_inputs },
    Kind { name: "memory beside the estimate", tries: 6, tried: memory::estimates },
    Kind { name: "checkpoints of an older run", tries: 6, tried: folders::older_checkpoints },
    Kind { name: "check, one setting changed", tries: 10_000, tried: texts::check_settings },
    Kind { name: "check, text changed", tries: 1400, tried: texts::check_texts },
    Kind { name: "run of changed files", tries: 1400, tried: texts::run_changed },
    Kind { name: "--set and other options", tries: 900, tried: texts::options },
    Kind { name: "data, start and measured files changed", tries: 2600, tried: files::changed },
    Kind { name: "report of damaged folders", tries: 690, tried: folders::damaged_reports },
    Kind { name: "predict --against damaged folders", tries: 160, tried: folders::damaged_comparisons },
];

/// The stages of the campaign; else what is wrong with the options.
pub(crate) fn stages(words: &[&str]) -> Result<Vec<Stage>, String> {
    let mut options = Options { quick: false, seed: 1, binary: None, only: None };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().copied().ok_or_else(|| format!("{word} needs a value"));
        match *word {
            "--quick" => options.quick = true,
            "--seed" => {
                options.seed = value()?.parse().map_err(|_| "--seed needs a whole number".to_owned())?;
            }
            "--binary" => options.binary = Some(PathBuf::from(value()?)),
            "--only" => options.only = Some(value()?.to_owned()),
            unknown => return Err(format!("faults has no option {unknown:?}")),
        }
    }
    if !cfg!(unix) {
        return Err("faults needs signals, and with them Unix".to_owned());
    }
    let mut stages = Vec::new();
    if options.binary.is_none() {
        stages.push(Stage::new("release build", || {
            tools::plainly(
                &mut tools::cargo(&["build", "--release", "-p", "jostle-cli"]),
                "see the errors above",
            )
        }));
    }
    stages.push(Stage::new("fault campaign", move || campaign(&options)));
    Ok(stages)
}

fn campaign(options: &Options) -> Result<Tally, Failure> {
    let binary = options.binary.clone().unwrap_or_else(|| tools::root().join("target/release/jostle"));
    if !tools::succeeds(Command::new(&binary).arg("--version")) {
        return Err(Failure::new(format!("{} does not run", binary.display())));
    }
    let kept = tools::root().join("target/faults");
    let mut total = Tally::default();
    println!("seed {}; what fails is kept in {}", options.seed, kept.display());
    println!("{:<50} {:>7} {:>7} {:>7}  seconds", "kind", "tried", "failed", "skipped");
    for (k, kind) in KINDS.iter().enumerate() {
        if options.only.as_ref().is_some_and(|only| !kind.name.contains(only.as_str())) {
            continue;
        }
        let tries = if options.quick && kind.tries > 30 { kind.tries.div_ceil(20) } else { kind.tries };
        let started = Instant::now();
        let mut bench = Bench::new(&binary, &kept, options.seed.wrapping_add(1000 * k as u64))
            .map_err(|error| Failure::new(format!("no folder to work in: {error}")))?;
        (kind.tried)(&mut bench, tries);
        let seconds = started.elapsed().as_secs_f64();
        let (tried, failed, skipped) = (bench.tried, bench.failures.len() as u64, bench.skipped.len());
        println!("{:<50} {tried:>7} {failed:>7} {skipped:>7}  {seconds:.1}", kind.name);
        bench.skipped.iter().for_each(|reason| println!("    skipped: {reason}"));
        bench.failures.iter().take(10).for_each(|failure| println!("    failed: {failure}"));
        total += Tally { passed: tried - failed.min(tried), failed };
    }
    if total.failed > 0 {
        return Err(Failure { tally: total, reason: format!("{} calls failed", total.failed) });
    }
    Ok(total)
}
