//! Named series of values with intervals, and the sentences about what of them cannot be drawn.

use serde_json::{Value, json};

use super::axis::{Axis, Channel, Scale, range};
use super::spec::{DAGGER, ReferenceLine, number};
use crate::number::compact;

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
            if !notes.is_empty() {
                drawn.notes.push(format!("\u{2020} {}: {}.", one.name, notes.join("; ")));
            }
            let shown = thinned(&one.points);
            if shown.len() < one.points.len() {
                drawn.notes.push(format!(
                    "Drawn are {} of the {} points of {}: every {}th, and more of the first.",
                    shown.len(),
                    one.points.len(),
                    one.name,
                    stride(one.points.len())
                ));
            }
            drawn.rows.extend(shown.iter().map(|k| one.points[*k]).filter(|p| p.x.is_finite()).map(|p| {
                json!({"series": name, "x": p.x, "mid": number(p.mid),
                       "low": number(p.low), "high": number(p.high)})
            }));
            // A series that left through the top is crossed where it left.
            let top = y.limits().map_or(f64::INFINITY, |limits| limits.1);
            drawn.ends.extend(
                one.points
                    .windows(2)
                    .filter(|pair| stops(pair, y))
                    .take(MOST_ENDS)
                    .map(|pair| json!({"series": name, "x": pair[0].x, "mid": pair[0].mid.min(top)})),
            );
            drawn.names.push(name);
        }
        drawn
    }
}

/// Points of a series that are all drawn; of more, about twice as many are.
const MOST_POINTS: usize = 1000;
/// Crosses of one series.
const MOST_ENDS: usize = 100;

/// The distance of the points that are drawn of so many.
fn stride(count: usize) -> usize {
    count.div_ceil(MOST_POINTS)
}

/// Which points of a series are drawn: all, or points at even distances, points at even ratios, of which an axis with a
/// logarithmic scale needs more at its beginning, the last one, and those at the ends of what is finite.
fn thinned(points: &[BandPoint]) -> Vec<usize> {
    let count = points.len();
    if count <= 2 * MOST_POINTS {
        return (0..count).collect();
    }
    let even = (0..count).step_by(stride(count));
    let ratio = (count as f64).powf(1.0 / MOST_POINTS as f64);
    let growing = (0..MOST_POINTS).map(|k| ratio.powi(k as i32) as usize);
    let edges =
        (1..count).filter(|k| points[*k].mid.is_finite() != points[k - 1].mid.is_finite()).take(MOST_ENDS);
    let edges = edges.flat_map(|k| [k - 1, k]);
    let mut shown: Vec<usize> = even.chain(growing).chain(edges).chain([count - 1]).collect();
    shown.sort_unstable();
    shown.dedup();
    shown
}

/// How far above everything else a diverging series may stretch an axis.
fn stretch(scale: Scale) -> f64 {
    match scale {
        Scale::Linear => 2.0,
        Scale::Log => 100.0,
    }
}

/// The vertical axis for these series: as given, unless one of them diverges. On its way to infinity it passes 1e100
/// and would flatten all others, so the axis then ends soon above the largest start, end-to-end finite series or
/// reference line, and what lies above is cut off (which the notes count as any other limit).
pub(super) fn bounded(axis: &Axis, series: &[Series], lines: &[ReferenceLine]) -> Axis {
    let diverges = |s: &&Series| {
        s.points.iter().any(|p| !p.mid.is_finite() || p.low.is_infinite() || p.high.is_infinite())
    };
    let calm = series.iter().filter(|s| !diverges(s)).flat_map(|s| &s.points).flat_map(|p| [p.mid, p.high]);
    let starts = series.iter().filter_map(|s| s.points.first()).map(|p| p.mid);
    let tame = range(calm.chain(starts).chain(lines.iter().map(|l| l.value)).filter(|v| v.is_finite()));
    let all = range(heights(series).chain(lines.iter().map(|l| l.value)).filter(|&v| axis.holds(v)));
    match (axis.limits(), tame, all) {
        (None, Some((_, tame)), Some((low, high))) if tame > 0.0 && high > tame * stretch(axis.scale()) => {
            axis.clone().with_limits(low.max(-tame * stretch(axis.scale())), tame * stretch(axis.scale()))
        }
        _ => axis.clone(),
    }
}

/// Every value that has to fit on the vertical axis.
pub(super) fn heights(series: &[Series]) -> impl Iterator<Item = f64> + Clone {
    series.iter().flat_map(|s| &s.points).filter(|p| p.mid.is_finite()).flat_map(|p| [p.mid, p.low, p.high])
}

/// The transforms that make the fields `line`, `from` and `to`, which are drawn, from `mid`, `low` and `high`, which
/// are shown and saved: null where the axis has no place, an interval that reaches 0 on a log axis from its bottom.
pub(super) fn drawn_fields(y: &Axis, channel: &Channel) -> [Value; 3] {
    let (line, low) = match y.scale() {
        Scale::Linear => ("isValid(datum.mid)", "datum.low".to_owned()),
        Scale::Log => (
            "isValid(datum.mid) && datum.mid > 0",
            format!("datum.low > 0 ? datum.low : {}", channel.scale["domain"][0]),
        ),
    };
    // Coordinates of 1e60 pixels are no valid path: far off the frame, further makes no difference.
    let near = |value: String| match (y.limits(), y.scale()) {
        (None, _) => value,
        (Some((low, high)), Scale::Linear) => {
            let margin = 1000.0 * (high - low);
            format!("clamp({value}, {:e}, {:e})", low - margin, high + margin)
        }
        (Some((low, high)), Scale::Log) => format!("clamp({value}, {:e}, {:e})", low / 1e100, high * 1e100),
    };
    [
        json!({"calculate": format!("{line} ? {} : null", near("datum.mid".to_owned())), "as": "line"}),
        json!({"calculate": format!("isValid(datum.line) && isValid(datum.low) && isValid(datum.high) ? {} : null",
                                    near(format!("({low})"))), "as": "from"}),
        json!({"calculate": format!("isValid(datum.from) ? {} : null", near("datum.high".to_owned())), "as": "to"}),
    ]
}

/// The filter that keeps the points within the frame: those outside are neither marked nor searched by the pointer.
pub(super) fn within_frame(y: &Axis) -> Value {
    let filter = y.limits().map_or_else(
        || "isValid(datum.line)".to_owned(),
        |(low, high)| format!("isValid(datum.line) && inrange(datum.line, [{low:e}, {high:e}])"),
    );
    json!({"filter": filter})
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
            "{} {verb} not finite, the first at {} = {} (not drawn, a cross marks the last one before)",
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
        notes.push(format!("the interval is not finite at {} and is not drawn there", of(opened)));
    }
    let flat = count(&|p| y.scale() == Scale::Log && p.mid.is_finite() && p.mid <= 0.0);
    if flat > 0 {
        let verb = if flat == 1 { "lies" } else { "lie" };
        notes.push(format!("{} {verb} at or below 0, where a log axis has no place", of(flat)));
    }
    let outside =
        y.limits().map_or(0, |(low, high)| count(&|p| y.holds(p.mid) && !(low..=high).contains(&p.mid)));
    if outside > 0 {
        let verb = if outside == 1 { "lies" } else { "lie" };
        notes.push(format!("{} {verb} outside the drawn range", of(outside)));
    }
    let inside = |p: &BandPoint, (low, high): (f64, f64)| p.high <= high && (p.low >= low || !y.holds(p.low));
    let cut = y.limits().map_or(0, |limits| {
        count(&|p| p.mid.is_finite() && p.low.is_finite() && p.high.is_finite() && !inside(p, limits))
    });
    if cut > outside {
        notes.push(format!("the interval is cut off at {}", of(cut)));
    }
    let misplaced = count(&|p| !p.x.is_finite() || x.scale() == Scale::Log && p.x < 0.0);
    if misplaced > 0 {
        notes.push(format!("{} have no place on the axis of {}", of(misplaced), x.title()));
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
                "\u{2020} mini-batch: 1 of 3 points is not finite, the first at step = 100 (not drawn, a cross marks \
              the last one before)."
            ]
        );
        assert_eq!(drawn.rows[2]["mid"], Value::Null);
    }

    #[test]
    fn a_series_on_its_way_to_infinity_does_not_flatten_the_others() {
        let series = |name: &str, mids: [f64; 3]| Series {
            name: name.to_owned(),
            points: [0.0, 1.0, 2.0].iter().zip(mids).map(|(&x, mid)| point(x, mid, mid)).collect(),
        };
        let both = [series("calm", [9.0, 1.0, 0.1]), series("wild", [9.0, 1e90, f64::INFINITY])];
        let axis = bounded(&Axis::log("error"), &both, &[]);
        assert_eq!(axis.limits(), Some((0.05, 900.0)));
        let drawn = Drawn::new(&both, &Axis::log("step"), &axis);
        assert_eq!(drawn.ends[0]["mid"], 900.0);
        assert!(drawn.notes[0].contains("1 of 3 points lies outside the drawn range"), "{:?}", drawn.notes);
        assert_eq!(bounded(&Axis::log("error"), &both[..1], &[]).limits(), None, "nothing diverges");
    }

    #[test]
    fn of_a_long_series_some_thousand_points_are_drawn_and_the_page_says_which() {
        let mut points: Vec<_> = (0..1_000_001).map(|k| point(f64::from(k), 2.0, 3.0)).collect();
        points[777_777].mid = f64::NAN;
        let drawn = drawn(points);
        let shown: Vec<usize> = drawn.rows.iter().map(|row| row["x"].as_f64().unwrap() as usize).collect();
        assert!((1000..3000).contains(&shown.len()), "{}", shown.len());
        for k in [0, 1, 2, 3, 10, 1001, 2002, 777_776, 777_777, 777_778, 1_000_000] {
            assert!(shown.contains(&k), "{k}");
        }
        assert!(shown.windows(2).all(|pair| pair[1] - pair[0] <= 1001));
        assert!(shown.windows(2).all(|pair| pair[0] < 100 || pair[1] as f64 <= 1.02 * pair[0] as f64 + 1.0));
        assert_eq!(
            drawn.notes[1],
            format!(
                "Drawn are {} of the 1000001 points of mini-batch: every 1001th, and more of the first.",
                shown.len()
            )
        );
        assert!(
            drawn.notes[0].contains("1 of 1000001 points is not finite, the first at step = 7.78e5"),
            "{:?}",
            drawn.notes
        );
        assert_eq!(drawn.ends.len(), 1);
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
            ["\u{2020} mini-batch: 1 of 2 points lies at or below 0, where a log axis has no place."]
        );
    }
}
