//! Which device a cell asks for.

use crate::experiment::CheckedCell;
use jostle::setting::SettingError;
use jostle::{Device, InputError};
use jostle_nets::{DeviceError, OpenDevice};

/// How to get at a device: [`OpenDevice::open`], or the processor in the place of any other where no pass will be made.
pub(super) type Open = fn(Device) -> Result<OpenDevice, DeviceError>;

/// The device of a cell.
///
/// # Errors
/// A device that the cell's model or precision does not go with, or that is not there. Where the choice is left to the
/// program, neither is an error: the processor can do everything.
pub(super) fn device(checked: &CheckedCell, open: Open) -> Result<OpenDevice, InputError> {
    let Some(device) = Device::named(checked.ensemble.text("device")) else {
        let possible: &[Device] =
            if obstacle(checked).is_none() { &[Device::Cuda, Device::Wgpu] } else { &[] };
        let found = possible.iter().find_map(|device| open(*device).ok());
        return Ok(found.unwrap_or_else(OpenDevice::cpu));
    };
    let refuse = |problem: String| {
        let problem = format!("is \"{device}\"{problem}");
        Err(InputError::in_section("ensemble")(SettingError::new("device", problem)))
    };
    if let Some(problem) = obstacle(checked).filter(|_| device != Device::Cpu) {
        return refuse(problem);
    }
    open(device).or_else(|error| {
        let help = match &error {
            DeviceError::NotBuilt { device } => {
                format!("expected \"cpu\", or a jostle built by `cargo build --release --features {device}`")
            }
            DeviceError::Absent { .. } => "expected \"cpu\"".to_owned(),
        };
        refuse(format!(", but {error}; {help}"))
    })
}

/// Why a cell cannot be trained anywhere but on the processor.
fn obstacle(checked: &CheckedCell) -> Option<String> {
    let (kind, precision) = (checked.model.kind, checked.ensemble.text("precision"));
    if !jostle_nets::ENTRIES.iter().any(|entry| entry.kind == kind) {
        Some(format!("; expected \"cpu\" with model.kind = {kind:?}"))
    } else if precision != "f32" {
        Some(format!(", which needs precision = \"f32\"; found {precision:?}"))
    } else if checked.start.settings.flag("linearise") {
        Some("; expected \"cpu\" where the model is linearised".to_owned())
    } else {
        None
    }
}
