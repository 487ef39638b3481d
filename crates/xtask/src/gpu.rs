//! Networks on graphics processors: what the features `wgpu` and `cuda` compile and compute.

use crate::stage::{Failure, Stage};
use crate::tally::Tally;
use crate::tools::{cargo, counted, plainly};

/// The crates that have these features.
const CRATES: [&str; 6] = ["--package", "jostle-nets", "--package", "jostle-lab", "--package", "jostle-cli"];

/// The tests of passes and of whole runs.
const PASSES: [&str; 3] = ["--package", "jostle-nets", "--lib"];
const RUNS: [&str; 4] = ["--package", "jostle-cli", "--test", "command"];

/// The test that finds an adapter.
const FINDS: &str = "device::tests::an_adapter_is_found";

const HELP: &str = "wgpu found no adapter; it needs a driver for Vulkan, Metal or DirectX 12, and there is one that \
                    needs no graphics processor: on Debian, `apt-get install mesa-vulkan-drivers`";

/// The stages of `cargo xtask gpu`.
pub(crate) fn stages() -> Vec<Stage> {
    vec![
        Stage::new("lints, and types of CUDA", || {
            let mut command = cargo(&["clippy"]);
            command.args(CRATES).args(["--features", "wgpu,cuda", "--all-targets", "--", "-D", "warnings"]);
            // So that burn does not fetch LLVM, which compiles for CUDA when a program runs: nothing runs here.
            plainly(command.env("DOCS_RS", "1"), "see the messages above")
        }),
        Stage::new("build", || {
            plainly(cargo(&["test", "--no-run", "--features", "wgpu"]).args(PASSES), "see the messages above")
        }),
        Stage::new("adapter", || {
            tests(&PASSES, &["--exact", FINDS])
                .map_err(|failure| Failure { reason: HELP.to_owned(), ..failure })
        }),
        Stage::new("passes by wgpu", || tests(&PASSES, &["device::", "--skip", FINDS])),
        Stage::new("runs by wgpu", || tests(&RUNS, &["device::"])),
    ]
}

/// Some tests of what these arguments name.
fn tests(of: &[&str], which: &[&str]) -> Result<Tally, Failure> {
    let mut command = cargo(&["test", "--quiet", "--features", "wgpu"]);
    counted(command.args(of).arg("--").args(which), Tally::of_cargo_test)
}
