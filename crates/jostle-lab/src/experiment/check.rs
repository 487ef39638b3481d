//! Checks one configuration against the tables of the core, and fills in defaults.

use std::path::Path;
use std::sync::Arc;

use jostle::setting::{Entry, Settings};
use toml::Value;

use super::Component;
use super::convert::convert;
use super::error::{ExperimentError, listing, suggestion};
use super::schema::{SECTIONS, Section, top_level};
use super::source::{Keys, Source, Spot};
use super::text::quoted;

/// Checks that every part is known and is a table, or a list of tables where it should be one.
pub(super) fn shape(source: &Source) -> Result<(), ExperimentError> {
    for (part, value) in &source.tree {
        let path = vec![part.clone()];
        if !top_level().any(|known| known == part) {
            let problem = format!("is not a part of an experiment; {}", suggestion(part, top_level()));
            return Err(source.refuse(&path, Spot::Key, problem));
        }
        if part == "name" {
            continue;
        }
        let list = SECTIONS.iter().find(|section| section.is_list && section.name == part);
        match (list, value) {
            (Some(section), Value::Array(items)) => {
                if let Some(index) = items.iter().position(|item| !item.is_table()) {
                    let path = vec![part.clone(), index.to_string()];
                    return Err(source.wrong_value(
                        &path,
                        &items[index],
                        &format!("a table {}", section.header()),
                    ));
                }
            }
            (Some(section), other) => {
                let expected = format!("a list of tables {}", section.header());
                return Err(source.wrong_value(&path, other, &expected));
            }
            (None, Value::Table(_)) => {}
            (None, other) => return Err(source.wrong_value(&path, other, &format!("a table [{part}]"))),
        }
    }
    Ok(())
}

/// The name of the experiment, which names its run folder; `stem` is used where the file gives none.
pub(super) fn name(source: &Source, stem: &str) -> Result<String, ExperimentError> {
    const EXPECTED: &str =
        "the name of a folder: letters, digits, \"-\", \"_\", \".\" and spaces within, at most 100";
    let path = ["name".to_string()];
    let name = match source.get(&path) {
        None => stem,
        Some(Value::String(name)) => name,
        Some(other) => return Err(source.wrong_value(&path, other, "a text in quotes")),
    };
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let safe = edge(name.chars().next())
        && edge(name.chars().next_back())
        && name.len() <= 100
        && name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c));
    if safe {
        return Ok(name.to_string());
    }
    Err(source.wrong_value(&path, &Value::String(name.to_string()), EXPECTED))
}

/// The component at `path`: its kind, and its settings with defaults filled in.
pub(super) fn component(
    source: &Source,
    section: &Section,
    path: &[String],
) -> Result<Component, ExperimentError> {
    let entry = if section.has_kind { kind(source, section, path)? } else { &section.entries[0] };
    let mut given = Vec::new();
    for (key, value) in source.entries(path) {
        if section.has_kind && key == "kind" {
            continue;
        }
        let path = child(path, key);
        let Some(setting) = entry.settings.iter().find(|setting| setting.name == key) else {
            let valid =
                entry.settings.iter().map(|setting| setting.name).chain(section.has_kind.then_some("kind"));
            let problem = format!("is not a setting of {:?}; {}", entry.kind, suggestion(key, valid));
            return Err(source.refuse(&path, Spot::Key, problem));
        };
        given.push((setting.name, convert(source, &path, setting, value)?));
    }
    let settings = Settings::check(entry, &given)
        .map_err(|error| source.refuse(&child(path, &error.name), Spot::Key, error.problem))?;
    Ok(Component { kind: entry.kind, settings: Arc::new(settings) })
}

/// The kind of the part at `path`.
pub(super) fn kind(
    source: &Source,
    section: &Section,
    path: &[String],
) -> Result<&'static Entry, ExperimentError> {
    let kinds: Vec<&str> = section.kinds().collect();
    if let Some(default) = section.default_kind
        && source.get(&child(path, "kind")).is_none()
        && let Some(entry) = section.entries.iter().find(|entry| entry.kind == default)
    {
        return Ok(entry);
    }
    if source.get(path).is_none() {
        let problem =
            format!("is missing; expected a table {} with kind = {}", section.header(), listing(&kinds));
        return Err(source.refuse(path, Spot::Key, problem));
    }
    let path = child(path, "kind");
    match source.get(&path) {
        None => Err(source.refuse(&path, Spot::Key, format!("is missing; expected {}", listing(&kinds)))),
        Some(Value::String(kind)) => {
            section.entries.iter().find(|entry| entry.kind == kind).ok_or_else(|| {
                let problem = format!("is {}; {}", quoted(kind), suggestion(kind, kinds.iter().copied()));
                source.refuse(&path, Spot::Value, problem)
            })
        }
        Some(other) => Err(source.wrong_value(&path, other, &listing(&kinds))),
    }
}

fn child(path: &[String], key: &str) -> Keys {
    [path, &[key.to_string()]].concat()
}

/// The data file of a problem, relative to the folder of the experiment, as an absolute path: a resolved experiment
/// lies in another folder. Values that are no path are left for the checks to refuse.
pub(super) fn absolute_path(base: &Path, value: &mut Value) -> Result<(), String> {
    let Value::String(text) = value else { return Ok(()) };
    let absolute =
        std::path::absolute(base.join(text.as_str())).map_err(|error| format!("is no path: {error}"))?;
    match absolute.to_str() {
        Some(absolute) => *text = absolute.to_string(),
        None => return Err(format!("leads to {}, which is not UTF-8", absolute.display())),
    }
    Ok(())
}
