//! B1 and B2: how large the alignment is.

use super::{claim, largest, smallest};
use crate::claim::Claim;
use crate::number::compact;
use crate::paper::Runs;
use crate::paper::judgement::{Measured, last_step};
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

/// What was recorded of the alignment of one model.
struct OfModel {
    name: String,
    /// Means over steps and replicas, one for each width.
    means: Vec<f64>,
    /// Every recorded value.
    points: Vec<f64>,
}

impl OfModel {
    fn text(&self) -> String {
        format!(
            "{} {} to {} (single points {} to {})",
            self.name,
            compact(smallest(self.means.iter().copied())),
            compact(largest(self.means.iter().copied())),
            compact(smallest(self.points.iter().copied())),
            compact(largest(self.points.iter().copied()))
        )
    }
}

fn by_model(name: &str, run: &Run) -> Result<Vec<OfModel>, LabError> {
    let mut found: Vec<OfModel> = Vec::new();
    for cell in 0..run.cells() {
        let points = recorded(run, cell)?;
        let name = [name, &run.key_text(cell, "model.activation")].join(" ").trim_end().to_owned();
        if !found.iter().any(|model| model.name == name) {
            found.push(OfModel { name: name.clone(), means: Vec::new(), points: Vec::new() });
        }
        for model in found.iter_mut().filter(|model| model.name == name) {
            model.means.push(mean(&points));
            model.points.extend_from_slice(&points);
        }
    }
    Ok(found)
}

pub(super) fn along_sgd(runs: &Runs) -> Result<Claim, LabError> {
    let (mut models, mut lost) = (Vec::new(), 0);
    for name in ["features", "networks", "linear-networks"] {
        let run = runs.get(name);
        lost += (0..run.cells()).map(|cell| run.diverged(cell)).sum::<usize>();
        models.extend(by_model(name, run)?);
    }
    let spread =
        |model: &OfModel| largest(model.means.iter().copied()) / smallest(model.means.iter().copied());
    let features = largest(models.iter().filter(|m| m.name.starts_with("features")).map(spread));
    let means: Vec<f64> = models.iter().flat_map(|model| model.means.iter().copied()).collect();
    let measured = Measured {
        value: mean(&means),
        low: smallest(means.iter().copied()),
        high: largest(means.iter().copied()),
    };
    let texts: Vec<String> = models.iter().map(OfModel::text).collect();
    Ok(claim(
        "B2",
        measured,
        "mean alignment of every model and width in [0.5, 2]; for random features within 10 % across widths",
        measured.low >= 0.5 && measured.high <= 2.0 && features <= 1.1,
        format!(
            "Mean over models and widths of the mean (uncentred) alignment over recorded steps and replicas, with the \
             smallest and the largest; SGD with one sample a step, {} replicas, networks from starts of their own. Means \
             across widths: {}. {lost} replicas diverged.",
            runs.get("networks").replicas(0),
            texts.join(", "),
        ),
    ))
}
