//! What takes the place of a file's values: the tables `[scale.NAME]` and the options of the command line.

use toml::{Table, Value};

use super::Overrides;
use super::error::{ExperimentError, suggestion};
use super::schema::{SECTIONS, names_a_setting, section};
use super::source::{Keys, Origin, Source, Spot, parse_value};
use super::text::{dotted, segments};

/// One value that takes the place of another.
#[derive(Debug, Clone)]
pub(super) struct Change {
    path: Keys,
    value: Value,
    origin: Origin,
}

/// The changes of one `[scale.NAME]` table.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    pub(super) name: String,
    pub(super) changes: Vec<Change>,
}

/// Takes the `[scale.*]` tables out of a file.
pub(super) fn take_scales(source: &mut Source) -> Result<Vec<Scale>, ExperimentError> {
    let Some(Value::Table(tables)) = source.tree.remove("scale") else { return Ok(Vec::new()) };
    let mut scales = Vec::new();
    for (name, table) in tables {
        let path = vec!["scale".to_string(), name.clone()];
        let Value::Table(table) = table else {
            return Err(source.wrong_value(&path, &table, &format!("a table [{}]", dotted(&path))));
        };
        let mut changes = Vec::new();
        flatten(source, &path, &table, &mut Vec::new(), &mut changes);
        scales.push(Scale { name, changes });
    }
    Ok(scales)
}

/// Lists the entries of a scale, which may be written as dotted keys in quotes or as tables in tables.
fn flatten(source: &Source, written: &[String], table: &Table, target: &mut Keys, changes: &mut Vec<Change>) {
    for (key, value) in table {
        let written = [written, std::slice::from_ref(key)].concat();
        let depth = target.len();
        target.extend(segments(key));
        match value {
            Value::Table(inner) if !names_a_setting(target) => {
                flatten(source, &written, inner, target, changes);
            }
            _ => {
                let at = match source.origin(&written) {
                    Some((_, Origin::File { key, .. })) => Some(*key),
                    _ => None,
                };
                let label = format!("[{}] {:?}", dotted(&written[..2]), target.join("."));
                changes.push(Change {
                    path: target.clone(),
                    value: value.clone(),
                    origin: Origin::Scale { label, at },
                });
            }
        }
        target.truncate(depth);
    }
}

/// The scale of this name; `paper` without a table is the file as it is written.
pub(super) fn choose<'a>(
    source: &Source,
    scales: &'a [Scale],
    name: &str,
) -> Result<&'a [Change], ExperimentError> {
    if let Some(scale) = scales.iter().find(|scale| scale.name == name) {
        return Ok(&scale.changes);
    }
    if name == "paper" {
        return Ok(&[]);
    }
    let known =
        scales.iter().map(|scale| scale.name.as_str()).filter(|known| *known != "paper").chain(["paper"]);
    let problem = format!("has no table [scale.{}]; {}", dotted(&[name]), suggestion(name, known));
    Err(ExperimentError::setting(format!("--scale {name}"), &source.name, problem))
}

/// The changes that the options of the command line ask for, in the order in which they apply.
pub(super) fn of_options(overrides: &Overrides) -> Result<Vec<Change>, ExperimentError> {
    let mut changes = Vec::new();
    for argument in &overrides.set {
        let Some((key, text)) = argument.split_once('=') else {
            let problem = "has no value; expected key=value, as in noise.0.std=0.5";
            return Err(ExperimentError::setting("--set", format!("{argument:?}"), problem));
        };
        let path = segments(key);
        let place = format!("--set {}", key.trim());
        let value = parse_value(text.trim(), &place, &path)?;
        changes.push(Change { path, value, origin: Origin::Option(place) });
    }
    for (key, value) in [("replicas", overrides.replicas), ("seed", overrides.seed)] {
        let Some(value) = value else { continue };
        let path = vec!["ensemble".to_string(), key.to_string()];
        let place = format!("--{key}");
        let Ok(value) = i64::try_from(value) else {
            let problem = format!("is {value}; expected a whole number below 2^63");
            return Err(ExperimentError::setting(place, dotted(&path), problem));
        };
        changes.push(Change { path, value: Value::Integer(value), origin: Origin::Option(place) });
    }
    Ok(changes)
}

/// Applies changes in order.
pub(super) fn apply(source: &mut Source, changes: &[Change]) -> Result<(), ExperimentError> {
    for change in changes {
        let path = target(source, &change.path, true).map_err(|Misplaced { subject, problem }| {
            let place = match &change.origin {
                Origin::Option(option) => option.clone(),
                Origin::Scale { label, at } => format!("{}: {label}", source.place(*at)),
                Origin::File { .. } | Origin::Grid { .. } => source.name.clone(),
            };
            ExperimentError::setting(place, subject, problem)
        })?;
        source.set(&path, change.value.clone(), &change.origin);
    }
    Ok(())
}

/// A path that leads nowhere.
pub(super) struct Misplaced {
    pub(super) subject: String,
    pub(super) problem: String,
}

/// Brings a path to the form in which origins know it. Whether a component has such a setting is checked later, when
/// its kind is known. Where the path `may_begin` an entry of a list, it may point to the place after the last one.
pub(super) fn target(source: &Source, path: &[String], may_begin: bool) -> Result<Keys, Misplaced> {
    let refuse = |subject: String, problem: String| Err(Misplaced { subject, problem });
    let (first, rest) = path.split_first().map_or(("", path), |(first, rest)| (first.as_str(), rest));
    match section(first) {
        None if first == "grid" && !rest.is_empty() => Ok(vec![first.to_string(), grid_key(&rest.join("."))]),
        None if first == "grid" || first == "name" => Ok(path.to_vec()),
        None => {
            let valid = SECTIONS.iter().map(|section| section.name).chain(["name", "grid"]);
            refuse(dotted(&[first]), format!("cannot be set; {}", suggestion(first, valid)))
        }
        Some(_) if path.len() > 1 && names_a_setting(&path[..path.len() - 2]) => {
            let deepest = &path[..if names_a_setting(&path[..2]) { 3 } else { 4 }];
            refuse(dotted(deepest), "has no parts".to_string())
        }
        Some(section) if section.is_list && !rest.is_empty() => {
            let name = section.name;
            let count = source.get(&path[..1]).and_then(Value::as_array).map_or(0, Vec::len);
            let Ok(index) = rest[0].parse::<usize>() else {
                let example = [&[name.to_string(), "0".to_string()], rest].concat();
                let problem =
                    format!("names no entry of the list; expected a position, as in {}", dotted(&example));
                return refuse(dotted(path), problem);
            };
            // A new entry begins with its kind: without it, one position too many would pass for a new entry.
            let begins = may_begin && index == count && (rest.len() == 1 || rest[1] == "kind");
            if index < count || begins {
                let mut path = path.to_vec();
                path[1] = index.to_string();
                return Ok(path);
            }
            let there = match count {
                0 => format!("there is no {name}"),
                1 => format!("there is only {name}.0"),
                _ => format!("there are {name}.0 to {name}.{}", count - 1),
            };
            refuse(format!("{name}.{index}"), format!("is beyond the list; {there}"))
        }
        Some(_) => Ok(path.to_vec()),
    }
}

/// The normal form of a key of the grid: `a.b, c.d`.
fn grid_key(text: &str) -> String {
    let keys: Vec<String> = text.split(',').map(|key| segments(key).join(".")).collect();
    keys.join(", ")
}

/// Brings the keys of the grid to their normal form, whether they were written in quotes or as tables in tables.
pub(super) fn normalise_grid(source: &mut Source) -> Result<(), ExperimentError> {
    let Some(Value::Table(grid)) = source.tree.remove("grid") else { return Ok(()) };
    let mut entries = Vec::new();
    list(&grid, &mut vec!["grid".to_string()], &mut entries);
    let origins: Vec<Option<Origin>> =
        entries.iter().map(|(path, _)| source.origin(path).map(|(_, origin)| origin.clone())).collect();
    source.forget(&["grid".to_string()]);
    let mut normal = Table::new();
    for ((path, value), origin) in entries.into_iter().zip(origins) {
        let key = grid_key(&path[1..].join("."));
        let path = vec!["grid".to_string(), key.clone()];
        if let Some(origin) = origin {
            source.origins.insert(path.clone(), origin);
        }
        if normal.insert(key, value).is_some() {
            return Err(source.refuse(&path, Spot::Key, "is there twice"));
        }
    }
    source.tree.insert("grid".to_string(), Value::Table(normal));
    Ok(())
}

fn list(table: &Table, path: &mut Keys, entries: &mut Vec<(Keys, Value)>) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::Table(inner) => list(inner, path, entries),
            _ => entries.push((path.clone(), value.clone())),
        }
        path.pop();
    }
}
