//! The report of a run of one experiment file.

use super::Run;
use super::lasso::{arrays_of, lasso_lines};
use super::series::{over_steps, point, recovered, spread};
use crate::LabError;
use crate::experiment::{file_name, quoted};
use crate::record::{Active, LassoRecord, lines_of_lambdas};
use jostle::observable::{ActiveThreshold, find};
use jostle_files::{StorageError, write_atomically};
use jostle_report::number::{compact, compact_interval};
use jostle_report::text::counted;
use jostle_report::{Axis, Estimate, Figure, Recovered, Report, Series, bands, coefficients, render, sweep};
use std::io::Write;
use std::path::Path;

/// Series that one figure of paths can still tell apart.
const MOST_SERIES: usize = 8;
/// Coefficients that one panel can still show.
const MOST_COEFFICIENTS: usize = 400;

/// Writes `report.html` into a folder.
///
/// # Errors
/// The file cannot be written.
pub fn write_report(folder: &Path, report: &Report) -> Result<(), StorageError> {
    write_atomically(&folder.join("report.html"), |file| file.write_all(render(report).as_bytes()))
}

/// The report of a run: every quantity over the steps, the coefficients beside the truth, and, where the grid has one
/// numerical key, every quantity against it.
///
/// # Errors
/// A file of the run cannot be read.
pub fn report_of_run(run: &Run) -> Result<Report, LabError> {
    let mut figures = Vec::new();
    for quantity in run.quantities() {
        let has = cells_with(run, &quantity).next().is_some();
        if has && run.cells() <= MOST_SERIES {
            figures.push(path_figure(run, &quantity)?);
        }
        if let [key] = &run.keys()[..] {
            figures.extend(sweep_figure(run, key, &quantity)?);
        }
    }
    figures.extend(coefficient_figure(run)?);
    let (diverged, replicas) = run.manifest.diverged();
    let lead = if run.manifest.predicted() == run.cells() {
        format!("{}, predicted by theory.", counted(run.cells(), "cell"))
    } else {
        format!(
            "{}, {} in all, {} replica-steps.",
            counted(run.cells(), "cell"),
            counted(replicas, "replica"),
            compact(run.manifest.replica_steps)
        )
    };
    // A folder such as `.` has no name of its own.
    let folder = run.folder.canonicalize().unwrap_or_else(|_| run.folder.clone());
    let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Report {
        title: name,
        lead,
        warnings: diverged_warning(run).into_iter().chain(prediction_warnings(run)).collect(),
        claims: Vec::new(),
        remarks: Vec::new(),
        figures,
        facts: facts(run, diverged, replicas),
        settings: vec![("experiment.toml".to_owned(), settings_to_share(&run.experiment))],
        references: Vec::new(),
    })
}

/// The text of an experiment with the names of files in the place of absolute paths: a page that is shared says nothing
/// of this machine's folders.
pub fn settings_to_share(text: &str) -> String {
    let mut paths = Vec::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        absolute_paths(&toml::Value::Table(table), &mut paths);
    }
    paths.iter().fold(text.to_owned(), |text, path| text.replace(&quoted(path), &quoted(&file_name(path))))
}

fn absolute_paths(value: &toml::Value, found: &mut Vec<String>) {
    match value {
        toml::Value::String(text) if Path::new(text).is_absolute() => found.push(text.clone()),
        toml::Value::Array(items) => items.iter().for_each(|item| absolute_paths(item, found)),
        toml::Value::Table(table) => table.iter().for_each(|(_, item)| absolute_paths(item, found)),
        _ => {}
    }
}

/// What is said when replicas of a run have diverged.
pub fn diverged_warning(run: &Run) -> Option<String> {
    let (diverged, replicas) = run.manifest.diverged();
    let steps = run.manifest.cells.iter().flat_map(|cell| cell.diverged.iter().map(|d| d.step));
    let (first, last) = (steps.clone().min()?, steps.max()?);
    Some(format!(
        "{diverged} of {replicas} replicas diverged, between step {first} and step {last}. They count as infinite \
         in medians and quantiles of losses, errors and norms; those of counts and shares leave them out."
    ))
}

/// What is said of cells that hold theory's means.
fn prediction_warnings(run: &Run) -> Vec<String> {
    let predicted = run.manifest.predicted();
    if predicted == 0 {
        return Vec::new();
    }
    let mut warnings = vec![format!(
        "{predicted} of {} cells hold means that theory predicts (the slow flow), not simulated replicas.",
        run.cells()
    )];
    for cell in 0..run.cells() {
        let Some(record) = run.predicted(cell) else { continue };
        if let Some(simulated) = &record.simulated {
            warnings.push(format!(
                "Cell {cell}: the first {} steps were simulated, with {} replicas: {}.",
                simulated.steps, simulated.replicas, simulated.reason
            ));
        }
        warnings.push(format!("Cell {cell}: {}", record.expansion.in_words()));
        warnings.extend(record.outside.iter().map(|outside| {
            format!(
                "Cell {cell}: outside theory's validity from step {} on: {}.",
                outside.step, outside.reason
            )
        }));
    }
    warnings
}

/// What is said of replicas that stopped early.
fn converged(run: &Run) -> String {
    run.manifest.converged().map_or_else(String::new, |(count, first)| {
        format!(" and {count} converged and stopped, the first at step {first}")
    })
}

fn facts(run: &Run, diverged: usize, replicas: usize) -> Vec<(String, String)> {
    let manifest = &run.manifest;
    let data = (!manifest.data.is_empty()).then(|| ("data".to_owned(), manifest.data.join(". ")));
    let of_run = vec![
        ("jostle".to_owned(), manifest.version.clone()),
        ("replicas".to_owned(), format!("{replicas}, of which {diverged} diverged{}", converged(run))),
        ("replica-steps".to_owned(), compact(manifest.replica_steps)),
        (
            "time".to_owned(),
            format!("{:.2} s on {} threads", manifest.wall_seconds, manifest.machine.threads),
        ),
        ("machine".to_owned(), format!("{}, {}", manifest.machine.platform, manifest.machine.level)),
    ];
    let devices = &manifest.machine.devices;
    let label_noise = lines_of_lambdas((0..run.cells()).map(|cell| run.label_noise(cell)));
    let label_noise = (!label_noise.is_empty()).then(|| ("label noise".to_owned(), label_noise.join("; ")));
    let device = (!devices.is_empty()).then(|| ("device".to_owned(), devices.join("; ")));
    let records: Vec<&LassoRecord> = (0..run.cells()).filter_map(|cell| run.predicted_lasso(cell)).collect();
    let mut lassos = lasso_lines(&records, None);
    if let [LassoRecord::Known(known)] = records[..] {
        lassos.push(known.convention.clone());
    }
    let lassos = (!lassos.is_empty()).then(|| ("predicted Lasso".to_owned(), lassos.join(" ")));
    let active = run.active(0).map(|active| ("active".to_owned(), format!("coefficients {}", active.words)));
    data.into_iter().chain(label_noise).chain(lassos).chain(active).chain(of_run).chain(device).collect()
}

/// The name of a cell in a legend.
fn cell_name(run: &Run, cell: usize) -> String {
    let mut parts: Vec<_> =
        run.keys().iter().map(|key| format!("{key} = {}", run.key_text(cell, key))).collect();
    if run.predicted(cell).is_some() {
        parts.push("predicted".to_owned());
    }
    if parts.is_empty() { "all replicas".to_owned() } else { parts.join(", ") }
}

/// A logarithmic axis where all values are positive and span decades, otherwise a linear one.
fn value_axis(title: &str, values: impl Iterator<Item = f64>) -> Axis {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
    if low > 0.0 && high > 100.0 * low { Axis::log(title) } else { Axis::linear(title) }
}

fn cells_with<'a>(run: &'a Run, quantity: &'a str) -> impl Iterator<Item = usize> + use<'a> {
    (0..run.cells()).filter(move |cell| run.has(*cell, quantity))
}

fn path_figure(run: &Run, quantity: &str) -> Result<Figure, LabError> {
    let series: Result<Vec<Series>, _> = cells_with(run, quantity)
        .map(|cell| over_steps(run, cell, quantity, &cell_name(run, cell)))
        .collect();
    let series = series?;
    let y = value_axis(quantity, series.iter().flat_map(|s| s.points.iter().map(|p| p.mid)));
    let last: Vec<String> = series
        .iter()
        .filter_map(|s| s.points.last().map(|p| (s, p)))
        .map(|(s, p)| {
            let value = compact_interval(Some(p.mid), Some(p.low), Some(p.high));
            if series.len() == 1 { value } else { format!("{value} for {}", s.name) }
        })
        .collect();
    let doc = find(quantity).map_or("", |observable| observable.doc);
    Ok(Figure {
        id: quantity.to_owned(),
        title: format!("{quantity} against steps"),
        see: format!("{doc} At the end: {} ({}).", last.join("; "), over(run, "median and 10 to 90 %")),
        source: format!("metrics.parquet, column {quantity}"),
        spec: bands(&series, &Axis::log("step"), &y, &[]),
        table: None,
    })
}

fn sweep_figure(run: &Run, key: &str, quantity: &str) -> Result<Option<Figure>, LabError> {
    let mut points = Vec::new();
    for cell in cells_with(run, quantity) {
        let Some(x) = run.key(cell, key) else { return Ok(None) };
        let finals = run.finals(cell, quantity)?;
        if run.predicted(cell).is_some() && finals.iter().any(|value| value.is_nan()) {
            continue;
        }
        points.extend(Some(point(x, &finals)).filter(|point| !point.mid.is_nan()));
    }
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    if points.len() < 3 {
        return Ok(None);
    }
    let x = value_axis(key, points.iter().map(|p| p.x));
    let y = value_axis(quantity, points.iter().map(|p| p.mid));
    let (first, last) = (points[0], points[points.len() - 1]);
    let see = format!(
        "The final {quantity} goes from {} at {key} = {} to {} at {key} = {}.",
        compact(first.mid),
        compact(first.x),
        compact(last.mid),
        compact(last.x)
    );
    let series = [Series { name: quantity.to_owned(), points }];
    Ok(Some(Figure {
        id: format!("{quantity}-against-{}", key.replace('.', "-")),
        title: format!("final {quantity} against {key}"),
        see,
        source: format!("metrics.parquet, columns {key} and {quantity} at the last step"),
        spec: sweep(&series, &x, &y, &[]),
        table: None,
    }))
}

fn coefficient_figure(run: &Run) -> Result<Option<Figure>, LabError> {
    let shown = run.cells().min(4);
    for cell in 0..shown {
        if !run.has_coefficients(cell)? {
            return Ok(None);
        }
    }
    let methods: Result<Vec<_>, _> =
        (0..shown).map(|cell| recovered(run, cell, &cell_name(run, cell))).collect();
    let mut methods = methods?;
    for cell in 0..shown {
        if let Some((_, beta)) = arrays_of(run, cell)? {
            let of = if run.cells() > 1 { format!(", {}", cell_name(run, cell)) } else { String::new() };
            let values = beta.iter().map(|b| Estimate { value: *b, low: *b, high: *b }).collect();
            let features = methods[cell].features.clone();
            methods.push(Recovered { name: format!("predicted Lasso{of}"), values, features });
        }
    }
    if methods.iter().any(|m| m.values.is_empty() || m.values.len() > MOST_COEFFICIENTS) {
        return Ok(None);
    }
    let truth = run.data_vector("truth", 0)?;
    let rule = run.active(0).map_or_else(ActiveThreshold::default, Active::rule);
    let active = |values: &[Estimate]| {
        let medians: Vec<f64> = values.iter().map(|e| e.value).collect();
        let threshold = rule.at(truth.as_deref(), &medians);
        medians.iter().filter(|value| value.abs() > threshold).count()
    };
    let counts: Vec<_> = methods.iter().map(|m| format!("{} in {}", active(&m.values), m.name)).collect();
    let above = rule.words(truth.as_deref());
    let more = if run.cells() > shown {
        format!(" (the first {shown} of {} cells)", run.cells())
    } else {
        String::new()
    };
    Ok(Some(Figure {
        id: "coefficients".to_owned(),
        title: format!("final coefficients{more}"),
        see: format!("Coefficients {above} ({}): {}.", over(run, "median"), counts.join("; ")),
        source: "final.npz, arrays beta_<cell>, lasso_beta_<cell> and truth".to_owned(),
        spec: coefficients(&methods, truth.as_deref(), &Axis::linear("coefficient")),
        table: None,
    }))
}

/// What the numbers of a run are: summaries of replicas, or means that theory predicts.
fn over(run: &Run, summary: &str) -> String {
    match run.manifest.predicted() {
        0 => format!("{summary} over replicas"),
        all if all == run.cells() => "predicted means".to_owned(),
        _ => format!("predicted means, or {summary} over replicas"),
    }
}

/// Medians and spreads of a list, as a text.
pub fn spread_text(values: &[f64]) -> String {
    let Estimate { value, low, high } = spread(values);
    compact_interval(Some(value), Some(low), Some(high))
}
