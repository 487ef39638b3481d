//! Batches of independent samples.

use super::{Sampler, Scratch, Steps};
use crate::geometry::Batches;
use crate::random::{Draws, Purpose};

pub(super) const NAME: &str = "with-replacement";

/// `B` independent samples, each uniform among all.
#[derive(Debug)]
pub(super) struct WithReplacement;

impl Sampler for WithReplacement {
    fn draw(&self, steps: &Steps<'_>, scratch: &mut Scratch, members: &mut [usize]) {
        steps.words(&mut scratch.words);
        for (ahead, members) in members.chunks_exact_mut(steps.size).enumerate() {
            for (member, word) in members.iter_mut().zip(steps.words_of(ahead, &scratch.words)) {
                *member = Draws::index(word, steps.samples);
            }
        }
    }

    fn batches(&self, size: usize) -> Batches {
        Batches::with_replacement(size)
    }

    fn are_independent(&self) -> bool {
        true
    }
}

impl Steps<'_> {
    /// One word for each sample of each step: those of the same place in all steps side by side.
    pub(super) fn words(&self, words: &mut Vec<u64>) {
        words.resize(self.size * self.count, 0);
        self.draws.at_step(self.first).for_steps(self.count).bits(Purpose::BATCH, words);
    }

    /// The words of one step.
    pub(super) fn words_of<'w>(&self, ahead: usize, words: &'w [u64]) -> impl Iterator<Item = u64> + use<'w> {
        words.iter().skip(ahead).step_by(self.count).copied()
    }
}
