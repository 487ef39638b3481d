//! Epochs: every sample once, in an order of its own for each epoch.

use super::{Sampler, Scratch, Steps};
use crate::geometry::Batches;
use crate::random::{Draws, Purpose};

pub(super) const NAME: &str = "reshuffled";

/// Consecutive pieces of a uniform permutation of all samples, which is drawn for each epoch (and replica).
///
/// An epoch has `floor(n / B)` steps: the `n mod B` samples at the end of its permutation, which would make a shorter batch, are left
/// out of it, so that every step has `B` samples. A single batch is a uniform set of `B` different samples; those of an epoch
/// depend on each other.
#[derive(Debug)]
pub(super) struct Reshuffled;

impl Sampler for Reshuffled {
    fn draw(&self, steps: &Steps<'_>, scratch: &mut Scratch, members: &mut [usize]) {
        let in_epoch = (steps.samples / steps.size) as u64;
        for (step, members) in (steps.first..).zip(members.chunks_exact_mut(steps.size)) {
            let (epoch, place) = (step / in_epoch, (step % in_epoch) as usize);
            if scratch.epoch != Some(epoch) {
                shuffle(steps, epoch, scratch);
            }
            members.copy_from_slice(&scratch.order[place * steps.size..][..steps.size]);
        }
    }

    fn batches(&self, size: usize) -> Batches {
        Batches::without_replacement(size)
    }
}

/// Draws the permutation of an epoch (Fisher and Yates).
fn shuffle(steps: &Steps<'_>, epoch: u64, scratch: &mut Scratch) {
    let Scratch { words, order, epoch: known, .. } = scratch;
    words.resize(steps.samples, 0);
    steps.draws.at_step(epoch).for_steps(1).bits(Purpose::EPOCH, words);
    order.clear();
    order.extend(0..steps.samples);
    for last in (1..steps.samples).rev() {
        order.swap(last, Draws::index(words[last], last + 1));
    }
    *known = Some(epoch);
}
