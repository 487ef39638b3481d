//! Batches in which no sample occurs twice.

use super::with_replacement::WithReplacement;
use super::{Sampler, Scratch, Steps};
use crate::geometry::Batches;
use crate::random::Draws;

pub(super) const NAME: &str = "without-replacement";

/// `B` different samples, every set of that size equally likely; the batches of different steps are independent.
#[derive(Debug)]
pub(super) struct WithoutReplacement;

impl Sampler for WithoutReplacement {
    fn draw(&self, steps: &Steps<'_>, scratch: &mut Scratch, members: &mut [usize]) {
        if steps.size == 1 {
            return WithReplacement.draw(steps, scratch, members);
        }
        steps.words(&mut scratch.words);
        for (ahead, members) in members.chunks_exact_mut(steps.size).enumerate() {
            let words = steps.words_of(ahead, &scratch.words);
            Draws::subset(words, steps.samples, members, &mut scratch.marks);
        }
    }

    fn batches(&self, size: usize) -> Batches {
        Batches::without_replacement(size)
    }

    fn are_independent(&self) -> bool {
        true
    }
}
