//! The cells of an experiment: the product of the grid's lists, each cell checked like a file of its own.

use std::collections::HashMap;
use std::sync::Arc;

use jostle::setting::{Table, Value as Checked};
use toml::Value;

use super::check::{absolute_path, component};
use super::convert::{number, whole};
use super::error::ExperimentError;
use super::overrides::target;
use super::schema::{
    DYNAMICS, ENSEMBLE, MODEL, NOISE, OBSERVE, PROBLEM, START, Section, names_a_setting, section,
};
use super::source::{Keys, Origin, Source, Spot};
use super::text::{brief, dotted, inline, segments};
use super::{CheckedCell, Component, GridValue, hidden};

/// The largest number of cells of one experiment.
const MOST_CELLS: usize = 100_000;

/// One entry of the grid: a key, or several linked ones, and the values that they take.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// The key as it is written in a file.
    pub(super) key: String,
    /// The settings that vary together.
    pub(super) paths: Vec<Keys>,
    /// Per item, one value for each path.
    pub(super) items: Vec<Vec<Value>>,
    place: Arc<str>,
    label: Arc<str>,
}

impl Axis {
    /// Where the value of path number `column` comes from in item number `item`.
    pub(super) fn origin(&self, item: usize, column: usize) -> Origin {
        let column = (self.paths.len() > 1).then_some(column);
        Origin::Grid { place: self.place.clone(), label: self.label.clone(), item, column }
    }

    fn read(source: &Source, key: &str, value: &Value) -> Result<Self, ExperimentError> {
        let site = ["grid".to_string(), key.to_string()];
        let (place, label) = source.describe(&site, Spot::Key);
        let mut paths = Vec::new();
        for key in key.split(", ") {
            let path = target(source, &segments(key), false).map_err(|misplaced| {
                ExperimentError::setting(format!("{place}: {label}"), misplaced.subject, misplaced.problem)
            })?;
            if !names_a_setting(&path) {
                let problem = "is not one setting; expected a key such as \"dynamics.learning_rate\"";
                return Err(ExperimentError::setting(format!("{place}: {label}"), dotted(&path), problem));
            }
            paths.push(path);
        }
        let Value::Array(list) = value else {
            return Err(source.wrong_value(&site, value, "a list of values"));
        };
        if list.is_empty() {
            return Err(source.wrong_value(&site, value, "at least one value"));
        }
        let mut items = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            items.push(match item {
                item if paths.len() == 1 => vec![item.clone()],
                Value::Array(values) if values.len() == paths.len() => values.clone(),
                other => {
                    let expected = format!("a list of {} values, one for each key", paths.len());
                    let site = [site.as_slice(), &[index.to_string()]].concat();
                    return Err(source.wrong_value(&site, other, &expected));
                }
            });
        }
        Ok(Self { key: key.to_string(), paths, items, place: place.into(), label: label.into() })
    }
}

/// The axes of the grid, in the order of the file; none where there is no grid.
pub(super) fn axes(source: &Source) -> Result<Vec<Axis>, ExperimentError> {
    let mut axes: Vec<Axis> = Vec::new();
    let mut taken: Vec<Keys> = Vec::new();
    for (key, value) in source.entries(&["grid".to_string()]) {
        let axis = Axis::read(source, key, value)?;
        for path in &axis.paths {
            if taken.iter().any(|other| path.starts_with(other) || other.starts_with(path)) {
                let problem = format!("varies {}, which the grid varies already", dotted(path));
                return Err(ExperimentError::setting(&*axis.place, &*axis.label, problem));
            }
            taken.push(path.clone());
            // An override of what the grid varies would have no effect, which nobody who writes one expects.
            let overridden =
                source.origins.range(path.clone()..).take_while(|(known, _)| known.starts_with(path));
            if let Some((path, _)) = overridden.into_iter().find(|(_, origin)| origin.overrides()) {
                let problem =
                    format!("has no effect, because the grid varies it; set grid.{} instead", dotted(path));
                return Err(source.refuse(path, Spot::Key, problem));
            }
        }
        axes.push(axis);
    }
    let cells = axes.iter().fold(1_u128, |cells, axis| cells.saturating_mul(axis.items.len() as u128));
    if cells > MOST_CELLS as u128 {
        let problem = format!("has {cells} cells; expected at most {MOST_CELLS}");
        return Err(source.refuse(&["grid".to_string()], Spot::Key, problem));
    }
    Ok(axes)
}

/// Makes the paths of data files absolute, in the file's own values and in the grid's.
pub(super) fn make_paths_absolute(source: &mut Source, axes: &mut [Axis]) -> Result<(), ExperimentError> {
    for (section, path) in [(PROBLEM, "path"), (PROBLEM, "test_path"), (START, "path")] {
        make_path_absolute(source, axes, &[section.name.to_string(), path.to_string()])?;
    }
    Ok(())
}

fn make_path_absolute(
    source: &mut Source,
    axes: &mut [Axis],
    path: &[String; 2],
) -> Result<(), ExperimentError> {
    if let Some(mut value) = source.get(path).cloned() {
        absolute_path(&source.base, &mut value)
            .map_err(|problem| source.refuse(path, Spot::Value, problem))?;
        if let Some(slot) = source.tree.get_mut(&path[0]).and_then(|problem| problem.get_mut(&path[1])) {
            *slot = value;
        }
    }
    for axis in axes {
        let Some(column) = axis.paths.iter().position(|known| known == path) else { continue };
        for item in &mut axis.items {
            absolute_path(&source.base, &mut item[column])
                .map_err(|problem| ExperimentError::setting(&*axis.place, &*axis.label, problem))?;
        }
    }
    Ok(())
}

/// One component of the cells, and the axes that change it.
struct Slot {
    section: &'static Section,
    path: Keys,
    axes: Vec<usize>,
    known: HashMap<Vec<usize>, Component>,
}

impl Slot {
    fn new(section: &'static Section, index: Option<usize>, axes: &[Axis]) -> Self {
        let path: Keys =
            std::iter::once(section.name.to_string()).chain(index.map(|k| k.to_string())).collect();
        let touches = |axis: &Axis| axis.paths.iter().any(|varied| varied.starts_with(&path));
        let axes = (0..axes.len()).filter(|k| touches(&axes[*k])).collect();
        Self { section, path, axes, known: HashMap::new() }
    }

    /// The component at this choice of items: cells that do not differ in it share one.
    fn component(
        &mut self,
        source: &Source,
        axes: &[Axis],
        choice: &[usize],
    ) -> Result<Component, ExperimentError> {
        let items = self.axes.iter().map(|axis| (&axes[*axis], choice[*axis]));
        let choice: Vec<usize> = items.clone().map(|(_, item)| item).collect();
        if let Some(known) = self.known.get(&choice) {
            return Ok(known.clone());
        }
        let component = component(source, self.section, &self.path).map_err(|error| {
            let values = values(items, &error);
            if values.is_empty() { error } else { error.of_cell(&format!(" (where {values})")) }
        })?;
        self.known.insert(choice, component.clone());
        Ok(component)
    }
}

/// Every cell, the last key of the grid varying fastest; a single one where there is no grid.
pub(super) fn cells(mut source: Source, axes: &[Axis]) -> Result<Vec<CheckedCell>, ExperimentError> {
    hidden::check(&source, axes)?;
    let noises = source.get(&[NOISE.name.to_string()]).and_then(Value::as_array).map_or(0, Vec::len);
    let mut single = |section| Slot::new(section, None, axes);
    let mut slots = [PROBLEM, MODEL, START, DYNAMICS, OBSERVE, ENSEMBLE].map(&mut single);
    let mut noises: Vec<Slot> = (0..noises).map(|k| Slot::new(NOISE, Some(k), axes)).collect();
    let count = axes.iter().map(|axis| axis.items.len()).product();
    let mut cells = Vec::with_capacity(count);
    for cell in 0..count {
        let choice = choice(axes, cell);
        for (axis, item) in axes.iter().zip(&choice) {
            for (column, path) in axis.paths.iter().enumerate() {
                source.set(path, axis.items[*item][column].clone(), &axis.origin(*item, column));
            }
        }
        let mut at = |slot: &mut Slot| slot.component(&source, axes, &choice);
        let [problem, model, start, dynamics, observe, ensemble] = &mut slots;
        let mut cell = CheckedCell {
            keys: Vec::new(),
            problem: at(problem)?,
            model: at(model)?,
            start: at(start)?,
            dynamics: at(dynamics)?,
            noises: noises.iter_mut().map(&mut at).collect::<Result<_, _>>()?,
            observe: at(observe)?.settings,
            ensemble: at(ensemble)?.settings,
        };
        for (axis, item) in axes.iter().zip(&choice) {
            for (path, raw) in axis.paths.iter().zip(&axis.items[*item]) {
                let value = column_value(&cell, path, raw);
                cell.keys.push((dotted(path), value));
            }
        }
        cells.push(cell);
    }
    unify_columns(&mut cells);
    Ok(cells)
}

/// The item of every axis in cell number `cell`.
pub(super) fn choice(axes: &[Axis], mut cell: usize) -> Vec<usize> {
    let mut choice = vec![0; axes.len()];
    for (item, axis) in choice.iter_mut().zip(axes).rev() {
        *item = cell % axis.items.len();
        cell /= axis.items.len();
    }
    choice
}

/// How a message calls cell number `cell` of the grid; empty without a grid.
pub(super) fn named(axes: &[Axis], cell: usize, error: &ExperimentError) -> String {
    match values(axes.iter().zip(choice(axes, cell)), error) {
        values if values.is_empty() => values,
        values => format!(" (cell {cell}: {values})"),
    }
}

/// The keys of some axes with their values, without those that the error names already.
fn values<'a>(items: impl Iterator<Item = (&'a Axis, usize)>, error: &ExperimentError) -> String {
    let is_named = |axis: &Axis, item: usize| {
        *error.subject() == *axis.label || error.subject().starts_with(&format!("{}[{item}]", axis.label))
    };
    let values: Vec<String> = items
        .filter(|(axis, item)| !is_named(axis, *item))
        .flat_map(|(axis, item)| axis.paths.iter().zip(&axis.items[item]))
        .map(|(path, value)| format!("{} = {}", dotted(path), brief(value)))
        .collect();
    values.join(", ")
}

/// What a column of results shows for a varied setting: its checked value, or `raw` where only a part of it varies.
fn column_value(cell: &CheckedCell, path: &[String], raw: &Value) -> GridValue {
    let is_list = section(&path[0]).is_some_and(|section| section.is_list);
    let (index, rest) =
        if is_list { (path[1].parse().unwrap_or_default(), &path[2..]) } else { (0, &path[1..]) };
    let (kind, settings) = cell.part(&path[0], index);
    let [setting, parts @ ..] = rest else { return GridValue::Text(inline(raw)) };
    if setting == "kind" && parts.is_empty() {
        return GridValue::Text(kind.to_string());
    }
    let value = settings.iter().find(|(name, _)| name == setting).map(|(_, value)| value);
    match (value, parts) {
        (Some(Checked::Integer(v)), []) => GridValue::Integer(*v as i64),
        (Some(Checked::Number(v)), []) => GridValue::Number(*v),
        (Some(Checked::Text(v)), []) => GridValue::Text(v.clone()),
        (Some(Checked::Numbers(v)), []) if v.len() == 1 => GridValue::Number(v[0]),
        (Some(Checked::Table(v)), []) if v.number().is_some() => {
            GridValue::Number(v.number().unwrap_or_default())
        }
        (Some(Checked::Table(v)), [part]) => part_value(v, part, raw),
        (Some(Checked::Recording(_)), [_]) => GridValue::Integer(whole(raw).unwrap_or_default() as i64),
        (Some(value), []) => GridValue::Text(value.to_string()),
        _ => GridValue::Text(inline(raw)),
    }
}

/// What a column shows for a setting of a table that is itself the value of a setting. The table may have another form than
/// in the file, without that setting.
fn part_value(table: &Table, part: &str, raw: &Value) -> GridValue {
    match table.settings().iter().find(|(name, _)| *name == part) {
        Some((_, Checked::Integer(v))) => GridValue::Integer(*v as i64),
        Some((_, Checked::Number(v))) => GridValue::Number(*v),
        Some((_, Checked::Text(v))) => GridValue::Text(v.clone()),
        Some((_, value)) => GridValue::Text(value.to_string()),
        None => number(raw).map_or_else(|| GridValue::Text(inline(raw)), GridValue::Number),
    }
}

/// Gives every column one type: numbers where integers and numbers mix, and texts where anything else does.
fn unify_columns(cells: &mut [CheckedCell]) {
    for column in 0..cells.first().map_or(0, |cell| cell.keys.len()) {
        let all = |fits: fn(&GridValue) -> bool| cells.iter().all(|cell| fits(&cell.keys[column].1));
        if all(|value| matches!(value, GridValue::Integer(_))) {
            continue;
        }
        let numbers = all(|value| !matches!(value, GridValue::Text(_)));
        for cell in &mut *cells {
            let value = &mut cell.keys[column].1;
            *value = match std::mem::replace(value, GridValue::Integer(0)) {
                GridValue::Integer(v) if numbers => GridValue::Number(v as f64),
                value if numbers => value,
                value => GridValue::Text(value.to_string()),
            };
        }
    }
}
