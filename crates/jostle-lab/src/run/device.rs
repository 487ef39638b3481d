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
/// A device that the cell's model or precision does not go with, or that is not there.
pub(super) fn device(checked: &CheckedCell, open: Open) -> Result<OpenDevice, InputError> {
    let device = Device::named(checked.ensemble.text("device")).unwrap_or_default();
    let refuse = |problem: String| {
        let problem = format!("is \"{device}\"{problem}");
        Err(InputError::in_section("ensemble")(SettingError::new("device", problem)))
    };
    if device != Device::Cpu {
        let (kind, precision) = (checked.model.kind, checked.ensemble.text("precision"));
        if !jostle_nets::ENTRIES.iter().any(|entry| entry.kind == kind) {
            return refuse(format!("; expected \"cpu\" with model.kind = {kind:?}"));
        }
        if precision != "f32" {
            return refuse(format!(", which needs precision = \"f32\"; found {precision:?}"));
        }
        if checked.start.settings.flag("linearise") {
            return refuse("; expected \"cpu\" where the model is linearised".to_owned());
        }
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
