//! The project's chores: `cargo xtask test`, and what is too slow or too particular for it.

mod bench;
mod browser;
mod devtools;
mod examples;
mod faults;
mod gpu;
mod soak;
mod stage;
mod tally;
mod tools;

use stage::Stage;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test                           format, lints, every test and example, documentation: what has to pass
cargo xtask slow                           the tests that are ignored because they take minutes
cargo xtask soak MINUTES [--seed S]        checks random experiments for some minutes, from this seed on (default: 1); one
                                           that fails is made small, and printed as an experiment file
cargo xtask browser [REPORT] [--out DIR]   opens a report.html in a headless browser, narrow and wide, light and dark,
                                           saves pictures of it (default: target/browser), and checks that it is whole;
                                           without REPORT, reproduces a paper at its quick scale first
cargo xtask faults [--quick] [--seed N]    the fault campaign: kills, full disks, fuzzed files, damaged folders; what fails is
                                           kept in target/faults. --only WORD tries the kinds with this word in their
                                           name, --binary PATH another command than a release build
cargo xtask reference                      writes docs/reference/settings.md anew
cargo xtask golden                         writes the list of the results' SHA-256 that `cargo xtask slow` compares, after a
                                           change that breaks values
cargo xtask bench [OPTIONS]                measures jostle against what one would write instead, and against the
                                           machine; see benchmarks/README.md, or --help for the options
cargo xtask bench costs [--out DIR]        measures time and memory of `jostle run` against the size of an experiment
cargo xtask bench nets [--rounds N]        measures kernels of networks, and a step of training, against PyTorch
cargo xtask pytorch                        makes kernels of networks with PyTorch, and compares ours with them
cargo xtask gpu                            trains networks on a graphics processor by wgpu, or on a driver that imitates
                                           one, compares that with the processor, and type-checks CUDA

Each prints its stages with their times and stops at the first that fails. Those with tests end with one line, `N passed, N
failed`; a stage that fails for another reason than a test counts as one.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let stages = match words[..] {
        ["test"] => test(),
        ["slow"] => slow(),
        ["reference"] => vec![Stage::new("settings reference", tools::write_reference)],
        ["golden"] => vec![Stage::new("golden results", tools::write_golden)],
        ["bench", ref options @ ..] => bench::stages(options),
        ["pytorch"] => bench::pytorch(),
        ["gpu"] => gpu::stages(),
        ["faults", ref options @ ..] => match faults::stages(options) {
            Ok(stages) => stages,
            Err(problem) => return misused(&problem),
        },
        ["browser", ref options @ ..] => match browser::stages(options) {
            Ok(stages) => stages,
            Err(problem) => return misused(&problem),
        },
        ["soak", ref options @ ..] => match soak::stages(options) {
            Ok(stages) => stages,
            Err(problem) => return misused(&problem),
        },
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [unknown, ..] => return misused(&format!("no chore is called {unknown:?}")),
    };
    stage::run(stages)
}

/// Everything that has to pass. Parts in other languages add their stages here, so that the command stays the same; a
/// stage installs what it needs.
fn test() -> Vec<Stage> {
    vec![
        Stage::new("format", tools::format),
        Stage::new("lints", tools::lints),
        Stage::new("tests", || tools::tests(tools::Ignored::Skipped)),
        Stage::new("doc tests", tools::doc_tests),
        Stage::new("examples", examples::run),
        Stage::new("documentation", tools::documentation),
        Stage::new("packages", tools::packages),
    ]
}

/// What takes minutes.
fn slow() -> Vec<Stage> {
    let mut stages = vec![
        Stage::new("slow tests", || tools::tests(tools::Ignored::Only)),
        Stage::new("golden results on the portable level", tools::portable_golden),
    ];
    stages.extend(faults::stages(&[]).unwrap_or_default());
    stages
}

fn misused(problem: &str) -> ExitCode {
    eprint!("error: {problem}\n\n{USAGE}");
    ExitCode::from(2)
}
