//! The parts of an experiment file, and which registry of the core describes each.

use jostle::setting::Entry;

/// One part of an experiment file.
#[derive(Debug)]
pub struct Section {
    /// The name of the table.
    pub name: &'static str,
    /// The kinds it may have; the only entry where it has no kind.
    pub entries: &'static [Entry],
    /// Whether the table names its kind.
    pub has_kind: bool,
    /// The kind of a table that is not there, or does not name one.
    pub default_kind: Option<&'static str>,
    /// Whether it is a list of tables.
    pub is_list: bool,
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
pub const SECTIONS: [Section; 7] = [
    with_kinds("problem", jostle::problem::ENTRIES),
    with_kinds("model", MODELS),
    Section { default_kind: Some("init"), ..with_kinds("start", jostle::process::START_ENTRIES) },
    with_kinds("dynamics", jostle::dynamics::ENTRIES),
    Section { is_list: true, ..with_kinds("noise", jostle::noise::ENTRIES) },
    Section { has_kind: false, ..with_kinds("observe", &[jostle::observable::ENTRY]) },
    Section { has_kind: false, ..with_kinds("ensemble", &[jostle::ensemble::ENTRY]) },
];

/// The models of the core, and the networks.
const MODELS: &[Entry] = &{
    let (core, nets) = (jostle::model::ENTRIES, jostle_nets::ENTRIES);
    let mut entries = [core[0]; jostle::model::ENTRIES.len() + jostle_nets::ENTRIES.len()];
    let mut k = 0;
    while k < entries.len() {
        entries[k] = if k < core.len() { core[k] } else { nets[k - core.len()] };
        k += 1;
    }
    entries
};

const fn with_kinds(name: &'static str, entries: &'static [Entry]) -> Section {
    Section { name, entries, has_kind: true, default_kind: None, is_list: false }
}

pub(super) const PROBLEM: &Section = &SECTIONS[0];
pub(super) const MODEL: &Section = &SECTIONS[1];
pub(super) const START: &Section = &SECTIONS[2];
pub(super) const DYNAMICS: &Section = &SECTIONS[3];
pub(super) const NOISE: &Section = &SECTIONS[4];
pub(super) const OBSERVE: &Section = &SECTIONS[5];
pub(super) const ENSEMBLE: &Section = &SECTIONS[6];

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

/// Whether a setting is the path of a file or folder that is read.
pub(super) fn is_path(section: &str, name: &str) -> bool {
    [PROBLEM, START].iter().any(|known| known.name == section) && ["path", "test_path"].contains(&name)
}

/// Everything that may stand at the top of a file.
pub(super) fn top_level() -> impl Iterator<Item = &'static str> {
    std::iter::once("name").chain(SECTIONS.iter().map(|section| section.name)).chain(["grid", "scale"])
}
