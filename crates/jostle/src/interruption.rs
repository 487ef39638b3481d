//! Long work that nothing inside can interrupt, such as the decomposition of a large matrix, given up where somebody asks to stop.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Multiply-adds, times some tens, up to which work is done where it stands: a fraction of a second.
const SHORT: f64 = 2e7;

/// How often it is asked whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The result of some work; `None` as soon as `should_stop` says so.
///
/// Long work is done on threads of its own, as many as there are here. Work that is given up goes on there until its own end, or that of
/// the process, and its result is dropped: it must own all that it touches. What it computes does not depend on where that is.
pub fn unless_stopped<R: Send + 'static>(
    multiply_adds: f64,
    should_stop: &dyn Fn() -> bool,
    work: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    if should_stop() {
        return None;
    }
    if multiply_adds <= SHORT {
        return Some(work());
    }
    let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(rayon::current_num_threads()).build() else {
        return Some(work());
    };
    let (sender, receiver) = channel();
    pool.spawn(move || {
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    });
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(Ok(result)) => return Some(result),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Timeout) if should_stop() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::{Arc, Barrier};

    #[test]
    fn work_that_never_ends_is_given_up_when_somebody_asks_to_stop() {
        let barrier = Arc::new(Barrier::new(2));
        let of_work = Arc::clone(&barrier);
        let asked = Cell::new(0);
        let should_stop = || {
            asked.set(asked.get() + 1);
            asked.get() > 2
        };
        let result = unless_stopped(1e20, &should_stop, move || {
            of_work.wait();
        });
        assert_eq!((result, asked.get()), (None, 3));
        barrier.wait();
    }

    #[test]
    fn work_is_done_where_nobody_asks_to_stop() {
        for multiply_adds in [1.0, 1e20] {
            assert_eq!(unless_stopped(multiply_adds, &|| false, || 7), Some(7));
            assert_eq!(unless_stopped(multiply_adds, &|| true, || 7), None);
        }
        let panic = catch_unwind(|| unless_stopped(1e20, &|| false, || -> u8 { panic!("as it is") }));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"as it is"));
    }
}
