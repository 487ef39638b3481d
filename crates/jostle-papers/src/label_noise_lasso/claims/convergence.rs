//! C6 to C8: the support, and how fast averages converge.

use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict, last_step};
use crate::label_noise_lasso::predicted::{mean, predictions, theory};
use jostle::statistics::median;
use jostle::theory::{mean_squared_columns, predicted_lasso, support_recovery};
use jostle_lab::LabError;
use jostle_report::number::compact;

pub(super) fn supports(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("support");
    let (mut exceptions, mut texts, mut largest) = (0, Vec::new(), Vec::new());
    for (k, cell) in run.rebuilt_cells()?.iter().enumerate() {
        let averages = run.final_rows(&format!("beta_mean_{k}"))?;
        let (mut promised, mut exact, mut off_promised) = (0, 0, Vec::new());
        for (replica, average) in averages.iter().enumerate() {
            let problem = cell.process().source.problem(replica as u32);
            let truth = problem.truth().unwrap_or_default();
            let predicted =
                predicted_lasso(cell.process(), &problem).map_err(|source| theory(run, source))?;
            let columns = mean_squared_columns(&problem);
            let recovery = support_recovery(&problem, &columns, truth, predicted.sign)
                .map_err(|source| theory(run, source))?;
            if !recovery.is_promised() {
                continue;
            }
            promised += 1;
            let support: Vec<usize> = (0..truth.len()).filter(|j| truth[*j] != 0.0).collect();
            exact += usize::from(predicted.lasso.support() == support);
            let off = (0..truth.len()).filter(|j| truth[*j] == 0.0).map(|j| average[j].abs());
            off_promised.push(off.fold(0.0, f64::max));
        }
        let samples = run.key(k, "problem.samples").unwrap_or(f64::NAN);
        exceptions += promised - exact;
        let off = Measured::median(&off_promised);
        texts.push(format!(
            "{} samples: promised on {promised} of {} data sets, exact Lasso support on {exact} of these, largest \
             average off the support {}",
            compact(samples),
            averages.len(),
            off.text()
        ));
        if samples >= 100.0 {
            largest.push((format!("{} samples", compact(samples)), off));
        }
    }
    Ok(Judged::new(
        Verdict::of_all(largest, Criterion::Below(5e-3)).and(
            "the number of data sets where the Lasso has another support",
            Measured::exactly(exceptions as f64),
            Criterion::AtMost(0.0),
        ),
        "on every data set on which the condition holds, the Lasso has exactly the support of the truth; at 100 samples the \
         average is below 5e-3 off it",
        format!(
            "Median over the data sets with 100 samples of the largest average off the support after {} steps, 95 % interval \
             of order statistics. The condition is X_j' X_S (X_S' X_S)^-1 c_S < c_j, c_j = |X_j|^2/n. {}.",
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

pub(super) fn iterate_fluctuates(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("iterate");
    let (mut found, mut texts) = (Vec::new(), Vec::new());
    for (k, predicted) in predictions(run)?.iter().enumerate() {
        let (average, last) = (run.finals(k, "time_average_to_lasso")?, run.finals(k, "distance_to_lasso")?);
        let ratios: Vec<f64> = average.iter().zip(&last).map(|(a, l)| a / l).collect();
        let ratio = Measured::median(&ratios);
        let name = format!("lambda {}", compact(predicted.strength()));
        texts.push(format!(
            "{name}: average {}, iterate {}, ratio {}",
            compact(median(&average)),
            compact(median(&last)),
            ratio.text()
        ));
        found.push((name, ratio));
    }
    Ok(Judged::new(
        Verdict::of_all(found, Criterion::Below(0.1)),
        "distance of the average to the Lasso below a tenth of the iterate's",
        format!(
            "Median over {} replicas of the ratio after {} steps at constant step size, 95 % intervals of order statistics. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

/// The least-squares slope of `ln y` over `ln x`.
fn log_slope(x: &[f64], y: &[f64]) -> f64 {
    let (x, y): (Vec<f64>, Vec<f64>) = x.iter().zip(y).map(|(x, y)| (x.ln(), y.ln())).unzip();
    let (mx, my) = (mean(&x), mean(&y));
    let covariance: f64 = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / x.iter().map(|x| (x - mx).powi(2)).sum::<f64>()
}

pub(super) fn rate(runs: &Runs<'_>) -> Result<Judged, LabError> {
    const FROM: u64 = 1_000;
    let run = runs.get("rate");
    let (steps, last) = (run.steps(0)?, last_step(run, 0)?);
    let paths = run.paths(0, "time_average_to_lasso")?;
    let between = |from: u64, to: u64| -> Measured {
        let chosen: Vec<usize> = (0..steps.len()).filter(|k| (from..=to).contains(&steps[*k])).collect();
        let x: Vec<f64> = chosen.iter().map(|k| steps[*k] as f64).collect();
        let fits =
            paths.iter().map(|path| log_slope(&x, &chosen.iter().map(|k| path[*k]).collect::<Vec<_>>()));
        Measured::mean(&fits.collect::<Vec<_>>())
    };
    let stretches = [(FROM, 10_000), (10_000, 100_000), (100_000, last)];
    let local: Vec<String> = stretches
        .iter()
        .map(|(from, to)| format!("{} from step {from} to {to}", between(*from, *to).text()))
        .collect();
    let ends: Vec<String> = [FROM, 10_000, 100_000, last]
        .iter()
        .map(|step| {
            Ok(format!(
                "{} after {step} steps",
                compact(median(&run.values_at(0, "time_average_to_lasso", *step)?))
            ))
        })
        .collect::<Result<_, LabError>>()?;
    Ok(Judged::new(
        Verdict::of(between(FROM, last), Criterion::Within(-0.65, -0.4)),
        "slope of the logarithm of the distance over that of the steps between -0.65 and -0.4",
        format!(
            "Mean over {} replicas of the least-squares slope from step {FROM} to {last} of the running average from the \
             first step on, with Student's 95 % interval. Local slopes: {}. Median distances: {}.",
            run.replicas(0),
            local.join(", "),
            ends.join(", ")
        ),
    ))
}
