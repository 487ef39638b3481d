//! The reference of every setting, written from the tables that files are checked against.

use std::fmt::Write as _;

use jostle::observable;
use jostle::setting::{Entry, Fallback, Kind, Tables};

use super::schema::SECTIONS;

/// Every part of an experiment file with its kinds, settings, types and defaults, as a Markdown page.
pub fn settings_reference() -> String {
    let mut out = String::from(
        "# Settings\n\nEvery setting of an experiment file, and the observables it may record.\n",
    );
    for section in &SECTIONS {
        let _ = write!(out, "\n## `{}`\n", section.header());
        for entry in section.entries {
            if section.has_kind {
                let _ = write!(out, "\n### `kind = \"{}\"`\n", entry.kind);
            }
            write_entry(&mut out, entry);
        }
    }
    for tables in tables() {
        let _ = write!(out, "\n## {}\n\n{}.\n", tables.name, tables.doc);
        for entry in tables.entries {
            let _ = write!(out, "\n### `kind = \"{}\"`\n", entry.kind);
            write_entry(&mut out, entry);
        }
    }
    out.push_str("\n## Observables\n\nThe names that `observe.quantities` may list.\n\n");
    out.push_str("| name | symbol | meaning |\n|---|---|---|\n");
    for observable in observable::REGISTRY {
        let symbol = code(observable.symbol);
        let _ = writeln!(out, "| `{}` | {symbol} | {} |", observable.name, prose(observable.doc));
    }
    out
}

/// The tables that are values of settings, each once.
fn tables() -> Vec<&'static Tables> {
    let mut found: Vec<&Tables> = Vec::new();
    for setting in SECTIONS.iter().flat_map(|section| section.entries).flat_map(|entry| entry.settings) {
        if let Kind::Table(tables) = setting.kind
            && !found.contains(&tables)
        {
            found.push(tables);
        }
    }
    found
}

fn write_entry(out: &mut String, entry: &Entry) {
    let _ = write!(out, "\n{}.\n\n{}\n", entry.summary, entry.detail);
    if !entry.reference.is_empty() {
        let _ = write!(out, "\nReference: {}.\n", entry.reference);
    }
    if entry.settings.is_empty() {
        return;
    }
    out.push_str("\n| setting | symbol | value | default | meaning |\n|---|---|---|---|---|\n");
    for setting in entry.settings {
        let default = match (setting.default_value(), setting.fallback) {
            (Some(value), Fallback::NumberUnless { other, .. } | Fallback::TextUnless { other, .. }) => {
                format!("{}, none with `{other}`", code(&value.to_string()))
            }
            (Some(value), _) => code(&value.to_string()),
            (None, Fallback::Required) => "required".to_string(),
            (None, _) => "none".to_string(),
        };
        let (kind, doc) = (prose(&setting.kind.to_string()), prose(setting.doc));
        let _ =
            writeln!(out, "| `{}` | {} | {kind} | {default} | {doc} |", setting.name, prose(setting.symbol));
    }
}

/// A text in a cell of a Markdown table, where bars would end the cell.
fn prose(text: &str) -> String {
    text.replace('|', "\\|")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", prose(text)) }
}
