//! Progress on a terminal, with rate and time left; nothing in a pipe.

use crate::args::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jostle_lab::run::Progress;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Set by the first Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// A progress bar on standard error, where that is a terminal.
pub(crate) struct Bar {
    quiet: bool,
    bar: Mutex<ProgressBar>,
}

impl Bar {
    /// A bar that is not shown yet; the first Ctrl-C from now on asks to stop, the second kills.
    pub(crate) fn new(output: &Output) -> Self {
        // Without a handler Ctrl-C still kills, and atomic renames still keep files whole.
        let _ = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                std::process::exit(3);
            }
        });
        Self { quiet: output.quiet, bar: Mutex::new(ProgressBar::hidden()) }
    }

    fn bar(&self) -> ProgressBar {
        self.bar.lock().map_or_else(|_| ProgressBar::hidden(), |bar| bar.clone())
    }
}

impl Progress for Bar {
    fn begins(&self, name: &str, replica_steps: f64) {
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(replica_steps as u64), target);
        let rate = |state: &ProgressState, text: &mut dyn Write| {
            let _ = write!(text, "{:.2} M steps/s", state.per_sec() / 1e6);
        };
        let style = ProgressStyle::with_template("{msg:24!} {wide_bar} {percent:>3}%  {rate}  {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", rate);
        bar.set_style(style);
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        if let Ok(mut current) = self.bar.lock() {
            *current = bar;
        }
    }

    fn advanced(&self, replica_steps: u64) {
        self.bar().inc(replica_steps);
    }

    fn ends(&self) {
        self.bar().finish_and_clear();
    }

    fn should_stop(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}
