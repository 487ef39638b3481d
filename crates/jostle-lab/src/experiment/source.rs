//! The text of an experiment as a tree of TOML values, each of which knows where it came from.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::error::{ExperimentError, bounded};
use super::schema::{names_a_setting, section};
use super::text::{brief, dotted};

/// A dotted path, segment by segment.
pub(super) type Keys = Vec<String>;

/// Line and column, counted from 1.
pub(super) type Position = (usize, usize);

/// Where a value came from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The file.
    File { key: Position, value: Position },
    /// An option of the command line, such as `--set noise.0.std`.
    Option(String),
    /// An entry of a table `[scale.NAME]`; `label` is `[scale.quick] "ensemble.replicas"`.
    Scale { label: String, at: Option<Position> },
    /// An item of the grid; `label` is `[grid] "noise.0.std"`, and `column` counts the keys of a linked entry.
    Grid { place: Arc<str>, label: Arc<str>, item: usize, column: Option<usize> },
}

impl Origin {
    /// Whether this value takes the place of the file's.
    pub(super) fn overrides(&self) -> bool {
        matches!(self, Origin::Option(_) | Origin::Scale { .. })
    }
}

/// Whether an error is about a key or about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    Key,
    Value,
}

/// An experiment before it is checked.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// What errors call the file.
    pub(super) name: String,
    /// The folder that paths are relative to.
    pub(super) base: PathBuf,
    /// The values.
    pub(super) tree: Table,
    /// Where every value came from.
    pub(super) origins: BTreeMap<Keys, Origin>,
}

impl Source {
    /// Reads the text of a file; `name` is what errors call it, and paths are relative to `base`.
    pub(super) fn parse(text: &str, name: &str, base: &Path) -> Result<Self, ExperimentError> {
        let lines = Lines::new(text);
        let table = DeTable::parse(text).map_err(|error| {
            let (line, column) = lines.position(error.span().map_or(text.len(), |span| span.start));
            ExperimentError::Syntax {
                place: format!("{name}:{line}:{column}"),
                message: bounded(&one_line(error.message()), 400),
            }
        })?;
        let mut source = Self::from_table(Table::new(), name, base);
        let mut reader = Reader { lines: &lines, name, origins: &mut source.origins };
        source.tree = reader.table(table.get_ref(), &mut Vec::new())?;
        Ok(source)
    }

    /// Takes over a table that no file is behind.
    pub(super) fn from_table(tree: Table, name: &str, base: &Path) -> Self {
        Self { name: name.to_string(), base: base.to_path_buf(), tree, origins: BTreeMap::new() }
    }

    /// The value at a path.
    pub(super) fn get(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.tree.get(first)?, |value, key| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            other => other.get(key),
        })
    }

    /// The table at a path, empty where nothing has been said.
    pub(super) fn entries(&self, path: &[String]) -> impl Iterator<Item = (&String, &Value)> {
        self.get(path).and_then(Value::as_table).into_iter().flatten()
    }

    /// Puts a value at a path, with the tables that lead there. An index of a list must be there or be the next one.
    pub(super) fn set(&mut self, path: &[String], value: Value, origin: &Origin) {
        self.forget(path);
        let mut root = Value::Table(std::mem::take(&mut self.tree));
        let mut slot = &mut root;
        for (depth, key) in path.iter().enumerate() {
            if !matches!(slot, Value::Table(_) | Value::Array(_)) {
                *slot = Value::Table(Table::new());
                self.origins.insert(path[..depth].to_vec(), origin.clone());
            }
            let list = depth == 0 && section(key).is_some_and(|section| section.is_list);
            let next = || if list { Value::Array(Vec::new()) } else { Value::Table(Table::new()) };
            slot = match slot {
                Value::Table(table) => table.entry(key.clone()).or_insert_with(next),
                Value::Array(items) => {
                    let index = key.parse().map_or(items.len(), |index: usize| index.min(items.len()));
                    if index == items.len() {
                        items.push(next());
                    }
                    &mut items[index]
                }
                _ => unreachable!("it has just been made a table"),
            };
            let reached = &path[..=depth];
            // A setting of which one part is set is as a whole what that made of it.
            if names_a_setting(reached) {
                self.origins.insert(reached.to_vec(), origin.clone());
            } else {
                self.origins.entry(reached.to_vec()).or_insert_with(|| origin.clone());
            }
        }
        *slot = value;
        if let Value::Table(tree) = root {
            self.tree = tree;
        }
    }

    /// Forgets where the value at `path`, and everything in it, came from.
    pub(super) fn forget(&mut self, path: &[String]) {
        let within = self.origins.range(path.to_vec()..).map(|(known, _)| known);
        let within: Vec<Keys> = within.take_while(|known| known.starts_with(path)).cloned().collect();
        for known in within {
            self.origins.remove(&known);
        }
    }

    /// Where the value at `path`, or the nearest table around it, came from; with the length of that path.
    pub(super) fn origin(&self, path: &[String]) -> Option<(usize, &Origin)> {
        (1..=path.len()).rev().find_map(|length| Some((length, self.origins.get(&path[..length])?)))
    }

    /// An error about the setting at `path`.
    pub(super) fn refuse(&self, path: &[String], spot: Spot, problem: impl Into<String>) -> ExperimentError {
        let (place, subject) = self.describe(path, spot);
        ExperimentError::setting(place, subject, problem)
    }

    /// An error about a value of the wrong type or out of range.
    pub(super) fn wrong_value(&self, path: &[String], value: &Value, expected: &str) -> ExperimentError {
        self.refuse(path, Spot::Value, format!("is {}; expected {expected}", brief(value)))
    }

    /// Where the setting at `path` was written, and how to call it. What was not written itself is placed where the
    /// nearest table around it was.
    pub(super) fn describe(&self, path: &[String], spot: Spot) -> (String, String) {
        let Some((length, origin)) = self.origin(path) else { return (self.name.clone(), subject(path)) };
        let rest = if length < path.len() { format!(".{}", dotted(&path[length..])) } else { String::new() };
        let exact = length == path.len();
        match origin {
            Origin::File { value, .. } if exact && spot == Spot::Value => {
                (self.place(Some(*value)), subject(path))
            }
            Origin::File { key, .. } => (self.place(Some(*key)), subject(path)),
            Origin::Option(option) => (option.clone(), subject(path)),
            Origin::Scale { label, at } => (self.place(*at), format!("{label}{rest}")),
            Origin::Grid { place, label, .. } if exact && spot == Spot::Key => {
                (place.to_string(), label.to_string())
            }
            Origin::Grid { place, label, item, column } => {
                let column = column.map(|k| format!("[{k}]")).unwrap_or_default();
                (place.to_string(), format!("{label}[{item}]{column}{rest}"))
            }
        }
    }

    /// `file:line:column`, or the file where there is no line.
    pub(super) fn place(&self, position: Option<Position>) -> String {
        match position {
            Some((line, column)) => format!("{}:{line}:{column}", self.name),
            None => self.name.clone(),
        }
    }
}

/// How errors call the setting at `path`; the entries of the grid and of scales are called by their whole key.
fn subject(path: &[String]) -> String {
    match path {
        [part, key, rest @ ..] if part == "grid" => {
            let rest = if rest.is_empty() { String::new() } else { format!("[{}]", rest.join("][")) };
            bounded(&format!("[grid] {key:?}{rest}"), LONGEST_NAME)
        }
        _ => bounded(&dotted(path), LONGEST_NAME),
    }
}

/// How long the name of a setting may be in a message.
const LONGEST_NAME: usize = 160;

/// Messages of the parser may hold line breaks from the text they quote.
pub(super) fn one_line(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Turns parsed values into plain ones and notes where each stood.
struct Reader<'a> {
    lines: &'a Lines<'a>,
    name: &'a str,
    origins: &'a mut BTreeMap<Keys, Origin>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &mut Keys) -> Result<Table, ExperimentError> {
        let mut out = Table::new();
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            let origin = Origin::File {
                key: self.lines.position(key.span().start),
                value: self.lines.position(value.span().start),
            };
            self.origins.insert(path.clone(), origin);
            out.insert(key.get_ref().to_string(), self.value(value, path)?);
            path.pop();
        }
        Ok(out)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, path: &mut Keys) -> Result<Value, ExperimentError> {
        let out_of_range = |expected: &str| {
            let (line, column) = self.lines.position(value.span().start);
            let problem = format!("is {}; expected {expected}", value_text(value.get_ref()));
            ExperimentError::setting(format!("{}:{line}:{column}", self.name), subject(path), problem)
        };
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(digits) => Value::Integer(
                i64::from_str_radix(digits.as_str(), digits.radix())
                    .map_err(|_| out_of_range("a whole number below 2^63"))?,
            ),
            DeValue::Float(digits) => {
                let number: f64 = digits.as_str().parse().unwrap_or(f64::NAN);
                if number.is_infinite() && !digits.as_str().contains("inf") {
                    return Err(out_of_range("a number below 1.8e308"));
                }
                Value::Float(number)
            }
            DeValue::Boolean(flag) => Value::Boolean(*flag),
            DeValue::Datetime(time) => Value::Datetime(*time),
            DeValue::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    let at = self.lines.position(item.span().start);
                    self.origins.insert(path.clone(), Origin::File { key: at, value: at });
                    out.push(self.value(item, path)?);
                    path.pop();
                }
                Value::Array(out)
            }
            DeValue::Table(table) => Value::Table(self.table(table, path)?),
        })
    }
}

fn value_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(digits) => digits.to_string(),
        DeValue::Float(digits) => digits.to_string(),
        _ => String::new(),
    }
}

/// A value given on the command line; what is not TOML is a text, so that shells need no nested quotes.
pub(super) fn parse_value(text: &str, place: &str, path: &[String]) -> Result<Value, ExperimentError> {
    let Ok(parsed) = DeValue::parse(text) else { return Ok(Value::String(text.to_string())) };
    let lines = Lines::new(text);
    let mut reader = Reader { lines: &lines, name: place, origins: &mut BTreeMap::new() };
    reader.value(&parsed, &mut path.to_vec()).map_err(|error| match error {
        ExperimentError::Setting { subject, problem, .. } => {
            ExperimentError::setting(place, subject, problem)
        }
        other => other,
    })
}

/// Finds the line and column of a byte.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The last byte that was looked for, and its position: most are further on in the same line.
    last: Cell<(usize, Position)>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts, last: Cell::new((0, (1, 1))) }
    }

    fn position(&self, byte: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= byte);
        let (from, column) = match self.last.get() {
            (from, (known, column)) if known == line && from <= byte => (from, column),
            _ => (self.starts[line - 1], 1),
        };
        let Some(before) = self.text.get(from..byte) else { return (line, 1) };
        let position = (line, column + before.chars().count());
        self.last.set((byte, position));
        position
    }
}
