//! Recovered coefficients against the truth: one panel per method, the truth as outlined circles in each.

use serde_json::{Value, json};

use super::axis::{Axis, Scale, range};
use super::spec::{
    DAGGER, Estimate, NEUTRAL, color, frame, number, shown_interval, shown_number, tooltip, x, y,
};
use crate::number::compact;

/// The coefficients a method ended with, one estimate over replicas per coefficient.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// Name of the method, above its panel.
    pub name: String,
    /// Estimates in order of the coefficients.
    pub values: Vec<Estimate>,
    /// The names of the features that they belong to; empty where they have none.
    pub features: Vec<String>,
}

/// Most features whose names stand at the axis; with more they are shown where one points at a coefficient.
const MOST_NAMES: usize = 40;

/// Below this fraction of the largest magnitude a log axis without limits does not reach.
const DEEPEST: f64 = 1e-16;

/// Draws one panel per method with a common value axis: a stem to each value (on a
/// linear axis), its interval over replicas, and the
/// truth, where it is not 0, as an outlined circle. Coefficients are numbered from 1.
///
/// With a log axis the magnitudes |beta_j| are drawn; those below its lower limit (1e-16 of the largest, without
/// limits) stand at the limit, and a note says how many.
pub fn coefficients(methods: &[Recovered], truth: Option<&[f64]>, value_axis: &Axis) -> Value {
    let log = value_axis.scale() == Scale::Log;
    let magnitude = |v: f64| if log { v.abs() } else { v };
    let drawn_values = methods.iter().flat_map(|m| &m.values).filter(|e| e.value.is_finite());
    let heights = drawn_values
        .flat_map(|e| [e.value, e.low, e.high])
        .chain(truth.into_iter().flatten().copied())
        .map(magnitude);
    let found = range(heights.filter(|&v| value_axis.holds(v)));
    let floor = match (value_axis.limits(), found) {
        (Some((low, _)), _) => low,
        (None, Some((low, high))) => low.max(high * DEEPEST),
        (None, None) => DEEPEST,
    };
    let axis = match (log, value_axis.limits(), found) {
        (true, None, Some((_, high))) => value_axis.clone().with_limits(floor, high),
        _ => value_axis.clone(),
    };
    let vertical = axis.value_channel(found.into_iter().flat_map(|(low, high)| [low, high])).with_padding(7);
    let count = methods.iter().map(|m| m.values.len()).max().unwrap_or(0);
    // Names at the axis are of all panels.
    let names_at_axis = methods.first().map(|m| &m.features).filter(|features| {
        !features.is_empty()
            && features.len() <= MOST_NAMES
            && methods.iter().all(|m| m.features == **features)
    });
    let horizontal = Axis::linear(if names_at_axis.is_some() { "feature" } else { "coefficient j" })
        .with_limits(0.0, count as f64 + 1.0)
        .position_channel(std::iter::empty());
    let horizontal = match names_at_axis {
        Some(names) => horizontal.with_named_ticks(names),
        None => horizontal.with_ticks(&round_indices(count)),
    };
    let has_names = methods.iter().any(|m| !m.features.is_empty());

    let (mut names, mut notes, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for method in methods {
        let remarks = what_is_not_drawn(method, log.then_some(floor));
        let name = if remarks.is_empty() { method.name.clone() } else { format!("{}{DAGGER}", method.name) };
        notes.extend(remarks.into_iter().map(|remark| format!("\u{2020} {}: {remark}", method.name)));
        for (j, estimate) in method.values.iter().enumerate() {
            let truth = truth.and_then(|t| t.get(j)).map_or(Value::Null, |&t| number(t));
            let mut row = json!({"series": name, "j": j + 1, "value": number(estimate.value),
                                 "low": number(estimate.low), "high": number(estimate.high), "truth": truth});
            if let Some(feature) = method.features.get(j) {
                row["feature"] = json!(feature);
            }
            rows.push(row);
        }
        names.push(name);
    }
    if truth.is_some() {
        notes.insert(0, "Outlined circles: the truth, where it is not 0.".to_owned());
    }

    let colored = color(&names, None);
    let at_least = |field: &str| {
        if log { format!("max(abs(datum.{field}), {floor:e})") } else { format!("datum.{field}") }
    };
    // An interval across 0 has no lower end on a log axis.
    let (from, to) = if log {
        (
            format!(
                "datum.low * datum.high > 0 ? max(min(abs(datum.low), abs(datum.high)), {floor:e}) : {floor:e}"
            ),
            format!("max(abs(datum.low), abs(datum.high), {floor:e})"),
        )
    } else {
        ("datum.low".to_owned(), "datum.high".to_owned())
    };
    let mut spec = frame(
        &format!("{} of each coefficient, one panel per method, with the truth.", value_axis.title()),
        &rows,
        &names,
        &notes,
    );
    spec["transform"] = json!([
        {"filter": "isValid(datum.value)"},
        {"calculate": at_least("value"), "as": "at"},
        {"calculate": at_least("truth"), "as": "outline"},
        {"calculate": format!("isValid(datum.low) && isValid(datum.high) ? ({from}) : null"), "as": "from"},
        {"calculate": format!("isValid(datum.from) ? ({to}) : null"), "as": "to"},
        shown_interval("value"),
        shown_number("truth", "true_value"),
    ]);
    spec["facet"] = json!({
        "field": "series", "type": "nominal", "sort": names,
        "header": {"title": null, "labelAnchor": "start", "labelFontSize": 12, "labelFontWeight": "bold",
                   "labelPadding": 4, "labelLimit": 340},
    });
    spec["columns"] = json!(1);
    spec["spacing"] = json!(14);
    let mut panel_y = y("at", &vertical);
    // The header of a panel stands where a flat title would.
    for key in ["titleAngle", "titleAlign", "titleBaseline", "titleX", "titleY"] {
        panel_y["axis"].as_object_mut().map(|axis| axis.remove(key));
    }
    panel_y["axis"]["tickCount"] = json!(4);
    let y_of = |field: &str| {
        let mut channel = panel_y.clone();
        channel["field"] = json!(field);
        channel
    };
    let of_feature = has_names.then(|| tooltip("feature", "feature"));
    let tooltips: Vec<Value> = [tooltip("series", "method")]
        .into_iter()
        .chain(of_feature)
        .chain([
            tooltip("j", "coefficient j"),
            tooltip("shown", value_axis.title()),
            tooltip("true_value", "truth"),
        ])
        .collect();
    let tooltips = json!(tooltips);
    spec["spec"] = json!({
        "width": 640,
        "height": if methods.len() > 2 { 92 } else { 150 },
        "layer": [
            {
                "transform": [{"filter": "isValid(datum.from)"}],
                "mark": {"type": "rule", "strokeWidth": 2, "clip": true},
                "encoding": {"x": x("j", &horizontal), "y": y_of("from"), "y2": {"field": "to"}, "color": colored},
            },
            {
                "transform": [{"filter": "isValid(datum.truth) && datum.truth != 0"}],
                "mark": {"type": "point", "shape": "circle", "size": 54, "strokeWidth": 1.5, "color": NEUTRAL,
                         "fill": null},
                "encoding": {"x": x("j", &horizontal), "y": y_of("outline")},
            },
            {
                "mark": {"type": "circle", "size": 22, "opacity": 1, "clip": true},
                "encoding": {"x": x("j", &horizontal), "y": y_of("at"), "color": colored, "tooltip": tooltips},
            },
        ],
    });
    // Lengths from 0 mean something, lengths from the bottom of a log axis do not.
    if let (false, Some(layers)) = (log, spec["spec"]["layer"].as_array_mut()) {
        layers.insert(
            0,
            json!({
                "mark": {"type": "rule", "opacity": 0.35, "strokeWidth": 1.5, "clip": true},
                "encoding": {"x": x("j", &horizontal), "y": y_of("at"), "y2": {"datum": 0.0}, "color": colored},
            }),
        );
    }
    spec
}

/// Ticks at 1 and at about ten round numbers up to `count`.
fn round_indices(count: usize) -> Vec<f64> {
    let stride =
        (0..10).flat_map(|e| [1, 2, 5].map(|d| d * 10_usize.pow(e))).find(|s| s * 10 >= count).unwrap_or(1);
    let rounds = (1..=count / stride).map(|k| (k * stride) as f64).filter(|&j| j > 1.0);
    std::iter::once(1.0).chain(rounds).collect()
}

fn what_is_not_drawn(method: &Recovered, floor: Option<f64>) -> Vec<String> {
    let mut notes = Vec::new();
    let of = |k: usize| format!("{k} of {} coefficients", method.values.len());
    let lost = method.values.iter().filter(|e| !e.value.is_finite()).count();
    if lost > 0 {
        notes.push(format!("{} are not finite and not drawn.", of(lost)));
    }
    let open = method
        .values
        .iter()
        .filter(|e| e.value.is_finite() && (e.low.is_infinite() || e.high.is_infinite()))
        .count();
    if open > 0 {
        notes.push(format!("the interval of {} is not finite and not drawn.", of(open)));
    }
    if let Some(floor) = floor {
        let below = method.values.iter().filter(|e| e.value.abs() < floor).count();
        if below > 0 {
            notes.push(format!("{} are below {} and stand there.", of(below), compact(floor)));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes;

    fn recovered(values: &[f64]) -> Recovered {
        let values = values.iter().map(|&value| Estimate { value, low: value, high: value }).collect();
        Recovered { name: "label noise".to_owned(), values, features: Vec::new() }
    }

    #[test]
    fn magnitudes_below_the_limit_stand_at_it_and_are_counted() {
        let axis = Axis::log("|beta_j|").with_limits(1e-12, 2.0);
        let spec = coefficients(&[recovered(&[1.0, -0.5, 1e-300, 0.0])], Some(&[1.0, 0.0, 0.0, 0.0]), &axis);
        assert_eq!(
            notes(&spec),
            [
                "Outlined circles: the truth, where it is not 0.",
                "\u{2020} label noise: 2 of 4 coefficients are below 1e-12 and stand there."
            ]
        );
        assert_eq!(spec["spec"]["layer"][0]["encoding"]["y"]["scale"]["domain"], json!([1e-12, 2.0]));
    }

    #[test]
    fn indices_are_ticked_at_one_and_at_round_numbers() {
        assert_eq!(round_indices(8), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(round_indices(100), [1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0]);
        assert_eq!(round_indices(0), [1.0]);
    }

    #[test]
    fn features_are_named_at_the_axis_or_where_one_points() {
        let named = |count: usize| {
            let features = (0..count).map(|j| format!("f{j}")).collect();
            let method = Recovered { features, ..recovered(&vec![1.0; count]) };
            coefficients(&[method], None, &Axis::linear("beta_j"))
        };
        let few = named(3);
        assert_eq!(few["data"]["values"][1]["feature"], "f1");
        let axis = &few["spec"]["layer"][0]["encoding"]["x"]["axis"];
        assert_eq!(axis["values"], json!([1.0, 2.0, 3.0]));
        assert_eq!(axis["labelExpr"], r#"["f0","f1","f2"][datum.value - 1]"#);
        assert_eq!(axis["title"], "feature");
        let many = named(100);
        assert_eq!(many["spec"]["layer"][0]["encoding"]["x"]["axis"]["title"], "coefficient j");
        assert_eq!(many["data"]["values"][99]["feature"], "f99");
        let tooltips = many["spec"]["layer"][3]["encoding"]["tooltip"].to_string();
        assert!(tooltips.contains("\"feature\""), "{tooltips}");
    }

    #[test]
    fn rows_number_coefficients_from_one_and_carry_the_truth() {
        let spec = coefficients(&[recovered(&[0.9, f64::NAN])], Some(&[1.0, 0.0]), &Axis::linear("beta_j"));
        let rows = spec["data"]["values"].as_array().unwrap();
        assert_eq!((&rows[0]["j"], &rows[0]["truth"]), (&json!(1), &json!(1.0)));
        assert_eq!(rows[1]["value"], Value::Null);
        assert_eq!(
            notes(&spec)[1],
            "\u{2020} label noise: 1 of 2 coefficients are not finite and not drawn."
        );
    }
}
