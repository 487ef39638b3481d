//! The command `jostle`.

mod args;
mod check;
mod progress;
mod reproduce;
mod rerender;
mod run;

use args::{Arguments, Command};
use clap::Parser;
use jostle_lab::run::LabError;
use std::process::ExitCode;

/// How a command ended, as an exit code.
enum Ending {
    /// Done, and every claim that was judged held.
    Done,
    /// A claim failed.
    ClaimFailed,
    /// Stopped by the user.
    Interrupted,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match &arguments.command {
        Command::Run(options) => run::run(options, &arguments.output),
        Command::Check(options) => check::check(options, &arguments.output),
        Command::Report(options) => rerender::report(options, &arguments.output),
        Command::Reproduce(options) => reproduce::reproduce(options, &arguments.output),
    };
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::ClaimFailed) => ExitCode::from(1),
        Ok(Ending::Interrupted) => ExitCode::from(3),
        Err(error) => {
            report_error(&error);
            ExitCode::from(2)
        }
    }
}

fn report_error(error: &LabError) {
    eprintln!("error: {error}");
}

/// Prints to standard output; a reader that has gone away is not an error.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}
