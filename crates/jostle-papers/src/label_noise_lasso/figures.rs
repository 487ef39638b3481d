//! The figures: what the paper states, and what it leaves to the reader.

use super::predicted::{Predicted, predictions, slopes, theory};
use crate::drawing::{Drawing, SPREAD};
use crate::{FigureEntry, Runs};
use jostle::problem::Problem;
use jostle::statistics::median;
use jostle::theory::{Sign, lasso_path};
use jostle_lab::LabError;
use jostle_lab::read::series::{over_steps, point, spread};
use jostle_lab::read::{Run, spread_text};
use jostle_report::number::compact;
use jostle_report::{Axis, BandPoint, Category, ReferenceLine, Series, bands, categories, sweep};

/// Every figure.
pub(super) const FIGURES: &[FigureEntry] = &[
    FigureEntry {
        id: "distance",
        title: "Distance to the Lasso against steps",
        needs: &["lasso"],
        draw: distances,
    },
    FigureEntry {
        id: "iterate",
        title: "The average converges, the iterate does not",
        needs: &["iterate"],
        draw: fluctuations,
    },
    FigureEntry {
        id: "coordinates",
        title: "Coefficients against steps",
        needs: &["coordinates"],
        draw: coordinates,
    },
    FigureEntry {
        id: "diabetes",
        title: "The diabetes data: label noise along the Lasso's path",
        needs: &["diabetes"],
        draw: diabetes,
    },
    FigureEntry {
        id: "slack",
        title: "Off the support: slopes against slack",
        needs: &["lasso"],
        draw: slacks,
    },
    FigureEntry {
        id: "errors",
        title: "Who recovers what",
        needs: &["lasso", "gd", "sgd-plain"],
        draw: errors,
    },
];

fn strengths(run: &Run) -> Result<Vec<String>, LabError> {
    Ok(predictions(run)?.iter().map(|predicted| compact(predicted.strength())).collect())
}

fn distances(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("lasso");
    let (mut series, mut ends) = (Vec::new(), Vec::new());
    for (k, lambda) in strengths(run)?.iter().enumerate() {
        let mut line = over_steps(run, k, "time_average_to_lasso", &format!("lambda {lambda}"))?;
        line.points.retain(|point| point.x > 0.0);
        series.push(line);
        ends.push(format!("{} (lambda {lambda})", compact(median(&run.finals(k, "time_average_to_lasso")?))));
    }
    let see = format!(
        "The time average, taken from the burn-in on, comes ever closer to the Lasso that theory predicts for its step \
         size and noise; it ends at a relative distance of {}. Before the burn-in the iterate itself is shown. {SPREAD}",
        ends.join(", ")
    );
    let y = Axis::log("relative distance to the predicted Lasso");
    let spec = bands(&series, &Axis::log("step"), &y, &[]);
    Ok(Drawing::new(see, "lasso: metrics.parquet, column time_average_to_lasso", spec))
}

fn fluctuations(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("iterate");
    let lambdas = strengths(run)?;
    let last = lambdas.len() - 1;
    let mut series = Vec::new();
    for k in [0, last] {
        for (quantity, what) in [("distance_to_lasso", "iterate"), ("time_average_to_lasso", "average")] {
            series.push(over_steps(run, k, quantity, &format!("{what}, lambda {}", lambdas[k]))?);
        }
    }
    let ends: Result<Vec<String>, LabError> = (0..run.cells())
        .map(|k| {
            Ok(format!(
                "{} against {} (lambda {})",
                compact(median(&run.finals(k, "time_average_to_lasso")?)),
                compact(median(&run.finals(k, "distance_to_lasso")?)),
                lambdas[k]
            ))
        })
        .collect();
    let see = format!(
        "At a constant step size the iterate has a stationary law around the Lasso and never settles; its time average \
         does. At the end the average is at {}. {SPREAD}",
        ends?.join(", ")
    );
    let y = Axis::log("relative distance to the predicted Lasso");
    let spec = bands(&series, &Axis::log("step"), &y, &[]);
    Ok(Drawing::new(
        see,
        "iterate: metrics.parquet, columns distance_to_lasso and time_average_to_lasso",
        spec,
    ))
}

/// A line without a band.
fn line(name: String, points: impl Iterator<Item = (f64, f64)>) -> Series {
    Series { name, points: points.map(|(x, y)| BandPoint { x, mid: y, low: y, high: y }).collect() }
}

fn coordinates(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("coordinates");
    let cells = predictions(run)?;
    let lasso = &cells[0].lasso.lasso;
    let averages: Result<Vec<(f64, Vec<f64>)>, LabError> = (0..run.cells())
        .map(|k| {
            let steps = cells[k].cell.process().dynamics.steps() as f64;
            Ok((steps, run.final_rows(&format!("beta_mean_{k}"))?.swap_remove(0)))
        })
        .collect();
    let averages = averages?;
    let shown: Vec<usize> = largest(&lasso.beta, 4);
    let off = (0..lasso.beta.len()).find(|j| lasso.beta[*j] == 0.0);
    let mut series: Vec<Series> = shown
        .iter()
        .chain(&off)
        .map(|j| {
            let what = if lasso.beta[*j] == 0.0 { " (off the support)" } else { "" };
            line(format!("beta {}{what}", j + 1), averages.iter().map(|(step, row)| (*step, row[*j])))
        })
        .collect();
    series.truncate(5);
    let lines: Vec<ReferenceLine> = shown
        .iter()
        .take(2)
        .map(|j| ReferenceLine { value: lasso.beta[*j], label: format!("Lasso, beta {}", j + 1) })
        .collect();
    let (_, last) = &averages[averages.len() - 1];
    let ends: Vec<String> = shown
        .iter()
        .map(|j| format!("beta {} ends at {} (Lasso {})", j + 1, compact(last[*j]), compact(lasso.beta[*j])))
        .collect();
    let see = format!(
        "The running average of one replica: coefficients on the Lasso's support come to its values, the others to \
         zero. {}.",
        ends.join(", ")
    );
    let spec = bands(&series, &Axis::log("step"), &Axis::linear("running average"), &lines);
    Ok(Drawing::new(see, "coordinates: final.npz, arrays beta_mean_0, beta_mean_1, ..", spec))
}

/// The places of the largest magnitudes.
fn largest(values: &[f64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()));
    order.truncate(count);
    order.sort_unstable();
    order
}

/// The names of the diabetes data's columns.
const MEASUREMENTS: [&str; 10] = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"];

fn diabetes(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    const SHOWN: [usize; 4] = [1, 2, 3, 8];
    let run = runs.get("diabetes");
    let cells = predictions(run)?;
    let problem: &Problem = &cells[0].problem;
    let (low, high) = cells.iter().fold((f64::INFINITY, 0.0f64), |(low, high), cell| {
        (low.min(cell.strength()), high.max(cell.strength()))
    });
    let scales: Vec<f64> = (0..60).map(|k| low * (high / low).powf(f64::from(k) / 59.0)).collect();
    let path = lasso_path(problem, &vec![1.0; problem.dim()], &scales, Sign::Signed)
        .map_err(|source| theory(run, source))?;
    let averages: Result<Vec<Vec<Vec<f64>>>, LabError> =
        (0..run.cells()).map(|k| Ok(run.final_rows(&format!("beta_mean_{k}"))?)).collect();
    let averages = averages?;
    let mut series = Vec::new();
    for j in SHOWN {
        let exact = scales.iter().zip(&path).map(|(scale, lasso)| (*scale, lasso.beta[j]));
        series.push(line(format!("{}, Lasso", MEASUREMENTS[j]), exact));
        let mut points: Vec<BandPoint> = cells
            .iter()
            .zip(&averages)
            .map(|(cell, rows)| point(cell.strength(), &rows.iter().map(|row| row[j]).collect::<Vec<_>>()))
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        series.push(Series { name: format!("{}, label noise", MEASUREMENTS[j]), points });
    }
    let distances: Result<Vec<f64>, LabError> =
        (0..run.cells()).map(|k| Ok(median(&run.finals(k, "time_average_to_lasso")?))).collect();
    let distances = distances?;
    let farthest = distances.iter().copied().fold(0.0, f64::max);
    let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
    let see = format!(
        "Four of the ten coefficients over lambda = eta delta^2/2: the averages of label noise follow the path of the \
         Lasso. The relative distance over all ten is {} to {} after {} steps.",
        compact(nearest),
        compact(farthest),
        cells[0].cell.process().dynamics.steps()
    );
    let spec = bands(&series, &Axis::log("lambda"), &Axis::linear("coefficient"), &[]);
    Ok(Drawing::new(see, "diabetes: final.npz, arrays beta_mean_0, beta_mean_1, ..", spec))
}

fn slacks(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("lasso");
    let mut series = Vec::new();
    let mut most = 0.0f64;
    for (k, predicted) in predictions(run)?.iter().enumerate() {
        let measured = measured_slopes(run, k, predicted)?;
        most = measured.iter().fold(most, |most, p| most.max(p.x));
        series.push(Series { name: format!("lambda {}", compact(predicted.strength())), points: measured });
    }
    series.push(line("slope = slack".to_owned(), [0.0, most].into_iter().map(|x| (x, x))));
    let errors: Result<Vec<String>, LabError> =
        (0..run.cells()).map(|k| Ok(compact(median(&run.finals(k, "log_slope_error")?)))).collect();
    let see = format!(
        "Off the Lasso's support, ln w_j falls as fast as the optimality conditions have slack: the rms difference is \
         {} of the rms slack. Medians over {} replicas, whiskers from the 10 % to the 90 % quantile.",
        errors?.join(", "),
        run.replicas(0)
    );
    let spec =
        sweep(&series, &Axis::linear("KKT slack"), &Axis::linear("slope of -ln w per unit of time"), &[]);
    Ok(Drawing::new(see, "lasso: final.npz, arrays log_abs_theta_0, ..", spec))
}

/// Slack and slope of every coefficient off the Lasso's support.
fn measured_slopes(run: &Run, k: usize, predicted: &Predicted) -> Result<Vec<BandPoint>, LabError> {
    let rows = run.final_rows(&format!("log_abs_theta_{k}"))?;
    let measured: Vec<Vec<f64>> = rows.iter().map(|row| slopes(predicted, row)).collect();
    let slack = predicted.lasso.slack(&predicted.problem);
    let mut points: Vec<BandPoint> = (0..slack.len())
        .filter(|j| predicted.lasso.lasso.beta[*j] == 0.0)
        .map(|j| point(slack[j], &measured.iter().map(|slopes| slopes[j]).collect::<Vec<_>>()))
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    Ok(points)
}

fn errors(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("lasso");
    let mut all = vec![
        ("gradient descent".to_owned(), runs.get("gd").finals(0, "test_error")?),
        ("SGD, one sample".to_owned(), runs.get("sgd-plain").finals(0, "test_error")?),
    ];
    for (k, predicted) in predictions(run)?.iter().enumerate() {
        let lambda = compact(predicted.strength());
        let truth = predicted.problem.truth().unwrap_or_default();
        let error = predicted.lasso.lasso.beta.iter().zip(truth).map(|(b, t)| (b - t).powi(2)).sum();
        all.push((format!("label noise, average, {lambda}"), run.finals(k, "average_test_error")?));
        all.push((format!("label noise, iterate, {lambda}"), run.finals(k, "test_error")?));
        all.push((format!("Lasso, {lambda}"), vec![error]));
    }
    let texts: Vec<String> =
        all.iter().take(5).map(|(name, values)| format!("{name} {}", spread_text(values))).collect();
    let see = format!(
        "Final test error with N(0, 0.25) in the labels: {}. The average of label noise is to be compared with the Lasso \
         of the same lambda.",
        texts.join(", ")
    );
    let made: Vec<Category> = all
        .iter()
        .map(|(name, values)| Category {
            name: name.clone(),
            estimate: spread(values),
            replicas: values.clone(),
        })
        .collect();
    let spec = categories(&made, &Axis::log("test error |beta - truth|\u{b2}"), &[]);
    Ok(Drawing::new(see, "gd, sgd-plain, lasso: metrics.parquet and the predicted Lasso", spec))
}
