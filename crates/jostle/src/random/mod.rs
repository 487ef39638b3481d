//! Counter-based random numbers: a draw is a pure function of (seed, replica, step, purpose).
//!
//! No generator has a state, so replicas, steps and noises may be visited in any order, on any thread, again after an
//! interruption or on another machine, and adding a noise or an observable never shifts the draws of another.

mod draws;
mod fill;
#[cfg(test)]
pub(crate) mod laws;
mod normal;
mod philox;

pub use draws::{Draws, Purpose};
pub(crate) use normal::Normal;
pub use philox::philox4x32;
