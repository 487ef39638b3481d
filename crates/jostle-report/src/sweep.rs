//! A quantity against a swept parameter: points with whiskers, joined by a line, one series per method.

use serde_json::{Value, json};

use super::axis::Axis;
use super::series::{Drawn, Series, bounded, drawn_fields, heights, positions, within_frame};
use super::spec::{
    ReferenceLine, color, fading, fit_width, frame, isolate, references, shape, shown_interval, shown_number,
    tooltip, x, y,
};

/// More swept values than this get round ticks instead of one tick each.
const MOST_TICKS: usize = 12;

/// Draws each series as points with whiskers over the swept values, with ticks at these values.
///
/// On a log axis a whisker that reaches 0 ends at the bottom of the figure. What is not finite is left out and noted,
/// as in [`super::bands()`].
pub fn sweep(series: &[Series], x_axis: &Axis, y_axis: &Axis, lines: &[ReferenceLine]) -> Value {
    let y_axis = &bounded(y_axis, series, lines);
    let drawn = Drawn::new(series, x_axis, y_axis);
    let all_heights = || heights(series).chain(lines.iter().map(|line| line.value));
    let mut horizontal = x_axis.position_channel(positions(series)).with_padding(16);
    let mut swept: Vec<f64> = positions(series).filter(|v| v.is_finite()).collect();
    swept.sort_by(f64::total_cmp);
    swept.dedup();
    if swept.len() <= MOST_TICKS && x_axis.limits().is_none() {
        horizontal = horizontal.with_ticks(&swept);
    }
    let vertical = y_axis.value_channel(all_heights());
    let colored = color(&drawn.names, Some("circle"));
    let mut spec = frame(
        &format!("{} against {}, one series per method with intervals.", y_axis.title(), x_axis.title()),
        &drawn.rows,
        &drawn.names,
        &drawn.notes,
    );
    fit_width(&mut spec, 320);
    let [line, from, to] = drawn_fields(y_axis, &vertical);
    spec["transform"] = json!([line, from, to, shown_interval("mid"), shown_number("x", "at")]);
    let mut layers = references(lines, &vertical);
    layers.extend([
        json!({
            "mark": {"type": "line", "strokeWidth": 1.5, "clip": true},
            "encoding": {"x": x("x", &horizontal), "y": y("line", &vertical),
                         "color": colored, "opacity": fading(0.55, 0.08)},
        }),
        json!({
            "transform": [{"filter": "isValid(datum.from)"}],
            "mark": {"type": "rule", "strokeWidth": 1.5, "clip": true},
            "encoding": {"x": x("x", &horizontal), "y": y("from", &vertical), "y2": {"field": "to"},
                         "color": colored, "opacity": fading(1.0, 0.12)},
        }),
        json!({
            "transform": [within_frame(y_axis)],
            "params": [isolate()],
            "mark": {"type": "point", "filled": true, "size": 64},
            "encoding": {
                "x": x("x", &horizontal), "y": y("line", &vertical), "color": colored, "shape": shape(&drawn.names),
                "opacity": fading(1.0, 0.12),
                "tooltip": [tooltip("series", "series"), tooltip("at", x_axis.title()),
                            tooltip("shown", y_axis.title())],
            },
        }),
    ]);
    spec["layer"] = Value::Array(layers);
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BandPoint;

    #[test]
    fn ticks_stand_at_the_swept_values() {
        let points =
            [10.0, 20.0, 40.0].map(|x| BandPoint { x, mid: 1.0 / x, low: 0.5 / x, high: 2.0 / x }).to_vec();
        let series = [Series { name: "label".to_owned(), points }];
        let spec = sweep(&series, &Axis::log("samples n"), &Axis::log("error"), &[]);
        assert_eq!(spec["layer"][0]["encoding"]["x"]["axis"]["values"], json!([10.0, 20.0, 40.0]));
    }
}
