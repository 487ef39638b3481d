//! From a TOML value to the checked value of a setting.

use jostle::ensemble::Recording;
use jostle::observable;
use jostle::setting::{Kind, Setting, Settings, Table, Tables, Value as Checked};
use toml::Value;

use super::error::{ExperimentError, listing, nearest, suggestion};
use super::source::{Source, Spot};
use super::text::{inline, quoted};

/// The value of `setting` at `path`, of the type and in the range that the setting declares.
pub(super) fn convert(
    source: &Source,
    path: &[String],
    setting: &Setting,
    value: &Value,
) -> Result<Checked, ExperimentError> {
    let site = Site { source, path };
    let converted = match setting.kind {
        Kind::Integer { .. } => whole(value).map(Checked::Integer),
        Kind::Number(_) => number(value).map(Checked::Number),
        Kind::Choice(_) | Kind::Text => value.as_str().map(|text| Checked::Text(text.to_string())),
        Kind::Flag => value.as_bool().map(Checked::Flag),
        Kind::Numbers => numbers(value).map(Checked::Numbers),
        Kind::Names => names(value).map(Checked::Names),
        Kind::Classes => classes(value).map(Checked::Names),
        Kind::CountOr(_) => match value {
            Value::String(word) => Some(Checked::Text(word.clone())),
            other => whole(other).map(Checked::Integer),
        },
        Kind::Pairs(second) => site.pairs(value, second)?.map(Checked::Pairs),
        Kind::Table(tables) => match value {
            Value::Table(given) => Some(Checked::Table(site.table(tables, given)?)),
            Value::String(_) if tables.plain.is_none() => {
                let given = std::iter::once(("kind".to_owned(), value.clone())).collect();
                Some(Checked::Table(site.table(tables, &given)?))
            }
            other => number(other).map(Checked::Number),
        },
        Kind::Recording => Some(Checked::Recording(site.recording(value, &setting.kind)?)),
    };
    let checked = converted.and_then(|given| setting.check(&given).ok()).ok_or_else(|| {
        let near = match (setting.kind, value) {
            (Kind::Choice(choices), Value::String(word)) => nearest(word, choices),
            (Kind::CountOr(known), Value::String(word)) => nearest(word, &[known]),
            _ => None,
        };
        match near {
            Some(near) => {
                let found = value.as_str().unwrap_or_default();
                source.refuse(path, Spot::Value, format!("is {}; did you mean {near:?}?", quoted(found)))
            }
            None => source.wrong_value(path, value, &setting.kind.to_string()),
        }
    })?;
    if let (true, Checked::Names(names)) = (path == ["observe", "quantities"], &checked) {
        site.quantities(names)?;
    }
    Ok(checked)
}

/// The keys of a recording.
const RECORDING: &[&str] = &["log", "every"];

/// A whole number; `3e5` is one, as scientists write it.
pub(super) fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(v) => u64::try_from(*v).ok(),
        Value::Float(v) if v.fract() == 0.0 && (0.0..2f64.powi(63)).contains(v) => Some(*v as u64),
        _ => None,
    }
}

/// A number.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        _ => None,
    }
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    match value {
        Value::Array(items) => items.iter().map(number).collect(),
        other => number(other).map(|v| vec![v]),
    }
}

fn names(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_string)).collect()
}

/// Names, and numbers as their names.
fn classes(value: &Value) -> Option<Vec<String>> {
    let class = |item: &Value| match item {
        Value::String(name) => Some(name.clone()),
        other => whole(other).map(|number| number.to_string()),
    };
    value.as_array()?.iter().map(class).collect()
}

/// The setting that is being read.
struct Site<'a> {
    source: &'a Source,
    path: &'a [String],
}

impl Site<'_> {
    fn inner(&self, key: &str) -> Vec<String> {
        [self.path, &[key.to_string()]].concat()
    }

    /// A table with a kind and settings of its own.
    fn table(&self, tables: &'static Tables, given: &toml::Table) -> Result<Table, ExperimentError> {
        let entry = match given.get("kind") {
            None if tables.plain.is_some() => &tables.entries[0],
            None => {
                let kinds: Vec<&str> = tables.entries.iter().map(|entry| entry.kind).collect();
                let problem = format!("is missing; expected {}", listing(&kinds));
                return Err(self.source.refuse(&self.inner("kind"), Spot::Key, problem));
            }
            Some(kind) => {
                let known = kind.as_str().and_then(|kind| tables.entry(kind));
                known.ok_or_else(|| {
                    let (found, kinds) =
                        (kind.as_str().unwrap_or_default(), tables.entries.iter().map(|e| e.kind));
                    let problem = format!("is {}; {}", inline(kind), suggestion(found, kinds));
                    self.source.refuse(&self.inner("kind"), Spot::Value, problem)
                })?
            }
        };
        let known: Vec<&str> = entry.settings.iter().map(|setting| setting.name).chain(["kind"]).collect();
        self.known_parts(given, &known)?;
        let mut settings = Vec::new();
        for setting in entry.settings {
            if let Some(value) = given.get(setting.name) {
                let path = self.inner(setting.name);
                settings.push((setting.name, convert(self.source, &path, setting, value)?));
            }
        }
        let settings = Settings::check(entry, &settings)
            .map_err(|error| self.source.refuse(&self.inner(&error.name), Spot::Key, error.problem))?;
        Table::of(tables, entry, settings)
            .map_err(|error| self.source.refuse(&self.inner(&error.name), Spot::Value, error.problem))
    }

    /// A list of pairs; none where it is no list.
    fn pairs(&self, value: &Value, second: &str) -> Result<Option<Vec<(u64, f64)>>, ExperimentError> {
        let Some(items) = value.as_array() else { return Ok(None) };
        let pair = |(index, item): (usize, &Value)| {
            let pair = match item.as_array().map(Vec::as_slice) {
                Some([step, value]) => whole(step).zip(number(value)),
                _ => None,
            };
            pair.ok_or_else(|| {
                let expected = format!("[step, {second}], as in [100_000, 0.1]");
                self.source.wrong_value(&self.inner(&index.to_string()), item, &expected)
            })
        };
        items.iter().enumerate().map(pair).collect::<Result<_, _>>().map(Some)
    }

    fn recording(&self, value: &Value, kind: &Kind) -> Result<Recording, ExperimentError> {
        self.known_parts(value.as_table().unwrap_or(&toml::Table::new()), RECORDING)?;
        let (key, given, least) = match (value.get("log"), value.get("every")) {
            (Some(given), None) => ("log", given, 2),
            (None, Some(given)) => ("every", given, 1),
            _ => return Err(self.source.wrong_value(self.path, value, &kind.to_string())),
        };
        let count = whole(given).filter(|count| *count >= least).ok_or_else(|| {
            self.source.wrong_value(&self.inner(key), given, &Kind::Integer { min: least }.to_string())
        })?;
        Ok(if key == "log" { Recording::Log(count) } else { Recording::Every(count) })
    }

    fn known_parts(&self, given: &toml::Table, known: &[&str]) -> Result<(), ExperimentError> {
        for key in given.keys() {
            if !known.contains(&key.as_str()) {
                let owner = self.path.last().map_or("", String::as_str);
                let hint = suggestion(key, known.iter().copied());
                let problem = format!("is not a part of {owner:?}; {hint}");
                return Err(self.source.refuse(&self.inner(key), Spot::Key, problem));
            }
        }
        Ok(())
    }

    fn quantities(&self, names: &[String]) -> Result<(), ExperimentError> {
        for (index, name) in names.iter().enumerate() {
            let path = self.inner(&index.to_string());
            if observable::find(name).is_none() {
                let hint = suggestion(name, observable::REGISTRY.iter().map(|observable| observable.name));
                let problem = format!("is {}, not an observable; {hint}", quoted(name));
                return Err(self.source.refuse(&path, Spot::Value, problem));
            }
            if names[..index].contains(name) {
                return Err(self.source.refuse(
                    &path,
                    Spot::Value,
                    format!("is {name:?}, which is listed already"),
                ));
            }
        }
        Ok(())
    }
}
