//! A table as a sequence of cells, whatever the format of its file.

use crate::StorageError;

/// One cell of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    /// A number, NaN and the infinities among them.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(&'a str),
    /// Nothing: what stands there, as in `is empty`.
    Missing(&'a str),
}

/// What is wanted of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing.
    Skip,
    /// Its values.
    Values,
    /// Its values as texts, though they are numbers or dates.
    Texts,
}

/// Where a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spot {
    /// Its row of data, from 0.
    pub(super) row: usize,
    /// In a text file, the line and the byte where its record begins, blank lines before it included.
    pub(super) line: u64,
    /// See there.
    pub(super) byte: u64,
}

/// Sees the cells of a table: where, which column, and what stands there.
pub(super) type Visit<'a> = dyn FnMut(Spot, usize, Cell<'_>) -> Result<(), StorageError> + 'a;

/// A table that can be read more than once, never held in memory.
pub(super) trait Cells {
    /// The names of the columns, in order.
    fn names(&self) -> &[String];

    /// The columns that the file itself calls a row index.
    fn index_columns(&self) -> &[String];

    /// What was chosen in reading, part of a sentence.
    fn remark(&self) -> Option<String>;

    /// Shows every cell of the columns that are wanted, those of a column in the order of the rows; the number of rows.
    fn visit(&self, wanted: &[Want], visit: &mut Visit<'_>) -> Result<usize, StorageError>;

    /// A place for a message: `line 3, column "age"`.
    fn place(&self, spot: Spot, column: usize) -> String;
}

/// Whether a text looks like a number, an amount or a date, so that it is more likely to be one that could not be read
/// than the name of a level.
pub(super) fn looks_like_a_number(text: &str) -> bool {
    let rest =
        text.trim_start_matches(['+', '-', '\u{2212}', '$', '\u{20ac}', '\u{a3}', '\u{a5}', '(', '\'', ' ']);
    let rest = rest.strip_prefix(['.', ',']).unwrap_or(rest);
    rest.starts_with(|c: char| c.is_ascii_digit())
}
