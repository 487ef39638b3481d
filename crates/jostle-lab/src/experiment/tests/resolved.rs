//! The resolved file says everything and reads back as what it was written from; and no text makes us panic.

use jostle::setting::{Entry, Fallback, Kind, Setting};
use proptest::prelude::*;
use toml::{Table, Value};

use super::*;
use crate::experiment::schema::SECTIONS;

#[test]
fn every_default_is_written_out_in_order() {
    let text = format!(
        "{BASE}[grid]\n\"noise.0.std\" = [0.5, 1]\n\"model.init, model.kind\" = [[2, \"hadamard\"], [3, \"linear\"]]"
    );
    let resolved = read(&text, &Overrides::default()).unwrap().to_toml_string();
    insta::assert_snapshot!(resolved, @r#"
    name = "label-noise"

    [problem]
    kind = "sparse-regression"
    samples = 40
    dim = 100
    sparsity = 5
    truth_value = 1.0
    design = "gaussian"
    label_noise = 0.0
    seed = 0
    data_per_replica = false

    [model]
    kind = "hadamard"
    init = 2.0

    [start]
    kind = "init"
    perturbation = 0.0
    linearise = false

    [dynamics]
    kind = "gradient-descent"
    steps = 300000
    learning_rate = 0.01
    learning_rate_unit = "one"
    batch = "full"
    sampling = "with-replacement"
    momentum = 0.0
    nesterov = false
    weight_decay = 0.0
    decay_enters = "gradient"
    gradient_at = "parameters"
    augment = "none"
    tolerance = 1e-9

    [[noise]]
    kind = "label"
    std = 0.5
    labels = "one"
    distribution = "gaussian"

    [observe]
    at = { log = 200 }
    quantities = ["train_loss", "l1_norm"]
    active_threshold = 0.05
    active_threshold_unit = "relative"

    [ensemble]
    replicas = 16
    seed = 0
    precision = "f64"
    device = "cpu"
    method = "simulate"

    [grid]
    "noise.0.std" = [0.5, 1]
    "model.init, model.kind" = [[2, "hadamard"], [3, "linear"]]
    "#);
}

#[test]
fn the_observables_that_depend_on_problem_and_model_are_filled_in_by_the_caller() {
    let text = BASE.replacen("quantities = [\"train_loss\", \"l1_norm\"]\n", "", 1);
    let mut experiment = read(&text, &Overrides::default()).unwrap();
    assert!(!experiment.to_toml_string().contains("quantities"));
    experiment.fill_quantities(|_| vec!["train_loss", "test_error", "l1_norm", "active"]);
    assert!(
        experiment
            .to_toml_string()
            .contains("quantities = [\"train_loss\", \"test_error\", \"l1_norm\", \"active\"]\n")
    );
    let mut given = read(BASE, &Overrides::default()).unwrap();
    given.fill_quantities(|_| vec!["test_error"]);
    assert_eq!(given.cells[0].observe.names("quantities"), ["train_loss", "l1_norm"]);
}

#[test]
fn grids_over_parts_kinds_and_files_read_back_as_themselves() {
    let text = BASE.replacen("0.01", "{ initial = 0.01, drops = [[100, 0.5]] }", 1);
    for grid in [
        "\"dynamics.learning_rate.initial\" = [0.1, 1]\n\"dynamics.learning_rate.drops\" = [[], [[7, 0.1]]]",
        "\"observe.at.log\" = [5, 6e0]\n\"dynamics.batch\" = [\"full\", 4]",
        "\"model.kind\" = [\"linear\", \"quadratic\", \"hadamard\"]\n\"noise.0.kind\" = [\"label\", \"isotropic\"]",
        "\"noise.0.std, model.init\" = [[1, [0.5, 1e-300]], [0.1, -0.0]]",
        "\"observe.quantities\" = [[], [\"active\"]]",
    ] {
        let experiment = read(&format!("{text}[grid]\n{grid}"), &Overrides::default()).unwrap();
        let again = read(&experiment.to_toml_string(), &Overrides::default()).unwrap();
        assert_eq!(again.cells, experiment.cells, "{grid}");
        assert_eq!(again.to_toml_string(), experiment.to_toml_string());
    }
    let file = "[model]\nkind = \"linear\"\n[dynamics]\nkind = \"gradient-descent\"\nsteps = 1\nlearning_rate = 1\n\
                [problem]\nkind = \"file\"\n[grid]\n\"problem.path\" = [\"a.npz\", \"../b.npz\"]";
    let experiment = read(file, &Overrides::default()).unwrap();
    let paths: Vec<_> = experiment.cells.iter().map(|cell| cell.problem.settings.text("path")).collect();
    assert_eq!(paths, ["/lab/a.npz", "/lab/../b.npz"]);
    let again = Experiment::from_text(
        &experiment.to_toml_string(),
        "x.toml",
        Path::new("/elsewhere"),
        &Overrides::default(),
    );
    assert_eq!(again.unwrap().cells, experiment.cells);
}

#[test]
fn the_reference_names_every_setting_and_observable() {
    let page = crate::experiment::settings_reference();
    for section in &SECTIONS {
        for entry in section.entries {
            assert!(page.contains(entry.summary), "{}", entry.kind);
            assert!(entry.settings.iter().all(|setting| page.contains(&format!("| `{}` |", setting.name))));
        }
    }
    assert!(page.contains("| `steps` | T | a whole number, at least 1 | required | Number of steps. |"));
    assert!(page.contains("| `l1_norm` | `\\|beta\\|_1` | Sum of the absolute coefficients. |"));
}

fn finite(range: std::ops::Range<f64>) -> impl Strategy<Value = f64> {
    prop_oneof![range.clone(), prop_oneof![Just(0.1), Just(1e-7), Just(0.3333333333333333), Just(5e-324)]]
}

/// A value that the setting accepts, in one of the forms that a file may use.
fn valid(setting: &'static Setting) -> BoxedStrategy<Value> {
    let positive = || finite(1e-9..0.999).prop_map(Value::Float);
    match setting.kind {
        Kind::Integer { min } => prop_oneof![
            (min as i64..1_000_000).prop_map(Value::Integer),
            (min as i64..1_000_000).prop_map(|v| Value::Float(v as f64)),
            Just(Value::Integer(i64::MAX)),
        ]
        .boxed(),
        Kind::Number(_) => positive().boxed(),
        Kind::Choice(words) => proptest::sample::select(words).prop_map(|w| Value::String(w.into())).boxed(),
        Kind::Text => "/[^/\\x00]{1,12}".prop_map(Value::String).boxed(),
        Kind::Flag => any::<bool>().prop_map(Value::Boolean).boxed(),
        Kind::Numbers => prop_oneof![
            any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Value::Float),
            any::<i32>().prop_map(|v| Value::Integer(v.into())),
            prop::collection::vec(positive(), 1..4).prop_map(Value::Array),
        ]
        .boxed(),
        Kind::Names => {
            let names: Vec<Value> =
                jostle::observable::REGISTRY.iter().map(|o| Value::String(o.name.into())).collect();
            proptest::sample::subsequence(names, 0..5).prop_map(Value::Array).boxed()
        }
        Kind::Classes => prop::collection::vec(
            prop_oneof!["[a-z]{1,5}".prop_map(Value::String), (0..99_i64).prop_map(Value::Integer)],
            0..4,
        )
        .prop_map(Value::Array)
        .boxed(),
        Kind::CountOr(word) => {
            prop_oneof![Just(Value::String(word.into())), (1..99_i64).prop_map(Value::Integer)].boxed()
        }
        Kind::Pairs(_) => prop::collection::btree_map(1..1000_i64, finite(0.1..0.9), 0..3)
            .prop_map(|pairs| {
                let pair = |(step, value)| Value::Array(vec![Value::Integer(step), Value::Float(value)]);
                // A list of rates begins at step 0, and drops may as well.
                Value::Array([(0, 0.5)].into_iter().chain(pairs).map(pair).collect())
            })
            .boxed(),
        Kind::Table(tables) => {
            let table = proptest::sample::select(tables.entries).prop_flat_map(|entry| {
                let settings: Vec<_> = entry.settings.iter().map(valid).collect();
                settings.prop_map(|values| {
                    let named = entry.settings.iter().map(|setting| setting.name.to_owned()).zip(values);
                    Value::Table(named.chain([("kind".to_owned(), entry.kind.into())]).collect())
                })
            });
            let plain = prop_oneof![positive(), Just(Value::Integer(1))];
            if tables.plain.is_some() { prop_oneof![plain, table].boxed() } else { table.boxed() }
        }
        Kind::Recording => (proptest::sample::select(&["log", "every"][..]), 2..500_i64)
            .prop_map(|(key, count)| {
                Value::Table(std::iter::once((key.to_string(), Value::Integer(count))).collect())
            })
            .boxed(),
    }
}

/// A component of this kind with some of its settings, and some values more of one of them for a grid.
fn component(
    entry: &'static Entry,
    has_kind: bool,
) -> impl Strategy<Value = (Table, Option<(&'static str, Vec<Value>)>)> {
    let settings: Vec<_> = entry
        .settings
        .iter()
        .map(|setting| {
            let required = setting.fallback == Fallback::Required;
            let given = if required {
                valid(setting).prop_map(Some).boxed()
            } else {
                prop::option::of(valid(setting)).boxed()
            };
            given.prop_map(move |value| (setting.name, value))
        })
        .collect();
    let varied = (0..entry.settings.len()).prop_flat_map(|k| {
        let setting = &entry.settings[k];
        (Just(setting.name), prop::collection::vec(valid(setting), 1..4))
    });
    (settings, prop::option::weighted(0.3, varied)).prop_map(move |(settings, varied)| {
        let kind = has_kind.then(|| ("kind".to_string(), Value::String(entry.kind.into())));
        let mut given: Vec<(&str, Value)> =
            settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        // One of two that say the same is left out.
        let mut varied = varied;
        for setting in entry.settings {
            let (Fallback::NumberUnless { other, .. } | Fallback::TextUnless { other, .. }) =
                setting.fallback
            else {
                continue;
            };
            if varied.as_ref().is_some_and(|(name, _)| *name == setting.name) {
                varied = varied.filter(|_| !given.iter().any(|(name, _)| *name == other));
            }
            let has_other = given.iter().any(|(name, _)| *name == other)
                || varied.as_ref().is_some_and(|(name, _)| *name == other);
            given.retain(|(name, _)| !has_other || *name != setting.name);
        }
        let given = given.into_iter().map(|(name, value)| (name.to_string(), value));
        (kind.into_iter().chain(given).collect(), varied)
    })
}

/// Any valid experiment.
fn experiment() -> impl Strategy<Value = Table> {
    let part = |section: &'static crate::experiment::schema::Section| {
        (0..section.entries.len()).prop_flat_map(|k| component(&section.entries[k], section.has_kind))
    };
    let single: Vec<_> =
        SECTIONS.iter().filter(|s| !s.is_list).map(|s| part(s).prop_map(|p| (s.name, p))).collect();
    let noises = prop::collection::vec(part(crate::experiment::schema::NOISE), 0..3);
    (single, noises, any::<bool>()).prop_map(|(single, noises, linked)| {
        let mut table = Table::new();
        let mut grid: Vec<(String, Vec<Value>)> = Vec::new();
        for (name, (part, varied)) in single {
            table.insert(name.to_string(), Value::Table(part));
            grid.extend(varied.map(|(key, values)| (format!("{name}.{key}"), values)));
        }
        let mut list = Vec::new();
        for (index, (part, varied)) in noises.into_iter().enumerate() {
            list.push(Value::Table(part));
            grid.extend(varied.map(|(key, values)| (format!("noise.{index}.{key}"), values)));
        }
        table.insert("noise".to_string(), Value::Array(list));
        if let (true, [first, second, ..]) = (linked, grid.as_slice()) {
            let pairs = first
                .1
                .iter()
                .zip(&second.1)
                .map(|(a, b)| Value::Array(vec![a.clone(), b.clone()]))
                .collect();
            grid.splice(0..2, [(format!("{}, {}", first.0, second.0), pairs)]);
        }
        let grid = grid.into_iter().map(|(key, values)| (key, Value::Array(values))).collect();
        table.insert("grid".to_string(), Value::Table(grid));
        table
    })
}

proptest! {
    #[test]
    fn a_resolved_experiment_reads_back_as_itself(table in experiment()) {
        let experiment = Experiment::from_table(table, Path::new("/lab"), &Overrides::default()).unwrap();
        let text = experiment.to_toml_string();
        let again = Experiment::from_text(&text, "y.toml", Path::new("/b"), &Overrides::default());
        let again = again.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&again.cells, &experiment.cells, "{}", text);
        prop_assert_eq!(again.name.as_str(), experiment.name.as_str());
        prop_assert_eq!(again.to_toml_string(), text);
    }

    #[test]
    fn no_text_and_no_assignment_makes_reading_panic(
        text in ".{0,200}",
        start in 0..BASE.len(),
        length in 0..40_usize,
        argument in "(problem|noise|grid|scale|dynamics|observe)?[.0-9a-z\"]{0,12}=?.{0,12}",
    ) {
        let one_line = |text: &str, overrides: &Overrides| {
            read(text, overrides).map_or_else(|error| !error.to_string().contains('\n'), |_| true)
        };
        prop_assert!(one_line(&text, &Overrides::default()));
        let mut broken = BASE.to_string();
        broken.replace_range(start..(start + length).min(BASE.len()), &text);
        prop_assert!(one_line(&broken, &Overrides::default()));
        prop_assert!(one_line(BASE, &with_set(&[&argument])));
        let scaled = format!("{BASE}[grid]\n\"noise.0.std\" = [1, 2]\n[scale.quick]\n{argument}\n");
        prop_assert!(one_line(&scaled, &Overrides::default()));
    }
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
    for deep in [
        format!("a = {}", "[".repeat(100_000)),
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        format!("[{}]", vec!["a"; 100_000].join(".")),
        "[a]\n".to_string() + &"a.a.a.a.a.a.a.a = { a = [[[{ b = 3 }]]] }".repeat(3),
    ] {
        refusal(&deep, &Overrides::default());
    }
    let key = vec!["problem"; 100_000].join(".");
    refusal(BASE, &with_set(&[&format!("{key}=3")]));
    refusal(BASE, &with_set(&[&format!("grid.{key}=[3]")]));
}
