//! Which columns of a table are what: chosen by their names, then by what is in them.

use super::cells::{Cells, Want};
use super::classes::{Classes, Key};
use super::facts::Facts;
use super::{DropLevel, Reading, position};
use crate::StorageError;
use crate::error::{Item, check_unique};
use crate::names::show_names;

/// Most levels that a column of text may have.
const MOST_LEVELS: usize = 50;

/// What a column is, as far as names say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// It is left out as asked.
    Unused,
    /// The file says that it is a row index, and nobody asks for it.
    Index,
    /// It has no name, so that it may be a row index.
    Nameless,
    /// The labels.
    Target,
    /// The weights of the samples.
    Weight,
    /// A feature.
    Feature,
    /// A feature whose values are names of levels.
    Categorical,
}

/// What a column is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Role {
    /// It is left out.
    Unused,
    /// Labels that are numbers.
    Labels,
    /// Labels that are classes.
    Classes(Classes),
    /// The weights of the samples.
    Weight,
    /// A feature of numbers, or of flags as 0 and 1.
    Numbers,
    /// An indicator for each of these levels.
    Levels {
        /// The levels, in sorted order; the first has none if it is `dropped`.
        levels: Vec<Key>,
        /// Whether the first has none.
        dropped: bool,
        /// Whether they are read as texts, whatever they look like.
        as_texts: bool,
    },
}

impl Role {
    /// How many features it makes.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Numbers => 1,
            Self::Levels { levels, dropped, .. } => levels.len() - usize::from(*dropped),
            _ => 0,
        }
    }

    /// What is wanted of the column.
    pub(super) fn want(&self) -> Want {
        match self {
            Self::Unused => Want::Skip,
            Self::Levels { as_texts: true, .. } => Want::Texts,
            _ => Want::Values,
        }
    }

    /// The names of its features.
    pub(super) fn names(&self, column: &str) -> Vec<String> {
        match self {
            Self::Numbers => vec![column.to_owned()],
            Self::Levels { levels, dropped, .. } => {
                levels.iter().skip(usize::from(*dropped)).map(|level| format!("{column}={level}")).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Names as pandas writes them for what has none: nothing, or `Unnamed: 0` once that has been read and written again.
fn is_nameless(name: &str) -> bool {
    let rest = name.strip_prefix("Unnamed: ");
    name.is_empty()
        || rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// Names of pandas for the levels of an index without names.
fn is_level_of_index(name: &str) -> bool {
    let level = name.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__"));
    level.is_some_and(|level| !level.is_empty() && level.chars().all(|c| c.is_ascii_digit()))
}

/// Chooses columns by their names; and the columns that are features, in the order in which they become features.
///
/// # Errors
/// Names that are not there, or asked for as two things.
pub(super) fn choose(
    table: &dyn Cells,
    reading: &Reading,
) -> Result<(Vec<Choice>, Vec<usize>), StorageError> {
    let names = table.names();
    check_unique(Item::Column, names.iter().map(String::as_str))?;
    let target = reading.target.as_deref();
    let target = target.ok_or_else(|| StorageError::TargetMissing { present: names.to_vec() })?;
    let target = position(names, target)?;
    let weight = reading.sample_weight.as_deref().map(|name| position(names, name)).transpose()?;
    let column = |name: &str, setting: &str| {
        let at = position(names, name)?;
        let is = match at {
            at if at == target => "the target",
            at if Some(at) == weight => "the weights of the samples",
            _ => return Ok(at),
        };
        let problem = format!("is {is}, and cannot be in {setting} as well");
        Err(StorageError::Column { name: name.to_owned(), problem })
    };
    if weight == Some(target) {
        let problem = "is the target, and cannot be sample_weight as well".to_owned();
        return Err(StorageError::Column { name: names[target].clone(), problem });
    }
    let mut choices: Vec<Choice> = names
        .iter()
        .map(|name| match name {
            name if table.index_columns().contains(name) || is_level_of_index(name) => Choice::Index,
            name if is_nameless(name) => Choice::Nameless,
            _ => Choice::Feature,
        })
        .collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    if !reading.columns.is_empty() {
        check_unique(Item::Column, reading.columns.iter().map(String::as_str))?;
        order = reading.columns.iter().map(|name| column(name, "columns")).collect::<Result<_, _>>()?;
        choices = vec![Choice::Unused; names.len()];
        for at in &order {
            choices[*at] = Choice::Feature;
        }
    }
    for name in &reading.drop {
        choices[column(name, "drop")?] = Choice::Unused;
    }
    for name in &reading.categorical {
        let at = column(name, "categorical")?;
        if choices[at] == Choice::Unused {
            let problem = "is in categorical, but is left out".to_owned();
            return Err(StorageError::Column { name: name.clone(), problem });
        }
        choices[at] = Choice::Categorical;
    }
    choices[target] = Choice::Target;
    if let Some(weight) = weight {
        choices[weight] = Choice::Weight;
    }
    order.retain(|at| matches!(choices[*at], Choice::Feature | Choice::Categorical | Choice::Nameless));
    if order.is_empty() {
        return Err(StorageError::Empty { what: "features: no column besides the target" });
    }
    Ok((choices, order))
}

impl Choice {
    /// What has to be known of the cells of such a column, and how they are to be read for that.
    pub(super) fn facts(self, reading: &Reading) -> (Facts, Want) {
        match self {
            Self::Unused | Self::Index => (Facts::default(), Want::Skip),
            Self::Target if reading.is_classes => (Facts::of_classes(), Want::Values),
            Self::Nameless => (Facts::of_index(), Want::Values),
            Self::Categorical => (Facts::default(), Want::Texts),
            Self::Target | Self::Weight | Self::Feature => (Facts::default(), Want::Values),
        }
    }
}

/// What column number `at` is, and what should be said of it.
///
/// # Errors
/// Cells that are missing or no numbers, too many levels, labels that are not classes.
pub(super) fn role(
    table: &dyn Cells,
    at: usize,
    choice: Choice,
    facts: &Facts,
    rows: usize,
    reading: &Reading,
) -> Result<(Role, Option<String>), StorageError> {
    let name = &table.names()[at];
    let shown = show_names(std::slice::from_ref(name));
    match choice {
        Choice::Unused => return Ok((Role::Unused, None)),
        Choice::Index => {
            let said =
                format!("column {shown} left out as the row index of pandas (named in columns, it is kept)");
            return Ok((Role::Unused, Some(said)));
        }
        Choice::Nameless if rows > 0 && facts.missing == rows => {
            let said = format!("column {} left out, which has neither a name nor values", at + 1);
            return Ok((Role::Unused, Some(said)));
        }
        Choice::Nameless if facts.is_index() => {
            let said = format!(
                "column {} ({shown}) left out as the row index: it has no name, and numbers or names the rows (named in \
                 columns, it is kept)",
                at + 1
            );
            return Ok((Role::Unused, Some(said)));
        }
        Choice::Nameless => {
            let problem = format!(
                "(number {}) has no name, and its values are not those of a row index: name it in the file, leave it out \
                 with drop = [{name:?}], or list it in columns = [...]",
                at + 1
            );
            return Err(StorageError::Column { name: name.clone(), problem });
        }
        _ => (),
    }
    if let Some((spot, found)) = &facts.first_missing {
        let column = matches!(choice, Choice::Feature | Choice::Categorical).then(|| name.clone());
        return Err(StorageError::Missing { place: table.place(*spot, at), found: found.clone(), column });
    }
    match choice {
        Choice::Target if reading.is_classes => {
            if let Some(spot) = facts.first_nan {
                return Err(StorageError::NotFinite { place: table.place(spot, at), found: f64::NAN });
            }
            let classes = Classes::new(facts.keys.iter().cloned(), &format!("column {shown}"))?;
            let said = classes.remark();
            return Ok((Role::Classes(classes), said));
        }
        Choice::Categorical => return levels(name, facts, true, reading),
        _ => (),
    }
    let number_like = facts.first_like_number.is_some();
    // A flag among numbers is a text among numbers.
    let odd = match (&facts.first_text, &facts.first_flag) {
        (None, Some(flag)) if facts.numbers > 0 || facts.first_nan.is_some() => Some(flag),
        (text, _) => text.as_ref(),
    };
    match (choice, odd) {
        (Choice::Feature, Some(_)) if facts.numbers == 0 && facts.first_nan.is_none() && !number_like => {
            if facts.keys.len() == rows && rows > 2 {
                let problem = format!(
                    "has another text in every row, as names of rows have; drop = [{name:?}] leaves it out, and \
                     categorical = [{name:?}] makes an indicator of each"
                );
                return Err(StorageError::Column { name: name.clone(), problem });
            }
            levels(name, facts, false, reading)
        }
        (_, Some((spot, found))) => {
            let (spot, found) = if facts.numbers == 0 {
                facts.first_like_number.as_ref().unwrap_or(&(*spot, found.clone())).clone()
            } else {
                (*spot, found.clone())
            };
            let hint = hint(choice, name, &found, facts, reading);
            Err(StorageError::NotANumber { place: table.place(spot, at), found, hint })
        }
        (Choice::Target, None) => Ok((Role::Labels, None)),
        (Choice::Weight, None) => Ok((Role::Weight, None)),
        (_, None) => Ok((Role::Numbers, None)),
    }
}

/// How to go on where a text is not a number.
fn hint(choice: Choice, name: &str, found: &str, facts: &Facts, reading: &Reading) -> String {
    let (other, point) = if reading.is_decimal_comma { (',', ".") } else { ('.', ",") };
    let turned = found.replacen(point, &other.to_string(), 1).replace(',', ".");
    if found.contains(point) && turned.parse::<f64>().is_ok() {
        return format!("decimal = {point:?} reads it so");
    }
    match choice {
        Choice::Target if facts.numbers == 0 => "labels = \"classes\" takes texts as classes".to_owned(),
        Choice::Target | Choice::Weight => "expected numbers".to_owned(),
        _ => format!(
            "drop = [{name:?}] leaves the column out, and categorical = [{name:?}] takes its values as names of levels"
        ),
    }
}

fn levels(
    name: &str,
    facts: &Facts,
    as_texts: bool,
    reading: &Reading,
) -> Result<(Role, Option<String>), StorageError> {
    let levels: Vec<Key> = facts.keys.iter().cloned().collect();
    let refuse = |problem: String| {
        let problem = format!("{problem}; leave it out with drop = [{name:?}]");
        Err(StorageError::Column { name: name.to_owned(), problem })
    };
    match levels.len() {
        0 => return refuse("has no values".to_owned()),
        1 => return refuse(format!("has one level only, {:?}", levels[0].to_string())),
        many if many > MOST_LEVELS => {
            return refuse(format!(
                "has more than {MOST_LEVELS} levels, which are the most that become indicators"
            ));
        }
        _ => (),
    }
    let dropped = match reading.drop_level {
        DropLevel::IfBinary => levels.len() == 2,
        DropLevel::First => true,
        DropLevel::Never => false,
    };
    let column = show_names(&[name.to_owned()]);
    let shown: Vec<String> = levels.iter().map(ToString::to_string).collect();
    let without = if dropped { format!(", none for {}", show_names(&shown[..1])) } else { String::new() };
    let with = show_names(&shown[usize::from(dropped)..]);
    let said = format!("column {column} as an indicator for {with}{without}");
    Ok((Role::Levels { levels, dropped, as_texts }, Some(said)))
}
