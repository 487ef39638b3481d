//! The samples of mini-batches, drawn for some steps ahead.

use crate::dynamics::Sampling;
use crate::dynamics::sampling::{Scratch, Steps};
use crate::random::Draws;

/// Steps that are drawn at a time.
const STEPS_AHEAD: u64 = 256;

/// The batches of one replica.
pub(super) struct Members<'a> {
    draws: Draws<'a>,
    samples: usize,
    size: usize,
    sampling: Sampling,
    until: u64,
    first: u64,
    /// The batches of the steps that were drawn, one after the other.
    drawn: Vec<usize>,
    scratch: Scratch,
}

impl<'a> Members<'a> {
    /// Batches of `size` of the `samples`, up to the step `until`.
    pub(super) fn new(draws: Draws<'a>, samples: usize, size: usize, sampling: Sampling, until: u64) -> Self {
        assert!(draws.lanes() == 1, "batches are drawn for one replica");
        Self {
            draws,
            samples,
            size,
            sampling,
            until,
            first: draws.step(),
            drawn: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// The samples of batches of one, for some steps from `step` on: at most `most` of them.
    pub(super) fn ahead(&mut self, step: u64, most: u64) -> &[usize] {
        let place = self.place(step);
        let ahead = &self.drawn[place..];
        &ahead[..ahead.len().min(most as usize)]
    }

    /// The batch of a step.
    #[inline(always)]
    pub(super) fn at(&mut self, step: u64) -> &[usize] {
        let place = self.place(step) * self.size;
        &self.drawn[place..place + self.size]
    }

    /// The number of a step among those that were drawn; it may also lie before them.
    #[inline(always)]
    fn place(&mut self, step: u64) -> usize {
        let steps = (self.drawn.len() / self.size) as u64;
        // Before the first step the difference wraps around, and is larger than any number of steps.
        if step.wrapping_sub(self.first) >= steps {
            self.draw(step);
        }
        (step - self.first) as usize
    }

    #[inline(never)]
    fn draw(&mut self, step: u64) {
        self.first = step / Draws::SHARED_STEPS * Draws::SHARED_STEPS;
        let steps = (self.first + STEPS_AHEAD).min(self.until) - self.first;
        let steps = Steps {
            draws: self.draws,
            first: self.first,
            count: steps as usize,
            samples: self.samples,
            size: self.size,
        };
        self.drawn.resize(steps.size * steps.count, 0);
        self.sampling.draw(&steps, &mut self.scratch, &mut self.drawn);
    }
}
