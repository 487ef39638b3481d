//! The samples of mini-batches, drawn for some steps ahead.

use super::data::PADDING;
use crate::random::{Draws, Purpose};

/// Steps that are drawn at a time.
const STEPS_AHEAD: u64 = 64;

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
        if step >= self.first + self.drawn.len() as u64 {
            self.draw(step);
        }
        let ahead = &self.drawn[(step - self.first) as usize..];
        &ahead[..ahead.len().min(most as usize)]
    }

    /// The batch of a step.
    #[inline(always)]
    pub(super) fn at(&mut self, step: u64) -> &[usize] {
        if step >= self.first + (self.drawn.len() / self.size) as u64 {
            self.draw(step);
        }
        let place = (step - self.first) as usize * self.size;
        &self.drawn[place..place + self.size]
    }

    /// Two consecutive steps share the words of a pair: a block of random bits makes two of them, and single samples
    /// would waste half of it.
    #[inline(never)]
    fn draw(&mut self, step: u64) {
        let (pair, end) = (step / 2, (step + STEPS_AHEAD).min(self.until));
        let pairs = (end.div_ceil(2) - pair) as usize;
        // Whole vectors are drawn faster, even if some numbers are for steps that nobody takes.
        let drawn = if pairs > 1 { pairs.next_multiple_of(PADDING) } else { pairs };
        let size = self.size;
        self.words.resize(2 * size * drawn, 0);
        self.draws.at_step(pair).for_steps(drawn).bits(Purpose::BATCH, &mut self.words);
        self.first = 2 * pair;
        self.drawn.resize(2 * size * pairs, 0);
        if size == 1 {
            let (even, odd) = self.words.split_at(drawn);
            for ((members, even), odd) in self.drawn.chunks_exact_mut(2).zip(even).zip(odd) {
                members[0] = Draws::index(*even, self.samples);
                members[1] = Draws::index(*odd, self.samples);
            }
            return;
        }
        for (ahead, members) in self.drawn.chunks_exact_mut(size).enumerate() {
            let words = (0..size).map(|k| self.words[(ahead % 2 * size + k) * drawn + ahead / 2]);
            if self.replacement {
                members.iter_mut().zip(words).for_each(|(i, word)| *i = Draws::index(word, self.samples));
            } else {
                Draws::subset(words, self.samples, members, &mut self.marks);
            }
        }
    }
}
