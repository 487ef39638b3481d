//! Training data in a CSV file with a header line.

use super::{DataSet, check_finite, find_target};
use crate::storage::StorageError;
use crate::storage::atomic::open;
use csv::{ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

pub(super) fn load(path: &Path, target: Option<&str>) -> Result<DataSet, StorageError> {
    let mut reader = reader(path)?;
    let names = header(&mut reader, path)?;
    let target = find_target(&names, target)?;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|e| error(&e, path))? {
        for (column, cell) in record.iter().enumerate() {
            let place = || format!("line {}, column {:?}", line(record.position(), path), names[column]);
            let value = cell
                .parse::<f64>()
                .map_err(|_| StorageError::NotANumber { place: place(), found: cell.to_string() })?;
            check_finite(value, place)?;
            if column == target { &mut y } else { &mut x }.push(value);
        }
    }
    if y.is_empty() {
        return Err(StorageError::Empty { what: "rows of data below its header line" });
    }
    let mut features = names;
    features.remove(target);
    let (samples, dim, feature_names) = (y.len(), features.len(), Some(features));
    Ok(DataSet { x, samples, dim, y, outputs: 1, truth: None, test: None, feature_names })
}

/// The bound on n: a cell takes at least two bytes, a digit and a comma or line end.
pub(super) fn size(path: &Path) -> Result<(usize, usize), StorageError> {
    let mut reader = reader(path)?;
    let columns = header(&mut reader, path)?.len();
    let file = reader.get_ref().metadata().map_err(StorageError::io("open the file"))?.len();
    let body = file.saturating_sub(reader.position().byte());
    Ok((body.div_ceil(2 * columns as u64) as usize, columns - 1))
}

fn reader(path: &Path) -> Result<Reader<File>, StorageError> {
    Ok(ReaderBuilder::new().trim(Trim::All).from_reader(open(path)?))
}

/// The names of the columns: at least one.
fn header(reader: &mut Reader<File>, path: &Path) -> Result<Vec<String>, StorageError> {
    let names: Vec<String> =
        reader.headers().map_err(|e| error(&e, path))?.iter().map(str::to_string).collect();
    if names.is_empty() {
        return Err(StorageError::Empty { what: "header line" });
    }
    Ok(names)
}

fn error(error: &csv::Error, path: &Path) -> StorageError {
    let line = line(error.position(), path);
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => StorageError::Lengths {
            found: format!("line {line} has {len} cells"),
            expected: format!("the header has {expected_len}"),
        },
        ErrorKind::Utf8 { .. } => StorageError::damaged("CSV")(&format!("line {line} is not UTF-8 text")),
        ErrorKind::Io(source) => {
            StorageError::io("read the file")(std::io::Error::new(source.kind(), source.to_string()))
        }
        _ => StorageError::damaged("CSV")(error),
    }
}

/// The line on which a record begins, counted from 1.
///
/// The decoder's own position is before the blank lines that it skips; they are counted here, once there is an error
/// to report.
fn line(position: Option<&Position>, path: &Path) -> u64 {
    let Some(position) = position else { return 0 };
    let Ok(mut file) = File::open(path) else { return position.line() };
    if file.seek(SeekFrom::Start(position.byte())).is_err() {
        return position.line();
    }
    let ends =
        BufReader::new(file).bytes().map_while(Result::ok).take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + ends.filter(|byte| *byte == b'\n').count() as u64
}
