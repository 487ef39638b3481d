//! C1 and C2: time averages and the Lassos that theory predicts.

use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict, last_step};
use crate::label_noise_lasso::predicted::{Predicted, predictions, relative_distance};
use jostle::statistics::median;
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::compact;

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
fn within(runs: &Runs<'_>) -> f64 {
    if runs.scale() == "quick" { 0.05 } else { 0.02 }
}

pub(super) fn average_is_the_lasso(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let (run, within) = (runs.get("lasso"), within(runs));
    let all: Result<Vec<Resolved>, LabError> = predictions(run)?
        .iter()
        .enumerate()
        .map(|(k, predicted)| Resolved::of(run, k, predicted, ""))
        .collect();
    let all = all?;
    let texts: Vec<String> = all.iter().map(Resolved::text).collect();
    Ok(Judged::new(
        resolved(&all, within),
        format!("relative distance below {within}, and more than twice as far from lambda/2 and 2 lambda"),
        format!(
            "Median over {} replicas of the relative distance of the time average after {} steps, 95 % intervals of order \
             statistics; lambda_j with the objective |X beta - y|^2/2n + sum_j lambda_j |beta_j|. {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

pub(super) fn variants(runs: &Runs<'_>) -> Result<Judged, LabError> {
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
    Ok(Judged::new(
        resolved(&all, within).and(
            "how much farther the Lasso with equal weights is",
            margin,
            Criterion::Above(2.0),
        ),
        format!(
            "relative distance below {within} and more than twice as far from lambda/2 and 2 lambda in every variant; \
             with unequal columns, more than twice as far from the Lasso with equal weights"
        ),
        format!(
            "Median over replicas of the relative distance of the time average to the Lasso predicted for the variant's own \
             settings, 95 % intervals of order statistics. {}. With columns of unequal norms the distance to the Lasso \
             with the same mean strength for all coefficients is {}, {} times as far.",
            texts.join("; "),
            compact(median(&unweighted)),
            margin.text()
        ),
    ))
}
