//! Summaries of replicas and seeds, with intervals that say how far they can be trusted.
//!
//! Replicas that explode are data: map them to plus infinity, which these functions order as the largest value. NaN is
//! no value at all, and a summary of values that hold a NaN, or of no values, is NaN.

mod coin;
mod interval;
mod law;
mod summary;

pub use coin::fair_coin_tail;
pub use interval::{Interval, LEVEL, RESAMPLES, bootstrap, median_interval, wilson};
pub use law::{allowed_distance, distance_to_law};
pub use summary::{mean, median, quantile};
