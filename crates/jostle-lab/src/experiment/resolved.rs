//! An experiment as a file that leaves nothing to defaults: what a run folder keeps.

use std::fmt::Write as _;
use std::sync::Arc;

use jostle::setting::{Settings, Value as Checked};

use super::Experiment;
use super::schema::{SECTIONS, Section, is_path};
use super::text::{inline, quoted};

impl Experiment {
    /// The experiment with every setting written out, in the order of the reference; reading it back gives the same
    /// cells. What depends on a kind that the grid varies is left to the grid.
    pub fn to_toml_string(&self) -> String {
        self.to_toml_string_with(&str::to_owned)
    }

    /// The same with the paths of files and folders written by `path`.
    pub fn to_toml_string_with(&self, path: &dyn Fn(&str) -> String) -> String {
        let mut out = format!("name = {}\n", quoted(&self.name));
        for section in &SECTIONS {
            for index in 0..if section.is_list { self.cells[0].noises.len() } else { 1 } {
                let _ = write!(out, "\n{}\n", section.header());
                self.write_component(&mut out, section, index, path);
            }
        }
        if !self.axes.is_empty() {
            out.push_str("\n[grid]\n");
        }
        for axis in &self.axes {
            let items: Vec<String> = axis
                .items
                .iter()
                .map(|item| {
                    let values = axis.paths.iter().zip(item).map(|(setting, value)| match value {
                        toml::Value::String(text) if is_path_of(setting) => toml::Value::String(path(text)),
                        value => value.clone(),
                    });
                    match &values.collect::<Vec<_>>()[..] {
                        [only] => inline(only),
                        linked => inline(&toml::Value::Array(linked.to_vec())),
                    }
                })
                .collect();
            let _ = writeln!(out, "{} = [{}]", quoted(&axis.key), items.join(", "));
        }
        out
    }

    fn write_component(
        &self,
        out: &mut String,
        section: &Section,
        index: usize,
        path: &dyn Fn(&str) -> String,
    ) {
        let (kind, first) = self.cells[0].part(section.name, index);
        if section.has_kind {
            let _ = writeln!(out, "kind = {}", quoted(kind));
        }
        let entry = section.entries.iter().find(|entry| entry.kind == kind);
        for setting in entry.map_or(&[][..], |entry| entry.settings) {
            let Some(value) = value(first, setting.name) else { continue };
            let same = self.cells.iter().all(|cell| {
                let (_, other) = cell.part(section.name, index);
                Arc::ptr_eq(other, first) || self::value(other, setting.name) == Some(value)
            });
            if same || self.varies(section, index, setting.name) {
                let shown = match value {
                    Checked::Text(text) if is_path(section.name, setting.name) => quoted(&path(text)),
                    value => written(value),
                };
                let _ = writeln!(out, "{} = {shown}", setting.name);
            }
        }
    }

    /// Whether the grid sets this setting, or a part of it, in every cell.
    fn varies(&self, section: &Section, index: usize, setting: &str) -> bool {
        let index = section.is_list.then(|| index.to_string());
        let path: Vec<&str> =
            std::iter::once(section.name).chain(index.as_deref()).chain(std::iter::once(setting)).collect();
        let mut paths = self.axes.iter().flat_map(|axis| &axis.paths);
        paths.any(|varied| varied.len() >= path.len() && varied.iter().zip(&path).all(|(a, b)| a == b))
    }
}

/// Whether a dotted path names a setting that is the path of a file or folder.
fn is_path_of(setting: &[String]) -> bool {
    matches!(setting, [section, name] if is_path(section, name))
}

/// The value of a setting, where it has one.
fn value<'a>(settings: &'a Settings, name: &str) -> Option<&'a Checked> {
    settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// A value as TOML. Its own display is TOML but for texts, which Rust and TOML escape differently.
fn written(value: &Checked) -> String {
    match value {
        Checked::Text(text) => quoted(text),
        Checked::Names(names) => {
            format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
        }
        Checked::Numbers(numbers) if numbers.len() == 1 => format!("{:?}", numbers[0]),
        other => other.to_string(),
    }
}
