//! Networks whose passes in float32 are carried out elsewhere. Everything else is the network's own.

use crate::network::FeedForward;
use jostle::geometry::{KernelCost, KernelRequest, KernelSource};
use jostle::model::{Model, Pass, Passes, Tape, Tensor};
use jostle::random::Draws;
use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;

/// Carries out the passes of a network in float32.
pub(super) trait Executor: Debug + Send + Sync {
    /// As [`Passes::forward`].
    fn forward(
        &self,
        network: &FeedForward,
        pass: Pass<'_, f32>,
        tape: &mut Tape<f32>,
        predictions: &mut [f32],
    );

    /// As [`Passes::backward`].
    fn backward(
        &self,
        network: &FeedForward,
        pass: Pass<'_, f32>,
        tape: &mut Tape<f32>,
        weights: &[f32],
        gradient: &mut [f32],
    );
}

/// A build without devices.
impl Executor for Infallible {
    fn forward(&self, _: &FeedForward, _: Pass<'_, f32>, _: &mut Tape<f32>, _: &mut [f32]) {
        match *self {}
    }

    fn backward(&self, _: &FeedForward, _: Pass<'_, f32>, _: &mut Tape<f32>, _: &[f32], _: &mut [f32]) {
        match *self {}
    }
}

/// A network and the executor of its passes in float32.
#[derive(Debug)]
struct Placed<E> {
    network: FeedForward,
    executor: E,
}

/// A network whose float32 passes run on the device.
pub(super) fn placed<E: Executor + Clone + 'static>(network: FeedForward, executor: &E) -> Arc<dyn Model> {
    Arc::new(Placed { network, executor: executor.clone() })
}

impl<E: Executor> Passes<f64> for Placed<E> {
    fn forward(&self, pass: Pass<'_, f64>, tape: &mut Tape<f64>, predictions: &mut [f64]) {
        self.network.forward(pass, tape, predictions);
    }

    fn backward(&self, pass: Pass<'_, f64>, tape: &mut Tape<f64>, weights: &[f64], gradient: &mut [f64]) {
        self.network.backward(pass, tape, weights, gradient);
    }
}

impl<E: Executor> Passes<f32> for Placed<E> {
    fn forward(&self, pass: Pass<'_, f32>, tape: &mut Tape<f32>, predictions: &mut [f32]) {
        self.executor.forward(&self.network, pass, tape, predictions);
    }

    fn backward(&self, pass: Pass<'_, f32>, tape: &mut Tape<f32>, weights: &[f32], gradient: &mut [f32]) {
        self.executor.backward(&self.network, pass, tape, weights, gradient);
    }
}

impl<E: Executor> Model for Placed<E> {
    fn dim(&self) -> usize {
        self.network.dim()
    }

    fn num_params(&self) -> usize {
        self.network.num_params()
    }

    fn outputs(&self) -> usize {
        self.network.outputs()
    }

    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        self.network.initial(draws)
    }

    fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>> {
        self.network.coefficients(theta)
    }

    fn work_per_sample(&self) -> f64 {
        self.network.work_per_sample()
    }

    fn tensors(&self) -> Vec<Tensor> {
        self.network.tensors()
    }

    fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
        self.network.kernel(request)
    }

    fn kernel_cost(&self, samples: usize) -> KernelCost {
        self.network.kernel_cost(samples)
    }
}
