//! From replicas to a measured value with its interval, and from intervals to a verdict.

use crate::ClaimEntry;
use jostle::statistics::{LEVEL, bootstrap, mean, median, median_interval, wilson};
use jostle_files::StorageError;
use jostle_lab::read::Run;
use jostle_report::claim::Claim;
use jostle_report::number::{compact, compact_interval};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Seed of the resampling; any fixed number will do.
const SEED: u64 = 200_608_680;

/// A measured value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Measured {
    /// The mean of replicas, with Student's interval; without ends where there is one replica only. Not a number where a
    /// value is not finite.
    pub fn mean(values: &[f64]) -> Self {
        let (value, count) = (mean(values), values.len() as f64);
        let Ok(law) = StudentsT::new(0.0, 1.0, count - 1.0) else {
            return Self::without_interval(value);
        };
        let variance = values.iter().map(|v| (v - value).powi(2)).sum::<f64>() / (count - 1.0);
        let reach = law.inverse_cdf(0.5 + LEVEL / 2.0) * (variance / count).sqrt();
        Self { value, low: value - reach, high: value + reach }
    }

    /// The median of replicas, with the interval of order statistics; without ends below six replicas, whose whole range
    /// covers the median less often than in 95 % of all cases. Values that are not numbers count as infinite.
    pub fn median(values: &[f64]) -> Self {
        let values: Vec<f64> = values.iter().map(|v| if v.is_nan() { f64::INFINITY } else { *v }).collect();
        let value = median(&values);
        median_interval(&values).map_or(Self::without_interval(value), |interval| Self {
            value,
            low: interval.low,
            high: interval.high,
        })
    }

    /// A statistic of the means of several lists, whose entries at one place belong together (were made with one seed),
    /// with a bootstrap interval over places.
    pub fn of_means(lists: &[Vec<f64>], statistic: impl Fn(&[f64]) -> f64) -> Self {
        let at = |places: &[f64]| {
            let of = |list: &Vec<f64>| mean(&places.iter().map(|k| list[*k as usize]).collect::<Vec<_>>());
            statistic(&lists.iter().map(of).collect::<Vec<_>>())
        };
        let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
        let places: Vec<f64> = (0..shortest).map(|k| k as f64).collect();
        let interval = bootstrap(&places, SEED, at);
        Self { value: at(&places), low: interval.low, high: interval.high }
    }

    /// A share of trials, with the interval of Wilson.
    pub fn share(successes: usize, trials: usize) -> Self {
        let interval = wilson(successes as u64, trials as u64);
        Self { value: successes as f64 / trials as f64, low: interval.low, high: interval.high }
    }

    /// A number that is computed and not sampled, or a count in the runs themselves.
    pub fn exactly(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// Nothing was measured: it satisfies nothing.
    pub fn nothing() -> Self {
        Self::exactly(f64::NAN)
    }

    fn without_interval(value: f64) -> Self {
        Self { value, low: f64::NEG_INFINITY, high: f64::INFINITY }
    }

    /// The value and its interval as a text.
    pub fn text(self) -> String {
        compact_interval(Some(self.value), Some(self.low), Some(self.high))
    }
}

/// What an interval has to satisfy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Criterion {
    /// All of it is below.
    Below(f64),
    /// All of it is at most.
    AtMost(f64),
    /// All of it is above.
    Above(f64),
    /// All of it is at least.
    AtLeast(f64),
    /// All of it lies between, ends included.
    Within(f64, f64),
    /// It contains the value. A wide interval does so easily: to be used beside a criterion that bounds it.
    Covers(f64),
}

impl Criterion {
    /// How far the interval is from not satisfying this; negative, or not a number, where it does not.
    fn margin(self, Measured { low, high, .. }: Measured) -> f64 {
        match self {
            Self::Below(limit) | Self::AtMost(limit) => limit - high,
            Self::Above(limit) | Self::AtLeast(limit) => low - limit,
            Self::Within(least, most) => least_of(low - least, most - high),
            Self::Covers(value) => least_of(value - low, high - value),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Below(limit) => format!("below {}", compact(limit)),
            Self::AtMost(limit) => format!("at most {}", compact(limit)),
            Self::Above(limit) => format!("above {}", compact(limit)),
            Self::AtLeast(limit) => format!("at least {}", compact(limit)),
            Self::Within(least, most) => format!("within {} to {}", compact(least), compact(most)),
            Self::Covers(value) => format!("around {}", compact(value)),
        }
    }
}

/// The smaller of two numbers; not a number if one of them is not.
fn least_of(a: f64, b: f64) -> f64 {
    if a <= b || a.is_nan() { a } else { b }
}

/// The rule of all verdicts: the interval, not the value, has to satisfy the criterion.
pub(super) fn holds(measured: Measured, criterion: Criterion) -> bool {
    if measured.low.is_nan() || measured.high.is_nan() {
        return false;
    }
    let margin = criterion.margin(measured);
    match criterion {
        Criterion::Below(_) | Criterion::Above(_) => margin > 0.0,
        _ => margin >= 0.0,
    }
}

/// One number of a claim, and what it has to satisfy.
#[derive(Debug, Clone)]
struct Part {
    what: String,
    measured: Measured,
    criterion: Criterion,
}

/// Everything that decides about a claim: it holds when every part does.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    /// Numbers with one criterion, of which the one nearest to failing is shown.
    shown: Vec<Part>,
    also: Vec<Part>,
}

impl Verdict {
    /// One number.
    pub(super) fn of(measured: Measured, criterion: Criterion) -> Self {
        Self::of_all([(String::new(), measured)], criterion)
    }

    /// Several numbers with the same criterion, and what each is.
    pub(super) fn of_all(parts: impl IntoIterator<Item = (String, Measured)>, criterion: Criterion) -> Self {
        Self { shown: made(parts, criterion), also: Vec::new() }
    }

    /// A further number that has to satisfy a criterion of its own.
    pub(super) fn and(self, what: &str, measured: Measured, criterion: Criterion) -> Self {
        self.and_all([(what.to_owned(), measured)], criterion)
    }

    /// Further numbers with one criterion.
    pub(super) fn and_all(
        mut self,
        parts: impl IntoIterator<Item = (String, Measured)>,
        criterion: Criterion,
    ) -> Self {
        self.also.extend(made(parts, criterion));
        self
    }

    fn holds(&self) -> bool {
        !self.shown.is_empty() && self.not_met().next().is_none()
    }

    fn not_met(&self) -> impl Iterator<Item = &Part> {
        self.shown.iter().chain(&self.also).filter(|part| !holds(part.measured, part.criterion))
    }

    /// The shown number that is nearest to failing.
    fn tightest(&self) -> Option<&Part> {
        let margin = |part: &Part| {
            let margin = part.criterion.margin(part.measured);
            if margin.is_nan() { f64::NEG_INFINITY } else { margin }
        };
        self.shown.iter().min_by(|a, b| margin(a).total_cmp(&margin(b)))
    }

    /// Which number is shown, and which are not as expected, in words.
    fn remarks(&self) -> String {
        let mut text = String::new();
        if let Some(part) = self.tightest().filter(|_| self.shown.len() > 1) {
            text += &format!(" Shown is the one nearest to failing: {}.", part.what);
        }
        let not_met: Vec<String> = self
            .not_met()
            .map(|part| {
                let name = if part.what.is_empty() { "the measured value" } else { &part.what };
                format!("{name}, {}, is not {}", part.measured.text(), part.criterion.text())
            })
            .collect();
        if !not_met.is_empty() {
            text += &format!(" Not met: {}.", not_met.join("; "));
        }
        text
    }
}

fn made(parts: impl IntoIterator<Item = (String, Measured)>, criterion: Criterion) -> Vec<Part> {
    parts.into_iter().map(|(what, measured)| Part { what, measured, criterion }).collect()
}

/// The mean of a list that may not be read.
pub(super) fn mean_of(values: Result<Vec<f64>, StorageError>) -> Result<f64, StorageError> {
    values.map(|values| mean(&values))
}

/// What was measured for a claim.
#[derive(Debug, Clone)]
pub struct Judged {
    verdict: Verdict,
    expected: String,
    how: String,
}

impl Judged {
    /// A verdict, what was expected, and how it was measured: over what, after how many steps, with which interval.
    pub(super) fn new(verdict: Verdict, expected: impl Into<String>, how: impl Into<String>) -> Self {
        Self { verdict, expected: expected.into(), how: how.into() }
    }

    /// The claim of a paper; what was measured is not a number where a replica diverged.
    pub(super) fn claim(self, paper: &str, entry: &ClaimEntry) -> Claim {
        let measured = self.verdict.tightest().map_or(Measured::nothing(), |part| part.measured);
        Claim {
            id: entry.id.to_owned(),
            paper: paper.to_owned(),
            statement: entry.statement.to_owned(),
            measured: Some(measured.value),
            low: Some(measured.low),
            high: Some(measured.high),
            expected: self.expected,
            holds: self.verdict.holds(),
            how: self.how + &self.verdict.remarks(),
            source: entry.source,
        }
    }
}

/// The last step of a cell.
pub(super) fn last_step(run: &Run, cell: usize) -> Result<u64, StorageError> {
    Ok(run.steps(cell)?.last().copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64, low: f64, high: f64) -> Measured {
        Measured { value, low, high }
    }

    #[test]
    fn an_interval_that_straddles_the_limit_does_not_hold_whatever_its_value() {
        let point = measured(0.047, 0.0255, 0.0687);
        assert!(!holds(point, Criterion::Below(0.05)) && !holds(point, Criterion::Above(0.03)));
        assert!(!holds(measured(1.0, 0.72, 1.0), Criterion::AtLeast(0.9)));
        assert!(!holds(measured(0.0, -0.2, 0.2), Criterion::Within(-0.1, 0.3)));
        assert!(!holds(measured(0.0, -0.2, 0.2), Criterion::Within(-0.3, 0.1)));
        assert!(!holds(measured(0.0, 0.1, 0.2), Criterion::Covers(0.0)));
        for (criterion, expected) in [
            (Criterion::Below(0.07), true),
            (Criterion::Below(0.0687), false),
            (Criterion::AtMost(0.0687), true),
            (Criterion::Above(0.0255), false),
            (Criterion::AtLeast(0.0255), true),
            (Criterion::Within(0.0255, 0.0687), true),
            (Criterion::Covers(0.0255), true),
        ] {
            assert_eq!(holds(point, criterion), expected, "{criterion:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_satisfies_nothing() {
        let all = [
            Criterion::Below(1.0),
            Criterion::AtMost(1.0),
            Criterion::Above(-1.0),
            Criterion::AtLeast(-1.0),
            Criterion::Within(-1.0, 1.0),
            Criterion::Covers(0.0),
        ];
        for criterion in all {
            for point in [Measured::nothing(), measured(0.0, f64::NAN, 0.0), measured(0.0, 0.0, f64::NAN)] {
                assert!(!holds(point, criterion), "{criterion:?} {point:?}");
            }
        }
        let diverged = Measured::mean(&[1.0, f64::INFINITY, 2.0]);
        assert!(!holds(diverged, Criterion::Below(1e300)) && !holds(diverged, Criterion::Above(0.0)));
    }

    #[test]
    fn too_few_replicas_have_no_interval() {
        assert_eq!(Measured::median(&[1.0, 2.0, 3.0, 4.0, 5.0]).high, f64::INFINITY);
        assert_eq!(Measured::median(&[6.0, 2.0, 3.0, 4.0, 5.0, 1.0]), measured(3.5, 1.0, 6.0));
        assert_eq!(Measured::mean(&[2.0]), measured(2.0, f64::NEG_INFINITY, f64::INFINITY));
        assert!(!holds(Measured::mean(&[2.0]), Criterion::Above(1.0)));
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        // Tables: t = 12.706, 3.182 and 2.262 with 1, 3 and 9 degrees of freedom.
        for (count, t) in [(2, 12.706), (4, 3.182), (10, 2.262)] {
            let values: Vec<f64> = (0..count).map(f64::from).collect();
            let found = Measured::mean(&values);
            let n = f64::from(count);
            // The variance of 0, 1, ..., n - 1 with n - 1 in the denominator is n (n + 1) / 12.
            let error = ((n + 1.0) / 12.0).sqrt();
            assert!((found.value - (n - 1.0) / 2.0).abs() < 1e-12);
            assert!(((found.high - found.value) / error - t).abs() < 5e-4, "{count}: {found:?}");
            assert!((found.value - found.low - (found.high - found.value)).abs() < 1e-12);
        }
    }

    #[test]
    fn a_claim_of_several_numbers_shows_the_tightest_and_names_what_is_not_met() {
        let parts = |worst: f64| {
            Verdict::of_all(
                [
                    ("start 1".to_owned(), measured(0.01, 0.0, 0.02)),
                    ("start 2".to_owned(), measured(0.015, 0.01, worst)),
                ],
                Criterion::Below(0.03),
            )
        };
        let good = parts(0.025).and("weak noise", measured(9.0, 8.0, 10.0), Criterion::Above(5.0));
        assert!(good.holds());
        assert_eq!(good.remarks(), " Shown is the one nearest to failing: start 2.");
        let bad = parts(0.04).and("weak noise", measured(9.0, 4.0, 10.0), Criterion::Above(5.0));
        assert!(!bad.holds());
        assert_eq!(bad.tightest().map(|part| part.measured.high), Some(0.04));
        assert!(bad.remarks().ends_with(
            "Not met: start 2, 0.015 [0.01, 0.04], is not below 0.03; weak noise, 9 [4, 10], is not above 5."
        ));
        assert!(!Verdict::of_all([], Criterion::Below(1.0)).holds(), "nothing measured is nothing shown");
    }
}
