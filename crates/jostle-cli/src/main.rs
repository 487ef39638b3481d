//! The command `jostle`.

mod args;
mod check;
mod measure;
mod predict;
mod progress;
mod reproduce;
mod rerender;
mod run;

use args::{Arguments, Command};
use clap::Parser;
use clap::error::ErrorKind;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set when a result could not be printed.
static LOST: AtomicBool = AtomicBool::new(false);

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
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error)
            if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            say_error(&one_line(&error.render().to_string()));
            return ExitCode::from(2);
        }
        Err(help) if help.use_stderr() => help.exit(),
        Err(help) => {
            print(&help.render().to_string());
            return if LOST.load(Ordering::Relaxed) { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let ended = match &arguments.command {
        Command::Run(options) => run::run(options, &arguments.output),
        Command::Predict(options) => predict::predict(options, &arguments.output),
        Command::Check(options) => check::check(options, &arguments.output),
        Command::Measure(options) => measure::measure(options, &arguments.output),
        Command::Report(options) => rerender::report(options, &arguments.output),
        Command::Reproduce(options) => reproduce::reproduce(options, &arguments.output),
    };
    match ended {
        Ok(_) if LOST.load(Ordering::Relaxed) => ExitCode::from(2),
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::ClaimFailed) => ExitCode::from(1),
        Ok(Ending::Interrupted) => ExitCode::from(3),
        Err(error) => {
            say_error(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// A usage error without the paragraphs that follow it on usage, and on options taken for file names.
fn one_line(error: &str) -> String {
    const LEFT_OUT: [&str; 3] = ["Usage:", "For more information", "tip: to pass"];
    let paragraphs = error.trim_start_matches("error: ").split("\n\n").map(str::trim);
    let paragraphs = paragraphs.filter(|text| !LEFT_OUT.iter().any(|start| text.starts_with(start)));
    let words = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    paragraphs.map(words).collect::<Vec<_>>().join("; ")
}

/// Says what is wrong, in one line even where a file name has several.
fn say_error(error: &str) {
    let line: String = error.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    say(&format!("error: {line}\n"));
}

/// Writes a message to standard error, if it takes any.
fn say(message: &str) {
    let _ = io::stderr().write_all(message.as_bytes());
}

/// Prints a result to standard output. A reader that has gone away wanted no more; otherwise a result that cannot be
/// printed is an error.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            LOST.store(true, Ordering::Relaxed);
            say_error(&format!("cannot write to standard output: {error}"));
        }
        _ => {}
    }
}
