//! What takes the place of what: the file, its scales, and the options of the command line.

use super::*;

const SCALED: &str = "
[scale.quick]
\"ensemble.replicas\" = 8
\"dynamics.steps\" = 1e3
\"observe.at\" = { every = 10 }

[scale.standard.ensemble]
replicas = 12
";

fn replicas(text: &str, overrides: &Overrides) -> u64 {
    read(text, overrides).unwrap().cells[0].ensemble.integer("replicas")
}

fn scaled(scale: &str, overrides: Overrides) -> Overrides {
    Overrides { scale: Some(scale.to_string()), ..overrides }
}

#[test]
fn options_win_over_scales_and_scales_over_the_file() {
    let text = format!("{BASE}{SCALED}");
    assert_eq!(replicas(&text, &Overrides::default()), 16);
    assert_eq!(replicas(&text, &scaled("paper", Overrides::default())), 16);
    assert_eq!(replicas(&text, &scaled("quick", Overrides::default())), 8);
    assert_eq!(replicas(&text, &scaled("standard", Overrides::default())), 12);
    assert_eq!(
        replicas(&text, &scaled("quick", with_set(&["ensemble.replicas=3", "ensemble.replicas=4"]))),
        4
    );
    let option = Overrides { replicas: Some(5), ..with_set(&["ensemble.replicas=4"]) };
    assert_eq!(replicas(&text, &scaled("quick", option)), 5);
}

#[test]
fn a_scale_replaces_whole_values_and_is_gone_from_the_resolved_file() {
    let experiment = read(&format!("{BASE}{SCALED}"), &scaled("quick", Overrides::default())).unwrap();
    let cell = &experiment.cells[0];
    assert_eq!(cell.observe.recording("at"), jostle::ensemble::Recording::Every(10));
    assert_eq!(cell.dynamics.settings.integer("steps"), 1000);
    assert!(!experiment.to_toml_string().contains("scale"));
}

#[test]
fn a_scale_may_replace_lists_of_the_grid() {
    let text = format!(
        "{BASE}[grid]\n\"noise.0.std\" = [0.5, 1.0, 2.0]\n\"model.init\" = [1, 2]\n\
         [scale.quick]\n\"grid.noise.0.std\" = [1.0]\n[scale.standard]\n'grid.\"model.init\"' = [5]"
    );
    let cells = |scale: Option<&str>| {
        let overrides = Overrides { scale: scale.map(str::to_string), ..Overrides::default() };
        read(&text, &overrides).unwrap().cells.len()
    };
    assert_eq!([cells(None), cells(Some("quick")), cells(Some("standard"))], [6, 2, 3]);
}

#[test]
fn a_scale_that_is_not_used_is_checked_too() {
    let with_scale = |scale: &str| refusal(&format!("{BASE}[scale.quick]\n{scale}"), &Overrides::default());
    assert_eq!(
        with_scale("\"ensemble.replicas\" = 0"),
        "x.toml:28:1: [scale.quick] \"ensemble.replicas\" is 0; expected a whole number, at least 1"
    );
    assert_eq!(
        with_scale("\"ensemble.replica\" = 1"),
        "x.toml:28:1: [scale.quick] \"ensemble.replica\" is not a setting of \"ensemble\"; did you mean \"replicas\"?"
    );
    assert_eq!(
        with_scale("\"ensembl.replicas\" = 1"),
        "x.toml:28:1: [scale.quick] \"ensembl.replicas\": ensembl cannot be set; did you mean \"ensemble\"?"
    );
    assert_eq!(
        with_scale("\"noise.2.std\" = 1"),
        "x.toml:28:1: [scale.quick] \"noise.2.std\": noise.2 is beyond the list; there is only noise.0"
    );
    assert_eq!(
        with_scale("\"grid.noise.0.std\" = [1, -1]"),
        "x.toml:28:1: [scale.quick] \"grid.noise.0.std\"[1] is -1; expected a number, at least 0"
    );
}

#[test]
fn an_unknown_scale_is_answered_with_those_of_the_file() {
    let text = format!("{BASE}{SCALED}");
    assert_eq!(
        refusal(&text, &scaled("qick", Overrides::default())),
        "--scale qick: x.toml has no table [scale.qick]; did you mean \"quick\"?"
    );
    assert_eq!(
        refusal(BASE, &scaled("quick", Overrides::default())),
        "--scale quick: x.toml has no table [scale.quick]; expected \"paper\""
    );
}

#[test]
fn assignments_are_toml_or_bare_words() {
    let overrides = with_set(&[
        "noise.0.std=0.5",
        "dynamics.batch=full",
        "dynamics.learning_rate={ initial = 0.1, drops = [[100, 0.5]] }",
        "dynamics.steps = 1.2e6",
        "model.init=[1, 2]",
        "observe.quantities=[\"active\"]",
        "name=other name",
        "problem.data_per_replica=true",
        "problem.design='rademacher'",
    ]);
    let experiment = read(BASE, &overrides).unwrap();
    let cell = &experiment.cells[0];
    assert_eq!(experiment.name, "other name");
    assert_eq!(cell.noises[0].settings.number("std"), 0.5);
    assert_eq!(cell.dynamics.settings.count_or("batch"), None);
    let rate = cell.dynamics.settings.table("learning_rate");
    assert_eq!(rate.settings().pairs("drops"), [(100, 0.5)]);
    assert_eq!(cell.dynamics.settings.integer("steps"), 1_200_000);
    assert_eq!(cell.model.settings.numbers("init"), [1.0, 2.0]);
    assert_eq!(cell.observe.names("quantities"), ["active"]);
    assert!(cell.problem.settings.flag("data_per_replica"));
    assert_eq!(cell.problem.settings.text("design"), "rademacher");
}

#[test]
fn one_part_of_a_value_can_be_assigned() {
    let text = BASE.replacen("0.01", "{ initial = 0.01, drops = [[100, 0.5]] }", 1);
    let overrides = with_set(&["dynamics.learning_rate.initial=0.2", "observe.at.log=50"]);
    let cell = &read(&text, &overrides).unwrap().cells[0];
    assert_eq!(
        cell.dynamics.settings.table("learning_rate").to_string(),
        "{ initial = 0.2, drops = [[100, 0.5]] }"
    );
    assert_eq!(cell.observe.recording("at"), jostle::ensemble::Recording::Log(50));
}

#[test]
fn a_schedule_has_settings_with_defaults_and_parts_that_can_be_assigned() {
    let text = BASE.replacen("0.01", "{ kind = \"cosine\", initial = 0.01, steps = 100 }", 1);
    let overrides = with_set(&["dynamics.learning_rate.initial=0.2", "dynamics.learning_rate.steps = 5e3"]);
    let experiment = read(&text, &overrides).unwrap();
    let written = "learning_rate = { kind = \"cosine\", initial = 0.2, final = 0.0, steps = 5000 }";
    assert!(experiment.to_toml_string().contains(written));
    let again = read(&experiment.to_toml_string(), &Overrides::default()).unwrap();
    assert_eq!(again.cells, experiment.cells);
}

#[test]
fn tables_that_are_missing_are_made_and_noises_can_be_added_and_removed() {
    let bare = BASE.split("[[noise]]").next().unwrap();
    let overrides =
        with_set(&["ensemble.seed=3", "noise.0.kind=label", "noise.1.kind=isotropic", "noise.1.std=2"]);
    let cell = &read(bare, &overrides).unwrap().cells[0];
    assert_eq!(cell.ensemble.integer("seed"), 3);
    assert_eq!(cell.noises.iter().map(|noise| noise.kind).collect::<Vec<_>>(), ["label", "isotropic"]);
    assert!(read(BASE, &with_set(&["noise=[]"])).unwrap().cells[0].noises.is_empty());
    let kind = with_set(&["problem={ kind = \"file\", path = \"a.npz\" }"]);
    assert_eq!(read(BASE, &kind).unwrap().cells[0].problem.settings.text("path"), "/lab/a.npz");
}

#[test]
fn a_wrong_assignment_is_answered_by_its_key() {
    for (argument, expected) in [
        (
            "problem.sampels=3",
            "--set problem.sampels: problem.sampels is not a setting of \"sparse-regression\"; did you mean \"samples\"?",
        ),
        (
            "problem.samples=abc",
            "--set problem.samples: problem.samples is \"abc\"; expected a whole number, at least 1",
        ),
        (
            "problem.samples",
            "--set: \"problem.samples\" has no value; expected key=value, as in noise.0.std=0.5",
        ),
        ("modle.init=1", "--set modle.init: modle cannot be set; did you mean \"model\"?"),
        ("noise.3.std=1", "--set noise.3.std: noise.3 is beyond the list; there is only noise.0"),
        ("noise.1.std=1", "--set noise.1.std: noise.1 is beyond the list; there is only noise.0"),
        (
            "noise.std=1",
            "--set noise.std: noise.std names no entry of the list; expected a position, as in noise.0.std",
        ),
        ("noise=3", "--set noise: noise is 3; expected a list of tables [[noise]]"),
        (
            "noise=[{std=1}]",
            "--set noise: noise.0.kind is missing; expected \"label\", \"mini-batch-difference\", \"label-flip\", \"output-gradient\", \"isotropic\" or \
             \"covariance\"",
        ),
        ("problem.kind=fil", "--set problem.kind: problem.kind is \"fil\"; did you mean \"file\"?"),
        (
            "dynamics.learning_rate.initial=-1",
            "--set dynamics.learning_rate.initial: dynamics.learning_rate.initial is -1; expected a number above 0",
        ),
        (
            "observe.at.every=50",
            "--set observe.at.every: observe.at is { log = 200, every = 50 }; expected { log = 200 } or { every = 1000 }",
        ),
        (
            "problem.samples.x=3",
            "--set problem.samples.x: problem.samples is { x = 3 }; expected a whole number, at least 1",
        ),
        (
            "dynamics.steps=99999999999999999999",
            "--set dynamics.steps: dynamics.steps is 99999999999999999999; expected a whole number below 2^63",
        ),
        ("problem.samples.x.y.z=3", "--set problem.samples.x.y.z: problem.samples.x has no parts"),
        ("noise.0.std.x.y=3", "--set noise.0.std.x.y: noise.0.std.x has no parts"),
        ("grid=3", "--set grid: grid is 3; expected a table [grid]"),
    ] {
        assert_eq!(refusal(BASE, &with_set(&[argument])), expected, "{argument}");
    }
    let bare = BASE.split("[[noise]]").next().unwrap();
    assert_eq!(
        refusal(bare, &with_set(&["noise.0.std=1"])),
        "--set noise.0.std: noise.0 is beyond the list; there is no noise"
    );
    let large = Overrides { seed: Some(u64::MAX), ..Overrides::default() };
    assert_eq!(
        refusal(BASE, &large),
        "--seed: ensemble.seed is 18446744073709551615; expected a whole number below 2^63"
    );
    let none = Overrides { replicas: Some(0), ..Overrides::default() };
    assert_eq!(
        refusal(BASE, &none),
        "--replicas: ensemble.replicas is 0; expected a whole number, at least 1"
    );
}
