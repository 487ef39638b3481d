//! One step, as a noise sees it, and the buffers that it may use.

use crate::float::Float;
use crate::random::{Draws, Purpose};

/// One step of a block of replicas, as a noise sees it; or several steps side by side, for a noise that does not read
/// the residuals.
///
/// Arrays hold the replicas side by side: entry `k` of lane `l` is stored at `k * lanes + l`.
pub struct Step<'a, F> {
    /// The random numbers of this step, to be drawn for [`Step::stream`].
    pub draws: Draws<'a>,
    /// Number of samples in this step's batch: `n` for the full batch.
    pub batch: usize,
    /// Outputs `c` of one sample.
    pub outputs: usize,
    /// Residuals `f_i - y_i` of the batch (batch c x lanes), before any perturbation; empty for a noise that does not
    /// need [residuals](super::Needs::RESIDUALS).
    pub residuals: &'a [F],
    /// Labels of the batch (batch c x lanes), for a noise that needs a [network](super::Needs::NETWORK) only.
    pub labels: &'a [F],
    /// The loss factor `c`.
    pub loss_factor: f64,
    /// Position of the noise in the process.
    pub(crate) position: usize,
}

impl<F> Step<'_, F> {
    /// Random streams that a noise has of its own.
    pub const STREAMS: u16 = 4;

    /// Random stream number `channel` of this noise: no other noise of the process has it.
    ///
    /// # Panics
    /// If the channel is not below [`Step::STREAMS`].
    pub fn stream(&self, channel: u16) -> Purpose {
        assert!(channel < Self::STREAMS, "a noise has {} random streams", Self::STREAMS);
        Purpose::noise(self.position, channel)
    }

    /// The step as the noise at a position of the process sees it.
    pub(crate) fn at_position(&self, position: usize) -> Self {
        Self { position, ..*self }
    }
}

/// The products with the factors of the Jacobian `J = X diag(slope)` that a noise with a prescribed shape needs. They
/// exist for full batches of models with a [`Link`](crate::model::Link) only.
pub trait Products<F> {
    /// `X' w` (d x lanes) for `w` (n x lanes).
    fn pull(&self, weights: &[F], out: &mut [F]);
    /// `(X * X)' w` (d x lanes), with the squares of the entries of `X`.
    fn pull_squared(&self, weights: &[F], out: &mut [F]);
    /// The derivatives of every coefficient with respect to its parameters (p x lanes).
    fn slopes(&self, out: &mut [F]);
    /// Parameters `p`, and dimension `d`.
    fn shape(&self) -> (usize, usize);
}

/// Buffers that a noise may use within a step. They keep their memory from step to step.
#[derive(Debug, Default)]
pub struct Scratch<F> {
    words: Vec<u64>,
    numbers: [Vec<F>; 4],
    marks: Vec<bool>,
    chosen: Vec<usize>,
}

impl<F: Float> Scratch<F> {
    /// A buffer of random words of the given length, as it was left.
    pub fn words(&mut self, length: usize) -> &mut [u64] {
        self.buffers(length, []).0
    }

    /// Up to four buffers of numbers of the given lengths, as they were left.
    pub fn numbers<const COUNT: usize>(&mut self, lengths: [usize; COUNT]) -> [&mut [F]; COUNT] {
        self.buffers(0, lengths).1
    }

    /// A buffer of random words and up to four buffers of numbers of the given lengths, as they were left.
    pub fn buffers<const COUNT: usize>(
        &mut self,
        words: usize,
        lengths: [usize; COUNT],
    ) -> (&mut [u64], [&mut [F]; COUNT]) {
        const { assert!(COUNT <= 4, "there are four buffers of numbers") };
        let mut buffers = self.numbers.iter_mut();
        let numbers = lengths.map(|length| {
            let Some(buffer) = buffers.next() else { unreachable!("there are at least COUNT buffers") };
            grown(buffer, length)
        });
        (grown(&mut self.words, words), numbers)
    }

    /// Random words as they were left, and what [`Draws::subset`] needs to choose some samples by them.
    pub fn choice(&mut self, words: usize, chosen: usize) -> (&[u64], &mut [usize], &mut Vec<bool>) {
        (grown(&mut self.words, words), grown(&mut self.chosen, chosen), &mut self.marks)
    }
}

fn grown<T: Copy + Default>(buffer: &mut Vec<T>, length: usize) -> &mut [T] {
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
    &mut buffer[..length]
}
