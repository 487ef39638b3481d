//! Experiment files: from TOML text to checked settings, one set per cell.
//!
//! Nothing is run or loaded here. What a file may say is read off the tables of the core
//! ([`jostle::setting::Entry`]), so that a new noise or model is known here as soon as it is registered there. Values
//! come from the file, then from the chosen `[scale.NAME]` table, then from the options of the command line, and last
//! from the `[grid]`, which makes the cells. Every error is one line that names the file, the line and the column (or
//! the option), the setting, what was found and what was expected.

mod check;
mod convert;
mod difference;
mod error;
mod grid;
mod hidden;
mod images;
mod overrides;
mod reference;
mod resolved;
mod schema;
mod source;
mod text;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jostle::setting::{Settings, Value as Checked};
use jostle::{Device, InputError};

pub(crate) use difference::first_difference;
pub use error::ExperimentError;
pub use images::FoundImages;
pub use reference::settings_reference;
pub use schema::{SECTIONS, Section};
pub(crate) use text::{file_name, quoted};

use grid::Axis;
use schema::{ENSEMBLE, OBSERVE, PROBLEM, START};
use source::{Origin, Source, Spot};

/// An experiment: its name and its cells.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The name, which is safe as the name of a folder.
    pub name: String,
    /// The cells, at least one; the last key of the grid varies fastest.
    pub cells: Vec<CheckedCell>,
    /// The folder in which data sets are looked for by name.
    pub data: Option<PathBuf>,
    /// The file that it was read from.
    pub file: Option<PathBuf>,
    axes: Vec<Axis>,
    source: Source,
}

/// One configuration of an experiment. Cells share the components in which they do not differ.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedCell {
    /// The settings that the grid varies with their values here, in the order of the grid; empty without a grid.
    pub keys: Vec<(String, GridValue)>,
    /// The problem.
    pub problem: Component,
    /// The model.
    pub model: Component,
    /// Where replicas begin.
    pub start: Component,
    /// The dynamics.
    pub dynamics: Component,
    /// The noises, in the order of the file.
    pub noises: Vec<Component>,
    /// What is recorded, and when.
    pub observe: Arc<Settings>,
    /// The replicas.
    pub ensemble: Arc<Settings>,
}

/// A kind of problem, model, noise or dynamics with its checked settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// The kind, one of the core's entries.
    pub kind: &'static str,
    /// Every setting, defaults filled in.
    pub settings: Arc<Settings>,
}

/// The value of a varied setting as a column of results shows it. A column holds one variant only.
#[derive(Debug, Clone, PartialEq)]
pub enum GridValue {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text; lists and tables as TOML.
    Text(String),
}

impl std::fmt::Display for GridValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GridValue::Integer(v) => write!(f, "{v}"),
            GridValue::Number(v) => write!(f, "{v:?}"),
            GridValue::Text(v) => write!(f, "{v}"),
        }
    }
}

/// What takes the place of a file's values, in the order in which it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The table `[scale.NAME]` to apply (`--scale`); `paper` is the file as it is written.
    pub scale: Option<String>,
    /// Assignments `key=value` (`--set`), with a dotted path into the file as key.
    pub set: Vec<String>,
    /// Takes the place of `ensemble.replicas` (`--replicas`).
    pub replicas: Option<u64>,
    /// Takes the place of `ensemble.seed` (`--seed`).
    pub seed: Option<u64>,
    /// The folder in which data sets are looked for by name (`--data`).
    pub data: Option<PathBuf>,
}

impl Experiment {
    /// Reads and checks an experiment file; its name is the file's unless it gives one.
    ///
    /// # Errors
    /// A file that cannot be read, is not TOML, or does not describe an experiment.
    pub fn read(path: &Path, overrides: &Overrides) -> Result<Self, ExperimentError> {
        let name = path.display().to_string();
        let unreadable = |reason: String| ExperimentError::Unreadable { path: name.clone(), reason };
        if path.is_dir() {
            return Err(unreadable("is a folder; expected an experiment file".to_string()));
        }
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => unreadable("there is no such file".to_string()),
            _ => unreadable(format!("cannot be read ({error})")),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            unreadable(format!("is not a text file (byte {valid} is not UTF-8)"))
        })?;
        let base = path.parent().unwrap_or(Path::new(""));
        let experiment = Self::from_text(&text, &name, base, overrides)?;
        Ok(Self { file: Some(path.to_path_buf()), ..experiment })
    }

    /// Checks the text of an experiment file. Errors call it `origin`, whose file stem is the default name; paths in
    /// it are relative to `base`.
    ///
    /// # Errors
    /// A text that is not TOML or does not describe an experiment.
    pub fn from_text(
        text: &str,
        origin: &str,
        base: &Path,
        overrides: &Overrides,
    ) -> Result<Self, ExperimentError> {
        let stem = Path::new(origin).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Self::from_source(Source::parse(text, origin, base)?, &stem.unwrap_or_default(), overrides)
    }

    /// Checks an experiment that was never a file. Its default name is `experiment`, and errors call it so; paths in
    /// it are relative to `base`.
    ///
    /// # Errors
    /// A table that does not describe an experiment.
    pub fn from_table(
        table: toml::Table,
        base: &Path,
        overrides: &Overrides,
    ) -> Result<Self, ExperimentError> {
        let name = "experiment";
        Self::from_source(Source::from_table(table, name, base), name, overrides)
    }

    fn from_source(mut source: Source, stem: &str, overrides: &Overrides) -> Result<Self, ExperimentError> {
        check::shape(&source)?;
        overrides::normalise_grid(&mut source)?;
        let scales = overrides::take_scales(&mut source)?;
        let options = overrides::of_options(overrides)?;
        let resolve = |changes: &[overrides::Change]| {
            let mut source = source.clone();
            overrides::apply(&mut source, changes)?;
            overrides::apply(&mut source, &options)?;
            check::shape(&source)?;
            overrides::normalise_grid(&mut source)?;
            let name = check::name(&source, stem)?;
            let mut axes = grid::axes(&source)?;
            grid::make_paths_absolute(&mut source, &mut axes)?;
            let cells = grid::cells(source.clone(), &axes)?;
            Ok(Self { name, cells, data: overrides.data.clone(), file: None, axes, source })
        };
        let chosen = overrides.scale.as_deref();
        let changes = chosen.map_or(Ok(&[][..]), |name| overrides::choose(&source, &scales, name))?;
        let experiment = resolve(changes)?;
        // A scale that is broken should not wait for its first use to say so.
        for scale in scales.iter().filter(|scale| Some(scale.name.as_str()) != chosen) {
            resolve(&scale.changes)?;
        }
        Ok(experiment)
    }

    /// Where a setting, such as `problem.sparsity`, was written: `file:line:column`, the option that set it, or the
    /// entry of the grid or scale; the file alone where it was left to its default.
    pub fn locate(&self, key: &str) -> String {
        let path = text::segments(key);
        for axis in &self.axes {
            if axis.paths.iter().any(|varied| varied.starts_with(&path) || path.starts_with(varied)) {
                let (place, label) = self.source.describe(&["grid".to_string(), axis.key.clone()], Spot::Key);
                return format!("{place}: {label}");
            }
        }
        match self.source.origin(&path) {
            Some((length, origin)) if length == path.len() || schema::names_a_setting(&path[..length]) => {
                match origin {
                    Origin::Scale { label, at } => format!("{}: {label}", self.source.place(*at)),
                    _ => self.source.describe(&path, Spot::Value).0,
                }
            }
            _ => self.source.name.clone(),
        }
    }

    /// The files and folders that are read, each with the setting that names it.
    pub fn inputs(&self) -> Vec<(String, PathBuf)> {
        let mut inputs: Vec<(String, PathBuf)> = Vec::new();
        for cell in &self.cells {
            for (section, component) in [(PROBLEM, &cell.problem), (START, &cell.start)] {
                for (name, value) in component.settings.iter() {
                    let (true, Checked::Text(path)) = (schema::is_path(section.name, name), value) else {
                        continue;
                    };
                    let input = (format!("{}.{name}", section.name), PathBuf::from(path));
                    if !inputs.contains(&input) {
                        inputs.push(input);
                    }
                }
            }
        }
        inputs
    }

    /// An error that only building the experiment's cell number `cell` brought to light, with its place in the file and,
    /// where there is a grid, what the cell is.
    pub fn explain(&self, cell: usize, error: &InputError) -> ExperimentError {
        let error = self.placed(cell, error);
        let named = grid::named(&self.axes, cell, &error);
        error.of_cell(&named)
    }

    /// The same without the name of the cell.
    fn placed(&self, cell: usize, error: &InputError) -> ExperimentError {
        let InputError::Setting { section, source: error } = error else {
            let (place, source) = (self.source.name.clone(), error.clone());
            return ExperimentError::Input { place, source, cell: String::new() };
        };
        let path = text::segments(&format!("{section}.{}", error.name));
        let mut source = self.source.clone();
        for (axis, item) in self.axes.iter().zip(grid::choice(&self.axes, cell)) {
            for (column, path) in axis.paths.iter().enumerate() {
                source.set(path, axis.items[item][column].clone(), &axis.origin(item, column));
            }
        }
        source.refuse(&path, Spot::Value, &error.problem)
    }

    /// Writes out the observables where the file leaves them to their default, which depends on what the cell of this
    /// number has.
    pub fn fill_quantities(&mut self, defaults: impl Fn(usize) -> Vec<&'static str>) {
        let mut filled: Vec<(Arc<Settings>, Vec<&str>, Arc<Settings>)> = Vec::new();
        for (k, cell) in self.cells.iter_mut().enumerate() {
            if cell.observe.has("quantities") {
                continue;
            }
            let names = defaults(k);
            let known =
                filled.iter().find(|(from, with, _)| *with == names && Arc::ptr_eq(from, &cell.observe));
            if let Some((_, _, to)) = known {
                cell.observe = to.clone();
                continue;
            }
            let mut given: Vec<(&str, Checked)> = cell.observe.iter().map(|(k, v)| (k, v.clone())).collect();
            given.push(("quantities", Checked::Names(names.iter().map(ToString::to_string).collect())));
            let settings = Settings::check(&OBSERVE.entries[0], &given)
                .unwrap_or_else(|error| unreachable!("checked settings and known names: {error}"));
            let from = std::mem::replace(&mut cell.observe, Arc::new(settings));
            filled.push((from, names, cell.observe.clone()));
        }
    }

    /// Writes out the device where the file leaves it open.
    pub(crate) fn fill_device(&mut self, device: Device) {
        for cell in self.cells.iter_mut().filter(|cell| cell.leaves_device_open()) {
            let kept = cell.ensemble.iter().filter(|(name, _)| *name != "device");
            let mut given: Vec<(&str, Checked)> = kept.map(|(name, value)| (name, value.clone())).collect();
            given.push(("device", Checked::Text(device.to_string())));
            let settings = Settings::check(&jostle::ensemble::ENTRY, &given)
                .unwrap_or_else(|error| unreachable!("checked settings and a known device: {error}"));
            cell.ensemble = Arc::new(settings);
        }
    }
}

impl CheckedCell {
    /// Whether the device is left to the program.
    pub(crate) fn leaves_device_open(&self) -> bool {
        self.ensemble.text("device") == "auto"
    }

    /// Whether the cell asks for theory's means instead of replicas.
    pub fn is_predicted(&self) -> bool {
        self.ensemble.text("method") == "predict"
    }

    /// The kind and the settings of one part; `index` is the position in a list.
    fn part(&self, section: &str, index: usize) -> (&'static str, &Arc<Settings>) {
        let component = match section {
            "problem" => &self.problem,
            "model" => &self.model,
            "start" => &self.start,
            "dynamics" => &self.dynamics,
            "noise" => &self.noises[index],
            "observe" => return (OBSERVE.entries[0].kind, &self.observe),
            _ => return (ENSEMBLE.entries[0].kind, &self.ensemble),
        };
        (component.kind, &component.settings)
    }
}

#[cfg(test)]
mod tests;
