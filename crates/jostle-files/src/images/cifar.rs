//! The binary format of CIFAR-10 and CIFAR-100: records of one or two labels and 3,072 pixels, without a header.

use super::{Content, Part};
use crate::StorageError;
use crate::atomic::open;
use jostle::problem::{ImageShape, Images};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// How the files of one of the two are called, and what a record is.
#[derive(Debug)]
pub(super) struct Cifar {
    /// Its name in messages.
    pub(super) name: &'static str,
    /// What the names of the training files begin with.
    pub(super) train: &'static str,
    /// What the name of the test file begins with.
    pub(super) test: &'static str,
    /// Labels before the pixels, of which the last counts: CIFAR-100 has the coarse one before the fine one.
    pub(super) label_bytes: usize,
    /// The file of 100 names of classes.
    pub(super) class_names: Option<&'static str>,
}

impl Cifar {
    /// Bytes of a record.
    fn record(&self) -> usize {
        self.label_bytes + SHAPE.values()
    }
}

/// Red, green and blue, 32 x 32 pixels each.
pub(super) const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };

/// The training and test files among the names in a folder, in the order of their names.
pub(super) fn find(names: &[String], folder: &Path, format: &Cifar) -> [Vec<Part>; 2] {
    [format.train, format.test].map(|start| {
        let is_binary = |name: &str| Path::new(name).extension().is_some_and(|extension| extension == "bin");
        let named = names.iter().filter(|name| name.starts_with(start) && is_binary(name));
        let files = named.map(|name| Content::File(folder.join(name)));
        files.map(|file| Part { images: file.clone(), labels: file }).collect()
    })
}

/// The number and the shape of the images in files, from their lengths.
pub(super) fn count(parts: &[Part], format: &Cifar) -> Result<(usize, Option<ImageShape>), StorageError> {
    let mut count = 0;
    for part in parts {
        count += records(&part.images, format).map_err(|e| part.images.place(e))?;
    }
    Ok((count, (count > 0).then_some(SHAPE)))
}

/// Reads files one after the other.
pub(super) fn read(
    parts: &[Part],
    format: &Cifar,
    classes: usize,
) -> Result<(Images, Option<ImageShape>), StorageError> {
    let mut images = Images::default();
    for part in parts {
        append(&mut images, &part.images, format, classes).map_err(|e| part.images.place(e))?;
    }
    let shape = (!parts.is_empty()).then_some(SHAPE);
    Ok((images, shape))
}

/// The names of classes in a file with one a line; numbers where there is no such file.
pub(super) fn class_names(path: &Path) -> Result<Vec<String>, StorageError> {
    const CLASSES: usize = 100;
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok((0..CLASSES).map(|class| class.to_string()).collect());
        }
        Err(error) => return Err(StorageError::io("read the file")(error).in_file(path)),
    };
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.len() != CLASSES {
        let reason = format!("it has {} names of classes; expected {CLASSES}", names.len());
        return Err(StorageError::damaged("CIFAR-100")(&reason).in_file(path));
    }
    Ok(names)
}

fn records(file: &Content, format: &Cifar) -> Result<usize, StorageError> {
    let bytes = match file {
        Content::File(path) => open(path)?.metadata().map_err(StorageError::io("open the file"))?.len(),
        Content::Embedded(bytes) => bytes.len() as u64,
    };
    let record = format.record() as u64;
    match (bytes / record, bytes % record) {
        (0, 0) => Err(StorageError::Empty { what: "images" }),
        (count, 0) => Ok(count as usize),
        (whole, rest) => {
            let reason = format!("record {whole} has {rest} bytes; expected {record}");
            Err(StorageError::damaged(format.name)(&reason))
        }
    }
}

fn append(images: &mut Images, file: &Content, format: &Cifar, classes: usize) -> Result<(), StorageError> {
    let count = records(file, format)?;
    let mut bytes = Vec::with_capacity(count * format.record());
    file.open()?.read_to_end(&mut bytes).map_err(StorageError::io("read the file"))?;
    for (k, record) in bytes.chunks_exact(format.record()).enumerate() {
        let (labels, pixels) = record.split_at(format.label_bytes);
        let label = labels[format.label_bytes - 1];
        if usize::from(label) >= classes {
            let reason = format!("record {k} has the label {label}; expected at most {}", classes - 1);
            return Err(StorageError::damaged(format.name)(&reason));
        }
        images.labels.push(label);
        images.pixels.extend_from_slice(pixels);
    }
    Ok(())
}
