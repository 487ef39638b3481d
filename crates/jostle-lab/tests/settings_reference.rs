//! The committed reference of the settings is the one that the tables of the code give.

use jostle_lab::experiment::settings_reference;
use std::path::Path;

/// Set by `cargo xtask reference`: write the page instead of comparing it.
const WRITE: &str = "JOSTLE_WRITE_REFERENCE";

#[test]
fn the_committed_reference_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/settings.md");
    let page = settings_reference();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let first = committed.lines().zip(page.lines()).position(|(a, b)| a != b);
    let line = first.unwrap_or(committed.lines().count().min(page.lines().count())) + 1;
    assert!(
        committed == page,
        "docs/reference/settings.md differs from the tables of the code at line {line}; write it anew with \
         `cargo xtask reference`"
    );
}
