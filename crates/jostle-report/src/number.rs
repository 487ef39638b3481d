//! Numbers as a reader wants them: three digits, no padding zeros, no long tails.

/// Formats a number with three significant digits: `0.12`, `75`, `7e-4`, `1.2e6`; `inf`, `-inf` and `nan` as words.
///
/// Magnitudes from 0.01 up to 10 000 are written out, all others in exponent form.
pub fn compact(value: f64) -> String {
    with_digits(value, 3)
}

/// Formats a number as [`compact`] does, but with six significant digits: `0.0169842`, `1.24518e-5`.
pub fn precise(value: f64) -> String {
    with_digits(value, 6)
}

fn with_digits(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rounding first: 9999.6 has to be judged as the 10000 it will be shown as.
    let rounded = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-2..4).contains(&exponent) {
        // Whole thousands keep their fourth digit: 1234 reads better than 1230.
        let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
        return trim_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    format!("{}e{exponent}", trim_zeros(mantissa))
}

/// Formats an estimate with its interval: `7e-4 [3e-4, 1e-3]`, or the value alone when no interval is known.
pub fn compact_interval(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    let end = |bound: Option<f64>| bound.map_or_else(|| "?".to_owned(), compact);
    match (value, low, high) {
        (None, None, None) => "not measured".to_owned(),
        (Some(value), None, None) => compact(value),
        (Some(value), low, high) => format!("{} [{}, {}]", compact(value), end(low), end(high)),
        (None, low, high) => format!("[{}, {}]", end(low), end(high)),
    }
}

/// A number of bytes in the unit that suits it.
pub fn readable_bytes(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
    let step = ((bytes.max(1.0).log2() / 10.0).floor() as usize).min(units.len() - 1);
    format!("{:.1} {}", bytes / 1024f64.powi(step as i32), units[step])
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_three_digits_and_no_padding() {
        let shown: Vec<String> =
            [0.0, 7.0e-4, 6.94e-4, 0.0123, 0.144, 5.0, 75.04, 951.26, 1234.0, 9999.6, 3e5, 1.2e6, -2.5e-7]
                .iter()
                .map(|&v| compact(v))
                .collect();
        assert_eq!(
            shown,
            [
                "0", "7e-4", "6.94e-4", "0.0123", "0.144", "5", "75", "951", "1234", "1e4", "3e5", "1.2e6",
                "-2.5e-7"
            ]
        );
    }

    #[test]
    fn precise_numbers_have_six_digits() {
        let shown: Vec<String> = [0.016984217, 1.0, 1234.5678, 1.245178e-5].map(precise).to_vec();
        assert_eq!(shown, ["0.0169842", "1", "1234.57", "1.24518e-5"]);
    }

    #[test]
    fn numbers_that_are_not_finite_are_words() {
        assert_eq!(compact(f64::NAN), "nan");
        assert_eq!(compact(f64::INFINITY), "inf");
        assert_eq!(compact(f64::NEG_INFINITY), "-inf");
    }

    #[test]
    fn an_interval_names_what_is_known_of_it() {
        assert_eq!(compact_interval(Some(7e-4), Some(3e-4), Some(1e-3)), "7e-4 [3e-4, 1e-3]");
        assert_eq!(compact_interval(Some(0.5), None, None), "0.5");
        assert_eq!(compact_interval(Some(0.5), None, Some(1.0)), "0.5 [?, 1]");
        assert_eq!(compact_interval(None, None, None), "not measured");
    }

    #[test]
    fn bytes_are_written_in_the_unit_that_suits_them() {
        assert_eq!(readable_bytes(0.0), "0.0 B");
        assert_eq!(readable_bytes(1536.0), "1.5 KiB");
        assert_eq!(readable_bytes(3.0 * 1024f64.powi(4)), "3.0 TiB");
    }
}
