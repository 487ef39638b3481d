//! Theory's means in the place of replicas.

use crate::Progress;
use crate::experiment::CheckedCell;
use crate::plan::Plan;
use crate::record::{Expansion, OfCell, Outside, Predicted, ReadData, Simulated};
use jostle::Watch;
use jostle::ensemble::{Ensemble, Replica, UnitResult};
use jostle::interruption::unless_stopped;
use jostle::observable::Observable;
use jostle::prediction::{self, Prediction};
use jostle::process::Source;
use jostle::theory::predicted_lasso_of;
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The theory that predicts.
const THEORY: &str = "the slow flow";

/// The settings that a grid varies, with their values in a cell.
type Keys = Vec<(String, String)>;

/// What theory says of a cell: one prediction, or one for the data of each replica.
pub struct PredictedCell {
    /// The settings that the grid varies, with their values here.
    pub keys: Keys,
    /// The recorded steps.
    pub steps: Vec<u64>,
    /// The observables.
    pub quantities: Vec<&'static Observable>,
    predictions: Vec<Prediction>,
    lasso: OfCell,
}

/// The predictions of an experiment's cells, and of no other cells.
pub struct Predictions {
    cells: Vec<Option<PredictedCell>>,
    /// Which data were read from where, a sentence each.
    pub data: Vec<String>,
    /// What data files held.
    pub data_sets: Vec<ReadData>,
}

/// Hears a stop.
struct Hears(Arc<AtomicBool>);

impl Watch for Hears {
    fn should_stop(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Predictions {
    /// Predicts the cells that ask for it; `None` if it was stopped.
    pub(super) fn make(plan: &Plan, pool: &rayon::ThreadPool, progress: &dyn Progress) -> Option<Self> {
        let keys = |checked: &CheckedCell| {
            checked.keys.iter().map(|(key, value)| (key.clone(), value.to_string())).collect()
        };
        let asked = plan.cells().iter().zip(&plan.experiment().cells);
        let cells: Vec<Option<(Ensemble, Keys)>> = asked
            .map(|(cell, checked)| checked.is_predicted().then(|| (cell.clone(), keys(checked))))
            .collect();
        let predictions =
            |cells| Self { cells, data: plan.data().to_vec(), data_sets: plan.data_sets().to_vec() };
        if cells.iter().all(Option::is_none) {
            return Some(predictions(cells.iter().map(|_| None).collect()));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let hears = Hears(stop.clone());
        let work = move || {
            let predict = |cell: Option<(Ensemble, Keys)>| match cell {
                Some((cell, keys)) => PredictedCell::new(&cell, keys, &hears).map(Some),
                None => Some(None),
            };
            cells.into_par_iter().map(predict).collect::<Option<Vec<_>>>()
        };
        let made = pool.install(|| unless_stopped(f64::INFINITY, &|| progress.should_stop(), work));
        if made.is_none() {
            stop.store(true, Ordering::Relaxed);
        }
        made.flatten().map(predictions)
    }

    /// The prediction of cell number `k`.
    pub fn of(&self, k: usize) -> Option<&PredictedCell> {
        self.cells[k].as_ref()
    }

    /// The cells that were predicted, with their numbers.
    pub fn cells(&self) -> impl Iterator<Item = (usize, &PredictedCell)> {
        self.cells.iter().enumerate().filter_map(|(k, cell)| Some((k, cell.as_ref()?)))
    }
}

impl PredictedCell {
    /// The predictions of a cell; `None` if they were stopped.
    fn new(cell: &Ensemble, keys: Keys, watch: &dyn Watch) -> Option<Self> {
        let data_sets = match cell.process().source {
            Source::Shared(_) => 1,
            Source::PerReplica(_) => cell.protocol().replicas,
        };
        let predict = |replica| prediction::predict(cell, replica, watch).expect("the plan has a prediction");
        Some(Self {
            keys,
            steps: cell.protocol().recording.steps(cell.process().dynamics.steps()),
            quantities: cell.protocol().quantities.clone(),
            predictions: (0..data_sets).into_par_iter().map(predict).collect::<Option<_>>()?,
            lasso: predicted_lasso_of(cell.process()),
        })
    }

    /// The means at the recorded steps, over the data sets where there are several; `None` for an observable without a
    /// prediction.
    pub fn path(&self, quantity: usize) -> Option<Vec<f64>> {
        self.quantities[quantity].expect?;
        let width = self.quantities.len();
        let at = |step: usize| -> f64 {
            let values = self.predictions.iter().map(|p| p.rows[step * width + quantity]);
            values.sum::<f64>() / self.predictions.len() as f64
        };
        Some((0..self.steps.len()).map(at).collect())
    }

    /// The predicted Lasso of the time average, or why there is none.
    pub fn lasso(&self) -> &OfCell {
        &self.lasso
    }

    /// What it covers.
    pub fn record(&self) -> Predicted {
        let largest = |of: &dyn Fn(&Prediction) -> f64| self.predictions.iter().map(of).fold(0.0, f64::max);
        let without = self.quantities.iter().filter(|quantity| quantity.expect.is_none());
        Predicted {
            by: THEORY.to_owned(),
            not_predicted: without.map(|quantity| quantity.name.to_owned()).collect(),
            simulated: self.predictions.iter().find_map(|p| p.simulated).map(|simulated| Simulated {
                steps: simulated.steps,
                replicas: simulated.replicas * self.predictions.len() as u32,
                reason: simulated.cause.to_string(),
            }),
            outside: (0..)
                .zip(&self.predictions)
                .filter_map(|(replica, p)| {
                    let outside = p.outside.as_ref()?;
                    Some(Outside { replica, step: outside.step, reason: outside.reason.clone() })
                })
                .collect(),
            expansion: Expansion {
                step_size: largest(&|p| p.expansion.step_size),
                variance: largest(&|p| p.expansion.variance),
                feedback: largest(&|p| p.expansion.feedback),
                inertia: largest(&|p| p.expansion.inertia),
                start: largest(&|p| p.expansion.start),
                handover: largest(&|p| p.expansion.handover),
                decay: largest(&|p| p.expansion.decay),
                trust: largest(&|p| p.expansion.trust()),
            },
        }
    }

    /// The predictions in the form of replicas.
    pub(super) fn result(&self) -> UnitResult {
        let replica = |(replica, p): (u32, &Prediction)| Replica {
            replica,
            rows: p.rows.clone(),
            theta: p.theta.clone(),
            log_abs_theta: p.log_abs_theta.clone(),
            beta: p.beta.clone(),
            average: None,
            diverged: None,
            converged: None,
        };
        UnitResult { replicas: (0..).zip(&self.predictions).map(replica).collect() }
    }

    /// The standard deviations of the final coefficients.
    pub(super) fn deviations(&self) -> Vec<&[f64]> {
        self.predictions.iter().map(|p| &p.deviation[..]).collect()
    }
}
