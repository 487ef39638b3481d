//! Sizes, lists and texts beyond all reason are refused in a line.

use crate::lab::{Lab, small};

/// Twenty of the digits that are a part of jostle.
fn of_digits(model: &str) -> String {
    format!(
        "[problem]\nkind = \"images\"\nsamples = 20\n[model]\n{model}\n[dynamics]\nkind = \"gradient-descent\"\nsteps = 1\n\
         learning_rate = 0.01\n"
    )
}

#[test]
fn models_are_counted_before_they_are_made() {
    for size in ["1_000_000_000_000", "1_000_000_000_000_000_000"] {
        for model in [
            "kind = \"mlp\"\nwidths = [4_000_000_000, 4_000_000_000, 4_000_000_000]".to_owned(),
            "kind = \"cnn\"\nchannels = [4_000_000_000, 4_000_000_000]".to_owned(),
            format!("kind = \"two-layer\"\nwidth = {size}"),
            format!("kind = \"linear-network\"\ndepth = 3\nwidth = {size}"),
            format!("kind = \"linear-network\"\ndepth = {size}\nwidth = 3"),
        ] {
            let line = Lab::with(&of_digits(&model)).refuses(&["check", "x.toml"]);
            assert!(
                line.starts_with("the model \"") && line.contains(" parameters needs "),
                "{model}: {line}"
            );
            assert!(line.ends_with(" of memory are free; reduce its sizes in [model]"), "{model}: {line}");
        }
        let features = of_digits(&format!("kind = \"random-features\"\nwidth = {size}"));
        let line = Lab::with(&features).refuses(&["check", "x.toml"]);
        assert!(
            line.starts_with(&format!("the model \"random-features\" with {}", size.replace('_', ""))),
            "{line}"
        );
        assert!(line.ends_with("reduce model.width"), "{line}");
    }
    let sensing = "[problem]\nkind = \"matrix-sensing\"\nsamples = 12\nside = 3\nrank = 1\nsymmetric = true\n[model]\n\
                   kind = \"matrix\"\nrank = 1_000_000_000_000_000_000\n[dynamics]\nkind = \"gradient-descent\"\nsteps = 1\n\
                   learning_rate = 0.01\n";
    let line = Lab::with(sensing).refuses(&["check", "x.toml"]);
    assert!(
        line.starts_with("the model \"matrix\" with 3000000000000000000 parameters needs 20.8 EiB"),
        "{line}"
    );
}

#[test]
fn more_images_than_there_are_are_refused() {
    let text =
        of_digits("kind = \"mlp\"").replace("samples = 20", "samples = 4294967296\nsubset = \"random\"");
    let line = Lab::with(&text).refuses(&["check", "x.toml"]);
    assert!(line.starts_with("x.toml:3:11: problem.samples is 4294967296"), "{line}");
}

#[test]
fn more_threads_than_make_sense_are_refused() {
    let lab = Lab::with(&small(&[]));
    for command in ["run", "check"] {
        let line = lab.refuses(&[command, "x.toml", "--threads", "65535"]);
        assert!(line.starts_with("65535 threads are asked for; expected at most "), "{line}");
    }
}

#[test]
fn messages_leave_out_the_middle_of_what_is_long() {
    let long = "k".repeat(100_000);
    for (passage, replacement) in [
        ("kind = \"quadratic\"", format!("kind = \"{long}\"")),
        ("init = 0.5", format!("init = \"{long}\"")),
        ("init = 0.5", format!("{long} = 1")),
        ("replicas = 3", format!("replicas = 3\n[grid]\n\"{long}\" = [1]")),
        ("replicas = 3", format!("replicas = 3\n[grid]\n\"model.{long}\" = [1]")),
        ("[model]", format!("[{long}]\n[model]")),
        ("name = \"small\"", format!("name = \"{long}\"")),
        ("at = { every = 20 }", format!("at = {{ every = 20 }}\nquantities = [\"{long}\"]")),
    ] {
        let line = Lab::with(&small(&[(passage, &replacement)])).refuses(&["check", "x.toml"]);
        assert!(line.len() < 3000, "{} bytes: {}", line.len(), &line[..200]);
    }
    let line = Lab::with(&small(&[])).refuses(&["check", "x.toml", "--set", &format!("{long}=1")]);
    assert!(line.len() < 3000, "{} bytes", line.len());
}

#[test]
fn the_last_of_a_long_list_is_found_in_its_column() {
    let list = "0.5, ".repeat(20_000);
    let line =
        Lab::with(&small(&[("init = 0.5", &format!("init = [{list}\"x\"]"))])).refuses(&["check", "x.toml"]);
    assert!(line.starts_with("x.toml:12:8: model.init is [0.5, 0.5"), "{line}");
    let line =
        Lab::with(&small(&[("init = 0.5", &format!("init = [{list}1e999]"))])).refuses(&["check", "x.toml"]);
    assert!(line.starts_with("x.toml:12:100009: model.init"), "{line}");
}
