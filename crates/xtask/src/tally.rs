//! How many tests passed and failed, read from what test runners print.

use std::fmt::{Display, Formatter};
use std::ops::AddAssign;

/// Tests by their outcome. Ignored tests are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Tally {
    /// From the summary of `cargo nextest run`; `None` if there is none, as when nothing compiled.
    pub(crate) fn of_nextest(output: &str) -> Option<Self> {
        let output = without_colours(output);
        let line = output.lines().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
        Some(Self {
            passed: before(line, "passed"),
            failed: before(line, "failed") + before(line, "timed") + before(line, "exec"),
        })
    }

    /// From the results of `cargo test`, summed over the test programs; `None` if there are none.
    pub(crate) fn of_cargo_test(output: &str) -> Option<Self> {
        let output = without_colours(output);
        let results = output.lines().filter(|line| line.starts_with("test result:"));
        results.fold(None, |sum, line| {
            let mut sum: Self = sum.unwrap_or_default();
            sum += Self { passed: before(line, "passed"), failed: before(line, "failed") };
            Some(sum)
        })
    }
}

/// The whole number that stands before a word; 0 where there is none.
fn before(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split([' ', ',', ';', '(', ')']).filter(|w| !w.is_empty()).collect();
    let mut pairs = words.windows(2).filter(|pair| pair[1] == word);
    pairs.find_map(|pair| pair[0].parse().ok()).unwrap_or(0)
}

/// A text without the terminal's colour sequences.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, sequence)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = sequence.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_nextest_is_counted_with_every_way_to_fail() {
        let output = "     Summary [  12.345s] 345 tests run: 345 passed (2 slow), 3 skipped\n";
        assert_eq!(Tally::of_nextest(output), Some(Tally { passed: 345, failed: 0 }));
        let output = "\u{1b}[31;1m     Summary\u{1b}[0m [   1.000s] \u{1b}[1m9\u{1b}[0m tests run: \
                      \u{1b}[1m4\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 2 failed, 1 exec failed, 2 timed out, 3 skipped\n";
        assert_eq!(Tally::of_nextest(output), Some(Tally { passed: 4, failed: 5 }));
        assert_eq!(Tally::of_nextest("error: could not compile `jostle`\n"), None);
    }

    #[test]
    fn the_results_of_all_test_programs_are_summed() {
        let output = "test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out\n\
                      test a ... ok\n\
                      test result: FAILED. 7 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Tally::of_cargo_test(output), Some(Tally { passed: 12, failed: 1 }));
        assert_eq!(Tally::of_cargo_test("error: could not compile `jostle`\n"), None);
    }
}
