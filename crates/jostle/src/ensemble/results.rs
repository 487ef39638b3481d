//! The results of an ensemble by the names of its observables.

use super::{Ensemble, Replica, UnitResult, run, run_unit, units};
use crate::error::InputError;
use crate::observable::{Observable, named};
use crate::setting::SettingError;
use crate::simd::Level;
use crate::statistics::{mean, median, quantile};
use crate::watch::Watch;
use std::num::NonZero;

impl Ensemble {
    /// Runs all replicas on all processors, with the best instructions that they have.
    pub fn run(&self) -> Results {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        // Nothing asks to stop.
        self.run_on(threads, &()).unwrap_or_else(|| self.results(UnitResult::default()))
    }

    /// Runs all replicas on this number of threads; `None` if the watch asked to stop.
    pub fn run_on(&self, threads: usize, watch: &dyn Watch) -> Option<Results> {
        let level = Level::detect();
        let mut whole = UnitResult::default();
        if let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            let finished = run(&[self], &pool, level, watch, &mut |_, result| whole = result);
            return (finished == 1).then(|| self.results(whole));
        }
        // Where there are no further threads, this one does the work.
        for unit in units(self) {
            whole.append(run_unit(self, &unit, level, watch)?);
        }
        Some(self.results(whole))
    }

    /// The results of this ensemble by the names of its observables.
    pub fn results(&self, whole: UnitResult) -> Results {
        Results {
            steps: self.protocol.recording.steps(self.process.dynamics.steps()),
            quantities: self.protocol.quantities.clone(),
            replicas: whole.replicas,
        }
    }
}

/// What came out of an ensemble.
#[derive(Clone)]
pub struct Results {
    steps: Vec<u64>,
    quantities: Vec<&'static Observable>,
    replicas: Vec<Replica>,
}

impl Results {
    /// The recorded steps.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// The replicas, in order.
    pub fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// An observable at the last step.
    ///
    /// # Errors
    /// A name that was not recorded.
    pub fn last(&self, name: &str) -> Result<Values, InputError> {
        self.at(name, self.steps.len() - 1)
    }

    /// An observable over the recorded steps.
    ///
    /// # Errors
    /// A name that was not recorded.
    pub fn over_steps(&self, name: &str) -> Result<Vec<(u64, Values)>, InputError> {
        self.steps.iter().enumerate().map(|(k, step)| Ok((*step, self.at(name, k)?))).collect()
    }

    /// An observable at the recorded step in place `k`.
    fn at(&self, name: &str, k: usize) -> Result<Values, InputError> {
        let width = self.quantities.len();
        let Some(place) = self.quantities.iter().position(|quantity| quantity.name == name) else {
            named(name)?;
            let problem = format!("does not have {name:?}, which was not recorded");
            return Err(InputError::in_section("observe")(SettingError::new("quantities", problem)));
        };
        let step = self.steps[k];
        let of = |replica: &Replica| replica.rows[k * width + place];
        let is_diverged = |replica: &Replica| replica.diverged.is_some_and(|at| at <= step);
        Ok(Values {
            all: self.replicas.iter().map(of).collect(),
            finished: self.replicas.iter().filter(|r| !is_diverged(r)).map(of).collect(),
        })
    }
}

/// One observable of all replicas at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    all: Vec<f64>,
    finished: Vec<f64>,
}

impl Values {
    /// The values, replica after replica: what is recorded of a diverged one is infinite in losses, errors and norms, and NaN
    /// in counts and shares.
    pub fn all(&self) -> &[f64] {
        &self.all
    }

    /// How many replicas had diverged by then.
    pub fn diverged(&self) -> usize {
        self.all.len() - self.finished.len()
    }

    /// The same without the replicas that had diverged.
    #[must_use]
    pub fn without_diverged(self) -> Self {
        Self { all: self.finished.clone(), ..self }
    }

    /// The mean: infinite or NaN where a replica diverged.
    pub fn mean(&self) -> f64 {
        mean(&self.all)
    }

    /// The standard error of the mean, `sqrt(sum_k (v_k - mean)^2 / (R (R - 1)))`: NaN of one replica, and where a replica
    /// diverged.
    pub fn standard_error(&self) -> f64 {
        let (mean, count) = (self.mean(), self.all.len() as f64);
        let squares: f64 = self.all.iter().map(|v| (v - mean).powi(2)).sum();
        (squares / (count * (count - 1.0))).sqrt()
    }

    /// The median; a diverged replica counts as recorded: infinite, or NaN, which makes the median NaN.
    pub fn median(&self) -> f64 {
        median(&self.all)
    }

    /// The quantile at a probability, as [`quantile`] of the values.
    ///
    /// # Panics
    /// If the probability is not in [0, 1].
    pub fn quantile(&self, probability: f64) -> f64 {
        quantile(&self.all, probability)
    }
}

/// The mean with its standard error, and how many replicas diverged.
impl std::fmt::Display for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.4e} +- {:.1e}", self.mean(), self.standard_error())?;
        match self.diverged() {
            0 => Ok(()),
            count => write!(f, " ({count} diverged)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamics::GradientDescent;
    use crate::model::{ModelSpec, Square};
    use crate::noise::LabelNoise;
    use crate::problem::SparseRegression;
    use crate::process::Process;

    fn ensemble(std: f64) -> Ensemble {
        let problem =
            SparseRegression { samples: 8, dim: 12, sparsity: 2, ..Default::default() }.draw(3).unwrap();
        let process = Process::new(problem, ModelSpec::new(Square, 1.0), GradientDescent::new(400, 0.02));
        let ensemble = Ensemble::new(process.noise(LabelNoise::gaussian(std))).unwrap();
        ensemble.replicas(20).unwrap().record(["active", "train_loss"]).unwrap()
    }

    #[test]
    fn results_by_name_are_those_of_the_replicas() {
        let ensemble = ensemble(0.5);
        let results = ensemble.run_on(2, &()).unwrap();
        assert_eq!(results.steps(), ensemble.protocol().recording.steps(400));
        let losses = results.last("train_loss").unwrap();
        let last: Vec<f64> = results.replicas().iter().map(|replica| *replica.rows.last().unwrap()).collect();
        assert_eq!((losses.all(), losses.diverged()), (&last[..], 0));
        let (mean, n) = (last.iter().sum::<f64>() / 20.0, 20.0);
        let error = (last.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt();
        assert_eq!((losses.mean(), losses.standard_error()), (mean, error));
        let over = results.over_steps("train_loss").unwrap();
        assert_eq!((over[0].0, over.last().unwrap()), (0, &(400, losses)));
        let refused = results.last("test_loss").unwrap_err().to_string();
        assert_eq!(refused, "observe.quantities does not have \"test_loss\", which was not recorded");
        let refused = results.last("loss").unwrap_err().to_string();
        assert_eq!(refused, "observe.quantities has \"loss\"; expected the name of an observable");
    }

    #[test]
    fn a_diverged_replica_is_counted_and_never_taken_for_a_good_one() {
        let results = ensemble(30.0).run();
        let (losses, active) = (results.last("train_loss").unwrap(), results.last("active").unwrap());
        let diverged = results.replicas().iter().filter(|replica| replica.diverged.is_some()).count();
        assert!(diverged > 0 && diverged < 20, "{diverged}");
        assert_eq!((losses.diverged(), active.diverged()), (diverged, diverged));
        assert_eq!(losses.mean(), f64::INFINITY);
        assert!(active.mean().is_nan() && active.median().is_nan() && losses.standard_error().is_nan());
        assert!(losses.to_string().ends_with(&format!("({diverged} diverged)")), "{losses}");
        let rest = losses.without_diverged();
        assert_eq!((rest.all().len(), rest.diverged()), (20 - diverged, 0));
        assert!(rest.mean().is_finite() && rest.standard_error() > 0.0);
    }
}
