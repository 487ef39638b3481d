//! Named series of values with intervals, and the sentences about what of them cannot be drawn.

use serde_json::{Value, json};

use super::axis::{Axis, Scale};
use super::number::compact;
use super::spec::{DAGGER, number};

/// One point of a series: a value at `x` with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandPoint {
    /// Step, or swept value.
    pub x: f64,
    /// Median or mean.
    pub mid: f64,
    /// Lower quantile or limit.
    pub low: f64,
    /// Upper quantile or limit.
    pub high: f64,
}

/// A named series of points in order of `x`. Values that are not finite are allowed: they are said, not drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Shown in the legend.
    pub name: String,
    /// In order of `x`.
    pub points: Vec<BandPoint>,
}

/// Series made ready for drawing.
pub(super) struct Drawn {
    /// Rows {series, x, mid, low, high}; what is not finite is null.
    pub(super) rows: Vec<Value>,
    /// Names in order, with a dagger where there is a note.
    pub(super) names: Vec<String>,
    /// One sentence for each thing that is not drawn.
    pub(super) notes: Vec<String>,
    /// Rows {series, x, mid} of the last points before a series stops being finite.
    pub(super) ends: Vec<Value>,
}

impl Drawn {
    pub(super) fn new(series: &[Series], x: &Axis, y: &Axis) -> Self {
        let mut drawn = Self { rows: Vec::new(), names: Vec::new(), notes: Vec::new(), ends: Vec::new() };
        for one in series {
            let notes = what_is_not_drawn(one, x, y);
            let name = if notes.is_empty() { one.name.clone() } else { format!("{}{DAGGER}", one.name) };
            drawn.notes.extend(notes.into_iter().map(|note| format!("\u{2020} {}: {note}", one.name)));
            drawn.rows.extend(one.points.iter().filter(|p| p.x.is_finite()).map(|p| {
                json!({"series": name, "x": p.x, "mid": number(p.mid),
                       "low": number(p.low), "high": number(p.high)})
            }));
            drawn.ends.extend(
                one.points
                    .windows(2)
                    .filter(|pair| stops(pair, y))
                    .map(|pair| json!({"series": name, "x": pair[0].x, "mid": pair[0].mid})),
            );
            drawn.names.push(name);
        }
        drawn
    }
}

/// Every value that has to fit on the vertical axis.
pub(super) fn heights(series: &[Series]) -> impl Iterator<Item = f64> + Clone {
    series.iter().flat_map(|s| &s.points).filter(|p| p.mid.is_finite()).flat_map(|p| [p.mid, p.low, p.high])
}

/// The positions of all points.
pub(super) fn positions(series: &[Series]) -> impl Iterator<Item = f64> + Clone {
    series.iter().flat_map(|s| &s.points).map(|p| p.x)
}

fn stops(pair: &[BandPoint], y: &Axis) -> bool {
    y.holds(pair[0].mid) && !pair[1].mid.is_finite()
}

fn what_is_not_drawn(series: &Series, x: &Axis, y: &Axis) -> Vec<String> {
    let points = &series.points;
    let mut notes = Vec::new();
    let count = |test: &dyn Fn(&BandPoint) -> bool| points.iter().filter(|p| test(p)).count();
    let of = |k: usize| format!("{k} of {} points", points.len());

    let lost = count(&|p| !p.mid.is_finite());
    if let Some(first) = points.iter().find(|p| !p.mid.is_finite()) {
        let verb = if lost == 1 { "is" } else { "are" };
        notes.push(format!(
            "{} {verb} not finite, the first at {} = {}; not drawn, a cross marks the last one before.",
            of(lost),
            x.title(),
            compact(first.x)
        ));
    }
    // Both ends NaN: a series without intervals, which promised none.
    let opened = count(&|p| {
        let open = p.low.is_infinite() || p.high.is_infinite() || p.low.is_nan() != p.high.is_nan();
        p.mid.is_finite() && open
    });
    if opened > 0 {
        notes.push(format!("the interval is not finite at {} and is not drawn there.", of(opened)));
    }
    let flat = count(&|p| y.scale() == Scale::Log && p.mid.is_finite() && p.mid <= 0.0);
    if flat > 0 {
        notes.push(format!("{} lie at or below 0, where a log axis has no place.", of(flat)));
    }
    let outside =
        y.limits().map_or(0, |(low, high)| count(&|p| y.holds(p.mid) && !(low..=high).contains(&p.mid)));
    if outside > 0 {
        notes.push(format!("{} lie outside the drawn range.", of(outside)));
    }
    let misplaced = count(&|p| !p.x.is_finite() || x.scale() == Scale::Log && p.x < 0.0);
    if misplaced > 0 {
        notes.push(format!("{} have no place on the axis of {}.", of(misplaced), x.title()));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, mid: f64, high: f64) -> BandPoint {
        BandPoint { x, mid, low: mid / 2.0, high }
    }

    fn drawn(points: Vec<BandPoint>) -> Drawn {
        let series = [Series { name: "mini-batch".to_owned(), points }];
        Drawn::new(&series, &Axis::log("step"), &Axis::log("error"))
    }

    #[test]
    fn a_diverged_series_ends_with_a_cross_and_a_note() {
        let drawn =
            drawn(vec![point(0.0, 9.0, 10.0), point(10.0, 99.0, 1e3), point(100.0, f64::NAN, f64::NAN)]);
        assert_eq!(drawn.names, ["mini-batch \u{2020}"]);
        assert_eq!(drawn.ends, [json!({"series": "mini-batch \u{2020}", "x": 10.0, "mid": 99.0})]);
        assert_eq!(
            drawn.notes,
            [
                "\u{2020} mini-batch: 1 of 3 points is not finite, the first at step = 100; not drawn, a cross marks \
              the last one before."
            ]
        );
        assert_eq!(drawn.rows[2]["mid"], Value::Null);
    }

    #[test]
    fn an_interval_that_is_open_upwards_is_said() {
        let drawn = drawn(vec![point(1.0, 2.0, 3.0), point(2.0, 2.0, f64::INFINITY)]);
        assert_eq!(
            drawn.notes,
            ["\u{2020} mini-batch: the interval is not finite at 1 of 2 points and is not drawn there."]
        );
        assert!(drawn.ends.is_empty());
    }

    #[test]
    fn a_series_without_intervals_needs_no_note() {
        let lone = BandPoint { x: 1.0, mid: 2.0, low: f64::NAN, high: f64::NAN };
        assert!(drawn(vec![lone]).notes.is_empty());
    }

    #[test]
    fn zeros_on_a_log_axis_are_counted() {
        let drawn = drawn(vec![point(1.0, 2.0, 3.0), point(2.0, 0.0, 0.0)]);
        assert_eq!(
            drawn.notes,
            ["\u{2020} mini-batch: 1 of 2 points lie at or below 0, where a log axis has no place."]
        );
    }
}
