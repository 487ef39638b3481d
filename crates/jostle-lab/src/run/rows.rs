//! The rows of `metrics.parquet`: a replica at a recorded step each.

use crate::experiment::GridValue;
use crate::plan::Plan;
use jostle::ensemble::{Ensemble, UnitResult};
use jostle_files::{Column, ColumnData, ColumnType, Schema, StorageError, Table};

/// Makes the rows of every cell of a plan, with the same columns for all.
pub(super) struct Rows {
    names: Vec<String>,
    key_types: Vec<ColumnType>,
    quantities: Vec<&'static str>,
}

impl Rows {
    /// Columns for the cells of a plan: the cell, the keys of the grid, replica, step, and every observable.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut quantities = Vec::new();
        for quantity in plan.cells().iter().flat_map(|cell| &cell.protocol().quantities) {
            if !quantities.contains(&quantity.name) {
                quantities.push(quantity.name);
            }
        }
        let checked = &plan.experiment().cells;
        let names: Vec<String> =
            checked.first().into_iter().flat_map(|cell| &cell.keys).map(|(name, _)| name.clone()).collect();
        let key_types =
            (0..names.len()).map(|k| common_type(checked.iter().map(|cell| &cell.keys[k].1))).collect();
        Self { names, key_types, quantities }
    }

    /// The names and types of the columns.
    pub(super) fn schema(&self) -> Result<Schema, StorageError> {
        let mut columns = vec![("cell".to_owned(), ColumnType::Integer)];
        columns.extend(self.names.iter().cloned().zip(self.key_types.iter().copied()));
        columns.push(("replica".to_owned(), ColumnType::Integer));
        columns.push(("step".to_owned(), ColumnType::Integer));
        columns.extend(self.quantities.iter().map(|name| ((*name).to_owned(), ColumnType::Number)));
        Schema::new(columns)
    }

    /// The rows of some replicas of cell number `k`.
    pub(super) fn table(
        &self,
        k: usize,
        cell: &Ensemble,
        keys: &[(String, GridValue)],
        result: &UnitResult,
    ) -> Result<Table, StorageError> {
        let steps = cell.protocol().recording.steps(cell.process().dynamics.steps());
        let rows = steps.len() * result.replicas.len();
        let mut columns = vec![Column::new("cell", ColumnData::Integer(vec![k as i64; rows]))];
        for ((name, value), kind) in keys.iter().zip(&self.key_types) {
            columns.push(Column::new(name.clone(), repeated(value, *kind, rows)));
        }
        let replicas =
            result.replicas.iter().flat_map(|r| std::iter::repeat_n(i64::from(r.replica), steps.len()));
        columns.push(Column::new("replica", ColumnData::Integer(replicas.collect())));
        let all_steps = result.replicas.iter().flat_map(|_| steps.iter().map(|step| *step as i64));
        columns.push(Column::new("step", ColumnData::Integer(all_steps.collect())));
        for name in &self.quantities {
            let count = cell.protocol().quantities.len();
            let values = match cell.protocol().quantities.iter().position(|quantity| quantity.name == *name) {
                Some(at) => result
                    .replicas
                    .iter()
                    .flat_map(|r| r.rows.iter().skip(at).step_by(count).copied())
                    .collect(),
                None => vec![f64::NAN; rows],
            };
            columns.push(Column::new(*name, ColumnData::Number(values)));
        }
        Table::new(columns)
    }
}

/// The column type that holds every value of a grid key.
fn common_type<'a>(values: impl Iterator<Item = &'a GridValue>) -> ColumnType {
    values.fold(ColumnType::Integer, |common, value| match (common, value) {
        (ColumnType::Text, _) | (_, GridValue::Text(_)) => ColumnType::Text,
        (ColumnType::Number, _) | (_, GridValue::Number(_)) => ColumnType::Number,
        _ => ColumnType::Integer,
    })
}

fn repeated(value: &GridValue, kind: ColumnType, rows: usize) -> ColumnData {
    match (kind, value) {
        (ColumnType::Integer, GridValue::Integer(v)) => ColumnData::Integer(vec![*v; rows]),
        (ColumnType::Number, GridValue::Integer(v)) => ColumnData::Number(vec![*v as f64; rows]),
        (ColumnType::Number, GridValue::Number(v)) => ColumnData::Number(vec![*v; rows]),
        (_, GridValue::Text(v)) => ColumnData::Text(vec![v.clone(); rows]),
        (_, GridValue::Integer(v)) => ColumnData::Text(vec![v.to_string(); rows]),
        (_, GridValue::Number(v)) => ColumnData::Text(vec![format!("{v:?}"); rows]),
    }
}
