//! Claims A1 to A8, each a measurement that could fail.

use crate::judgement::{self, Criterion, Measured, Verdict, last_step, mean_of};
use crate::{Failure, Paper, Runs, Statement};
use jostle::problem::{ENTRIES, Generator, Problem};
use jostle::process::Source;
use jostle::setting::{Settings, Value};
use jostle::statistics::median;
use jostle::theory::{entropy_projection, positive_null_probability, positive_null_vector};
use jostle_lab::run::{LabError, Run};
use jostle_report::claim::Claim;
use jostle_report::number::compact;
use rayon::prelude::*;

pub(super) const SHAPE_MATTERS: &Paper = &super::PAPER;

/// Every claim.
pub(super) const STATEMENTS: &[Statement] = &[
    Statement::of_the_paper(
        "A1",
        "Gradient descent started at w = 1 ends at a dense interpolator, far from the sparse truth.",
    ),
    Statement::of_the_paper("A2", "Label noise recovers the sparse truth from the same start."),
    Statement::of_the_paper(
        "A3",
        "Isotropic Gaussian noise of std 0.01 to 1 at a constant step size does not recover it, and drifts away.",
    ),
    Statement::of_the_paper(
        "A4",
        "Label noise recovers the truth from starts of 0.1 to 3, if the noise is large enough for the start.",
    ),
    Statement::of_jostle("A5", "Gradient descent ends at the entropy projection that its start determines."),
    Statement::of_jostle("A6", "Mini-batch noise helps, but not reliably."),
    Statement::of_jostle(
        "A7",
        "With 40 samples in dimension 100 the design almost always has a strictly positive null vector, along which \
         isotropic noise has no stationary law.",
    ),
    Statement::of_the_paper(
        "A8",
        "With large label noise, three step sizes and 60 samples, on most data sets everything shrinks, then the support \
         grows back, then its accuracy is refined.",
    ),
];

/// Where claims are known to fail.
pub(super) const FAILURES: &[Failure] = &[
    Failure {
        id: "N4",
        place: "the digits",
        numbers: "small batches gain 0.008 [-0.005, 0.025] in test accuracy",
    },
    Failure {
        id: "N4",
        place: "CIFAR-10",
        numbers: "small batches gain -0.039 [-0.070, -0.015], label noise -0.007 [-0.025, 0.009]",
    },
];

/// Judges every claim.
pub(super) fn judge(runs: &Runs) -> Result<Vec<Claim>, LabError> {
    Ok(vec![
        gd_is_dense(runs)?,
        label_noise_recovers(runs)?,
        isotropic_does_not(runs)?,
        from_any_start(runs)?,
        gd_limit_is_the_projection(runs)?,
        mini_batch_is_unreliable(runs)?,
        positive_null_vectors(runs),
        three_phases(runs)?,
    ])
}

fn claim(id: &str, verdict: &Verdict, expected: &str, how: &str) -> Claim {
    judgement::claim(SHAPE_MATTERS, id, verdict, expected, how)
}

/// The cells of a run whose grid key has this value.
fn cells_with(run: &Run, key: &str, value: f64) -> Vec<usize> {
    (0..run.cells()).filter(|cell| run.key(*cell, key) == Some(value)).collect()
}

fn gd_is_dense(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("gd-seeds");
    let error = Measured::mean(&run.finals(0, "test_error")?);
    let active = Measured::mean(&run.finals(0, "active")?);
    let released = mean_of(runs.get("gd").finals(0, "test_error"))?;
    Ok(claim(
        "A1",
        &Verdict::of(error, Criterion::Within(40.0, 100.0)).and(
            "active coefficients",
            active,
            Criterion::AtLeast(60.0),
        ),
        "mean test error within 40 to 100, and at least 60 active coefficients",
        &format!(
            "Mean test error of gradient descent after {} steps over {} data sets, with Student's 95 % interval; \
             {} active coefficients. On the released code's data: {released:.2}.",
            last_step(run, 0)?,
            run.replicas(0),
            active.text(),
        ),
    ))
}

fn label_noise_recovers(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("label-seeds");
    let recovers = |run: &Run| -> Result<Vec<bool>, LabError> {
        let (errors, active) = (run.finals(0, "test_error")?, run.finals(0, "active")?);
        Ok(errors.iter().zip(active).map(|(error, active)| *error < 5e-3 && active == 5.0).collect())
    };
    let successes = recovers(run)?.into_iter().filter(|success| *success).count();
    let share = Measured::share(successes, run.replicas(0));
    let released = runs.get("label");
    let released_successes = recovers(released)?.into_iter().filter(|success| *success).count();
    Ok(claim(
        "A2",
        &Verdict::of(share, Criterion::AtLeast(0.9)),
        "test error below 5e-3 with exactly 5 active coefficients on at least 0.9 of the data sets",
        &format!(
            "Share of {} data sets after {} steps, with Wilson's 95 % interval; median test error {}. On the released \
             code's data {released_successes} of {} replicas, median {}.",
            run.replicas(0),
            last_step(run, 0)?,
            Measured::median(&run.finals(0, "test_error")?).text(),
            released.replicas(0),
            Measured::median(&released.finals(0, "test_error")?).text(),
        ),
    ))
}

fn isotropic_does_not(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("isotropic");
    let (mut ends, mut lowest, mut growths) = (Vec::new(), Vec::new(), Vec::new());
    let mut details = Vec::new();
    for cell in 0..run.cells() {
        let std = run.key(cell, "noise.0.std").unwrap_or(f64::NAN);
        let end = Measured::mean(&run.finals(cell, "test_error")?);
        let last = last_step(run, cell)?;
        let early = run.values_at(cell, "l1_norm", last / 6)?;
        let growth: Vec<f64> =
            run.finals(cell, "l1_norm")?.iter().zip(&early).map(|(late, e)| late / e).collect();
        let growth = Measured::mean(&growth);
        let paths = run.paths(cell, "test_error")?;
        let smallest = |path: &Vec<f64>| path.iter().copied().fold(f64::INFINITY, f64::min);
        let on_the_way = Measured::median(&paths.iter().map(smallest).collect::<Vec<_>>());
        details.push(format!(
            "std {}: ends at {}, lowest on the way {}, l1 norm grows by {}",
            compact(std),
            end.text(),
            on_the_way.text(),
            growth.text()
        ));
        ends.push((format!("std {}", compact(std)), end));
        if std <= 0.1 {
            lowest.push((format!("the lowest test error on the way with std {}", compact(std)), on_the_way));
        }
        if std >= 0.03 {
            growths.push((format!("the growth of the l1 norm with std {}", compact(std)), growth));
        }
    }
    Ok(claim(
        "A3",
        &Verdict::of_all(ends, Criterion::Above(50.0))
            .and_all(lowest, Criterion::Above(40.0))
            .and_all(growths, Criterion::Above(1.0)),
        "test error ends above 50 for every std, stays above 40 on the way up to std 0.1, and from std 0.03 on the l1 \
         norm grows from a sixth of the run to its end",
        &format!(
            "Mean test error after {} steps for every size of the noise, {} replicas each, Student's 95 % intervals of \
             means and order statistics for medians. {}.",
            last_step(run, 0)?,
            run.replicas(0),
            details.join("; ")
        ),
    ))
}

fn from_any_start(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("initialisation");
    let (mut matching, mut weak) = (Vec::new(), Measured::nothing());
    let mut details = Vec::new();
    for cell in 0..run.cells() {
        let (init, std) = (run.key(cell, "model.init"), run.key(cell, "noise.0.std"));
        let error = Measured::median(&run.finals(cell, "test_error")?);
        let setting =
            format!("start {}, std {}", compact(init.unwrap_or(f64::NAN)), compact(std.unwrap_or(f64::NAN)));
        details.push(format!("{setting}: {}", error.text()));
        if init >= Some(2.0) && std <= Some(1.0) {
            weak = error;
        } else {
            matching.push((setting, error));
        }
    }
    Ok(claim(
        "A4",
        &Verdict::of_all(matching, Criterion::Below(0.03)).and(
            "the test error from start 2 with std 1",
            weak,
            Criterion::Above(5.0),
        ),
        "median test error below 0.03 from every start with noise to match, and above 5 from start 2 with std 1",
        &format!(
            "Median for every start, {} data sets each, {} steps, 95 % intervals of order statistics. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            details.join("; ")
        ),
    ))
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

fn gd_limit_is_the_projection(runs: &Runs) -> Result<Claim, LabError> {
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
    Ok(claim(
        "A5",
        &Verdict::of_all(found, Criterion::Below(1e-2)).and_all(shrink, Criterion::Below(1.0)),
        &format!(
            "relative distance to the entropy projection below 1e-2 from every start at step size {}, and smaller than \
             at {}",
            compact(small),
            compact(large)
        ),
        &format!(
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

fn mini_batch_is_unreliable(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("mini-batch");
    let errors = run.finals(0, "test_error")?;
    let error = Measured::median(&errors);
    let diverged = Measured::share(run.diverged(0), run.replicas(0));
    let finite: Vec<f64> = errors.iter().copied().filter(|e| e.is_finite()).collect();
    let label = Measured::median(&runs.get("label").finals(0, "test_error")?);
    let gd = median(&runs.get("gd").finals(0, "test_error")?);
    let (smallest, largest) =
        finite.iter().fold((f64::INFINITY, 0.0f64), |(low, high), e| (low.min(*e), high.max(*e)));
    Ok(claim(
        "A6",
        &Verdict::of(error, Criterion::Within(label.high, gd)).and(
            "the share that diverges",
            diverged,
            Criterion::Above(0.0),
        ),
        "median test error above that of label noise and below that of gradient descent on the same data, and some runs \
         diverge",
        &format!(
            "Median over {} replicas on the released code's data after {} steps, diverged ones counted as infinite, \
             95 % interval of order statistics. {} diverged (share {}); the others end between {} and {}. Label noise \
             ends at {}, gradient descent at {}.",
            run.replicas(0),
            last_step(run, 0)?,
            run.diverged(0),
            diverged.text(),
            compact(smallest),
            compact(largest),
            label.text(),
            compact(gd)
        ),
    ))
}

fn positive_null_vectors(runs: &Runs) -> Claim {
    let designs: u32 = match runs.scale.as_str() {
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
    claim(
        "A7",
        &Verdict::of(share, Criterion::AtLeast(0.95))
            .and("the measured share", share, Criterion::Covers(formula))
            .and("Wendel's probability", Measured::exactly(formula), Criterion::Within(0.977, 0.979)),
        "a share of at least 0.95, whose interval contains Wendel's probability, which is 0.978 to 1e-3",
        &format!(
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

fn three_phases(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("three-phases");
    let ends = super::figures::phase_ends(run)?;
    let at = |quantity: &str| -> Result<Vec<Vec<f64>>, LabError> {
        ends.iter().map(|end| Ok(run.values_at(0, quantity, *end)?)).collect()
    };
    let (on, off, error) = (at("support_mean")?, at("off_support_max")?, at("test_error")?);
    let start = run.values_at(0, "test_error", 0)?;
    // What every phase leaves of the test error, data set by data set.
    let left =
        std::iter::once(&start).chain(&error).zip(&error).enumerate().map(|(phase, (before, after))| {
            let ratios: Vec<f64> = after.iter().zip(before).map(|(after, before)| after / before).collect();
            (format!("what phase {} leaves of the test error", phase + 1), Measured::median(&ratios))
        });
    let phases: Vec<String> = ends
        .iter()
        .zip(on.iter().zip(&off).zip(&error))
        .map(|(end, ((on, off), error))| {
            let [on, off, error] = [on, off, error].map(|values| Measured::median(values).text());
            format!("step {end}: {on}, {off}, {error}")
        })
        .collect();
    Ok(claim(
        "A8",
        &Verdict::of(Measured::median(&on[1]), Criterion::Above(0.64))
            .and(
                "the mean on the support after the first phase",
                Measured::median(&on[0]),
                Criterion::Below(0.01),
            )
            .and_all(left, Criterion::Below(1.0)),
        "mean coefficient on the support below 0.01 after the first phase and above 0.64 after the second; the test \
         error falls in every phase; each in the median over data sets",
        &format!(
            "Median over {} data sets of 60 samples of the mean coefficient on the support after the second phase, 95 % \
             interval of order statistics. Mean on the support, largest off it, and test error (from {}) at the ends of \
             the phases: {}.",
            run.replicas(0),
            compact(median(&start)),
            phases.join("; ")
        ),
    ))
}
