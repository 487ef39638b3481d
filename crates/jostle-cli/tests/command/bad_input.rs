//! Bad input is refused with one line, exit code 2, and nothing written.

use crate::lab::{Lab, small};
use jostle_files::ArrayWriter;

/// The answer to the small experiment with passages replaced.
fn answer(changes: &[(&str, &str)]) -> String {
    Lab::with(&small(changes)).refuses(&["run", "x.toml", "--out", "out"])
}

/// The answer to the small experiment, called with these options.
fn answer_to_options(options: &[&str]) -> String {
    let arguments = [&["run", "x.toml", "--out", "out"], options].concat();
    Lab::with(&small(&[])).refuses(&arguments)
}

/// An experiment on a data file.
fn on_file(path: &str) -> String {
    let problem = "kind = \"sparse-regression\"\nsamples = 10\ndim = 20\nsparsity = 2\nseed = 1";
    small(&[(problem, &format!("kind = \"file\"\npath = \"{path}\""))])
}

fn on_csv(target: &str) -> String {
    let experiment = on_file("data.csv");
    experiment.replacen("data.csv\"", &format!("data.csv\"\ntarget = \"{target}\""), 1)
}

/// A folder with a data file of 3 samples in dimension 2, and an experiment on it.
fn with_arrays(x: [f64; 6], y: &[f64], truth: Option<&[f64]>) -> Lab {
    let lab = Lab::with(&on_file("data.npz"));
    let mut file = ArrayWriter::create(&lab.path("data.npz")).unwrap();
    file.matrix("X", 3, 2, &x).unwrap();
    file.vector("y", y).unwrap();
    if let Some(truth) = truth {
        file.vector("truth", truth).unwrap();
    }
    file.finish().unwrap();
    lab
}

fn refuses_data(lab: &Lab) -> String {
    let answer = lab.refuses(&["run", "x.toml", "--out", "out"]);
    answer.replace(&format!("{}/", lab.path("").canonicalize().unwrap().display()), "/lab/")
}

#[test]
fn an_unknown_key_is_placed_and_answered_with_the_nearest() {
    assert_eq!(
        answer(&[("samples", "sampels")]),
        r#"x.toml:5:1: problem.sampels is not a setting of "sparse-regression"; did you mean "samples"?"#
    );
}

#[test]
fn a_text_that_is_not_toml_is_placed() {
    assert_eq!(answer(&[("[model]", "[model")]), "x.toml:10:7: unclosed table, expected `]`");
}

#[test]
fn values_of_the_wrong_type_or_range_are_answered_with_what_is_expected() {
    let whole = "expected a whole number, at least 1";
    assert_eq!(answer(&[("= 10", "= \"ten\"")]), format!("x.toml:5:11: problem.samples is \"ten\"; {whole}"));
    assert_eq!(answer(&[("steps = 60", "steps = 0")]), format!("x.toml:16:9: dynamics.steps is 0; {whole}"));
    assert_eq!(
        answer(&[("replicas = 3", "replicas = 0")]),
        format!("x.toml:27:12: ensemble.replicas is 0; {whole}")
    );
    assert_eq!(
        answer(&[("0.01", "-0.01")]),
        "x.toml:17:17: dynamics.learning_rate is -0.01; expected a number above 0, or \
         { initial = 0.01, drops = [[100_000, 0.1]] }"
    );
    assert_eq!(
        answer(&[("0.01", "0.01\nmomentum = 1.0")]),
        "x.toml:18:12: dynamics.momentum is 1.0; expected a number, at least 0 and below 1"
    );
}

#[test]
fn unknown_noises_and_observables_are_answered_with_the_nearest() {
    assert_eq!(
        answer(&[("\"label\"", "\"lable\"")]),
        r#"x.toml:20:8: noise.0.kind is "lable"; did you mean "label"?"#
    );
    assert_eq!(
        answer(&[("{ every = 20 }", "{ every = 20 }\nquantities = [\"l1_norm\", \"test_eror\"]")]),
        r#"x.toml:25:26: observe.quantities.1 is "test_eror", not an observable; did you mean "test_error"?"#
    );
}

#[test]
fn a_batch_must_not_exceed_the_samples() {
    let too_many = r#"is 11, more than the 10 samples of the problem; expected "full" or at most 10"#;
    assert_eq!(answer(&[("0.01", "0.01\nbatch = 11")]), format!("x.toml:18:9: dynamics.batch {too_many}"));
    assert_eq!(
        answer(&[("replicas = 3", "replicas = 3\n[grid]\n\"dynamics.batch\" = [2, 11]")]),
        format!("x.toml:29:1: [grid] \"dynamics.batch\"[1] {too_many}")
    );
}

#[test]
fn noise_that_needs_the_full_gradient_refuses_mini_batches() {
    let noise = "kind = \"mini-batch-difference\"\nscale = 1.0\nbatch = 1";
    assert_eq!(
        answer(&[("0.01", "0.01\nbatch = 2"), ("kind = \"label\"\nstd = 0.5", noise)]),
        r#"x.toml:21:8: noise.0.kind adds to the full gradient; expected dynamics.batch = "full", not 2"#
    );
}

#[test]
fn batches_of_all_samples_whose_difference_would_be_no_noise_are_refused() {
    for batch in ["10", "100_000", "9223372036854775807"] {
        let noise = format!("kind = \"mini-batch-difference\"\nbatch = {batch}");
        assert_eq!(
            answer(&[("kind = \"label\"\nstd = 0.5", &noise)]),
            format!(
                "x.toml:21:9: noise.0.batch is {}, but the problem has 10 samples; expected fewer, as two batches of all \
                 samples do not differ",
                batch.replace('_', "")
            )
        );
    }
}

#[test]
fn what_only_one_cell_of_a_grid_lacks_is_said_of_that_cell() {
    let answer = answer(&[
        ("{ every = 20 }", "{ every = 20 }\nquantities = [\"distance_to_lasso\"]"),
        ("replicas = 3", "replicas = 3\n[grid]\n\"noise.0.std\" = [0.5, 0.0]\n\"model.init\" = [0.1, 0.2]"),
    ]);
    assert!(
        answer.starts_with(
            "x.toml:25:14: observe.quantities has \"distance_to_lasso\", which needs a predicted Lasso, but "
        ) && answer.ends_with(" (cell 2: noise.0.std = 0.0, model.init = 0.1)"),
        "{answer}"
    );
}

#[test]
fn nan_and_infinity_in_the_data_are_named_by_row_and_column() {
    let lab = with_arrays([1.0, 2.0, 3.0, 4.0, f64::NAN, 6.0], &[1.0, 2.0, 3.0], None);
    assert_eq!(refuses_data(&lab), "/lab/data.npz: X[row 2, column 0] is NaN; expected a finite number");
    let lab = with_arrays([1.0, 2.0, 3.0, f64::NEG_INFINITY, 5.0, 6.0], &[1.0, 2.0, 3.0], None);
    assert_eq!(refuses_data(&lab), "/lab/data.npz: X[row 1, column 1] is -inf; expected a finite number");
    let lab = with_arrays([1.0; 6], &[1.0, f64::INFINITY, 3.0], None);
    assert_eq!(refuses_data(&lab), "/lab/data.npz: y[1] is inf; expected a finite number");

    let lab = Lab::with(&on_csv("price"));
    lab.write("data.csv", "area,price\n1,2\n3,nan\n");
    let expected = "/lab/data.csv: line 3, column \"price\" is NaN; expected a finite number";
    assert_eq!(refuses_data(&lab), expected);
    lab.write("data.csv", "area,price\n1,2\nthree,4\n");
    assert_eq!(
        refuses_data(&lab),
        "/lab/data.csv: line 3, column \"area\": \"three\" is not a number; drop = [\"area\"] leaves the column out, and \
         categorical = [\"area\"] takes its values as names of levels"
    );
}

#[test]
fn labels_and_truth_must_have_the_length_of_the_data() {
    let lab = with_arrays([1.0; 6], &[1.0, 2.0], None);
    assert_eq!(refuses_data(&lab), "/lab/data.npz: y has 2 values, but X has 3 rows");
    let lab = with_arrays([1.0; 6], &[1.0, 2.0, 3.0], Some(&[1.0, 2.0, 3.0]));
    assert_eq!(refuses_data(&lab), "/lab/data.npz: truth has 3 values, but X has 2 columns");
}

#[test]
fn data_files_that_are_missing_or_something_else_are_refused() {
    let lab = Lab::with(&on_file("data.npz"));
    assert_eq!(
        refuses_data(&lab),
        "/lab/data.npz: cannot open the file: No such file or directory (os error 2)"
    );
    lab.write("data.npz", "PK? no.");
    let answer = refuses_data(&lab);
    assert!(answer.starts_with("/lab/data.npz: is not a readable npz file: "), "{answer}");

    let lab = Lab::with(&on_csv("prize"));
    lab.write("data.csv", "area,price\n1,2\n");
    assert_eq!(
        refuses_data(&lab),
        r#"/lab/data.csv: has no column "prize"; did you mean "price"?; present: area, price"#
    );
    let lab = Lab::with(&on_file("data.csv"));
    lab.write("data.csv", "area,price\n1,2\n");
    assert_eq!(
        refuses_data(&lab),
        r#"/lab/data.csv: needs target = "...", the column that holds y; columns: area, price"#
    );
}

#[test]
fn what_needs_a_truth_is_refused_without_one() {
    let lab = with_arrays([1.0; 6], &[1.0, 2.0, 3.0], None);
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--set", "observe.quantities=[\"test_error\"]"]),
        r#"--set observe.quantities: observe.quantities has "test_error", which needs a problem with a truth"#
    );
}

#[test]
fn a_distance_to_a_lasso_that_is_not_known_is_refused_with_the_reason() {
    let asked = ("at = { every = 20 }", "at = { every = 20 }\nquantities = [\"distance_to_lasso\"]");
    assert_eq!(
        answer(&[("kind = \"label\"", "kind = \"isotropic\""), asked]),
        "x.toml:25:14: observe.quantities has \"distance_to_lasso\", which needs a predicted Lasso, but no Lasso is known \
         for noise.0: acts on the parameters, not on the labels or the samples"
    );
}

#[test]
fn an_experiment_file_that_cannot_be_read_is_refused() {
    let lab = Lab::new();
    assert_eq!(lab.refuses(&["run", "x.toml"]), "x.toml: there is no such file");
    assert_eq!(lab.refuses(&["run", "two\nlines.toml"]), "two lines.toml: there is no such file");
    std::fs::create_dir(lab.path("x.toml")).unwrap();
    assert_eq!(lab.refuses(&["run", "x.toml"]), "x.toml: is a folder; expected an experiment file");
    lab.write("y.toml", b"name = \"\xff\"");
    assert_eq!(lab.refuses(&["run", "y.toml"]), "y.toml: is not a text file (byte 8 is not UTF-8)");
}

#[test]
fn an_output_folder_that_cannot_be_written_is_refused_before_anything_is_computed() {
    let lab = Lab::with(&small(&[("steps = 60", "steps = 1_000_000_000_000"), ("every = 20", "log = 20")]));
    lab.write("file", "");
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--out", "file/out"]),
        "file/out: cannot be a folder, because file is a file"
    );
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--out", "file"]),
        "file: cannot be a folder, because file is a file"
    );
    let answer = lab.refuses(&["run", "x.toml", "--out", ""]);
    assert!(answer.contains("--out"), "{answer}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_the_system_refuses_is_refused() {
    let lab = Lab::with(&small(&[("steps = 60", "steps = 1_000_000_000_000"), ("every = 20", "log = 20")]));
    let answer = lab.refuses(&["run", "x.toml", "--out", "/proc/jostle"]);
    assert!(answer.starts_with("/proc/jostle: cannot create the folder: "), "{answer}");
    let answer = lab.refuses(&["run", "x.toml", "--out", "/proc"]);
    assert!(answer.starts_with("/proc: cannot write into the folder: "), "{answer}");
}

#[cfg(target_os = "linux")]
/// The answer to what memory cannot hold: nothing of it is allocated, so that addresses for 4 GiB are enough.
fn answers_about_memory(changes: &[(&str, &str)], parts: &[&str]) {
    let lab = Lab::with(&small(changes));
    let before = lab.files();
    let script = "ulimit -v 4194304; exec \"$0\" run x.toml --out out";
    let mut command = std::process::Command::new("bash");
    command.args(["-c", script, env!("CARGO_BIN_EXE_jostle")]).current_dir(lab.path(""));
    let answer = crate::lab::ended(&mut command).refusal();
    assert_eq!(lab.files(), before);
    for part in parts {
        assert!(answer.contains(part), "{answer}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_does_not_fit_in_memory_is_refused_with_what_it_needs() {
    answers_about_memory(
        &[("samples = 10", "samples = 10_000_000"), ("dim = 20", "dim = 10_000_000")],
        &[
            "a design of 10000000 samples in dimension 10000000 needs 1.4 PiB, but ",
            " of memory are free; reduce problem.samples or problem.dim",
        ],
    );
    answers_about_memory(
        &[("steps = 60", "steps = 1e12"), ("every = 20", "every = 1")],
        &["the experiment \"small\" needs ", "reduce ensemble.replicas, the recorded steps (observe.at)"],
    );
    answers_about_memory(
        &[("replicas = 3", "replicas = 4_000_000_000")],
        &["the experiment \"small\" needs "],
    );
    // Each data set for itself is small.
    let seeds: Vec<String> = (0..50_000).map(|seed| seed.to_string()).collect();
    let grid = format!("replicas = 3\n[grid]\n\"problem.seed\" = [{}]", seeds.join(", "));
    answers_about_memory(
        &[("samples = 10", "samples = 10_000"), ("dim = 20", "dim = 10_000"), ("replicas = 3", &grid)],
        &["the data of 50000 problems needs 36.4 TiB, but ", "; reduce the grid"],
    );
    answers_about_memory(
        &[
            ("samples = 10", "samples = 1_000\ndata_per_replica = true"),
            ("dim = 20", "dim = 1_000"),
            ("replicas = 3", "replicas = 1_000_000"),
        ],
        &["the experiment \"small\" needs 7."],
    );
}

#[test]
fn options_that_make_no_sense_are_refused() {
    assert_eq!(
        answer_to_options(&["--set", "noise.0.sdt=1"]),
        r#"--set noise.0.sdt: noise.0.sdt is not a setting of "label"; did you mean "std"?"#
    );
    assert_eq!(
        answer_to_options(&["--set", "noise.0.std"]),
        r#"--set: "noise.0.std" has no value; expected key=value, as in noise.0.std=0.5"#
    );
    assert_eq!(
        answer_to_options(&["--set", "dynamics.learning_rate=-1"]),
        "--set dynamics.learning_rate: dynamics.learning_rate is -1; expected a number above 0, or \
         { initial = 0.01, drops = [[100_000, 0.1]] }"
    );
    assert_eq!(
        answer_to_options(&["--threads", "0"]),
        "invalid value '0' for '--threads <T>': 0 is not in 1..=65535"
    );
    assert_eq!(answer_to_options(&["--scale", "quick"]), "unexpected argument '--scale' found");
    assert_eq!(answer_to_options(&["-q", "-v"]), "the argument '--quiet' cannot be used with '--verbose'");
}

#[test]
fn commands_that_do_not_exist_are_refused() {
    let lab = Lab::new();
    assert_eq!(
        lab.refuses(&["chek", "x.toml"]),
        "unrecognized subcommand 'chek'; tip: a similar subcommand exists: 'check'"
    );
    assert_eq!(lab.refuses(&["run"]), "the following required arguments were not provided: <FILE>");
    // Of the contract, but of later versions.
    assert_eq!(lab.refuses(&["run", "x.toml", "--resume"]), "unexpected argument '--resume' found");
}

#[cfg(unix)]
#[test]
fn a_full_standard_error_is_no_reason_to_panic() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let status = Lab::new().command(&["run", "x.toml"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
