//! Passes of training on a device, as tensors of burn.
//!
//! Every layer is a convolution, a fully connected one of 1 x 1 patches: burn multiplies matrices by the tensor cores of a
//! card that has them, which keep 10 of the 23 bits of float32 (TF32), and convolutions it does not.

use super::placed::Executor;
use crate::activation::Activation;
use crate::network::FeedForward;
use crate::pool::Pool;
use burn_tensor::activation::relu;
use burn_tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn_tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn_tensor::{Device, Tensor, TensorData, Transaction};
use jostle::model::{Pass, Tape};
use std::f64::consts::FRAC_1_SQRT_2;

/// What a pass forwards leaves on the device.
struct Recorded {
    /// Weights (outputs x channels x rows x columns) and biases (outputs), layer by layer.
    params: Vec<(Tensor<4>, Tensor<1>)>,
    /// The outputs (m x c x 1 x 1).
    outputs: Tensor<4>,
}

fn upload<const D: usize>(device: &Device, values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn record(device: &Device, network: &FeedForward, theta: &[f32], samples: &[f32]) -> Recorded {
    let input = network.input();
    let m = samples.len() / input.values();
    let mut values = upload(device, samples, [m, input.channels, input.height, input.width]);
    let mut params = Vec::new();
    for (layer, range) in network.layers().iter().zip(network.ranges()) {
        let affine = layer.affine;
        let (weights, biases) = theta[range].split_at(affine.num_weights());
        let side = if affine.is_convolution { 3 } else { 1 };
        let weights = upload(device, weights, [affine.outputs, affine.input.channels, side, side]);
        let biases = upload(device, biases, [affine.outputs]);
        let (weights, biases) = (weights.require_grad(), biases.require_grad());
        let options = ConvOptions::new([1, 1], [side / 2; 2], [1, 1], 1);
        values = conv2d(values, weights.clone(), Some(biases.clone()), options);
        values = pooled(layer.pool, activated(layer.activation, values));
        params.push((weights, biases));
    }
    Recorded { params, outputs: values }
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

impl Executor for Device {
    fn forward(
        &self,
        network: &FeedForward,
        Pass { theta, inputs, .. }: Pass<'_, f32>,
        tape: &mut Tape<f32>,
        predictions: &mut [f32],
    ) {
        let recorded = record(self, network, theta, inputs);
        download(vec![recorded.outputs.to_data()], predictions);
        // A device may take every number for finite, and its maximum of a window drops a NaN: that a replica has diverged
        // must not be lost there.
        if theta.iter().any(|t| !t.is_finite()) {
            predictions.fill(f32::NAN);
        }
        tape.put(recorded);
    }

    fn backward(
        &self,
        network: &FeedForward,
        Pass { theta, inputs, .. }: Pass<'_, f32>,
        tape: &mut Tape<f32>,
        weights: &[f32],
        gradient: &mut [f32],
    ) {
        // A pass backwards uses up what was recorded, so that another one has to record it again.
        let recorded = tape.take().unwrap_or_else(|| record(self, network, theta, inputs));
        let Recorded { params, outputs } = recorded;
        let weights = upload(self, weights, outputs.dims());
        let gradients = (outputs * weights).sum().backward();
        let tracked = "every parameter is tracked";
        let parts = params.iter().fold(Transaction::default(), |parts, (weights, biases)| {
            let parts = parts.register(weights.grad(&gradients).expect(tracked));
            parts.register(biases.grad(&gradients).expect(tracked))
        });
        download(parts.execute(), gradient);
    }
}
