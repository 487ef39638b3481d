//! What the threshold does not depend on, and what happens around it.

use super::super::claims::{Growth, growths, means_by};
use super::curve;
use crate::Runs;
use crate::drawing::Drawing;
use crate::judgement::Measured;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_lab::read::series::point;
use jostle_report::number::compact;
use jostle_report::{Axis, BandPoint, ReferenceLine, Series, sweep};

/// Threshold and gradient descent's limit against a key of the grid.
fn against(run: &Run, [key, what, id]: [&str; 3]) -> Result<Drawing, LabError> {
    let series_of = |quantity: &str, name: &str| -> Result<Series, LabError> {
        let points = means_by(run, key, quantity)?.iter().map(|(x, values)| point(*x, values)).collect();
        Ok(Series { name: name.to_owned(), points })
    };
    let series = [
        series_of("max_stable_learning_rate", "exact threshold, single samples")?,
        series_of("gd_limit", "2/lambda_max: gradient descent")?,
    ];
    let ends = |s: &Series| {
        format!("from {} to {}", compact(s.points[0].mid), compact(s.points[s.points.len() - 1].mid))
    };
    let seeds = means_by(run, key, "gd_limit")?[0].1.len();
    let see = format!(
        "tanh random features in dimension 10: over the {what} the threshold of single samples goes {}, the limit of \
         gradient descent {}. Medians over {seeds} seeds of data and features, whiskers from the 10 % to the 90 % quantile.",
        ends(&series[0]),
        ends(&series[1])
    );
    let spec = sweep(&series, &Axis::log(what), &Axis::log("step size"), &[]);
    let source = format!("{id}: metrics.parquet, columns max_stable_learning_rate and gd_limit");
    Ok(Drawing::new(see, &source, spec))
}

pub(super) fn width(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    against(runs.get("width"), ["model.width", "width", "width"])
}

pub(super) fn samples(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    against(runs.get("samples"), ["problem.samples", "number of samples", "samples"])
}

pub(super) fn growth(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("growth");
    let all = growths(run)?;
    let measured = |name: &str, of: fn(&Growth) -> Measured| {
        let point = |g: &Growth| {
            let Measured { value, low, high } = of(g);
            BandPoint { x: g.multiple, mid: value, low, high }
        };
        Series { name: name.to_owned(), points: all.iter().map(point).collect() }
    };
    let series = [
        curve("mean loss, predicted", all.iter().map(|g| (g.multiple, g.predicted))),
        measured("mean loss, measured", |g| g.of_mean),
        measured("typical path, measured", |g| g.typical),
    ];
    let above = all.iter().find(|g| g.multiple > 1.0).map_or_else(String::new, |g| {
        format!(
            "at {} of it the mean of ln L changes by {} a step, ln of the mean by {} (predicted {})",
            compact(g.multiple),
            compact(g.typical.value),
            compact(g.of_mean.value),
            compact(g.predicted)
        )
    });
    let see = format!(
        "The mean loss grows from the threshold on, as predicted. The typical path still decays there: {above}. Above the \
         threshold the mean is carried by ever fewer of the {} replicas, so that its measurement falls short.",
        run.replicas(0)
    );
    let line = ReferenceLine { value: 0.0, label: "no growth".to_owned() };
    let (x, y) = (Axis::linear("step size over the threshold"), Axis::linear("growth rate a step"));
    let source = "growth: metrics.parquet, column train_loss, second half of the run";
    Ok(Drawing::new(see, source, sweep(&series, &x, &y, &[line])))
}
