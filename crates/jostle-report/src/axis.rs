//! Axes of figures: scales that hold what is drawn, ticks at round numbers, and what cannot be drawn said in words.

use serde_json::{Value, json};

use crate::number::compact;

/// How values are laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equal lengths.
    Linear,
    /// Equal ratios are equal lengths. A step 0 keeps its place: see [`Axis::log`].
    Log,
}

/// An axis of a figure: its title, its scale and, when they are not to follow the data, its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    title: String,
    scale: Scale,
    limits: Option<(f64, f64)>,
}

impl Axis {
    /// A linear axis over the range of the data.
    pub fn linear(title: &str) -> Self {
        Self { title: title.to_owned(), scale: Scale::Linear, limits: None }
    }

    /// A logarithmic axis over the range of the data.
    ///
    /// A horizontal axis whose smallest value is 0, as steps have, becomes log(x + c) with c the smallest positive
    /// value, so that 0 stands at its left end; its title says so. Vertical values at or below 0 have no place: they
    /// are left out, and the figure says how many.
    pub fn log(title: &str) -> Self {
        Self { title: title.to_owned(), scale: Scale::Log, limits: None }
    }

    /// Shows only values from `low` to `high`; what lies outside is cut off, and the figure says so.
    ///
    /// Limits that are not finite, empty, or not positive on a log axis are ignored.
    #[must_use]
    pub fn with_limits(mut self, low: f64, high: f64) -> Self {
        let positive = self.scale == Scale::Linear || low > 0.0;
        if low < high && low.is_finite() && high.is_finite() && positive {
            self.limits = Some((low, high));
        }
        self
    }

    /// The title as given.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The scale as given.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    pub(super) fn limits(&self) -> Option<(f64, f64)> {
        self.limits
    }

    /// Whether this value can be drawn at all on a vertical axis.
    pub(super) fn holds(&self, value: f64) -> bool {
        value.is_finite() && (self.scale == Scale::Linear || value > 0.0)
    }

    /// The `scale` and `axis` of a vertical (or value) channel for these values.
    pub(super) fn value_channel(&self, values: impl Iterator<Item = f64>) -> Channel {
        let domain = self.limits.or_else(|| range(values.filter(|&v| self.holds(v))));
        match (self.scale, domain) {
            (Scale::Linear, _) => Channel::linear(&self.title, self.limits),
            (Scale::Log, Some((low, high))) => Channel::log(&self.title, low, high),
            (Scale::Log, None) => Channel::log(&self.title, 0.1, 10.0),
        }
    }

    /// The `scale` and `axis` of a horizontal channel for these values, with a place for 0 on a log axis.
    pub(super) fn position_channel(&self, values: impl Iterator<Item = f64> + Clone) -> Channel {
        let finite = values.filter(|v| v.is_finite());
        let positive = range(finite.clone().filter(|&v| v > 0.0));
        let has_zero = self.limits.is_none() && finite.clone().any(|v| v == 0.0);
        match (self.scale, positive) {
            (Scale::Log, Some((low, high))) if has_zero => Channel::shifted_log(&self.title, low, high),
            (Scale::Log, Some(found)) => {
                let (low, high) = self.limits.unwrap_or(found);
                Channel::log(&self.title, low, high)
            }
            _ => Channel::linear(&self.title, self.limits.or_else(|| range(finite))),
        }
    }
}

/// The Vega-Lite `scale` and `axis` objects of a position channel.
pub(super) struct Channel {
    pub(super) scale: Value,
    pub(super) axis: Value,
}

impl Channel {
    fn linear(title: &str, domain: Option<(f64, f64)>) -> Self {
        let scale = match domain {
            Some((low, high)) => json!({"domain": [low, high], "nice": false}),
            None => json!({"zero": false, "nice": true}),
        };
        let mut axis = axis(title, None);
        axis["tickCount"] = json!({"signal": "ceil(width / 90)"});
        Self { scale, axis }
    }

    fn log(title: &str, low: f64, high: f64) -> Self {
        // A single value, or values within a whisker of each other, would have no ticks.
        let (low, high) = if high / low < 1.5 { (low / 1.5, high * 1.5) } else { (low, high) };
        // The padding, in pixels, keeps marks at the ends off the frame.
        let scale = json!({"type": "log", "domain": [low, high], "nice": false, "padding": 8});
        Self { scale, axis: axis(title, Some(&log_ticks(low, high))) }
    }

    fn shifted_log(title: &str, smallest: f64, high: f64) -> Self {
        let scale = json!({"type": "symlog", "constant": smallest, "domain": [0.0, high], "nice": false});
        let title = format!("{title} (log scale, shifted by {})", compact(smallest));
        let ticks: Vec<f64> = std::iter::once(0.0).chain(log_ticks(smallest, high)).collect();
        Self { scale, axis: axis(&title, Some(&ticks)) }
    }

    /// Keeps marks this many pixels away from the ends.
    pub(super) fn with_padding(mut self, pixels: u32) -> Self {
        self.scale["padding"] = json!(pixels);
        self
    }

    /// Puts ticks at exactly these values, where labels that would overlap are left out.
    /// Ticks at 1, 2, ... with these names, slanted so that they do not run into each other.
    pub(super) fn with_named_ticks(mut self, names: &[String]) -> Self {
        self.axis["values"] = json!((1..=names.len()).map(|k| k as f64).collect::<Vec<_>>());
        self.axis["labelExpr"] = json!(format!("{}[datum.value - 1]", json!(names)));
        self.axis["labelLimit"] = json!(110);
        if names.len() > 12 || names.iter().any(|name| name.chars().count() > 640 / 8 / names.len()) {
            self.axis["labelAngle"] = json!(-45);
            self.axis["labelAlign"] = json!("right");
            self.axis["labelOverlap"] = json!(false);
        }
        self
    }

    pub(super) fn with_ticks(mut self, ticks: &[f64]) -> Self {
        self.axis["values"] = json!(ticks);
        self
    }
}

fn axis(title: &str, ticks: Option<&[f64]>) -> Value {
    let mut axis = json!({"title": title, "labelExpr": number_expression("datum.value"), "labelOverlap": "greedy",
        "labelSeparation": 5});
    if let Some(ticks) = ticks {
        axis["values"] = json!(ticks);
    }
    axis
}

/// A Vega expression for the text of a number, the same as [`compact`] but for the `?` of a missing value.
pub(super) fn number_expression(value: &str) -> String {
    format!(
        "!isValid({value}) ? '?' : {value} == 0 ? '0' : \
         abs({value}) < 0.01 || abs({value}) >= 1e4 ? replace(format({value}, '.2~e'), 'e+', 'e') : \
         abs({value}) >= 1000 ? format({value}, '.0f') : format({value}, '.3~r')"
    )
}

/// Smallest and largest of some values, if there are any.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |found, v| {
        let (low, high) = found.unwrap_or((v, v));
        Some((low.min(v), high.max(v)))
    })
}

/// Ticks of a log axis from `low` to `high` (positive): powers of ten, thinned to at most nine; 1-2-5 steps when fewer than
/// three powers fit; all digits, and halves between the first ones, when fewer than three of those do.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    // Rounding of log10 must not lose a tick that lies exactly on an end.
    let first = (low.log10() - 1e-9).ceil() as i32;
    let last = (high.log10() + 1e-9).floor() as i32;
    if last - first >= 2 {
        let stride = ((last - first) / 8 + 1) as usize;
        return (first..=last)
            .filter(|e| e.rem_euclid(stride as i32) == 0 || stride == 1)
            .map(power_of_ten)
            .collect();
    }
    let with_digits = |digits: &[f64]| -> Vec<f64> {
        (first - 1..=last + 1)
            .flat_map(|e| digits.iter().map(move |digit| digit * power_of_ten(e)))
            .filter(|&tick| tick >= low * (1.0 - 1e-9) && tick <= high * (1.0 + 1e-9))
            .collect()
    };
    let few = with_digits(&[1.0, 2.0, 5.0]);
    if few.len() >= 3 {
        few
    } else {
        with_digits(&[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    }
}

fn power_of_ten(exponent: i32) -> f64 {
    // Parsed, not multiplied: 1e-7 must be the nearest float to 1e-7, or it is labelled 1.0000000000000001e-7.
    format!("1e{exponent}").parse().unwrap_or_else(|_| 10f64.powi(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_ticks_are_powers_of_ten_and_stay_within_the_data() {
        assert_eq!(log_ticks(1.0, 1e3), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(log_ticks(3e-4, 60.0), [1e-3, 1e-2, 0.1, 1.0, 10.0]);
        assert_eq!(log_ticks(1.5, 40.0), [2.0, 5.0, 10.0, 20.0]);
        assert_eq!(log_ticks(4.0, 250.0), [5.0, 10.0, 20.0, 50.0, 100.0, 200.0], "two powers are too few");
        assert_eq!(log_ticks(0.9, 1.9), [0.9, 1.0, 1.2, 1.5], "and so are two of 1, 2, 5");
        let many = log_ticks(1e-27, 100.0);
        assert!(many.len() <= 9 && many.len() >= 5, "{many:?}");
    }

    #[test]
    fn a_log_axis_over_steps_keeps_a_place_for_step_zero() {
        let channel = Axis::log("step").position_channel([0.0, 1.0, 10.0, 300_000.0].into_iter());
        assert_eq!(channel.scale["type"], "symlog");
        assert_eq!(channel.scale["constant"], 1.0);
        assert_eq!(channel.axis["values"], json!([0.0, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5]));
        assert_eq!(channel.axis["title"], "step (log scale, shifted by 1)");
    }

    #[test]
    fn a_log_axis_without_zero_is_a_plain_log_axis() {
        let channel = Axis::log("delta").position_channel([0.5, 1.0, 30.0].into_iter());
        assert_eq!(channel.scale["type"], "log");
        assert_eq!(channel.axis["title"], "delta");
    }

    #[test]
    fn values_that_a_log_axis_cannot_hold_do_not_reach_its_domain() {
        let channel =
            Axis::log("error").value_channel([0.0, -1.0, f64::NAN, f64::INFINITY, 1e-3, 10.0].into_iter());
        assert_eq!(channel.scale["domain"], json!([1e-3, 10.0]));
        let nothing = Axis::log("error").value_channel(std::iter::empty());
        assert_eq!(nothing.scale["domain"], json!([0.1, 10.0]));
    }

    #[test]
    fn limits_that_make_no_axis_are_ignored() {
        assert_eq!(Axis::log("error").with_limits(0.0, 1.0).limits(), None);
        assert_eq!(Axis::linear("error").with_limits(2.0, 1.0).limits(), None);
        assert_eq!(Axis::linear("error").with_limits(0.0, f64::INFINITY).limits(), None);
        assert_eq!(Axis::linear("error").with_limits(-1.0, 1.0).limits(), Some((-1.0, 1.0)));
    }
}
