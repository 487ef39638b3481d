//! Tables as text: cells separated by commas, semicolons or tabs, with a header line.

use super::Reading;
use super::cells::{Cell, Cells, Spot, Visit, Want};
use super::text_file::{Lines, is_packed, text};
use crate::StorageError;
use csv::{ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// How much of a file is looked at to recognise what separates its cells.
const LOOKED_AT: u64 = 1 << 20;
/// How many records of it.
const RECORDS: usize = 20;

/// A table in a text file.
pub(super) struct CsvCells {
    path: PathBuf,
    delimiter: u8,
    is_decimal_comma: bool,
    names: Vec<String>,
}

impl CsvCells {
    /// Reads the header line.
    pub(super) fn open(path: &Path, reading: &Reading) -> Result<Self, StorageError> {
        let delimiter = match reading.delimiter {
            Some(delimiter) => delimiter,
            None => recognise(path, reading.is_decimal_comma)?,
        };
        let is_decimal_comma = reading.is_decimal_comma;
        let mut cells = Self { path: path.to_path_buf(), delimiter, is_decimal_comma, names: Vec::new() };
        let mut reader = cells.reader()?;
        let header = reader.headers().map_err(|e| cells.error(&e))?;
        let names: Vec<String> = header.iter().map(str::to_string).collect();
        if names.is_empty() {
            return Err(StorageError::Empty { what: "header line" });
        }
        cells.names = names;
        Ok(cells)
    }

    fn reader(&self) -> Result<Reader<Lines>, StorageError> {
        let mut builder = ReaderBuilder::new();
        Ok(builder.trim(Trim::All).delimiter(self.delimiter).from_reader(text(&self.path)?))
    }

    /// What a cell is.
    fn cell<'a>(&self, text: &'a str, want: Want) -> Cell<'a> {
        // What pandas and R write for a missing value; NaN is a number that is refused as such.
        match text {
            "" => return Cell::Missing("is empty"),
            "NA" | "N/A" | "n/a" | "#N/A" | "<NA>" => return Cell::Missing("is NA"),
            "NULL" | "null" | "None" => return Cell::Missing("is null"),
            text if want == Want::Texts => return Cell::Text(text),
            "true" | "True" | "TRUE" => return Cell::Flag(true),
            "false" | "False" | "FALSE" => return Cell::Flag(false),
            _ => (),
        }
        // With a decimal comma a point is no part of a number.
        let number = if self.is_decimal_comma {
            text.replace('.', "?").replace(',', ".").parse()
        } else {
            text.parse()
        };
        number.map_or(Cell::Text(text), Cell::Number)
    }

    fn error(&self, error: &csv::Error) -> StorageError {
        let line = || error.position().map_or(0, |position| self.line(&spot(Some(position), 0)));
        match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => StorageError::Lengths {
                found: format!("line {} has {len} cells", line()),
                expected: format!("the header has {expected_len}"),
            },
            ErrorKind::Utf8 { .. } => {
                StorageError::damaged("CSV")(&format!("line {} is not UTF-8 text", line()))
            }
            ErrorKind::Io(source) => {
                StorageError::io("read the file")(std::io::Error::new(source.kind(), source.to_string()))
            }
            _ => StorageError::damaged("CSV")(error),
        }
    }

    /// The line on which a record begins, counted from 1.
    ///
    /// The decoder's own position is before the blank lines that it skips; they are counted here, once there is a place
    /// to be named.
    fn line(&self, spot: &Spot) -> u64 {
        let Ok(mut file) = text(&self.path) else { return spot.line };
        if std::io::copy(&mut file.by_ref().take(spot.byte), &mut std::io::sink()).is_err() {
            return spot.line;
        }
        let bytes = BufReader::new(file).bytes().map_while(Result::ok);
        let ends = bytes.take_while(|byte| matches!(byte, b'\r' | b'\n'));
        spot.line + ends.filter(|byte| *byte == b'\n').count() as u64
    }
}

fn spot(position: Option<&Position>, row: usize) -> Spot {
    position.map_or(Spot { row, ..Spot::default() }, |position| Spot {
        row,
        line: position.line(),
        byte: position.byte(),
    })
}

impl Cells for CsvCells {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn index_columns(&self) -> &[String] {
        &[]
    }

    fn remark(&self) -> Option<String> {
        let name = match self.delimiter {
            b',' => return None,
            b';' => "semicolons".to_owned(),
            b'\t' => "tabs".to_owned(),
            other => format!("{:?}", char::from(other)),
        };
        Some(format!("cells separated by {name}"))
    }

    fn visit(&self, wanted: &[Want], visit: &mut Visit<'_>) -> Result<usize, StorageError> {
        let columns: Vec<usize> = (0..wanted.len()).filter(|at| wanted[*at] != Want::Skip).collect();
        let mut reader = self.reader()?;
        let mut record = StringRecord::new();
        let mut row = 0;
        while reader.read_record(&mut record).map_err(|e| self.error(&e))? {
            let spot = spot(record.position(), row);
            for column in &columns {
                visit(spot, *column, self.cell(&record[*column], wanted[*column]))?;
            }
            row += 1;
        }
        Ok(row)
    }

    fn place(&self, spot: Spot, column: usize) -> String {
        format!("line {}, column {:?}", self.line(&spot), self.names[column])
    }
}

/// What separates the cells of a file: of the comma, the semicolon and the tab the one by which the first records have
/// the most cells, and as many as the header.
fn recognise(path: &Path, is_decimal_comma: bool) -> Result<u8, StorageError> {
    let mut start = Vec::new();
    text(path)?.take(LOOKED_AT).read_to_end(&mut start).map_err(StorageError::io("read the file"))?;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(StorageError::damaged("CSV")(&"it is UTF-16 text; save it as UTF-8"));
    }
    if start.len() as u64 == LOOKED_AT
        && let Some(end) = start.iter().rposition(|byte| *byte == b'\n')
    {
        start.truncate(end + 1);
    }
    let plain = if is_packed(path) { path.with_extension("") } else { path.to_path_buf() };
    let is_tsv = plain.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
    let mut candidates = if is_decimal_comma { [b';', b'\t', b','] } else { [b',', b';', b'\t'] };
    candidates.sort_by_key(|delimiter| !(is_tsv && *delimiter == b'\t'));
    let mut best = (candidates[0], (false, 0));
    for delimiter in candidates {
        let lengths = lengths(&start, delimiter);
        let cells = lengths.first().copied().unwrap_or_default();
        let fits = (cells > 1 && lengths.iter().all(|length| *length == cells), cells);
        if fits > best.1 {
            best = (delimiter, fits);
        }
    }
    Ok(best.0)
}

/// How many cells the first records have.
fn lengths(text: &[u8], delimiter: u8) -> Vec<usize> {
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text);
    reader.byte_records().map_while(Result::ok).take(RECORDS).map(|record| record.len()).collect()
}
