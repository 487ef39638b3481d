//! What a figure shows, apart from its title.

use crate::FigureEntry;
use jostle_report::{Figure, Table};

/// How lines with bands are to be read.
pub(super) const SPREAD: &str =
    "Lines are medians over replicas, bands reach from the 10 % to the 90 % quantile.";

/// What a figure shows: what to see, where its data come from, its specification, and its numbers.
#[derive(Debug, Clone)]
pub struct Drawing {
    pub(super) see: String,
    pub(super) source: String,
    pub(super) spec: serde_json::Value,
    pub(super) table: Option<Table>,
}

impl Drawing {
    /// A drawing without a table.
    pub(super) fn new(see: String, source: impl Into<String>, spec: serde_json::Value) -> Self {
        Self { see, source: source.into(), spec, table: None }
    }

    /// The figure of a paper.
    pub(super) fn figure(self, entry: &FigureEntry) -> Figure {
        let Self { see, source, spec, table } = self;
        Figure { id: entry.id.to_owned(), title: entry.title.to_owned(), see, source, spec, table }
    }
}
