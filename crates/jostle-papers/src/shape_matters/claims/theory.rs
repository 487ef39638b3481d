//! A5 and A7: what theory says exactly.

use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict};
use jostle::problem::{ENTRIES, Generator, Problem};
use jostle::process::Source;
use jostle::setting::{Settings, Value};
use jostle::theory::{entropy_projection, positive_null_probability, positive_null_vector};
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::compact;
use rayon::prelude::*;

/// The cells of a run whose grid key has this value.
fn cells_with(run: &Run, key: &str, value: f64) -> Vec<usize> {
    (0..run.cells()).filter(|cell| run.key(*cell, key) == Some(value)).collect()
}

/// The data sets of a run with one for each replica.
fn problems(run: &Run, cell: usize) -> Result<Vec<Problem>, LabError> {
    let replicas = run.replicas(cell);
    let x = run.data_rows("X", cell)?;
    let y = run.data_vector("y", cell)?.unwrap_or_default();
    let truth = run.data_vector("truth", cell)?;
    let samples = y.len() / replicas;
    let made = (0..replicas).map(|r| {
        let rows = x[r * samples..(r + 1) * samples].concat();
        Problem::new(rows, y[r * samples..(r + 1) * samples].to_vec(), truth.clone())
    });
    Ok(made.filter_map(Result::ok).collect())
}

pub(super) fn gd_limit_is_the_projection(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("gd-limit");
    let problems = problems(run, 0)?;
    let key = "dynamics.learning_rate";
    let rates: Vec<f64> = (0..run.cells()).filter_map(|cell| run.key(cell, key)).collect();
    let (small, large) =
        rates.iter().fold((f64::INFINITY, 0.0f64), |(low, high), r| (low.min(*r), high.max(*r)));
    let (mut found, mut shrink, mut details) = (Vec::new(), Vec::new(), Vec::new());
    for at_small in cells_with(run, key, small) {
        let init = run.key(at_small, "model.init").unwrap_or(f64::NAN);
        let finer = distances(run, at_small, &problems, init)?;
        for at_large in cells_with(run, key, large) {
            if at_large != at_small && run.key(at_large, "model.init") == Some(init) {
                let coarser = distances(run, at_large, &problems, init)?;
                let ratios: Vec<f64> =
                    finer.iter().zip(&coarser).map(|(fine, coarse)| fine / coarse).collect();
                let ratio = Measured::mean(&ratios);
                details.push(format!(
                    "start {}: {} and {}, ratio {}",
                    compact(init),
                    Measured::mean(&coarser).text(),
                    Measured::mean(&finer).text(),
                    ratio.text()
                ));
                shrink.push((format!("the ratio of the distances from start {}", compact(init)), ratio));
            }
        }
        found.push((format!("start {}", compact(init)), Measured::mean(&finer)));
    }
    if shrink.is_empty() {
        shrink.push(("the ratio of the distances".to_owned(), Measured::nothing()));
    }
    Ok(Judged::new(
        Verdict::of_all(found, Criterion::Below(1e-2)).and_all(shrink, Criterion::Below(1.0)),
        format!(
            "relative distance to the entropy projection below 1e-2 from every start at step size {}, and smaller than \
             at {}",
            compact(small),
            compact(large)
        ),
        format!(
            "Mean relative distance for every start at the smaller step size, {} data sets each, Student's 95 % \
             intervals; the projection is computed to 1e-12. The statement is about gradient flow: a finite step adds an \
             error in proportion to it. At step sizes {} and {}: {}.",
            run.replicas(0),
            compact(large),
            compact(small),
            details.join("; ")
        ),
    ))
}

/// Relative distances of the final coefficients to the entropy projection from `init`.
fn distances(run: &Run, cell: usize, problems: &[Problem], init: f64) -> Result<Vec<f64>, LabError> {
    let rows = run.final_rows(&format!("beta_{cell}"))?;
    Ok(rows
        .iter()
        .zip(problems)
        .map(|(beta, problem)| {
            let Ok(limit) = entropy_projection(problem, &[init]) else { return f64::INFINITY };
            let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
            let distance = square(&mut beta.iter().zip(&limit.beta).map(|(a, b)| a - b));
            (distance / square(&mut limit.beta.iter().copied())).sqrt()
        })
        .collect())
}

pub(super) fn positive_null_vectors(runs: &Runs<'_>) -> Judged {
    let designs: u32 = match runs.scale() {
        "quick" => 200,
        "standard" => 1000,
        _ => 5000,
    };
    let (samples, dim) = (40, 100);
    let formula = positive_null_probability(samples, dim);
    let source = gaussian_designs(samples, dim);
    let found: Vec<Option<bool>> = (0..designs)
        .into_par_iter()
        .map(|k| positive_null_vector(&source.problem(k)).ok().map(|vector| vector.is_some()))
        .collect();
    let decided: Vec<bool> = found.iter().flatten().copied().collect();
    let share = Measured::share(decided.iter().filter(|positive| **positive).count(), decided.len());
    Judged::new(
        Verdict::of(share, Criterion::AtLeast(0.95))
            .and("the measured share", share, Criterion::Covers(formula))
            .and("Wendel's probability", Measured::exactly(formula), Criterion::Within(0.977, 0.979)),
        "a share of at least 0.95, whose interval contains Wendel's probability, which is 0.978 to 1e-3",
        format!(
            "Share of {} Gaussian designs in which a linear programme finds a strictly positive null vector, with \
             Wilson's 95 % interval; Wendel's formula gives {formula:.5}. {} designs were too close to call.",
            decided.len(),
            found.len() - decided.len()
        ),
    )
}

fn gaussian_designs(samples: usize, dim: usize) -> Source {
    let given = [
        ("samples", Value::Integer(samples as u64)),
        ("dim", Value::Integer(dim as u64)),
        ("sparsity", Value::Integer(0)),
        ("seed", Value::Integer(2027)),
    ];
    let settings = Settings::check(&ENTRIES[0], &given).expect("these are settings of a sparse regression");
    Source::PerReplica(
        Generator::from_settings(ENTRIES[0].kind, &settings).expect("a truth of zero fits any dimension"),
    )
}
