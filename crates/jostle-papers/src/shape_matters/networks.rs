//! Claims N4 and N5 and their figures: a convolutional network with small batches, large ones, and noise added to them.

use crate::Runs;
use crate::drawing::Drawing;
use crate::judgement::{Criterion, Judged, Measured, Verdict, last_step};
use jostle::statistics::median;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_lab::read::series::spread;
use jostle_report::number::compact;
use jostle_report::{Axis, Category, categories};

/// How a network was trained: the experiment, and what it is called.
const WAYS: [(&str, &str); 4] = [
    ("nets-small-batch", "small batch"),
    ("nets-large-batch", "large batch"),
    ("nets-label-noise", "large batch, label noise"),
    ("nets-isotropic", "large batch, isotropic noise"),
];

/// The experiments, all of which every claim and figure here needs.
pub(super) const RUNS: [&str; 4] = [WAYS[0].0, WAYS[1].0, WAYS[2].0, WAYS[3].0];

/// Final values of one way over, or minus, those of the other, replica by replica: they have their starts in common.
fn compared(
    runs: &Runs<'_>,
    quantity: &str,
    [one, other]: [&str; 2],
    by: impl Fn(f64, f64) -> f64,
) -> Result<Measured, LabError> {
    let (one, other) = (runs.get(one).finals(0, quantity)?, runs.get(other).finals(0, quantity)?);
    let found: Vec<f64> = one.iter().zip(&other).map(|(one, other)| by(*one, *other)).collect();
    Ok(Measured::mean(&found))
}

/// What was trained on what, for how long.
fn setting(runs: &Runs<'_>) -> Result<String, LabError> {
    let run: &Run = runs.get(WAYS[1].0);
    let lost: usize = WAYS.iter().map(|(name, _)| runs.get(name).diverged(0)).sum();
    let mut least = f64::INFINITY;
    for (name, _) in WAYS {
        least = runs.get(name).finals(0, "train_accuracy")?.into_iter().fold(least, f64::min);
    }
    Ok(format!(
        "{} replicas after {} steps, {lost} of all diverged, training accuracies from {} on. Data: {}.",
        run.replicas(0),
        last_step(run, 0)?,
        compact(least),
        run.manifest.data.join("; ")
    ))
}

pub(super) fn accuracy(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let gain =
        |way: usize| compared(runs, "test_accuracy", [WAYS[way].0, WAYS[1].0], |one, other| one - other);
    let (small, label, isotropic) = (gain(0)?, gain(2)?, gain(3)?);
    let beyond = compared(runs, "test_accuracy", [WAYS[2].0, WAYS[3].0], |one, other| one - other)?;
    Ok(Judged::new(
        Verdict::of(label, Criterion::Above(0.0))
            .and("the gain by small batches", small, Criterion::Above(0.0))
            .and("the gain by label noise over isotropic noise", beyond, Criterion::Above(0.0)),
        "small batches and label noise each gain test accuracy over large batches; isotropic noise gains less than label noise",
        format!(
            "Gain in test accuracy over large batches, mean over replicas with a start in common, Student's 95 % intervals: label \
             noise {}, small batches {}, isotropic noise {}; label noise over isotropic noise {}. {}",
            label.text(),
            small.text(),
            isotropic.text(),
            beyond.text(),
            setting(runs)?
        ),
    ))
}

/// A flatness that does not vanish with the cross-entropy, as its curvature does.
const FLATNESS: &str = "trace_kernel";

pub(super) fn sharpness(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let ratio = |quantity: &str, way: usize| {
        compared(runs, quantity, [WAYS[way].0, WAYS[1].0], |one, other| one / other)
    };
    let (small, label, isotropic) = (ratio(FLATNESS, 0)?, ratio(FLATNESS, 2)?, ratio(FLATNESS, 3)?);
    Ok(Judged::new(
        Verdict::of(label, Criterion::Below(1.0)).and(
            "the ratio with small batches",
            small,
            Criterion::Below(1.0),
        ),
        "Tr(J J')/n with small batches, and with label noise, below that with large batches",
        format!(
            "Tr(J J')/n over that with large batches, mean over replicas with a start in common, Student's 95 % intervals: label \
             noise {}, small batches {}, isotropic noise {}. Of Tr G, which vanishes with the loss: {}, {}, {}. {}",
            label.text(),
            small.text(),
            isotropic.text(),
            ratio("trace_G", 2)?.text(),
            ratio("trace_G", 0)?.text(),
            ratio("trace_G", 3)?.text(),
            setting(runs)?
        ),
    ))
}

pub(super) fn draw_accuracy(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    of_ways(runs, "test_accuracy", &Axis::linear("test accuracy"))
}

pub(super) fn draw_flatness(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    of_ways(runs, FLATNESS, &Axis::log("Tr(J J') / n"))
}

pub(super) fn draw_curvature(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    of_ways(runs, "trace_G", &Axis::log("Tr G"))
}

fn of_ways(runs: &Runs<'_>, quantity: &str, axis: &Axis) -> Result<Drawing, LabError> {
    let (mut made, mut texts) = (Vec::new(), Vec::new());
    for (run, name) in WAYS {
        let replicas = runs.get(run).finals(0, quantity)?;
        texts.push(format!("{} with {name}", compact(median(&replicas))));
        made.push(Category { name: name.to_owned(), estimate: spread(&replicas), replicas });
    }
    let see = format!(
        "{} at the end of training: {}. Medians, with the 10 % and the 90 % quantile; {}",
        axis.title(),
        texts.join(", "),
        setting(runs)?
    );
    let names: Vec<&str> = WAYS.iter().map(|(name, _)| *name).collect();
    let source = format!("{}: metrics.parquet, {quantity} at the last step", names.join(", "));
    Ok(Drawing::new(see, &source, categories(&made, axis, &[])))
}
