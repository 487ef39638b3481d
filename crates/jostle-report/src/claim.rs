//! A claim: a statement with its measurement, what was expected, and the verdict.

use serde::{Deserialize, Serialize};

use crate::number::compact_interval;

/// The rule of every verdict, as it is printed beside them.
pub const RULE: &str = "A claim holds when its 95 % interval, and that of every further number in it, satisfies what is \
                        expected. A number that is computed and not sampled has both ends at its value.";

/// Whose statement a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The paper says so, in other words.
    #[default]
    Paper,
    /// jostle says so: a sharper form, a qualification, or a result of another work beside the paper's.
    Jostle,
}

impl Source {
    /// The remark behind a statement that is not the paper's.
    pub fn remark(self) -> &'static str {
        match self {
            Self::Paper => "",
            Self::Jostle => " (jostle's own statement)",
        }
    }
}

/// A statement beside what was measured: one entry of `claims.json`, with its keys in this order.
///
/// JSON has no infinity and no NaN: a `measured`, `low` or `high` that is not finite is written as `null` and read
/// back as `None`. What happened is therefore to be said in words too, in [`Claim::how`] (for example "6 of 64
/// replicas diverged"), and `holds` must never be decided by a comparison with NaN alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Short name, unique among the claims of its paper: `A2`.
    pub id: String,
    /// The paper the statement is of, by the name `jostle reproduce` knows it: `shape-matters`.
    pub paper: String,
    /// What is said, as one sentence.
    pub statement: String,
    /// The measured value; of several numbers, the one that comes nearest to failing.
    pub measured: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub high: Option<f64>,
    /// What had to be measured for the claim to hold, in words: `below 5e-3`.
    pub expected: String,
    /// Whether it was: see [`RULE`].
    pub holds: bool,
    /// How it was measured: runs, steps, replicas, which interval, and what is not met where the claim fails.
    pub how: String,
    /// Whose statement it is.
    #[serde(default)]
    pub source: Source,
}

/// Counts of the verdicts as a sentence: `7 of 8 claims hold; A6 fails.`
pub fn verdict_line(claims: &[Claim]) -> String {
    let failed: Vec<&str> = claims.iter().filter(|c| !c.holds).map(|c| c.id.as_str()).collect();
    let (total, held) = (claims.len(), claims.len() - failed.len());
    match (total, failed.as_slice()) {
        (0, _) => "No claims were checked.".to_owned(),
        (1, []) => "The claim holds.".to_owned(),
        (_, []) => format!("All {total} claims hold."),
        (_, [one]) => format!("{held} of {total} claims hold; {one} fails."),
        (_, [most @ .., last]) => {
            format!("{held} of {total} claims hold; {} and {last} fail.", most.join(", "))
        }
    }
}

/// The claims as a table for a terminal of `width` columns: id, verdict, measurement with its interval and what was
/// expected, with the wrapped statement below each. Claims of several papers are grouped under the papers' names.
/// Below the counts stand the rule and the remarks, such as what is not a part of this run.
pub fn claims_table(claims: &[Claim], remarks: &[String], width: usize) -> String {
    let heads = ["claim", "verdict", "measured"];
    let rows: Vec<[String; 3]> = claims
        .iter()
        .map(|c| [one_line(&c.id), verdict(c).to_owned(), compact_interval(c.measured, c.low, c.high)])
        .collect();
    let column = |k: usize| rows.iter().map(|r| chars(&r[k])).chain([chars(heads[k])]).max().unwrap_or(0);
    let columns = [column(0), column(1), column(2)];
    let line = |cells: [&str; 3], last: &str| {
        let [a, b, c] = columns;
        let text = format!("{:a$}  {:b$}  {:c$}  {last}", cells[0], cells[1], cells[2]);
        text.trim_end().to_owned() + "\n"
    };
    let indent = columns[0] + 2;
    let used = columns.iter().map(|c| c + 2).sum::<usize>();
    // Too narrow for a fourth column: the expectation goes below, labelled.
    let beside = width >= used + NARROWEST_COLUMN;
    let several_papers = claims.windows(2).any(|pair| pair[0].paper != pair[1].paper);

    let mut out = line(heads, if beside { "expected" } else { "" });
    let mut paper = None;
    for (claim, row) in claims.iter().zip(&rows) {
        if several_papers && paper != Some(&claim.paper) {
            out += &["\n", &one_line(&claim.paper), "\n"].concat();
            paper = Some(&claim.paper);
        }
        let cells = [row[0].as_str(), row[1].as_str(), row[2].as_str()];
        if beside {
            let mut expected = wrap(&claim.expected, width - used).into_iter();
            out += &line(cells, &expected.next().unwrap_or_default());
            expected.for_each(|more| out += &line(["", "", ""], &more));
        } else {
            out += &line(cells, "");
            push_indented(&mut out, &format!("expected: {}", claim.expected), indent, width);
        }
        push_indented(&mut out, &[&claim.statement, claim.source.remark()].concat(), indent, width);
    }
    out += &["\n", &verdict_line(claims), "\n"].concat();
    for remark in std::iter::once(RULE).chain(remarks.iter().map(String::as_str)) {
        push_indented(&mut out, remark, 0, width);
    }
    out
}

/// Below this many characters a column of prose is harder to read than a line of its own.
const NARROWEST_COLUMN: usize = 16;

fn verdict(claim: &Claim) -> &'static str {
    if claim.holds { "holds" } else { "FAILS" }
}

fn push_indented(out: &mut String, text: &str, indent: usize, width: usize) {
    for line in wrap(text, width.saturating_sub(indent).max(NARROWEST_COLUMN)) {
        out.push_str(&" ".repeat(indent));
        out.push_str(&line);
        out.push('\n');
    }
}

/// Breaks a text at spaces into lines of at most `width` characters; a longer word stands alone, unbroken.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if chars(line) + 1 + chars(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(id: &str, paper: &str, measured: Option<f64>, holds: bool) -> Claim {
        Claim {
            id: id.to_owned(),
            paper: paper.to_owned(),
            statement: "Label noise recovers the sparse truth from an initialisation far from it.".to_owned(),
            measured,
            low: measured.map(|v| v / 2.0),
            high: measured.map(|v| v * 2.0),
            expected: "below 5e-3 on at least 9 of 10 data seeds".to_owned(),
            holds,
            how: "median over replicas".to_owned(),
            source: Source::Paper,
        }
    }

    #[test]
    fn the_table_aligns_its_columns_and_wraps_prose() {
        let claims = [
            claim("A1", "shape-matters", Some(75.04), true),
            claim("A2", "shape-matters", Some(7e-4), false),
        ];
        assert_eq!(
            claims_table(&claims, &["Not run here: N4 (--with-networks).".to_owned()], 72),
            "\
claim  verdict  measured               expected
A1     holds    75 [37.5, 150]         below 5e-3 on at least 9 of 10
                                       data seeds
       Label noise recovers the sparse truth from an initialisation far
       from it.
A2     FAILS    7e-4 [3.5e-4, 1.4e-3]  below 5e-3 on at least 9 of 10
                                       data seeds
       Label noise recovers the sparse truth from an initialisation far
       from it.

1 of 2 claims hold; A2 fails.
A claim holds when its 95 % interval, and that of every further number
in it, satisfies what is expected. A number that is computed and not
sampled has both ends at its value.
Not run here: N4 (--with-networks).
"
        );
    }

    #[test]
    fn a_narrow_terminal_gets_the_expectation_below() {
        let table = claims_table(&[claim("A2", "shape-matters", Some(7e-4), false)], &[], 40);
        assert!(table.lines().all(|line| line.chars().count() <= 40), "{table}");
        assert!(table.contains("expected: below 5e-3"), "{table}");
    }

    #[test]
    fn claims_of_several_papers_are_grouped() {
        let claims = [claim("A1", "shape-matters", None, true), claim("B1", "alignment", None, true)];
        let table = claims_table(&claims, &[], 80);
        assert!(table.contains("\nshape-matters\n") && table.contains("\nalignment\n"), "{table}");
        assert!(table.contains("not measured"), "{table}");
    }

    #[test]
    fn a_statement_that_is_not_the_papers_is_marked() {
        let own = Claim { source: Source::Jostle, ..claim("A5", "shape-matters", Some(1.0), true) };
        let table = claims_table(&[own, claim("A1", "shape-matters", Some(1.0), true)], &[], 200);
        assert_eq!(table.matches("far from it. (jostle's own statement)\n").count(), 1, "{table}");
        assert_eq!(table.matches("far from it.\n").count(), 1, "{table}");
    }

    #[test]
    fn the_verdict_line_names_what_fails() {
        let claims =
            [claim("A1", "p", None, true), claim("A2", "p", None, false), claim("A3", "p", None, false)];
        assert_eq!(verdict_line(&claims), "1 of 3 claims hold; A2 and A3 fail.");
        assert_eq!(verdict_line(&claims[..2]), "1 of 2 claims hold; A2 fails.");
        assert_eq!(verdict_line(&claims[..1]), "The claim holds.");
        assert_eq!(verdict_line(&[]), "No claims were checked.");
    }

    #[test]
    fn claims_json_keeps_its_key_order_and_writes_non_finite_numbers_as_null() {
        let mut unbounded = claim("A6", "shape-matters", Some(11.9), true);
        unbounded.high = Some(f64::INFINITY);
        let text = serde_json::to_string(&unbounded).unwrap();
        let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        let keys: Vec<&String> = keys.keys().collect();
        assert_eq!(
            keys,
            ["id", "paper", "statement", "measured", "low", "high", "expected", "holds", "how", "source"]
        );
        let read: Claim = serde_json::from_str(&text).unwrap();
        assert_eq!((read.low, read.high), (Some(5.95), None));
    }
}
