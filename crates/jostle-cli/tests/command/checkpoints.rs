//! Runs of networks leave checkpoints, which can be measured and started from.

use crate::lab::Lab;
use jostle_files::{ArrayWriter, read_parquet};
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
    let of_the_whole: Vec<&str> = of_the_whole
        .filter(|key| !["n", "p", "loss", "notes", "layers", "stability"].contains(key))
        .collect();
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
        format!(
            "{checkpoint}: 2.weight has shape [5, 6], but it has to be [7, 6] in a floating type of 16 to 64 bits"
        )
    );
    lab.write("grid.toml", format!("{EXPERIMENT}[grid]\n\"model.seed\" = [1, 2]\n"));
    assert_eq!(
        lab.refuses(&["measure", checkpoint, "--experiment", "grid.toml"]),
        "the experiment has 2 cells; expected one: leave out its grid, and set what it varies"
    );
}

/// A data set of three samples, and a network of one hidden unit on it.
fn with_network(loss: &str) -> Lab {
    let lab = Lab::with(
        &r#"
name = "x"
[problem]
kind = "file"
path = "data.npz"
labels = "classes"
[model]
kind = "mlp"
widths = [1]
activation = "tanh"
loss = "LOSS"
[dynamics]
kind = "gradient-descent"
steps = 1
learning_rate = 0.01
[observe]
quantities = ["train_loss", "gauss_newton_loss", "alignment"]
"#
        .replace("LOSS", loss),
    );
    let mut data = ArrayWriter::create(&lab.path("data.npz")).unwrap();
    data.matrix("X", 3, 1, &[1.0, 2.0, -1.0]).unwrap();
    data.matrix("y", 3, 3, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]).unwrap();
    data.finish().unwrap();
    lab
}

/// Writes parameters under these names: `h = tanh(x)`, and the outputs `(h/2, h + 1/2, 1/4 - h)` times a scale.
fn tensors(lab: &Lab, names: [&str; 4], scale: f64) {
    let tensor = |name: &str, shape: &str, [from, to]: [usize; 2]| {
        format!(r#""{name}":{{"dtype":"F64","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let header = format!(
        "{{{},{},{},{}}}",
        tensor(names[0], "[1,1]", [0, 8]),
        tensor(names[1], "[1]", [8, 16]),
        tensor(names[2], "[3,1]", [16, 40]),
        tensor(names[3], "[3]", [40, 64])
    );
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    let numbers = [1.0, 0.0, 0.5 * scale, scale, -scale, 0.0, 0.5 * scale, 0.25 * scale];
    bytes.extend(numbers.into_iter().flat_map(f64::to_le_bytes));
    std::fs::write(lab.path("point.safetensors"), bytes).unwrap();
}

const NAMES: [&str; 4] = ["0.weight", "0.bias", "2.weight", "2.bias"];

#[test]
fn the_loss_of_a_classifier_is_its_cross_entropy_and_alignments_say_in_which_units_they_are() {
    let lab = with_network("cross-entropy");
    tensors(&lab, NAMES, 1.0);
    let arguments = ["measure", "point.safetensors", "--experiment", "x.toml"];
    let found: Value = serde_json::from_str(&lab.succeeds(&[&arguments[..], &["--json"]].concat())).unwrap();
    let (mut loss, mut surrogate) = (0.0, 0.0);
    for (x, class) in [(1.0, 0), (2.0, 1), (-1.0, 2)] {
        let h = f64::tanh(x);
        let f: [f64; 3] = [0.5 * h, h + 0.5, 0.25 - h];
        let sum: f64 = f.iter().map(|f| f.exp()).sum();
        let p = f.map(|f| f.exp() / sum);
        loss -= p[class].ln() / 3.0;
        let off = (0..3).map(|k| (p[k] - f64::from(u8::from(k == class))).powi(2) / p[k]);
        surrogate += off.sum::<f64>() / 6.0;
    }
    let close = |name: &str, expected: f64| {
        let value = found[name].as_f64().unwrap();
        assert!((value / expected - 1.0).abs() < 1e-9, "{name}: {value} {expected}");
    };
    close("loss", loss);
    close("gauss_newton_loss", surrogate);
    for name in ["alignment", "alignment_centred", "size_alignment"] {
        close(&format!("{name}_by_loss"), found[name].as_f64().unwrap() * surrogate / loss);
    }
    let text = lab.succeeds(&arguments);
    assert!(text.contains("Loss: mean cross-entropy; alignments in units of gauss_newton_loss"), "{text}");
    assert!(text.contains("alignment_by_loss"), "{text}");

    let start = "[start]\nkind = \"file\"\npath = \"point.safetensors\"\n[dynamics]";
    lab.write("y.toml", lab.read("x.toml").replacen("[dynamics]", start, 1));
    lab.succeeds(&["run", "y.toml", "--out", "out"]);
    for (name, expected) in [("train_loss", loss), ("gauss_newton_loss", surrogate)] {
        let recorded = column(&lab, "out", name)[0];
        assert!((recorded / expected - 1.0).abs() < 1e-9, "{name}: {recorded} {expected}");
    }

    let lab = with_network("square");
    tensors(&lab, NAMES, 1.0);
    let found: Value = serde_json::from_str(&lab.succeeds(&[&arguments[..], &["--json"]].concat())).unwrap();
    assert_eq!(found["loss"], found["gauss_newton_loss"]);
    assert!(found.get("alignment_by_loss").is_none());
}

#[test]
fn another_network_is_refused_by_its_tensors_and_wrappers_are_taken_off() {
    let lab = with_network("square");
    let arguments = ["measure", "point.safetensors", "--experiment", "x.toml"];
    tensors(&lab, NAMES, 1.0);
    let plain = lab.succeeds(&arguments);
    let wrapped = NAMES.map(|name| format!("module.{name}"));
    tensors(&lab, [0, 1, 2, 3].map(|k| wrapped[k].as_str()), 1.0);
    let note = "Names of tensors in point.safetensors: \"module.\" is taken off.";
    let wrapped = lab.succeeds(&arguments);
    assert!(wrapped.contains(note) && !plain.contains(note), "{wrapped}");
    assert_eq!(wrapped.replace(&format!("{note}\n"), ""), plain);
    let found: Value = serde_json::from_str(&lab.succeeds(&[&arguments[..], &["--json"]].concat())).unwrap();
    assert_eq!(found["notes"][0], note);

    tensors(&lab, ["0.weight", "1.bias", "2.weight", "2.bias"], 1.0);
    let refusal = "point.safetensors: does not hold the experiment's network: it lacks \"0.bias\", and also holds \"1.bias\"; \
                   expected the tensors \"0.weight\", \"0.bias\", \"2.weight\", \"2.bias\" and no others";
    assert_eq!(lab.refuses(&arguments), refusal);
    let start = "[start]\nkind = \"file\"\npath = \"point.safetensors\"\n[dynamics]";
    lab.write("y.toml", lab.read("x.toml").replacen("[dynamics]", start, 1));
    assert!(lab.refuses(&["run", "y.toml", "--out", "out"]).ends_with(refusal));
    assert!(lab.refuses(&["check", "y.toml"]).ends_with(refusal));
}

#[test]
fn a_network_that_overflows_is_refused_at_once() {
    let lab = with_network("square");
    tensors(&lab, NAMES, 1e200);
    let refused = lab.refuses(&["measure", "point.safetensors", "--experiment", "x.toml"]);
    assert!(refused.starts_with("point.safetensors: the kernel is not finite here"), "{refused}");
}
