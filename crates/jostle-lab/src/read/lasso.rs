//! The predicted Lassos of a run: what a terminal is told of them, and their arrays.

use super::Run;
use super::series::spread;
use crate::record::LassoRecord;
use jostle_files::StorageError;
use jostle_report::number::compact;
use jostle_report::text::aligned;

/// Coefficients up to which a terminal is shown all of them.
const MOST_ROWS: usize = 20;
/// The largest coefficients that are named where there are more.
const LARGEST: usize = 5;
/// Cells that a terminal is told of.
const MOST_CELLS: usize = 8;

/// The `lambda_j` and the coefficients of a predicted Lasso.
pub(super) type LassoArrays = (Vec<f64>, Vec<f64>);

/// The coefficients that a terminal is shown of a predicted Lasso.
#[derive(Debug, Clone, Copy)]
pub struct ShownLasso<'a> {
    /// The `lambda_j` (d).
    pub lambda: &'a [f64],
    /// The coefficients (d).
    pub beta: &'a [f64],
    /// The coefficients that a run ended with (d).
    pub measured: Option<&'a [f64]>,
}

/// What a terminal is told of the predicted Lassos of some cells: of one cell also the coefficients, all of them or the
/// largest, beside what was `measured`.
pub fn lasso_lines(records: &[&LassoRecord], only: Option<ShownLasso<'_>>) -> Vec<String> {
    let mut lines = Vec::new();
    for (k, record) in records.iter().enumerate() {
        let cell = if records.len() > 1 { format!("Cell {k}: ") } else { String::new() };
        lines.extend(record.sentence().map(|sentence| format!("{cell}{sentence}")));
    }
    let more = lines.len().saturating_sub(MOST_CELLS);
    lines.truncate(MOST_CELLS);
    if more > 0 {
        lines.push(format!("and {more} more (--json has all)"));
    }
    if let ([LassoRecord::Known(_)], Some(shown)) = (records, only) {
        lines.extend(coefficient_lines(shown));
    }
    lines
}

fn coefficient_lines(ShownLasso { lambda, beta, measured }: ShownLasso<'_>) -> Vec<String> {
    if beta.len() > MOST_ROWS {
        let mut order: Vec<usize> = (0..beta.len()).filter(|j| beta[*j] != 0.0).collect();
        order.sort_by(|a, b| beta[*b].abs().total_cmp(&beta[*a].abs()));
        let named = order.iter().take(LARGEST).map(|j| format!("beta_{} = {}", j + 1, compact(beta[*j])));
        let named: Vec<String> = named.collect();
        return if named.is_empty() { Vec::new() } else { vec![format!("Largest: {}.", named.join(", "))] };
    }
    let head = ["j", "lambda_j", "Lasso"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    rows.extend((0..beta.len()).map(|j| vec![(j + 1).to_string(), compact(lambda[j]), compact(beta[j])]));
    if let Some(measured) = measured {
        rows[0].push("measured".to_owned());
        rows[1..].iter_mut().zip(measured).for_each(|(row, value)| row.push(compact(*value)));
    }
    aligned(&rows).lines().map(str::to_owned).collect()
}

/// The coefficients and the `lambda_j` of a run's cell, if its Lasso is known.
pub(super) fn arrays_of(run: &Run, cell: usize) -> Result<Option<LassoArrays>, StorageError> {
    let vector = |name: &str| run.final_vector(&format!("{name}_{cell}"));
    Ok(vector("lasso_lambda")?.zip(vector("lasso_beta")?))
}

/// The medians of the coefficients that a run's cell is compared with its Lasso by: of the time average, where there is
/// one.
pub(super) fn measured_of(run: &Run, cell: usize) -> Result<Vec<f64>, StorageError> {
    let rows = match run.final_rows(&format!("beta_mean_{cell}")) {
        Ok(rows) => rows,
        Err(_) => run.final_rows(&format!("beta_{cell}"))?,
    };
    let width = rows.first().map_or(0, Vec::len);
    Ok((0..width).map(|j| spread(&rows.iter().map(|row| row[j]).collect::<Vec<_>>()).value).collect())
}
