//! Filling the arrays of training data with the cells of a table.

use super::cells::{Cell, Cells, Want};
use super::check_finite;
use super::classes::Key;
use super::roles::Role;
use crate::StorageError;
use crate::names::show_names;

/// Features, labels and weights, row by row.
pub(super) struct Arrays {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Arrays {
    /// Reads the columns of a table by their roles; `order` are the columns that are features.
    pub(super) fn read(
        cells: &dyn Cells,
        roles: &[Role],
        order: &[usize],
        rows: usize,
    ) -> Result<Self, StorageError> {
        let mut begins = vec![0; roles.len()];
        let mut dim = 0;
        for at in order {
            begins[*at] = dim;
            dim += roles[*at].width();
        }
        let wanted: Vec<Want> = roles.iter().map(Role::want).collect();
        let mut arrays = Self { x: vec![0.0; rows * dim], y: Vec::with_capacity(rows), weights: Vec::new() };
        let read = cells.visit(&wanted, &mut |spot, column, cell| {
            if spot.row >= rows {
                return Err(changed());
            }
            let place = || cells.place(spot, column);
            let first = spot.row * dim + begins[column];
            match &roles[column] {
                Role::Unused => (),
                Role::Labels => arrays.y.push(number(cell, place)?),
                Role::Weight => arrays.weights.push(number(cell, place)?),
                Role::Numbers => arrays.x[first] = number(cell, place)?,
                Role::Classes(classes) => classes.append(&key(cell, place)?, &mut arrays.y, place)?,
                Role::Levels { levels, dropped, .. } => {
                    let key = key(cell, place)?;
                    let Ok(level) = levels.binary_search(&key) else {
                        let known: Vec<String> = levels.iter().map(ToString::to_string).collect();
                        let problem = format!(
                            "is {:?}, a level that no training sample has; levels: {}",
                            key.to_string(),
                            show_names(&known)
                        );
                        return Err(StorageError::Cell { place: place(), problem });
                    };
                    if level >= usize::from(*dropped) {
                        arrays.x[first + level - usize::from(*dropped)] = 1.0;
                    }
                }
            }
            Ok(())
        })?;
        if read == rows { Ok(arrays) } else { Err(changed()) }
    }
}

fn changed() -> StorageError {
    StorageError::Lengths {
        found: "it has other rows than a moment ago".to_owned(),
        expected: "a file must not be written to while it is read".to_owned(),
    }
}

/// A cell as a number; true and false as 1 and 0.
fn number(cell: Cell<'_>, place: impl Fn() -> String) -> Result<f64, StorageError> {
    match cell {
        Cell::Number(value) => check_finite(value, place).map(|()| value),
        Cell::Flag(value) => Ok(f64::from(value)),
        Cell::Text(text) => {
            let hint = "expected a number, as in the training data".to_owned();
            Err(StorageError::NotANumber { place: place(), found: text.to_owned(), hint })
        }
        Cell::Missing(what) => Err(missing(what, place)),
    }
}

/// A cell as a class or a level.
fn key(cell: Cell<'_>, place: impl Fn() -> String) -> Result<Key, StorageError> {
    match cell {
        Cell::Number(value) => Ok(Key::number(value)),
        Cell::Flag(value) => Ok(Key::flag(value)),
        Cell::Text(text) => Ok(Key::Text(text.to_owned())),
        Cell::Missing(what) => Err(missing(what, place)),
    }
}

fn missing(what: &str, place: impl Fn() -> String) -> StorageError {
    StorageError::Missing { place: place(), found: what.to_owned(), column: None }
}
