//! How messages show names and shapes.

/// A shape as NumPy prints it: `(40, 100)`, `(40,)`.
pub(super) fn show_shape(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        many => format!("({})", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// The name that was probably meant: equal but for case, or at most a third of its letters away.
fn nearest<'a>(name: &str, present: &'a [String]) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let distance = |candidate: &&'a String| strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
    // The distance takes quadratic time, and names in foreign files may be of any length.
    let comparable = present.iter().filter(|candidate| candidate.len() <= 100 && name.len() <= 100);
    let best = comparable.min_by_key(distance)?;
    (distance(&best) <= name.chars().count().div_ceil(3)).then_some(best.as_str())
}

pub(super) fn suggestion(name: &str, present: &[String]) -> String {
    nearest(name, present).map_or_else(String::new, |near| format!("; did you mean {near:?}?"))
}

pub(super) fn quoted(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{name:?}")).collect()
}

/// What distinguishes tensors from those of a network.
pub(super) fn tensors(missing: &[String], unknown: &[String]) -> String {
    match (missing, unknown) {
        (missing, []) => format!("lacks {}", quoted_some(missing)),
        ([], unknown) => format!("also holds {}", quoted_some(unknown)),
        _ => format!("lacks {}, and also holds {}", quoted_some(missing), quoted_some(unknown)),
    }
}

/// The first few of some names, and how many more there are.
pub(super) fn quoted_some(names: &[String]) -> String {
    listed(names, 6, |name| quote(name))
}

pub(super) fn either(names: &[&str]) -> String {
    quoted(names).join(" or ")
}

/// What was probably meant by the first of several names that has something near.
pub(super) fn suggestions(names: &[&str], present: &[String]) -> String {
    names.iter().map(|name| suggestion(name, present)).find(|text| !text.is_empty()).unwrap_or_default()
}

pub(super) fn leave_out(column: Option<&str>) -> String {
    column.map_or_else(String::new, |name| format!(", or the column with drop = [{name:?}]"))
}

/// The first of a list of names, and how many more there are.
pub fn show_names(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let plain = |name: &String| !name.is_empty() && !name.contains([',', ';', '"']) && name.trim() == name;
    let show = |name: &String| shorten(&if plain(name) { one_line(name) } else { format!("{name:?}") });
    // One more name takes no more room than saying that there is one.
    let shown = if names.len() == SHOWN + 1 { names.len() } else { SHOWN };
    let first = names.iter().take(shown).map(show).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(shown) {
        0 => first,
        more => format!("{first}, ... and {more} more"),
    }
}

pub(super) fn list(names: &[String]) -> String {
    listed(names, 20, |name| if name.is_empty() { "\"\"".to_owned() } else { shorten(&one_line(name)) })
}

/// The first names, and how many more there are.
fn listed(names: &[String], most: usize, shown: impl Fn(&String) -> String) -> String {
    let first = names.iter().take(most).map(shown).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        _ if names.is_empty() => "none".to_string(),
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

pub(super) fn extension(found: Option<&str>) -> String {
    found.map_or_else(
        || "no extension".to_string(),
        |found| format!("the extension {}", quote(&format!(".{found}"))),
    )
}

pub(super) fn quote(text: &str) -> String {
    format!("{:?}", shorten(text))
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_string();
    }
    text.chars().take(LONGEST).chain("...".chars()).collect()
}

pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
