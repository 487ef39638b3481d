//! Quantities along training: a line for the median and a band for the quantiles of each series.

use serde_json::{Value, json};

use super::axis::Axis;
use super::series::{Drawn, Series, bounded, drawn_fields, heights, positions, within_frame};
use super::spec::{
    ReferenceLine, color, dash, fading, fit_width, frame, isolate, references, shown_interval, shown_number,
    tooltip, x, y,
};

/// Draws each series as a line with a band, over `x_axis` (steps) and `y_axis`.
///
/// On a log axis the lower edge of a band that reaches 0 is drawn at the bottom of the figure. Values that are not
/// finite are left out: the series ends in a cross, gets a dagger in the legend and a note (see [`super::notes`]).
pub fn bands(series: &[Series], x_axis: &Axis, y_axis: &Axis, lines: &[ReferenceLine]) -> Value {
    let y_axis = &bounded(y_axis, series, lines);
    let drawn = Drawn::new(series, x_axis, y_axis);
    let all_heights = || heights(series).chain(lines.iter().map(|line| line.value));
    let horizontal = x_axis.position_channel(positions(series));
    let vertical = y_axis.value_channel(all_heights());
    let colored = color(&drawn.names, Some("stroke"));
    let mut spec = frame(
        &format!(
            "{} against {}, one line per series with its interval as a band.",
            y_axis.title(),
            x_axis.title()
        ),
        &drawn.rows,
        &drawn.names,
        &drawn.notes,
    );
    fit_width(&mut spec, 340);
    let [line, from, to] = drawn_fields(y_axis, &vertical);
    spec["transform"] = json!([line, from, to, shown_interval("mid"), shown_number("x", "at")]);
    let mut layers = vec![
        json!({
            "mark": {"type": "area", "clip": true},
            "encoding": {"x": x("x", &horizontal), "y": y("from", &vertical), "y2": {"field": "to"},
                         "color": colored, "opacity": fading(0.26, 0.03)},
        }),
        json!({
            "params": [isolate()],
            "mark": {"type": "line", "strokeWidth": 2, "clip": true},
            "encoding": {"x": x("x", &horizontal), "y": y("line", &vertical),
                         "color": colored, "strokeDash": dash(&drawn.names), "opacity": fading(1.0, 0.12)},
        }),
    ];
    if !drawn.ends.is_empty() {
        layers.push(json!({
            "data": {"values": drawn.ends},
            "mark": {"type": "point", "shape": "cross", "angle": 45, "size": 90, "filled": true},
            "encoding": {"x": x("x", &horizontal), "y": y("mid", &vertical),
                         "color": colored, "opacity": fading(1.0, 0.12)},
        }));
    }
    layers.extend(references(lines, &vertical));
    layers.push(json!({
        "transform": [within_frame(y_axis)],
        "params": [{"name": "near", "select": {"type": "point", "on": "pointerover", "nearest": true,
                                               "clear": "pointerout"}}],
        "mark": {"type": "point", "filled": true, "size": 60, "clip": true},
        "encoding": {
            "x": x("x", &horizontal), "y": y("line", &vertical), "color": colored,
            "opacity": {"condition": {"param": "near", "empty": false, "value": 1}, "value": 0},
            "tooltip": [tooltip("series", "series"), tooltip("at", x_axis.title()), tooltip("shown", y_axis.title())],
        },
    }));
    spec["layer"] = Value::Array(layers);
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BandPoint, notes};

    fn decaying(name: &str, last: f64) -> Series {
        let mids = [9.0, 3.0, 1.0, last];
        let points = [0.0, 1.0, 10.0, 100.0]
            .iter()
            .zip(mids)
            .map(|(&x, mid)| BandPoint { x, mid, low: mid - 1.0, high: mid + 1.0 })
            .collect();
        Series { name: name.to_owned(), points }
    }

    #[test]
    fn every_figure_is_the_same_twice() {
        let draw = || bands(&[decaying("a", 0.5)], &Axis::log("step"), &Axis::log("error"), &[]).to_string();
        assert_eq!(draw(), draw());
    }

    #[test]
    fn rows_carry_the_data_as_they_are_and_diverged_values_as_null() {
        let spec = bands(&[decaying("a", f64::NAN)], &Axis::log("step"), &Axis::log("error"), &[]);
        let rows = spec["data"]["values"].as_array().unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0], json!({"series": "a \u{2020}", "x": 0.0, "mid": 9.0, "low": 8.0, "high": 10.0}));
        assert_eq!(rows[3]["mid"], Value::Null);
        assert_eq!(notes(&spec).len(), 1);
    }

    #[test]
    fn reference_lines_lie_within_the_axis() {
        let line = ReferenceLine { value: 1e-4, label: "theory".to_owned() };
        let spec = bands(&[decaying("a", 0.5)], &Axis::log("step"), &Axis::log("error"), &[line]);
        assert_eq!(spec["layer"][0]["encoding"]["y"]["scale"]["domain"], json!([1e-4, 10.0]));
    }
}
