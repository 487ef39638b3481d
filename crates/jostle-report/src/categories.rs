//! A quantity for named categories: an interval each, with the individual replicas as light dots beside it.

use serde_json::{Value, json};

use super::axis::{Axis, Scale};
use super::spec::{
    DAGGER, Estimate, NEUTRAL, PALETTE, ReferenceLine, frame, number, shown_interval, shown_number, tooltip,
};

/// One category: its estimate, and the replicas it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    /// Shown beside the axis, in the order given.
    pub name: String,
    /// Median or mean with its interval.
    pub estimate: Estimate,
    /// One value per replica. Those that are not finite are left out and noted.
    pub replicas: Vec<f64>,
}

/// Draws one row per category: replicas as dots above, point and interval below, over a common value axis.
///
/// On a log axis an interval that reaches 0 ends at the left edge of the figure.
pub fn categories(categories: &[Category], value_axis: &Axis, lines: &[ReferenceLine]) -> Value {
    let values = categories.iter().flat_map(|c| {
        [c.estimate.value, c.estimate.low, c.estimate.high].into_iter().chain(c.replicas.iter().copied())
    });
    let channel =
        value_axis.value_channel(values.chain(lines.iter().map(|line| line.value))).with_padding(12);
    let left = channel.scale["domain"][0].clone();
    let (mut names, mut notes, mut rows, mut dots) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for category in categories {
        let remarks = what_is_not_drawn(category, value_axis);
        let name =
            if remarks.is_empty() { category.name.clone() } else { format!("{}{DAGGER}", category.name) };
        notes.extend(remarks.into_iter().map(|remark| format!("\u{2020} {}: {remark}", category.name)));
        let e = &category.estimate;
        rows.push(
            json!({"series": name, "value": number(e.value), "low": number(e.low), "high": number(e.high)}),
        );
        for (replica, &value) in category.replicas.iter().enumerate().filter(|(_, v)| value_axis.holds(**v)) {
            dots.push(json!({"series": name, "replica": replica, "value": value, "lane": lane(replica)}));
        }
        names.push(name);
    }
    let colors: Vec<&str> = (0..names.len()).map(|k| PALETTE[k % PALETTE.len()]).collect();
    let colored = json!({"field": "series", "type": "nominal", "scale": {"domain": names, "range": colors},
                         "legend": null});
    let row = json!({"field": "series", "type": "nominal", "sort": null, "scale": {"domain": names},
                     "axis": {"title": null, "labelLimit": 190, "ticks": false, "domain": false, "labelPadding": 8}});
    let lane_of = |field: Value| {
        let mut lane = json!({"type": "quantitative", "scale": {"domain": [-1.15, 1.15], "nice": false}});
        for (key, value) in field.as_object().into_iter().flatten() {
            lane[key] = value.clone();
        }
        lane
    };
    let at = |field: &str| {
        let mut axis = channel.axis.clone();
        axis["grid"] = json!(true);
        json!({"field": field, "type": "quantitative", "scale": channel.scale, "axis": axis})
    };
    let low = match value_axis.scale() {
        Scale::Linear => "datum.low".to_owned(),
        Scale::Log => format!("datum.low > 0 ? datum.low : {left}"),
    };

    let mut spec = frame(
        &format!("{} for each category, with the replicas as dots.", value_axis.title()),
        &rows,
        &names,
        &notes,
    );
    spec["width"] = json!("container");
    spec["height"] = json!({"step": 46});
    spec["autosize"] = json!({"type": "fit-x", "contains": "padding"});
    spec["transform"] = json!([
        {"filter": if value_axis.scale() == Scale::Log { "datum.value > 0" } else { "isValid(datum.value)" }},
        {"calculate": format!("isValid(datum.low) && isValid(datum.high) ? ({low}) : null"), "as": "from"},
        shown_interval("value"),
    ]);
    let mut layers: Vec<Value> = lines
        .iter()
        .filter(|line| line.value.is_finite())
        .flat_map(|line| {
            let data = json!({"values": [{"value": line.value, "label": line.label}]});
            [
                json!({
                    "data": data,
                    "mark": {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1.2, "color": NEUTRAL},
                    "encoding": {"x": at("value")},
                }),
                json!({
                    "data": data,
                    "mark": {"type": "text", "baseline": "bottom", "fontSize": 11},
                    "encoding": {"x": at("value"), "y": {"value": -3}, "text": {"field": "label"}},
                }),
            ]
        })
        .collect();
    layers.extend([
        json!({
            "data": {"values": dots},
            "transform": [shown_number("value", "shown")],
            "mark": {"type": "circle", "size": 26, "opacity": 0.55, "clip": true},
            "encoding": {"y": row, "yOffset": lane_of(json!({"field": "lane"})), "x": at("value"), "color": colored,
                         "tooltip": [tooltip("series", "series"), tooltip("replica", "replica"),
                                     tooltip("shown", value_axis.title())]},
        }),
        json!({
            "transform": [{"filter": "isValid(datum.from)"}],
            "mark": {"type": "rule", "strokeWidth": 2.5, "clip": true},
            "encoding": {"y": row, "yOffset": lane_of(json!({"datum": -0.6})), "x": at("from"),
                         "x2": {"field": "high"}, "color": colored},
        }),
        json!({
            "mark": {"type": "point", "filled": true, "size": 90, "opacity": 1},
            "encoding": {"y": row, "yOffset": lane_of(json!({"datum": -0.6})), "x": at("value"), "color": colored,
                         "tooltip": [tooltip("series", "series"), tooltip("shown", value_axis.title())]},
        }),
    ]);
    spec["layer"] = Value::Array(layers);
    spec
}

/// Spreads the dots of neighbouring replicas over the upper part of a row: the golden ratio sequence, which is even
/// for every number of replicas and the same in every run.
fn lane(replica: usize) -> f64 {
    let spread = (replica as f64 * 0.618_033_988_749_895).fract();
    ((0.15 + 0.75 * spread) * 1000.0).round() / 1000.0
}

fn what_is_not_drawn(category: &Category, axis: &Axis) -> Vec<String> {
    let mut notes = Vec::new();
    let total = category.replicas.len();
    let diverged = category.replicas.iter().filter(|v| !v.is_finite()).count();
    if diverged > 0 {
        notes.push(format!("{diverged} of {total} replicas are not finite and not drawn."));
    }
    let flat = category.replicas.iter().filter(|v| v.is_finite() && !axis.holds(**v)).count();
    if flat > 0 {
        notes.push(format!("{flat} of {total} replicas lie at or below 0, where a log axis has no place."));
    }
    if !axis.holds(category.estimate.value) {
        notes.push("the estimate itself has no place on the axis and is not drawn.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes;

    #[test]
    fn replicas_that_diverged_are_left_out_and_counted() {
        let category = Category {
            name: "mini-batch".to_owned(),
            estimate: Estimate { value: 12.0, low: 5.0, high: f64::INFINITY },
            replicas: vec![5.0, f64::NAN, 12.0, f64::INFINITY],
        };
        let spec = categories(&[category], &Axis::log("error"), &[]);
        assert_eq!(spec["layer"][0]["data"]["values"].as_array().unwrap().len(), 2);
        assert_eq!(notes(&spec), ["\u{2020} mini-batch: 2 of 4 replicas are not finite and not drawn."]);
    }

    #[test]
    fn dots_stay_above_the_interval_and_within_the_row() {
        assert!((0..1000).map(lane).all(|l| (0.1..=0.95).contains(&l)));
    }
}
