//! Runs of networks leave checkpoints, which can be measured and started from.

use crate::lab::Lab;
use jostle_lab::storage::read_parquet;
use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "digits"
[problem]
kind = "images"
dataset = "digits"
samples = 30
test_samples = 20
classes = [0, 1, 2]
[model]
kind = "mlp"
widths = [6, 5]
seed = 3
[dynamics]
kind = "gradient-descent"
steps = 40
learning_rate = 0.05
batch = 5
[observe]
at = { every = 40 }
quantities = ["train_loss", "trace_G", "frobenius_G", "alignment", "test_accuracy"]
[ensemble]
replicas = 2
"#;

fn column(lab: &Lab, run: &str, name: &str) -> Vec<f64> {
    read_parquet(&lab.path(&format!("{run}/metrics.parquet"))).unwrap().numbers(name).unwrap().to_vec()
}

#[test]
fn a_checkpoint_has_the_geometry_that_its_run_recorded() {
    let lab = Lab::with(EXPERIMENT);
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    assert_eq!(lab.names_in("out/checkpoints"), ["cell0-replica0.safetensors", "cell0-replica1.safetensors"]);
    let measured = |arguments: &[&str]| -> Value {
        let all = [&["measure", "--experiment", "x.toml", "--json", "--batch", "1"], arguments].concat();
        serde_json::from_str(&lab.succeeds(&all)).unwrap()
    };
    // Rows: step 0 and step 40 of each replica.
    let replica = measured(&["out/checkpoints/cell0-replica1.safetensors"]);
    let first = measured(&["out/final.npz"]);
    for name in ["trace_G", "frobenius_G", "alignment"] {
        let recorded = column(&lab, "out", name);
        for (found, expected) in [(&replica, recorded[3]), (&first, recorded[1])] {
            let found = found[name].as_f64().unwrap();
            assert!((found / expected - 1.0).abs() < 1e-9, "{name}: {found} {expected}");
        }
    }
}

#[test]
fn checkpoints_of_another_network_do_not_stay_beside_those_of_a_run() {
    let lab = Lab::with(EXPERIMENT);
    let run = |options: &[&str]| {
        lab.succeeds(&[&["run", "x.toml", "--out", "out", "--force"], options].concat());
        lab.names_in("out/checkpoints")
    };
    assert_eq!(run(&["--replicas", "3", "--set", "grid.model.seed=[3, 4]"]).len(), 6);
    let names = ["cell0-replica0.safetensors", "cell0-replica1.safetensors"];
    assert_eq!(run(&["--set", "model.widths=[4]"]), names);
    // Of a replica that diverges there is none.
    lab.write("out/checkpoints/mine.txt", "mine");
    assert_eq!(run(&["--set", "dynamics.learning_rate=1e6"]), ["mine.txt"]);
}

const MEASURE: [&str; 4] =
    ["measure", "out/checkpoints/cell0-replica0.safetensors", "--experiment", "x.toml"];

#[test]
fn a_checkpoint_is_measured_layer_by_layer() {
    let lab = Lab::with(EXPERIMENT);
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let found: Value = serde_json::from_str(&lab.succeeds(&[&MEASURE[..], &["--json"]].concat())).unwrap();
    let layers = found["layers"].as_array().unwrap();
    assert_eq!(layers.iter().map(|layer| &layer["name"]).collect::<Vec<_>>(), ["0", "2", "4"]);
    assert_eq!(layers.iter().map(|layer| &layer["p"]).collect::<Vec<_>>(), [64 * 6 + 6, 35, 18]);
    let keys: Vec<&str> = layers[0].as_object().unwrap().keys().map(String::as_str).collect();
    let of_the_whole = found.as_object().unwrap().keys().map(String::as_str);
    let of_the_whole: Vec<&str> =
        of_the_whole.filter(|key| !["n", "p", "loss", "layers", "stability"].contains(key)).collect();
    let shares = ["share_of_trace_G", "share_of_trace_noise", "share_of_frobenius_G_squared"];
    assert_eq!(keys, [&["name", "p"][..], &shares, &of_the_whole].concat());
    let sum = |key: &str| layers.iter().map(|layer| layer[key].as_f64().unwrap()).sum::<f64>();
    for share in shares {
        assert!((sum(share) - 1.0).abs() < 1e-6, "{share}: {}", sum(share));
    }
    for key in ["trace_G", "trace_noise"] {
        assert!((sum(key) / found[key].as_f64().unwrap() - 1.0).abs() < 1e-6, "{key}");
    }
    let largest = layers.iter().map(|layer| layer["lambda_max_G"].as_f64().unwrap()).fold(0.0, f64::max);
    let lambda = found["lambda_max_G"].as_f64().unwrap();
    assert!(largest <= lambda * (1.0 + 1e-6) && lambda <= sum("lambda_max_G") * (1.0 + 1e-6));

    let text = lab.succeeds(&[&MEASURE[..], &["--plot", "page.html"]].concat());
    let head = text.lines().find(|line| line.starts_with("layer  p")).unwrap_or_else(|| panic!("{text}"));
    assert!(head.ends_with("lambda_max_G  alignment"), "{head}");
    assert!(lab.read("page.html").contains("Where curvature and noise are, layer by layer"));
}

#[test]
fn a_measurement_is_the_same_on_any_number_of_threads_and_silent_without_a_terminal() {
    let lab = Lab::with(EXPERIMENT);
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let measured = |threads: &str| {
        let mut command = lab.command(&[&MEASURE[..], &["--json", "--threads", threads]].concat());
        let output = command.output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        output.stdout
    };
    assert!(measured("1") == measured("3"));
}

#[test]
fn a_run_begins_at_a_checkpoint() {
    let lab = Lab::with(EXPERIMENT);
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let start = "\n[start]\nkind = \"file\"\npath = \"out/checkpoints/cell0-replica1.safetensors\"\n";
    lab.write("y.toml", EXPERIMENT.replacen("[dynamics]", &format!("{start}[dynamics]"), 1));
    lab.succeeds(&["run", "y.toml", "--out", "later"]);
    let (first, later) = (column(&lab, "out", "train_loss"), column(&lab, "later", "train_loss"));
    assert_eq!(later[0], first[3]);
    assert_eq!(later[2], first[3], "both replicas begin there");
}

#[test]
fn parameters_need_an_experiment_of_one_cell_whose_model_they_fit() {
    let lab = Lab::with(EXPERIMENT);
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let checkpoint = "out/checkpoints/cell0-replica0.safetensors";
    assert_eq!(
        lab.refuses(&["measure", checkpoint]),
        format!("{checkpoint} holds parameters; expected --experiment FILE.toml, which says of which model")
    );
    let wider = ["measure", checkpoint, "--experiment", "x.toml", "--set", "model.widths=[6, 7]"];
    assert_eq!(
        lab.refuses(&wider),
        format!("{checkpoint}: 2.weight has shape [5, 6], but it has to be [7, 6] in float32 or float64")
    );
    lab.write("grid.toml", format!("{EXPERIMENT}[grid]\n\"model.seed\" = [1, 2]\n"));
    assert_eq!(
        lab.refuses(&["measure", checkpoint, "--experiment", "grid.toml"]),
        "the experiment has 2 cells; expected one: leave out its grid, and set what it varies"
    );
}
