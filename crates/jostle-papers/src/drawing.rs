//! What the figures of all papers have in common.

use jostle_report::Figure;

/// How lines with bands are to be read.
pub(super) const SPREAD: &str =
    "Lines are medians over replicas, bands reach from the 10 % to the 90 % quantile.";

/// A figure: its short name, what to see, where its data come from, and its specification.
pub(super) fn figure(title: &str, id: &str, see: String, source: &str, spec: serde_json::Value) -> Figure {
    Figure { id: id.to_owned(), title: title.to_owned(), see, source: source.to_owned(), spec, table: None }
}
