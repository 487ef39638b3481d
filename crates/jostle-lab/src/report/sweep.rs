//! A quantity against a swept parameter: points with whiskers, joined by a line, one series per method.

use serde_json::{Value, json};

use super::axis::{Axis, Scale, range};
use super::series::{Drawn, Series, heights, positions};
use super::spec::{
    ReferenceLine, color, fading, fit_width, frame, isolate, references, shape, shown_interval, shown_number,
    tooltip, x, y,
};

/// More swept values than this get round ticks instead of one tick each.
const MOST_TICKS: usize = 12;

/// Draws each series as points with whiskers over the swept values, with ticks at these values.
///
/// On a log axis a whisker that reaches 0 ends at the bottom of the figure; what is not finite is left out and noted.
pub fn sweep(series: &[Series], x_axis: &Axis, y_axis: &Axis, lines: &[ReferenceLine]) -> Value {
    let drawn = Drawn::new(series, x_axis, y_axis);
    let all_heights = || heights(series).chain(lines.iter().map(|line| line.value));
    let mut horizontal = x_axis.position_channel(positions(series));
    let mut swept: Vec<f64> = positions(series).filter(|v| v.is_finite()).collect();
    swept.sort_by(f64::total_cmp);
    swept.dedup();
    if swept.len() <= MOST_TICKS && x_axis.limits().is_none() {
        horizontal = horizontal.with_ticks(&swept);
    }
    let vertical = y_axis.value_channel(all_heights());
    let bottom =
        y_axis.limits().or_else(|| range(all_heights().filter(|&v| y_axis.holds(v)))).map_or(1.0, |r| r.0);
    let (drawable, low) = match y_axis.scale() {
        Scale::Linear => ("isValid(datum.mid)", "datum.low".to_owned()),
        Scale::Log => {
            ("isValid(datum.mid) && datum.mid > 0", format!("datum.low > 0 ? datum.low : {bottom:e}"))
        }
    };

    let colored = color(&drawn.names, Some("circle"));
    let mut spec = frame(
        &format!("{} against {}, one series per method with intervals.", y_axis.title(), x_axis.title()),
        &drawn.rows,
        &drawn.names,
        &drawn.notes,
    );
    fit_width(&mut spec, 320);
    spec["transform"] = json!([
        {"filter": drawable},
        {"calculate": format!("isValid(datum.low) && isValid(datum.high) ? ({low}) : null"), "as": "from"},
        shown_interval("mid"),
        shown_number("x", "at"),
    ]);
    let mut layers = references(lines, &vertical);
    layers.extend([
        json!({
            "mark": {"type": "line", "strokeWidth": 1.5, "clip": true},
            "encoding": {"x": x("x", &horizontal), "y": y("mid", &vertical),
                         "color": colored, "opacity": fading(0.55, 0.08)},
        }),
        json!({
            "transform": [{"filter": "isValid(datum.from)"}],
            "mark": {"type": "rule", "strokeWidth": 1.5, "clip": true},
            "encoding": {"x": x("x", &horizontal), "y": y("from", &vertical), "y2": {"field": "high"},
                         "color": colored, "opacity": fading(1.0, 0.12)},
        }),
        json!({
            "params": [isolate()],
            "mark": {"type": "point", "filled": true, "size": 64, "clip": true},
            "encoding": {
                "x": x("x", &horizontal), "y": y("mid", &vertical), "color": colored, "shape": shape(&drawn.names),
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
    use crate::report::BandPoint;

    #[test]
    fn ticks_stand_at_the_swept_values() {
        let points =
            [10.0, 20.0, 40.0].map(|x| BandPoint { x, mid: 1.0 / x, low: 0.5 / x, high: 2.0 / x }).to_vec();
        let series = [Series { name: "label".to_owned(), points }];
        let spec = sweep(&series, &Axis::log("samples n"), &Axis::log("error"), &[]);
        assert_eq!(spec["layer"][0]["encoding"]["x"]["axis"]["values"], json!([10.0, 20.0, 40.0]));
    }
}
