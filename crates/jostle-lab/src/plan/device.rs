//! Which device a cell asks for.

use crate::experiment::{CheckedCell, Experiment};
use jostle::setting::SettingError;
use jostle::{Device, InputError};
use jostle_nets::{DeviceError, OpenDevice};

/// How to get at a device: [`OpenDevice::open`], or the processor in the place of any other where no pass will be made.
pub(super) type Open = fn(Device) -> Result<OpenDevice, DeviceError>;

/// Writes out the device where a file leaves it to the program: a graphics processor, if there is one on which all the
/// cells that ask for that can be trained.
pub(super) fn choose(experiment: &mut Experiment) {
    let mut open = experiment.cells.iter().filter(|cell| cell.leaves_device_open()).peekable();
    if open.peek().is_none() {
        return;
    }
    let possible: &[Device] =
        if open.all(|cell| obstacle(cell).is_none()) { &[Device::Cuda, Device::Wgpu] } else { &[] };
    let found = possible.iter().copied().find(|device| OpenDevice::open(*device).is_ok());
    experiment.fill_device(found.unwrap_or_default());
}

/// The device of a cell; the processor where that is left open.
///
/// # Errors
/// A device that the cell's model or precision does not go with, or that is not there.
pub(super) fn device(checked: &CheckedCell, open: Open) -> Result<OpenDevice, InputError> {
    let device = Device::named(checked.ensemble.text("device")).unwrap_or_default();
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
