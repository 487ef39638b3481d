//! The parts that all figures share: the frame of a specification, colours, isolation of a series, reference lines.

use serde_json::{Value, json};

use super::axis::{Channel, number_expression};

/// A value with an interval: the median or mean over replicas, and two quantiles or confidence limits.
///
/// Ends that are not finite mean that no interval is known there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value itself.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// A horizontal line across a figure, such as a prediction of theory, with a short label.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceLine {
    /// Where it lies on the value axis.
    pub value: f64,
    /// What it is.
    pub label: String,
}

/// Eight colours for series, in order of use. They differ under all three kinds of colour blindness and have a
/// contrast of at least 3 to 1 with white and with the dark page.
pub const PALETTE: [&str; 8] =
    ["#5f64ef", "#c7290d", "#00a772", "#cc71c9", "#9a8e0e", "#75788b", "#4766a3", "#9c6059"];

/// Grey that reads on the light and the dark page: for what is neither a series nor text.
pub(super) const NEUTRAL: &str = "#7f838c";

const SHAPES: [&str; 4] = ["circle", "square", "triangle-up", "diamond"];

/// The mark of a series that has a note below its figure.
pub(super) const DAGGER: &str = " \u{2020}";

/// A specification without its layers: data, frame, names for the page.
pub(super) fn frame(description: &str, rows: &[Value], series: &[String], notes: &[String]) -> Value {
    json!({
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": description,
        "usermeta": {"jostle": {"series": series, "notes": notes}},
        "data": {"values": rows},
        "config": {
            "view": {"stroke": null},
            "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 8},
            "axisX": {"grid": false},
            "axisY": {"domain": false, "ticks": false, "gridOpacity": 0.6},
            "legend": {"labelFontSize": 12, "orient": "top", "offset": 30, "labelLimit": 320, "symbolOpacity": 1},
        },
    })
}

/// The notes of a specification made here, each a sentence to stand below the figure.
pub fn notes(spec: &Value) -> Vec<&str> {
    let notes = spec.pointer("/usermeta/jostle/notes").and_then(Value::as_array);
    notes.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A figure that takes the width it is given.
pub(super) fn fit_width(spec: &mut Value, height: u32) {
    spec["width"] = json!("container");
    spec["height"] = json!(height);
    spec["autosize"] = json!({"type": "fit", "contains": "padding"});
}

/// The horizontal channel of a field.
pub(super) fn x(field: &str, channel: &Channel) -> Value {
    json!({"field": field, "type": "quantitative", "scale": channel.scale, "axis": channel.axis})
}

/// The vertical channel of a field; its title lies flat above the axis, where it takes no width.
pub(super) fn y(field: &str, channel: &Channel) -> Value {
    let mut axis = channel.axis.clone();
    let flat =
        json!({"titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom", "titleX": 0, "titleY": -10});
    for (key, value) in flat.as_object().into_iter().flatten() {
        axis[key] = value.clone();
    }
    if axis.get("tickCount").is_some() {
        axis["tickCount"] = json!({"signal": "ceil(height / 50)"});
    }
    json!({"field": field, "type": "quantitative", "scale": channel.scale, "axis": axis})
}

/// The colour of a series, by its place in `series`.
pub(super) fn color(series: &[String], symbol: Option<&str>) -> Value {
    let range: Vec<&str> = (0..series.len()).map(|k| PALETTE[k % PALETTE.len()]).collect();
    let legend = symbol.map(|symbol| json!({"title": null, "symbolType": symbol, "symbolStrokeWidth": 3}));
    json!({"field": "series", "type": "nominal", "scale": {"domain": series, "range": range}, "legend": legend})
}

/// The dashes of a line: solid, and broken from where the palette repeats.
pub(super) fn dash(series: &[String]) -> Value {
    let range: Vec<Value> = (0..series.len())
        .map(|k| [json!([1, 0]), json!([6, 3]), json!([2, 3])][k / PALETTE.len() % 3].clone())
        .collect();
    json!({"field": "series", "type": "nominal", "scale": {"domain": series, "range": range},
           "legend": {"title": null}})
}

/// The shape of the points of a series, so that colour is not alone in telling them apart.
pub(super) fn shape(series: &[String]) -> Value {
    let range: Vec<&str> = (0..series.len()).map(|k| SHAPES[k % SHAPES.len()]).collect();
    json!({"field": "series", "type": "nominal", "scale": {"domain": series, "range": range},
           "legend": {"title": null}})
}

/// The parameter by which a click on the legend, or on a drawn line, shows one series alone.
pub(super) fn isolate() -> Value {
    json!({"name": "isolate", "select": {"type": "point", "fields": ["series"], "on": "click"}, "bind": "legend"})
}

/// An opacity that fades when another series is isolated.
pub(super) fn fading(shown: f64, faded: f64) -> Value {
    json!({"condition": {"param": "isolate", "value": shown}, "value": faded})
}

/// The transform that writes `value [low, high]` into the field `shown`, for tooltips.
pub(super) fn shown_interval(value: &str) -> Value {
    let [value, low, high] = [value, "low", "high"].map(|f| number_expression(&format!("datum.{f}")));
    json!({"calculate": format!(
        "({value}) + (isValid(datum.low) || isValid(datum.high) ? ' [' + ({low}) + ', ' + ({high}) + ']' : '')"
    ), "as": "shown"})
}

/// The transform that writes a number as text into `target`, for tooltips.
pub(super) fn shown_number(field: &str, target: &str) -> Value {
    json!({"calculate": number_expression(&format!("datum.{field}")), "as": target})
}

/// One line of a tooltip.
pub(super) fn tooltip(field: &str, title: &str) -> Value {
    json!({"field": field, "type": "nominal", "title": title})
}

/// The layers of reference lines along the value axis; labels alternate between the two ends, so that lines close to
/// each other keep theirs apart.
pub(super) fn references(lines: &[ReferenceLine], channel: &Channel) -> Vec<Value> {
    let finite = lines.iter().filter(|line| line.value.is_finite());
    let mut layers = Vec::new();
    for (k, line) in finite.enumerate() {
        let data = json!({"values": [{"value": line.value, "label": line.label}]});
        let (end, align, dx) = if k % 2 == 0 { (json!("width"), "right", -4) } else { (json!(0), "left", 4) };
        let at = y("value", channel);
        layers.push(json!({
            "data": data,
            "mark": {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1.2, "color": NEUTRAL},
            "encoding": {"y": at},
        }));
        layers.push(json!({
            "data": data,
            "mark": {"type": "text", "align": align, "baseline": "bottom", "dx": dx, "dy": -3, "fontSize": 11},
            "encoding": {"y": at, "x": {"value": end}, "text": {"field": "label"}},
        }));
    }
    layers
}

/// A number for a row of data: JSON has no place for what is not finite.
pub(super) fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_order_of_the_series() {
        let series: Vec<String> = (0..10).map(|k| format!("s{k}")).collect();
        let all = color(&series, None);
        let few = color(&series[..2], None);
        assert_eq!(all["scale"]["range"][0], few["scale"]["range"][0]);
        assert_eq!(all["scale"]["range"][8], PALETTE[0], "the palette repeats after its end");
    }

    #[test]
    fn the_notes_of_a_figure_are_found_in_its_specification() {
        let spec = frame("d", &[], &[], &["one".to_owned(), "two".to_owned()]);
        assert_eq!(notes(&spec), ["one", "two"]);
        assert!(notes(&json!({"mark": "bar"})).is_empty());
    }
}
