//! What the cells of a column are, found by looking through all of them.

use super::cells::{Cell, Spot, looks_like_a_number};
use super::classes::{Key, MOST_CLASSES};
use std::collections::{BTreeSet, HashSet, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};

/// What the cells of a column are.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Cells that are numbers.
    pub(super) numbers: usize,
    /// Cells that are true or false.
    pub(super) flags: usize,
    /// The first text, or the first flag among numbers.
    pub(super) first_text: Option<(Spot, String)>,
    /// The first flag.
    pub(super) first_flag: Option<(Spot, String)>,
    /// The first text that looks like a number.
    pub(super) first_like_number: Option<(Spot, String)>,
    /// The first cell without a value, and what stands there.
    pub(super) first_missing: Option<(Spot, String)>,
    /// The first NaN.
    pub(super) first_nan: Option<Spot>,
    /// Cells without a value.
    pub(super) missing: usize,
    /// The different values, no more than one too many; of numbers only where they are asked for.
    pub(super) keys: BTreeSet<Key>,
    keeps_numbers: bool,
    /// Whether the cells could be a row index so far: whole numbers or texts, no two of them alike.
    seen: Option<HashSet<u64>>,
}

impl Facts {
    /// Of a column whose numbers may be classes.
    pub(super) fn of_classes() -> Self {
        Self { keeps_numbers: true, ..Self::default() }
    }

    /// Of a column that may be a row index.
    pub(super) fn of_index() -> Self {
        Self { seen: Some(HashSet::new()), ..Self::default() }
    }

    /// Whether the cells name or count the rows: different whole numbers, or different texts.
    pub(super) fn is_index(&self) -> bool {
        let one_kind = self.numbers == 0 || self.first_text.is_none();
        self.seen.is_some() && one_kind && self.flags == 0 && self.missing == 0
    }

    pub(super) fn add(&mut self, spot: Spot, cell: Cell<'_>) {
        match cell {
            Cell::Number(value) if value.is_nan() => {
                self.first_nan.get_or_insert(spot);
                self.seen = None;
            }
            Cell::Number(value) => {
                self.numbers += 1;
                if self.keeps_numbers {
                    self.key(|| Key::number(value));
                }
                let counts = value >= 0.0 && value.fract() == 0.0;
                self.distinct(counts, &value.to_bits());
            }
            Cell::Flag(value) => {
                self.flags += 1;
                self.first_flag.get_or_insert_with(|| (spot, value.to_string()));
                self.key(|| Key::flag(value));
            }
            Cell::Text(text) => {
                self.first_text.get_or_insert_with(|| (spot, text.to_owned()));
                if looks_like_a_number(text) {
                    self.first_like_number.get_or_insert_with(|| (spot, text.to_owned()));
                }
                self.key(|| Key::Text(text.to_owned()));
                self.distinct(true, text);
            }
            Cell::Missing(what) => {
                self.missing += 1;
                self.first_missing.get_or_insert_with(|| (spot, what.to_owned()));
            }
        }
    }

    /// Remembers one more value, if they are not too many already.
    fn key(&mut self, key: impl FnOnce() -> Key) {
        if self.keys.len() <= MOST_CLASSES {
            self.keys.insert(key());
        }
    }

    fn distinct(&mut self, counts: bool, value: &(impl Hash + ?Sized)) {
        let Some(seen) = &mut self.seen else { return };
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        if !counts || !seen.insert(hasher.finish()) {
            self.seen = None;
        }
    }
}
