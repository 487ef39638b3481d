//! In what two experiments differ.

/// The first setting in which the texts of two experiments differ, apart from some of their `parts`.
pub(crate) fn first_difference(parts: &[&str], here: &str, there: &str) -> Option<String> {
    let table = |text: &str| {
        let mut table: toml::Table = text.parse().unwrap_or_default();
        table.retain(|part, _| !parts.contains(&part));
        table
    };
    differ("", &toml::Value::Table(table(here)), &toml::Value::Table(table(there)))
}

fn differ(path: &str, here: &toml::Value, there: &toml::Value) -> Option<String> {
    use toml::Value::{Array, Table};
    let child = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let missing = |key: &str, which: &str| Some(format!("{} is set {which} only", child(key)));
    match (here, there) {
        (Table(here), Table(there)) => {
            for (key, value) in here {
                let Some(other) = there.get(key) else { return missing(key, "here") };
                if let Some(found) = differ(&child(key), value, other) {
                    return Some(found);
                }
            }
            there.keys().find(|key| !here.contains_key(*key)).and_then(|key| missing(key, "there"))
        }
        (Array(a), Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(k, (a, b))| differ(&child(&k.to_string()), a, b))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{path} is {b} there and {a} here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_are_the_same_whatever_their_ensembles() {
        let text = "name = \"a\"\n[dynamics]\nsteps = 10\n[[noise]]\nstd = 1.0\n[ensemble]\nreplicas = 3\n";
        assert_eq!(
            first_difference(&["ensemble", "name"], text, &text.replace('3', "4").replace("\"a\"", "\"b\"")),
            None
        );
        assert_eq!(
            first_difference(&["ensemble", "name"], text, &text.replace("10", "20")).unwrap(),
            "dynamics.steps is 20 there and 10 here"
        );
        assert_eq!(
            first_difference(&["ensemble", "name"], text, &text.replace("1.0", "2.0")).unwrap(),
            "noise.0.std is 2.0 there and 1.0 here"
        );
        assert_eq!(
            first_difference(
                &["ensemble", "name"],
                text,
                &format!("{text}\n[grid]\n\"noise.0.std\" = [1]\n")
            )
            .unwrap(),
            "grid is set there only"
        );
    }
}
