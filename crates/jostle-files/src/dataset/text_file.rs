//! Text files of tables: unpacked where they end in `.gz`, and with lines of bounded length.

use crate::StorageError;
use crate::atomic::open;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// The longest line read, in bytes: a million columns of numbers have a third of it.
const LONGEST_LINE: u64 = 1 << 26;

/// The text of a file, from its beginning.
pub(super) fn text(path: &Path) -> Result<Lines, StorageError> {
    let file = BufReader::new(open(path)?);
    let source = if is_packed(path) {
        Source::Packed(Box::new(MultiGzDecoder::new(file)))
    } else {
        Source::Plain(file)
    };
    Ok(Lines { source, line: 1, length: 0 })
}

/// Whether the file is compressed with gzip.
pub(super) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

enum Source {
    Plain(BufReader<File>),
    Packed(Box<MultiGzDecoder<BufReader<File>>>),
}

/// A reader that refuses lines without an end, which would fill the memory.
pub(super) struct Lines {
    source: Source,
    line: u64,
    length: u64,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.source {
            Source::Plain(file) => file.read(buffer)?,
            Source::Packed(file) => file
                .read(buffer)
                .map_err(|error| io::Error::other(format!("it is not what gzip writes ({error})")))?,
        };
        for byte in &buffer[..count] {
            self.line += u64::from(*byte == b'\n');
            self.length = if matches!(byte, b'\n' | b'\r') { 0 } else { self.length + 1 };
        }
        if self.length > LONGEST_LINE {
            let line = self.line;
            return Err(io::Error::other(format!("line {line} is longer than {} MiB", LONGEST_LINE >> 20)));
        }
        Ok(count)
    }
}
