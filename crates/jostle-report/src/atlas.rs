//! Stability over the batch size: the threshold, what was measured of it, and every bound, each in a colour of its own.

use serde_json::{Value, json};

use super::axis::{Axis, range};
use super::series::{BandPoint, Drawn, Series, drawn_fields, heights, positions, within_frame};
use super::spec::{
    NEUTRAL, PALETTE, ReferenceLine, fading, fit_width, frame, isolate, references, shown_interval,
    shown_number, tooltip, x, y,
};

/// What a curve of an atlas is. Bounds of one kind share a colour, and differ in their dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// The largest step size that is stable in the mean square.
    Threshold,
    /// What is certainly stable, where the threshold is not known exactly.
    CertainlyStable,
    /// Where the typical path begins to grow, measured.
    Typical,
    /// (G): `2 / lambda_max`.
    GradientDescent,
    /// (T): by the trace.
    Trace,
    /// By the variance along the top eigenvector.
    Variance,
    /// (F): by the alignment, in its worst direction.
    Frobenius,
    /// (F) with the alignment measured at the point: an estimate.
    MeasuredFrobenius,
    /// (F) without any alignment.
    AlignmentFree,
    /// By the coherence.
    Coherence,
    /// What the spectrum alone would say: no bound.
    Aligned,
}

const SOLID: &[u32] = &[1, 0];
const LONG: &[u32] = &[8, 4];
const DOTS: &[u32] = &[2, 3];

impl Curve {
    /// The name in legends and tables.
    pub fn name(self) -> &'static str {
        self.look().0
    }

    /// The name, what stands at the line, its colour and its dashes.
    fn look(self) -> (&'static str, &'static str, &'static str, &'static [u32]) {
        let [blue, red, green, purple, olive, ..] = PALETTE;
        match self {
            Self::Threshold => ("exact threshold", "exact", blue, SOLID),
            Self::CertainlyStable => ("certainly stable below", "stable", blue, LONG),
            Self::Typical => ("typical path grows from here on (measured)", "", blue, DOTS),
            Self::GradientDescent => ("(G) 2/lambda_max: gradient descent", "(G)", red, SOLID),
            Self::Trace => ("(T) by the trace", "(T)", green, SOLID),
            Self::Variance => ("by the variance", "variance", olive, SOLID),
            Self::Frobenius => ("(F) by the alignment, worst direction", "(F)", purple, SOLID),
            Self::MeasuredFrobenius => ("(F) by the measured alignment (an estimate)", "(F)", purple, SOLID),
            Self::AlignmentFree => ("(F) without alignment", "(F), free", purple, LONG),
            Self::Coherence => ("by the coherence", "coherence", olive, LONG),
            Self::Aligned => ("if perfectly aligned (no bound)", "aligned", NEUTRAL, DOTS),
        }
    }
}

/// Pixels of the frame.
const HEIGHT: u32 = 400;
/// Pixels between the baselines of two labels at lines.
const LABEL_ROW: f64 = 13.0;
/// Pixels to the right of the frame in which they stand.
const LABEL_ROOM: u32 = 62;
/// More batch sizes than this get round ticks instead of one tick each.
const MOST_TICKS: usize = 12;

/// Draws curves over the batch size, in the order given. A curve of [`Curve::Typical`] is points with whiskers; where the
/// threshold has a lower end, what is stable is shaded.
pub fn atlas(
    curves: &[(Curve, Vec<BandPoint>)],
    x_axis: &Axis,
    y_axis: &Axis,
    lines: &[ReferenceLine],
) -> Value {
    let series: Vec<Series> = curves
        .iter()
        .map(|(curve, points)| Series { name: curve.name().to_owned(), points: points.clone() })
        .collect();
    let drawn = Drawn::new(&series, x_axis, y_axis);
    let all_heights = || heights(&series).chain(lines.iter().map(|line| line.value));
    let mut sizes: Vec<f64> = positions(&series).filter(|v| v.is_finite()).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let mut horizontal = x_axis.position_channel(positions(&series)).with_padding(12);
    if sizes.len() <= MOST_TICKS {
        horizontal = horizontal.with_ticks(&sizes);
    }
    let vertical = y_axis.value_channel(all_heights());
    let description = format!("{} against {}, one line for each bound.", y_axis.title(), x_axis.title());
    let mut spec = frame(&description, &drawn.rows, &drawn.names, &drawn.notes);
    fit_width(&mut spec, HEIGHT);
    spec["padding"] = json!({"left": 5, "top": 5, "bottom": 5, "right": LABEL_ROOM});
    let [line, from, to] = drawn_fields(y_axis, &vertical);
    spec["transform"] = json!([line, from, to, shown_interval("mid"), shown_number("x", "at")]);

    let looks: Vec<_> = curves.iter().map(|(curve, _)| curve.look()).collect();
    let colours: Vec<&str> = looks.iter().map(|look| look.2).collect();
    let dashes: Vec<&[u32]> = looks.iter().map(|look| look.3).collect();
    let of_series = |range: Value, legend: Value| json!({"field": "series", "type": "nominal", "scale": {"domain": drawn.names, "range": range}, "legend": legend});
    let color =
        of_series(json!(colours), json!({"title": null, "symbolType": "stroke", "symbolStrokeWidth": 3}));
    let dash = of_series(json!(dashes), json!({"title": null}));
    let names = |is: &dyn Fn(Curve) -> bool| -> Vec<&String> {
        curves.iter().zip(&drawn.names).filter(|((curve, _), _)| is(*curve)).map(|(_, name)| name).collect()
    };
    let only = |chosen: Vec<&String>| json!({"filter": {"field": "series", "oneOf": chosen}});
    let (measured, exact) =
        (names(&|c| c == Curve::Typical), names(&|c| matches!(c, Curve::Threshold | Curve::CertainlyStable)));

    let mut layers = vec![json!({
        "transform": [only(exact.clone()), {"filter": "isValid(datum.from)"}],
        "mark": {"type": "area", "clip": true},
        "encoding": {"x": x("x", &horizontal), "y": y("from", &vertical), "y2": {"field": "to"},
                     "color": color, "opacity": fading(0.14, 0.03)},
    })];
    layers.extend(references(lines, &vertical));
    layers.extend([
        json!({
            "transform": [only(names(&|c| c != Curve::Typical))],
            "params": [isolate()],
            "mark": {"type": "line", "clip": true},
            "encoding": {"x": x("x", &horizontal), "y": y("line", &vertical), "color": color, "strokeDash": dash,
                         "strokeWidth": {"condition": {"test": {"field": "series", "oneOf": exact}, "value": 3.5},
                                         "value": 2},
                         "opacity": fading(1.0, 0.12)},
        }),
        json!({
            "transform": [only(measured.clone()), {"filter": "isValid(datum.from)"}],
            "mark": {"type": "rule", "strokeWidth": 2, "clip": true},
            "encoding": {"x": x("x", &horizontal), "y": y("from", &vertical), "y2": {"field": "to"},
                         "color": color, "opacity": fading(1.0, 0.12)},
        }),
        json!({
            "transform": [within_frame(y_axis)],
            "mark": {"type": "point", "filled": true},
            "encoding": {
                "x": x("x", &horizontal), "y": y("line", &vertical), "color": color,
                "size": {"condition": {"test": {"field": "series", "oneOf": measured}, "value": 80}, "value": 24},
                "opacity": fading(1.0, 0.12),
                "tooltip": [tooltip("series", "curve"), tooltip("at", x_axis.title()), tooltip("shown", y_axis.title())],
            },
        }),
        json!({
            "data": {"values": labels(curves, y_axis, all_heights())},
            "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 6, "fontSize": 11},
            "encoding": {"x": {"value": "width"}, "y": y("at", &vertical), "text": {"field": "label"}},
        }),
    ]);
    spec["layer"] = Value::Array(layers);
    spec
}

/// The labels at the right ends of the lines, moved apart where they would overlap.
fn labels(curves: &[(Curve, Vec<BandPoint>)], axis: &Axis, heights: impl Iterator<Item = f64>) -> Vec<Value> {
    let held = |value: &f64| axis.holds(*value);
    let Some((low, high)) = axis.limits().or_else(|| range(heights.filter(held))) else { return Vec::new() };
    let inside = |value: &f64| axis.holds(*value) && (low..=high).contains(value);
    let mut ends: Vec<(f64, &str)> = curves
        .iter()
        .filter_map(|(curve, points)| {
            let end = points.iter().rev().map(|point| point.mid).find(inside)?;
            Some((end.ln(), curve.look().1))
        })
        .filter(|(_, label)| !label.is_empty())
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let row = LABEL_ROW / f64::from(HEIGHT) * (high / low).ln();
    // Upwards from the lowest, then down again from the top of the frame.
    for k in 1..ends.len() {
        ends[k].0 = ends[k].0.max(ends[k - 1].0 + row);
    }
    let mut ceiling = high.ln();
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(ceiling);
        ceiling = end.0 - row;
    }
    ends.iter().map(|(at, label)| json!({"at": at.exp(), "label": label})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Curve; 11] = [
        Curve::Threshold,
        Curve::CertainlyStable,
        Curve::Typical,
        Curve::GradientDescent,
        Curve::Trace,
        Curve::Variance,
        Curve::Frobenius,
        Curve::MeasuredFrobenius,
        Curve::AlignmentFree,
        Curve::Coherence,
        Curve::Aligned,
    ];

    fn points(last: f64) -> Vec<BandPoint> {
        let mids = [0.1, 0.3, last];
        let at = |(x, mid): (f64, f64)| BandPoint { x, mid, low: f64::NAN, high: f64::NAN };
        [1.0, 4.0, 60.0].into_iter().zip(mids).map(at).collect()
    }

    #[test]
    fn no_two_curves_that_are_drawn_together_look_alike() {
        for (k, one) in ALL.iter().enumerate() {
            for other in &ALL[..k] {
                // A page has one of the two forms of (F) by an alignment.
                if [*one, *other] == [Curve::MeasuredFrobenius, Curve::Frobenius] {
                    continue;
                }
                assert_ne!(
                    (one.look().2, one.look().3),
                    (other.look().2, other.look().3),
                    "{one:?} {other:?}"
                );
                assert_ne!(one.name(), other.name());
            }
        }
    }

    #[test]
    fn labels_at_the_ends_of_lines_keep_apart_and_within_the_frame() {
        let curves = [
            (Curve::Threshold, points(0.99)),
            (Curve::GradientDescent, points(1.0)),
            (Curve::Trace, points(0.995)),
            (Curve::Frobenius, points(50.0)),
        ];
        let axis = Axis::log("step size").with_limits(0.05, 1.05);
        let found = labels(&curves, &axis, std::iter::empty());
        let at: Vec<f64> = found.iter().map(|label| label["at"].as_f64().unwrap()).collect();
        let row = LABEL_ROW / f64::from(HEIGHT) * (1.05f64 / 0.05).ln();
        assert_eq!(found.len(), 4);
        assert!(at.windows(2).all(|pair| (pair[1] / pair[0]).ln() > row * 0.999), "{at:?}");
        assert!(at.iter().all(|value| (0.05..=1.050_001).contains(value)), "{at:?}");
        // A curve that has left the frame is named where it was last inside.
        assert!(at[0] < 0.31, "{at:?}");
    }

    #[test]
    fn ticks_stand_at_the_batch_sizes() {
        let spec =
            atlas(&[(Curve::Threshold, points(1.0))], &Axis::log("batch size"), &Axis::log("step size"), &[]);
        assert_eq!(spec["layer"][1]["encoding"]["x"]["axis"]["values"], json!([1.0, 4.0, 60.0]));
    }
}
