//! The samples of mini-batches, drawn for some steps ahead.

use crate::random::{Draws, Purpose};

/// Steps that are drawn at a time.
const STEPS_AHEAD: u64 = 256;

/// The batches of one replica.
pub(super) struct Members<'a> {
    draws: Draws<'a>,
    samples: usize,
    size: usize,
    replacement: bool,
    until: u64,
    first: u64,
    /// The batches of the steps that were drawn, one after the other.
    drawn: Vec<usize>,
    words: Vec<u64>,
    marks: Vec<bool>,
}

impl<'a> Members<'a> {
    /// Batches of `size` of the `samples`, up to the step `until`.
    pub(super) fn new(draws: Draws<'a>, samples: usize, size: usize, replacement: bool, until: u64) -> Self {
        assert!(draws.lanes() == 1, "batches are drawn for one replica");
        let (words, marks) = (Vec::new(), Vec::new());
        Self {
            draws,
            samples,
            size,
            replacement,
            until,
            first: draws.step(),
            drawn: Vec::new(),
            words,
            marks,
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
        let (size, steps) = (self.size, steps as usize);
        self.words.resize(size * steps, 0);
        self.draws.at_step(self.first).for_steps(steps).bits(Purpose::BATCH, &mut self.words);
        self.drawn.resize(size * steps, 0);
        if size == 1 {
            for (member, word) in self.drawn.iter_mut().zip(&self.words) {
                *member = Draws::index(*word, self.samples);
            }
            return;
        }
        for (ahead, members) in self.drawn.chunks_exact_mut(size).enumerate() {
            let words = (0..size).map(|k| self.words[k * steps + ahead]);
            if self.replacement {
                members.iter_mut().zip(words).for_each(|(i, word)| *i = Draws::index(word, self.samples));
            } else {
                Draws::subset(words, self.samples, members, &mut self.marks);
            }
        }
    }
}
