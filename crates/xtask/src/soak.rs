//! `cargo xtask soak MINUTES [--seed S]`: random experiments, checked for as long as one likes.

use crate::stage::Stage;
use crate::tally::Tally;
use crate::tools::{cargo, counted};

/// Tells the test how long to go on, and which seed is the first.
const MINUTES: &str = "JOSTLE_SOAK_MINUTES";
const SEED: &str = "JOSTLE_SOAK_SEED";

/// The stages for the options of the chore.
pub(crate) fn stages(options: &[&str]) -> Result<Vec<Stage>, String> {
    let (minutes, seed) = read(options)?;
    let work = move || {
        let mut command = cargo(&["test", "--quiet", "--package", "jostle-cli", "--test", "soak", "--"]);
        command.args(["--ignored", "--nocapture"]);
        command.env(MINUTES, minutes.to_string()).env(SEED, seed.to_string());
        counted(&mut command, Tally::of_cargo_test)
    };
    Ok(vec![Stage::new("soak", work)])
}

/// The minutes and the first seed.
fn read(options: &[&str]) -> Result<(u64, u64), String> {
    let number = |text: &str, what: &str| {
        text.parse().map_err(|_| format!("{what} is {text:?}; expected a whole number"))
    };
    match options {
        [minutes] => Ok((number(minutes, "MINUTES")?, 1)),
        [minutes, "--seed", seed] => Ok((number(minutes, "MINUTES")?, number(seed, "--seed")?)),
        _ => Err("expected soak MINUTES [--seed S]".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_and_the_seed_are_whole_numbers() {
        assert_eq!(read(&["10"]), Ok((10, 1)));
        assert_eq!(read(&["1", "--seed", "77"]), Ok((1, 77)));
        assert_eq!(read(&["ten"]), Err("MINUTES is \"ten\"; expected a whole number".to_owned()));
        assert_eq!(read(&["1", "--seed", "-1"]), Err("--seed is \"-1\"; expected a whole number".to_owned()));
        assert!(read(&[]).is_err() && read(&["1", "2"]).is_err());
    }
}
