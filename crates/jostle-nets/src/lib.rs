//! Neural networks as models of jostle: fully connected ones, small convolutional ones, and VGG without batch norm.

mod activation;
mod affine;
mod device;
mod initial;
mod kernel;
mod kinds;
mod network;
mod patches;
mod pool;
mod product;
mod shape;

pub use activation::Activation;
pub use affine::Affine;
pub use device::{DeviceError, OpenDevice};
pub use initial::Initial;
pub use kernel::{LayerPlan, Method, NetworkKernel, Plan};
pub use kinds::{ENTRIES, build};
pub use network::{FeedForward, Layer};
pub use pool::Pool;
pub use shape::Shape;

#[allow(missing_docs)]
#[cfg(test)]
mod tests;
