//! Errors name the nearest valid spelling, and stay on one line.

use super::super::{Item, StorageError};
use std::path::Path;

fn message(name: &str, present: &[&str]) -> String {
    StorageError::missing(Item::Column, name, present.iter().map(ToString::to_string).collect()).to_string()
}

#[test]
fn a_misspelt_name_is_answered_with_the_nearest() {
    let text = message("distance_to_laso", &["active", "distance_to_lasso", "step"]);
    assert_eq!(
        text,
        "has no column \"distance_to_laso\"; did you mean \"distance_to_lasso\"?; present: active, distance_to_lasso, step"
    );
    assert!(message("x", &["X"]).contains("did you mean \"X\""));
}

#[test]
fn an_unrelated_name_is_not_suggested() {
    assert!(!message("y", &["temperature"]).contains("did you mean"));
    assert!(message("y", &[]).ends_with("present: none"));
}

#[test]
fn long_lists_are_cut() {
    let many: Vec<String> = (0..1000).map(|i| format!("c{i}")).collect();
    let text = StorageError::missing(Item::Array, "other", many).to_string();
    assert!(text.ends_with("c19 and 980 more"), "{text}");
}

#[test]
fn the_file_is_named_once_and_line_breaks_do_not_pass() {
    let error = StorageError::NotANumber {
        place: "line 5".into(),
        found: "a\nb".into(),
        hint: "expected numbers".into(),
    };
    let text = error.in_file(Path::new("bad\nname.csv")).in_file(Path::new("outer")).to_string();
    assert_eq!(text, "bad name.csv: line 5: \"a\\nb\" is not a number; expected numbers");
}
