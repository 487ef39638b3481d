//! Data, starts and points in files that are cut, flipped and mixed.

use super::bench::Bench;
use super::samples::{NETWORK, SWEEP};

const CSV: &str = "a,b,y\n1,2,3\n4,5,6\n7,8,9\n0.5,1e3,-2\n";

/// A file that is read, and the calls that read it.
struct Input {
    name: &'static str,
    content: Vec<u8>,
    calls: &'static [&'static [&'static str]],
}

fn inputs(bench: &mut Bench) -> Vec<Input> {
    bench.write("sweep.toml", SWEEP.replace("20_000", "60"));
    bench.write("network.toml", NETWORK);
    bench.call(&["run", "sweep.toml", "--out", "sweep", "-q"]);
    bench.call(&["run", "network.toml", "--out", "network", "-q"]);
    let problem = |path: &str, target: &str| {
        format!(
            "[problem]\nkind = \"file\"\npath = \"{path}\"\n{target}[model]\nkind = \"linear\"\n[dynamics]\nkind = \
             \"gradient-descent\"\nsteps = 3\nlearning_rate = 0.01\n[ensemble]\nreplicas = 1\n"
        )
    };
    bench.write("npz.toml", problem("data.npz", ""));
    bench.write("csv.toml", problem("data.csv", "target = \"y\"\n"));
    bench.write("parquet.toml", problem("data.parquet", "target = \"l1_norm\"\n"));
    let start = "[start]\nkind = \"file\"\npath = \"start.npz\"\narray = \"theta_0\"\n[dynamics]";
    bench.write("start.toml", SWEEP.replace("20_000", "60").replace("[dynamics]", start));
    let [arrays, table, checkpoint] =
        ["sweep/final.npz", "sweep/metrics.parquet", "network/checkpoints/cell0-replica0.safetensors"]
            .map(|name| bench.read(name));
    vec![
        Input { name: "data.npz", content: arrays.clone(), calls: &[&["check", "npz.toml"]] },
        Input { name: "data.csv", content: CSV.as_bytes().to_vec(), calls: &[&["check", "csv.toml"]] },
        Input { name: "data.parquet", content: table, calls: &[&["check", "parquet.toml"]] },
        Input { name: "start.npz", content: arrays.clone(), calls: &[&["check", "start.toml"]] },
        Input { name: "point.npz", content: arrays, calls: &[&["measure", "point.npz", "--batch", "2"]] },
        Input {
            name: "point.safetensors",
            content: checkpoint,
            calls: &[&["measure", "point.safetensors", "--experiment", "network.toml", "--batch", "2"]],
        },
    ]
}

pub(super) fn changed(bench: &mut Bench, tries: usize) {
    let inputs = inputs(bench);
    for k in 0..tries {
        let input = &inputs[k % inputs.len()];
        let mut bytes = input.content.clone();
        for _ in 0..=bench.below(3) {
            change(bench, &mut bytes);
        }
        bench.write(input.name, bytes);
        for call in input.calls {
            bench.call(call);
        }
    }
}

/// Changes the bytes of a file somewhere.
pub(super) fn change(bench: &mut Bench, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    // Headers are short, and where most can go wrong.
    let end = if bench.below(2) == 0 { bytes.len() } else { bytes.len().min(300) };
    let at = bench.below(end);
    match bench.below(8) {
        0 => bytes.truncate(at),
        1 | 2 => bytes[at] = bench.below(256) as u8,
        3 => bytes[at] ^= 1 << bench.below(8),
        4 => bytes.insert(at, bench.below(256) as u8),
        5 => {
            let to = (at + bench.below(64)).min(bytes.len());
            bytes.drain(at..to);
        }
        6 => {
            let to = (at + 8).min(bytes.len());
            let value = *bench.one(&[0_u64, 1, u64::MAX, 1 << 31, 1 << 40, 1 << 63]);
            bytes[at..to].copy_from_slice(&value.to_le_bytes()[..to - at]);
        }
        _ => {
            let to = (at + bench.below(200)).min(bytes.len());
            let copy = bytes[at..to].to_vec();
            bytes.splice(at..at, copy).for_each(drop);
        }
    }
}
