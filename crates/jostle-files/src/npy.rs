//! One array inside an npz file: its header, checked before anything is allocated, and its elements.

use super::StorageError;
use super::error::Item;
use super::names::show_shape;
use half::{bf16, f16};
use ndarray_npy::npy::header::{Header, Layout};
use ndarray_npy::{ReadDataError, ReadableElement};
use std::cmp::Ordering;
use std::fmt::Display;
use std::io::{self, Read};

/// The longest header read, in bytes; those of numbers have about a hundred.
const LONGEST_HEADER: usize = 1 << 14;
/// The deepest brackets read; headers of numbers have `{(`, and the parser's time and stack grow with depth.
const DEEPEST_HEADER: usize = 4;

/// What an array is said to hold.
#[derive(Debug)]
pub(super) struct ArrayHeader {
    header: Header,
    /// The element type without its byte order, e.g. `f8`; anything that is not a plain type is shown in full.
    dtype: String,
    is_big_endian: bool,
}

impl ArrayHeader {
    pub(super) fn read(name: &str, reader: &mut impl Read) -> Result<Self, StorageError> {
        let bytes = header_bytes(reader).map_err(|e| damaged(name, &e))?;
        let header = Header::from_reader(&mut bytes.as_slice()).map_err(|e| damaged(name, &e))?;
        let descriptor = header.type_descriptor.as_string().cloned();
        let is_big_endian = descriptor.as_ref().is_some_and(|text| text.starts_with('>'));
        let dtype = descriptor.map_or_else(
            || header.type_descriptor.to_string(),
            |text| text.trim_start_matches(['<', '>', '=', '|']).to_string(),
        );
        Ok(Self { header, dtype, is_big_endian })
    }

    /// The characters of each of its elements, if they are texts (NumPy's `U`).
    pub(super) fn text_width(&self) -> Option<usize> {
        self.dtype.strip_prefix('U')?.parse().ok()
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// `f8 of shape (3, 4)`, for messages.
    pub(super) fn describe(&self) -> String {
        format!("{} of shape {}", self.dtype, show_shape(self.shape()))
    }

    /// The size in bytes of a number of this type.
    ///
    /// # Errors
    /// The element type is not a number.
    fn bytes_of_number(&self, name: &str) -> Result<usize, StorageError> {
        match self.dtype.as_str() {
            "f8" | "i8" | "u8" => Ok(8),
            "f4" | "i4" | "u4" => Ok(4),
            "f2" | "V2" | "i2" | "u2" => Ok(2),
            "i1" | "u1" | "b1" => Ok(1),
            _ => Err(self.wrong_type(name, "real numbers: floats of 16 to 64 bits, integers or bool")),
        }
    }

    /// The number of elements of so many bytes each, if the array can be: `stored` bytes are in the file.
    ///
    /// # Errors
    /// The shape promises more than the file can hold or memory can.
    fn count(&self, name: &str, stored: u64, bytes: usize) -> Result<usize, StorageError> {
        let too_large =
            |limit| StorageError::TooLarge { name: name.to_string(), shape: show_shape(self.shape()), limit };
        // No compression of a zip file shrinks to less than a thousandth.
        let limit = stored.saturating_mul(1100).saturating_add(1 << 16);
        let count = self.shape().iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
        let count = count
            .filter(|count| count.checked_mul(bytes).is_some_and(|total| total as u64 <= limit))
            .ok_or_else(|| too_large("the file holds"))?;
        Vec::<f64>::new().try_reserve_exact(count).map_err(|_| too_large("fits into memory"))?;
        Ok(count)
    }

    fn elements<R: Read>(
        &self,
        name: &str,
        stored: u64,
        bytes: usize,
        reader: R,
    ) -> Result<Elements<'_, R>, StorageError> {
        let count = self.count(name, stored, bytes)?;
        // One byte more than promised is enough to see that there are too many.
        let reader = reader.take((count * bytes) as u64 + 1);
        Ok(Elements { array: self, count, bytes, reader })
    }

    /// Reads the elements that follow the header, in row-major order.
    pub(super) fn read_numbers(
        &self,
        name: &str,
        stored: u64,
        reader: impl Read,
    ) -> Result<Vec<f64>, StorageError> {
        let elements = self.elements(name, stored, self.bytes_of_number(name)?, reader)?;
        let values = match self.dtype.as_str() {
            "f8" => elements.read::<f64>(),
            "f4" => elements.map::<f32, _>(f64::from),
            "f2" => elements.map_words(|word| f16::from_bits(word).to_f64()),
            // NumPy knows no bfloat16: ml_dtypes' has no kind of its own in a file, only its two bytes.
            "V2" => elements.map_words(|word| bf16::from_bits(word).to_f64()),
            "i8" => elements.map::<i64, _>(|v| v as f64),
            "i4" => elements.map::<i32, _>(f64::from),
            "i2" => elements.map::<i16, _>(f64::from),
            "i1" => elements.map::<i8, _>(f64::from),
            "u8" => elements.map::<u64, _>(|v| v as f64),
            "u4" => elements.map::<u32, _>(f64::from),
            "u2" => elements.map::<u16, _>(f64::from),
            "u1" => elements.map::<u8, _>(f64::from),
            _ => elements.map::<bool, _>(f64::from),
        };
        let values = values.map_err(|e| damaged(name, &e))?;
        Ok(self.row_major(values))
    }

    /// Reads the elements of an array of signed integers, in row-major order.
    pub(super) fn read_integers(
        &self,
        name: &str,
        stored: u64,
        reader: impl Read,
    ) -> Result<Vec<i64>, StorageError> {
        let elements = self.elements(name, stored, self.bytes_of_number(name)?, reader)?;
        let values = match self.dtype.as_str() {
            "i8" => elements.read::<i64>(),
            "i4" => elements.map::<i32, _>(i64::from),
            "i2" => elements.map::<i16, _>(i64::from),
            "i1" => elements.map::<i8, _>(i64::from),
            "u4" => elements.map::<u32, _>(i64::from),
            "u2" => elements.map::<u16, _>(i64::from),
            "u1" => elements.map::<u8, _>(i64::from),
            _ => return Err(self.wrong_type(name, "integers")),
        };
        let values = values.map_err(|e| damaged(name, &e))?;
        Ok(self.row_major(values))
    }

    /// Reads the texts of an array of one dimension: `width` characters of four bytes each, filled up with zeros.
    pub(super) fn read_texts(
        &self,
        name: &str,
        stored: u64,
        reader: impl Read,
    ) -> Result<Vec<String>, StorageError> {
        let (Some(width), [_]) = (self.text_width(), self.shape()) else {
            return Err(self.wrong_type(name, "texts (NumPy's str) in one dimension"));
        };
        let count = self.count(name, stored, width.saturating_mul(4))?;
        let elements = self.elements(name, stored, 4 * width, reader)?;
        let bytes = elements.raw().map_err(|e| damaged(name, &e))?;
        let order = if self.is_big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let codes: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|bytes| order(*bytes)).collect();
        let text = |codes: &[u32]| {
            let end = codes.iter().rposition(|code| *code != 0).map_or(0, |last| last + 1);
            codes[..end].iter().map(|code| char::from_u32(*code)).collect::<Option<String>>()
        };
        let texts = (0..count).map(|k| text(&codes[k * width..(k + 1) * width]));
        texts.collect::<Option<_>>().ok_or_else(|| damaged(name, &"it holds what is not a character"))
    }

    pub(super) fn wrong_type(&self, name: &str, expected: &str) -> StorageError {
        StorageError::WrongType {
            item: Item::Array,
            name: name.to_string(),
            found: self.describe(),
            expected: expected.to_string(),
        }
    }

    /// The values in row-major order, whatever the order of the file.
    fn row_major<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        let shape = self.shape();
        if self.header.layout != Layout::Fortran || shape.len() < 2 {
            return values;
        }
        // In Fortran's order the first index runs fastest.
        let strides: Vec<usize> = (0..shape.len()).map(|k| shape[..k].iter().product()).collect();
        let place = |at: usize| {
            let (mut rest, mut place) = (at, 0);
            for (side, stride) in shape.iter().zip(&strides).rev() {
                place += rest % side * stride;
                rest /= side;
            }
            place
        };
        (0..values.len()).map(|at| values[place(at)]).collect()
    }
}

/// The elements of an array that has passed its checks, not yet read.
struct Elements<'a, R> {
    array: &'a ArrayHeader,
    count: usize,
    /// Of one element.
    bytes: usize,
    reader: io::Take<R>,
}

impl<R: Read> Elements<'_, R> {
    fn read<T: ReadableElement>(self) -> Result<Vec<T>, ReadDataError> {
        T::read_to_end_exact_vec(self.reader, &self.array.header.type_descriptor, self.count)
    }

    fn map<T: ReadableElement, V>(self, convert: impl Fn(T) -> V) -> Result<Vec<V>, ReadDataError> {
        Ok(self.read::<T>()?.into_iter().map(convert).collect())
    }

    /// Elements of two bytes that only this file gives a meaning to.
    fn map_words<V>(self, convert: impl Fn(u16) -> V) -> Result<Vec<V>, ReadDataError> {
        let order = if self.array.is_big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        Ok(self.raw()?.as_chunks::<2>().0.iter().map(|bytes| convert(order(*bytes))).collect())
    }

    /// Exactly the bytes that were promised.
    fn raw(mut self) -> Result<Vec<u8>, ReadDataError> {
        let mut bytes = Vec::with_capacity(self.count * self.bytes);
        self.reader.read_to_end(&mut bytes).map_err(ReadDataError::Io)?;
        match bytes.len().cmp(&(self.count * self.bytes)) {
            Ordering::Less => Err(ReadDataError::MissingData),
            Ordering::Equal => Ok(bytes),
            Ordering::Greater => Err(ReadDataError::ExtraBytes(1)),
        }
    }
}

/// The bytes of an npy file of texts, of the width of the longest of them: what `numpy.save` writes.
pub(super) fn texts(values: &[String]) -> Vec<u8> {
    // NumPy gives an array of empty texts a width of one.
    let width = values.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let header = format!("{{'descr': '<U{width}', 'fortran_order': False, 'shape': ({},), }}", values.len());
    // Magic, version and the header's length take ten bytes; all of it with the line's end is a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(((header.len() + padding + 1) as u16).to_le_bytes());
    bytes.extend(header.bytes().chain(std::iter::repeat_n(b' ', padding)).chain([b'\n']));
    for text in values {
        let codes = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
        bytes.extend(codes.flat_map(u32::to_le_bytes));
    }
    bytes
}

/// The header of an array as bytes, refused where the general parser of Python literals would take too much time or
/// stack over it.
fn header_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 10];
    reader.read_exact(&mut bytes)?;
    let mut length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    if bytes[6] > 1 {
        bytes.resize(12, 0);
        reader.read_exact(&mut bytes[10..])?;
        length |= usize::from(u16::from_le_bytes([bytes[10], bytes[11]])) << 16;
    }
    if length > LONGEST_HEADER {
        return Err(io::Error::other(format!("its header has {length} bytes")));
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    reader.read_exact(&mut bytes[start..])?;
    let mut depth = 0_usize;
    for byte in &bytes[start..] {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\\' | b'+' => return Err(io::Error::other("its header is not that of an array of numbers")),
            _ => (),
        }
        if depth > DEEPEST_HEADER {
            return Err(io::Error::other("its header is not that of an array of numbers"));
        }
    }
    Ok(bytes)
}

fn damaged(name: &str, reason: &dyn Display) -> StorageError {
    StorageError::damaged("npz")(&format!("array {name:?}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_brackets_are_refused_before_they_are_parsed() {
        let text = "(".repeat(10_000);
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        let error = ArrayHeader::read("X", &mut bytes.as_slice()).unwrap_err();
        assert!(error.to_string().contains("not that of an array of numbers"), "{error}");
    }
}
