//! Passes of training on a device, as tensors of burn.
//!
//! Every layer is a convolution, a fully connected one of 1 x 1 patches: burn multiplies matrices by the tensor cores of a
//! card that has them, which keep 10 of the 23 bits of float32 (TF32), and convolutions it does not.

use crate::activation::Activation;
use crate::network::FeedForward;
use crate::pool::Pool;
use burn_tensor::activation::relu;
use burn_tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn_tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn_tensor::{Device, Tensor, TensorData, Transaction};
use jostle::Level;
use jostle::geometry::KernelSource;
use jostle::model::{AnyNetwork, Network, Tape, Tensor as Named};
use jostle::random::Draws;
use std::f64::consts::FRAC_1_SQRT_2;

/// A network whose passes in float32 are those of a device. Everything else is the network's own.
#[derive(Debug)]
pub(super) struct OnDevice {
    network: FeedForward,
    device: Device,
}

/// What a pass forwards leaves on the device.
struct Recorded {
    /// Weights (outputs x channels x rows x columns) and biases (outputs), layer by layer.
    params: Vec<(Tensor<4>, Tensor<1>)>,
    /// The outputs (m x c x 1 x 1).
    outputs: Tensor<4>,
}

impl OnDevice {
    pub(super) fn new(network: FeedForward, device: Device) -> Self {
        Self { network, device: device.autodiff() }
    }

    fn upload<const D: usize>(&self, values: &[f32], shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values.to_vec(), shape), &self.device)
    }

    fn record(&self, theta: &[f32], samples: &[f32]) -> Recorded {
        let input = self.network.input();
        let m = samples.len() / input.values();
        let mut values = self.upload(samples, [m, input.channels, input.height, input.width]);
        let mut params = Vec::new();
        for (layer, range) in self.network.layers().iter().zip(self.network.ranges()) {
            let affine = layer.affine;
            let (weights, biases) = theta[range].split_at(affine.num_weights());
            let side = if affine.is_convolution { 3 } else { 1 };
            let weights = self.upload(weights, [affine.outputs, affine.input.channels, side, side]);
            let biases = self.upload(biases, [affine.outputs]);
            let (weights, biases) = (weights.require_grad(), biases.require_grad());
            let options = ConvOptions::new([1, 1], [side / 2; 2], [1, 1], 1);
            values = conv2d(values, weights.clone(), Some(biases.clone()), options);
            values = pooled(layer.pool, activated(layer.activation, values));
            params.push((weights, biases));
        }
        Recorded { params, outputs: values }
    }
}

fn activated(activation: Activation, z: Tensor<4>) -> Tensor<4> {
    match activation {
        Activation::Identity => z,
        Activation::Relu => relu(z),
        Activation::Tanh => z.tanh(),
        // burn's own has the slope of the approximation by tanh.
        Activation::Gelu => z.clone() * ((z * FRAC_1_SQRT_2).erf() + 1.0) * 0.5,
    }
}

fn pooled(pool: Pool, values: Tensor<4>) -> Tensor<4> {
    match pool {
        Pool::Keep => values,
        Pool::Average(window) => avg_pool2d(values, AvgPoolOptions::new(window)),
        Pool::Maximum(window) => max_pool2d(values, MaxPoolOptions::new(window)),
    }
}

/// Copies what comes back from the device to where it belongs, one after the other.
fn download(parts: Vec<TensorData>, out: &mut [f32]) {
    let mut rest = out;
    for part in parts {
        let part = part.as_slice::<f32>().expect("what was float32 has stayed float32");
        let (to, behind) = rest.split_at_mut(part.len());
        to.copy_from_slice(part);
        rest = behind;
    }
}

impl AnyNetwork for OnDevice {
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

    fn tensors(&self) -> Vec<Named> {
        Network::tensors(&self.network)
    }

    fn kernel(&self, theta: &[f64], inputs: &[f64], residuals: &[f64]) -> Option<Box<dyn KernelSource>> {
        Network::kernel(&self.network, theta, inputs, residuals)
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
        let recorded = self.record(theta, inputs);
        download(vec![recorded.outputs.to_data()], predictions);
        // A device may take every number for finite, and its maximum of a window drops a NaN: that a replica has diverged
        // must not be lost there.
        if theta.iter().any(|t| !t.is_finite()) {
            predictions.fill(f32::NAN);
        }
        tape.put(recorded);
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
        // A pass backwards uses up what was recorded, so that another one has to record it again.
        let Recorded { params, outputs } = tape.take().unwrap_or_else(|| self.record(theta, inputs));
        let weights = self.upload(weights, outputs.dims());
        let gradients = (outputs * weights).sum().backward();
        let tracked = "every parameter is tracked";
        let parts = params.iter().fold(Transaction::default(), |parts, (weights, biases)| {
            let parts = parts.register(weights.grad(&gradients).expect(tracked));
            parts.register(biases.grad(&gradients).expect(tracked))
        });
        download(parts.execute(), gradient);
    }
}
