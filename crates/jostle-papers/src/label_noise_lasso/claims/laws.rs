//! C3 to C5: the law of a coefficient, and how parameters fall.

use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict, last_step};
use crate::label_noise_lasso::predicted::{mean, predictions, slopes};
use jostle::statistics::{LEVEL, allowed_distance, distance_to_law};
use jostle_lab::LabError;
use jostle_report::number::compact;
use statrs::distribution::{ContinuousCDF, Gamma};

pub(super) fn scalar_law(runs: &Runs<'_>) -> Result<Judged, LabError> {
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
    Ok(Judged::new(
        Verdict::of_all(distances, Criterion::Below(0.1))
            .and_all(means, Criterion::Within(0.9, 1.1))
            .and_all(dead, Criterion::Below(1e-6)),
        "Kolmogorov's distance to the Gamma law below 0.1, the mean within 10 % of the Lasso, and a median below 1e-6 where \
         lambda exceeds the signal",
        format!(
            "Distance between the law of the iterate and the Gamma law from {} replicas after {} steps, with the 95 % band of \
             Dvoretzky, Kiefer, Wolfowitz and Massart for all laws together; means with Student's interval, medians with that of \
             order statistics. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

pub(super) fn effective_init(runs: &Runs<'_>) -> Result<Judged, LabError> {
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
    Ok(Judged::new(
        Verdict::of(ratio, Criterion::Within(0.99, 1.01)).and(
            "the largest deviation of a replica",
            Measured::exactly(off),
            Criterion::Below(0.01),
        ),
        "measured over predicted fall of ln alpha_t within 1 % of one, in the mean and for every replica of the run",
        format!(
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

pub(super) fn slopes_are_slack(runs: &Runs<'_>) -> Result<Judged, LabError> {
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
    Ok(Judged::new(
        Verdict::of_all(errors, Criterion::Below(0.15)).and_all(correlated, Criterion::Above(0.98)),
        "rms error of the slopes below 0.15 of the rms slack, and a correlation above 0.98",
        format!(
            "Median over {} replicas after {} steps, 95 % intervals of order statistics: rms over the coefficients off the \
             Lasso's support of (slope - slack) over the rms slack. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}
