//! One array inside an npz file: its header, checked before anything is allocated, and its elements.

use super::StorageError;
use super::error::{Item, show_shape};
use ndarray_npy::npy::header::{Header, Layout};
use ndarray_npy::{ReadDataError, ReadableElement};
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
}

impl ArrayHeader {
    pub(super) fn read(name: &str, reader: &mut impl Read) -> Result<Self, StorageError> {
        let bytes = header_bytes(reader).map_err(|e| damaged(name, &e))?;
        let header = Header::from_reader(&mut bytes.as_slice()).map_err(|e| damaged(name, &e))?;
        let descriptor = header.type_descriptor.as_string().cloned();
        let dtype = descriptor.map_or_else(
            || header.type_descriptor.to_string(),
            |text| text.trim_start_matches(['<', '>', '=', '|']).to_string(),
        );
        Ok(Self { header, dtype })
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// `f8 of shape (3, 4)`, for messages.
    pub(super) fn describe(&self) -> String {
        format!("{} of shape {}", self.dtype, show_shape(self.shape()))
    }

    /// The number of elements and their size in bytes, if the array can be: `stored` bytes are in the file.
    ///
    /// # Errors
    /// The element type is not a number, or the shape promises more than the file can hold or memory can.
    fn size(&self, name: &str, stored: u64) -> Result<(usize, usize), StorageError> {
        let bytes = match self.dtype.as_str() {
            "f8" | "i8" | "u8" => 8,
            "f4" | "i4" | "u4" => 4,
            "i2" | "u2" => 2,
            "i1" | "u1" | "b1" => 1,
            _ => return Err(self.wrong_type(name, "real numbers: float32, float64, integers or bool")),
        };
        let too_large =
            |limit| StorageError::TooLarge { name: name.to_string(), shape: show_shape(self.shape()), limit };
        // No compression of a zip file shrinks to less than a thousandth.
        let limit = stored.saturating_mul(1100).saturating_add(1 << 16);
        let count = self.shape().iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
        let count = count
            .filter(|count| count.checked_mul(bytes).is_some_and(|total| total as u64 <= limit))
            .ok_or_else(|| too_large("the file holds"))?;
        Vec::<f64>::new().try_reserve_exact(count).map_err(|_| too_large("fits into memory"))?;
        Ok((count, bytes))
    }

    /// Reads the elements that follow the header, in row-major order.
    pub(super) fn read_numbers(
        &self,
        name: &str,
        stored: u64,
        reader: impl Read,
    ) -> Result<Vec<f64>, StorageError> {
        let elements = Elements::new(self, name, stored, reader)?;
        let values = match self.dtype.as_str() {
            "f8" => elements.read::<f64>(),
            "f4" => elements.map::<f32, _>(f64::from),
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
        let elements = Elements::new(self, name, stored, reader)?;
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

    pub(super) fn wrong_type(&self, name: &str, expected: &str) -> StorageError {
        StorageError::WrongType {
            item: Item::Array,
            name: name.to_string(),
            found: self.describe(),
            expected: expected.to_string(),
        }
    }

    fn row_major<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        match (self.header.layout, self.shape()) {
            (Layout::Fortran, &[rows, columns]) => (0..rows)
                .flat_map(|i| (0..columns).map(move |j| (i, j)))
                .map(|(i, j)| values[i + j * rows])
                .collect(),
            _ => values,
        }
    }
}

/// The elements of an array that has passed its checks, not yet read.
struct Elements<'a, R> {
    header: &'a Header,
    count: usize,
    reader: io::Take<R>,
}

impl<'a, R: Read> Elements<'a, R> {
    fn new(array: &'a ArrayHeader, name: &str, stored: u64, reader: R) -> Result<Self, StorageError> {
        let (count, bytes) = array.size(name, stored)?;
        // One byte more than promised is enough to see that there are too many.
        Ok(Self { header: &array.header, count, reader: reader.take((count * bytes) as u64 + 1) })
    }

    fn read<T: ReadableElement>(self) -> Result<Vec<T>, ReadDataError> {
        T::read_to_end_exact_vec(self.reader, &self.header.type_descriptor, self.count)
    }

    fn map<T: ReadableElement, V>(self, convert: impl Fn(T) -> V) -> Result<Vec<V>, ReadDataError> {
        Ok(self.read::<T>()?.into_iter().map(convert).collect())
    }
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
