//! The command `jostle`.

mod args;
mod check;
mod measure;
mod output;
mod predict;
mod progress;
mod report;
mod reproduce;
mod run;

use args::{Arguments, Command};
use clap::Parser;
use clap::error::ErrorKind;
use output::{Ending, is_lost, one_line, print, say_error};
use std::process::ExitCode;

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
            return if is_lost() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let ended = match &arguments.command {
        Command::Run(options) => run::run(options, &arguments.output),
        Command::Predict(options) => predict::predict(options, &arguments.output),
        Command::Check(options) => check::check(options, &arguments.output),
        Command::Measure(options) => measure::measure(options, &arguments.output),
        Command::Report(options) => report::report(options, &arguments.output),
        Command::Reproduce(options) => reproduce::reproduce(options, &arguments.output),
    };
    match ended {
        Ok(_) if is_lost() => ExitCode::from(2),
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::ClaimFailed) => ExitCode::from(1),
        Ok(Ending::Interrupted) => ExitCode::from(3),
        Err(error) => {
            say_error(&error.to_string());
            ExitCode::from(2)
        }
    }
}
