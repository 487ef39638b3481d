//! Every way to get a file wrong, and the exact line that answers it.

use super::*;

/// Replaces one passage of the base file for each of `cases`, and compares the whole message.
fn answers(cases: &[(&str, &str, &str)]) {
    for (passage, replacement, expected) in cases {
        assert!(BASE.contains(passage), "{passage:?}");
        let text = BASE.replacen(passage, replacement, 1);
        assert_eq!(refusal(&text, &Overrides::default()), *expected, "{replacement:?}");
    }
}

#[test]
fn what_is_not_toml_is_placed_at_its_line_and_column() {
    answers(&[
        ("samples = 40", "samples = 40\nsamples = 50", "x.toml:6:1: duplicate key"),
        ("samples = 40", "samples = \"40", "x.toml:5:14: invalid basic string, expected `\"`"),
        ("[model]", "[model", "x.toml:9:7: unclosed table, expected `]`"),
    ]);
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest_or_with_all_valid_ones() {
    answers(&[
        (
            "samples",
            "sampels",
            r#"x.toml:5:1: problem.sampels is not a setting of "sparse-regression"; did you mean "samples"?"#,
        ),
        (
            "std",
            "temperature",
            r#"x.toml:19:1: noise.0.temperature is not a setting of "label"; expected "std", "lambda", "labels", "distribution" or "kind""#,
        ),
        (
            "replicas",
            "replica",
            r#"x.toml:26:1: ensemble.replica is not a setting of "ensemble"; did you mean "replicas"?"#,
        ),
        (
            "name = \"label-noise\"",
            "modle.kind = 3",
            r#"x.toml:1:1: modle is not a part of an experiment; did you mean "model"?"#,
        ),
        (
            "0.01",
            "{ initail = 0.1 }",
            r#"x.toml:15:19: dynamics.learning_rate.initail is not a part of "learning_rate"; did you mean "initial"?"#,
        ),
        ("log", "lgo", r#"x.toml:22:8: observe.at.lgo is not a part of "at"; did you mean "log"?"#),
    ]);
}

#[test]
fn a_kind_must_be_there_and_known() {
    answers(&[
        (
            "[model]\nkind = \"quadratic\"\n",
            "",
            r#"x.toml: model is missing; expected a table [model] with kind = "quadratic", "hadamard", "linear", "random-features", "two-layer", "linear-network", "matrix", "mlp", "cnn" or "vgg""#,
        ),
        (
            "kind = \"quadratic\"\n",
            "",
            r#"x.toml:9:2: model.kind is missing; expected "quadratic", "hadamard", "linear", "random-features", "two-layer", "linear-network", "matrix", "mlp", "cnn" or "vgg""#,
        ),
        ("quadratic", "quadratik", r#"x.toml:10:8: model.kind is "quadratik"; did you mean "quadratic"?"#),
        (
            "quadratic",
            "spline",
            r#"x.toml:10:8: model.kind is "spline"; expected "quadratic", "hadamard", "linear", "random-features", "two-layer", "linear-network", "matrix", "mlp", "cnn" or "vgg""#,
        ),
        (
            "\"quadratic\"",
            "3",
            r#"x.toml:10:8: model.kind is 3; expected "quadratic", "hadamard", "linear", "random-features", "two-layer", "linear-network", "matrix", "mlp", "cnn" or "vgg""#,
        ),
        ("\"label\"", "\"lable\"", r#"x.toml:18:8: noise.0.kind is "lable"; did you mean "label"?"#),
    ]);
}

#[test]
fn parts_must_be_tables_and_noises_a_list() {
    answers(&[
        (
            "[[noise]]",
            "[noise]",
            r#"x.toml:17:1: noise is { kind = "label", std = 1.0 }; expected a list of tables [[noise]]"#,
        ),
        (
            "[ensemble]\nreplicas",
            "[grid]\nensemble",
            "x.toml:26:1: [grid] \"ensemble\": ensemble is not one setting; expected a key such as \"dynamics.learning_rate\"",
        ),
        ("name = \"label-noise\"", "grid = 3", "x.toml:1:8: grid is 3; expected a table [grid]"),
        (
            "name = \"label-noise\"",
            "scale.quick = 3",
            "x.toml:1:15: scale.quick is 3; expected a table [scale.quick]",
        ),
    ]);
    let text = BASE.replacen("[[noise]]\nkind = \"label\"\nstd = 1.0\n", "", 1);
    let text = format!("noise = [3]\n{text}");
    assert_eq!(
        refusal(&text, &Overrides::default()),
        "x.toml:1:10: noise.0 is 3; expected a table [[noise]]"
    );
}

#[test]
fn a_required_setting_is_asked_for_at_its_table() {
    answers(&[
        ("samples = 40\n", "", "x.toml:3:2: problem.samples is missing; expected a whole number, at least 1"),
        (
            "learning_rate = 0.01\n",
            "",
            "x.toml:12:2: dynamics.learning_rate is missing; expected a number above 0, or \
             { initial = 0.01, drops = [[100_000, 0.1]] }",
        ),
    ]);
}

#[test]
fn whole_numbers_must_be_whole_and_in_range() {
    answers(&[
        ("40", "\"abc\"", "x.toml:5:11: problem.samples is \"abc\"; expected a whole number, at least 1"),
        ("40", "-3", "x.toml:5:11: problem.samples is -3; expected a whole number, at least 1"),
        ("40", "0", "x.toml:5:11: problem.samples is 0; expected a whole number, at least 1"),
        ("40", "40.5", "x.toml:5:11: problem.samples is 40.5; expected a whole number, at least 1"),
        ("40", "1e300", "x.toml:5:11: problem.samples is 1e300; expected a whole number, at least 1"),
        ("40", "[40]", "x.toml:5:11: problem.samples is [40]; expected a whole number, at least 1"),
        (
            "40",
            "1979-05-27",
            "x.toml:5:11: problem.samples is 1979-05-27; expected a whole number, at least 1",
        ),
        (
            "40",
            "99999999999999999999",
            "x.toml:5:11: problem.samples is 99999999999999999999; expected a whole number below 2^63",
        ),
    ]);
}

#[test]
fn numbers_must_be_finite_and_in_range() {
    answers(&[
        ("1.0", "nan", "x.toml:19:7: noise.0.std is nan; expected a number, at least 0"),
        ("1.0", "inf", "x.toml:19:7: noise.0.std is inf; expected a number, at least 0"),
        ("1.0", "-0.5", "x.toml:19:7: noise.0.std is -0.5; expected a number, at least 0"),
        ("1.0", "\"1\"", "x.toml:19:7: noise.0.std is \"1\"; expected a number, at least 0"),
        ("1.0", "1e999", "x.toml:19:7: noise.0.std is 1e999; expected a number below 1.8e308"),
        (
            "0.01",
            "0.01\nmomentum = 1",
            "x.toml:16:12: dynamics.momentum is 1; expected a number, at least 0 and below 1",
        ),
        (
            "\"quadratic\"",
            "\"quadratic\"\ninit = [1, \"a\"]",
            "x.toml:11:8: model.init is [1, \"a\"]; expected a number or a list of numbers",
        ),
        (
            "\"quadratic\"",
            "\"quadratic\"\ninit = []",
            "x.toml:11:8: model.init is []; expected a number or a list of numbers",
        ),
    ]);
}

#[test]
fn words_and_flags_must_be_valid() {
    answers(&[
        (
            "dim",
            "design = \"gausian\"\ndim",
            "x.toml:6:10: problem.design is \"gausian\"; did you mean \"gaussian\"?",
        ),
        (
            "dim",
            "design = \"hadamard\"\ndim",
            "x.toml:6:10: problem.design is \"hadamard\"; expected \"gaussian\" or \"rademacher\"",
        ),
        (
            "dim",
            "data_per_replica = 1\ndim",
            "x.toml:6:20: problem.data_per_replica is 1; expected true or false",
        ),
    ]);
}

#[test]
fn a_batch_is_full_or_a_size() {
    answers(&[
        ("0.01", "0.01\nbatch = \"ful\"", "x.toml:16:9: dynamics.batch is \"ful\"; did you mean \"full\"?"),
        (
            "0.01",
            "0.01\nbatch = 0",
            "x.toml:16:9: dynamics.batch is 0; expected \"full\" or a whole number, at least 1",
        ),
    ]);
}

#[test]
fn a_schedule_starts_above_zero_and_drops_at_increasing_steps() {
    answers(&[
        (
            "0.01",
            "0",
            "x.toml:15:17: dynamics.learning_rate is 0; expected a number above 0, or \
             { initial = 0.01, drops = [[100_000, 0.1]] }",
        ),
        (
            "0.01",
            "{ initial = -0.1 }",
            "x.toml:15:29: dynamics.learning_rate.initial is -0.1; expected a number above 0",
        ),
        (
            "0.01",
            "{ initial = \"a\" }",
            "x.toml:15:29: dynamics.learning_rate.initial is \"a\"; expected a number above 0",
        ),
        (
            "0.01",
            "{ drops = [[1, 0.1]] }",
            "x.toml:15:1: dynamics.learning_rate.initial is missing; expected a number above 0",
        ),
        (
            "0.01",
            "{ initial = 0.1, drops = 3 }",
            "x.toml:15:42: dynamics.learning_rate.drops is 3; expected a list of [step, factor], as in [[100_000, 0.1]]",
        ),
        (
            "0.01",
            "{ initial = 0.1, drops = [[1, 0.1], [2]] }",
            "x.toml:15:53: dynamics.learning_rate.drops.1 is [2]; expected [step, factor], as in [100_000, 0.1]",
        ),
        (
            "0.01",
            "{ initial = 0.1, drops = [[5, 0.1], [5, 0.2]] }",
            "x.toml:15:42: dynamics.learning_rate.drops go from step 5 to step 5; expected increasing steps",
        ),
    ]);
}

#[test]
fn a_schedule_of_a_kind_is_checked_like_a_table_of_the_file() {
    answers(&[
        (
            "0.01",
            "{ kind = \"cosin\", initial = 0.1 }",
            "x.toml:15:26: dynamics.learning_rate.kind is \"cosin\"; did you mean \"cosine\"?",
        ),
        (
            "0.01",
            "{ kind = 3 }",
            "x.toml:15:26: dynamics.learning_rate.kind is 3; expected \"drops\", \"constant\", \"warm-up\", \
             \"cosine\", \"cyclic\" or \"list\"",
        ),
        (
            "0.01",
            "{ kind = \"cosine\", initial = 0.1, step = 5 }",
            "x.toml:15:51: dynamics.learning_rate.step is not a part of \"learning_rate\"; did you mean \"steps\"?",
        ),
        (
            "0.01",
            "{ kind = \"cosine\", initial = 0.1 }",
            "x.toml:15:1: dynamics.learning_rate.steps is missing; expected a whole number, at least 1",
        ),
        (
            "0.01",
            "{ kind = \"list\", rates = [[0, 0.1], [7, 0]] }",
            "x.toml:15:42: dynamics.learning_rate.rates has the rate 0.0 at step 7; expected a number above 0",
        ),
    ]);
}

#[test]
fn a_recording_is_either_logarithmic_or_regular() {
    answers(&[
        (
            "{ log = 200 }",
            "{ log = 1 }",
            "x.toml:22:14: observe.at.log is 1; expected a whole number, at least 2",
        ),
        (
            "{ log = 200 }",
            "{ every = 0 }",
            "x.toml:22:16: observe.at.every is 0; expected a whole number, at least 1",
        ),
        (
            "{ log = 200 }",
            "{ every = 1.5 }",
            "x.toml:22:16: observe.at.every is 1.5; expected a whole number, at least 1",
        ),
        (
            "{ log = 200 }",
            "{ every = 1, log = 3 }",
            "x.toml:22:6: observe.at is { every = 1, log = 3 }; expected { log = 200 } or { every = 1000 }",
        ),
        ("{ log = 200 }", "{}", "x.toml:22:6: observe.at is {}; expected { log = 200 } or { every = 1000 }"),
        (
            "{ log = 200 }",
            "200",
            "x.toml:22:6: observe.at is 200; expected { log = 200 } or { every = 1000 }",
        ),
    ]);
}

#[test]
fn quantities_are_known_observables_each_listed_once() {
    answers(&[
        (
            "l1_norm",
            "l1norm",
            "x.toml:23:29: observe.quantities.1 is \"l1norm\", not an observable; did you mean \"l1_norm\"?",
        ),
        (
            "l1_norm",
            "train_loss",
            "x.toml:23:29: observe.quantities.1 is \"train_loss\", which is listed already",
        ),
        (
            "\"l1_norm\"",
            "3",
            "x.toml:23:14: observe.quantities is [\"train_loss\", 3]; expected a list of names",
        ),
    ]);
    let text = BASE.replacen("l1_norm", "sharpness", 1);
    let listed =
        "observe.quantities.1 is \"sharpness\", not an observable; expected \"train_loss\", \"test_error\",";
    assert!(refusal(&text, &Overrides::default()).contains(listed));
}

#[test]
fn the_name_must_be_safe_as_a_folder() {
    let expected =
        "expected the name of a folder: letters, digits, \"-\", \"_\", \".\" and spaces within, at most 100";
    for name in
        ["../x", "a/b", "", ".hidden", "a\\u0000", "trailing.", " padded", "-rf", "a:b", &"x".repeat(101)]
    {
        let text = BASE.replacen("label-noise", name, 1);
        let message = refusal(&text, &Overrides::default());
        assert!(message.starts_with("x.toml:1:8: name is \"") && message.ends_with(expected), "{message}");
    }
    answers(&[("\"label-noise\"", "3", "x.toml:1:8: name is 3; expected a text in quotes")]);
}

#[test]
fn a_long_value_is_cut_and_a_broken_one_stays_on_one_line() {
    answers(&[
        (
            "40",
            "[1111111111, 2222222222, 3333333333, 4444444444, 5555555555, 6666666666]",
            "x.toml:5:11: problem.samples is [1111111111, 2222222222, 3333333333, 4444444444, 5555555555,\
             ...; expected a whole number, at least 1",
        ),
        (
            "40",
            "\"\"\"a\nb\"\"\"",
            "x.toml:5:11: problem.samples is \"a\\nb\"; expected a whole number, at least 1",
        ),
        (
            "samples = 40",
            "\"a\\nb\" = 40",
            "x.toml:5:1: problem.\"a\\nb\" is not a setting of \"sparse-regression\"; expected \"samples\", \"dim\", \
             \"sparsity\", \"truth_value\", \"design\", \"label_noise\", \"seed\", \"test_samples\", \
             \"data_per_replica\", \"loss_factor\" or \"kind\"",
        ),
    ]);
}

#[test]
fn a_table_from_a_script_is_answered_without_lines() {
    let table: toml::Table = BASE.replacen("samples", "sampels", 1).parse().unwrap();
    let error = Experiment::from_table(table, Path::new("/lab"), &Overrides::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "experiment: problem.sampels is not a setting of \"sparse-regression\"; did you mean \"samples\"?"
    );
}
