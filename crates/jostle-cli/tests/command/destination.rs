//! What a run does to a folder that holds something already.

use crate::lab::{Lab, small};
use jostle_files::ArrayWriter;

/// What `out` holds, but for what tells the time.
fn results(lab: &Lab) -> Vec<(String, Vec<u8>)> {
    let names = lab.names_in("out").into_iter();
    let names = names.filter(|name| !["manifest.json", "report.html"].contains(&name.as_str()));
    names.map(|name| (name.clone(), lab.bytes(&format!("out/{name}")))).collect()
}

const GENERATED: &str = "kind = \"sparse-regression\"\nsamples = 10\ndim = 20\nsparsity = 2\nseed = 1";

/// Data of one sample of two features.
fn write_data(lab: &Lab, name: &str) {
    let mut file = ArrayWriter::create(&lab.path(name)).unwrap();
    file.matrix("X", 1, 2, &[1.0, 2.0]).unwrap();
    file.vector("y", &[1.0]).unwrap();
    file.finish().unwrap();
}

#[test]
fn the_same_experiment_is_run_again_in_its_place() {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml"]);
    let before = lab.bytes("runs/small/metrics.parquet");
    lab.succeeds(&["run", "x.toml"]);
    // So is its resolved form.
    lab.succeeds(&["run", "runs/small/experiment.toml"]);
    assert!(lab.bytes("runs/small/metrics.parquet") == before);
    assert_eq!(lab.names_in("runs"), ["small"]);
    // Results that were lost are made again.
    std::fs::remove_file(lab.path("runs/small/metrics.parquet")).unwrap();
    lab.succeeds(&["run", "x.toml"]);
    assert!(lab.bytes("runs/small/metrics.parquet") == before);
}

#[test]
fn another_experiment_takes_the_place_of_a_finished_one_only_by_force() {
    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let advice = "choose another folder with --out, or replace it with --force";
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--out", "out", "--seed", "7"]),
        format!(
            "out: holds a finished run of another experiment: ensemble.seed is 0 there and 7 here; {advice}"
        )
    );
    let before = results(&lab);
    lab.succeeds(&["run", "x.toml", "--out", "out", "--seed", "7", "--force"]);
    assert!(results(&lab) != before);
    assert!(lab.read("out/experiment.toml").contains("seed = 7"));
    // A prediction is another experiment, too.
    let line = lab.refuses(&["predict", "x.toml", "--out", "out"]);
    assert!(line.starts_with("out: holds a finished run of another experiment: ensemble.seed"), "{line}");
    // And so is what another version made.
    let manifest = lab.read("out/manifest.json").replace(env!("CARGO_PKG_VERSION"), "0.0.9");
    lab.write("out/manifest.json", manifest);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--out", "out", "--seed", "7"]),
        format!("out: holds a finished run of jostle 0.0.9, and this is {version}; {advice}")
    );
}

#[test]
fn force_without_a_folder_to_write_is_refused() {
    let lab = Lab::with(&small(&[]));
    assert!(lab.refuses(&["predict", "x.toml", "--force"]).contains("--out <DIR>"));
}

#[test]
fn files_of_others_are_left_alone() {
    let lab = Lab::with(&small(&[]));
    lab.write("notes.txt", "mine");
    lab.write("checkpoints/best.safetensors", "mine");
    lab.succeeds(&["run", "x.toml", "--out", "."]);
    lab.succeeds(&["run", "x.toml", "--out", ".", "--seed", "3", "--force"]);
    assert_eq!(lab.read("notes.txt"), "mine");
    assert_eq!(lab.read("checkpoints/best.safetensors"), "mine");
    assert!(lab.read("x.toml") == small(&[]));
}

#[test]
fn files_of_others_with_the_names_of_results_are_not_replaced_even_by_force() {
    for (name, content) in
        [("final.npz", "mine"), ("report.html", "mine"), ("manifest.json", "{\"name\": \"app\"}")]
    {
        let lab = Lab::with(&small(&[]));
        lab.write(&format!("out/{name}"), content);
        let expected =
            format!("out: holds {name}, which jostle has not written; choose another folder with --out");
        assert_eq!(lab.refuses(&["run", "x.toml", "--out", "out"]), expected);
        assert_eq!(lab.refuses(&["run", "x.toml", "--out", "out", "--force"]), expected);
    }
}

#[test]
fn data_and_starts_are_not_overwritten_by_results() {
    let lab = Lab::new();
    write_data(&lab, "final.npz");
    lab.write("x.toml", small(&[(GENERATED, "kind = \"file\"\npath = \"final.npz\"")]));
    let line = lab.refuses(&["run", "x.toml", "--out", ".", "--force"]);
    assert!(line.starts_with("x.toml:5:8: problem.path is ") && line.contains("final.npz"), "{line}");
    assert!(line.ends_with("which the results would overwrite; choose another folder with --out"), "{line}");

    let lab = Lab::with(&small(&[]));
    lab.succeeds(&["run", "x.toml"]);
    let begin =
        "[start]\nkind = \"file\"\npath = \"runs/small/final.npz\"\narray = \"theta_0\"\n\n[dynamics]";
    lab.write("x.toml", small(&[("[dynamics]", begin)]));
    for options in [&[][..], &["--force"]] {
        let line = lab.refuses(&[&["run", "x.toml"], options].concat());
        assert!(line.starts_with("x.toml:16:8: start.path is "), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn an_input_is_recognised_by_any_of_its_names() {
    let lab = Lab::new();
    write_data(&lab, "data.npz");
    std::fs::create_dir(lab.path("out")).unwrap();
    std::os::unix::fs::symlink(lab.path("out"), lab.path("link")).unwrap();
    std::fs::hard_link(lab.path("data.npz"), lab.path("out/final.npz")).unwrap();
    lab.write("x.toml", small(&[(GENERATED, "kind = \"file\"\npath = \"data.npz\"")]));
    let line = lab.refuses(&["run", "x.toml", "--out", "link"]);
    assert!(line.contains("problem.path is "), "{line}");
}

#[test]
fn an_experiment_file_is_not_replaced_by_its_resolved_form() {
    let lab = Lab::new();
    lab.write("own/experiment.toml", format!("# why I run this\n{}", small(&[])));
    assert_eq!(
        lab.refuses(&["run", "own/experiment.toml", "--out", "own"]),
        "own/experiment.toml: would be overwritten by its resolved form, without comments; choose another folder with \
         --out"
    );
}

#[test]
fn a_page_does_not_take_the_place_of_what_was_measured() {
    let lab = Lab::new();
    let mut file = ArrayWriter::create(&lab.path("point.npz")).unwrap();
    file.matrix("kernel", 2, 2, &[2.0, 0.0, 0.0, 1.0]).unwrap();
    file.vector("residuals", &[1.0, 1.0]).unwrap();
    file.finish().unwrap();
    assert_eq!(
        lab.refuses(&["measure", "point.npz", "--plot", "./point.npz"]),
        "point.npz: would be overwritten by the page; choose another file with --plot"
    );
}

#[cfg(unix)]
mod at_work {
    use super::{Lab, results, small};
    use crate::interrupt::{ENDLESS, Running};

    #[test]
    fn an_interrupt_leaves_the_finished_results_of_an_older_run() {
        let lab = Lab::with(&small(&ENDLESS));
        // The same experiment, finished as if it were shorter.
        lab.succeeds(&["run", "x.toml", "--out", "out", "--set", "grid.dynamics.steps=[60,61]"]);
        let before = lab.files();
        for name in ["-INT", "-TERM", "-HUP"] {
            let mut running = Running::start_with(&lab, &["--force"]);
            running.signal(name);
            let (code, said) = running.end();
            assert_eq!(code, Some(3), "{said}");
            assert_eq!(said, "interrupted; out holds what it held before, and nothing of this run\n");
            assert!(lab.files() == before, "{name} changed something");
        }
    }

    #[test]
    fn an_unfinished_run_is_replaced_only_by_force_and_only_by_more() {
        let lab = Lab::with(&small(&ENDLESS));
        let mut running = Running::start(&lab);
        running.signal("-INT");
        assert_eq!(running.end().0, Some(3));
        assert_eq!(
            lab.refuses(&["run", "x.toml", "--out", "out"]),
            "out: holds an unfinished run, which was interrupted; choose another folder with --out, or replace it \
             with --force"
        );
        let before = lab.files();
        let endless = ["--force", "--set", "grid.dynamics.steps=[1_000_000_000_000]"];
        let mut running = Running::start_with(&lab, &endless);
        running.signal("-INT");
        assert_eq!(running.end().0, Some(3));
        assert!(lab.files() == before, "a cell that is finished is worth more than none");
        lab.succeeds(&["run", "x.toml", "--out", "out", "--force", "--set", "grid.dynamics.steps=[60]"]);
        assert!(lab.read("out/manifest.json").contains("\"done\""));
        assert_eq!(results(&lab).len(), 3);
    }

    #[test]
    fn a_second_process_is_refused_and_told_who_is_at_work() {
        let lab = Lab::with(&small(&ENDLESS));
        let mut running = Running::start(&lab);
        for options in [&[][..], &["--force"]] {
            let line = lab.jostle(&[&["run", "x.toml", "--out", "out"], options].concat()).refusal();
            let begin = format!("out: is in use by process {} on ", running.id());
            assert!(line.starts_with(&begin), "{line}");
            assert!(line.ends_with(" UTC; wait for its end, or choose another folder"), "{line}");
        }
        // Whoever is killed leaves no lock that holds.
        running.signal("-KILL");
        running.end();
        assert_eq!(
            lab.jostle(&["run", "x.toml", "--out", "out"]).refusal(),
            "out: holds an unfinished run, which was killed or failed; choose another folder with --out, or replace \
             it with --force"
        );
        lab.succeeds(&["run", "x.toml", "--out", "out", "--force", "--set", "grid.dynamics.steps=[60]"]);
    }
}
