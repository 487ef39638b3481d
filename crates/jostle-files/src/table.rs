//! The tidy table: named columns of equal length, as in `metrics.parquet`.

use super::StorageError;
use super::error::{Item, check_unique};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Whole numbers, 64 bits with sign.
    Integer,
    /// Real numbers, 64 bits; NaN and infinities are values like any other.
    Number,
    /// Texts.
    Text,
    /// True or false.
    Flag,
}

impl std::fmt::Display for ColumnType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Integer => "whole numbers",
            Self::Number => "numbers",
            Self::Text => "text",
            Self::Flag => "true or false",
        })
    }
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Real numbers.
    Number(Vec<f64>),
    /// Texts.
    Text(Vec<String>),
    /// True or false.
    Flag(Vec<bool>),
}

impl ColumnData {
    /// No values yet, of the given type.
    pub fn empty(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Integer => Self::Integer(Vec::new()),
            ColumnType::Number => Self::Number(Vec::new()),
            ColumnType::Text => Self::Text(Vec::new()),
            ColumnType::Flag => Self::Flag(Vec::new()),
        }
    }

    /// What the column holds.
    pub fn kind(&self) -> ColumnType {
        match self {
            Self::Integer(_) => ColumnType::Integer,
            Self::Number(_) => ColumnType::Number,
            Self::Text(_) => ColumnType::Text,
            Self::Flag(_) => ColumnType::Flag,
        }
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Integer(v) => v.len(),
            Self::Number(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Flag(v) => v.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends `rows` of a column of the same type.
    pub(super) fn extend(&mut self, other: &Self, rows: std::ops::Range<usize>) {
        match (self, other) {
            (Self::Integer(v), Self::Integer(w)) => v.extend_from_slice(&w[rows]),
            (Self::Number(v), Self::Number(w)) => v.extend_from_slice(&w[rows]),
            (Self::Text(v), Self::Text(w)) => v.extend_from_slice(&w[rows]),
            (Self::Flag(v), Self::Flag(w)) => v.extend_from_slice(&w[rows]),
            (into, from) => unreachable!("{from:?} appended to {into:?}: callers compare the types"),
        }
    }
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, unique in the table.
    pub name: String,
    /// Its values.
    pub data: ColumnData,
}

impl Column {
    /// A column of values.
    pub fn new(name: impl Into<String>, data: ColumnData) -> Self {
        Self { name: name.into(), data }
    }
}

/// The names and types of the columns of a table, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema(Vec<(String, ColumnType)>);

impl Schema {
    /// A schema of columns with unique names.
    ///
    /// # Errors
    /// Two columns share a name.
    pub fn new(columns: Vec<(String, ColumnType)>) -> Result<Self, StorageError> {
        check_unique(Item::Column, columns.iter().map(|(name, _)| name.as_str()))?;
        Ok(Self(columns))
    }

    /// The names and types.
    pub fn columns(&self) -> &[(String, ColumnType)] {
        &self.0
    }

    /// Checks that `table` has exactly these columns in this order.
    pub(super) fn check(&self, table: &Table) -> Result<(), StorageError> {
        for ((name, kind), column) in self.0.iter().zip(&table.columns) {
            if *name != column.name {
                return Err(StorageError::missing(Item::Column, name, table.names()));
            }
            if *kind != column.data.kind() {
                return Err(wrong_type(column, &kind.to_string()));
            }
        }
        if self.0.len() != table.columns.len() {
            let found = format!("the table has {} columns", table.columns.len());
            return Err(StorageError::Lengths { found, expected: format!("{} are declared", self.0.len()) });
        }
        Ok(())
    }
}

/// Columns of equal length with unique names.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
}

impl Table {
    /// A table of these columns, in this order.
    ///
    /// # Errors
    /// Two columns share a name, or differ in length.
    pub fn new(columns: Vec<Column>) -> Result<Self, StorageError> {
        check_unique(Item::Column, columns.iter().map(|column| column.name.as_str()))?;
        if let Some(first) = columns.first()
            && let Some(other) = columns.iter().find(|column| column.data.len() != first.data.len())
        {
            return Err(StorageError::Lengths {
                found: format!("column {:?} has {} values", other.name, other.data.len()),
                expected: format!("column {:?} has {}", first.name, first.data.len()),
            });
        }
        Ok(Self { columns })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.data.len())
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns, to be taken apart.
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The names and types of the columns.
    pub fn schema(&self) -> Schema {
        Schema(self.columns.iter().map(|column| (column.name.clone(), column.data.kind())).collect())
    }

    /// The column with this name.
    ///
    /// # Errors
    /// There is none; the message has the nearest name.
    pub fn column(&self, name: &str) -> Result<&Column, StorageError> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| StorageError::missing(Item::Column, name, self.names()))
    }

    /// A column of whole numbers.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn integers(&self, name: &str) -> Result<&[i64], StorageError> {
        match self.column(name)? {
            Column { data: ColumnData::Integer(values), .. } => Ok(values),
            column => Err(wrong_type(column, "whole numbers")),
        }
    }

    /// A column of real numbers; whole ones are converted (above 2^53 to the nearest `f64`).
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn numbers(&self, name: &str) -> Result<std::borrow::Cow<'_, [f64]>, StorageError> {
        match self.column(name)? {
            Column { data: ColumnData::Number(values), .. } => Ok(values.into()),
            Column { data: ColumnData::Integer(values), .. } => {
                Ok(values.iter().map(|v| *v as f64).collect::<Vec<_>>().into())
            }
            column => Err(wrong_type(column, "numbers")),
        }
    }

    /// A column of texts.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn texts(&self, name: &str) -> Result<&[String], StorageError> {
        match self.column(name)? {
            Column { data: ColumnData::Text(values), .. } => Ok(values),
            column => Err(wrong_type(column, "text")),
        }
    }

    /// A column of flags.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn flags(&self, name: &str) -> Result<&[bool], StorageError> {
        match self.column(name)? {
            Column { data: ColumnData::Flag(values), .. } => Ok(values),
            column => Err(wrong_type(column, "true or false")),
        }
    }
}

pub(super) fn wrong_type(column: &Column, expected: &str) -> StorageError {
    StorageError::WrongType {
        item: Item::Column,
        name: column.name.clone(),
        found: column.data.kind().to_string(),
        expected: expected.to_string(),
    }
}
