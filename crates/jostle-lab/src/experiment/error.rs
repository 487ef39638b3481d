//! What can be wrong with an experiment file: always one line that says where, what and what was expected.

/// An experiment that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The file cannot be read at all.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file, as it was asked for.
        path: String,
        /// Why.
        reason: String,
    },
    /// The text is not TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// `file:line:column`, or the option.
        place: String,
        /// What the parser expected.
        message: String,
    },
    /// A setting that does not exist, is missing or cannot have its value.
    #[error("{place}: {subject} {problem}")]
    Setting {
        /// `file:line:column`, or the option that gave the value.
        place: String,
        /// The dotted path of the setting, or the grid or scale entry.
        subject: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// An input that only the whole experiment shows to be unusable.
    #[error("{place}: {source}{cell}")]
    Input {
        /// The file.
        place: String,
        /// What is wrong.
        source: jostle::InputError,
        /// The cell of the grid that is concerned, as it is called in a message; empty without a grid.
        cell: String,
    },
}

impl ExperimentError {
    pub(super) fn setting(
        place: impl Into<String>,
        subject: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        let [place, subject, problem] = [(place.into(), 1000), (subject.into(), 160), (problem.into(), 1200)]
            .map(|(text, longest)| bounded(&text, longest));
        Self::Setting { place, subject, problem }
    }

    /// How the message calls the setting.
    pub(super) fn subject(&self) -> &str {
        match self {
            Self::Setting { subject, .. } => subject,
            _ => "",
        }
    }

    /// The same, said of one cell of the grid: what names it ends the message.
    #[must_use]
    pub(super) fn of_cell(mut self, named: &str) -> Self {
        match &mut self {
            Self::Setting { problem, .. } => problem.push_str(named),
            Self::Input { cell, .. } => cell.push_str(named),
            Self::Unreadable { .. } | Self::Syntax { .. } => {}
        }
        self
    }
}

/// A text of a message without its middle where it is longer than `longest` characters: values and keys of a file may have
/// any length.
pub(super) fn bounded(text: &str, longest: usize) -> String {
    // A character has at most four bytes.
    if text.len() <= longest || text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept = longest / 2;
    let cut = |at: Option<(usize, char)>| at.map_or(0, |(at, _)| at);
    let (head, tail) = (cut(text.char_indices().nth(kept)), cut(text.char_indices().nth_back(kept - 1)));
    format!("{} ... {}", &text[..head], &text[tail..])
}

/// `did you mean "samples"?` where one of the candidates is near, and `expected "a" or "b"` otherwise.
pub(super) fn suggestion<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    match nearest(found, &candidates) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("expected {}", listing(&candidates)),
    }
}

/// The candidate that `found` is most likely a misspelling of.
pub(super) fn nearest<'a>(found: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let length = found.chars().count();
    // No name is this long, and the distance takes time proportional to both lengths.
    if length > 64 {
        return None;
    }
    let found = found.to_lowercase();
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&found, candidate), *candidate))
        .filter(|(distance, _)| *distance < length && *distance <= length.max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `"a", "b" or "c"`.
pub(super) fn listing(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_string(),
        [only] => format!("{only:?}"),
        [init @ .., last] => {
            let init: Vec<String> = init.iter().map(|name| format!("{name:?}")).collect();
            format!("{} or {last:?}", init.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposed_letters_and_wrong_case_are_near_and_other_words_are_not() {
        let names = ["samples", "dim", "seed", "std"];
        assert_eq!(nearest("sampels", &names), Some("samples"));
        assert_eq!(nearest("Samples", &names), Some("samples"));
        assert_eq!(nearest("sdt", &names), Some("std"));
        assert_eq!(nearest("x", &names), None);
        assert_eq!(nearest("temperature", &names), None);
        assert_eq!(nearest("", &names), None);
        assert_eq!(nearest(&"s".repeat(100_000), &names), None);
    }

    #[test]
    fn a_message_leaves_out_the_middle_of_what_is_long() {
        assert_eq!(bounded("short", 10), "short");
        assert_eq!(bounded("0123456789abc", 4), "01 ... bc");
        assert_eq!(bounded("\u{e9}\u{e9}\u{e9}\u{e9}", 4), "\u{e9}\u{e9}\u{e9}\u{e9}");
        let error = ExperimentError::setting("x.toml", "k".repeat(10_000_000), "v".repeat(10_000_000));
        assert!(error.to_string().len() < 1500);
    }

    #[test]
    fn where_nothing_is_near_everything_valid_is_listed() {
        assert_eq!(
            suggestion("temperature", ["std", "labels", "kind"]),
            r#"expected "std", "labels" or "kind""#
        );
        assert_eq!(suggestion("temperature", ["std"]), r#"expected "std""#);
    }
}
