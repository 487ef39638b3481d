//! The figures: the paper's own, and what it does not show.

use super::networks;
use crate::drawing::{Drawing, SPREAD};
use crate::{FigureEntry, Runs};
use jostle::statistics::median;
use jostle_lab::LabError;
use jostle_lab::read::series::{over_steps, point, recovered, spread};
use jostle_lab::read::{Run, spread_text};
use jostle_report::number::compact;
use jostle_report::{Axis, Category, ReferenceLine, Series, bands, categories, coefficients, sweep};

/// Every figure.
pub(super) const FIGURES: &[FigureEntry] = &[
    FigureEntry {
        id: "test-error",
        title: "Test error against steps",
        needs: &["gd", "mini-batch", "label", "isotropic"],
        draw: error_paths,
    },
    FigureEntry {
        id: "coefficients",
        title: "Recovered coefficients",
        needs: &["gd", "mini-batch", "label", "isotropic"],
        draw: recovered_coefficients,
    },
    FigureEntry {
        id: "l1-norm",
        title: "l1 norm against steps",
        needs: &["gd", "mini-batch", "label", "isotropic"],
        draw: norm_paths,
    },
    FigureEntry {
        id: "isotropic-sizes",
        title: "Isotropic noise of every size",
        needs: &["isotropic"],
        draw: isotropic_sizes,
    },
    FigureEntry { id: "samples", title: "How many samples are needed", needs: &["samples"], draw: samples },
    FigureEntry {
        id: "starts",
        title: "Starts, and noise to match",
        needs: &["initialisation", "gd-limit"],
        draw: starts,
    },
    FigureEntry {
        id: "shape",
        title: "Which part of the noise's shape matters",
        needs: &["shape", "label", "gd"],
        draw: shapes,
    },
    FigureEntry { id: "phases", title: "The three phases", needs: &["three-phases"], draw: phases },
    FigureEntry {
        id: "networks-accuracy",
        title: "Networks: test accuracy",
        needs: &networks::RUNS,
        draw: networks::draw_accuracy,
    },
    FigureEntry {
        id: "networks-flatness",
        title: "Networks: flatness",
        needs: &networks::RUNS,
        draw: networks::draw_flatness,
    },
    FigureEntry {
        id: "networks-curvature",
        title: "Networks: curvature of the loss",
        needs: &networks::RUNS,
        draw: networks::draw_curvature,
    },
];

/// The four algorithms: run, cell and name.
fn algorithms<'a>(runs: &Runs<'a>) -> [(&'a Run, usize, &'static str); 4] {
    [
        (runs.get("gd"), 0, "gradient descent"),
        (runs.get("mini-batch"), 0, "mini-batch noise"),
        (runs.get("label"), 0, "label noise"),
        (runs.get("isotropic"), 0, "isotropic noise"),
    ]
}

fn paths(runs: &Runs<'_>, quantity: &str) -> Result<Vec<Series>, LabError> {
    algorithms(runs).into_iter().map(|(run, cell, name)| Ok(over_steps(run, cell, quantity, name)?)).collect()
}

/// Final values of the four algorithms in a sentence.
fn endings(runs: &Runs<'_>, quantity: &str) -> Result<String, LabError> {
    let ends: Result<Vec<String>, LabError> = algorithms(runs)
        .into_iter()
        .map(|(run, cell, name)| {
            Ok(format!("{name} at {}", compact(spread(&run.finals(cell, quantity)?).value)))
        })
        .collect();
    Ok(ends?.join(", "))
}

fn error_paths(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("mini-batch");
    let lost = run.diverged(0);
    let see = format!(
        "Only label noise comes near the truth: the median test error ends with {}. {lost} of {} mini-batch runs \
         diverged. {SPREAD}",
        endings(runs, "test_error")?,
        run.replicas(0),
    );
    let y = Axis::log("test error |beta - truth|\u{b2}").with_limits(1e-4, 1e4);
    let spec = bands(&paths(runs, "test_error")?, &Axis::log("step"), &y, &[]);
    Ok(Drawing::new(see, "gd, mini-batch, label, isotropic: metrics.parquet, column test_error", spec))
}

fn recovered_coefficients(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let methods: Result<Vec<_>, LabError> =
        algorithms(runs).into_iter().map(|(run, cell, name)| Ok(recovered(run, cell, name)?)).collect();
    let truth = runs.get("label").data_vector("truth", 0)?;
    let see = format!(
        "The truth is 1 on five coefficients (circles) and 0 elsewhere. Coefficients above 0.05 (median): {}.",
        endings(runs, "active")?
    );
    let spec = coefficients(&methods?, truth.as_deref(), &Axis::linear("coefficient"));
    Ok(Drawing::new(see, "gd, mini-batch, label, isotropic: final.npz, arrays beta_0 and truth", spec))
}

fn norm_paths(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let see = format!(
        "The truth has the l1 norm 5. Label noise shrinks the norm until only the truth is left, isotropic noise does \
         not: the norm ends with {}. {SPREAD}",
        endings(runs, "l1_norm")?
    );
    let line = ReferenceLine { value: 5.0, label: "truth".to_owned() };
    let y = Axis::log("l1 norm of the coefficients").with_limits(3.0, 300.0);
    let spec = bands(&paths(runs, "l1_norm")?, &Axis::log("step"), &y, &[line]);
    Ok(Drawing::new(see, "gd, mini-batch, label, isotropic: metrics.parquet, column l1_norm", spec))
}

fn isotropic_sizes(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("isotropic");
    let mut series = Vec::new();
    let mut ends = Vec::new();
    for cell in 0..run.cells() {
        let std = compact(run.key(cell, "noise.0.std").unwrap_or(f64::NAN));
        series.push(over_steps(run, cell, "l1_norm", &format!("std {std}"))?);
        ends.push(format!("{} with std {std}", compact(spread(&run.finals(cell, "l1_norm")?).value)));
    }
    let see = format!(
        "The larger the isotropic noise, the larger the l1 norm at the end of the run: {}. {SPREAD}",
        ends.join(", ")
    );
    let spec = bands(&series, &Axis::log("step"), &Axis::log("l1 norm of the coefficients"), &[]);
    Ok(Drawing::new(see, "isotropic: metrics.parquet, column l1_norm", spec))
}

/// Sweep points of the cells that a condition selects.
fn swept(run: &Run, key: &str, name: &str, select: impl Fn(usize) -> bool) -> Result<Series, LabError> {
    let mut points = Vec::new();
    for cell in (0..run.cells()).filter(|cell| select(*cell)) {
        points.push(point(run.key(cell, key).unwrap_or(f64::NAN), &run.finals(cell, "test_error")?));
    }
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    Ok(Series { name: name.to_owned(), points })
}

fn samples(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("samples");
    let has_noise = |cell: usize| run.key(cell, "noise.0.std") > Some(0.0);
    let key = "problem.samples";
    let series = [
        swept(run, key, "gradient descent", |cell| !has_noise(cell))?,
        swept(run, key, "label noise", has_noise)?,
    ];
    let enough = series[1].points.iter().find(|p| p.high < 5e-3).map_or_else(
        || "at none of these numbers of samples".to_owned(),
        |p| format!("from {} samples on", compact(p.x)),
    );
    let (few, many) = (&series[0].points[0], &series[0].points[series[0].points.len() - 1]);
    let see = format!(
        "With label noise nine in ten data sets end below a test error of 5e-3 {enough}. Gradient descent ends at {} \
         with {} samples and at {} with {}: with many samples non-negative coefficients alone leave little choice. \
         Medians over {} data sets, whiskers from the 10 % to the 90 % quantile.",
        compact(few.mid),
        compact(few.x),
        compact(many.mid),
        compact(many.x),
        run.replicas(0)
    );
    let y = Axis::log("test error |beta - truth|\u{b2}");
    let spec = sweep(&series, &Axis::linear("number of samples"), &y, &[]);
    Ok(Drawing::new(see, "samples: metrics.parquet, test_error at the last step", spec))
}

fn starts(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let (label, gd) = (runs.get("initialisation"), runs.get("gd-limit"));
    let key = "model.init";
    let is_weak =
        |cell: usize| label.key(cell, key) >= Some(2.0) && label.key(cell, "noise.0.std") <= Some(1.0);
    let rate = gd.key(0, "dynamics.learning_rate");
    let series = [
        swept(gd, key, "gradient descent", |cell| gd.key(cell, "dynamics.learning_rate") == rate)?,
        swept(label, key, "label noise, size to match", |cell| !is_weak(cell))?,
        swept(label, key, "label noise, std 1", is_weak)?,
    ];
    let of = |k: usize| {
        let ends = series[k].points.iter().map(|p| format!("{} from {}", compact(p.mid), compact(p.x)));
        ends.collect::<Vec<_>>().join(", ")
    };
    let see = format!(
        "The final test error of gradient descent grows with the start ({}). Label noise of a size to match ends at {}; \
         label noise of std 1 at {}.",
        of(0),
        of(1),
        of(2)
    );
    let y = Axis::log("test error |beta - truth|\u{b2}");
    let spec = sweep(&series, &Axis::log("scale of the start"), &y, &[]);
    Ok(Drawing::new(see, "initialisation, gd-limit: metrics.parquet, test_error at the last step", spec))
}

fn shapes(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let shape = runs.get("shape");
    let mut all = vec![
        ("label noise itself".to_owned(), runs.get("label").finals(0, "test_error")?),
        ("gradient descent".to_owned(), runs.get("gd").finals(0, "test_error")?),
    ];
    for cell in 0..shape.cells() {
        let (of, kept) = (shape.key_text(cell, "noise.0.of"), shape.key_text(cell, "noise.0.shape"));
        all.push((format!("{of}, {kept}"), shape.finals(cell, "test_error")?));
    }
    let value = |name: &str| {
        all.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, v)| spread_text(v))
    };
    let see = format!(
        "Final test error of label noise itself: {}. Of Gaussian noise with the covariance that label noise has at every \
         point: {}; with only the diagonal of that covariance: {}; with only its trace, isotropic: {}. What the first \
         three share and the last lacks is that the noise on a coefficient fades with the coefficient.",
        value("label noise itself"),
        value("label, full"),
        value("label, diagonal"),
        value("label, isotropic"),
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
    Ok(Drawing::new(see, "shape, label, gd: metrics.parquet, test_error at the last step", spec))
}

/// The last steps of the phases: where the step size drops, and the end.
pub(super) fn phase_ends(run: &Run) -> Result<Vec<u64>, LabError> {
    let table: toml::Table = toml::from_str(&run.experiment).map_err(|error| LabError::NotARun {
        folder: run.folder.clone(),
        reason: format!("experiment.toml is not an experiment ({})", error.message()),
    })?;
    let drops = table["dynamics"]
        .get("learning_rate")
        .and_then(|rate| rate.get("drops"))
        .and_then(toml::Value::as_array);
    let steps = drops.into_iter().flatten().filter_map(|drop| drop.get(0).and_then(toml::Value::as_integer));
    let last = run.steps(0)?.last().copied().unwrap_or(0);
    Ok(steps.map(|step| step as u64).chain([last]).collect())
}

fn phases(runs: &Runs<'_>) -> Result<Drawing, LabError> {
    let run = runs.get("three-phases");
    let series = [
        over_steps(run, 0, "support_mean", "mean on the support")?,
        over_steps(run, 0, "off_support_max", "largest off the support")?,
        over_steps(run, 0, "test_error", "test error")?,
    ];
    let ends = phase_ends(run)?;
    let at: Result<Vec<String>, LabError> = ends
        .iter()
        .map(|end| {
            let on = median(&run.values_at(0, "support_mean", *end)?);
            let error = median(&run.values_at(0, "test_error", *end)?);
            Ok(format!("{} and {} at step {end}", compact(on), compact(error)))
        })
        .collect();
    let see = format!(
        "First everything shrinks, then the support grows back, then its accuracy is refined: mean coefficient on the \
         support and test error are {}. {SPREAD}",
        at?.join(", ")
    );
    let y = Axis::log("coefficients, and test error").with_limits(1e-6, 1e3);
    let spec = bands(&series, &Axis::log("step"), &y, &[]);
    Ok(Drawing::new(see, "three-phases: metrics.parquet", spec))
}
