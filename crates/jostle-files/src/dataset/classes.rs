//! Labels that are classes: which numbers stand for which.

use crate::StorageError;
use crate::names::show_names;
use std::cmp::Ordering;

/// Most classes that labels may have, and one more than that is looked for.
pub(super) const MOST_CLASSES: usize = 1000;

/// One value of a column with few different ones. Numbers sort before texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    /// A number.
    Number(f64),
    /// A text, or `true` or `false`.
    Text(String),
}

impl Key {
    /// The key of a number; 0 and -0 are the same.
    pub(super) fn number(value: f64) -> Self {
        Self::Number(value + 0.0)
    }

    /// The key of true or false.
    pub(super) fn flag(value: bool) -> Self {
        Self::Text(value.to_string())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
        }
    }
}

/// The classes of labels, in sorted order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Classes(Vec<Key>);

impl Classes {
    /// The classes that the different values of labels are; `what` are the labels, as in `column "y"`.
    ///
    /// # Errors
    /// One class only, too many, or numbers that are not whole.
    pub(super) fn new(keys: impl IntoIterator<Item = Key>, what: &str) -> Result<Self, StorageError> {
        let mut keys: Vec<Key> = keys.into_iter().collect();
        let refuse = |found: String| Err(StorageError::Classes { found: format!("{what} {found}") });
        let fraction = |key: &&Key| matches!(key, Key::Number(value) if value.fract() != 0.0);
        if let Some(key) = keys.iter().find(fraction) {
            return refuse(format!("has {key}, not a class"));
        }
        if keys.len() > MOST_CLASSES {
            return refuse(format!("has more than {MOST_CLASSES} different values"));
        }
        // One class of signs is one of two that these samples do not have both of.
        if let [Key::Number(sign)] = keys[..]
            && sign.abs() == 1.0
        {
            keys = vec![Key::Number(-1.0), Key::Number(1.0)];
        }
        if keys.len() < 2 {
            let only = keys.first().map_or_else(String::new, |key| format!(", {key}"));
            return refuse(format!("has one value only{only}"));
        }
        Ok(Self(keys))
    }

    /// Labels of a sample: one for two classes, otherwise as many as classes.
    pub(super) fn outputs(&self) -> usize {
        if self.0.len() == 2 { 1 } else { self.0.len() }
    }

    /// Appends the labels of a sample of this class: -1 and +1 for two, otherwise one-hot.
    ///
    /// # Errors
    /// A class that is not among these, at `place`.
    pub(super) fn append(
        &self,
        key: &Key,
        labels: &mut Vec<f64>,
        place: impl FnOnce() -> String,
    ) -> Result<(), StorageError> {
        let Ok(class) = self.0.binary_search(key) else {
            let problem = format!(
                "is {:?}, a class that no training sample has; classes: {}",
                key.to_string(),
                show_names(&self.names())
            );
            return Err(StorageError::Cell { place: place(), problem });
        };
        match self.0.len() {
            2 => labels.push(if class == 0 { -1.0 } else { 1.0 }),
            count => labels.extend((0..count).map(|k| f64::from(u8::from(k == class)))),
        }
        Ok(())
    }

    /// Which labels stand for which class; nothing where it goes without saying.
    pub(super) fn remark(&self) -> Option<String> {
        match &self.0[..] {
            [Key::Number(-1.0), Key::Number(1.0)] => None,
            [first, second] => Some(format!("label -1 for {first}, +1 for {second}")),
            _ => Some(format!("labels one-hot in the order {}", show_names(&self.names()))),
        }
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(values: &[f64]) -> Result<Classes, StorageError> {
        let mut keys: Vec<Key> = values.iter().map(|value| Key::number(*value)).collect();
        keys.sort();
        keys.dedup();
        Classes::new(keys, "y")
    }

    fn labels(classes: &Classes, values: &[f64]) -> Vec<f64> {
        let mut labels = Vec::new();
        for value in values {
            classes.append(&Key::number(*value), &mut labels, || "y[0]".to_owned()).unwrap();
        }
        labels
    }

    #[test]
    fn two_classes_are_signs_in_sorted_order_and_more_are_one_hot() {
        let two = classes(&[1.0, 0.0, -0.0]).unwrap();
        assert_eq!(labels(&two, &[0.0, 1.0]), [-1.0, 1.0]);
        assert_eq!(two.remark().unwrap(), "label -1 for 0, +1 for 1");
        let ten = classes(&[10.0, 9.0, 2.0]).unwrap();
        assert_eq!(labels(&ten, &[9.0, 10.0]), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(ten.remark().unwrap(), "labels one-hot in the order 2, 9, 10");
    }

    #[test]
    fn signs_are_classes_as_they_are() {
        for values in [&[1.0, -1.0][..], &[1.0], &[-1.0]] {
            let signs = classes(values).unwrap();
            assert_eq!((signs.outputs(), labels(&signs, values)), (1, values.to_vec()));
            assert_eq!(signs.remark(), None);
        }
    }

    #[test]
    fn what_are_not_classes_is_refused_with_both_ways_to_go_on() {
        let ways = "expected texts, whole numbers, or true and false, of at least two kinds; labels = \"numbers\" takes \
                    numbers as they are";
        assert_eq!(classes(&[0.5, 1.0]).unwrap_err().to_string(), format!("y has 0.5, not a class; {ways}"));
        assert_eq!(classes(&[3.0]).unwrap_err().to_string(), format!("y has one value only, 3; {ways}"));
    }
}
