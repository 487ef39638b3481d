//! Devices: what they need to be there, and networks that are trained on them.

#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod passes;
mod placed;
#[cfg(all(test, feature = "wgpu"))]
mod tests;

use crate::network::FeedForward;
use jostle::Device;
use jostle::model::Model;
use placed::placed;
use std::fmt::Display;
use std::sync::Arc;

#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn_tensor::Device as Handle;
#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
use std::convert::Infallible as Handle;

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The feature was not chosen when jostle was built.
    #[error("this jostle was built without the feature {device:?}")]
    NotBuilt {
        /// The device, which is the feature's name.
        device: &'static str,
    },
    /// The machine has none, or its driver refused.
    #[error("this machine has no such device: {reason}")]
    Absent {
        /// What was looked for, or what the driver said.
        reason: String,
    },
}

/// A device that is there.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    device: Device,
    adapter: String,
    /// None where passes are those of the network itself.
    handle: Option<Handle>,
}

impl OpenDevice {
    /// Finds a device: the processor always, of graphics processors the one that the driver prefers.
    ///
    /// # Errors
    /// A device that this build or this machine does not have.
    pub fn open(device: Device) -> Result<Self, DeviceError> {
        match device {
            Device::Cpu => Ok(Self::cpu()),
            Device::Wgpu => wgpu(),
            Device::Cuda => cuda(),
        }
    }

    /// The processor.
    pub fn cpu() -> Self {
        Self { device: Device::Cpu, adapter: String::new(), handle: None }
    }

    /// Whether it is the processor.
    pub fn is_cpu(&self) -> bool {
        self.device == Device::Cpu
    }

    /// The network, trained on this device. Only passes in float32 are: recorded quantities, kernels and whatever else is
    /// asked of the model in float64 stay on the processor.
    pub fn place(&self, network: FeedForward) -> Arc<dyn Model> {
        match &self.handle {
            None => Arc::new(network),
            Some(handle) => placed(network, handle),
        }
    }

    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn of_handle(device: Device, handle: Handle) -> Self {
        let adapter = handle.identity().map_or_else(String::new, |identity| identity.name);
        Self { device, adapter, handle: Some(handle.autodiff()) }
    }
}

impl Display for OpenDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { device, adapter, .. } = self;
        if adapter.is_empty() { write!(f, "{device}") } else { write!(f, "{device}, {adapter}") }
    }
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<OpenDevice, DeviceError> {
    // A process can begin with it only once.
    static OPENED: std::sync::OnceLock<Result<OpenDevice, DeviceError>> = std::sync::OnceLock::new();
    let open = || {
        let handle = Handle::wgpu_options().init();
        let handle = handle.map_err(|error| DeviceError::Absent { reason: error.to_string() })?;
        Ok(OpenDevice::of_handle(Device::Wgpu, handle))
    };
    OPENED.get_or_init(open).clone()
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<OpenDevice, DeviceError> {
    Err(DeviceError::NotBuilt { device: "wgpu" })
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<OpenDevice, DeviceError> {
    // An index on a machine without a driver would end the process.
    let handle = Handle::enumerate(burn_tensor::DeviceType::Cuda).into_vec().into_iter().next();
    let reason = || "no driver of NVIDIA, or no card that it knows".to_owned();
    let handle = handle.ok_or_else(|| DeviceError::Absent { reason: reason() })?;
    Ok(OpenDevice::of_handle(Device::Cuda, handle))
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<OpenDevice, DeviceError> {
    Err(DeviceError::NotBuilt { device: "cuda" })
}
