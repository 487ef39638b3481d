//! B1 and B2: how large the alignment is.

use super::{largest, smallest};
use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict, last_step};
use jostle::statistics::mean;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::compact;

/// The variances of the samples of a run's problem (d).
fn covariance(run: &Run) -> Result<Vec<f64>, LabError> {
    let refuse = |reason: &str| LabError::NotARun { folder: run.folder.clone(), reason: reason.to_owned() };
    let table: toml::Table =
        toml::from_str(&run.experiment).map_err(|_| refuse("experiment.toml is not an experiment"))?;
    let list = table.get("problem").and_then(|problem| problem.get("covariance"));
    let list = list.and_then(toml::Value::as_array).ok_or_else(|| refuse("it has no problem.covariance"))?;
    Ok(list.iter().filter_map(|value| value.as_float().or(value.as_integer().map(|v| v as f64))).collect())
}

pub(super) fn gaussian(runs: &Runs<'_>) -> Result<Judged, LabError> {
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
    Ok(Judged::new(
        Verdict::of(end, Criterion::Within(0.99, 1.01)).and(
            "the ratio at the start",
            start,
            Criterion::Within(0.99, 1.01),
        ),
        "measured over predicted centred alignment within 1 % of one, at the start and at the end",
        format!(
            "Mean over {} data sets of {} samples after {last} steps of SGD, with Student's 95 % interval; predicted from \
             the covariance of the samples and the final error: {} on average. At the start {}, where {} is predicted. \
             Without centring it is 1 + 2 grad L' S grad L / (2 L |S|_F^2): measured over that, {}.",
            run.replicas(0),
            run.rebuilt_cells()?[0].process().source.samples(),
            compact(1.0 + mean(&expected)),
            start.text(),
            compact(1.0 + at_start),
            Measured::mean(&uncentred).text()
        ),
    ))
}

/// What was recorded of an alignment in a cell, replica by replica, without the steps where there is none.
fn recorded(run: &Run, cell: usize) -> Result<Vec<Vec<f64>>, LabError> {
    let of = |path: Vec<f64>| path.into_iter().filter(|mu| !mu.is_nan()).collect();
    Ok(run.paths(cell, "alignment")?.into_iter().map(of).collect())
}

/// What was recorded of the alignment of one model.
struct OfModel {
    name: String,
    /// Every width, with the mean over the steps of every replica.
    widths: Vec<(f64, Vec<f64>)>,
    /// Every recorded value.
    points: Vec<f64>,
}

impl OfModel {
    fn text(&self) -> String {
        let means = || self.widths.iter().map(|(_, means)| mean(means));
        format!(
            "{} {} to {} (single points {} to {})",
            self.name,
            compact(smallest(means())),
            compact(largest(means())),
            compact(smallest(self.points.iter().copied())),
            compact(largest(self.points.iter().copied()))
        )
    }

    /// The mean of every width.
    fn means(&self) -> impl Iterator<Item = (String, Measured)> {
        let of = |(width, means): &(f64, Vec<f64>)| {
            (format!("{}, width {}", self.name, compact(*width)), Measured::mean(means))
        };
        self.widths.iter().map(of)
    }

    /// For every two widths, the mean over replicas of the one over the other.
    fn ratios(&self) -> Vec<(String, Measured)> {
        let mut found = Vec::new();
        for (k, (one, first)) in self.widths.iter().enumerate() {
            for (other, second) in &self.widths[k + 1..] {
                let ratios: Vec<f64> = first.iter().zip(second).map(|(a, b)| a / b).collect();
                let what = format!("{}, width {} over {}", self.name, compact(*one), compact(*other));
                found.push((what, Measured::mean(&ratios)));
            }
        }
        found
    }
}

fn by_model(name: &str, run: &Run) -> Result<Vec<OfModel>, LabError> {
    let mut found: Vec<OfModel> = Vec::new();
    for cell in 0..run.cells() {
        let recorded = recorded(run, cell)?;
        let name = [name, &run.key_text(cell, "model.activation")].join(" ").trim_end().to_owned();
        if !found.iter().any(|model| model.name == name) {
            found.push(OfModel { name: name.clone(), widths: Vec::new(), points: Vec::new() });
        }
        for model in found.iter_mut().filter(|model| model.name == name) {
            let width = run.key(cell, "model.width").unwrap_or(f64::NAN);
            model.widths.push((width, recorded.iter().map(|path| mean(path)).collect()));
            model.points.extend(recorded.iter().flatten());
        }
    }
    Ok(found)
}

pub(super) fn along_sgd(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let (mut models, mut lost) = (Vec::new(), 0);
    for name in ["features", "networks", "linear-networks"] {
        let run = runs.get(name);
        lost += (0..run.cells()).map(|cell| run.diverged(cell)).sum::<usize>();
        models.extend(by_model(name, run)?);
    }
    let features = models.iter().filter(|m| m.name.starts_with("features")).flat_map(OfModel::ratios);
    let texts: Vec<String> = models.iter().map(OfModel::text).collect();
    Ok(Judged::new(
        Verdict::of_all(models.iter().flat_map(OfModel::means), Criterion::Within(0.5, 2.0))
            .and_all(features, Criterion::Within(1.0 / 1.1, 1.1)),
        "mean alignment of every model and width in [0.5, 2]; for random features within 10 % across widths",
        format!(
            "Mean of the (uncentred) alignment over recorded steps and replicas, with Student's 95 % interval over replicas; SGD \
             with one sample a step, {} replicas, networks from starts of their own. Means across widths: {}. {lost} replicas \
             diverged.",
            runs.get("networks").replicas(0),
            texts.join(", "),
        ),
    ))
}
