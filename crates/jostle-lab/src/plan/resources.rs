//! What a run may use of the machine: threads, and an instruction set.

use crate::LabError;
use jostle::Level;

/// Threads that may be asked for on any machine; on large ones, four for each processor.
const MOST_THREADS: usize = 64;

/// The threads and the instruction set of a run. Results depend on neither.
#[derive(Debug, Clone, Copy)]
pub struct Resources {
    /// Threads, or as many as there are processors.
    pub threads: Option<usize>,
    /// Instruction set of the kernels.
    pub level: Level,
}

impl Resources {
    /// The best instruction set, and this number of threads, or as many as there are processors.
    pub fn with_threads(threads: Option<usize>) -> Self {
        Self { threads, level: Level::detect() }
    }

    /// The number of threads.
    ///
    /// # Errors
    /// A number so large that starting the threads would be all that they do.
    pub(super) fn count(&self) -> Result<usize, LabError> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (threads, most) = (self.threads.unwrap_or(processors), MOST_THREADS.max(4 * processors));
        if threads > most {
            return Err(LabError::TooManyThreads { threads, most, processors });
        }
        Ok(threads)
    }

    /// Runs a closure on these threads.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R, LabError> {
        Ok(pool(self.count()?)?.install(work))
    }
}

/// A pool of this many threads.
pub(super) fn pool(threads: usize) -> Result<rayon::ThreadPool, LabError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| LabError::Threads { threads, reason: error.to_string() })
}
