//! Forward and backward passes: predictions of a batch of samples, and the product `J(theta)' w` over it.

use crate::float::Float;
use crate::simd::Level;
use std::any::Any;

/// Buffers of a worker that keep their memory from step to step, with what a forward pass leaves for the backward pass.
#[derive(Debug, Default)]
pub struct Tape<F> {
    arrays: Vec<Vec<F>>,
    aside: Option<Box<dyn Any + Send>>,
}

impl<F: Float> Tape<F> {
    /// Buffers number `first` and later of the given lengths, as they were left; new ones hold zeros.
    pub fn arrays<const COUNT: usize>(&mut self, first: usize, lengths: [usize; COUNT]) -> [&mut [F]; COUNT] {
        if self.arrays.len() < first + COUNT {
            self.arrays.resize(first + COUNT, Vec::new());
        }
        let Some(buffers) = self.arrays[first..].first_chunk_mut::<COUNT>() else {
            unreachable!("there are as many as lengths")
        };
        let mut lengths = lengths.into_iter();
        buffers.each_mut().map(|buffer| {
            let length = lengths.next().unwrap_or_default();
            if buffer.len() < length {
                buffer.resize(length, F::default());
            }
            &mut buffer[..length]
        })
    }

    /// Stores a value that is not an array (for example device memory), replacing the previous one.
    pub fn put(&mut self, kept: impl Any + Send) {
        self.aside = Some(Box::new(kept));
    }

    /// Takes the stored value back, if it is of this type.
    pub fn take<T: Any>(&mut self) -> Option<T> {
        self.aside.take_if(|kept| kept.is::<T>())?.downcast().ok().map(|kept| *kept)
    }
}

/// The point and the samples of one forward and backward pass.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a, F> {
    /// The instruction set; results do not depend on it.
    pub level: Level,
    /// The parameters (p).
    pub theta: &'a [F],
    /// Any `m` samples (m x d), row major.
    pub inputs: &'a [F],
}

/// The passes of a model in one precision, written once for both: `impl<F: Float> Passes<F> for ..`.
///
/// Results must be the same bits on every [`Level`], and predictions for every split of the samples that leaves their
/// order.
pub trait Passes<F> {
    /// Predictions (m x c) of the samples.
    fn forward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, predictions: &mut [F]);

    /// The gradient `J(theta)' w` (p, overwritten) for weights `w` (m x c), after [`Passes::forward`] with the same pass
    /// and tape; it may be asked for several times.
    fn backward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, weights: &[F], gradient: &mut [F]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_aside_is_taken_back_once() {
        let mut tape = Tape::<f32>::default();
        assert_eq!(tape.take::<String>(), None);
        tape.put(1);
        tape.put("kept".to_owned());
        assert_eq!(tape.take::<i32>(), None);
        assert_eq!(tape.take::<String>().as_deref(), Some("kept"));
        assert_eq!(tape.take::<String>(), None);
    }
}
