//! Random experiments over the whole space of settings, drawn from the tables that files are checked against: what is
//! registered there is drawn here.

use crate::case::{Case, Data};
use crate::random::Random;
use jostle::observable;
use jostle::setting::{Entry, Fallback, Kind, Range, Setting, Tables};
use jostle_lab::experiment::{SECTIONS, Section};
use toml::{Table, Value};

/// Kinds that are not drawn: one takes minutes.
const LEFT_OUT: &[&str] = &["vgg"];
/// Settings that are not drawn: graphics processors, and what depends on files of the machine.
const NOT_SET: &[&str] = &["device", "array", "dataset", "fallback", "covariance"];

/// The experiment of a seed.
pub(crate) fn draw(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let mut drawing = Drawing { samples: random.count(1, 200), dim: random.count(1, 200), random };
    let mut case = Case { table: Table::new(), data: None, start: None };
    for section in &SECTIONS {
        if section.is_list {
            let count = *drawing.random.pick(&[0, 0, 1, 1, 1, 1, 2, 2, 3]);
            let parts = (0..count).map(|_| Value::Table(drawing.part(section))).collect();
            case.table.insert(section.name.to_owned(), Value::Array(parts));
        } else {
            let part = drawing.part(section);
            case.table.insert(section.name.to_owned(), Value::Table(part));
        }
    }
    drawing.files(&mut case);
    if drawing.random.chance(0.25) {
        drawing.grid(&mut case.table);
    }
    case
}

struct Drawing {
    random: Random,
    samples: u64,
    dim: u64,
}

impl Drawing {
    /// A part of an experiment, of a random kind.
    fn part(&mut self, section: &Section) -> Table {
        let kinds: Vec<&Entry> =
            section.entries.iter().filter(|entry| !LEFT_OUT.contains(&entry.kind)).collect();
        // The first kinds of a table are the usual ones, and go with the most.
        let usual = if self.random.chance(0.5) { kinds.len().div_ceil(3) } else { kinds.len() };
        let entry = kinds[self.random.below(usual)];
        let mut part = Table::new();
        if section.has_kind {
            part.insert("kind".to_owned(), entry.kind.into());
        }
        for setting in entry.settings {
            let is_given = setting.fallback == Fallback::Required || self.random.chance(share(setting));
            if is_given
                && !NOT_SET.contains(&setting.name)
                && let Some(value) = self.value(setting)
            {
                part.insert(setting.name.to_owned(), value);
            }
        }
        part
    }

    /// A value that a setting may have; none for texts, which name files.
    fn value(&mut self, setting: &Setting) -> Option<Value> {
        let random = &mut self.random;
        Some(match setting.kind {
            Kind::Integer { .. } if setting.name == "samples" => self.samples.into_value(),
            Kind::Integer { .. } if setting.name == "dim" => self.dim.into_value(),
            Kind::Integer { .. } if setting.name == "steps" => {
                let most = *random.pick(&[30, 300, 300, 2000, 20_000]);
                random.count(1, most).into_value()
            }
            Kind::Integer { min } if setting.name == "replicas" => random.count(min, 40).into_value(),
            Kind::Integer { min } => random.count(min, min + 12).into_value(),
            Kind::Number(range) => Value::Float(number(random, range)),
            Kind::Choice(choices) => Value::String((*random.pick(choices)).to_owned()),
            Kind::Flag => Value::Boolean(random.chance(0.5)),
            Kind::Numbers => {
                let whole = random.chance(0.5);
                let one = |random: &mut Random| {
                    if whole { random.count(1, 6).into_value() } else { Value::Float(random.size()) }
                };
                match random.below(5) {
                    0 => Value::Array((0..self.dim).map(|_| one(random)).collect()),
                    1 => Value::Array((0..=random.below(3)).map(|_| one(random)).collect()),
                    _ => one(random),
                }
            }
            Kind::Names => {
                let all = observable::REGISTRY;
                let mut names: Vec<&str> = (0..random.below(5)).map(|_| random.pick(all).name).collect();
                names.sort_unstable();
                names.dedup();
                Value::Array(names.into_iter().map(Value::from).collect())
            }
            Kind::Classes => {
                let first = random.below(9) as u64;
                Value::Array(vec![first.into_value(), (first + 1).into_value()])
            }
            Kind::CountOr(word) => match random.below(4) {
                0 => Value::String(word.to_owned()),
                1 => Value::Integer(1),
                _ => random.count(1, self.samples).into_value(),
            },
            Kind::Pairs(_) => pairs(random),
            Kind::Table(tables) => table(random, tables),
            Kind::Recording => {
                let (key, value) = if random.chance(0.5) { ("log", 2) } else { ("every", 1) };
                Value::Table([(key.to_owned(), random.count(value, 100).into_value())].into_iter().collect())
            }
            Kind::Text => return None,
        })
    }

    /// The files that the experiment names.
    fn files(&mut self, case: &mut Case) {
        let kind =
            |table: &Table, part: &str| table[part].get("kind").and_then(Value::as_str).map(str::to_owned);
        if kind(&case.table, "problem").as_deref() == Some("file") {
            let data = Data::draw(&mut self.random, self.samples as usize, self.dim as usize);
            let problem = case.table["problem"].as_table_mut().expect("it was drawn");
            problem.insert("path".to_owned(), data.file.clone().into());
            if !data.file.ends_with("npz") {
                problem.insert("target".to_owned(), "y".into());
            }
            case.data = Some(data);
        }
        if kind(&case.table, "start").as_deref() == Some("file") {
            let parts = if kind(&case.table, "model").as_deref() == Some("hadamard") { 2 } else { 1 };
            let scale = self.random.size();
            case.start = Some((0..parts * self.dim).map(|_| scale * self.random.normal()).collect());
            let start = case.table["start"].as_table_mut().expect("it was drawn");
            start.insert("path".to_owned(), "start.npz".into());
        }
    }

    /// One or two settings that vary.
    fn grid(&mut self, table: &mut Table) {
        let mut grid = Table::new();
        for _ in 0..=self.random.below(2) {
            let section = self.random.pick(&SECTIONS);
            let path = if section.is_list { format!("{}.0", section.name) } else { section.name.to_owned() };
            let part = match &table[section.name] {
                Value::Array(parts) => parts.first().and_then(Value::as_table),
                part => part.as_table(),
            };
            let Some(part) = part else { continue };
            let kind = part.get("kind").and_then(Value::as_str).unwrap_or(section.entries[0].kind);
            let settings =
                section.entries.iter().find(|entry| entry.kind == kind).map_or(&[][..], |e| e.settings);
            let given: Vec<&Setting> =
                settings.iter().filter(|setting| part.contains_key(setting.name)).collect();
            if given.is_empty() {
                continue;
            }
            let setting = *self.random.pick(&given);
            let count = self.random.below(3) + 1;
            let values: Vec<Value> = (0..count).filter_map(|_| self.value(setting)).collect();
            if values.len() == count {
                grid.insert(format!("{path}.{}", setting.name), Value::Array(values));
            }
        }
        table.insert("grid".to_owned(), Value::Table(grid));
    }
}

/// How often a setting that may be left out is given.
fn share(setting: &Setting) -> f64 {
    match (setting.kind, setting.name) {
        (Kind::CountOr(_), _) => 0.6,
        (Kind::Names, _) | (_, "replicas" | "precision") => 0.5,
        (
            _,
            "method" | "linearise" | "loss" | "augment" | "nesterov" | "learning_rate_unit" | "rule"
            | "weight_decay" | "gradient_at" | "replacement",
        ) => 0.08,
        _ => 0.2,
    }
}

fn number(random: &mut Random, range: Range) -> f64 {
    match range {
        Range::UnitOpen => *random.pick(&[0.0, 0.1, 0.5, 0.9, 0.99, 1e-300, 1.0 - 1e-15]),
        Range::Any if random.chance(0.3) => -random.size(),
        Range::Any | Range::NonNegative if random.chance(0.1) => 0.0,
        Range::Any | Range::NonNegative | Range::Positive => random.size(),
    }
}

/// A step size: mostly one that converges, else one that is too large, or extreme.
fn rate(random: &mut Random) -> Value {
    let rate = if random.chance(0.8) { random.between(1e-4, 0.1) } else { random.size() };
    Value::Float(format!("{rate:.2e}").parse().expect("a number that was just written"))
}

/// A table, of step sizes mostly a number.
fn table(random: &mut Random, tables: &Tables) -> Value {
    if tables.plain.is_some() && random.chance(0.7) {
        return rate(random);
    }
    let entry = random.pick(tables.entries);
    let mut table = toml::Table::new();
    if random.chance(0.5) || tables.plain.is_none() || entry.kind != tables.entries[0].kind {
        table.insert("kind".to_owned(), entry.kind.into());
    }
    for setting in entry.settings {
        if setting.fallback != Fallback::Required && random.chance(0.4) {
            continue;
        }
        let value = match setting.kind {
            Kind::Number(Range::UnitOpen) => Value::Float(*random.pick(&[0.0, 0.5, 0.9])),
            Kind::Number(_) => rate(random),
            Kind::Integer { min } => random.count(min, 200).into_value(),
            Kind::Choice(choices) => Value::String((*random.pick(choices)).to_owned()),
            Kind::Pairs(_) => pairs(random),
            other => panic!("{other} in a table"),
        };
        table.insert(setting.name.to_owned(), value);
    }
    Value::Table(table)
}

/// Steps, of which the first is often 0, and numbers.
fn pairs(random: &mut Random) -> Value {
    let mut step = if random.chance(0.7) { 0 } else { random.count(1, 200) };
    let mut pair = |random: &mut Random| {
        let factor = if random.chance(0.8) { *random.pick(&[0.1, 0.5, 2.0]) } else { random.size() };
        let pair = Value::Array(vec![step.into_value(), Value::Float(factor)]);
        step += random.count(1, 200);
        pair
    };
    Value::Array((0..random.below(3)).map(|_| pair(random)).collect())
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for u64 {
    fn into_value(self) -> Value {
        Value::Integer(self as i64)
    }
}

#[test]
fn an_experiment_is_a_pure_function_of_its_seed() {
    for seed in 0..50 {
        let (first, second) = (draw(seed), draw(seed));
        assert_eq!(first.text(), second.text());
        // Data may be infinite, but are never NaN.
        assert_eq!(first, second, "seed {seed}");
    }
    assert_ne!(draw(1), draw(2));
}

#[test]
fn everything_that_is_registered_is_drawn() {
    let cases: Vec<String> = (0..3000).map(|seed| draw(seed).text()).collect();
    for entry in SECTIONS.iter().filter(|section| section.has_kind).flat_map(|section| section.entries) {
        let kind = format!("kind = {:?}", entry.kind);
        assert!(LEFT_OUT.contains(&entry.kind) || cases.iter().any(|case| case.contains(&kind)), "{kind}");
    }
    for setting in SECTIONS.iter().flat_map(|section| section.entries).flat_map(|entry| entry.settings) {
        let is_drawn = setting.kind != Kind::Text && !NOT_SET.contains(&setting.name);
        // The value of some settings is a table, with a header of its own.
        let keys = [format!("\n{} = ", setting.name), format!(".{}]\n", setting.name)];
        let is_there = |case: &String| keys.iter().any(|key| case.contains(key));
        assert!(!is_drawn || cases.iter().any(is_there), "{}", setting.name);
    }
    for observable in observable::REGISTRY {
        assert!(cases.iter().any(|case| case.contains(observable.name)), "{}", observable.name);
    }
}
