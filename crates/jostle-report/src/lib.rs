//! The report of a run: figures, claims and settings as one HTML file that opens without a network.
//!
//! Everything here is pure: data in, text out. [`bands`], [`bars`], [`atlas`], [`coefficients`], [`sweep`] and [`categories`] turn numbers
//! into Vega-Lite specifications with the data inside; a [`Report`] puts specifications, claims and settings
//! together; [`render`] writes the page, with the Vega runtime embedded (`assets/`).

mod atlas;
mod axis;
mod bands;
mod bars;
mod categories;
pub mod claim;
mod coefficients;
mod escape;
pub mod number;
mod page;
mod series;
mod spec;
mod sweep;
pub mod text;

use claim::Claim;
use serde::{Deserialize, Serialize};

pub use atlas::{Curve, atlas};
pub use axis::{Axis, Scale};
pub use bands::bands;
pub use bars::{Bar, bars};
pub use categories::{Category, categories};
pub use coefficients::{Recovered, coefficients};
pub use page::render;
pub use series::{BandPoint, Series};
pub use spec::{Estimate, PALETTE, ReferenceLine, notes};
pub use sweep::sweep;

/// Everything that stands in a `report.html`. Texts are plain text: they are escaped, never read as HTML.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Heading of the page.
    pub title: String,
    /// One or two sentences: what was run and what came out.
    pub lead: String,
    /// What has to be known before the figures are believed: `6 of 64 replicas diverged: ...`.
    pub warnings: Vec<String>,
    /// Verdicts; none for a run that checks no paper.
    pub claims: Vec<Claim>,
    /// What the verdicts do not say: claims that were left out, and those that are known to fail elsewhere.
    pub remarks: Vec<String>,
    /// In the order in which they are numbered.
    pub figures: Vec<Figure>,
    /// Names and values: version, replicas, wall time.
    pub facts: Vec<(String, String)>,
    /// Names of experiment files and their TOML text.
    pub settings: Vec<(String, String)>,
    /// Works whose methods or statements were used.
    pub references: Vec<String>,
}

/// A figure of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Short name, unique in its report: downloads are named after it.
    pub id: String,
    /// Heading of the figure.
    pub title: String,
    /// One sentence: what to see, with the numbers of this run.
    pub see: String,
    /// The file and the columns the data come from.
    pub source: String,
    /// Vega-Lite specification with its data inside.
    pub spec: serde_json::Value,
    /// The numbers beneath it, where they are wanted as numbers.
    #[serde(default)]
    pub table: Option<Table>,
}

/// Numbers beneath a figure, as texts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Headings of the columns.
    pub heads: Vec<String>,
    /// As many texts a row as there are headings.
    pub rows: Vec<Vec<String>>,
}
