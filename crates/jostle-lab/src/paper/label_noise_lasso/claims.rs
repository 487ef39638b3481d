//! Claims C1 to C8, each a measurement that could fail.

use super::predicted::{Predicted, mean, predictions, relative_distance, slopes, theory};
use crate::claim::Claim;
use crate::number::compact;
use crate::paper::judgement::{self, Measured, last_step};
use crate::paper::{Paper, Runs};
use crate::run::{LabError, Run};
use jostle::statistics::{allowed_distance, distance_to_law, median};
use jostle::theory::{mean_squared_columns, predicted_lasso, support_recovery};
use statrs::distribution::{ContinuousCDF, Gamma};

const LASSO: &Paper = &super::PAPER;

/// Id and statement of every claim.
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    (
        "C1",
        "The time average of the coefficients is the non-negative Lasso with lambda_j = eta delta^2/2 |X_j|^2/n, and \
         not one with half or twice as much.",
    ),
    (
        "C2",
        "The same holds for signed coefficients, for all labels (lambda / n), for single samples (with the residuals' \
         variance), for momentum (lambda / (1 - b)), and, weighted, for columns of unequal norms.",
    ),
    (
        "C3",
        "A single coefficient has a Gamma law, whose mean is the Lasso, and dies where lambda exceeds its signal.",
    ),
    (
        "C4",
        "The effective initialisation falls deterministically: ln u_j v_j by (eta delta)^2 |X_j|^2/n a step.",
    ),
    ("C5", "Off the support, ln w_j falls as fast as the Lasso's KKT slack says."),
    ("C6", "Where theory promises it, the Lasso and the average have the support of the truth."),
    ("C7", "Only the average converges: the iterate keeps fluctuating around it."),
    ("C8", "The distance of the average to the Lasso falls like one over the square root of the steps."),
];

/// Judges every claim.
pub(super) fn judge(runs: &Runs) -> Result<Vec<Claim>, LabError> {
    Ok(vec![
        average_is_the_lasso(runs)?,
        variants(runs)?,
        scalar_law(runs)?,
        effective_init(runs)?,
        slopes_are_slack(runs)?,
        supports(runs)?,
        iterate_fluctuates(runs)?,
        rate(runs)?,
    ])
}

fn claim(id: &str, measured: Measured, expected: &str, holds: bool, how: String) -> Claim {
    judgement::claim(LASSO, id, measured, expected, holds, how)
}

/// How near the averages of a cell's replicas are: to the prediction, and to the Lassos with half and twice its strength.
struct Resolved {
    strength: f64,
    distance: Measured,
    half: f64,
    twice: f64,
}

impl Resolved {
    fn of(run: &Run, k: usize, predicted: &Predicted) -> Result<Self, LabError> {
        let averages = run.final_rows(&format!("beta_mean_{k}"))?;
        let distances = |beta: &[f64]| -> Vec<f64> {
            averages.iter().map(|average| relative_distance(average, beta)).collect()
        };
        let [half, twice] = [0.5, 2.0].map(|factor| predicted.with_strengths(run, |lambda| factor * lambda));
        Ok(Self {
            strength: predicted.strength(),
            distance: Measured::median(&distances(&predicted.lasso.lasso.beta)),
            half: median(&distances(&half?.beta)),
            twice: median(&distances(&twice?.beta)),
        })
    }

    fn holds(&self, within: f64) -> bool {
        self.distance.value < within && self.half.min(self.twice) > 2.0 * self.distance.value
    }

    fn text(&self) -> String {
        format!(
            "lambda {}: distance {}, to half of it {}, to twice {}",
            compact(self.strength),
            self.distance.text(),
            compact(self.half),
            compact(self.twice)
        )
    }
}

/// Short runs are allowed what papers.md's table calls its cheap setting.
fn within(runs: &Runs) -> f64 {
    if runs.scale == "quick" { 0.05 } else { 0.02 }
}

fn worst<'a>(all: impl Iterator<Item = &'a Resolved>) -> Measured {
    let mut worst = Measured { value: 0.0, low: 0.0, high: 0.0 };
    for resolved in all {
        // A distance that is not a number must not pass for a small one.
        if resolved.distance.value > worst.value || resolved.distance.value.is_nan() {
            worst = resolved.distance;
        }
    }
    worst
}

fn average_is_the_lasso(runs: &Runs) -> Result<Claim, LabError> {
    let (run, within) = (runs.get("lasso"), within(runs));
    let all: Result<Vec<Resolved>, LabError> =
        predictions(run)?.iter().enumerate().map(|(k, predicted)| Resolved::of(run, k, predicted)).collect();
    let all = all?;
    let texts: Vec<String> = all.iter().map(Resolved::text).collect();
    Ok(claim(
        "C1",
        worst(all.iter()),
        &format!("relative distance below {within}, and more than twice as far from lambda/2 and 2 lambda"),
        all.iter().all(|resolved| resolved.holds(within)),
        format!(
            "Largest median over {} replicas of the relative distance of the time average after {} steps, interval of \
             order statistics; lambda_j with the objective |X beta - y|^2/2n + sum_j lambda_j |beta_j|. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

fn variants(runs: &Runs) -> Result<Claim, LabError> {
    let within = within(runs);
    let (mut all, mut texts) = (Vec::new(), Vec::new());
    for name in ["signed", "all-labels", "sgd", "momentum", "columns"] {
        let run = runs.get(name);
        for (k, predicted) in predictions(run)?.iter().enumerate() {
            let resolved = Resolved::of(run, k, predicted)?;
            let key =
                run.key(k, "dynamics.momentum").map_or_else(String::new, |b| format!(" {}", compact(b)));
            texts.push(format!("{name}{key}, {}", resolved.text()));
            all.push(resolved);
        }
    }
    let run = runs.get("columns");
    let predicted = &predictions(run)?[0];
    let strength = predicted.strength();
    let equal = predicted.with_strengths(run, |_| strength)?;
    let averages = run.final_rows("beta_mean_0")?;
    let unweighted: Vec<f64> =
        averages.iter().map(|average| relative_distance(average, &equal.beta)).collect();
    let unweighted = median(&unweighted);
    let weighted = all[all.len() - 1].distance.value;
    Ok(claim(
        "C2",
        worst(all.iter()),
        &format!(
            "relative distance below {within} and more than twice as far from lambda/2 and 2 lambda in every variant; \
             with unequal columns, more than twice as far from the Lasso with equal weights"
        ),
        all.iter().all(|resolved| resolved.holds(within)) && unweighted > 2.0 * weighted,
        format!(
            "Largest median over replicas of the relative distance of the time average to the Lasso predicted for the \
             variant's own settings. {}. With columns of unequal norms the distance to the Lasso with the same mean \
             strength for all coefficients is {}.",
            texts.join("; "),
            compact(unweighted)
        ),
    ))
}

/// Of all distances to the law together, correct programs exceed what is allowed this rarely.
const LAW_ERROR: f64 = 0.01;

fn scalar_law(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("scalar");
    let allowed = allowed_distance(run.replicas(0), LAW_ERROR / run.cells() as f64);
    let mut largest = Measured { value: 0.0, low: 0.0, high: 0.0 };
    let (mut holds, mut texts) = (true, Vec::new());
    for (k, predicted) in predictions(run)?.iter().enumerate() {
        let (x, y) = (predicted.problem.x()[0], predicted.problem.y()[0]);
        let finals: Vec<f64> = run.final_rows(&format!("beta_{k}"))?.concat();
        // s^2 x^2 / 2 = lambda with one sample: shape (xy - lambda) / 2 lambda, rate x^2 / 2 lambda.
        let lambda = predicted.lasso.lambda[0];
        let Ok(law) = Gamma::new((x * y - lambda) / (2.0 * lambda), x * x / (2.0 * lambda)) else {
            holds &= median(&finals) < 1e-6;
            texts.push(format!("lambda {}: dies, median {}", compact(lambda), compact(median(&finals))));
            continue;
        };
        let distance = distance_to_law(&finals, |beta| law.cdf(beta));
        holds &= distance <= allowed;
        if distance > largest.value {
            largest = Measured { value: distance, low: distance - allowed, high: distance + allowed };
        }
        texts.push(format!(
            "lambda {}: distance {}, mean {} where the Lasso is {}",
            compact(lambda),
            compact(distance),
            Measured::mean(&finals).text(),
            compact(predicted.lasso.lasso.beta[0])
        ));
    }
    Ok(claim(
        "C3",
        largest,
        &format!("Kolmogorov-Smirnov distance to the Gamma law below {}", compact(allowed)),
        holds,
        format!(
            "Largest distance between the law of {} replicas after {} steps and the Gamma law; a right law exceeds the \
             bound with probability {LAW_ERROR} (Dvoretzky, Kiefer, Wolfowitz, Massart). {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

fn effective_init(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("signed");
    let predicted = &predictions(run)?[0];
    let steps = predicted.cell.dynamics.steps() as f64;
    let start = predicted.cell.model.initial(predicted.problem.dim(), 0).unwrap_or_default();
    let dim = predicted.problem.dim();
    let (mut ratios, mut of_one) = (Vec::new(), 0.0f64);
    for logarithms in run.final_rows("log_abs_theta_0")? {
        let (mut fallen, mut expected) = (0.0, 0.0);
        for j in 0..dim {
            let from = start[j].abs().ln() + start[dim + j].abs().ln();
            let found = from - logarithms[j] - logarithms[dim + j];
            // ln u and ln v fall by rate lambda_j each, beside what the gradient does to both with opposite signs.
            let should = 2.0 * predicted.lasso.rate * predicted.lasso.lambda[j] * steps;
            of_one = of_one.max((found / should - 1.0).abs());
            fallen += found;
            expected += should;
        }
        ratios.push(fallen / expected);
    }
    let ratio = Measured::mean(&ratios);
    let off = ratios.iter().map(|r| (r - 1.0).abs()).fold(0.0, f64::max);
    Ok(claim(
        "C4",
        ratio,
        "measured over predicted fall of ln alpha_t within 1 % of one, for every replica",
        off < 0.01,
        format!(
            "Mean over {} replicas after {} steps of the fall of the mean over the coefficients of ln u_j v_j = 2 ln \
             alpha_t, over 2 eta lambda_j = (eta delta)^2 |X_j|^2/n a step, with a 95 % bootstrap interval; the largest \
             deviation of a replica is {}, and of a single coefficient, whose squared noise has been averaged over the \
             steps only, {}.",
            run.replicas(0),
            last_step(run, 0)?,
            compact(off),
            compact(of_one)
        ),
    ))
}

/// The correlation of pairs.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 { a.iter().zip(b).map(|(a, b)| f(a - ma, b - mb)).sum() };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

fn slopes_are_slack(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("lasso");
    let (mut errors, mut texts, mut least) = (Vec::new(), Vec::new(), f64::INFINITY);
    for (k, predicted) in predictions(run)?.iter().enumerate() {
        let slack = predicted.lasso.slack(&predicted.problem);
        let off: Vec<usize> = (0..slack.len()).filter(|j| predicted.lasso.lasso.beta[*j] == 0.0).collect();
        let of = |values: &[f64]| -> Vec<f64> { off.iter().map(|j| values[*j]).collect() };
        let rows = run.final_rows(&format!("log_abs_theta_{k}"))?;
        let correlations: Vec<f64> =
            rows.iter().map(|row| correlation(&of(&slopes(predicted, row)), &of(&slack))).collect();
        let error = Measured::median(&run.finals(k, "log_slope_error")?);
        least = least.min(median(&correlations));
        texts.push(format!(
            "lambda {}: error {}, correlation {:.4}",
            compact(predicted.strength()),
            error.text(),
            median(&correlations)
        ));
        errors.push(error);
    }
    let mut worst = errors[0];
    for error in &errors {
        if error.value > worst.value || error.value.is_nan() {
            worst = *error;
        }
    }
    Ok(claim(
        "C5",
        worst,
        "rms error of the slopes below 0.15 of the rms slack, and a correlation above 0.98",
        worst.value < 0.15 && least > 0.98,
        format!(
            "Largest median over {} replicas after {} steps, interval of order statistics: rms over the coefficients off \
             the Lasso's support of (slope - slack) over the rms slack. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

fn supports(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("support");
    let (mut holds, mut texts) = (true, Vec::new());
    let mut largest = Vec::new();
    for (k, cell) in run.rebuilt_cells()?.iter().enumerate() {
        let averages = run.final_rows(&format!("beta_mean_{k}"))?;
        let (mut promised, mut exact, mut off_promised) = (0, 0, Vec::new());
        for (replica, average) in averages.iter().enumerate() {
            let problem = cell.source.problem(replica as u32);
            let truth = problem.truth().unwrap_or_default();
            let predicted = predicted_lasso(cell, &problem).map_err(|source| theory(run, source))?;
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
        holds &= exact == promised;
        let off = Measured::median(&off_promised);
        texts.push(format!(
            "{} samples: promised on {promised} of {} data sets, exact Lasso support on {exact} of these, largest \
             average off the support {}",
            compact(samples),
            averages.len(),
            off.text()
        ));
        if samples >= 100.0 {
            holds &= promised > 0 && off.value < 5e-3;
            largest.push(off);
        }
    }
    let measured =
        largest.first().copied().unwrap_or(Measured { value: f64::NAN, low: f64::NAN, high: f64::NAN });
    Ok(claim(
        "C6",
        measured,
        "wherever the condition holds, the Lasso has exactly the support of the truth; at 100 samples the average is \
         below 5e-3 off it",
        holds,
        format!(
            "Median over the data sets with 100 samples of the largest average off the support after {} steps, interval \
             of order statistics. The condition is X_j' X_S (X_S' X_S)^-1 c_S < c_j, c_j = |X_j|^2/n. {}.",
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

fn iterate_fluctuates(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("iterate");
    let (mut worst, mut texts) = (Measured { value: 0.0, low: 0.0, high: 0.0 }, Vec::new());
    for (k, predicted) in predictions(run)?.iter().enumerate() {
        let (average, last) = (run.finals(k, "time_average_to_lasso")?, run.finals(k, "distance_to_lasso")?);
        let ratios: Vec<f64> = average.iter().zip(&last).map(|(a, l)| a / l).collect();
        let ratio = Measured::median(&ratios);
        texts.push(format!(
            "lambda {}: average {}, iterate {}",
            compact(predicted.strength()),
            compact(median(&average)),
            compact(median(&last))
        ));
        if ratio.value > worst.value || ratio.value.is_nan() {
            worst = ratio;
        }
    }
    Ok(claim(
        "C7",
        worst,
        "distance of the average to the Lasso below a tenth of the iterate's",
        worst.value < 0.1,
        format!(
            "Largest median over {} replicas of the ratio after {} steps at constant step size, interval of order \
             statistics. The iterate has a stationary law around the Lasso, whose width does not shrink with time: only a \
             falling step size makes it converge. {}.",
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

fn rate(runs: &Runs) -> Result<Claim, LabError> {
    const FROM: u64 = 1_000;
    let run = runs.get("rate");
    let steps = run.steps(0)?;
    let first = steps.iter().position(|step| *step >= FROM).unwrap_or(0);
    let x: Vec<f64> = steps[first..].iter().map(|step| *step as f64).collect();
    let paths = run.paths(0, "time_average_to_lasso")?;
    let fits: Vec<f64> = paths.iter().map(|path| log_slope(&x, &path[first..])).collect();
    let slope = Measured::mean(&fits);
    let ends: Vec<String> = [FROM, 10_000, 100_000, last_step(run, 0)?]
        .iter()
        .map(|step| {
            Ok(format!(
                "{} after {step} steps",
                compact(median(&run.values_at(0, "time_average_to_lasso", *step)?))
            ))
        })
        .collect::<Result<_, LabError>>()?;
    Ok(claim(
        "C8",
        slope,
        "slope of the logarithm of the distance over that of the steps between -0.6 and -0.35",
        (-0.6..=-0.35).contains(&slope.value),
        format!(
            "Mean over {} replicas of the least-squares slope from step {FROM} to {} of the running average from the \
             first step on, with a 95 % bootstrap interval. Median distances: {}.",
            run.replicas(0),
            last_step(run, 0)?,
            ends.join(", ")
        ),
    ))
}
