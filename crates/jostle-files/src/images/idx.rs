//! The IDX format of MNIST: a header of big-endian integers and one byte a value, plain or compressed with gzip.

use super::{Content, Part};
use crate::StorageError;
use flate2::bufread::MultiGzDecoder;
use jostle::problem::{ImageShape, Images};
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::Path;

const IMAGES: &str = "images-idx3-ubyte";
const LABELS: &str = "labels-idx1-ubyte";
/// The first four bytes: unsigned bytes in three dimensions, or in one.
const MAGIC_OF_IMAGES: u32 = 0x0803;
const MAGIC_OF_LABELS: u32 = 0x0801;

/// The header of a file of images.
#[derive(Debug, Clone, Copy)]
struct Header {
    count: usize,
    rows: usize,
    columns: usize,
}

impl Header {
    fn shape(self) -> ImageShape {
        ImageShape { channels: 1, height: self.rows, width: self.columns }
    }
}

/// The training and test files among the names in a folder: whatever has `images-idx3-ubyte` in its name, to test where
/// `t10k` or `test` stands before that, with the file of labels that is called alike.
pub(super) fn find(names: &[String], folder: &Path) -> Result<[Vec<Part>; 2], StorageError> {
    let mut parts = [Vec::new(), Vec::new()];
    let mut found: [Option<&String>; 2] = [None, None];
    for name in names {
        let Some(at) = dashed(name).find(IMAGES) else { continue };
        // A file that is there plain and compressed is one file.
        if name.strip_suffix(".gz").is_some_and(|plain| names.iter().any(|other| other == plain)) {
            continue;
        }
        let part = usize::from(["t10k", "test"].iter().any(|word| name[..at].contains(word)));
        if let Some(other) = found[part].replace(name) {
            let found = format!("has both {other} and {name}");
            return Err(StorageError::Lengths { found, expected: "one part is one file".to_owned() });
        }
        let file = |name: &String| Content::File(folder.join(name));
        parts[part].push(Part { images: file(name), labels: file(labels_of(name, names)?) });
    }
    Ok(parts)
}

/// Some copies of the files have a point before `idx`.
fn dashed(name: &str) -> String {
    name.replace(".idx", "-idx")
}

/// The name of the file with the labels of the images in the file `images`.
fn labels_of<'a>(images: &str, names: &'a [String]) -> Result<&'a String, StorageError> {
    let stem = |name: &str| dashed(name.strip_suffix(".gz").unwrap_or(name));
    let wanted = stem(images).replace(IMAGES, LABELS);
    names.iter().find(|name| stem(name) == wanted).ok_or_else(|| {
        let expected = format!("its labels, {wanted} or {wanted}.gz, are not");
        StorageError::Lengths { found: format!("{images} is there"), expected }
    })
}

/// The number and the shape of the images of a part, from their header.
pub(super) fn count(parts: &[Part]) -> Result<(usize, Option<ImageShape>), StorageError> {
    let Some(part) = parts.first() else { return Ok((0, None)) };
    let header = || read_header(&mut *unpacked(part.images.open()?)?);
    let header = header().map_err(|e| part.images.place(e))?;
    Ok((header.count, Some(header.shape())))
}

/// Reads the images of a part and their labels.
pub(super) fn read(parts: &[Part], classes: usize) -> Result<(Images, Option<ImageShape>), StorageError> {
    let Some(part) = parts.first() else { return Ok((Images::default(), None)) };
    let images = || read_images(part.images.open()?);
    let (header, pixels) = images().map_err(|e| part.images.place(e))?;
    let labels = || read_labels(part.labels.open()?, header.count, classes);
    let labels = labels().map_err(|e| part.labels.place(e))?;
    Ok((Images { pixels, labels }, Some(header.shape())))
}

fn read_images(file: impl BufRead) -> Result<(Header, Vec<u8>), StorageError> {
    let mut file = unpacked(file)?;
    let header = read_header(&mut *file)?;
    // The header has been checked: this is below 2^64.
    let pixels = body(&mut *file, header.count, header.rows as u64 * header.columns as u64, "image")?;
    Ok((header, pixels))
}

fn read_labels(file: impl BufRead, images: usize, classes: usize) -> Result<Vec<u8>, StorageError> {
    let mut file = unpacked(file)?;
    let [count] = integers(&mut *file, MAGIC_OF_LABELS, "labels")?;
    if count as usize != images {
        let found = format!("it holds {count} labels");
        return Err(StorageError::Lengths { found, expected: format!("there are {images} images") });
    }
    let labels = body(&mut *file, images, 1, "label")?;
    match labels.iter().position(|label| usize::from(*label) >= classes) {
        Some(k) => Err(damaged(&format!("label {k} is {}; expected at most {}", labels[k], classes - 1))),
        None => Ok(labels),
    }
}

fn read_header(file: &mut dyn Read) -> Result<Header, StorageError> {
    let sides = integers(file, MAGIC_OF_IMAGES, "images")?;
    let [count, rows, columns] = sides.map(|side| side as usize);
    let size = sides.iter().try_fold(1u64, |size, side| size.checked_mul(u64::from(*side)));
    if size.is_none_or(|size| size == 0 || usize::try_from(size).is_err()) {
        return Err(damaged(&format!("its header claims {count} images of {rows} x {columns} pixels")));
    }
    Ok(Header { count, rows, columns })
}

/// The magic number, which must be the expected one, and the sizes that follow it.
fn integers<const COUNT: usize>(
    file: &mut dyn Read,
    magic: u32,
    what: &str,
) -> Result<[u32; COUNT], StorageError> {
    let mut next = || {
        let mut bytes = [0; 4];
        file.read_exact(&mut bytes).map_err(|e| refused(&e, "its header"))?;
        Ok::<u32, StorageError>(u32::from_be_bytes(bytes))
    };
    let found = next()?;
    if found != magic {
        let reason = format!("it begins with {found:#010x}; expected {magic:#010x}, as files of {what} do");
        return Err(damaged(&reason));
    }
    let mut sides = [0; COUNT];
    for side in &mut sides {
        *side = next()?;
    }
    Ok(sides)
}

/// Everything after the header: `count` items of `size` bytes, and nothing more.
fn body(file: &mut dyn Read, count: usize, size: u64, item: &str) -> Result<Vec<u8>, StorageError> {
    let expected = count as u64 * size;
    let mut bytes = Vec::new();
    let read = file.take(expected.saturating_add(1)).read_to_end(&mut bytes);
    let whole = bytes.len() as u64 / size;
    read.map_err(|e| refused(&e, &format!("{item} {whole} of {count}")))?;
    match bytes.len() as u64 {
        length if length < expected => Err(damaged(&format!("it ends within {item} {whole} of {count}"))),
        length if length > expected => {
            Err(damaged(&format!("it goes on after the {count} {item}s that its header counts")))
        }
        _ => Ok(bytes),
    }
}

/// The bytes of a file that may be compressed.
fn unpacked<'a>(mut file: impl BufRead + 'a) -> Result<Box<dyn Read + 'a>, StorageError> {
    let start = file.fill_buf().map_err(StorageError::io("read the file"))?;
    let compressed = start.starts_with(&[0x1f, 0x8b]);
    Ok(if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

fn refused(error: &io::Error, place: &str) -> StorageError {
    match error.kind() {
        ErrorKind::UnexpectedEof => damaged(&format!("it ends within {place}")),
        _ => damaged(&format!("{error}, within {place}")),
    }
}

fn damaged(reason: &str) -> StorageError {
    StorageError::damaged("IDX")(&reason)
}
