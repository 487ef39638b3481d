//! Experiment files and options that are changed at random.

use super::bench::Bench;
use super::samples;

/// Values of every type and size.
const VALUES: [&str; 44] = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "7",
    "100000",
    "1_000_000_000",
    "4294967296",
    "1000000000000000000",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999",
    "0x10",
    "0.0",
    "-0.0",
    "0.5",
    "1.0",
    "1e-308",
    "1e-320",
    "1e18",
    "1e100",
    "1e308",
    "1e400",
    "-1e308",
    "nan",
    "inf",
    "-inf",
    "true",
    "false",
    "\"\"",
    "\"x\"",
    "\"full\"",
    "\"../..\"",
    "\"\\u0000\"",
    "\"a\\nb\"",
    "'''long\ntext'''",
    "[]",
    "[1]",
    "[[1, 2]]",
    "[0.5, \"x\"]",
    "{}",
    "{ a = 1 }",
    "1979-05-27",
];

/// Lines that set something.
fn settings(text: &str) -> Vec<usize> {
    let is_setting = |(_, line): &(usize, &str)| line.contains('=') && !line.starts_with('#');
    text.lines().enumerate().filter(is_setting).map(|(k, _)| k).collect()
}

/// A text with one setting, key or section changed.
fn with_a_change(bench: &mut Bench, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = *bench.one(&settings(text));
    let (key, value) = lines[at].split_once(" = ").map_or(("k", "1"), |(key, value)| (key, value));
    let (key, value) = (key.to_owned(), value.to_owned());
    lines[at] = match bench.below(12) {
        0 => String::new(),
        1 => format!("{key} = {value}\n{key} = {value}"),
        2 => format!("{key}s = {value}"),
        3 => format!("{key} = {{ inner = {value} }}"),
        4 => format!("{key} = [{value}]"),
        _ => format!("{key} = {}", bench.one(&VALUES)),
    };
    if bench.below(12) == 0 {
        let sections: Vec<usize> = (0..lines.len()).filter(|k| lines[*k].starts_with('[')).collect();
        let section = *bench.one(&sections);
        lines[section] = match bench.below(4) {
            0 => String::new(),
            1 => format!("{0}\n{0}", lines[section]),
            2 => lines[section].replace(']', "x]"),
            _ => format!("[{}]", lines[section]),
        };
    }
    lines.join("\n") + "\n"
}

pub(super) fn check_settings(bench: &mut Bench, tries: usize) {
    let samples = samples::all();
    for k in 0..tries {
        let text = with_a_change(bench, samples[k % samples.len()]);
        bench.write("x.toml", text);
        bench.call(&["check", "x.toml"]);
    }
}

pub(super) fn check_texts(bench: &mut Bench, tries: usize) {
    let samples = samples::all();
    for k in 0..tries {
        let text = samples[k % samples.len()];
        let bytes = changed_text(bench, text);
        bench.write("x.toml", bytes);
        bench.call(&["check", "x.toml"]);
    }
    let none =
        bench.files("").keys().all(|path| path.parent().is_some_and(|parent| parent == bench.path("")));
    bench.expect(none, "a check made a folder");
}

fn changed_text(bench: &mut Bench, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = bench.below(bytes.len());
    let repeated = match bench.below(16) {
        0 => {
            bytes.truncate(at);
            return bytes;
        }
        1 => {
            bytes[at] = bench.below(256) as u8;
            return bytes;
        }
        2 => {
            bytes.insert(at, bench.below(256) as u8);
            return bytes;
        }
        3 => {
            bytes.remove(at);
            return bytes;
        }
        4 => {
            bytes.swap(0, at);
            return bytes;
        }
        5 => return text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        6 => format!("\u{feff}{text}"),
        7 => text.replace('\n', "\r\n"),
        8 => format!("{text}k = {}1{}\n", "[".repeat(100_000), "]".repeat(100_000)),
        9 => text.replacen("seed", &"s".repeat(1 + bench.below(1_000_000)), 1),
        10 => format!("{text}\n[grid]\n\"model.init\" = [{}]\n", "0.5, ".repeat(bench.below(50_000))),
        11 => format!("{text}{}", "#".repeat(bench.below(2_000_000))),
        12 => text.replace(" = ", "=").replace('\n', "\n\n"),
        13 => format!("{text}\n[scale.quick]\n\"dynamics.steps\" = {}\n", bench.one(&VALUES)),
        14 => format!("{text}{}", "[[noise]]\nkind = \"label\"\n".repeat(1 + bench.below(300))),
        _ => [&text[..at], *bench.one(&samples::all()), &text[at..]].concat(),
    };
    repeated.into_bytes()
}

pub(super) fn run_changed(bench: &mut Bench, tries: usize) {
    let samples = samples::all();
    for k in 0..tries {
        let small = samples[k % samples.len()].replace("20_000", "200");
        let text = with_a_change(bench, &small);
        bench.write("x.toml", text);
        bench.remove("out");
        let checked = bench.call(&["check", "x.toml", "--json"]);
        if checked.code == Some(0) && is_large(&checked.stdout) {
            continue;
        }
        let ended = bench.call(&["run", "x.toml", "--out", "out", "-q"]);
        if checked.code == Some(2) {
            let nothing = ended.code == Some(2) && !bench.path("out").exists();
            bench.expect(nothing, "a file that check refuses is run, or leaves a folder");
        }
        if ended.code == Some(0) {
            bench.call(&["run", "out/experiment.toml", "--out", "out", "-q"]);
        }
    }
}

/// Whether a run would take seconds, or hundreds of megabytes.
fn is_large(json: &str) -> bool {
    let Ok(checked) = serde_json::from_str::<serde_json::Value>(json) else { return true };
    let number = |name: &str| checked[name].as_f64().unwrap_or(0.0);
    number("seconds") > 1.0
        || number("memory_bytes").max(number("memory")) > 3e8
        || number("replica_steps") > 1e6
}

pub(super) fn options(bench: &mut Bench, tries: usize) {
    let samples = samples::all();
    let keys = [
        "noise.0.std",
        "noise.5.std",
        "noise.0",
        "noise",
        "dynamics.steps",
        "dynamics.learning_rate.initial",
        "grid.noise.0.std",
        "grid",
        "model.kind",
        "problem.seed",
        "ensemble.replicas",
        "",
        ".",
        "..",
        "a.b.c.d",
        "name",
        "observe.at",
        "scale.x",
    ];
    let options = [
        "--set",
        "--replicas",
        "--seed",
        "--threads",
        "--out",
        "--data",
        "--nothing",
        "-x",
        "--",
        "--json",
        "-vvv",
    ];
    for k in 0..tries {
        bench.write("x.toml", samples[k % samples.len()]);
        let value = bench.one(&VALUES).replace(['\n', '\0'], " ");
        let assignment = format!("{}={value}", bench.one(&keys));
        let option = *bench.one(&options);
        let command = *bench.one(&["check", "check", "predict", "measure", "report", "nothing"]);
        let value = if option == "--set" { assignment } else { value };
        bench.call(&[command, "x.toml", option, &value]);
    }
}
