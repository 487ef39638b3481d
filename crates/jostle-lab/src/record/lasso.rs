//! The predicted Lasso of every cell: what is kept of it in the manifest, and what is said of it.

use jostle::ensemble::{Ensemble, UnitResult};
use jostle::statistics::median;
use jostle::theory::lasso::TOLERANCE;
use jostle::theory::{PredictedLasso, predicted_lasso_of};
use jostle_report::number::compact;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Multiply-adds up to which `run` and `check` find the Lassos of all cells, without being asked.
const MOST_WORK: f64 = 2e8;
/// The predicted Lasso of a cell, or why none is given.
pub type OfCell = Result<PredictedLasso, String>;

/// What is said of the predicted Lasso of a cell; its coefficients and `lambda_j` are in `final.npz`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LassoRecord {
    /// There is one.
    Known(Box<KnownLasso>),
    /// There is none, or it was not computed.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// A predicted Lasso without its coefficients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownLasso {
    /// `signed` or `non-negative`.
    pub sign: String,
    /// The smallest, the mean and the largest `lambda_j`.
    pub lambda_range: [f64; 3],
    /// Indices of the coefficients that are not zero, from 0.
    pub support: Vec<usize>,
    /// The number of coefficients.
    pub dim: usize,
    /// The duality gap.
    pub gap: f64,
    /// The gap in units of the objective at zero.
    pub relative_gap: Option<f64>,
    /// Whether no other coefficients are as good.
    pub unique: bool,
    /// What `lambda_j` goes with, and what it is made of.
    pub convention: String,
    /// How near the run came; absent before it and for predicted cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<DistanceToLasso>,
}

/// The relative distance of a run to its predicted Lasso: medians over the replicas that did not diverge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistanceToLasso {
    /// `time average` or `final coefficients`.
    pub of: String,
    /// Replicas that did not diverge.
    pub replicas: usize,
    /// Of the coefficients; none where the Lasso is one of several.
    pub coefficients: Option<f64>,
    /// Of the predictions `X beta`.
    pub predictions: f64,
}

/// The predicted Lassos of cells; without `always`, none if that would take long.
pub fn predicted_lassos(cells: &[Ensemble], always: bool) -> Vec<OfCell> {
    if !always && cells.iter().map(work).sum::<f64>() > MOST_WORK {
        let reason = "not computed, because it would take long beside the run; `jostle predict` computes it";
        return vec![Err(reason.to_owned()); cells.len()];
    }
    cells.par_iter().map(|cell| predicted_lasso_of(cell.process())).collect()
}

/// Multiply-adds of a cell's Lasso, roughly: one where `lambda` does not depend on the residuals, and some tens otherwise.
fn work(cell: &Ensemble) -> f64 {
    let (n, d) = (cell.process().source.samples() as f64, cell.process().source.dim() as f64);
    let is_fixed = !cell.process().dynamics.effective_batch(cell.process().source.samples()).is_finite()
        && cell.process().noises.iter().all(|noise| noise.label_noise().is_some());
    n * d * n.min(d) * if is_fixed { 2.0 } else { 30.0 }
}

impl LassoRecord {
    /// Before a run.
    pub fn new(found: &OfCell) -> Self {
        let found = match found {
            Ok(found) => found,
            Err(reason) => return Self::Unknown { reason: reason.clone() },
        };
        let (lambda, certificate) = (&found.lambda, &found.lasso.certificate);
        let smallest = lambda.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = lambda.iter().copied().fold(0.0, f64::max);
        Self::Known(Box::new(KnownLasso {
            sign: found.sign.to_string(),
            lambda_range: [smallest, lambda.iter().sum::<f64>() / lambda.len() as f64, largest],
            support: found.lasso.support(),
            dim: lambda.len(),
            gap: certificate.gap,
            relative_gap: Some(certificate.relative_gap).filter(|gap| gap.is_finite()),
            unique: found.lasso.is_unique,
            convention: found.convention.to_string(),
            measured: None,
        }))
    }

    /// After a run of the cell that ended with `result`.
    pub(crate) fn after(found: &OfCell, cell: &Ensemble, result: &UnitResult) -> Self {
        let mut record = Self::new(found);
        if let (Self::Known(known), Ok(found)) = (&mut record, found) {
            let problem = cell.process().source.problem(0);
            let replicas: Vec<_> = result.replicas.iter().filter(|r| r.diverged.is_none()).collect();
            let averaged = !replicas.is_empty() && replicas.iter().all(|r| r.average.is_some());
            let of = |r: &&jostle::ensemble::Replica| r.average.clone().unwrap_or_else(|| r.beta.clone());
            let ends: Vec<Vec<f64>> = replicas.iter().map(of).collect();
            let medians =
                |distance: &dyn Fn(&Vec<f64>) -> f64| median(&ends.iter().map(distance).collect::<Vec<_>>());
            known.measured = (!ends.is_empty()).then(|| DistanceToLasso {
                of: if averaged { "time average" } else { "final coefficients" }.to_owned(),
                replicas: ends.len(),
                coefficients: known.unique.then(|| medians(&|beta| found.relative_distance(beta))),
                predictions: medians(&|beta| found.predictions_distance(&problem, beta)),
            });
        }
        record
    }

    /// As JSON, with the `lambda_j` and the coefficients.
    pub fn to_json(&self, lambda: &[f64], beta: &[f64]) -> Value {
        let mut value = json!(self);
        if matches!(self, Self::Known(_)) {
            value["lambda"] = json!(lambda);
            value["beta"] = json!(beta);
        }
        value
    }

    /// As JSON, of what was found before a run.
    pub fn json_of(found: &OfCell) -> Value {
        let (lambda, beta) =
            found.as_ref().map_or((&[][..], &[][..]), |l| (&l.lambda[..], &l.lasso.beta[..]));
        Self::new(found).to_json(lambda, beta)
    }

    /// One sentence or two; none where there is no predicted Lasso.
    pub fn sentence(&self) -> Option<String> {
        let Self::Known(known) = self else { return None };
        let [low, mean, high] = known.lambda_range.map(compact);
        let lambda = if low == high {
            format!("lambda {mean}")
        } else {
            format!("lambda_j from {low} to {high}, mean {mean}")
        };
        let gap = match known.relative_gap {
            Some(gap) if gap > TOLERANCE => {
                format!(
                    "relative gap {}, which nearly dependent columns do not let fall further",
                    compact(gap)
                )
            }
            gap => format!("relative gap {}", compact(gap.unwrap_or(0.0))),
        };
        let unique = if known.unique {
            "the only solution"
        } else {
            "one of several solutions, which differ in coefficients and agree in predictions X beta"
        };
        let mut text = format!(
            "Predicted Lasso of the time average ({}): {lambda}; {} of {} coefficients are not zero; {gap}; {unique}.",
            known.sign,
            known.support.len(),
            known.dim,
        );
        if let Some(measured) = &known.measured {
            let of = &measured.of;
            let predictions = compact(measured.predictions);
            text += &match measured.coefficients {
                Some(distance) => format!(
                    " Relative distance of the {of} to it: {}; of its predictions: {predictions}",
                    compact(distance)
                ),
                None => {
                    format!(" Relative distance of the predictions of the {of} to its own: {predictions}")
                }
            };
            text += &format!(" (median of {} replicas).", measured.replicas);
        }
        Some(text)
    }
}
