//! Alignment along SGD, across widths, and in random directions.

use super::super::points::starts;
use crate::Runs;
use crate::drawing::{Drawing, SPREAD};
use jostle::statistics::{mean, median};
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_lab::read::series::{over_steps, point};
use jostle_report::number::compact;
use jostle_report::{Axis, ReferenceLine, Series, bands, sweep};

const QUANTITIES: [(&str, &str); 3] =
    [("alignment", "mu"), ("angle_alignment", "angle alpha"), ("size_alignment", "size beta")];

fn one() -> ReferenceLine {
    ReferenceLine { value: 1.0, label: "1".to_owned() }
}

/// The width at which paths are shown; all scales have it.
const SHOWN: f64 = 64.0;

pub(super) fn paths(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("networks");
    let (mut series, mut ends) = (Vec::new(), Vec::new());
    for cell in (0..run.cells()).filter(|cell| run.key(*cell, "model.width") == Some(SHOWN)) {
        let activation = run.key_text(cell, "model.activation");
        for (quantity, name) in QUANTITIES {
            series.push(over_steps(run, cell, quantity, &format!("{activation}, {name}"))?);
        }
        ends.push(format!(
            "{} ({activation}, loss {})",
            compact(median(&run.finals(cell, "alignment")?)),
            compact(median(&run.finals(cell, "train_loss")?))
        ));
    }
    let see = format!(
        "Two-layer networks of width {}: the alignment mu = alpha beta stays of order one while the loss falls by orders of \
         magnitude. At the end mu is {}. {SPREAD}",
        compact(SHOWN),
        ends.join(", ")
    );
    let spec = bands(&series, &Axis::log("step"), &Axis::log("alignment"), &[one()]);
    Ok(Drawing::new(
        see,
        "networks: metrics.parquet, columns alignment, angle_alignment and size_alignment",
        spec,
    ))
}

/// Means over the recorded steps of every replica, over the width, for the cells of one activation.
fn by_width(run: &Run, quantity: &str, activation: &str, name: &str) -> Result<Series, LabError> {
    let mut points = Vec::new();
    for cell in (0..run.cells()).filter(|cell| run.key_text(*cell, "model.activation") == activation) {
        let means: Vec<f64> = run.paths(cell, quantity)?.iter().map(|path| mean(path)).collect();
        points.push(point(run.key(cell, "model.width").unwrap_or(f64::NAN), &means));
    }
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    Ok(Series { name: name.to_owned(), points })
}

/// Models that have a width: run, activation, name.
const MODELS: [(&str, &str, &str); 5] = [
    ("features", "relu", "ReLU random features"),
    ("features", "tanh", "tanh random features"),
    ("networks", "relu", "ReLU network"),
    ("networks", "tanh", "tanh network"),
    ("linear-networks", "", "linear network"),
];

const WHISKERS: &str = "Points are medians over replicas of the mean along the path, whiskers reach from the 10 % to the \
                        90 % quantile.";

pub(super) fn widths(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let of =
        |(run, activation, name): (&str, &str, &str)| by_width(runs.get(run), "alignment", activation, name);
    let series: Vec<Series> = MODELS.into_iter().map(of).collect::<Result<_, _>>()?;
    let texts: Vec<String> = series
        .iter()
        .map(|s| {
            let (first, last) = (s.points[0], s.points[s.points.len() - 1]);
            format!(
                "{} {} at width {} and {} at {}",
                s.name,
                compact(first.mid),
                compact(first.x),
                compact(last.mid),
                compact(last.x)
            )
        })
        .collect();
    let see = format!("The alignment hardly depends on the width: {}. {WHISKERS}", texts.join(", "));
    let spec =
        sweep(&series, &Axis::log("width"), &Axis::log("alignment mu").with_limits(0.5, 2.0), &[one()]);
    let source = "features, networks, linear-networks: metrics.parquet, column alignment, mean over steps";
    Ok(Drawing::new(see, source, spec))
}

pub(super) fn angle_and_size(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let mut series = Vec::new();
    for (run, activation, name) in [MODELS[0], MODELS[2], MODELS[4]] {
        for (quantity, factor) in &QUANTITIES[1..] {
            series.push(by_width(runs.get(run), quantity, activation, &format!("{name}, {factor}"))?);
        }
    }
    let ends = |k: usize| series[k].points.iter().map(|p| compact(p.mid)).collect::<Vec<_>>().join(", ");
    let see = format!(
        "The two factors of the alignment: the cosine alpha of the angle between noise and curvature is {} for the ReLU \
         network at increasing width, the size beta {}. {WHISKERS}",
        ends(2),
        ends(3)
    );
    let spec = sweep(&series, &Axis::log("width"), &Axis::log("alpha, beta").with_limits(0.5, 2.0), &[one()]);
    let source =
        "features, networks, linear-networks: metrics.parquet, columns angle_alignment and size_alignment";
    Ok(Drawing::new(see, source, spec))
}

pub(super) fn directions(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("directions");
    let mut of = [Vec::new(), Vec::new(), Vec::new()];
    for (cell, points) in starts(run)?.iter().enumerate() {
        let samples = run.key(cell, "problem.samples").unwrap_or(f64::NAN);
        let worst: Vec<f64> = points.iter().map(|p| p.worst_alignment).collect();
        of[0].push(point(samples, &run.values_at(cell, "alignment", 0)?));
        of[1].push(point(samples, &run.values_at(cell, "alignment_centred", 0)?));
        of[2].push(point(samples, &worst));
    }
    let (few, many) = (of[2][0], of[2][of[2].len() - 1]);
    let see = format!(
        "A linear predictor in dimension 50: in a random direction the alignment tends to one with the number of samples. \
         The theorem needs the smallest centred alignment of all directions, which is {} with {} samples and {} with {}. \
         Medians over {} data sets, whiskers from the 10 % to the 90 % quantile.",
        compact(few.mid),
        compact(few.x),
        compact(many.mid),
        compact(many.x),
        run.replicas(0)
    );
    let names = ["random direction, uncentred", "random direction, centred", "worst direction, centred"];
    let series: Vec<Series> =
        names.into_iter().zip(of).map(|(name, points)| Series { name: name.to_owned(), points }).collect();
    let spec = sweep(&series, &Axis::log("samples n"), &Axis::linear("alignment mu"), &[one()]);
    let source = "directions: metrics.parquet, columns alignment and alignment_centred; the worst direction from its data";
    Ok(Drawing::new(see, source, spec))
}
