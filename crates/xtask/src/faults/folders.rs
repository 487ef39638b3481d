//! Run folders that are damaged, edited, or full of what belongs to others.

use super::bench::Bench;
use super::files::change;
use super::samples::{NETWORK, PREDICTED, SWEEP};
use serde_json::Value;

const FILES: [&str; 4] = ["experiment.toml", "manifest.json", "metrics.parquet", "final.npz"];

pub(super) fn results_over_inputs(bench: &mut Bench, tries: usize) {
    let sweep = SWEEP.replace("20_000", "60");
    for k in 0..tries {
        bench.remove("own");
        bench.write("x.toml", &sweep);
        bench.call(&["run", "x.toml", "--out", "own", "-q"]);
        let data = "[problem]\nkind = \"file\"\npath = \"own/final.npz\"\n[model]\nkind = \"linear\"\n[dynamics]\nkind = \
                    \"gradient-descent\"\nsteps = 3\nlearning_rate = 0.01\n";
        let start = "[start]\nkind = \"file\"\npath = \"own/final.npz\"\narray = \"theta_0\"\n[dynamics]";
        let file = match k % 4 {
            0 => {
                bench.write("y.toml", data);
                "y.toml"
            }
            1 => {
                bench.write("y.toml", sweep.replace("[dynamics]", start));
                "y.toml"
            }
            2 => {
                let resolved = bench.read("own/experiment.toml");
                bench.write("own/experiment.toml", [b"# mine\n".to_vec(), resolved].concat());
                "own/experiment.toml"
            }
            _ => {
                bench.write("own/report.html", "mine");
                bench.remove("own/manifest.json");
                "x.toml"
            }
        };
        let before = bench.files("own");
        let ended = bench.call(&["run", file, "--out", "own", "--force"]);
        let same = ended.code == Some(2) && bench.files("own") == before;
        bench.expect(same, &format!("results took the place of their input (case {})", k % 4));
    }
}

pub(super) fn older_checkpoints(bench: &mut Bench, tries: usize) {
    for k in 0..tries {
        bench.remove("out");
        bench.write("x.toml", NETWORK);
        bench.call(&["run", "x.toml", "--out", "out", "-q", "--replicas", "6"]);
        let change = *bench.one(&["model.widths=[4]", "dynamics.learning_rate=1e6", "model.seed=3"]);
        if k % 2 == 0 {
            bench.write("x.toml", SWEEP.replace("20_000", "60"));
            bench.call(&["run", "x.toml", "--out", "out", "-q", "--force"]);
            let none = bench.files("out/checkpoints").is_empty();
            bench.expect(none, "checkpoints stay beside a run without networks");
        } else {
            bench.call(&["run", "x.toml", "--out", "out", "-q", "--force", "--set", change]);
            let few = bench.files("out/checkpoints").len() <= 2;
            bench.expect(few, "checkpoints of an older run stay");
        }
    }
}

/// Damages a run folder somewhere.
fn damage(bench: &mut Bench, folder: &str) {
    let name = *bench.one(&FILES);
    let path = format!("{folder}/{name}");
    match bench.below(6) {
        0 => bench.remove(&path),
        1 => bench.write(&path, ""),
        2 | 3 if name == "manifest.json" => {
            let Ok(mut manifest) = serde_json::from_slice::<Value>(&bench.read(&path)) else { return };
            edit(bench, &mut manifest);
            bench.write(&path, manifest.to_string());
        }
        2 => {
            let other = format!("{folder}/{}", bench.one(&FILES));
            let content = bench.read(&other);
            bench.write(&path, content);
        }
        _ => {
            let mut bytes = bench.read(&path);
            for _ in 0..=bench.below(3) {
                change(bench, &mut bytes);
            }
            bench.write(&path, bytes);
        }
    }
}

/// Changes a value of a manifest.
fn edit(bench: &mut Bench, value: &mut Value) {
    match value {
        Value::Object(map) if !map.is_empty() && bench.below(5) > 0 => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = bench.one(&keys).clone();
            if bench.below(6) == 0 {
                map.remove(&key);
            } else if let Some(inner) = map.get_mut(&key) {
                edit(bench, inner);
            }
        }
        Value::Array(items) if !items.is_empty() && bench.below(5) > 0 => {
            let at = bench.below(items.len());
            match bench.below(4) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => edit(bench, &mut items[at]),
            }
        }
        other => {
            let values = [
                Value::Null,
                (-1).into(),
                0.into(),
                1_000_000_000_000_u64.into(),
                0.5.into(),
                "x".into(),
                "\u{2028}</script>".into(),
                "running".into(),
                Value::Array(Vec::new()),
                Value::Object(serde_json::Map::new()),
                true.into(),
            ];
            *other = bench.one(&values).clone();
        }
    }
}

/// A finished run in the folder `whole`, damaged into the folder `out` before each call.
fn damaged(bench: &mut Bench, tries: usize, texts: &[&str], calls: &[&[&str]]) {
    for k in 0..tries {
        let text = texts[k % texts.len()];
        bench.write("x.toml", text);
        if k < texts.len() {
            bench.call(&["run", "x.toml", "--out", &format!("whole-{k}"), "-q"]);
        }
        bench.remove("out");
        let whole = format!("whole-{}", k % texts.len());
        for name in FILES {
            let content = bench.read(&format!("{whole}/{name}"));
            bench.write(&format!("out/{name}"), content);
        }
        for _ in 0..=bench.below(2) {
            damage(bench, "out");
        }
        for call in calls {
            bench.call(call);
        }
    }
}

pub(super) fn damaged_reports(bench: &mut Bench, tries: usize) {
    let sweep = SWEEP.replace("20_000", "60");
    damaged(bench, tries, &[&sweep, NETWORK, PREDICTED], &[&["report", "out"]]);
}

pub(super) fn damaged_comparisons(bench: &mut Bench, tries: usize) {
    damaged(bench, tries, &[PREDICTED], &[&["predict", "x.toml", "--against", "out"]]);
}
