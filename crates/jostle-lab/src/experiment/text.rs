//! TOML values and dotted paths as one line of text.

use std::fmt::Write as _;
use std::path::Path;

use toml::Value;

/// A value as TOML on one line; floats in their shortest form that reads back to the same bits.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(v) => quoted(v),
        Value::Integer(v) => v.to_string(),
        Value::Float(v) => format!("{v:?}").replace("NaN", "nan"),
        Value::Boolean(v) => v.to_string(),
        Value::Datetime(v) => v.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) if table.is_empty() => "{}".to_string(),
        Value::Table(table) => {
            let entries: Vec<String> =
                table.iter().map(|(k, v)| format!("{} = {}", segment(k), inline(v))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// [`inline`], cut where it would fill a message.
pub(super) fn brief(value: &Value) -> String {
    const LONGEST: usize = 60;
    let whole = inline(value);
    match whole.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &whole[..end]),
        None => whole,
    }
}

/// A TOML basic string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A path as in `noise.0.std`; a segment that is no bare key is quoted.
pub(super) fn dotted<S: AsRef<str>>(path: &[S]) -> String {
    let segments: Vec<String> = path.iter().map(|s| segment(s.as_ref())).collect();
    segments.join(".")
}

fn segment(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_string() } else { quoted(key) }
}

/// The segments of a dotted path written by hand. No valid path contains a quote or a dot within a segment, so that
/// quotes may be left out everywhere, as a shell does.
pub(super) fn segments(text: &str) -> Vec<String> {
    text.replace(['"', '\''], "").split('.').map(|segment| segment.trim().to_string()).collect()
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
