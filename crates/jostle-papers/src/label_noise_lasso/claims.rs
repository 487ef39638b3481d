//! Claims C1 to C8, each a measurement that could fail.

use super::predicted::{Predicted, mean, predictions, relative_distance, slopes, theory};
use crate::judgement::{self, Criterion, Measured, Verdict, last_step};
use crate::{Paper, Runs, Statement};
use jostle::statistics::{LEVEL, allowed_distance, distance_to_law, median};
use jostle::theory::{mean_squared_columns, predicted_lasso, support_recovery};
use jostle_lab::run::{LabError, Run};
use jostle_report::claim::Claim;
use jostle_report::number::compact;
use statrs::distribution::{ContinuousCDF, Gamma};

const LASSO: &Paper = &super::PAPER;

/// Every claim.
pub(super) const STATEMENTS: &[Statement] = &[
    Statement::of_the_paper(
        "C1",
        "The time average of the coefficients is the non-negative Lasso with lambda_j = eta delta^2/2 |X_j|^2/n, and \
         not one with half or twice as much.",
    ),
    Statement::of_jostle(
        "C2",
        "The same holds for signed coefficients, for all labels (lambda / n), for single samples (with the residuals' \
         variance), for momentum (lambda / (1 - b)), and, weighted, for columns of unequal norms.",
    ),
    Statement::of_jostle(
        "C3",
        "To first order in the step size, a single coefficient has a Gamma law, whose mean is the Lasso, and dies where \
         lambda exceeds its signal.",
    ),
    Statement::of_jostle(
        "C4",
        "The effective initialisation falls deterministically: ln u_j v_j by (eta delta)^2 |X_j|^2/n a step.",
    ),
    Statement::of_jostle("C5", "Off the support, ln w_j falls as fast as the Lasso's KKT slack says."),
    Statement::of_jostle(
        "C6",
        "Where theory promises it, the Lasso and the average have the support of the truth.",
    ),
    Statement::of_the_paper(
        "C7",
        "The average converges to the Lasso; the iterate keeps fluctuating around it, at a constant step size.",
    ),
    Statement::of_jostle(
        "C8",
        "The distance of the average to the Lasso falls like a power of the steps: from step 1,000 on the slope of the \
         logarithms is between -0.65 and -0.4.",
    ),
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

fn claim(id: &str, verdict: &Verdict, expected: &str, how: &str) -> Claim {
    judgement::claim(LASSO, id, verdict, expected, how)
}

/// How near the averages of a cell's replicas are: to the prediction, and to the Lassos with half and twice its strength.
struct Resolved {
    name: String,
    strength: f64,
    distance: Measured,
    half: f64,
    twice: f64,
    /// How many times as far as the prediction the nearer one of these two is.
    margin: Measured,
}

impl Resolved {
    fn of(run: &Run, k: usize, predicted: &Predicted, name: &str) -> Result<Self, LabError> {
        let averages = run.final_rows(&format!("beta_mean_{k}"))?;
        let distances = |beta: &[f64]| -> Vec<f64> {
            averages.iter().map(|average| relative_distance(average, beta)).collect()
        };
        let [half, twice] = [0.5, 2.0].map(|factor| predicted.with_strengths(run, |lambda| factor * lambda));
        let (found, half, twice) =
            (distances(&predicted.lasso.lasso.beta), distances(&half?.beta), distances(&twice?.beta));
        let nearer = half.iter().zip(&twice).map(|(half, twice)| half.min(*twice));
        let margins: Vec<f64> = nearer.zip(&found).map(|(nearer, found)| nearer / found).collect();
        Ok(Self {
            name: name.to_owned(),
            strength: predicted.strength(),
            distance: Measured::median(&found),
            half: median(&half),
            twice: median(&twice),
            margin: Measured::median(&margins),
        })
    }

    fn text(&self) -> String {
        format!(
            "{}: distance {}, to half of lambda {}, to twice {}, the nearer of them {} times as far",
            self.label(),
            self.distance.text(),
            compact(self.half),
            compact(self.twice),
            self.margin.text()
        )
    }

    fn label(&self) -> String {
        format!("{} lambda {}", self.name, compact(self.strength)).trim_start().to_owned()
    }
}

/// Distances within the limit, and twice as near as half or twice of lambda.
fn resolved(all: &[Resolved], within: f64) -> Verdict {
    let margins =
        all.iter().map(|one| (format!("how much farther half or twice is, {}", one.label()), one.margin));
    Verdict::of_all(all.iter().map(|one| (one.label(), one.distance)), Criterion::Below(within))
        .and_all(margins, Criterion::Above(2.0))
}

/// The relative distance that is allowed: short runs have not come as near.
fn within(runs: &Runs) -> f64 {
    if runs.scale == "quick" { 0.05 } else { 0.02 }
}

fn average_is_the_lasso(runs: &Runs) -> Result<Claim, LabError> {
    let (run, within) = (runs.get("lasso"), within(runs));
    let all: Result<Vec<Resolved>, LabError> = predictions(run)?
        .iter()
        .enumerate()
        .map(|(k, predicted)| Resolved::of(run, k, predicted, ""))
        .collect();
    let all = all?;
    let texts: Vec<String> = all.iter().map(Resolved::text).collect();
    Ok(claim(
        "C1",
        &resolved(&all, within),
        &format!("relative distance below {within}, and more than twice as far from lambda/2 and 2 lambda"),
        &format!(
            "Median over {} replicas of the relative distance of the time average after {} steps, 95 % intervals of order \
             statistics; lambda_j with the objective |X beta - y|^2/2n + sum_j lambda_j |beta_j|. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

fn variants(runs: &Runs) -> Result<Claim, LabError> {
    let within = within(runs);
    let mut all = Vec::new();
    for name in ["signed", "all-labels", "sgd", "momentum", "columns"] {
        let run = runs.get(name);
        for (k, predicted) in predictions(run)?.iter().enumerate() {
            let key =
                run.key(k, "dynamics.momentum").map_or_else(String::new, |b| format!(" {}", compact(b)));
            all.push(Resolved::of(run, k, predicted, &format!("{name}{key},"))?);
        }
    }
    let run = runs.get("columns");
    let predicted = &predictions(run)?[0];
    let strength = predicted.strength();
    let equal = predicted.with_strengths(run, |_| strength)?;
    let averages = run.final_rows("beta_mean_0")?;
    let (mut unweighted, mut margins) = (Vec::new(), Vec::new());
    for average in &averages {
        unweighted.push(relative_distance(average, &equal.beta));
        margins
            .push(unweighted[unweighted.len() - 1] / relative_distance(average, &predicted.lasso.lasso.beta));
    }
    let margin = Measured::median(&margins);
    let texts: Vec<String> = all.iter().map(Resolved::text).collect();
    Ok(claim(
        "C2",
        &resolved(&all, within).and(
            "how much farther the Lasso with equal weights is",
            margin,
            Criterion::Above(2.0),
        ),
        &format!(
            "relative distance below {within} and more than twice as far from lambda/2 and 2 lambda in every variant; \
             with unequal columns, more than twice as far from the Lasso with equal weights"
        ),
        &format!(
            "Median over replicas of the relative distance of the time average to the Lasso predicted for the variant's own \
             settings, 95 % intervals of order statistics. {}. With columns of unequal norms the distance to the Lasso \
             with the same mean strength for all coefficients is {}, {} times as far.",
            texts.join("; "),
            compact(median(&unweighted)),
            margin.text()
        ),
    ))
}

fn scalar_law(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("scalar");
    let predicted = predictions(run)?;
    // The bands of all cells together cover all laws in 95 % of all cases.
    let band = allowed_distance(run.replicas(0), (1.0 - LEVEL) / predicted.len() as f64);
    let (mut distances, mut means, mut dead, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (k, predicted) in predicted.iter().enumerate() {
        let (x, y) = (predicted.problem.x()[0], predicted.problem.y()[0]);
        let finals: Vec<f64> = run.final_rows(&format!("beta_{k}"))?.concat();
        // s^2 x^2 / 2 = lambda with one sample: shape (xy - lambda) / 2 lambda, rate x^2 / 2 lambda.
        let lambda = predicted.lasso.lambda[0];
        let name = format!("lambda {}", compact(lambda));
        let Ok(law) = Gamma::new((x * y - lambda) / (2.0 * lambda), x * x / (2.0 * lambda)) else {
            let median = Measured::median(&finals);
            texts.push(format!("{name}: dies, median {}", median.text()));
            dead.push((format!("the median with {name}"), median));
            continue;
        };
        let value = distance_to_law(&finals, |beta| law.cdf(beta));
        let distance = Measured { value, low: (value - band).max(0.0), high: value + band };
        let lasso = predicted.lasso.lasso.beta[0];
        let mean = Measured::mean(&finals.iter().map(|beta| beta / lasso).collect::<Vec<_>>());
        texts.push(format!(
            "{name}: distance {}, mean over the Lasso, {}, {}",
            distance.text(),
            compact(lasso),
            mean.text()
        ));
        distances.push((name.clone(), distance));
        means.push((format!("the mean over the Lasso with {name}"), mean));
    }
    Ok(claim(
        "C3",
        &Verdict::of_all(distances, Criterion::Below(0.1))
            .and_all(means, Criterion::Within(0.9, 1.1))
            .and_all(dead, Criterion::Below(1e-6)),
        "Kolmogorov's distance to the Gamma law below 0.1, the mean within 10 % of the Lasso, and a median below 1e-6 where \
         lambda exceeds the signal",
        &format!(
            "Distance between the law of the iterate and the Gamma law from {} replicas after {} steps, with the 95 % band of \
             Dvoretzky, Kiefer, Wolfowitz and Massart for all laws together; means with Student's interval, medians with that of \
             order statistics. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

fn effective_init(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("signed");
    let predicted = &predictions(run)?[0];
    let steps = predicted.cell.process().dynamics.steps() as f64;
    let start = predicted.cell.process().model.initial(predicted.problem.dim(), 0);
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
        &Verdict::of(ratio, Criterion::Within(0.99, 1.01)).and(
            "the largest deviation of a replica",
            Measured::exactly(off),
            Criterion::Below(0.01),
        ),
        "measured over predicted fall of ln alpha_t within 1 % of one, in the mean and for every replica of the run",
        &format!(
            "Mean over {} replicas after {} steps of the fall of the mean over the coefficients of ln u_j v_j = 2 ln \
             alpha_t, over 2 eta lambda_j = (eta delta)^2 |X_j|^2/n a step, with Student's 95 % interval; the largest \
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
    let (mut errors, mut correlated, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for (k, predicted) in predictions(run)?.iter().enumerate() {
        let slack = predicted.lasso.slack(&predicted.problem);
        let off: Vec<usize> = (0..slack.len()).filter(|j| predicted.lasso.lasso.beta[*j] == 0.0).collect();
        let of = |values: &[f64]| -> Vec<f64> { off.iter().map(|j| values[*j]).collect() };
        let rows = run.final_rows(&format!("log_abs_theta_{k}"))?;
        let correlations: Vec<f64> =
            rows.iter().map(|row| correlation(&of(&slopes(predicted, row)), &of(&slack))).collect();
        let error = Measured::median(&run.finals(k, "log_slope_error")?);
        let correlation = Measured::median(&correlations);
        let name = format!("lambda {}", compact(predicted.strength()));
        texts.push(format!(
            "{name}: error {}, correlation {:.4} [{:.4}, {:.4}]",
            error.text(),
            correlation.value,
            correlation.low,
            correlation.high
        ));
        correlated.push((format!("the correlation with {name}"), correlation));
        errors.push((name, error));
    }
    Ok(claim(
        "C5",
        &Verdict::of_all(errors, Criterion::Below(0.15)).and_all(correlated, Criterion::Above(0.98)),
        "rms error of the slopes below 0.15 of the rms slack, and a correlation above 0.98",
        &format!(
            "Median over {} replicas after {} steps, 95 % intervals of order statistics: rms over the coefficients off the \
             Lasso's support of (slope - slack) over the rms slack. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

fn supports(runs: &Runs) -> Result<Claim, LabError> {
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
    Ok(claim(
        "C6",
        &Verdict::of_all(largest, Criterion::Below(5e-3)).and(
            "the number of data sets where the Lasso has another support",
            Measured::exactly(exceptions as f64),
            Criterion::AtMost(0.0),
        ),
        "on every data set on which the condition holds, the Lasso has exactly the support of the truth; at 100 samples the \
         average is below 5e-3 off it",
        &format!(
            "Median over the data sets with 100 samples of the largest average off the support after {} steps, 95 % interval \
             of order statistics. The condition is X_j' X_S (X_S' X_S)^-1 c_S < c_j, c_j = |X_j|^2/n. {}.",
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

fn iterate_fluctuates(runs: &Runs) -> Result<Claim, LabError> {
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
    Ok(claim(
        "C7",
        &Verdict::of_all(found, Criterion::Below(0.1)),
        "distance of the average to the Lasso below a tenth of the iterate's",
        &format!(
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

fn rate(runs: &Runs) -> Result<Claim, LabError> {
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
    Ok(claim(
        "C8",
        &Verdict::of(between(FROM, last), Criterion::Within(-0.65, -0.4)),
        "slope of the logarithm of the distance over that of the steps between -0.65 and -0.4",
        &format!(
            "Mean over {} replicas of the least-squares slope from step {FROM} to {last} of the running average from the \
             first step on, with Student's 95 % interval. Local slopes: {}. Median distances: {}.",
            run.replicas(0),
            local.join(", "),
            ends.join(", ")
        ),
    ))
}
