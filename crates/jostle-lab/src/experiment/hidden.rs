//! Values of a file that the grid hides: they do not count, but are checked where they stand.

use toml::Value;

use super::check;
use super::convert::convert;
use super::error::ExperimentError;
use super::grid::Axis;
use super::schema::{Section, section};
use super::source::Source;
use jostle::setting::Entry;

/// Checks every value that stands in the file for a setting which the grid varies.
pub(super) fn check(source: &Source, axes: &[Axis]) -> Result<(), ExperimentError> {
    for (k, axis) in axes.iter().enumerate() {
        for (column, path) in axis.paths.iter().enumerate() {
            if source.get(path).is_some() {
                check_value(source, axes, (k, column), path)?;
            }
        }
    }
    Ok(())
}

/// Checks the value at one path that the grid varies, with everything else as it is in the first cell.
fn check_value(
    source: &Source,
    axes: &[Axis],
    place: (usize, usize),
    path: &[String],
) -> Result<(), ExperimentError> {
    let mut source = source.clone();
    for (k, axis) in axes.iter().enumerate() {
        for (column, path) in axis.paths.iter().enumerate() {
            if (k, column) != place {
                source.set(path, axis.items[0][column].clone(), &axis.origin(0, column));
            }
        }
    }
    let Some(section) = section(&path[0]) else { return Ok(()) };
    let (part, setting) = path.split_at(if section.is_list { 2 } else { 1 });
    let name = &setting[0];
    if section.has_kind && name == "kind" {
        return check::kind(&source, section, part).map(drop);
    }
    let mut answers = entries(&source, section, part, axes).into_iter().filter_map(|entry| {
        let setting = entry.settings.iter().find(|setting| setting.name == name)?;
        let path = [part, std::slice::from_ref(name)].concat();
        Some(convert(&source, &path, setting, source.get(&path)?).map(drop))
    });
    // The value may be meant for a kind that the grid takes later on.
    let Some(first) = answers.next() else { return Ok(()) };
    if first.is_ok() || answers.any(|answer| answer.is_ok()) { Ok(()) } else { first }
}

/// The kinds that a part has in some cell; none where its kind is unknown, which the cells will say.
fn entries(source: &Source, section: &Section, part: &[String], axes: &[Axis]) -> Vec<&'static Entry> {
    if !section.has_kind {
        return vec![&section.entries[0]];
    }
    let path = [part, &["kind".to_string()]].concat();
    let varied = axes.iter().find_map(|axis| {
        let column = axis.paths.iter().position(|known| *known == path)?;
        Some(axis.items.iter().filter_map(move |item| item[column].as_str()).collect::<Vec<_>>())
    });
    let kinds = varied.unwrap_or_else(|| {
        let given = source.get(&path).and_then(Value::as_str);
        given.or(section.default_kind).into_iter().collect()
    });
    section.entries.iter().filter(|entry| kinds.contains(&entry.kind)).collect()
}
