//! A1 to A4, A6 and A8: where the algorithms end, and how they get there.

use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict, last_step, mean_of};
use jostle::statistics::median;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::compact;

pub(super) fn gd_is_dense(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("gd-seeds");
    let error = Measured::mean(&run.finals(0, "test_error")?);
    let active = Measured::mean(&run.finals(0, "active")?);
    let released = mean_of(runs.get("gd").finals(0, "test_error"))?;
    Ok(Judged::new(
        Verdict::of(error, Criterion::Within(40.0, 100.0)).and(
            "active coefficients",
            active,
            Criterion::AtLeast(60.0),
        ),
        "mean test error within 40 to 100, and at least 60 active coefficients",
        format!(
            "Mean test error of gradient descent after {} steps over {} data sets, with Student's 95 % interval; \
             {} active coefficients. On the released code's data: {released:.2}.",
            last_step(run, 0)?,
            run.replicas(0),
            active.text(),
        ),
    ))
}

pub(super) fn label_noise_recovers(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("label-seeds");
    let recovers = |run: &Run| -> Result<Vec<bool>, LabError> {
        let (errors, active) = (run.finals(0, "test_error")?, run.finals(0, "active")?);
        Ok(errors.iter().zip(active).map(|(error, active)| *error < 5e-3 && active == 5.0).collect())
    };
    let successes = recovers(run)?.into_iter().filter(|success| *success).count();
    let share = Measured::share(successes, run.replicas(0));
    let released = runs.get("label");
    let released_successes = recovers(released)?.into_iter().filter(|success| *success).count();
    Ok(Judged::new(
        Verdict::of(share, Criterion::AtLeast(0.9)),
        "test error below 5e-3 with exactly 5 active coefficients on at least 0.9 of the data sets",
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

pub(super) fn isotropic_does_not(runs: &Runs<'_>) -> Result<Judged, LabError> {
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
    Ok(Judged::new(
        Verdict::of_all(ends, Criterion::Above(50.0))
            .and_all(lowest, Criterion::Above(40.0))
            .and_all(growths, Criterion::Above(1.0)),
        "test error ends above 50 for every std, stays above 40 on the way up to std 0.1, and from std 0.03 on the l1 \
         norm grows from a sixth of the run to its end",
        format!(
            "Mean test error after {} steps for every size of the noise, {} replicas each, Student's 95 % intervals of \
             means and order statistics for medians. {}.",
            last_step(run, 0)?,
            run.replicas(0),
            details.join("; ")
        ),
    ))
}

pub(super) fn from_any_start(runs: &Runs<'_>) -> Result<Judged, LabError> {
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
    Ok(Judged::new(
        Verdict::of_all(matching, Criterion::Below(0.03)).and(
            "the test error from start 2 with std 1",
            weak,
            Criterion::Above(5.0),
        ),
        "median test error below 0.03 from every start with noise to match, and above 5 from start 2 with std 1",
        format!(
            "Median for every start, {} data sets each, {} steps, 95 % intervals of order statistics. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            details.join("; ")
        ),
    ))
}

pub(super) fn mini_batch_is_unreliable(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("mini-batch");
    let errors = run.finals(0, "test_error")?;
    let error = Measured::median(&errors);
    let diverged = Measured::share(run.diverged(0), run.replicas(0));
    let finite: Vec<f64> = errors.iter().copied().filter(|e| e.is_finite()).collect();
    let label = Measured::median(&runs.get("label").finals(0, "test_error")?);
    let gd = median(&runs.get("gd").finals(0, "test_error")?);
    let (smallest, largest) =
        finite.iter().fold((f64::INFINITY, 0.0f64), |(low, high), e| (low.min(*e), high.max(*e)));
    Ok(Judged::new(
        Verdict::of(error, Criterion::Within(label.high, gd)).and(
            "the share that diverges",
            diverged,
            Criterion::Above(0.0),
        ),
        "median test error above that of label noise and below that of gradient descent on the same data, and some runs \
         diverge",
        format!(
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

pub(super) fn three_phases(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("three-phases");
    let ends = crate::shape_matters::figures::phase_ends(run)?;
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
    Ok(Judged::new(
        Verdict::of(Measured::median(&on[1]), Criterion::Above(0.64))
            .and(
                "the mean on the support after the first phase",
                Measured::median(&on[0]),
                Criterion::Below(0.01),
            )
            .and_all(left, Criterion::Below(1.0)),
        "mean coefficient on the support below 0.01 after the first phase and above 0.64 after the second; the test \
         error falls in every phase; each in the median over data sets",
        format!(
            "Median over {} data sets of 60 samples of the mean coefficient on the support after the second phase, 95 % \
             interval of order statistics. Mean on the support, largest off it, and test error (from {}) at the ends of \
             the phases: {}.",
            run.replicas(0),
            compact(median(&start)),
            phases.join("; ")
        ),
    ))
}
