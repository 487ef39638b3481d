//! Training data in a table: looked through once to know its columns, and read once to fill the arrays.

use super::cells::{Cells, Want};
use super::facts::Facts;
use super::fill::Arrays;
use super::roles::{Choice, Role, choose, role};
use super::{DataSet, DataSize, Format, Reading, csv, parquet};
use crate::StorageError;
use crate::error::{Item, check_unique};
use crate::names::show_names;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// A table that was looked through, and perhaps a second one with samples to test on.
pub(super) struct Table {
    cells: Box<dyn Cells>,
    roles: Vec<Role>,
    /// The columns that are features, in the order of the features.
    order: Vec<usize>,
    rows: usize,
    remarks: Vec<String>,
    target: String,
    test: Option<TestTable>,
}

struct TestTable {
    path: PathBuf,
    cells: Box<dyn Cells>,
    roles: Vec<Role>,
    order: Vec<usize>,
    rows: usize,
}

fn open(path: &Path, reading: &Reading) -> Result<Box<dyn Cells>, StorageError> {
    Ok(match Format::of(path)? {
        Format::Parquet => Box::new(parquet::ParquetCells::open(path)?),
        _ => Box::new(csv::CsvCells::open(path, reading)?),
    })
}

impl Table {
    /// Looks through the table at `path`.
    pub(super) fn open(path: &Path, reading: &Reading) -> Result<Self, StorageError> {
        let cells = open(path, reading)?;
        let (choices, mut order) = choose(&*cells, reading)?;
        let (mut facts, wanted): (Vec<Facts>, Vec<Want>) =
            choices.iter().map(|choice| choice.facts(reading)).unzip();
        let rows = cells.visit(&wanted, &mut |spot, column, cell| {
            facts[column].add(spot, cell);
            Ok(())
        })?;
        if rows == 0 {
            return Err(StorageError::Empty { what: "rows of data" });
        }
        let mut remarks: Vec<String> = cells.remark().into_iter().collect();
        let mut roles = Vec::with_capacity(choices.len());
        for (at, (choice, facts)) in choices.iter().zip(&facts).enumerate() {
            let (role, said) = role(&*cells, at, *choice, facts, rows, reading)?;
            roles.push(role);
            remarks.extend(said);
        }
        order.retain(|at| roles[*at].width() > 0);
        if order.is_empty() {
            return Err(StorageError::Empty { what: "features: no column besides the target" });
        }
        let target = choices.iter().position(|choice| *choice == Choice::Target);
        let target = target.map_or_else(String::new, |at| cells.names()[at].clone());
        remarks.extend(
            reading
                .sample_weight
                .as_ref()
                .map(|name| format!("weights {}", show_names(std::slice::from_ref(name)))),
        );
        let mut table = Self { cells, roles, order, rows, remarks, target, test: None };
        if let Some(test) = &reading.test_path {
            table.test = Some(table.open_test(test, reading).map_err(|e| e.in_file(test))?);
        }
        Ok(table)
    }

    /// Finds the columns of the training data in the table of samples to test on.
    fn open_test(&self, path: &Path, reading: &Reading) -> Result<TestTable, StorageError> {
        let cells = open(path, reading)?;
        let (known, names) = (self.cells.names(), cells.names());
        check_unique(Item::Column, names.iter().map(String::as_str))?;
        let known_names: HashSet<&String> = known.iter().collect();
        let at_names: HashMap<&String, usize> = names.iter().zip(0..).collect();
        let unknown = |name: &&String| {
            !known_names.contains(name) && !cells.index_columns().contains(name) && !name.is_empty()
        };
        if reading.columns.is_empty()
            && let Some(name) = names.iter().find(unknown)
        {
            let problem =
                "is not among the columns of the training data; leave it out of the file".to_owned();
            return Err(StorageError::Column { name: name.clone(), problem });
        }
        let mut roles = vec![Role::Unused; names.len()];
        let mut places = vec![0; known.len()];
        for (at, role) in self.roles.iter().enumerate() {
            if !matches!(role, Role::Unused | Role::Weight) {
                let place = at_names.get(&known[at]).copied();
                let missing = || StorageError::missing(Item::Column, &known[at], names.to_vec());
                places[at] = place.ok_or_else(missing)?;
                roles[places[at]] = role.clone();
            }
        }
        let order = self.order.iter().map(|at| places[*at]).collect();
        let rows = cells.visit(&vec![Want::Skip; names.len()], &mut |_, _, _| Ok(()))?;
        if rows == 0 {
            return Err(StorageError::Empty { what: "rows of data" });
        }
        Ok(TestTable { path: path.to_path_buf(), cells, roles, order, rows })
    }

    /// How large the data are.
    pub(super) fn size(&self) -> DataSize {
        let outputs = self.roles.iter().map(|role| match role {
            Role::Classes(classes) => classes.outputs(),
            _ => 1,
        });
        DataSize {
            samples: self.rows + self.test.as_ref().map_or(0, |test| test.rows),
            dim: self.order.iter().map(|at| self.roles[*at].width()).sum(),
            outputs: outputs.max().unwrap_or(1),
        }
    }

    /// Reads the data.
    pub(super) fn load(self) -> Result<DataSet, StorageError> {
        let DataSize { dim, outputs, .. } = self.size();
        let names = self.cells.names();
        let feature_names = self.order.iter().flat_map(|at| self.roles[*at].names(&names[*at])).collect();
        let train = Arrays::read(&*self.cells, &self.roles, &self.order, self.rows)?;
        let test = match &self.test {
            Some(test) => {
                let arrays = Arrays::read(&*test.cells, &test.roles, &test.order, test.rows);
                let arrays = arrays.map_err(|e| e.in_file(&test.path))?;
                Some((arrays.x, arrays.y))
            }
            None => None,
        };
        let mut remarks = vec![format!("labels {}", show_names(&[self.target]))];
        remarks.extend(self.remarks);
        Ok(DataSet {
            x: train.x,
            samples: self.rows,
            dim,
            y: train.y,
            outputs,
            truth: None,
            test,
            feature_names: Some(feature_names),
            weights: self.roles.contains(&Role::Weight).then_some(train.weights),
            remarks,
        })
    }
}
