//! Units of powers of two, in which squares of a kernel and of residuals stay within the range of numbers.
//!
//! `|K|_F^2` and `r' K r` of a kernel of 1e160 overflow, though nothing that is asked of the point does. Arrays near the ends of the
//! range are therefore held in units of a power of two, which costs no digit; all others are left as they are.

use super::GeometryError;

/// The exponents of a kernel, a Jacobian or residuals up to which they are left as they are.
pub(super) const KERNEL: i32 = 200;
pub(super) const JACOBIAN: i32 = 100;
pub(super) const RESIDUALS: i32 = 100;

/// The exponent of the largest entry where it is beyond `2^limit` or below `2^-limit`; otherwise 0.
pub(super) fn exponent(values: &[f64], limit: i32) -> i32 {
    let largest = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return 0;
    }
    let exponent = libm::ilogb(largest);
    if exponent.abs() <= limit { 0 } else { exponent }
}

/// Divides by `2^exponent`.
pub(super) fn divide(values: &mut [f64], exponent: i32) {
    if exponent != 0 {
        for value in values {
            *value = libm::scalbn(*value, -exponent);
        }
    }
}

/// `2^exponent value`.
pub(super) fn times(value: f64, exponent: i32) -> f64 {
    if exponent == 0 { value } else { libm::scalbn(value, exponent) }
}

/// `(2^exponent square)^(1/2)` of a square that may itself be out of range.
pub(super) fn root(square: f64, exponent: i32) -> f64 {
    times(times(square, exponent.rem_euclid(2)).sqrt(), exponent.div_euclid(2))
}

/// `2^exponent value` of a size that has to be a number with all its digits.
///
/// # Errors
/// One that is too large or too small for that.
pub(super) fn representable(value: f64, exponent: i32) -> Result<f64, GeometryError> {
    let found = times(value, exponent);
    if found.is_normal() {
        return Ok(found);
    }
    let exponent = (value.log10() + f64::from(exponent) * std::f64::consts::LOG10_2).round() as i32;
    Err(GeometryError::OutOfRange { exponent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arrays_near_the_ends_of_the_range_get_a_unit() {
        assert_eq!(exponent(&[0.0, -3.0], 10), 0);
        assert_eq!(exponent(&[1e3, 0.0], 10), 0);
        assert_eq!(exponent(&[1.0, -4096.0], 10), 12);
        assert_eq!(exponent(&[1e-300, 0.0], 200), -997);
        assert_eq!(exponent(&[0.0], 10), 0);
        let mut values = [3.0 * 2f64.powi(600), -1.0];
        divide(&mut values, 601);
        assert_eq!(values, [1.5, -2f64.powi(-601)]);
    }

    #[test]
    fn roots_are_taken_before_their_squares_overflow() {
        assert_eq!(root(4.0, 1500), 2f64.powi(751));
        assert_eq!(root(2.0, -1501), 2f64.powi(-750));
        assert_eq!(root(9.0, 0), 3.0);
        assert_eq!(representable(1.0, 1023), Ok(2f64.powi(1023)));
        assert_eq!(representable(1.0, 1329), Err(GeometryError::OutOfRange { exponent: 400 }));
        assert_eq!(representable(1.0, -1329), Err(GeometryError::OutOfRange { exponent: -400 }));
    }
}
