//! The geometry of a point that is given as arrays: what `jostle measure` answers.

mod atlas;
mod format;
mod layers;
mod point;
mod text;
mod watch;

pub use atlas::write_atlas;

use crate::experiment::Experiment;
use crate::plan::memory;
use crate::{LabError, Progress, Unit, Unwatched};
use jostle::geometry::{
    Batches, Bounds, Geometry, GeometryError, KernelSource, LayerGeometry, QUANTITIES, Sampling, Spectrum,
    Threshold,
};
use point::{Point, placed};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Multiplications up to which thresholds are exact, some minutes: all batch sizes of 4,000 samples, or one of 10,000.
const MOST_WORK: f64 = 1e12;

/// What is asked of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// A learning rate to judge.
    pub learning_rate: Option<f64>,
    /// The batch size; every power of two up to the number of samples where it is `None`.
    pub batch: Option<usize>,
    /// How batches are drawn.
    pub sampling: Sampling,
}

/// A point with its geometry, and the answers for each kind of batches.
pub struct Answer {
    path: PathBuf,
    question: Question,
    point: Box<dyn KernelSource>,
    spectrum: Option<Spectrum>,
    /// The loss, where it is not the square loss of the residuals.
    other_loss: Option<f64>,
    /// What was done to what was read, a sentence each.
    notes: Vec<String>,
    /// The geometry of the point.
    pub geometry: Geometry,
    /// That of every layer, of a network whose kernel is made layer by layer.
    pub layers: Vec<LayerGeometry>,
    /// One entry for each kind of batches.
    pub stability: Vec<Stability>,
}

/// What is known about one kind of batches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stability {
    /// The batches.
    pub batches: Batches,
    /// The largest stable learning rate: exact where the kernel could be decomposed, otherwise the interval it lies in.
    pub threshold: Threshold,
    /// (T), the trace bound.
    pub trace_bound: f64,
    /// (F), with the measured alignment of the uncentred noise.
    pub frobenius_bound: f64,
    /// Whether the learning rate that was asked about is stable; `None` where that lies within the interval.
    pub is_stable: Option<bool>,
    /// `ln` of the factor by which `E L` grows at every step at that learning rate; `None` where there is no spectrum.
    pub growth_rate: Option<f64>,
}

/// Measures the point in an npz file: `residuals` (n, or n x c) and `jacobian` (n x p, or nc x p, or n x c x p) or
/// `kernel` (nc x nc).
///
/// # Errors
/// The file cannot be read, an array is missing, does not fit or is no kernel; a batch or a learning rate that cannot
/// be.
pub fn measure(path: &Path, question: Question, progress: &dyn Progress) -> Result<Answer, LabError> {
    answer(path, point::read(path)?, question, MOST_WORK, progress)
}

/// Measures the model of an experiment of one cell at the parameters in a file: a safetensors checkpoint, or an npz file with
/// `theta_0` (its first row).
///
/// # Errors
/// As [`measure`]; an experiment of several cells, or parameters that do not fit its model.
pub fn measure_parameters(
    path: &Path,
    experiment: Experiment,
    question: Question,
    progress: &dyn Progress,
) -> Result<Answer, LabError> {
    answer(path, point::read_parameters(path, experiment, progress)?, question, MOST_WORK, progress)
}

fn answer(
    path: &Path,
    point: Point,
    question: Question,
    most_work: f64,
    progress: &dyn Progress,
) -> Result<Answer, LabError> {
    let source = &point.source;
    let batches = match question.batch {
        Some(size) => vec![Batches { size, sampling: question.sampling }],
        None => Batches::powers_of_two(source.samples(), question.sampling),
    };
    // What cannot be is refused before anything takes time.
    for batches in &batches {
        batches.moments(source.samples())?;
    }
    if let Some(found) = question.learning_rate.filter(|eta| !(*eta > 0.0 && eta.is_finite())) {
        return Err(GeometryError::LearningRate { found }.into());
    }
    let measured = watch::with_kernel(&point, progress, |source| {
        let geometry = Geometry::measure(source, &point.residuals)?;
        Ok((geometry, LayerGeometry::measure(source, &point.residuals)?))
    });
    let (geometry, layers) = measured.map_err(|e| placed(e, path))?;
    // The eigenvalues take about as long as one kind of batches.
    progress.begins("stability", 1.0 + batches.len() as f64, Unit::Batches);
    let spectrum = if is_decomposable(&**source, batches.len(), most_work) {
        Some(Spectrum::new(source).map_err(|e| placed(e, path))?)
    } else {
        None
    };
    progress.advanced(1);
    let known = known(source, &geometry, spectrum.as_ref(), question.learning_rate, &batches, progress)?;
    progress.ends();
    let curvature = &geometry.curvature;
    let stability = batches.iter().zip(known).map(|(batches, (threshold, growth_rate))| {
        let bounds = Bounds::new(curvature, *batches)?;
        let is_exact = spectrum.is_some();
        let judge = |eta| match eta {
            eta if is_exact => Some(threshold.is_stable(eta)),
            eta if eta <= threshold.lower_bound => Some(true),
            eta if eta > threshold.learning_rate => Some(false),
            _ => None,
        };
        Ok(Stability {
            batches: *batches,
            threshold,
            trace_bound: bounds.trace_bound,
            frobenius_bound: curvature.frobenius_bound(*batches, geometry.uncentred.alignment)?,
            is_stable: question.learning_rate.and_then(judge),
            growth_rate,
        })
    });
    let stability = stability.collect::<Result<_, LabError>>()?;
    let Point { source: point, other_loss, notes, .. } = point;
    let path = path.to_path_buf();
    Ok(Answer { path, question, point, spectrum, other_loss, notes, geometry, layers, stability })
}

/// Thresholds, and growth rates where a learning rate is asked about.
fn known(
    source: &impl KernelSource,
    geometry: &Geometry,
    spectrum: Option<&Spectrum>,
    learning_rate: Option<f64>,
    batches: &[Batches],
    progress: &dyn Progress,
) -> Result<Vec<(Threshold, Option<f64>)>, LabError> {
    let one_more = || progress.advanced(1);
    Ok(match (spectrum, learning_rate) {
        (Some(spectrum), Some(eta)) => {
            let known = spectrum.stability(eta, batches)?.inspect(|_| one_more());
            known.map(|(threshold, growth)| (threshold, Some(growth))).collect()
        }
        (Some(spectrum), None) => {
            let known = spectrum.thresholds(batches)?.inspect(|_| one_more());
            known.map(|threshold| (threshold, None)).collect()
        }
        (None, _) => {
            let between = |b: &Batches| {
                let threshold = Threshold::from_bounds(source, &geometry.curvature, *b)?;
                one_more();
                Ok((threshold, None))
            };
            batches.iter().map(between).collect::<Result<_, GeometryError>>()?
        }
    })
}

/// Whether a kernel can be decomposed, and the thresholds of so many kinds of batches computed, in minutes and within
/// the memory there is.
fn is_decomposable(source: &dyn KernelSource, kinds: usize, most_work: f64) -> bool {
    let rows = source.samples() * source.outputs();
    let held = source.params().filter(|_| source.jacobian().is_some());
    let rank = held.map_or(rows, |p| rows.min(p)) as f64;
    kinds as f64 * rows as f64 * rank * rank <= most_work
        && Spectrum::bytes(rows, held) <= memory::available()
}

impl Answer {
    /// The name of the file, without its folder: pages are made to be shared.
    pub(super) fn file_name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// Whether thresholds are exact, not intervals.
    pub fn is_exact(&self) -> bool {
        self.spectrum.is_some()
    }

    /// The training loss.
    pub fn loss(&self) -> f64 {
        self.other_loss.unwrap_or(self.geometry.gauss_newton_loss)
    }

    /// The alignments in units of the loss, where that is not what stands in their denominators.
    fn by_loss(&self) -> Vec<(&'static str, f64)> {
        let Some(loss) = self.other_loss else { return Vec::new() };
        let Geometry { gauss_newton_loss, uncentred, centred, .. } = self.geometry;
        let factor = gauss_newton_loss / loss;
        vec![
            ("alignment_by_loss", factor * uncentred.alignment),
            ("alignment_centred_by_loss", factor * centred.alignment),
            ("size_alignment_by_loss", factor * uncentred.size_alignment),
        ]
    }

    /// The answer as one JSON object.
    pub fn to_json(&self) -> Value {
        let mut json = Map::new();
        json.insert("n".to_owned(), self.geometry.samples.into());
        json.extend(self.geometry.params.map(|p| ("p".to_owned(), p.into())));
        json.insert("loss".to_owned(), json!(self.loss()));
        json.extend(quantities(&self.geometry));
        json.extend(self.by_loss().into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
        if !self.notes.is_empty() {
            json.insert("notes".to_owned(), json!(self.notes));
        }
        if !self.layers.is_empty() {
            json.insert("layers".to_owned(), self.layers_json());
        }
        if self.question.batch.is_some() {
            json.extend(self.stability.iter().flat_map(|entry| self.entries(entry)));
        } else {
            let list = self.stability.iter().map(|entry| {
                let size = ("batch".to_owned(), entry.batches.size.into());
                Value::Object(std::iter::once(size).chain(self.entries(entry)).collect())
            });
            json.insert("stability".to_owned(), list.collect());
        }
        Value::Object(json)
    }

    fn entries(&self, entry: &Stability) -> Vec<(String, Value)> {
        let Threshold { learning_rate, lower_bound } = entry.threshold;
        let mut entries = if self.is_exact() {
            vec![("max_stable_learning_rate", json!(learning_rate))]
        } else {
            vec![
                ("max_stable_learning_rate_low", json!(lower_bound)),
                ("max_stable_learning_rate_high", json!(learning_rate)),
            ]
        };
        entries.push(("trace_bound", json!(entry.trace_bound)));
        entries.push(("frobenius_bound", json!(entry.frobenius_bound)));
        if self.question.learning_rate.is_some() {
            entries.push(("verdict", json!(entry.verdict())));
            entries.push(("growth_rate", json!(entry.growth_rate)));
        }
        entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The quantities of a point, or of a layer, by their names.
fn quantities(geometry: &Geometry) -> impl Iterator<Item = (String, Value)> {
    let limit = ("gd_limit", 2.0 / geometry.curvature.lambda_max);
    let all = QUANTITIES.iter().map(|quantity| (quantity.name, (quantity.of)(geometry)));
    all.chain([limit]).map(|(name, value)| (name.to_owned(), json!(value)))
}

impl Stability {
    /// `stable`, `unstable`, or `undecided` where the learning rate lies within the interval of the threshold.
    pub fn verdict(&self) -> &'static str {
        match self.is_stable {
            Some(true) => "stable",
            Some(false) => "unstable",
            None => "undecided",
        }
    }
}

#[cfg(test)]
mod tests;
