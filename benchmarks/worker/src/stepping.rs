//! The only file that steps with jostle: a configuration of the driver becomes an ensemble, and trajectories are its units.

use jostle::dynamics::{self, Dynamics};
use jostle::ensemble::{Ensemble, Protocol, Recording, UnitResult, plan, run_unit, units};
use jostle::model::{LinkKind, ModelSpec, Square};
use jostle::noise::{self, Noise};
use jostle::problem::Problem;
use jostle::process::Process;
use jostle::setting::{Entry, Settings, Value as Setting};
use jostle::{Level, Precision};
use serde::Deserialize;
use serde_json::{Value, json};

/// One configuration, as the driver sends it.
#[derive(Deserialize)]
pub(crate) struct Task {
    algorithm: String,
    precision: String,
    n: usize,
    d: usize,
    /// Number of replicas.
    pub(crate) replicas: u32,
    learning_rate: f64,
    delta: f64,
    data: String,
}

/// The instruction set of the kernels.
pub(crate) fn level() -> Level {
    Level::detect()
}

/// An ensemble that is ready to run, and where its last trajectory ended.
pub(crate) struct Stepping {
    ensemble: Ensemble,
    end: UnitResult,
}

impl Stepping {
    /// Reads the data and puts the ensemble together.
    pub(crate) fn new(task: &Task) -> Result<Self, String> {
        let precision = Precision::named(&task.precision)
            .ok_or_else(|| format!("{} is not a precision", task.precision))?;
        let (dynamics, noises) = parts(task)?;
        let model = ModelSpec::new(LinkKind::Square(Square), 1.0);
        let mut process = Process::new(read(task)?, model, dynamics);
        process.noises = noises;
        let checked =
            || Ensemble::new(process)?.precision(precision).replicas(task.replicas)?.record(["train_loss"]);
        Ok(Self { ensemble: checked().map_err(|error| error.to_string())?, end: UnitResult::default() })
    }

    /// Runs every replica from the start for so many steps, on this thread.
    pub(crate) fn trajectory(&mut self, steps: u64) -> Result<(), String> {
        let mut process = self.ensemble.process().clone();
        process.dynamics = process.dynamics.with_steps(steps);
        let protocol = self.ensemble.protocol();
        // Two recorded steps: the first and the last.
        let protocol = Protocol { recording: Recording::Every(steps), ..protocol.clone() };
        // Every trajectory has noise of its own.
        let next = protocol.seed + 1;
        self.ensemble = Ensemble::with(process, protocol).map_err(|error| error.to_string())?;
        self.end = UnitResult::default();
        for unit in units(&self.ensemble) {
            // A silent watch never stops a unit.
            self.end.append(run_unit(&self.ensemble, &unit, level(), &()).unwrap_or_default());
        }
        self.ensemble = self.ensemble.clone().seed(next);
        Ok(())
    }

    /// Number of replicas.
    pub(crate) fn replicas(&self) -> u64 {
        u64::from(self.ensemble.protocol().replicas)
    }

    /// The kernel that runs, in words.
    pub(crate) fn kernel(&self) -> String {
        plan(&self.ensemble, level()).to_string()
    }

    /// The parameters of the first and the last replica, and the sum of squares of each, which is its l1 norm.
    pub(crate) fn state(&self) -> Value {
        let replicas = &self.end.replicas;
        let theta = |k: usize| replicas.get(k).map(|replica| &replica.theta);
        let l1: Vec<f64> = replicas.iter().map(|r| r.theta.iter().map(|w| w * w).sum()).collect();
        json!({ "first": theta(0), "last": theta(replicas.len().saturating_sub(1)), "l1": l1 })
    }
}

/// `X` (n x d) and `y` (n), one after the other as little-endian float64.
fn read(task: &Task) -> Result<Problem, String> {
    let bytes = std::fs::read(&task.data).map_err(|error| format!("{}: {error}", task.data))?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    let mut x: Vec<f64> = numbers.iter().map(|number| f64::from_le_bytes(*number)).collect();
    if !rest.is_empty() || x.len() != task.n * (task.d + 1) {
        return Err(format!(
            "{} has {} bytes, not {} numbers",
            task.data,
            bytes.len(),
            task.n * (task.d + 1)
        ));
    }
    let y = x.split_off(task.n * task.d);
    Problem::new(x, y, None).map_err(|error| error.to_string())
}

/// How the driver's algorithms are called here.
fn parts(task: &Task) -> Result<(Dynamics, Vec<Noise>), String> {
    let (mini_batches, noise) = match task.algorithm.as_str() {
        "gd" => (false, None),
        "sgd" => (true, None),
        "label-sgd" => (true, Some(label(task, "rademacher"))),
        "label-gd" => (false, Some(label(task, "gaussian"))),
        "isotropic" => (false, Some(("isotropic", vec![("std", Setting::Number(task.delta))]))),
        "mini-batch-difference" => {
            (false, Some(("mini-batch-difference", vec![("scale", Setting::Number(task.delta))])))
        }
        other => return Err(format!("no algorithm is called {other:?}")),
    };
    let mut given =
        vec![("steps", Setting::Integer(1)), ("learning_rate", Setting::Number(task.learning_rate))];
    if mini_batches {
        given.push(("batch", Setting::Integer(1)));
    }
    let kind = "gradient-descent";
    let entry = entry(dynamics::ENTRIES, kind)?;
    // Every step is to be taken, also where nothing moves any more.
    given.push(("tolerance", Setting::Number(0.0)));
    let dynamics = Dynamics::from_settings(kind, &checked(entry, &given)?);
    let mut noises = Vec::new();
    if let Some((kind, settings)) = noise {
        let settings = checked(self::entry(noise::ENTRIES, kind)?, &settings)?;
        noises.push(Noise::from_settings(kind, &settings));
    }
    Ok((dynamics, noises))
}

type Given = (&'static str, Vec<(&'static str, Setting)>);

fn label(task: &Task, distribution: &str) -> Given {
    let settings = vec![
        ("std", Setting::Number(task.delta)),
        ("labels", Setting::Text("one".to_owned())),
        ("distribution", Setting::Text(distribution.to_owned())),
    ];
    ("label", settings)
}

fn entry(entries: &'static [Entry], kind: &str) -> Result<&'static Entry, String> {
    entries.iter().find(|entry| entry.kind == kind).ok_or_else(|| format!("jostle has no {kind}"))
}

fn checked(entry: &Entry, given: &[(&str, Setting)]) -> Result<Settings, String> {
    Settings::check(entry, given).map_err(|error| format!("{}: {error}", entry.kind))
}
