//! A quantity of several series for named categories, as bars side by side.

use serde_json::{Value, json};

use super::axis::Axis;
use super::spec::{color, fading, frame, isolate, number, shown_number, tooltip};

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// The row that it stands in, shown beside the axis.
    pub category: String,
    /// The series that it belongs to, shown in the legend.
    pub series: String,
    /// How long it is; one that is not finite is left out and noted.
    pub value: f64,
}

/// Draws one row for each category and one bar in it for each series, from zero on over a linear value axis; categories and
/// series in the order in which they are given.
pub fn bars(bars: &[Bar], value_axis: &Axis) -> Value {
    let (categories, series) = (distinct(bars, |bar| &bar.category), distinct(bars, |bar| &bar.series));
    let missing = bars.iter().filter(|bar| !bar.value.is_finite());
    let notes: Vec<String> =
        missing.map(|bar| format!("{}, {}: not finite and not drawn.", bar.category, bar.series)).collect();
    let row = |bar: &Bar| json!({"category": bar.category, "series": bar.series, "value": number(bar.value)});
    let rows: Vec<Value> = bars.iter().map(row).collect();
    let channel = value_axis.value_channel(std::iter::once(0.0));
    let mut axis = channel.axis;
    axis["grid"] = json!(true);
    let description = format!("{} for each category, one bar per series.", value_axis.title());
    let mut spec = frame(&description, &rows, &series, &notes);
    spec["width"] = json!("container");
    spec["height"] = json!({"step": 16.0 * (series.len() as f64 + 1.0), "for": "position"});
    spec["autosize"] = json!({"type": "fit-x", "contains": "padding"});
    spec["transform"] = json!([{"filter": "isValid(datum.value)"}, shown_number("value", "shown")]);
    spec["layer"] = json!([{
        "params": [isolate()],
        "mark": {"type": "bar"},
        "encoding": {
            "y": {"field": "category", "type": "nominal", "sort": null, "scale": {"domain": categories},
                  "axis": {"title": null, "labelLimit": 190, "ticks": false, "domain": false, "labelPadding": 8}},
            "yOffset": {"field": "series", "type": "nominal", "sort": null, "scale": {"domain": series}},
            "x": {"field": "value", "type": "quantitative", "scale": {"zero": true, "nice": true}, "axis": axis},
            "color": color(&series, Some("square")),
            "opacity": fading(1.0, 0.12),
            "tooltip": [tooltip("category", "category"), tooltip("series", "series"),
                        tooltip("shown", value_axis.title())],
        },
    }]);
    spec
}

/// The names that occur, in order.
fn distinct(bars: &[Bar], name: impl Fn(&Bar) -> &String) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for bar in bars {
        if !names.contains(name(bar)) {
            names.push(name(bar).clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes;

    #[test]
    fn bars_stand_in_their_rows_and_those_that_are_not_finite_are_noted() {
        let bar = |category: &str, series: &str, value| Bar {
            category: category.to_owned(),
            series: series.to_owned(),
            value,
        };
        let all = [bar("2", "a", 60.0), bar("2", "b", f64::NAN), bar("0", "a", 40.0)];
        let spec = bars(&all, &Axis::linear("share"));
        let encoding = &spec["layer"][0]["encoding"];
        assert_eq!(encoding["y"]["scale"]["domain"], json!(["2", "0"]), "in the order given");
        assert_eq!(encoding["color"]["scale"]["domain"], json!(["a", "b"]));
        assert_eq!(spec["data"]["values"][0], json!({"category": "2", "series": "a", "value": 60.0}));
        assert_eq!(notes(&spec), ["2, b: not finite and not drawn."]);
    }
}
