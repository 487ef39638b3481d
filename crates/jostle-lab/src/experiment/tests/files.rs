//! Files on disk, and where errors that only a build finds are placed.

use std::fs;

use jostle::InputError;
use jostle::setting::SettingError;

use super::*;

#[test]
fn a_file_that_cannot_be_read_is_answered_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let refusal = |name: &str| {
        let message = Experiment::read(&at(name), &Overrides::default()).unwrap_err().to_string();
        message.replace(&*at("").to_string_lossy(), "")
    };
    assert_eq!(refusal("absent.toml"), "absent.toml: there is no such file");
    fs::create_dir(at("folder.toml")).unwrap();
    assert_eq!(refusal("folder.toml"), "folder.toml: is a folder; expected an experiment file");
    fs::write(at("binary.toml"), b"name = \"\xff\"").unwrap();
    assert_eq!(refusal("binary.toml"), "binary.toml: is not a text file (byte 8 is not UTF-8)");
    fs::write(at("empty.toml"), "").unwrap();
    assert_eq!(
        refusal("empty.toml"),
        "empty.toml: problem is missing; expected a table [problem] with kind = \"sparse-regression\", \"gaussian\", \
         \"teacher\", \"matrix-sensing\", \"file\" or \"images\""
    );
}

#[test]
fn the_name_defaults_to_the_file_and_data_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my sweep.v2.toml");
    let text = BASE.replacen("name = \"label-noise\"", "", 1).replacen(
        "kind = \"sparse-regression\"\nsamples = 40\ndim = 100\nsparsity = 5",
        "kind = \"file\"\npath = \"data/a \\\"b\\\".npz\"",
        1,
    );
    fs::write(&path, text).unwrap();
    let experiment = Experiment::read(&path, &Overrides::default()).unwrap();
    assert_eq!(experiment.name, "my sweep.v2");
    let data = folder.path().join("data/a \"b\".npz");
    assert_eq!(Path::new(experiment.cells[0].problem.settings.text("path")), data);

    let elsewhere = Experiment::from_text(
        &experiment.to_toml_string(),
        "runs/a/experiment.toml",
        Path::new("/b"),
        &Overrides::default(),
    );
    assert_eq!(elsewhere.unwrap().cells, experiment.cells);
}

#[test]
fn line_endings_and_a_byte_order_mark_do_not_matter() {
    let windows = format!("\u{feff}{}", BASE.replace('\n', "\r\n"));
    let (a, b) = (read(BASE, &Overrides::default()).unwrap(), read(&windows, &Overrides::default()).unwrap());
    assert_eq!(a.cells, b.cells);
    let wrong = windows.replace("dim = 100", "dim = 0");
    assert_eq!(
        refusal(&wrong, &Overrides::default()),
        "x.toml:6:7: problem.dim is 0; expected a whole number, at least 1"
    );
}

#[test]
fn columns_count_characters() {
    let text =
        format!("{BASE}[grid]\n\"éé\" = [1]\n").replace("dim = 100", "seed = 1 # é\ndim = { \"é\" = 1 }");
    assert_eq!(
        refusal(&text, &Overrides::default()),
        "x.toml:29:1: [grid] \"éé\": \"éé\" cannot be set; expected \"problem\", \"model\", \"start\", \"dynamics\", \"noise\", \
         \"observe\", \"ensemble\", \"name\" or \"grid\""
    );
}

#[test]
fn errors_of_a_build_are_placed_where_the_setting_was_written() {
    let text =
        format!("{BASE}\n[grid]\n\"problem.sparsity\" = [2, 500]\n[scale.quick]\n\"problem.dim\" = 9\n");
    let overrides = Overrides {
        scale: Some("quick".to_string()),
        seed: Some(3),
        ..with_set(&["model.init=2", "observe.at.log=9"])
    };
    let experiment = read(&text, &overrides).unwrap();
    for (key, place) in [
        ("problem.samples", "x.toml:5:11"),
        ("noise.0.std", "x.toml:19:7"),
        ("problem.sparsity", "x.toml:29:1: [grid] \"problem.sparsity\""),
        ("problem.dim", "x.toml:31:1: [scale.quick] \"problem.dim\""),
        ("model.init", "--set model.init"),
        ("observe.at", "--set observe.at.log"),
        ("ensemble.seed", "--seed"),
        ("dynamics.momentum", "x.toml"),
        ("noise.7.std", "x.toml"),
    ] {
        assert_eq!(experiment.locate(key), place, "{key}");
    }
    let explain = |cell, section: &str, name| {
        let source = SettingError::new(name, "is bad");
        experiment.explain(cell, &InputError::Setting { section: section.to_string(), source }).to_string()
    };
    assert_eq!(explain(1, "problem", "sparsity"), "x.toml:29:1: [grid] \"problem.sparsity\"[1] is bad");
    assert_eq!(
        explain(0, "problem", "dim"),
        "x.toml:31:1: [scale.quick] \"problem.dim\" is bad (cell 0: problem.sparsity = 2)"
    );
    assert_eq!(
        explain(0, "model", "init"),
        "--set model.init: model.init is bad (cell 0: problem.sparsity = 2)"
    );
    assert_eq!(
        explain(1, "noise.0", "std"),
        "x.toml:19:7: noise.0.std is bad (cell 1: problem.sparsity = 500)"
    );
    assert_eq!(
        explain(0, "dynamics", "momentum"),
        "x.toml:12:2: dynamics.momentum is bad (cell 0: problem.sparsity = 2)"
    );
    let empty = InputError::Empty { samples: 0, dim: 0 };
    assert_eq!(
        experiment.explain(0, &empty).to_string(),
        format!("x.toml: {empty} (cell 0: problem.sparsity = 2)")
    );
}
