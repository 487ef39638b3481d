//! Progress of runs and measurements, and the wish to stop them.

/// What progress is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Steps of replicas.
    Steps,
    /// Multiply-adds.
    MultiplyAdds,
    /// Sizes of batches.
    Batches,
}

/// Hears how a run or a measurement goes on, and may stop a run.
pub trait Progress: Sync {
    /// Something begins that takes so much.
    fn begins(&self, name: &str, total: f64, unit: Unit);
    /// So much more is done.
    fn advanced(&self, more: u64);
    /// It is over.
    fn ends(&self);
    /// Whether to stop as soon as possible.
    fn should_stop(&self) -> bool;
}

/// A progress that nobody watches.
pub struct Unwatched;

impl Progress for Unwatched {
    fn begins(&self, _: &str, _: f64, _: Unit) {}
    fn advanced(&self, _: u64) {}
    fn ends(&self) {}
    fn should_stop(&self) -> bool {
        false
    }
}
