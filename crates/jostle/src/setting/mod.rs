//! Self-describing settings: what a problem, model, noise or dynamics may be told, in one table each.
//!
//! Every entry of a registry (see [`crate::noise::ENTRIES`], for example) lists its [`Setting`]s. Checking a file,
//! writing out defaults, help texts and reference tables are all derived from these lists, so that a new noise needs
//! no second mention of its options anywhere.

mod recording;
mod table;

pub use recording::Recording;
pub use table::{Table, Tables};

use std::collections::BTreeMap;

/// A checked value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(u64),
    /// A real number.
    Number(f64),
    /// A text, one of the choices where the setting has them.
    Text(String),
    /// True or false.
    Flag(bool),
    /// A list of real numbers.
    Numbers(Vec<f64>),
    /// A list of names.
    Names(Vec<String>),
    /// A list of pairs of a step and a number.
    Pairs(Vec<(u64, f64)>),
    /// A component with a kind and settings of its own.
    Table(Table),
    /// The steps to record.
    Recording(Recording),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Integer(v) => write!(f, "{v}"),
            Value::Number(v) => write!(f, "{v:?}"),
            Value::Text(v) => write!(f, "{v:?}"),
            Value::Flag(v) => write!(f, "{v}"),
            Value::Numbers(v) => write!(f, "{v:?}"),
            Value::Names(v) => write!(f, "{v:?}"),
            Value::Pairs(v) => {
                let pairs: Vec<String> =
                    v.iter().map(|(step, value)| format!("[{step}, {value:?}]")).collect();
                write!(f, "[{}]", pairs.join(", "))
            }
            Value::Table(v) => write!(f, "{v}"),
            Value::Recording(v) => write!(f, "{v}"),
        }
    }
}

/// What a setting accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number of at least this much.
    Integer {
        /// Smallest accepted value.
        min: u64,
    },
    /// A finite real number.
    Number(Range),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text (a path, a column name).
    Text,
    /// `true` or `false`.
    Flag,
    /// A number, or a list of numbers (a list of one is the same as the number).
    Numbers,
    /// A list of names.
    Names,
    /// A list of classes, each by its name or its number.
    Classes,
    /// This word, or a whole number of at least 1.
    CountOr(&'static str),
    /// A list of pairs of a step and a number, which is called so.
    Pairs(&'static str),
    /// A table with a kind and settings of its own, or the number that stands for one.
    Table(&'static Tables),
    /// `{ log = count }` or `{ every = steps }`.
    Recording,
}

/// The range of a real setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// Any finite number.
    Any,
    /// At least zero.
    NonNegative,
    /// Above zero.
    Positive,
    /// At least zero and below one.
    UnitOpen,
}

impl Range {
    /// Whether `value` lies in the range (NaN and infinities never do).
    pub fn contains(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Range::Any => true,
                Range::NonNegative => value >= 0.0,
                Range::Positive => value > 0.0,
                Range::UnitOpen => (0.0..1.0).contains(&value),
            }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Integer { min: 0 } => write!(f, "a whole number"),
            Kind::Integer { min } => write!(f, "a whole number, at least {min}"),
            Kind::Number(Range::Any) => write!(f, "a finite number"),
            Kind::Number(Range::NonNegative) => write!(f, "a number, at least 0"),
            Kind::Number(Range::Positive) => write!(f, "a number above 0"),
            Kind::Number(Range::UnitOpen) => write!(f, "a number, at least 0 and below 1"),
            Kind::Choice(choices) => {
                let quoted: Vec<_> = choices.iter().map(|c| format!("{c:?}")).collect();
                write!(f, "{}", quoted.join(" or "))
            }
            Kind::Text => write!(f, "a text in quotes"),
            Kind::Flag => write!(f, "true or false"),
            Kind::Numbers => write!(f, "a number or a list of numbers"),
            Kind::Names => write!(f, "a list of names"),
            Kind::Classes => write!(f, "a list of names or whole numbers"),
            Kind::CountOr(word) => write!(f, "{word:?} or a whole number, at least 1"),
            Kind::Pairs(second) => write!(f, "a list of [step, {second}], as in [[100_000, 0.1]]"),
            Kind::Table(tables) => f.write_str(tables.expected),
            Kind::Recording => write!(f, "{{ log = 200 }} or {{ every = 1000 }}"),
        }
    }
}

/// What happens when a setting is not given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fallback {
    /// It must be given.
    Required,
    /// It stays absent, and that has a meaning of its own (said in the setting's doc).
    Absent,
    /// This whole number.
    Integer(u64),
    /// This number.
    Number(f64),
    /// This number, unless the setting `other` is given, with which it cannot stand: one of the two says it.
    NumberUnless {
        /// The number.
        value: f64,
        /// The setting that may take its place.
        other: &'static str,
    },
    /// This text, unless the setting `other` is given, with which it cannot stand.
    TextUnless {
        /// The text.
        value: &'static str,
        /// The setting that may take its place.
        other: &'static str,
    },
    /// These numbers.
    Numbers(&'static [f64]),
    /// This text.
    Text(&'static str),
    /// This flag.
    Flag(bool),
    /// These recorded steps.
    Recording(Recording),
}

/// One thing a user may set, with its documentation.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The key in an experiment file.
    pub name: &'static str,
    /// The symbol of the papers, or empty.
    pub symbol: &'static str,
    /// What it accepts.
    pub kind: Kind,
    /// What it is when not given.
    pub fallback: Fallback,
    /// One sentence.
    pub doc: &'static str,
}

/// The documented head of a registry entry: a kind of problem, model, noise, dynamics or an observable.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The word that selects it in a file: `kind = "label"`.
    pub kind: &'static str,
    /// One line.
    pub summary: &'static str,
    /// One paragraph: the formula, the law, what to use it for.
    pub detail: &'static str,
    /// Paper and equation.
    pub reference: &'static str,
    /// What may be set.
    pub settings: &'static [Setting],
}

/// The entries of a registry, which lists them with what builds them.
pub(crate) const fn entries<Build: Copy, const N: usize>(registry: &[(Entry, Build)]) -> [Entry; N] {
    let mut entries = [registry[0].0; N];
    let mut k = 0;
    while k < N {
        entries[k] = registry[k].0;
        k += 1;
    }
    entries
}

/// Checked settings of one component, with defaults filled in: what a `build` function receives.
///
/// The getters are for values that [`Settings::check`] has put there; asking for a name that the entry does not
/// declare, or for another type than the declared one, is a bug of the entry and panics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// Fills in the defaults of `entry` and returns checked settings.
    ///
    /// # Errors
    /// A setting that the entry does not have, that is missing, that is out of its range, or that is given beside the one
    /// that takes its place.
    pub fn check(entry: &Entry, given: &[(&str, Value)]) -> Result<Self, SettingError> {
        let mut map = BTreeMap::new();
        for (name, value) in given {
            let Some(setting) = entry.settings.iter().find(|s| s.name == *name) else {
                return Err(SettingError {
                    name: (*name).to_string(),
                    problem: format!("is not a setting of {:?}", entry.kind),
                });
            };
            map.insert((*name).to_string(), setting.check(value)?);
        }
        for setting in entry.settings {
            let replaced_by = match setting.fallback {
                Fallback::NumberUnless { other, .. } | Fallback::TextUnless { other, .. } => {
                    map.contains_key(other).then_some(other)
                }
                _ => None,
            };
            if let (Some(other), true) = (replaced_by, map.contains_key(setting.name)) {
                let problem = format!("is given beside {other}; expected one of the two");
                return Err(SettingError::new(setting.name, problem));
            }
            if replaced_by.is_some() || map.contains_key(setting.name) {
                continue;
            }
            if let Some(value) = setting.default_value() {
                map.insert(setting.name.to_string(), value);
            } else if setting.fallback == Fallback::Required {
                return Err(SettingError {
                    name: setting.name.to_string(),
                    problem: format!("is missing; expected {}", setting.kind),
                });
            }
        }
        Ok(Self(map))
    }

    /// Every setting with its value, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether the setting has a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> u64 {
        match self.0.get(name) {
            Some(Value::Integer(v)) => *v,
            other => undeclared(name, "a whole number", other),
        }
    }

    /// A whole number, as a count.
    pub fn count(&self, name: &str) -> usize {
        self.integer(name) as usize
    }

    /// A real number.
    pub fn number(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Value::Number(v)) => *v,
            other => undeclared(name, "a number", other),
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::Text(v)) => v,
            other => undeclared(name, "a text", other),
        }
    }

    /// A flag.
    pub fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Flag(v)) => *v,
            other => undeclared(name, "a flag", other),
        }
    }

    /// A list of names.
    pub fn names(&self, name: &str) -> &[String] {
        match self.0.get(name) {
            Some(Value::Names(v)) => v,
            other => undeclared(name, "a list of names", other),
        }
    }

    /// A count; none where a word stands in its place.
    pub fn count_or(&self, name: &str) -> Option<usize> {
        match self.0.get(name) {
            Some(Value::Integer(v)) => Some(*v as usize),
            Some(Value::Text(_)) => None,
            other => undeclared(name, "a count or a word", other),
        }
    }

    /// A list of pairs of a step and a number.
    pub fn pairs(&self, name: &str) -> &[(u64, f64)] {
        match self.0.get(name) {
            Some(Value::Pairs(v)) => v,
            other => undeclared(name, "a list of pairs", other),
        }
    }

    /// A component with a kind and settings of its own.
    pub fn table(&self, name: &str) -> &Table {
        match self.0.get(name) {
            Some(Value::Table(v)) => v,
            other => undeclared(name, "a table", other),
        }
    }

    /// The steps to record.
    pub fn recording(&self, name: &str) -> Recording {
        match self.0.get(name) {
            Some(Value::Recording(v)) => *v,
            other => undeclared(name, "a recording", other),
        }
    }

    /// A list of numbers.
    pub fn numbers(&self, name: &str) -> &[f64] {
        match self.0.get(name) {
            Some(Value::Numbers(v)) => v,
            other => undeclared(name, "a list of numbers", other),
        }
    }
}

fn undeclared(name: &str, wanted: &str, found: Option<&Value>) -> ! {
    panic!("the entry does not declare {name:?} as {wanted} (found {found:?})")
}

impl Setting {
    /// The value of the default, if there is one.
    pub fn default_value(&self) -> Option<Value> {
        match self.fallback {
            Fallback::Required | Fallback::Absent => None,
            Fallback::Integer(v) => Some(Value::Integer(v)),
            Fallback::Number(v) if self.kind == Kind::Numbers => Some(Value::Numbers(vec![v])),
            Fallback::Number(v) | Fallback::NumberUnless { value: v, .. } => Some(Value::Number(v)),
            Fallback::Numbers(v) => Some(Value::Numbers(v.to_vec())),
            Fallback::Text(v) | Fallback::TextUnless { value: v, .. } => Some(Value::Text(v.to_string())),
            Fallback::Recording(v) => Some(Value::Recording(v)),
            Fallback::Flag(v) => Some(Value::Flag(v)),
        }
    }

    /// Brings a value to the declared type (a whole number may stand for a real one) and checks its range.
    ///
    /// # Errors
    /// The type or the range is not the declared one; the message says what was expected and found.
    pub fn check(&self, value: &Value) -> Result<Value, SettingError> {
        let refused = || SettingError {
            name: self.name.to_string(),
            problem: format!("is {value}; expected {}", self.kind),
        };
        match (self.kind, value) {
            (Kind::Integer { min }, Value::Integer(v)) if *v >= min => Ok(value.clone()),
            (Kind::Number(range), Value::Number(v)) if range.contains(*v) => Ok(value.clone()),
            (Kind::Number(range), Value::Integer(v)) if range.contains(*v as f64) => {
                Ok(Value::Number(*v as f64))
            }
            (Kind::Choice(choices), Value::Text(v)) if choices.contains(&v.as_str()) => Ok(value.clone()),
            (Kind::Text, Value::Text(_))
            | (Kind::Flag, Value::Flag(_))
            | (Kind::CountOr(_), Value::Integer(1..)) => Ok(value.clone()),
            (Kind::Numbers, Value::Number(v)) if v.is_finite() => Ok(Value::Numbers(vec![*v])),
            (Kind::Numbers, Value::Integer(v)) => Ok(Value::Numbers(vec![*v as f64])),
            (Kind::Numbers, Value::Numbers(v)) if !v.is_empty() && v.iter().all(|x| x.is_finite()) => {
                Ok(value.clone())
            }
            (Kind::CountOr(known), Value::Text(word)) if word == known => Ok(value.clone()),
            (Kind::Table(tables), Value::Number(v)) => {
                tables.of_number(*v).map(Value::Table).ok_or_else(refused)
            }
            (Kind::Table(_), Value::Integer(v)) => self.check(&Value::Number(*v as f64)),
            (Kind::Table(tables), Value::Table(v)) if v.tables() == tables => Ok(value.clone()),
            (Kind::Names | Kind::Classes, Value::Names(_))
            | (Kind::Pairs(_), Value::Pairs(_))
            | (Kind::Recording, Value::Recording(Recording::Log(2..) | Recording::Every(1..))) => {
                Ok(value.clone())
            }
            _ => Err(refused()),
        }
    }
}

/// A setting that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingError {
    /// The key, relative to its component.
    pub name: String,
    /// What is wrong with it and what was expected.
    pub problem: String,
}

impl SettingError {
    /// An error about the setting `name`.
    pub fn new(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { name: name.into(), problem: problem.into() }
    }
}
