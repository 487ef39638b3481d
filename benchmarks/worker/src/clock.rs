//! Wall clock and the processor time of this process, read together.

use std::time::{Duration, Instant};

/// Measures from its start on.
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self { wall: Instant::now(), cpu: processor_time() }
    }

    /// Seconds of wall clock and of processor time since the start.
    pub(crate) fn seconds(&self) -> (f64, f64) {
        (self.wall.elapsed().as_secs_f64(), processor_time().saturating_sub(self.cpu).as_secs_f64())
    }
}

/// The processor time of all threads of this process.
#[cfg(unix)]
fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), now.tv_nsec as u32)
}

/// Elsewhere the wall clock stands in for it, which asks for an idle machine.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}
