//! A folder to call the command in, and what a call left behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Three replicas of a small experiment.
pub(crate) const SMALL: &str = r#"name = "small"

[problem]
kind = "sparse-regression"
samples = 10
dim = 20
sparsity = 2
seed = 1

[model]
kind = "quadratic"
init = 0.5

[dynamics]
kind = "gradient-descent"
steps = 60
learning_rate = 0.01

[[noise]]
kind = "label"
std = 0.5

[observe]
at = { every = 20 }

[ensemble]
replicas = 3
"#;

/// A temporary folder in which commands are called.
pub(crate) struct Lab {
    folder: TempDir,
}

/// How a call ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder that holds an experiment as `x.toml`.
    pub(crate) fn with(experiment: &str) -> Self {
        let lab = Self::new();
        lab.write("x.toml", experiment);
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The command, to be called in this folder, without a folder of data.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jostle"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("JOSTLE_DATA");
        command
    }

    pub(crate) fn jostle(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments))
    }

    /// Calls the command, which must succeed and say nothing on standard error; returns its standard output.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let Ended { code, stdout, stderr } = self.jostle(arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        stdout
    }

    /// Calls the command, which must refuse: one line on standard error, nothing on standard output, nothing written,
    /// exit code 2. Returns the line without its `error: `.
    pub(crate) fn refuses(&self, arguments: &[&str]) -> String {
        let before = self.files();
        let refused = self.jostle(arguments);
        assert_eq!(self.files(), before, "{arguments:?} wrote something");
        refused.refusal()
    }

    /// Every file and folder below, with its content.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        collect(self.folder.path(), &mut found);
        found
    }

    /// The names in a folder, hidden ones too, sorted.
    pub(crate) fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Ended {
    /// The one line of an error, without its `error: `.
    pub(crate) fn refusal(&self) -> String {
        let Self { code, stdout, stderr } = self;
        assert_eq!((*code, stdout.as_str()), (Some(2), ""), "{stderr}");
        let line = stderr.strip_suffix('\n').unwrap_or_else(|| panic!("no line end: {stderr:?}"));
        assert!(!line.contains('\n'), "more than one line: {stderr}");
        line.strip_prefix("error: ").unwrap_or_else(|| panic!("no error: {stderr:?}")).to_owned()
    }
}

/// Calls a command and waits for its end.
pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The experiment [`SMALL`] with passages replaced.
pub(crate) fn small(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SMALL.to_owned(), |text, (passage, replacement)| {
        assert!(text.contains(passage), "{passage:?}");
        text.replacen(passage, replacement, 1)
    })
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
            found.insert(path, None);
        } else {
            let content = std::fs::read(&path).unwrap();
            found.insert(path, Some(content));
        }
    }
}
