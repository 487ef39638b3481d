//! The parts of an experiment file, and which registry of the core describes each.

use jostle::setting::Entry;

/// One part of an experiment file.
#[derive(Debug)]
pub(super) struct Section {
    /// The name of the table.
    pub(super) name: &'static str,
    /// The kinds it may have; the only entry where it has no kind.
    pub(super) entries: &'static [Entry],
    /// Whether the table names its kind.
    pub(super) has_kind: bool,
    /// Whether it is a list of tables.
    pub(super) is_list: bool,
}

impl Section {
    /// How the table is written.
    pub(super) fn header(&self) -> String {
        if self.is_list { format!("[[{}]]", self.name) } else { format!("[{}]", self.name) }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|entry| entry.kind)
    }
}

/// Every part, in the order in which a file is written.
pub(super) const SECTIONS: [Section; 6] = [
    Section { name: "problem", entries: jostle::problem::ENTRIES, has_kind: true, is_list: false },
    Section { name: "model", entries: jostle::model::ENTRIES, has_kind: true, is_list: false },
    Section { name: "dynamics", entries: jostle::dynamics::ENTRIES, has_kind: true, is_list: false },
    Section { name: "noise", entries: jostle::noise::ENTRIES, has_kind: true, is_list: true },
    Section { name: "observe", entries: &[jostle::observable::ENTRY], has_kind: false, is_list: false },
    Section { name: "ensemble", entries: &[jostle::ensemble::ENTRY], has_kind: false, is_list: false },
];

pub(super) const PROBLEM: &Section = &SECTIONS[0];
pub(super) const MODEL: &Section = &SECTIONS[1];
pub(super) const DYNAMICS: &Section = &SECTIONS[2];
pub(super) const NOISE: &Section = &SECTIONS[3];
pub(super) const OBSERVE: &Section = &SECTIONS[4];
pub(super) const ENSEMBLE: &Section = &SECTIONS[5];

/// The section of this name.
pub(super) fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

/// Whether a path leads to a setting or, as the value of a setting may be a table, into one.
pub(super) fn names_a_setting(path: &[String]) -> bool {
    path.first()
        .and_then(|first| section(first))
        .is_some_and(|section| path.len() >= if section.is_list { 3 } else { 2 })
}

/// Everything that may stand at the top of a file.
pub(super) fn top_level() -> impl Iterator<Item = &'static str> {
    std::iter::once("name").chain(SECTIONS.iter().map(|section| section.name)).chain(["grid", "scale"])
}
