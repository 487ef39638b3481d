//! `jostle reproduce`: the papers, their claims and their folders.

use crate::lab::Lab;
use serde_json::Value;

fn claims(json: &str) -> Vec<(String, bool)> {
    let result: Value = serde_json::from_str(json).unwrap();
    let claims = result["claims"].as_array().unwrap();
    claims.iter().map(|c| (c["id"].as_str().unwrap().to_owned(), c["holds"].as_bool().unwrap())).collect()
}

#[test]
fn without_a_name_the_papers_are_listed_with_figures_claims_and_times() {
    let lab = Lab::new();
    let text = lab.succeeds(&["reproduce"]);
    for part in ["shape-matters", "arXiv:2006.08680", "quick", "standard", "paper", "A1", "A8", "Test error"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let json: Value = serde_json::from_str(&lab.succeeds(&["reproduce", "--json"])).unwrap();
    assert_eq!(json[0]["claims"].as_array().unwrap().len(), 8);
    assert!(lab.files().is_empty(), "listing writes nothing");
}

#[test]
fn an_unknown_paper_is_refused_with_the_names_there_are() {
    let line = Lab::new().refuses(&["reproduce", "shape-maters"]);
    assert_eq!(
        line,
        "no paper is called \"shape-maters\"; expected shape-matters, label-noise-lasso, alignment"
    );
}

#[test]
fn a_change_that_one_experiment_does_not_allow_is_refused_before_anything_runs() {
    let line = Lab::new().refuses(&["reproduce", "shape-matters", "--set", "dynamics.stepz=5"]);
    assert!(line.contains("stepz") && line.contains("steps"), "{line}");
}

#[test]
fn the_quick_scale_holds_every_claim_and_leaves_a_complete_folder() {
    let lab = Lab::new();
    let json = lab.succeeds(&["reproduce", "shape-matters", "--scale", "quick", "--out", "paper", "--json"]);
    let ids = ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"];
    assert_eq!(claims(&json), ids.map(|id| (id.to_owned(), true)), "{json}");
    let result: Value = serde_json::from_str(&json).unwrap();
    assert!(result["rule"].as_str().unwrap().starts_with("A claim holds when its 95 % interval"), "{json}");
    let remarks = result["remarks"].as_array().unwrap();
    assert_eq!(remarks[0], "Not run here: N4, N5 (--with-networks).");
    assert!(remarks[1].as_str().unwrap().starts_with("Known to fail: N4 on the digits"), "{json}");
    let names = lab.names_in("paper");
    for name in ["claims.json", "manifest.json", "report.html", "experiments", "label", "gd", "shape"] {
        assert!(names.contains(&name.to_owned()), "{name} is missing: {names:?}");
    }
    let first: Value = serde_json::from_str(&lab.read("paper/claims.json")).unwrap();
    let keys: Vec<_> = first[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["id", "paper", "statement", "measured", "low", "high", "expected", "holds", "how", "source"]
    );
    assert_eq!((&first[0]["source"], &first[4]["source"]), (&Value::from("paper"), &Value::from("jostle")));
    assert_eq!(first[0]["paper"], "shape-matters");
    // The report is a pure function of the folder.
    let report = lab.bytes("paper/report.html");
    std::fs::remove_file(lab.path("paper/report.html")).unwrap();
    lab.succeeds(&["report", "paper"]);
    assert!(lab.bytes("paper/report.html") == report, "the rebuilt report differs");
    // The files it wrote can be run on their own, and give the same numbers.
    let label = lab.bytes("paper/label/metrics.parquet");
    lab.succeeds(&["run", "paper/label/experiment.toml", "--out", "again", "--threads", "1", "-q"]);
    assert!(lab.bytes("again/metrics.parquet") == label, "the resolved experiment gives other numbers");
}

#[test]
fn the_quick_scale_holds_every_claim_about_the_lasso() {
    let lab = Lab::new();
    let json =
        lab.succeeds(&["reproduce", "label-noise-lasso", "--scale", "quick", "--out", "paper", "--json"]);
    let ids = ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"];
    assert_eq!(claims(&json), ids.map(|id| (id.to_owned(), true)), "{json}");
    let report = lab.bytes("paper/report.html");
    std::fs::remove_file(lab.path("paper/report.html")).unwrap();
    lab.succeeds(&["report", "paper"]);
    assert!(lab.bytes("paper/report.html") == report, "the rebuilt report differs");
}

#[test]
fn the_quick_scale_holds_every_claim_about_the_alignment() {
    let lab = Lab::new();
    let json = lab.succeeds(&["reproduce", "alignment", "--scale", "quick", "--out", "paper", "--json"]);
    let ids = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "N1", "N2", "N3"];
    assert_eq!(claims(&json), ids.map(|id| (id.to_owned(), true)), "{json}");
    let report = lab.bytes("paper/report.html");
    std::fs::remove_file(lab.path("paper/report.html")).unwrap();
    lab.succeeds(&["report", "paper"]);
    assert!(lab.bytes("paper/report.html") == report, "the rebuilt report differs");
}

#[test]
fn networks_of_a_paper_that_has_none_are_refused_with_the_papers_that_have_some() {
    let lab = Lab::new();
    let line = lab.refuses(&["reproduce", "label-noise-lasso", "--with-networks"]);
    assert_eq!(line, "label-noise-lasso has no further experiments on networks; expected shape-matters");
    assert!(lab.files().is_empty(), "nothing is written");
}

/// With this much momentum everything diverges within a few steps: no claim about recovery can hold.
#[test]
fn claims_fail_with_exit_code_1_when_the_runs_do_not_bear_them_out() {
    let lab = Lab::new();
    let call =
        ["reproduce", "shape-matters", "--scale", "quick", "--set", "dynamics.momentum=0.9999", "--json"];
    let ended = lab.jostle(&call);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let failed: Vec<_> =
        claims(&ended.stdout).into_iter().filter(|(_, holds)| !holds).map(|(id, _)| id).collect();
    assert_eq!(failed, ["A1", "A2", "A3", "A4", "A5", "A6", "A8"], "A7 is about designs, not runs");
}

#[test]
fn a_reproduction_survives_being_moved_and_shows_no_path_of_this_machine() {
    let lab = Lab::new();
    let call = ["reproduce", "label-noise-lasso", "--scale", "quick", "--out", "a"];
    lab.succeeds(&call);
    let here = lab.path("").canonicalize().unwrap().display().to_string();
    for (path, content) in lab.files() {
        let Some(content) = content else { continue };
        let names_it = content.windows(here.len()).any(|window| window == here.as_bytes());
        assert!(!names_it, "{} names this folder", path.display());
    }
    // Again where it has been moved to; another scale or paper only by force.
    let claims = lab.bytes("a/claims.json");
    std::fs::rename(lab.path("a"), lab.path("b")).unwrap();
    lab.succeeds(&["report", "b"]);
    lab.succeeds(&["reproduce", "label-noise-lasso", "--scale", "quick", "--out", "b"]);
    assert!(lab.bytes("b/claims.json") == claims);
    let mut with_data = 0;
    for name in lab.names_in("b") {
        let file = format!("b/{name}/experiment.toml");
        if lab.path(&file).exists() && lab.read(&file).contains("path = \"../experiments/") {
            with_data += 1;
            let metrics = lab.bytes(&format!("b/{name}/metrics.parquet"));
            lab.succeeds(&["run", &file, "--out", &format!("again-{name}"), "-q"]);
            assert!(lab.bytes(&format!("again-{name}/metrics.parquet")) == metrics, "{name}");
        }
    }
    assert!(with_data > 0);
    let advice = "choose another folder with --out, or replace it with --force";
    assert_eq!(
        lab.refuses(&["reproduce", "shape-matters", "--scale", "quick", "--out", "b"]),
        format!("b: holds a finished run of another experiment: it reproduces label-noise-lasso; {advice}")
    );
    assert_eq!(
        lab.refuses(&["reproduce", "label-noise-lasso", "--out", "b"]),
        format!("b: holds a finished run of another experiment: its scale is quick; {advice}")
    );
    lab.write("b/experiments/columns.npz", "changed");
    assert_eq!(
        lab.refuses(&["reproduce", "label-noise-lasso", "--scale", "quick", "--out", "b"]),
        format!(
            "b: holds a finished run of another experiment: experiments/columns.npz was changed; {advice}"
        )
    );
}

#[test]
fn a_folder_that_is_not_a_run_is_refused() {
    let lab = Lab::new();
    lab.write("empty/x.txt", "");
    let line = lab.refuses(&["report", "empty"]);
    assert!(line.starts_with("empty: not a run folder: manifest.json cannot be read"), "{line}");
}
