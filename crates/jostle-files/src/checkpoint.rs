//! Parameters of a network as named tensors in a safetensors file, in PyTorch's names and layout.

use super::{StorageError, write_atomically};
use half::{bf16, f16};
use jostle::Precision;
use jostle::model::Tensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

/// Writes the parameters (p) of a network, whose tensors stand one after the other, in the precision of its run.
///
/// # Errors
/// The file cannot be written.
pub fn write_checkpoint(
    path: &Path,
    tensors: &[Tensor],
    theta: &[f64],
    precision: Precision,
) -> Result<(), StorageError> {
    let dtype = match precision {
        Precision::F64 => Dtype::F64,
        Precision::F32 => Dtype::F32,
    };
    let mut from = 0;
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let numbers = &theta[from..from + tensor.numbers()];
        from += numbers.len();
        views.push((tensor, bytes(numbers, precision)));
    }
    let damaged = |error: safetensors::SafeTensorError| {
        StorageError::Damaged { format: "safetensors", reason: error.to_string() }.in_file(path)
    };
    let views: Result<Vec<_>, _> = views
        .iter()
        .map(|(tensor, bytes)| {
            Ok((tensor.name.as_str(), TensorView::new(dtype, tensor.shape.clone(), bytes)?))
        })
        .collect();
    let whole = views.and_then(|views| serialize(views, None)).map_err(damaged)?;
    write_atomically(path, |file| file.write_all(&whole))
}

fn bytes(numbers: &[f64], precision: Precision) -> Vec<u8> {
    match precision {
        Precision::F64 => numbers.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Precision::F32 => numbers.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect(),
    }
}

/// The parameters of a network as a file holds them.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The parameters (p).
    pub theta: Vec<f64>,
    /// What was done to the names of the tensors, where anything was.
    pub note: Option<String>,
}

/// Reads the parameters (p) of a network that has exactly these tensors, in any floating type. What PyTorch's wrappers put before
/// names, `module.` of `DataParallel` and `_orig_mod.` of `torch.compile`, is taken off.
///
/// # Errors
/// The file cannot be read, a tensor is missing, or has another shape or type, or is none of the network's.
pub fn read_checkpoint(path: &Path, tensors: &[Tensor]) -> Result<Checkpoint, StorageError> {
    let whole = std::fs::read(path)
        .map_err(|source| StorageError::Io { action: "read the file", source }.in_file(path))?;
    let damaged = |reason: String| StorageError::Damaged { format: "safetensors", reason }.in_file(path);
    let file = SafeTensors::deserialize(&whole).map_err(|error| damaged(error.to_string()))?;
    let mut present: Vec<String> = file.names().into_iter().map(ToString::to_string).collect();
    present.sort();
    let mut known: HashMap<String, &String> = HashMap::new();
    let mut unknown = Vec::new();
    for name in &present {
        let plain = without_wrappers(name);
        // A name that comes twice says the same thing twice, possibly not alike.
        if !tensors.iter().any(|tensor| tensor.name == plain) || known.contains_key(&plain) {
            unknown.push(name.clone());
        } else {
            known.insert(plain, name);
        }
    }
    let names = || tensors.iter().map(|tensor| tensor.name.clone());
    let missing: Vec<String> = names().filter(|name| !known.contains_key(name)).collect();
    if !(missing.is_empty() && unknown.is_empty()) {
        return Err(
            StorageError::OtherTensors { missing, unknown, expected: names().collect() }.in_file(path)
        );
    }
    let mut theta = Vec::new();
    for Tensor { name, shape } in tensors {
        let view = file.tensor(known[name]).map_err(|error| damaged(error.to_string()))?;
        let refused = |found: String| {
            let expected = format!("it has to be {shape:?} in a floating type of 16 to 64 bits");
            StorageError::Lengths { found, expected }.in_file(path)
        };
        if view.shape() != shape {
            return Err(refused(format!("{name} has shape {:?}", view.shape())));
        }
        match floats(view.dtype(), view.data()) {
            Some(numbers) => theta.extend(numbers),
            None => return Err(refused(format!("{name} is of type {:?}", view.dtype()))),
        }
    }
    let renamed = known.iter().find(|(plain, name)| plain != *name);
    let note = renamed.map(|(plain, name)| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let before = name.strip_suffix(plain.as_str());
        let what = before
            .map_or_else(|| format!("{name:?} is read as {plain:?}"), |b| format!("{b:?} is taken off"));
        format!("Names of tensors in {file}: {what}.")
    });
    Ok(Checkpoint { theta, note })
}

/// The names of the tensors in a file.
///
/// # Errors
/// The file cannot be read.
pub fn tensor_names(path: &Path) -> Result<Vec<String>, StorageError> {
    let whole = std::fs::read(path)
        .map_err(|source| StorageError::Io { action: "read the file", source }.in_file(path))?;
    match SafeTensors::deserialize(&whole) {
        Ok(file) => Ok(file.names().into_iter().map(ToString::to_string).collect()),
        Err(error) => {
            Err(StorageError::Damaged { format: "safetensors", reason: error.to_string() }.in_file(path))
        }
    }
}

/// The name of a tensor without what wrappers put before names, of the whole module or of a part.
fn without_wrappers(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let first = parts.iter().take_while(|part| ["module", "_orig_mod"].contains(part)).count();
    let kept: Vec<&str> = parts[first..].iter().copied().filter(|part| *part != "_orig_mod").collect();
    kept.join(".")
}

/// Numbers of a floating type.
fn floats(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f64>> {
    let of_16 = |number: fn(u16) -> f64| {
        bytes.as_chunks::<2>().0.iter().map(|bytes| number(u16::from_le_bytes(*bytes))).collect()
    };
    Some(match dtype {
        Dtype::F64 => bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
        Dtype::F32 => {
            bytes.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
        }
        Dtype::F16 => of_16(|bits| f16::from_bits(bits).to_f64()),
        Dtype::BF16 => of_16(|bits| bf16::from_bits(bits).to_f64()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors() -> Vec<Tensor> {
        let tensor = |name: &str, shape: &[usize]| Tensor { name: name.to_string(), shape: shape.to_vec() };
        vec![tensor("0.weight", &[2, 3]), tensor("0.bias", &[2])]
    }

    const THETA: [f64; 8] = [0.1, -2.0, 3.5, 1e-9, 5.0, 6.25, -0.5, 8.0];

    #[test]
    fn parameters_come_back_as_they_were_in_both_precisions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("point.safetensors");
        write_checkpoint(&path, &tensors(), &THETA, Precision::F64).unwrap();
        assert_eq!(read_checkpoint(&path, &tensors()).unwrap().theta, THETA);
        let first = std::fs::read(&path).unwrap();
        write_checkpoint(&path, &tensors(), &THETA, Precision::F64).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first, "the same bytes every time");
        write_checkpoint(&path, &tensors(), &THETA, Precision::F32).unwrap();
        assert_eq!(read_checkpoint(&path, &tensors()).unwrap().theta, THETA.map(|t| f64::from(t as f32)));
    }

    fn written(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("point.safetensors");
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (*name, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap())
        });
        std::fs::write(&path, serialize(views, None).unwrap()).unwrap();
        (folder, path)
    }

    fn float32(numbers: &[f64]) -> Vec<u8> {
        bytes(numbers, Precision::F32)
    }

    #[test]
    fn what_wrappers_put_before_names_is_taken_off_and_said() {
        let (weight, bias) = (float32(&THETA[..6]), float32(&THETA[6..]));
        let read = |before: &str| {
            let names = ["0.weight", "0.bias"].map(|name| match before {
                "inside" => name.replacen('.', "._orig_mod.", 1),
                before => format!("{before}{name}"),
            });
            let (_folder, path) = written(&[
                (&names[0], Dtype::F32, &[2, 3], weight.clone()),
                (&names[1], Dtype::F32, &[2], bias.clone()),
            ]);
            let Checkpoint { theta, note } = read_checkpoint(&path, &tensors()).unwrap();
            assert_eq!(theta, THETA.map(|t| f64::from(t as f32)), "{before}");
            note
        };
        assert_eq!(read(""), None);
        for before in ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."] {
            let note = format!("Names of tensors in point.safetensors: {before:?} is taken off.");
            assert_eq!(read(before), Some(note));
        }
        assert!(read("inside").unwrap().contains(" is read as \"0."));

        let (_folder, path) = written(&[
            ("0.weight", Dtype::F32, &[2, 3], weight.clone()),
            ("module.0.weight", Dtype::F32, &[2, 3], weight),
            ("0.bias", Dtype::F32, &[2], bias),
        ]);
        let twice = read_checkpoint(&path, &tensors()).unwrap_err().to_string();
        assert!(twice.contains("it also holds \"module.0.weight\""), "{twice}");
    }

    #[test]
    fn numbers_of_sixteen_bits_are_read() {
        // 1, -2, 1/2, the largest, the smallest above zero, and zero.
        let half = [0x3c00_u16, 0xc000, 0x3800, 0x7bff, 0x0001, 0x0000];
        let brain = [0x3f80_u16, 0xc000];
        let bytes = |words: &[u16]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let (_folder, path) = written(&[
            ("0.weight", Dtype::F16, &[2, 3], bytes(&half)),
            ("0.bias", Dtype::BF16, &[2], bytes(&brain)),
        ]);
        let theta = read_checkpoint(&path, &tensors()).unwrap().theta;
        assert_eq!(theta, [1.0, -2.0, 0.5, 65504.0, 2f64.powi(-24), 0.0, 1.0, -2.0]);
        let (_folder, path) = written(&[
            ("0.weight", Dtype::I16, &[2, 3], bytes(&half)),
            ("0.bias", Dtype::BF16, &[2], bytes(&brain)),
        ]);
        let refused = read_checkpoint(&path, &tensors()).unwrap_err().to_string();
        assert!(refused.ends_with(
            "0.weight is of type I16, but it has to be [2, 3] in a floating type of 16 to 64 bits"
        ));
    }

    #[test]
    fn what_does_not_fit_the_network_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("point.safetensors");
        write_checkpoint(&path, &tensors(), &THETA, Precision::F64).unwrap();
        let of = |change: &dyn Fn(&mut Vec<Tensor>)| {
            let mut tensors = tensors();
            change(&mut tensors);
            read_checkpoint(&path, &tensors)
                .unwrap_err()
                .to_string()
                .replace(&path.display().to_string(), "FILE")
        };
        assert_eq!(
            of(&|tensors| tensors[1].name = "0.biases".to_string()),
            "FILE: does not hold the experiment's network: it lacks \"0.biases\", and also holds \"0.bias\"; expected the \
             tensors \"0.weight\", \"0.biases\" and no others"
        );
        assert_eq!(
            of(&|tensors| tensors.truncate(1)),
            "FILE: does not hold the experiment's network: it also holds \"0.bias\"; expected the tensors \"0.weight\" and no \
             others"
        );
        let more = |k: usize| Tensor { name: format!("{k}.weight"), shape: vec![1] };
        assert_eq!(
            of(&|tensors| tensors.extend((2..2000).map(more))),
            "FILE: does not hold the experiment's network: it lacks \"2.weight\", \"3.weight\", \"4.weight\", \"5.weight\", \
             \"6.weight\", \"7.weight\" and 1992 more; expected the tensors \"0.weight\", \"0.bias\", \"2.weight\", \"3.weight\", \
             \"4.weight\", \"5.weight\" and 1994 more and no others"
        );
        assert_eq!(
            of(&|tensors| tensors[0].shape = vec![3, 2]),
            "FILE: 0.weight has shape [2, 3], but it has to be [3, 2] in a floating type of 16 to 64 bits"
        );
        std::fs::write(&path, b"no tensors").unwrap();
        assert!(of(&|_| {}).starts_with("FILE: is not a readable safetensors file: "));
        std::fs::remove_file(&path).unwrap();
        assert!(of(&|_| {}).contains("cannot read the file"));
    }
}
