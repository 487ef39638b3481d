//! Measurements of speed: builds what is measured, and hands over to the scripts in `benchmarks/`.

use crate::stage::{Failure, Stage};
use crate::tally::Tally;
use crate::tools::{cargo, counted, plainly, root, succeeds};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names an interpreter that has everything in `benchmarks/requirements.txt`.
const PYTHON: &str = "JOSTLE_BENCHMARKS_PYTHON";

/// The stages of `cargo xtask bench`, from its options: `costs` or `nets` chooses what is measured, and the rest is for
/// the script.
pub(crate) fn stages(options: &[&str]) -> Vec<Stage> {
    let (script, package, program, options) = match options {
        ["costs", rest @ ..] => ("costs.py", "jostle-cli", "jostle", rest),
        ["nets", rest @ ..] => ("networks.py", "jostle-bench-worker", "jostle-bench-networks", rest),
        rest => ("measure.py", "jostle-bench-worker", "jostle-bench-worker", rest),
    };
    let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
    vec![
        Stage::new("build", move || {
            plainly(&mut cargo(&["build", "--release", "--package", package]), "see the messages above")
        }),
        Stage::new("Python", || python().map(|_| Tally::default())),
        Stage::new("measurements", move || {
            let mut command = Command::new(python()?);
            command.arg(root().join("benchmarks").join(script)).args(&options);
            command.arg("--worker").arg(built(program)).arg("--scratch").arg(scratch());
            plainly(&mut command, "see the messages above")
        }),
    ]
}

/// The stages of `cargo xtask pytorch`: makes the fixture of the networks afresh, at their usual widths, and compares
/// their kernels with it.
pub(crate) fn pytorch() -> Vec<Stage> {
    let fixture = || scratch().join("pytorch.safetensors");
    vec![
        Stage::new("Python", || python().map(|_| Tally::default())),
        Stage::new("fixture", move || {
            let mut command = Command::new(python()?);
            command.arg(root().join("crates/jostle-nets/fixtures/make.py")).arg(fixture()).arg("--large");
            plainly(&mut command, "see the messages above")
        }),
        Stage::new("kernels against PyTorch", move || {
            let mut command =
                cargo(&["test", "--package", "jostle-nets", "--test", "pytorch", "--", "--include-ignored"]);
            counted(command.env("JOSTLE_PYTORCH_FIXTURE", fixture()), Tally::of_cargo_test)
        }),
    ]
}

/// Where everything goes that measuring leaves behind.
fn scratch() -> PathBuf {
    target().join("benchmarks")
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

fn built(program: &str) -> PathBuf {
    target().join("release").join(format!("{program}{}", env::consts::EXE_SUFFIX))
}

/// The interpreter: the one that the environment names, or that of a virtual environment made at the first call.
fn python() -> Result<OsString, Failure> {
    if let Some(chosen) = env::var_os(PYTHON) {
        return Ok(chosen);
    }
    let wanted = root().join("benchmarks/requirements.txt");
    let wanted = fs::read_to_string(&wanted)
        .map_err(|error| Failure::new(format!("{}: {error}", wanted.display())))?;
    let home = scratch().join("python");
    let interpreter = home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let mark = home.join("requirements.txt");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter.into());
    }
    make_environment(&home, &interpreter)?;
    fs::write(&mark, wanted).map_err(|error| Failure::new(format!("{}: {error}", mark.display())))?;
    Ok(interpreter.into())
}

fn make_environment(home: &Path, interpreter: &Path) -> Result<Tally, Failure> {
    let Some(system) = ["python3", "python"].into_iter().find(|name| succeeds(Command::new(name).arg("-V")))
    else {
        return Err(Failure::new("there is no python3; the peers of the benchmarks need it"));
    };
    plainly(Command::new(system).args(["-m", "venv"]).arg(home), "Python's venv module is needed")?;
    let mut install = Command::new(interpreter);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    install.arg(root().join("benchmarks/requirements.txt"));
    plainly(&mut install, &format!("or set {PYTHON} to an interpreter that has these packages"))
}
