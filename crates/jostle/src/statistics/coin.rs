//! The binomial law of a fair coin.

/// `P(heads >= at_least)` in `trials` tosses of a fair coin: `2^-trials sum_{k >= at_least} C(trials, k)`.
///
/// The weights `C(trials, k)` are built from the largest outwards by `w_{k+1} = w_k (trials - k)/(k + 1)` and divided
/// by their sum, so that nothing overflows; for up to 10 000 tosses the relative error is below 1e-12 down to
/// probabilities of 1e-300, and smaller ones may be zero.
pub fn fair_coin_tail(trials: usize, at_least: usize) -> f64 {
    if at_least > trials {
        return 0.0;
    }
    if at_least <= trials / 2 {
        // The sum of the longer side would lose the shorter one to rounding.
        return if at_least == 0 { 1.0 } else { 1.0 - fair_coin_tail(trials, trials - at_least + 1) };
    }
    let middle = trials / 2;
    let weights: Vec<f64> = (middle..trials)
        .scan(1.0, |weight, k| {
            *weight *= (trials - k) as f64 / (k + 1) as f64;
            Some(*weight)
        })
        .take_while(|weight| *weight > 0.0)
        .collect();
    // Smallest first.
    let from = |k: usize| weights.iter().skip(k).rev().sum::<f64>();
    let upper = from(0);
    let centre = if trials.is_multiple_of(2) { 1.0 } else { 0.0 };
    from(at_least - middle - 1) / (2.0 * upper + centre)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    #[test]
    fn small_cases_are_exact() {
        assert_eq!(fair_coin_tail(0, 0), 1.0);
        assert_eq!(fair_coin_tail(0, 1), 0.0);
        assert_eq!(fair_coin_tail(1, 1), 0.5);
        assert!((fair_coin_tail(4, 2) - 11.0 / 16.0).abs() < 1e-15);
        assert!((fair_coin_tail(5, 4) - 6.0 / 32.0).abs() < 1e-15);
        assert_eq!(fair_coin_tail(7, 9), 0.0);
    }

    #[test]
    fn up_to_a_hundred_tosses_it_is_the_sum_of_whole_numbers() {
        for trials in 1..=100_usize {
            let mut row = vec![1_u128];
            for k in 0..trials {
                row.push(row[k] * (trials - k) as u128 / (k + 1) as u128);
            }
            for at_least in 0..=trials {
                let exact = row[at_least..].iter().sum::<u128>() as f64 / 2.0_f64.powi(trials as i32);
                let found = fair_coin_tail(trials, at_least);
                assert!(
                    (found - exact).abs() <= 1e-14 * exact,
                    "{trials}, {at_least}: {found} against {exact}"
                );
            }
        }
    }

    #[test]
    fn many_tosses_agree_with_an_independent_library_and_never_overflow() {
        for trials in [999_usize, 5000, 10_000] {
            let law = Binomial::new(0.5, trials as u64).unwrap();
            for offset in [-400_i64, -100, -30, 0, 1, 30, 100, 400] {
                let at_least = (trials as i64 / 2 + offset) as u64;
                let found = fair_coin_tail(trials, at_least as usize);
                // The library's incomplete beta function is good to about 1e-11 here.
                assert!((found - law.sf(at_least - 1)).abs() < 1e-10, "{trials}, {at_least}: {found}");
            }
            let sides = fair_coin_tail(trials, trials / 2) + fair_coin_tail(trials, trials - trials / 2 + 1);
            assert!((sides - 1.0).abs() < 1e-12);
            let all = 2.0_f64.powi(-(trials as i32));
            assert!((fair_coin_tail(trials, trials) - all).abs() <= 1e-12 * all);
        }
    }
}
