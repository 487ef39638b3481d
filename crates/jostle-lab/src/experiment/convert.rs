//! From a TOML value to the checked value of a setting.

use jostle::dynamics::Schedule;
use jostle::ensemble::Recording;
use jostle::observable;
use jostle::setting::{Kind, Setting, Value as Checked};
use toml::Value;

use super::error::{ExperimentError, nearest, suggestion};
use super::source::{Source, Spot};
use super::text::quoted;

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
        Kind::Batch => match value {
            Value::String(word) => Some(Checked::Text(word.clone())),
            other => whole(other).map(Checked::Integer),
        },
        Kind::Schedule => match value {
            Value::Table(_) => Some(Checked::Schedule(site.schedule(value)?)),
            other => number(other).map(Checked::Number),
        },
        Kind::Recording => Some(Checked::Recording(site.recording(value, &setting.kind)?)),
    };
    let checked = converted.and_then(|given| setting.check(&given).ok()).ok_or_else(|| {
        let near = match (setting.kind, value) {
            (Kind::Choice(choices), Value::String(word)) => nearest(word, choices),
            (Kind::Batch, Value::String(word)) => nearest(word, &["full"]),
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

/// The keys that the value of a setting may itself have.
pub(super) fn parts(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Schedule => &["initial", "drops"],
        Kind::Recording => &["log", "every"],
        _ => &[],
    }
}

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

    fn schedule(&self, value: &Value) -> Result<Schedule, ExperimentError> {
        self.known_parts(value, Kind::Schedule)?;
        let Some(initial) = value.get("initial") else {
            return Err(self.source.refuse(
                &self.inner("initial"),
                Spot::Key,
                "is missing; expected a number above 0",
            ));
        };
        let path = self.inner("initial");
        let initial_rate =
            number(initial).ok_or_else(|| self.source.wrong_value(&path, initial, "a number above 0"))?;
        let expected = "a list of [step, factor], as in [[100_000, 0.1]]";
        let path = self.inner("drops");
        let drops = match value.get("drops") {
            None => &Vec::new(),
            Some(Value::Array(drops)) => drops,
            Some(other) => return Err(self.source.wrong_value(&path, other, expected)),
        };
        let mut pairs = Vec::with_capacity(drops.len());
        for (index, drop) in drops.iter().enumerate() {
            let pair = match drop.as_array().map(Vec::as_slice) {
                Some([step, factor]) => whole(step).zip(number(factor)),
                _ => None,
            };
            let at = [path.as_slice(), &[index.to_string()]].concat();
            pairs.push(
                pair.ok_or_else(|| {
                    self.source.wrong_value(&at, drop, "[step, factor], as in [100_000, 0.1]")
                })?,
            );
        }
        Schedule::with_drops(initial_rate, pairs)
            .map_err(|error| self.source.refuse(&self.inner(&error.name), Spot::Value, error.problem))
    }

    fn recording(&self, value: &Value, kind: &Kind) -> Result<Recording, ExperimentError> {
        self.known_parts(value, *kind)?;
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

    fn known_parts(&self, value: &Value, kind: Kind) -> Result<(), ExperimentError> {
        for key in value.as_table().into_iter().flat_map(|table| table.keys()) {
            if !parts(kind).contains(&key.as_str()) {
                let owner = self.path.last().map_or("", String::as_str);
                let hint = suggestion(key, parts(kind).iter().copied());
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
