//! The sink in memory: metrics as Arrow record batches, and the final arrays.

use super::arrays::{Arrays, Finals, Whole};
use super::rows::Rows;
use super::sink::{InOrder, Job, Sink};
use crate::LabError;
use crate::plan::Plan;
use jostle::ensemble::UnitResult;
use jostle_files::{Array, RecordBatch, StorageError};

/// The results of a run without a folder.
pub struct Memory {
    rows: Rows,
    order: InOrder,
    finals: Finals,
    metrics: Vec<RecordBatch>,
    arrays: Named,
}

/// An array of final values or data.
#[derive(Debug, Clone, PartialEq)]
pub enum FinalArray {
    /// Numbers, of one side or two.
    Numbers(Array),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Memory {
    /// No results yet of a plan.
    pub fn new(plan: &Plan) -> Self {
        Self {
            rows: Rows::new(plan),
            order: InOrder::new(plan),
            finals: Finals::new(plan.cells()),
            metrics: Vec::new(),
            arrays: Named(Vec::new()),
        }
    }

    /// The rows of `metrics.parquet`, a batch for each cell, in the order of cells.
    pub fn metrics(&self) -> &[RecordBatch] {
        &self.metrics
    }

    /// The arrays of `final.npz` by their names, in the order of cells.
    pub fn arrays(&self) -> &[(String, FinalArray)] {
        &self.arrays.0
    }

    fn append_whole_cells(&mut self, job: Job<'_>) -> Result<(), LabError> {
        while let Some((k, result)) = self.order.next(job) {
            let whole = Whole::new(job, k, &result);
            let table = self.rows.table(k, whole.cell, &whole.checked.keys, &result)?;
            self.metrics.push(table.into_record_batch()?);
            self.finals.append(&mut self.arrays, k, &whole)?;
        }
        Ok(())
    }
}

impl Sink for Memory {
    fn begin(&mut self, job: Job<'_>) -> Result<(), LabError> {
        self.append_whole_cells(job)
    }

    fn finished(&mut self, job: Job<'_>, cell: usize, unit: UnitResult) -> Result<(), LabError> {
        self.order.add(cell, unit);
        self.append_whole_cells(job)
    }
}

struct Named(Vec<(String, FinalArray)>);

impl Named {
    fn numbers(&mut self, name: &str, shape: Vec<usize>, values: &[f64]) {
        let array = Array { shape, values: values.to_vec() };
        self.0.push((name.to_owned(), FinalArray::Numbers(array)));
    }
}

impl Arrays for Named {
    fn vector(&mut self, name: &str, values: &[f64]) -> Result<(), StorageError> {
        self.numbers(name, vec![values.len()], values);
        Ok(())
    }

    fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
        values: &[f64],
    ) -> Result<(), StorageError> {
        self.numbers(name, vec![rows, columns], values);
        Ok(())
    }

    fn integers(&mut self, name: &str, values: &[i64]) -> Result<(), StorageError> {
        self.0.push((name.to_owned(), FinalArray::Integers(values.to_vec())));
        Ok(())
    }

    fn texts(&mut self, name: &str, values: &[String]) -> Result<(), StorageError> {
        self.0.push((name.to_owned(), FinalArray::Texts(values.to_vec())));
        Ok(())
    }
}
