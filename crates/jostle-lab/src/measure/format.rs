//! Files of other formats than those that are measured, known by their first bytes: what each is, and how to save it so.

use crate::LabError;
use jostle_files::{StorageError, tensor_names};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a file has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The arrays of a point.
    Arrays,
    /// Parameters of an experiment's model.
    Parameters,
}

impl Expected {
    /// What is read, and how to save it so.
    fn words(self) -> &'static str {
        match self {
            Self::Arrays => {
                "an npz file of residuals and jacobian (or kernel), as numpy.savez(\"point.npz\", residuals=r, jacobian=J) writes \
                 it from NumPy arrays"
            }
            Self::Parameters => {
                "a safetensors file, as safetensors.torch.save_file(module.state_dict(), \"point.safetensors\") writes it, or an npz \
                 file with the array theta_0"
            }
        }
    }
}

/// Refuses a file that is known to be of another format, and parameters where arrays are expected.
///
/// # Errors
/// What the file is, and what is read.
pub(super) fn check_format(path: &Path, expected: Expected) -> Result<(), LabError> {
    let refuse =
        |found| Err(StorageError::OtherFormat { found, expected: expected.words() }.in_file(path).into());
    let mut first = [0; 8];
    let length = File::open(path).and_then(|file| file.take(8).read(&mut first)).unwrap_or(0);
    match &first[..length] {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => refuse("one array, in NumPy's npy format"),
        [b'M', b'A', b'T', b'L', b'A', b'B', ..] => refuse("a MATLAB file, which scipy.io.loadmat reads"),
        [0x89, b'H', b'D', b'F', ..] => refuse("an HDF5 file, as MATLAB 7.3 and h5py write it"),
        [0x80, 2..=5, ..] => refuse("a pickle, as torch.save and pickle.dump write it"),
        [b'P', b'K', ..] if is_of_pytorch(path) => refuse("a file of torch.save"),
        [_, _, _, _, _, 0, 0, 0] if path.extension().is_some_and(|extension| extension == "safetensors") => {
            let names = tensor_names(path)?;
            match expected {
                Expected::Parameters => Ok(()),
                Expected::Arrays
                    if names.iter().any(|name| ["jacobian", "kernel", "residuals"].contains(&&**name)) =>
                {
                    refuse("a safetensors file of arrays")
                }
                Expected::Arrays => Err(LabError::NoExperiment { file: path.to_path_buf() }),
            }
        }
        _ => Ok(()),
    }
}

/// Whether a zip archive holds a pickle: what `torch.save` writes.
fn is_of_pytorch(path: &Path) -> bool {
    let archive = File::open(path).ok().and_then(|file| zip::ZipArchive::new(file).ok());
    archive.is_some_and(|archive| archive.file_names().any(|name| name.ends_with("data.pkl")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::write::SimpleFileOptions;

    #[test]
    fn what_torch_save_writes_is_told_from_an_npz_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("point");
        let write = |entry: &str| {
            let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
            zip.start_file(entry, SimpleFileOptions::default()).unwrap();
            zip.finish().unwrap();
        };
        write("point/data.pkl");
        let refused = check_format(&path, Expected::Parameters).unwrap_err().to_string();
        let name = path.display();
        assert_eq!(
            refused,
            format!(
                "{name}: is a file of torch.save; expected a safetensors file, as safetensors.torch.save_file(module.state_dict(), \
                 \"point.safetensors\") writes it, or an npz file with the array theta_0"
            )
        );
        write("jacobian.npy");
        check_format(&path, Expected::Arrays).unwrap();
        // A file that is not there is somebody else's message.
        check_format(&folder.path().join("none"), Expected::Arrays).unwrap();
    }
}
