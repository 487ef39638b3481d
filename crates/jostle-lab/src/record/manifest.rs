//! `manifest.json`: what a run is, how far it has come, and which replicas diverged.

use super::{LassoRecord, Predicted, StdOfLambda};
use crate::LabError;
use jostle::ensemble::Ensemble;
use jostle::observable::ActiveThreshold;
use jostle_files::{StorageError, write_atomically};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is being computed, or was killed.
    Running,
    /// Every cell is finished.
    Done,
    /// It was stopped; the cells listed are finished.
    Interrupted,
}

/// The contents of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of jostle.
    pub version: String,
    /// How far the run has come.
    pub status: Status,
    /// Which data were read from where, a sentence each; empty where they were generated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
    /// What data files held; empty where there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sets: Vec<ReadData>,
    /// Finished cells.
    pub cells: Vec<CellRecord>,
    /// Number of cells of the experiment.
    pub cells_in_total: usize,
    /// Number of replica-steps computed.
    pub replica_steps: f64,
    /// Seconds from start to end.
    pub wall_seconds: f64,
    /// Where it was computed.
    pub machine: Machine,
}

/// What the manifests of runs and of reproduced papers have in common.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Head {
    /// The version of jostle.
    pub version: String,
    /// How far it has come.
    pub status: Status,
    /// The paper, if one was reproduced.
    #[serde(default)]
    pub paper: Option<String>,
    /// How much of it.
    #[serde(default)]
    pub scale: Option<String>,
    /// The experiments of it that are finished.
    #[serde(default)]
    pub experiments: Vec<String>,
}

/// What a data file held, and what was done to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadData {
    /// The name of the file.
    pub file: String,
    /// Number of training samples.
    pub samples: usize,
    /// Number of samples to test on.
    pub test_samples: usize,
    /// The names of the features, in order; empty where they have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The rows, counted from 0, that were drawn to test on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_rows: Vec<usize>,
    /// What was subtracted and divided by, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<FeatureScaling>,
}

/// What was subtracted from features and labels, and by what features were divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureScaling {
    /// The means of the features.
    pub feature_means: Vec<f64>,
    /// The standard deviations of the features; 1 where they were not divided.
    pub feature_scales: Vec<f64>,
    /// The means of the labels; 0 where they were not centred.
    pub label_means: Vec<f64>,
}

/// A finished cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// Its number.
    pub cell: usize,
    /// The grid's keys and values.
    pub keys: serde_json::Map<String, serde_json::Value>,
    /// Number of replicas.
    pub replicas: u32,
    /// The replicas that diverged, with the step.
    pub diverged: Vec<Diverged>,
    /// The replicas that converged and stopped early, with the step.
    #[serde(default)]
    pub converged: Vec<Converged>,
    /// The label noise whose standard deviation followed from a `lambda`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_noise: Vec<StdOfLambda>,
    /// The predicted Lasso, or why none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_lasso: Option<LassoRecord>,
    /// From which size on a coefficient counts as active; absent where there are no coefficients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Active>,
    /// Set where theory's means stand in the place of replicas: nothing of the cell was simulated but what this says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Predicted>,
}

/// From which size on a coefficient counts as active.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Active {
    /// `observe.active_threshold`.
    pub threshold: f64,
    /// `observe.active_threshold_unit`.
    pub unit: String,
    /// The same in words.
    pub words: String,
}

impl Active {
    /// That of a cell; none where there are no coefficients.
    pub fn of(cell: &Ensemble) -> Option<Self> {
        let (unit, threshold) = match cell.protocol().active {
            ActiveThreshold::Absolute(size) => ("absolute", size),
            ActiveThreshold::Relative(share) => ("relative", share),
        };
        let words = cell.protocol().active.words(cell.process().source.problem(0).truth());
        cell.process().has_coefficients().then(|| Self { threshold, unit: unit.to_owned(), words })
    }

    /// The threshold.
    pub fn rule(&self) -> ActiveThreshold {
        if self.unit == "absolute" {
            ActiveThreshold::Absolute(self.threshold)
        } else {
            ActiveThreshold::Relative(self.threshold)
        }
    }
}

/// A replica that diverged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverged {
    /// The replica.
    pub replica: u32,
    /// The first step at whose start its residuals were beyond bounds.
    pub step: u64,
}

/// A replica that converged before the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Converged {
    /// The replica.
    pub replica: u32,
    /// The step at which it stopped.
    pub step: u64,
}

/// The machine and how it was used. Results do not depend on it, apart from those of networks on a device, and the last
/// digits of what decompositions give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Architecture and operating system.
    pub platform: String,
    /// Threads used.
    pub threads: usize,
    /// Instruction set of the kernels.
    pub level: String,
    /// The devices beside the processor that networks were trained on, each with the name of its adapter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
}

impl Machine {
    /// This machine.
    pub fn here(threads: usize, level: jostle::Level) -> Self {
        let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        Self { platform, threads, level: level.to_string(), devices: Vec::new() }
    }
}

impl Manifest {
    /// Reads the manifest of a run folder.
    ///
    /// # Errors
    /// The file is missing or is not a manifest.
    pub fn read(folder: &Path) -> Result<Self, LabError> {
        let path = folder.join("manifest.json");
        let text = std::fs::read_to_string(&path).map_err(|source| LabError::NotARun {
            folder: folder.to_path_buf(),
            reason: format!("manifest.json cannot be read ({source})"),
        })?;
        serde_json::from_str(&text).map_err(|error| LabError::NotARun {
            folder: folder.to_path_buf(),
            reason: format!("manifest.json is not a manifest ({error})"),
        })
    }

    /// Writes the manifest of a run folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StorageError> {
        write_json(&folder.join("manifest.json"), self)
    }

    /// How many replicas converged and stopped early, and the first step at which one did.
    pub fn converged(&self) -> Option<(usize, u64)> {
        let steps = self.cells.iter().flat_map(|cell| cell.converged.iter().map(|c| c.step));
        Some((steps.clone().count(), steps.min()?))
    }

    /// How many cells theory's means stand for.
    pub fn predicted(&self) -> usize {
        self.cells.iter().filter(|cell| cell.predicted.is_some()).count()
    }

    /// The replicas that diverged, of how many.
    pub fn diverged(&self) -> (usize, usize) {
        let replicas = self.cells.iter().map(|cell| cell.replicas as usize).sum();
        (self.cells.iter().map(|cell| cell.diverged.len()).sum(), replicas)
    }
}

/// Writes a value as indented JSON, atomically.
///
/// # Errors
/// The file cannot be written.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), StorageError> {
    write_atomically(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}
