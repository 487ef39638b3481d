//! Progress of long work, and the wish to stop it.

/// Is told how far long work is, and may ask to stop it: of runs, measurements and predictions.
///
/// Work that is asked to stop ends soon, without a result. `()` is the watch that says nothing and never stops.
pub trait Watch: Sync {
    /// This number of further replica-steps is done.
    fn advanced(&self, replica_steps: u64) {
        let _ = replica_steps;
    }

    /// This number of further multiply-adds of a measurement is done.
    fn computed(&self, multiply_adds: f64) {
        let _ = multiply_adds;
    }

    /// Whether to stop as soon as possible: once it is so, it stays so.
    fn should_stop(&self) -> bool {
        false
    }
}

impl Watch for () {}
