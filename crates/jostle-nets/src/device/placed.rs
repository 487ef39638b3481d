//! Networks whose passes in float32 are carried out elsewhere. Everything else is the network's own.

use crate::network::FeedForward;
use jostle::Level;
use jostle::geometry::{KernelCost, KernelRequest, KernelSource};
use jostle::model::{AnyNetwork, Network, Tape, Tensor};
use jostle::random::Draws;
use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;

/// What carries out passes.
pub(super) trait Passes: Debug + Send + Sync {
    /// As [`Network::forward`].
    fn forward(
        &self,
        network: &FeedForward,
        theta: &[f32],
        inputs: &[f32],
        tape: &mut Tape<f32>,
        predictions: &mut [f32],
    );

    /// As [`Network::backward`].
    fn backward(
        &self,
        network: &FeedForward,
        theta: &[f32],
        inputs: &[f32],
        tape: &mut Tape<f32>,
        weights: &[f32],
        gradient: &mut [f32],
    );
}

/// A build without devices.
impl Passes for Infallible {
    fn forward(&self, _: &FeedForward, _: &[f32], _: &[f32], _: &mut Tape<f32>, _: &mut [f32]) {
        match *self {}
    }

    fn backward(&self, _: &FeedForward, _: &[f32], _: &[f32], _: &mut Tape<f32>, _: &[f32], _: &mut [f32]) {
        match *self {}
    }
}

/// A network and what carries out its passes in float32.
#[derive(Debug)]
struct Placed<P> {
    network: FeedForward,
    passes: P,
}

/// A network with these passes in the place of its own in float32.
pub(super) fn placed<P: Passes + Clone + 'static>(network: FeedForward, passes: &P) -> Arc<dyn AnyNetwork> {
    Arc::new(Placed { network, passes: passes.clone() })
}

impl<P: Passes> AnyNetwork for Placed<P> {
    fn num_params(&self) -> usize {
        Network::num_params(&self.network)
    }

    fn outputs(&self) -> usize {
        Network::outputs(&self.network)
    }

    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        Network::initial(&self.network, draws)
    }

    fn coefficients(&self, theta: &[f64]) -> Option<Vec<f64>> {
        Network::coefficients(&self.network, theta)
    }

    fn work_per_sample(&self) -> f64 {
        Network::work_per_sample(&self.network)
    }

    fn tensors(&self) -> Vec<Tensor> {
        Network::tensors(&self.network)
    }

    fn kernel(&self, request: &KernelRequest<'_>) -> Option<Box<dyn KernelSource>> {
        Network::kernel(&self.network, request)
    }

    fn kernel_cost(&self, samples: usize) -> KernelCost {
        Network::kernel_cost(&self.network, samples)
    }

    fn forward_f64(
        &self,
        level: Level,
        theta: &[f64],
        inputs: &[f64],
        tape: &mut Tape<f64>,
        predictions: &mut [f64],
    ) {
        Network::forward(&self.network, level, theta, inputs, tape, predictions);
    }

    fn backward_f64(
        &self,
        level: Level,
        theta: &[f64],
        inputs: &[f64],
        tape: &mut Tape<f64>,
        weights: &[f64],
        gradient: &mut [f64],
    ) {
        Network::backward(&self.network, level, theta, inputs, tape, weights, gradient);
    }

    fn forward_f32(
        &self,
        _: Level,
        theta: &[f32],
        inputs: &[f32],
        tape: &mut Tape<f32>,
        predictions: &mut [f32],
    ) {
        self.passes.forward(&self.network, theta, inputs, tape, predictions);
    }

    fn backward_f32(
        &self,
        _: Level,
        theta: &[f32],
        inputs: &[f32],
        tape: &mut Tape<f32>,
        weights: &[f32],
        gradient: &mut [f32],
    ) {
        self.passes.backward(&self.network, theta, inputs, tape, weights, gradient);
    }
}
