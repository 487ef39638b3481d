//! Where the passes of networks are computed.

use std::fmt::Display;

/// The name of a device. This crate computes on [`Device::Cpu`]; the others are networks that bring their own passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// The processor: the same bits everywhere.
    #[default]
    Cpu,
    /// A graphics processor, by Vulkan, Metal or DirectX 12.
    Wgpu,
    /// A graphics processor of NVIDIA, by CUDA.
    Cuda,
}

impl Device {
    /// What an experiment file may say: the names of devices, and `"auto"`, which leaves the choice to the program.
    pub const CHOICES: &'static [&'static str] = &["cpu", "wgpu", "cuda", "auto"];

    /// The device of a name; `"auto"` is none.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "cpu" => Some(Self::Cpu),
            "wgpu" => Some(Self::Wgpu),
            "cuda" => Some(Self::Cuda),
            _ => None,
        }
    }
}

impl Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        })
    }
}
