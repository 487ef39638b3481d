//! The examples of the crates: built with everything else, and run.

use crate::stage::Failure;
use crate::tally::Tally;
use crate::tools::{cargo, plainly, root};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs every example; each counts as a test.
pub(crate) fn run() -> Result<Tally, Failure> {
    plainly(&mut cargo(&["build", "--quiet", "--workspace", "--examples"]), "see the errors above")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = root().join("crates/jostle/examples");
    let entries = std::fs::read_dir(&folder).map_err(|error| Failure::new(error.to_string()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for name in files.iter().filter_map(|file| file.file_stem()) {
        let mut example = Command::new(target.join("debug/examples").join(name));
        match plainly(example.stdout(Stdio::null()), "run it to see what it prints") {
            Ok(_) => tally.passed += 1,
            Err(failure) => {
                tally.failed += 1;
                failed.push(failure.reason);
            }
        }
    }
    if failed.is_empty() { Ok(tally) } else { Err(Failure { tally, reason: failed.join("; ") }) }
}
