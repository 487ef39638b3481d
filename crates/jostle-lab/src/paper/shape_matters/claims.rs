//! Claims A1 to A8, each a measurement that could fail.

use crate::claim::Claim;
use crate::number::compact;
use crate::paper::judgement::{self, Measured, last_step, mean_of};
use crate::paper::{Paper, Runs};
use crate::run::{LabError, Run};
use jostle::ensemble::Source;
use jostle::problem::{ENTRIES, Generator, Problem};
use jostle::setting::{Settings, Value};
use jostle::statistics::median;
use jostle::theory::{entropy_projection, positive_null_probability, positive_null_vector};
use rayon::prelude::*;

pub(super) const SHAPE_MATTERS: &Paper = &super::PAPER;

/// Id and statement of every claim.
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("A1", "Gradient descent started at w = 1 ends at a dense interpolator, far from the sparse truth."),
    ("A2", "Label noise recovers the sparse truth from the same start."),
    ("A3", "Isotropic Gaussian noise does not recover it, at any size of the noise, and drifts away."),
    ("A4", "Label noise recovers the truth from any start, if the noise is large enough for the start."),
    ("A5", "Gradient descent ends at the entropy projection that its start determines."),
    ("A6", "Mini-batch noise helps, but not reliably."),
    (
        "A7",
        "With 40 samples in dimension 100 the design almost always has a strictly positive null vector, along which \
         isotropic noise has no stationary law.",
    ),
    (
        "A8",
        "With large label noise and three step sizes, everything shrinks, then the support grows back, then its \
         accuracy is refined.",
    ),
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

fn claim(id: &str, measured: Measured, expected: &str, holds: bool, how: String) -> Claim {
    judgement::claim(SHAPE_MATTERS, id, measured, expected, holds, how)
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
        error,
        "mean test error within 40 to 100, and at least 60 active coefficients",
        error.low >= 40.0 && error.high <= 100.0 && active.low >= 60.0,
        format!(
            "Mean test error of gradient descent after {} steps over {} data sets, with a 95 % bootstrap interval; \
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
        share,
        "test error below 5e-3 with exactly 5 active coefficients on at least 0.9 of the data sets",
        share.value >= 0.9,
        format!(
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
    let mut lowest: Option<Measured> = None;
    let mut holds = true;
    let mut details = Vec::new();
    for cell in 0..run.cells() {
        let std = run.key(cell, "noise.0.std").unwrap_or(f64::NAN);
        let end = Measured::mean(&run.finals(cell, "test_error")?);
        let last = last_step(run, cell)?;
        let early = run.values_at(cell, "l1_norm", last / 6)?;
        let growth: Vec<f64> =
            run.finals(cell, "l1_norm")?.iter().zip(&early).map(|(late, e)| late / e).collect();
        let growth = Measured::mean(&growth);
        let minima: Vec<f64> = run
            .paths(cell, "test_error")?
            .iter()
            .map(|path| path.iter().copied().fold(f64::INFINITY, f64::min))
            .collect();
        let lowest_on_the_way = median(&minima);
        holds &= end.low > 50.0;
        holds &= std > 0.1 || lowest_on_the_way > 40.0;
        holds &= std < 0.03 || growth.low > 1.0;
        details.push(format!(
            "std {}: ends at {}, lowest on the way {}, l1 norm grows by {}",
            compact(std),
            end.text(),
            compact(lowest_on_the_way),
            growth.text()
        ));
        if lowest.is_none_or(|lowest| end.value < lowest.value) {
            lowest = Some(end);
        }
    }
    let lowest = lowest.unwrap_or(Measured { value: f64::NAN, low: f64::NAN, high: f64::NAN });
    Ok(claim(
        "A3",
        lowest,
        "test error ends above 50 for every std, stays above 40 on the way up to std 0.1, and from std 0.03 on the l1 \
         norm grows from a sixth of the run to its end",
        holds,
        format!(
            "Smallest mean test error over the sizes of the noise after {} steps, {} replicas each, 95 % bootstrap \
             intervals of means. {}.",
            last_step(run, 0)?,
            run.replicas(0),
            details.join("; ")
        ),
    ))
}

fn from_any_start(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("initialisation");
    let mut worst = Measured { value: 0.0, low: 0.0, high: 0.0 };
    let mut weak = None;
    let mut details = Vec::new();
    for cell in 0..run.cells() {
        let (init, std) = (run.key(cell, "model.init"), run.key(cell, "noise.0.std"));
        let error = Measured::median(&run.finals(cell, "test_error")?);
        details.push(format!(
            "start {}, std {}: {}",
            compact(init.unwrap_or(f64::NAN)),
            compact(std.unwrap_or(f64::NAN)),
            error.text()
        ));
        if init >= Some(2.0) && std <= Some(1.0) {
            weak = Some(error);
        } else if error.value > worst.value {
            worst = error;
        }
    }
    Ok(claim(
        "A4",
        worst,
        "median test error below 0.03 from every start with noise to match, and above 5 from start 2 with std 1",
        worst.value < 0.03 && weak.is_some_and(|weak| weak.value > 5.0),
        format!(
            "Largest median over the starts with matching noise, {} data sets each, {} steps, intervals of order \
             statistics. {}.",
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
    let mut worst = Measured { value: 0.0, low: 0.0, high: 0.0 };
    let mut shrinks = small < large;
    let mut details = Vec::new();
    for at_small in cells_with(run, key, small) {
        let init = run.key(at_small, "model.init").unwrap_or(f64::NAN);
        let finer = Measured::mean(&distances(run, at_small, &problems, init)?);
        for at_large in cells_with(run, key, large) {
            if run.key(at_large, "model.init") == Some(init) {
                let coarser = Measured::mean(&distances(run, at_large, &problems, init)?);
                shrinks &= finer.value < coarser.value;
                details.push(format!("start {}: {} and {}", compact(init), coarser.text(), finer.text()));
            }
        }
        // A distance that is not a number must not pass for a small one.
        if finer.value > worst.value || finer.value.is_nan() {
            worst = finer;
        }
    }
    Ok(claim(
        "A5",
        worst,
        &format!(
            "relative distance to the entropy projection below 1e-2 from every start at step size {}, and smaller than \
             at {}",
            compact(small),
            compact(large)
        ),
        worst.value < 1e-2 && shrinks,
        format!(
            "Largest mean relative distance over the starts at the smaller step size, {} data sets each, 95 % bootstrap \
             intervals of means; the projection is computed to 1e-12. The statement is about gradient flow: a finite \
             step adds an error in proportion to it. At step sizes {} and {}: {}.",
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
    let label = median(&runs.get("label").finals(0, "test_error")?);
    let gd = median(&runs.get("gd").finals(0, "test_error")?);
    let (smallest, largest) =
        finite.iter().fold((f64::INFINITY, 0.0f64), |(low, high), e| (low.min(*e), high.max(*e)));
    let unreliable = diverged.value > 0.0 || largest > 10.0 * smallest;
    Ok(claim(
        "A6",
        error,
        "median test error between label noise and gradient descent on the same data, with runs that diverge or \
         differ more than tenfold",
        error.value > label && error.value < gd && unreliable,
        format!(
            "Median over {} replicas on the released code's data after {} steps, diverged ones counted as infinite, \
             interval of order statistics. {} diverged (share {}); the others end between {} and {}. Label noise ends \
             at {}, gradient descent at {}.",
            run.replicas(0),
            last_step(run, 0)?,
            run.diverged(0),
            diverged.text(),
            compact(smallest),
            compact(largest),
            compact(label),
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
        share,
        "Wendel's probability is 0.978 to 1e-3, and lies within the interval of the measured share",
        (formula - 0.978).abs() < 1e-3 && (share.low..=share.high).contains(&formula),
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
        ("seed", Value::Integer(7)),
    ];
    let settings = Settings::check(&ENTRIES[0], &given).expect("these are settings of a sparse regression");
    Source::PerReplica(
        Generator::from_settings(ENTRIES[0].kind, &settings).expect("a truth of zero fits any dimension"),
    )
}

fn three_phases(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("three-phases");
    let ends = super::figures::phase_ends(run)?;
    let at = |quantity: &str| -> Result<Vec<Measured>, LabError> {
        ends.iter().map(|end| Ok(Measured::median(&run.values_at(0, quantity, *end)?))).collect()
    };
    let (on, off, error) = (at("support_mean")?, at("off_support_max")?, at("test_error")?);
    let start = median(&run.values_at(0, "test_error", 0)?);
    let falls = start > error[0].value && error.windows(2).all(|pair| pair[1].value < pair[0].value);
    let phases: Vec<String> = ends
        .iter()
        .zip(on.iter().zip(&off).zip(&error))
        .map(|(end, ((on, off), error))| {
            format!("step {end}: {}, {}, {}", on.text(), compact(off.value), compact(error.value))
        })
        .collect();
    Ok(claim(
        "A8",
        on[1],
        "mean coefficient on the support below 0.01 after the first phase and above 0.64 after the second; the test \
         error falls in every phase",
        on[0].value < 0.01 && on[1].value > 0.64 && falls,
        format!(
            "Median over {} data sets of the mean coefficient on the support after the second phase, interval of order \
             statistics. Mean on the support, largest off it, and test error (from {}) at the ends of the phases: {}.",
            run.replicas(0),
            compact(start),
            phases.join("; ")
        ),
    ))
}
