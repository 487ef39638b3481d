//! Models that are neither linear in their parameters nor a reparametrised linear predictor: networks and products of
//! matrices. They are trained by passes forwards and backwards over the samples of a step.

use crate::float::Float;
use crate::geometry::{KernelCost, KernelRequest, KernelSource};
use crate::random::Draws;
use crate::simd::Level;
use std::any::Any;
use std::fmt::Debug;

/// What a pass forwards keeps for the pass backwards, and other buffers of a worker. Buffers keep their memory from
/// step to step.
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

    /// Puts aside what is no array, such as the memory of a device, in the place of what was there.
    pub fn put(&mut self, kept: impl Any + Send) {
        self.aside = Some(Box::new(kept));
    }

    /// Takes back what was put aside, if it is of this type.
    pub fn take<T: Any>(&mut self) -> Option<T> {
        self.aside.take_if(|kept| kept.is::<T>())?.downcast().ok().map(|kept| *kept)
    }
}

/// A part of a network's parameters, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The name, such as `0.weight`.
    pub name: String,
    /// The shape; the numbers are row major.
    pub shape: Vec<usize>,
}

impl Tensor {
    /// Numbers in it.
    pub fn numbers(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A model that is trained by passes forwards and backwards. Written once over both precisions.
///
/// Arrays are row major: `inputs` (m x d) are any `m` samples, `predictions` (m x c) have `c` outputs each. Results must
/// be the same bits on every [`Level`] and for every split of the samples that leaves their order.
pub trait Network: Debug + Send + Sync {
    /// Number of parameters `p`.
    fn num_params(&self) -> usize;

    /// Outputs `c` of one sample.
    fn outputs(&self) -> usize {
        1
    }

    /// A random start theta_0 (p): a pure function of the draws.
    fn initial(&self, draws: &Draws<'_>) -> Vec<f64>;

    /// Predictions (m x c) of `inputs` (m x d) at `theta` (p).
    fn forward<F: Float>(
        &self,
        level: Level,
        theta: &[F],
        inputs: &[F],
        tape: &mut Tape<F>,
        predictions: &mut [F],
    );

    /// The gradient `J(theta)' w` (p, overwritten) for weights `w` (m x c), after [`Network::forward`] with the same `theta`,
    /// `inputs` and `tape`; it may be asked for several times.
    fn backward<F: Float>(
        &self,
        level: Level,
        theta: &[F],
        inputs: &[F],
        tape: &mut Tape<F>,
        weights: &[F],
        gradient: &mut [F],
    );

    /// The coefficients `beta(theta)` (d) where the model is a linear predictor `f = X beta`, whatever its parameters are.
    fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>> {
        let _ = theta;
        None
    }

    /// Multiply-adds of both passes over one sample, for estimates of time.
    fn work_per_sample(&self) -> f64;

    /// The tensors that the parameters (p) are made of, one after the other; none where they have no names.
    fn tensors(&self) -> Vec<Tensor> {
        Vec::new()
    }

    /// The kernel that is asked for, where there is a cheaper way to it than by the Jacobian.
    fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
        let _ = request;
        None
    }

    /// What the kernel of so many samples costs, without its layers.
    fn kernel_cost(&self, samples: usize) -> KernelCost {
        KernelCost::of_jacobian(samples * self.outputs(), self.num_params())
    }
}

macro_rules! erased {
    ($($float:ty: $forward:ident, $backward:ident;)*) => {
        /// A [`Network`] of any kind.
        pub trait AnyNetwork: Debug + Send + Sync {
            /// See [`Network::num_params`].
            fn num_params(&self) -> usize;
            /// See [`Network::outputs`].
            fn outputs(&self) -> usize;
            /// See [`Network::initial`].
            fn initial(&self, draws: &Draws<'_>) -> Vec<f64>;
            /// See [`Network::coefficients`].
            fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>>;
            /// See [`Network::work_per_sample`].
            fn work_per_sample(&self) -> f64;
            /// See [`Network::tensors`].
            fn tensors(&self) -> Vec<Tensor>;
            /// See [`Network::kernel`].
            fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>>;
            /// See [`Network::kernel_cost`].
            fn kernel_cost(&self, samples: usize) -> KernelCost;
            $(
                /// See [`Network::forward`].
                fn $forward(
                    &self, level: Level, theta: &[$float], inputs: &[$float], tape: &mut Tape<$float>,
                    predictions: &mut [$float],
                );
                /// See [`Network::backward`].
                fn $backward(
                    &self, level: Level, theta: &[$float], inputs: &[$float], tape: &mut Tape<$float>,
                    weights: &[$float], gradient: &mut [$float],
                );
            )*
        }

        impl<N: Network> AnyNetwork for N {
            fn num_params(&self) -> usize {
                Network::num_params(self)
            }
            fn outputs(&self) -> usize {
                Network::outputs(self)
            }
            fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
                Network::initial(self, draws)
            }
            fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>> {
                Network::coefficients(self, theta)
            }
            fn work_per_sample(&self) -> f64 {
                Network::work_per_sample(self)
            }
            fn tensors(&self) -> Vec<Tensor> {
                Network::tensors(self)
            }
            fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
                Network::kernel(self, request)
            }
            fn kernel_cost(&self, samples: usize) -> KernelCost {
                Network::kernel_cost(self, samples)
            }
            $(
                fn $forward(
                    &self, level: Level, theta: &[$float], inputs: &[$float], tape: &mut Tape<$float>,
                    predictions: &mut [$float],
                ) {
                    Network::forward(self, level, theta, inputs, tape, predictions);
                }
                fn $backward(
                    &self, level: Level, theta: &[$float], inputs: &[$float], tape: &mut Tape<$float>,
                    weights: &[$float], gradient: &mut [$float],
                ) {
                    Network::backward(self, level, theta, inputs, tape, weights, gradient);
                }
            )*
        }

        $(
            impl Pass for $float {
                fn forward(
                    network: &dyn AnyNetwork, level: Level, theta: &[Self], inputs: &[Self], tape: &mut Tape<Self>,
                    predictions: &mut [Self],
                ) {
                    network.$forward(level, theta, inputs, tape, predictions);
                }
                fn backward(
                    network: &dyn AnyNetwork, level: Level, theta: &[Self], inputs: &[Self], tape: &mut Tape<Self>,
                    weights: &[Self], gradient: &mut [Self],
                ) {
                    network.$backward(level, theta, inputs, tape, weights, gradient);
                }
            }
        )*
    };
}

/// From a precision to the passes in it.
#[allow(unreachable_pub, reason = "the public trait Float stands on this, and nobody else can name it")]
pub trait Pass: Sized {
    /// See [`Network::forward`].
    fn forward(
        network: &dyn AnyNetwork,
        level: Level,
        theta: &[Self],
        inputs: &[Self],
        tape: &mut Tape<Self>,
        predictions: &mut [Self],
    );
    /// See [`Network::backward`].
    fn backward(
        network: &dyn AnyNetwork,
        level: Level,
        theta: &[Self],
        inputs: &[Self],
        tape: &mut Tape<Self>,
        weights: &[Self],
        gradient: &mut [Self],
    );
}

erased! {
    f64: forward_f64, backward_f64;
    f32: forward_f32, backward_f32;
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
