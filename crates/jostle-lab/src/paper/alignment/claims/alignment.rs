//! B1 and B2: how large the alignment is.

use super::{claim, largest, smallest};
use crate::claim::Claim;
use crate::paper::Runs;
use crate::paper::judgement::{Measured, last_step};
use crate::report::compact;
use crate::run::{LabError, Run};
use jostle::statistics::mean;

/// The variances of the samples of a run's problem (d).
fn covariance(run: &Run) -> Result<Vec<f64>, LabError> {
    let refuse = |reason: &str| LabError::NotARun { folder: run.folder.clone(), reason: reason.to_owned() };
    let table: toml::Table =
        toml::from_str(&run.experiment).map_err(|_| refuse("experiment.toml is not an experiment"))?;
    let list = table.get("problem").and_then(|problem| problem.get("covariance"));
    let list = list.and_then(toml::Value::as_array).ok_or_else(|| refuse("it has no problem.covariance"))?;
    Ok(list.iter().filter_map(|value| value.as_float().or(value.as_integer().map(|v| v as f64))).collect())
}

pub(super) fn gaussian(runs: &Runs) -> Result<Claim, LabError> {
    let run = runs.get("gaussian");
    let variances = covariance(run)?;
    let truth = run.data_vector("truth", 0)?.unwrap_or_default();
    // With e = x . v: grad L = S v, 2 L = v' S v, and the covariance is 2 L S + grad L grad L'.
    let excess = |beta: &[f64]| {
        let v: Vec<f64> = beta.iter().zip(&truth).map(|(b, t)| b - t).collect();
        let sum = |power: i32| v.iter().zip(&variances).map(|(v, s)| v * v * s.powi(power)).sum::<f64>();
        let squares: f64 = variances.iter().map(|s| s * s).sum();
        sum(3) / (sum(1) * squares)
    };
    let last = last_step(run, 0)?;
    let ends = run.final_rows("beta_0")?;
    let expected: Vec<f64> = ends.iter().map(|beta| excess(beta)).collect();
    let at_start = excess(&vec![0.0; truth.len()]);
    let ratios = |quantity: &str, share: f64| -> Result<[Vec<f64>; 2], LabError> {
        let start = run.values_at(0, quantity, 0)?;
        let end = run.finals(0, quantity)?;
        Ok([
            start.iter().map(|mu| mu / (1.0 + share * at_start)).collect(),
            end.iter().zip(&expected).map(|(mu, excess)| mu / (1.0 + share * excess)).collect(),
        ])
    };
    let [start, end] = ratios("alignment_centred", 1.0)?;
    let [_, uncentred] = ratios("alignment", 2.0)?;
    let (start, end) = (Measured::mean(&start), Measured::mean(&end));
    let is_near = |ratio: &Measured| (ratio.value - 1.0).abs() < 0.01;
    Ok(claim(
        "B1",
        end,
        "measured over predicted centred alignment within 1 % of one, at the start and at the end",
        is_near(&start) && is_near(&end),
        format!(
            "Mean over {} data sets of {} samples after {last} steps of SGD, with a 95 % bootstrap interval; predicted from \
             the covariance of the samples and the final error: {} on average. At the start {}, where {} is predicted. \
             Without centring it is 1 + 2 grad L' S grad L / (2 L |S|_F^2): measured over that, {}.",
            run.replicas(0),
            run.rebuilt_cells()?[0].source.samples(),
            compact(1.0 + mean(&expected)),
            start.text(),
            compact(1.0 + at_start),
            Measured::mean(&uncentred).text()
        ),
    ))
}

/// Everything that was recorded of an alignment in a cell, but where there is none.
fn recorded(run: &Run, cell: usize) -> Result<Vec<f64>, LabError> {
    Ok(run.paths(cell, "alignment")?.concat().into_iter().filter(|mu| !mu.is_nan()).collect())
}

pub(super) fn along_sgd(runs: &Runs) -> Result<Claim, LabError> {
    let (mut means, mut texts, mut lost, mut spread) = (Vec::new(), Vec::new(), 0, 0.0f64);
    let (mut low, mut high) = (f64::INFINITY, 0.0f64);
    for name in ["features", "networks", "linear-networks"] {
        let run = runs.get(name);
        let mut by_model: Vec<(String, Vec<f64>)> = Vec::new();
        for cell in 0..run.cells() {
            let mu = recorded(run, cell)?;
            lost += run.diverged(cell);
            (low, high) = (low.min(smallest(mu.iter().copied())), high.max(largest(mu.iter().copied())));
            let model = run.key_text(cell, "model.activation");
            match by_model.iter_mut().find(|(known, _)| *known == model) {
                Some((_, found)) => found.push(mean(&mu)),
                None => by_model.push((model, vec![mean(&mu)])),
            }
            means.push(mean(&mu));
        }
        for (model, found) in by_model {
            let (least, most) = (smallest(found.iter().copied()), largest(found.iter().copied()));
            if name == "features" {
                spread = spread.max(most / least);
            }
            let label = [name, &model].join(" ");
            texts.push(format!("{} {} to {}", label.trim_end(), compact(least), compact(most)));
        }
    }
    let measured =
        Measured { value: mean(&means), low: smallest(means.iter().copied()), high: largest(means) };
    let run = runs.get("networks");
    Ok(claim(
        "B2",
        measured,
        "mean alignment of every model and width in [0.5, 2]; for random features within 10 % across widths",
        measured.low >= 0.5 && measured.high <= 2.0 && spread <= 1.1,
        format!(
            "Mean over models and widths of the mean (uncentred) alignment over recorded steps and replicas, with the \
             smallest and the largest; SGD with one sample a step. Means across widths: {}; single points lie between {} \
             and {}. {} replicas each, networks from starts of their own; {lost} replicas diverged.",
            texts.join(", "),
            compact(low),
            compact(high),
            run.replicas(0),
        ),
    ))
}
