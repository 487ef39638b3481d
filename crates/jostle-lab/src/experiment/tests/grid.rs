//! Cells: their order, their columns, and what a grid may not say.

use super::*;

fn with_grid(grid: &str) -> Experiment {
    read(&format!("{BASE}[grid]\n{grid}"), &Overrides::default()).unwrap()
}

/// The columns of a grid, one line a cell.
fn columns(experiment: &Experiment) -> Vec<String> {
    let line = |cell: &crate::experiment::CheckedCell| {
        let columns: Vec<String> = cell.keys.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
        columns.join(" ").replace("Integer", "").replace("Number", "").replace("Text", "")
    };
    experiment.cells.iter().map(line).collect()
}

#[test]
fn the_last_key_varies_fastest() {
    let experiment = with_grid("\"noise.0.std\" = [0.5, 2]\nmodel.kind = [\"quadratic\", \"hadamard\"]\n");
    assert_eq!(
        columns(&experiment),
        [
            "noise.0.std=(0.5) model.kind=(\"quadratic\")",
            "noise.0.std=(0.5) model.kind=(\"hadamard\")",
            "noise.0.std=(2.0) model.kind=(\"quadratic\")",
            "noise.0.std=(2.0) model.kind=(\"hadamard\")",
        ]
    );
    let cell = &experiment.cells[3];
    assert_eq!((cell.model.kind, cell.noises[0].settings.number("std")), ("hadamard", 2.0));
    assert_eq!(cell.model.settings.integer("depth"), 2);
    assert!(!experiment.cells[2].model.settings.has("depth"));
}

#[test]
fn linked_keys_vary_together_with_a_column_each() {
    let experiment = with_grid("\"dynamics.learning_rate,noise.0.std\" = [[0.01, 1], [3e-3, 5]]\n");
    assert_eq!(
        columns(&experiment),
        [
            "dynamics.learning_rate=(0.01) noise.0.std=(1.0)",
            "dynamics.learning_rate=(0.003) noise.0.std=(5.0)"
        ]
    );
    assert_eq!(experiment.cells[1].dynamics.settings.table("learning_rate").number(), Some(0.003));
}

#[test]
fn a_column_has_one_type() {
    let experiment = with_grid(
        "\"problem.samples\" = [10, 2e1]\n\"dynamics.batch\" = [\"full\", 8]\n\
         \"dynamics.learning_rate\" = [1, { initial = 0.1, drops = [[5, 0.5]] }]\n\"model.init\" = [1, 0.5]\n\
         \"observe.at\" = [{ log = 5 }]\n\"problem.truth_value\" = [[1, 2]]\n\"problem.data_per_replica\" = [true]\n",
    );
    let lines = columns(&experiment);
    assert_eq!(lines.len(), 16);
    assert_eq!(
        lines[0],
        "problem.samples=(10) dynamics.batch=(\"full\") dynamics.learning_rate=(\"1.0\") model.init=(1.0) \
         observe.at=(\"{ log = 5 }\") problem.truth_value=(\"[1.0, 2.0]\") problem.data_per_replica=(\"true\")"
    );
    assert_eq!(
        lines[15],
        "problem.samples=(20) dynamics.batch=(\"8\") \
         dynamics.learning_rate=(\"{ initial = 0.1, drops = [[5, 0.5]] }\") model.init=(0.5) \
         observe.at=(\"{ log = 5 }\") problem.truth_value=(\"[1.0, 2.0]\") problem.data_per_replica=(\"true\")"
    );
}

#[test]
fn one_part_of_a_value_can_vary() {
    let text = BASE.replacen("0.01", "{ initial = 0.01, drops = [[100, 0.5]] }", 1);
    let text =
        format!("{text}[grid]\n\"dynamics.learning_rate.initial\" = [0.1, 1]\n\"observe.at.log\" = [5, 6]\n");
    let experiment = read(&text, &Overrides::default()).unwrap();
    let rate = experiment.cells[2].dynamics.settings.table("learning_rate");
    assert_eq!(rate.to_string(), "{ initial = 1.0, drops = [[100, 0.5]] }");
    assert_eq!(columns(&experiment)[1], "dynamics.learning_rate.initial=(0.1) observe.at.log=(6)");
}

#[test]
fn a_grid_may_supply_what_the_file_leaves_out() {
    let text = BASE.replacen("samples = 40\n", "", 1).replacen("kind = \"quadratic\"\n", "", 1);
    let text = format!("{text}[grid]\n\"problem.samples\" = [3]\n\"model.kind\" = [\"linear\"]\n");
    let experiment = read(&text, &Overrides::default()).unwrap();
    assert_eq!(experiment.cells[0].problem.settings.integer("samples"), 3);
}

#[test]
fn an_assignment_can_replace_add_and_remove_lists_of_the_grid() {
    let text = format!("{BASE}[grid]\n\"noise.0.std\" = [1, 2, 3]\n");
    let cells = |arguments: &[&str]| read(&text, &with_set(arguments)).unwrap().cells.len();
    assert_eq!(cells(&["grid.noise.0.std=[1, 2]"]), 2);
    assert_eq!(cells(&["grid.\"noise.0.std\"=[1, 2]"]), 2);
    assert_eq!(cells(&["grid.model.init=[1, 2]"]), 6);
    assert_eq!(cells(&["grid={}"]), 1);
    assert_eq!(cells(&["grid={ model.init = [1, 2] }"]), 2);
    assert_eq!(cells(&["grid={}", "grid.model.init, noise.0.std=[[1, 2], [3, 4]]"]), 2);
}

#[test]
fn cells_share_what_they_do_not_vary() {
    let experiment = with_grid("\"noise.0.std\" = [1, 2]\n\"model.init\" = [1, 2]\n");
    let same = |a: usize, b: usize| {
        let (a, b) = (&experiment.cells[a], &experiment.cells[b]);
        [&a.problem, &a.model, &a.noises[0]]
            .into_iter()
            .zip([&b.problem, &b.model, &b.noises[0]])
            .map(|(a, b)| std::sync::Arc::ptr_eq(&a.settings, &b.settings))
            .collect::<Vec<_>>()
    };
    assert_eq!(same(0, 1), [true, false, true]);
    assert_eq!(same(0, 2), [true, true, false]);
}

#[test]
fn a_wrong_grid_is_answered_by_its_entry() {
    for (grid, expected) in [
        ("\"noise.0.std\" = 3", "28:17: [grid] \"noise.0.std\" is 3; expected a list of values"),
        ("\"noise.0.std\" = []", "28:17: [grid] \"noise.0.std\" is []; expected at least one value"),
        (
            "\"noise.0.std\" = [1, 2, -1]",
            "28:1: [grid] \"noise.0.std\"[2] is -1; expected a number, at least 0",
        ),
        (
            "\"noise.0.sdt\" = [1]",
            "28:1: [grid] \"noise.0.sdt\" is not a setting of \"label\"; did you mean \"std\"?",
        ),
        ("\"nois.0.std\" = [1]", "28:1: [grid] \"nois.0.std\": nois cannot be set; did you mean \"noise\"?"),
        (
            "\"noise.1.kind\" = [1]",
            "28:1: [grid] \"noise.1.kind\": noise.1 is beyond the list; there is only noise.0",
        ),
        (
            "\"noise.std\" = [1]",
            "28:1: [grid] \"noise.std\": noise.std names no entry of the list; expected a position, as in noise.0.std",
        ),
        (
            "\"noise.0\" = [1]",
            "28:1: [grid] \"noise.0\": noise.0 is not one setting; expected a key such as \"dynamics.learning_rate\"",
        ),
        (
            "name = [\"a\"]",
            "28:1: [grid] \"name\": name is not one setting; expected a key such as \"dynamics.learning_rate\"",
        ),
        (
            "\"model.kind\" = [\"linear\", \"lineer\"]",
            "28:1: [grid] \"model.kind\"[1] is \"lineer\"; did you mean \"linear\"?",
        ),
        (
            "\"model.kind\" = [\"hadamard\", \"linear\"]\n\"model.depth\" = [3]",
            "29:1: [grid] \"model.depth\" is not a setting of \"linear\"; expected \"init\" or \"kind\" (where model.kind = \"linear\")",
        ),
        ("\"noise.0.std\" = [1]\nnoise.0.std = [2]", "29:9: [grid] \"noise.0.std\" is there twice"),
        (
            "\"noise.0.std\" = [1]\n\"model.init, noise.0.std\" = [[2, 1]]",
            "29:1: [grid] \"model.init, noise.0.std\" varies noise.0.std, which the grid varies already",
        ),
        (
            "\"dynamics.learning_rate\" = [1]\n\"dynamics.learning_rate.initial\" = [2]",
            "29:1: [grid] \"dynamics.learning_rate.initial\" varies dynamics.learning_rate.initial, which the grid \
             varies already",
        ),
        (
            "\"model.init,noise.0.std\" = [[2, 1], [1]]",
            "28:1: [grid] \"model.init, noise.0.std\"[1] is [1]; expected a list of 2 values, one for each key",
        ),
        (
            "\"model.init,noise.0.std\" = [[2, 1], [1, -1]]",
            "28:1: [grid] \"model.init, noise.0.std\"[1][1] is -1; expected a number, at least 0",
        ),
        (
            "\"observe.at.every\" = [2]",
            "28:1: [grid] \"observe.at.every\"[0] is { log = 200, every = 2 }; expected { log = 200 } or { every = 1000 }",
        ),
    ] {
        let text = format!("{BASE}[grid]\n{grid}");
        assert_eq!(refusal(&text, &Overrides::default()), format!("x.toml:{expected}"), "{grid}");
    }
    let set = with_set(&["grid.noise.0.std=[1, -2]"]);
    assert_eq!(
        refusal(BASE, &set),
        "--set grid.noise.0.std: [grid] \"noise.0.std\"[1] is -2; expected a number, at least 0"
    );
}

/// What the grid varies does not count, but a mistake there is one all the same.
#[test]
fn a_value_that_the_grid_hides_is_checked_where_it_stands() {
    let whole = "a whole number, at least 1";
    let rate = "a number above 0, or { initial = 0.01, drops = [[100_000, 0.1]] }";
    for (passage, replacement, grid, expected) in [
        (
            "300_000",
            "\"x\"",
            "dynamics.steps = [5]",
            format!("14:9: dynamics.steps is \"x\"; expected {whole}"),
        ),
        ("300_000", "nan", "dynamics.steps = [5]", format!("14:9: dynamics.steps is nan; expected {whole}")),
        ("300_000", "-1", "dynamics.steps = [5]", format!("14:9: dynamics.steps is -1; expected {whole}")),
        (
            "steps = 300_000",
            "steps.inner.more = 60",
            "dynamics.steps = [5]",
            format!("14:1: dynamics.steps is {{ inner = {{ more = 60 }} }}; expected {whole}"),
        ),
        (
            "0.01",
            "-1",
            "\"dynamics.learning_rate, noise.0.std\" = [[1, 2]]",
            format!("15:17: dynamics.learning_rate is -1; expected {rate}"),
        ),
        (
            "0.01",
            "{ initial = true, drops = [[100, 0.5]] }",
            "dynamics.learning_rate.initial = [1]",
            "15:29: dynamics.learning_rate.initial is true; expected a number above 0".to_string(),
        ),
        (
            "{ log = 200 }",
            "{ log = 1 }",
            "observe.at.log = [5]",
            "22:14: observe.at.log is 1; expected a whole number, at least 2".to_string(),
        ),
        (
            "\"quadratic\"",
            "\"quadratik\"",
            "model.kind = [\"linear\"]",
            "10:8: model.kind is \"quadratik\"; did you mean \"quadratic\"?".to_string(),
        ),
        (
            "= 16",
            "= \"many\"",
            "ensemble.replicas = [2]",
            format!("26:12: ensemble.replicas is \"many\"; expected {whole}"),
        ),
    ] {
        let text = format!("{}[grid]\n{grid}", BASE.replacen(passage, replacement, 1));
        assert_eq!(refusal(&text, &Overrides::default()), format!("x.toml:{expected}"), "{replacement}");
    }
    // A value for one of the kinds that the grid takes, or a part that the grid completes, is none.
    for (passage, replacement, grid) in [
        ("\"quadratic\"", "\"quadratic\"\ndepth = 3", "model.kind = [\"hadamard\"]\nmodel.depth = [2]"),
        ("0.01", "{ drops = [[100, 0.5]] }", "dynamics.learning_rate.initial = [1]"),
    ] {
        let text = format!("{}[grid]\n{grid}", BASE.replacen(passage, replacement, 1));
        assert!(read(&text, &Overrides::default()).is_ok(), "{replacement}");
    }
}

#[test]
fn a_refusal_of_one_cell_says_what_the_cell_is() {
    let text = format!("{BASE}[grid]\n\"noise.0.std\" = [0, 1]\nmodel.init = [1, [1, 2]]\n");
    let experiment = read(&text, &Overrides::default()).unwrap();
    let error = |section: &str, name| {
        let error =
            jostle::InputError::in_section(section)(jostle::setting::SettingError::new(name, "is bad"));
        experiment.explain(1, &error).to_string()
    };
    assert_eq!(
        error("observe", "quantities"),
        "x.toml:23:14: observe.quantities is bad (cell 1: noise.0.std = 0, model.init = [1, 2])"
    );
    assert_eq!(
        error("model", "init"),
        "x.toml:29:7: [grid] \"model.init\"[1] is bad (cell 1: noise.0.std = 0)"
    );
}

#[test]
fn an_override_that_the_grid_hides_is_refused() {
    let text = format!("{BASE}[grid]\n\"noise.0.std\" = [1, 2]\n\"ensemble.replicas\" = [1, 2]\n");
    assert_eq!(
        refusal(&text, &with_set(&["noise.0.std=3"])),
        "--set noise.0.std: noise.0.std has no effect, because the grid varies it; set grid.noise.0.std instead"
    );
    let replicas = Overrides { replicas: Some(3), ..Overrides::default() };
    assert_eq!(
        refusal(&text, &replicas),
        "--replicas: ensemble.replicas has no effect, because the grid varies it; set grid.ensemble.replicas instead"
    );
}

#[test]
fn a_grid_of_too_many_cells_is_refused_before_it_is_made() {
    let list = format!("[{}]", vec!["1"; 1000].join(", "));
    let lists: Vec<String> =
        ["samples", "dim", "seed"].iter().map(|key| format!("\"problem.{key}\" = {list}\n")).collect();
    let text = format!("{BASE}[grid]\n{}", lists.join(""));
    assert_eq!(
        refusal(&text, &Overrides::default()),
        "x.toml: grid has 1000000000 cells; expected at most 100000"
    );
}
