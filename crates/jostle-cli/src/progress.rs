//! Progress on a terminal, with rate and time left; nothing in a pipe.

use crate::args::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jostle_lab::{Progress, Unit};
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
        Self::with_patience(output, 1)
    }

    /// The same for what has nothing to keep: the first Ctrl-C kills.
    pub(crate) fn without_patience(output: &Output) -> Self {
        Self::with_patience(output, 0)
    }

    fn with_patience(output: &Output, requests: usize) -> Self {
        // Without a handler Ctrl-C still kills, and atomic renames still keep files whole.
        let _ = ctrlc::set_handler(move || {
            if STOP.swap(true, Ordering::Relaxed) || requests == 0 {
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
    fn begins(&self, name: &str, total: f64, unit: Unit) {
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let rate = move |state: &ProgressState, text: &mut dyn Write| {
            let rate = state.per_sec();
            let _ = match unit {
                Unit::Steps => write!(text, "{:.2} M steps/s", rate / 1e6),
                Unit::MultiplyAdds => write!(text, "{:.1} GFLOP/s", 2.0 * rate / 1e9),
                Unit::Batches => write!(text, "{:.1} batch sizes/min", 60.0 * rate),
            };
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

    fn advanced(&self, more: u64) {
        self.bar().inc(more);
    }

    fn ends(&self) {
        self.bar().finish_and_clear();
    }

    fn should_stop(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}
