//! What a command prints, and how it ends.

use crate::args::Output;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set when a result could not be printed.
static LOST: AtomicBool = AtomicBool::new(false);

/// How a command ended, as an exit code.
pub(crate) enum Ending {
    /// Done, and every claim that was judged held.
    Done,
    /// A claim failed.
    ClaimFailed,
    /// Stopped by the user.
    Interrupted,
}

impl Output {
    /// Prints a result: as JSON, as text, or not at all.
    pub(crate) fn result(&self, json: impl FnOnce() -> serde_json::Value, text: impl FnOnce() -> String) {
        if self.json {
            print(&format!("{:#}\n", json()));
        } else if !self.quiet {
            print(&text());
        }
    }
}

/// Whether a result could not be printed.
pub(crate) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// A usage error without the paragraphs that follow it on usage, and on options taken for file names.
pub(crate) fn one_line(error: &str) -> String {
    const LEFT_OUT: [&str; 3] = ["Usage:", "For more information", "tip: to pass"];
    let paragraphs = error.trim_start_matches("error: ").split("\n\n").map(str::trim);
    let paragraphs = paragraphs.filter(|text| !LEFT_OUT.iter().any(|start| text.starts_with(start)));
    let words = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    paragraphs.map(words).collect::<Vec<_>>().join("; ")
}

/// Says what is wrong, in one line even where a file name has several.
pub(crate) fn say_error(error: &str) {
    let line: String = error.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    say(&format!("error: {line}\n"));
}

/// Writes a message to standard error, if it takes any.
pub(crate) fn say(message: &str) {
    let _ = io::stderr().write_all(message.as_bytes());
}

/// Prints a result to standard output. A reader that has gone away wanted no more; otherwise a result that cannot be
/// printed is an error.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            LOST.store(true, Ordering::Relaxed);
            say_error(&format!("cannot write to standard output: {error}"));
        }
        _ => {}
    }
}
