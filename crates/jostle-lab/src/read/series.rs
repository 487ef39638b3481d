//! What figures draw of a run: medians and quantiles over replicas.

use super::Run;
use jostle::statistics::quantile;
use jostle_files::StorageError;
use jostle_report::{BandPoint, Estimate, Recovered, Series};

/// The quantiles between which bands and whiskers reach.
pub const BAND: (f64, f64) = (0.1, 0.9);

/// The median of some replicas' values and the 10 % and 90 % quantiles, of the values that there are. A diverged replica
/// counts as infinite in losses, errors and norms, as it is recorded; counts and shares have no value there, and leave it
/// out. NaN where no replica has a value.
pub fn spread(values: &[f64]) -> Estimate {
    let values: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let at = |p| quantile(&values, p);
    Estimate { value: at(0.5), low: at(BAND.0), high: at(BAND.1) }
}

/// A quantity of a cell over the recorded steps.
///
/// # Errors
/// The quantity was not recorded.
pub fn over_steps(run: &Run, cell: usize, quantity: &str, name: &str) -> Result<Series, StorageError> {
    let paths = run.paths(cell, quantity)?;
    let predicted = run.predicted(cell).is_some();
    let points = run.steps(cell)?.into_iter().enumerate().filter_map(|(k, step)| {
        let values: Vec<f64> = paths.iter().map(|path| path[k]).collect();
        // A prediction ends where theory has no more to say; a replica that has no value there has diverged.
        if predicted && values.iter().any(|value| value.is_nan()) {
            return None;
        }
        let Estimate { value, low, high } = spread(&values);
        if value.is_nan() {
            return None;
        }
        Some(BandPoint { x: step as f64, mid: value, low, high })
    });
    Ok(Series { name: name.to_owned(), points: points.collect() })
}

/// The final coefficients of a cell, replica by replica summarised; diverged replicas are left out, and the name says
/// so.
///
/// # Errors
/// The coefficients cannot be read.
pub fn recovered(run: &Run, cell: usize, name: &str) -> Result<Recovered, StorageError> {
    let rows = run.final_rows(&format!("beta_{cell}"))?;
    let total = rows.len();
    let rows: Vec<_> = rows.into_iter().filter(|row| row.iter().all(|b| b.is_finite())).collect();
    let count = rows.first().map_or(0, Vec::len);
    let values = (0..count).map(|j| spread(&rows.iter().map(|row| row[j]).collect::<Vec<_>>())).collect();
    let name = match total - rows.len() {
        0 => name.to_owned(),
        lost => format!("{name}, {lost} of {total} diverged"),
    };
    let features = run.feature_names(cell)?.filter(|names| names.len() == count).unwrap_or_default();
    Ok(Recovered { name, values, features })
}

/// A point of a sweep: the spread of some replicas' values at `x`.
pub fn point(x: f64, values: &[f64]) -> BandPoint {
    let Estimate { value, low, high } = spread(values);
    BandPoint { x, mid: value, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_without_a_value_is_no_part_of_the_spread_and_an_infinite_one_is_the_largest() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let Estimate { value, low, high } = spread(&[nan, 0.25, 0.25, nan, 0.25]);
        assert_eq!((value, low, high), (0.25, 0.25, 0.25));
        assert_eq!(spread(&[inf, 1.0, 2.0]).value, 2.0);
        assert_eq!(spread(&[inf, 1.0, inf]).value, inf);
        assert!(spread(&[nan, nan]).value.is_nan());
    }
}
