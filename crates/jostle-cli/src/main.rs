//! jostle-cli
fn main() {}
