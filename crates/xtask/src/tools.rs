//! The programs that stages call.

use crate::stage::Failure;
use crate::tally::Tally;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

/// Asks the test of the settings reference to write the page instead of comparing it.
const WRITE_REFERENCE: &str = "JOSTLE_WRITE_REFERENCE";

/// Asks the test of the golden results to write the list instead of comparing it.
const WRITE_GOLDEN: &str = "JOSTLE_WRITE_GOLDEN";

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The cargo that runs us, in the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// `cargo fmt --check`, for all crates.
pub(crate) fn format() -> Result<Tally, Failure> {
    component("rustfmt", "fmt")?;
    plainly(&mut cargo(&["fmt", "--all", "--check"]), "run `cargo fmt`")
}

/// Clippy and the compiler's warnings, for all targets.
pub(crate) fn lints() -> Result<Tally, Failure> {
    component("clippy", "clippy")?;
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    plainly(&mut cargo(&arguments), "see the warnings above")
}

/// Which tests a run is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ignored {
    /// All but the ignored ones.
    Skipped,
    /// The ignored ones only.
    Only,
}

/// Every test but those in documentation, with nextest where it is installed.
pub(crate) fn tests(ignored: Ignored) -> Result<Tally, Failure> {
    if succeeds(&mut cargo(&["nextest", "--version"])) {
        let which = if ignored == Ignored::Only { "only" } else { "default" };
        let mut command = cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
        command.args(["--run-ignored", which, "--status-level", "slow", "--cargo-quiet"]);
        return counted(&mut command, Tally::of_nextest);
    }
    let mut command = cargo(&["test", "--workspace", "--no-fail-fast", "--quiet"]);
    command.args(["--lib", "--bins", "--tests", "--examples"]);
    if ignored == Ignored::Only {
        command.args(["--", "--ignored"]);
    }
    counted(&mut command, Tally::of_cargo_test)
}

/// The examples in the documentation, which nextest does not run. There may be none.
pub(crate) fn doc_tests() -> Result<Tally, Failure> {
    let (status, output) =
        watched(&mut cargo(&["test", "--workspace", "--doc", "--no-fail-fast", "--quiet"]))?;
    let tally = Tally::of_cargo_test(&output).unwrap_or_default();
    if status.success() { Ok(tally) } else { Err(Failure { tally, reason: status.to_string() }) }
}

/// The documentation, without a broken link.
pub(crate) fn documentation() -> Result<Tally, Failure> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    plainly(&mut command, "see the warnings above")
}

/// Whether cargo can say what the package of each crate would contain.
pub(crate) fn packages() -> Result<Tally, Failure> {
    let crates = root().join("crates");
    let entries = std::fs::read_dir(&crates).map_err(|error| Failure::new(error.to_string()))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    for name in names.iter().filter(|name| name.starts_with("jostle")) {
        let mut command = cargo(&["package", "--list", "--allow-dirty", "--quiet", "--package", name]);
        plainly(command.stdout(Stdio::null()), "see the message above")?;
    }
    Ok(Tally::default())
}

/// Writes the reference of the settings from the tables of the code.
pub(crate) fn write_reference() -> Result<Tally, Failure> {
    // For one package alone, cargo would build its dependencies anew with fewer of their features.
    let mut command = cargo(&["test", "--quiet", "--workspace", "--test", "settings_reference"]);
    command.env(WRITE_REFERENCE, "1");
    counted(&mut command, Tally::of_cargo_test)
}

/// Writes the list of the SHA-256 of the results of every experiment of the papers.
pub(crate) fn write_golden() -> Result<Tally, Failure> {
    let mut command = cargo(&["test", "--quiet", "--workspace", "--test", "golden"]);
    command.args(["--", "--ignored", "best_level"]).env(WRITE_GOLDEN, "1");
    counted(&mut command, Tally::of_cargo_test)
}

/// Compares the golden results on the portable level, built for a processor with fused multiply-adds: the same bits as
/// without, in minutes instead of hours.
pub(crate) fn portable_golden() -> Result<Tally, Failure> {
    let mut command = cargo(&["test", "--quiet", "--workspace", "--test", "golden"]);
    command.args(["--", "--ignored", "portable_level"]).env("CARGO_TARGET_DIR", root().join("target/fma"));
    if cfg!(target_arch = "x86_64") {
        command.env("RUSTFLAGS", "-C target-feature=+fma");
    }
    counted(&mut command, Tally::of_cargo_test)
}

/// Makes sure that a component of the toolchain is there.
fn component(name: &str, subcommand: &str) -> Result<(), Failure> {
    if succeeds(&mut cargo(&[subcommand, "--version"])) {
        return Ok(());
    }
    let mut install = Command::new("rustup");
    install.args(["component", "add", name]).current_dir(root());
    plainly(&mut install, &format!("{name} is not installed, and rustup could not add it")).map(|_| ())
}

/// Runs a program that counts nothing; `advice` is what to do about a failure.
pub(crate) fn plainly(command: &mut Command, advice: &str) -> Result<Tally, Failure> {
    let status = command.status().map_err(|error| Failure::new(format!("{}: {error}", shown(command))))?;
    if status.success() {
        return Ok(Tally::default());
    }
    Err(Failure::new(format!("{}: {status}; {advice}", shown(command))))
}

/// Runs a program that counts tests.
pub(crate) fn counted(
    command: &mut Command,
    count: impl Fn(&str) -> Option<Tally>,
) -> Result<Tally, Failure> {
    let (status, output) = watched(command)?;
    let tally = count(&output);
    match tally {
        Some(tally) if status.success() && tally.failed == 0 && tally.passed > 0 => Ok(tally),
        Some(tally) if tally.failed > 0 => {
            Err(Failure { tally, reason: format!("{} failed", plural(tally.failed, "test")) })
        }
        // A summary that can no longer be read must not pass for success.
        _ if status.success() => Err(Failure::new(format!("{}: no test was counted", shown(command)))),
        _ => {
            let tally = tally.unwrap_or_default();
            Err(Failure { tally, reason: format!("{}: {status}", shown(command)) })
        }
    }
}

/// Runs a program, passing on what it prints line by line, and returns that too.
fn watched(command: &mut Command) -> Result<(ExitStatus, String), Failure> {
    if io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let name = shown(command);
    let failed = |error: io::Error| Failure::new(format!("{name}: {error}"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let errors = thread::spawn(move || err.map_or_else(String::new, |err| pass_on(err, &mut io::stderr())));
    let mut output = out.map_or_else(String::new, |out| pass_on(out, &mut io::stdout()));
    output += &errors.join().unwrap_or_default();
    let status = child.wait().map_err(failed)?;
    Ok((status, output))
}

fn pass_on(from: impl Read, to: &mut impl Write) -> String {
    let mut whole = String::new();
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // Nobody may be listening any more; the count goes on.
        let _ = to.write_all(&line);
        whole += &String::from_utf8_lossy(&line);
        line.clear();
    }
    whole
}

/// Whether a program is there and ends well; what it prints is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or_default().to_string_lossy();
    let words = command.get_args().map(|word| word.to_string_lossy());
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}

fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
