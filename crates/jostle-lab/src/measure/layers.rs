//! Layer by layer: which layer is sharp, and where the noise acts.

use super::{Answer, quantities};
use jostle::geometry::{Geometry, LayerGeometry};
use jostle_report::number::{compact, precise};
use jostle_report::{Axis, Bar, Figure, bars};
use serde_json::{Map, Value, json};

/// What the table says.
pub(super) const CONVENTIONS: &str = "Layer by layer. Shares of trace_G, trace_noise and frobenius_G^2 add up to the whole; \
    norms, eigenvalues and alignments are those of the layer's own block.";

/// The shares of a layer, by their names: of `Tr G`, of `Tr Sigma` and of `|G|_F^2`.
const SHARES: [&str; 3] = ["share_of_trace_G", "share_of_trace_noise", "share_of_frobenius_G_squared"];

/// The same shares as the table and the picture head them.
const OF: [&str; 3] = ["of trace_G", "of trace_noise", "of frobenius_G^2"];

impl Answer {
    fn shares(&self, layer: &LayerGeometry) -> [f64; 3] {
        let share = |of: fn(&Geometry) -> f64| of(&layer.geometry) / of(&self.geometry);
        [share(|g| g.curvature.trace), share(|g| g.centred.trace), layer.share_of_squares]
    }

    /// One object for each layer: its name, its parameters, its shares, and its quantities by the names of the whole's.
    pub(super) fn layers_json(&self) -> Value {
        let layer = |layer: &LayerGeometry| {
            let mut json = Map::new();
            json.insert("name".to_owned(), json!(layer.name));
            json.insert("p".to_owned(), json!(layer.geometry.params));
            let shares = SHARES.into_iter().zip(self.shares(layer));
            json.extend(shares.map(|(name, share)| (name.to_owned(), json!(share))));
            json.extend(quantities(&layer.geometry));
            Value::Object(json)
        };
        self.layers.iter().map(layer).collect()
    }

    /// A table with one line for each layer, if there are any.
    pub(super) fn layers_table(&self) -> Option<Vec<Vec<String>>> {
        if self.layers.is_empty() {
            return None;
        }
        let head = [&["layer", "p"][..], &OF, &["frobenius_G", "lambda_max_G", "alignment"]].concat();
        let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
        for layer in &self.layers {
            let Geometry { params, curvature, uncentred, .. } = layer.geometry;
            let mut row = vec![layer.name.clone(), params.map_or_else(String::new, |p| p.to_string())];
            row.extend(self.shares(layer).map(|share| format!("{} %", compact(100.0 * share))));
            row.extend([curvature.frobenius, curvature.lambda_max, uncentred.alignment].map(precise));
            rows.push(row);
        }
        Some(rows)
    }

    /// The shares of the layers as bars, if there are any.
    pub(super) fn layers_figure(&self) -> Option<Figure> {
        let bars_of = |layer: &LayerGeometry| {
            let shares = OF.into_iter().zip(self.shares(layer));
            let category = layer.name.clone();
            let bar = move |(series, share): (&str, f64)| Bar {
                category: category.clone(),
                series: series.to_owned(),
                value: 100.0 * share,
            };
            shares.map(bar).collect::<Vec<_>>()
        };
        let all: Vec<Bar> = self.layers.iter().flat_map(bars_of).collect();
        let sharpest = self
            .layers
            .iter()
            .max_by(|a, b| a.geometry.curvature.lambda_max.total_cmp(&b.geometry.curvature.lambda_max))?;
        let noisiest = self
            .layers
            .iter()
            .max_by(|a, b| a.geometry.centred.trace.total_cmp(&b.geometry.centred.trace))?;
        Some(Figure {
            id: "layers".to_owned(),
            title: "Where curvature and noise are, layer by layer".to_owned(),
            see: format!(
                "Layer {} is the sharpest, with lambda_max {} of its own block beside {} of the whole; layer {} has {} % of the \
                 noise. Shares add up to 100 %.",
                sharpest.name,
                precise(sharpest.geometry.curvature.lambda_max),
                precise(self.geometry.curvature.lambda_max),
                noisiest.name,
                compact(100.0 * self.shares(noisiest)[1]),
            ),
            source: format!("{}, measured by jostle", self.file_name()),
            spec: bars(&all, &Axis::linear("share in %")),
            table: None,
        })
    }
}
