//! Parameters of a network as named tensors in a safetensors file, in PyTorch's names and layout.

use super::{StorageError, write_atomically};
use jostle::Precision;
use jostle::model::Tensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
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

/// Reads the parameters (p) of a network with these tensors, in float64 or float32. Other tensors in the file are not
/// looked at.
///
/// # Errors
/// The file cannot be read, a tensor is missing, or has another shape or type.
pub fn read_checkpoint(path: &Path, tensors: &[Tensor]) -> Result<Vec<f64>, StorageError> {
    let whole = std::fs::read(path)
        .map_err(|source| StorageError::Io { action: "read the file", source }.in_file(path))?;
    let damaged = |reason: String| StorageError::Damaged { format: "safetensors", reason }.in_file(path);
    let file = SafeTensors::deserialize(&whole).map_err(|error| damaged(error.to_string()))?;
    let mut theta = Vec::new();
    for Tensor { name, shape } in tensors {
        let Ok(view) = file.tensor(name) else {
            let mut present: Vec<String> = file.names().into_iter().map(ToString::to_string).collect();
            present.sort();
            return Err(StorageError::MissingTensor { name: name.clone(), present }.in_file(path));
        };
        let expected = || format!("it has to be {shape:?} in float32 or float64");
        if view.shape() != shape {
            let found = format!("{name} has shape {:?}", view.shape());
            return Err(StorageError::Lengths { found, expected: expected() }.in_file(path));
        }
        match view.dtype() {
            Dtype::F64 => {
                theta.extend(view.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)));
            }
            Dtype::F32 => {
                let numbers = view.data().as_chunks::<4>().0.iter();
                theta.extend(numbers.map(|bytes| f64::from(f32::from_le_bytes(*bytes))));
            }
            other => {
                let found = format!("{name} is of type {other:?}");
                return Err(StorageError::Lengths { found, expected: expected() }.in_file(path));
            }
        }
    }
    Ok(theta)
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
        assert_eq!(read_checkpoint(&path, &tensors()).unwrap(), THETA);
        let first = std::fs::read(&path).unwrap();
        write_checkpoint(&path, &tensors(), &THETA, Precision::F64).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first, "the same bytes every time");
        write_checkpoint(&path, &tensors(), &THETA, Precision::F32).unwrap();
        assert_eq!(read_checkpoint(&path, &tensors()).unwrap(), THETA.map(|t| f64::from(t as f32)));
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
            "FILE: has no tensor \"0.biases\"; it holds \"0.bias\", \"0.weight\""
        );
        assert_eq!(
            of(&|tensors| tensors[0].shape = vec![3, 2]),
            "FILE: 0.weight has shape [2, 3], but it has to be [3, 2] in float32 or float64"
        );
        std::fs::write(&path, b"no tensors").unwrap();
        assert!(of(&|_| {}).starts_with("FILE: is not a readable safetensors file: "));
        std::fs::remove_file(&path).unwrap();
        assert!(of(&|_| {}).contains("cannot read the file"));
    }
}
