//! Settings whose value is itself a component with a kind and settings.

use super::{Entry, SettingError, Settings, Value};

/// The kinds that the value of a setting may have, and how they are written.
pub struct Tables {
    /// The heading in the reference.
    pub name: &'static str,
    /// One paragraph of the reference.
    pub doc: &'static str,
    /// The kinds; the first one is that of a table that names none.
    pub entries: &'static [Entry],
    /// The kind that a number stands for, and its only setting; without it, the name of a kind stands for that kind.
    pub plain: Option<(&'static str, &'static str)>,
    /// What an error message says was expected.
    pub expected: &'static str,
    /// Checks the settings against each other, and brings tables that mean the same to one form.
    pub normalise: fn(Table) -> Result<Table, SettingError>,
}

impl Tables {
    /// The kind of this name.
    pub fn entry(&self, kind: &str) -> Option<&'static Entry> {
        self.entries.iter().find(|entry| entry.kind == kind)
    }

    /// The table that a number stands for, if one may.
    pub(super) fn of_number(&'static self, number: f64) -> Option<Table> {
        let (kind, name) = self.plain?;
        let entry = self.entry(kind).unwrap_or_else(|| panic!("{kind:?} is not one of {}", self.name));
        Table::of(self, entry, Settings::check(entry, &[(name, Value::Number(number))]).ok()?).ok()
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Tables {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The value of a setting that has a kind and settings of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    of: &'static Tables,
    kind: &'static str,
    settings: Settings,
}

impl Table {
    /// The table of a kind with checked settings, in its normal form.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn of(of: &'static Tables, entry: &Entry, settings: Settings) -> Result<Self, SettingError> {
        (of.normalise)(Self { of, kind: entry.kind, settings })
    }

    /// The table of a kind with the settings that an object has.
    pub(crate) fn new<const N: usize>(
        of: &'static Tables,
        kind: &'static str,
        settings: [(&str, Value); N],
    ) -> Self {
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { of, kind, settings: Settings(settings) }
    }

    /// The kind.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The kinds that it is one of.
    pub fn tables(&self) -> &'static Tables {
        self.of
    }

    /// The number that stands for the table, if one does.
    pub fn number(&self) -> Option<f64> {
        let (kind, name) = self.of.plain?;
        (self.kind == kind).then(|| self.settings.number(name))
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(number) = self.number() {
            return write!(f, "{number:?}");
        }
        let is_named = self.of.plain.is_none() || self.kind != self.of.entries[0].kind;
        let kind = is_named.then(|| format!("kind = {:?}", self.kind));
        let order = self.of.entry(self.kind).map_or(&[][..], |entry| entry.settings);
        let given = order
            .iter()
            .filter_map(|setting| Some(format!("{} = {}", setting.name, self.settings.0.get(setting.name)?)));
        let parts: Vec<String> = kind.into_iter().chain(given).collect();
        write!(f, "{{ {} }}", parts.join(", "))
    }
}
