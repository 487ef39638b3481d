//! A folder to call the command in, and the judgement of how calls end.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A call that takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(2);
/// Kibibytes of addresses that a call may use.
const ADDRESSES: u32 = 8_000_000;

/// Where one kind of fault is tried.
pub(super) struct Bench {
    binary: PathBuf,
    kept: PathBuf,
    folder: PathBuf,
    state: u64,
    pub(super) tried: u64,
    pub(super) failures: Vec<String>,
    pub(super) skipped: Vec<String>,
}

/// How a call ended.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stderr: String,
    pub(super) stdout: String,
}

impl Bench {
    pub(super) fn new(binary: &Path, kept: &Path, seed: u64) -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("jostle-faults-{}-{seed}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self {
            binary: binary.to_path_buf(),
            kept: kept.to_path_buf(),
            folder: folder.canonicalize()?,
            state: seed,
            tried: 0,
            failures: Vec::new(),
            skipped: Vec::new(),
        })
    }

    /// A random number below `end` (splitmix64).
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }

    /// One of several things.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file below the folder.
    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, content));
        made.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_default()
    }

    pub(super) fn remove(&self, name: &str) {
        let path = self.path(name);
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }

    /// The files below a folder with their contents.
    pub(super) fn files(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.path(name), &mut found);
        found
    }

    /// The command, to be called in the folder under a limit of memory.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        self.under(&format!("ulimit -v {ADDRESSES}"), arguments)
    }

    /// The command after another command of the shell.
    pub(super) fn under(&self, first: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]).arg(&self.binary).args(arguments);
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_remove("JOSTLE_DATA");
        command
    }

    /// Calls the command and waits for its end; counts one try, which fails if it ends as no call may end.
    pub(super) fn call(&mut self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        self.tried += 1;
        let ended = self.end(&mut command);
        if let Some(fault) = ended.fault() {
            self.fail(&format!("{fault}: jostle {}", arguments.join(" ")));
        }
        ended
    }

    /// Runs a command to its end.
    pub(super) fn end(&self, command: &mut Command) -> Ended {
        let (out, err) = (self.path(".stdout"), self.path(".stderr"));
        let file = |path: &Path| fs::File::create(path).map_or_else(|_| Stdio::null(), Stdio::from);
        let child = command.stdout(file(&out)).stderr(file(&err)).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("bash cannot be started: {error}"));
        let code = wait(&mut child);
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        Ended { code, stderr: text(&err), stdout: text(&out) }
    }

    /// Remembers a failure, and keeps the folder as it is now.
    pub(super) fn fail(&mut self, what: &str) {
        let name = format!(
            "{}-{}",
            self.folder.file_name().unwrap_or_default().to_string_lossy(),
            self.failures.len()
        );
        if self.failures.len() < 10 {
            let kept = self.kept.join(&name);
            let _ = fs::create_dir_all(&self.kept);
            let _ = Command::new("cp").arg("-a").arg(&self.folder).arg(&kept).status();
        }
        let shown: String = what.chars().take(300).collect();
        self.failures.push(format!("{shown} ({name})"));
    }

    /// Fails unless something holds.
    pub(super) fn expect(&mut self, holds: bool, what: &str) {
        if !holds {
            self.fail(what);
        }
    }

    pub(super) fn skip(&mut self, reason: &str) {
        self.skipped.push(reason.to_owned());
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Ended {
    /// What is wrong with the end of any call, whatever was asked.
    pub(super) fn fault(&self) -> Option<String> {
        let Self { code, stderr, .. } = self;
        if stderr.contains("panicked at") {
            return Some(format!("panic: {}", stderr.lines().next().unwrap_or_default()));
        }
        match code {
            None => Some("hangs, or was killed".to_owned()),
            Some(2) if stderr.lines().count() != 1 || !stderr.starts_with("error: ") => {
                Some(format!("not one line of error: {:?}", stderr.chars().take(200).collect::<String>()))
            }
            Some(2) if stderr.len() > 10_000 => Some(format!("{} bytes of error", stderr.len())),
            Some(0..=3) => None,
            Some(code) => Some(format!("exit code {code}: {}", stderr.lines().next().unwrap_or_default())),
        }
    }
}

/// The exit code; `None` if it was killed or takes too long.
pub(super) fn wait(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    let mut pause = Duration::from_micros(500);
    while started.elapsed() < PATIENCE {
        if let Ok(Some(status)) = child.try_wait() {
            return status.code();
        }
        sleep(pause);
        pause = (2 * pause).min(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() && !path.is_symlink() {
            collect(&path, found);
        } else {
            let content = fs::read(&path).unwrap_or_default();
            found.insert(path, content);
        }
    }
}
