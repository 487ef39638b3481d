//! Experiments on images: which data are used, what is said about them, and what is refused.

use crate::lab::{Lab, ended, small};
use jostle_files::ArrayReader;

const SPARSE: &str = "kind = \"sparse-regression\"\nsamples = 10\ndim = 20\nsparsity = 2\nseed = 1";

/// A linear model on images of two classes.
fn on_images(problem: &str) -> String {
    let problem =
        format!("kind = \"images\"\nclasses = [\"3\", 5]\nsamples = 20\ntest_samples = 10\n{problem}");
    small(&[(SPARSE, &problem), ("\"quadratic\"\ninit = 0.5", "\"linear\"")])
}

/// Twelve records of CIFAR-10 with the classes 3 and 5 in turn, and small pictures.
fn records() -> Vec<u8> {
    let record = |k: u8| {
        [vec![if k.is_multiple_of(2) { 3 } else { 5 }], (0..3072).map(|v| (v as u8) ^ k).collect()].concat()
    };
    (0..12).flat_map(record).collect()
}

fn with_cifar(lab: &Lab, folder: &str) {
    lab.write(&format!("{folder}/data_batch_1.bin"), records());
    lab.write(&format!("{folder}/test_batch.bin"), records());
}

#[test]
fn the_digits_need_no_files_and_the_run_says_that_they_were_used() {
    let lab = Lab::with(&on_images(""));
    let said = lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let data = "the digits that are a part of jostle with 20 training and 10 test samples";
    assert!(said.contains(&format!("\nData: {data}.\n")), "{said}");
    assert!(lab.read("out/report.html").contains(data));
    assert!(lab.read("out/manifest.json").contains(&format!("\"data\": [\n    \"{data}\"\n  ]")));
    let resolved = lab.read("out/experiment.toml");
    let problem = resolved.split("[model]").next().unwrap();
    insta::assert_snapshot!(problem);
    let names = ArrayReader::open(&lab.path("out/final.npz")).unwrap().names().to_vec();
    assert_eq!(names, ["theta_0", "beta_0"], "images are not copied");
}

#[test]
fn a_data_set_is_found_by_option_by_variable_and_by_path() {
    let experiment = on_images("dataset = \"cifar-10\"\nfallback = \"digits\"");
    let lab = Lab::with(&experiment.replace("samples = 20", "samples = 8"));
    with_cifar(&lab, "data/cifar10");
    let place = std::fs::canonicalize(lab.path("data/cifar10")).unwrap().display().to_string();
    let expected = "# data: cifar-10 in cifar10 with 8 training and 10 test samples";
    let check = ["check", "x.toml", "--data", "data"];
    let said = lab.succeeds(&check);
    assert!(said.contains(expected), "{said}");
    assert!(said.contains(&format!("dataset = \"cifar-10\"\npath = \"{place}\"")), "{said}");
    let said =
        ended(lab.command(&["check", "x.toml"]).env("JOSTLE_DATA", lab.path("data").canonicalize().unwrap()));
    assert!(said.stdout.contains(expected), "{}", said.stdout);
    // What was found stands in the resolved experiment, wherever that lies and whatever the variable says.
    lab.succeeds(&["run", "x.toml", "--data", "data", "--out", "out"]);
    let again = lab.succeeds(&["check", "out/experiment.toml"]);
    assert!(again.contains(expected), "{again}");
    let by_path =
        lab.succeeds(&["check", "x.toml", "--set", "problem.path=data/cifar10", "--data", "nowhere"]);
    assert!(by_path.contains(expected), "{by_path}");
}

#[test]
fn a_network_learns_ten_digits() {
    let problem = "kind = \"images\"\nsamples = 100\nsubset = \"random\"";
    let model = "\"two-layer\"\nwidth = 30";
    let dynamics = ("steps = 60\nlearning_rate = 0.01", "steps = 300\nlearning_rate = 0.1");
    let noise = ("[[noise]]\nkind = \"label\"\nstd = 0.5\n", "");
    let recorded = ("at = { every = 20 }", "at = { every = 100 }\nquantities = [\"test_accuracy\"]");
    let changes = [(SPARSE, problem), ("\"quadratic\"\ninit = 0.5", model), dynamics, noise, recorded];
    let lab = Lab::with(&small(&changes));
    let said = lab.succeeds(&["run", "x.toml", "--out", "out", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let accuracy = said["cells"][0]["final"]["test_accuracy"]["median"].as_f64().unwrap();
    // Ten classes by chance are 0.1; other people wrote these digits.
    assert!(accuracy > 0.6, "{accuracy}");
}

#[test]
fn where_a_data_set_is_not_known_its_fallback_is_used_and_named() {
    let lab = Lab::with(&on_images("dataset = \"cifar-10\"\nfallback = \"digits\""));
    let said = lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let data = "the digits that are a part of jostle in place of cifar-10, whose files were not found, with 20 training and \
                10 test samples";
    assert!(said.contains(data), "{said}");
    assert!(lab.read("out/report.html").contains(data));
    let resolved = lab.read("out/experiment.toml");
    assert!(resolved.contains("dataset = \"digits\"\n") && !resolved.contains("fallback"), "{resolved}");
}

#[test]
fn of_a_fallback_no_more_images_are_asked_for_than_it_has_unless_the_grid_does() {
    let lab = Lab::with(&on_images("dataset = \"cifar-10\"\nfallback = \"digits\"\nsubset = \"random\""));
    lab.succeeds(&["run", "x.toml", "--out", "out", "--set", "problem.test_samples=5000"]);
    let resolved = lab.read("out/experiment.toml");
    assert!(resolved.contains("samples = 20\n") && !resolved.contains("5000"), "{resolved}");
    lab.succeeds(&["run", "out/experiment.toml", "--out", "again"]);
    let line = lab.refuses(&["run", "x.toml", "--out", "grid", "--set", "grid.problem.samples=[20, 5000]"]);
    assert!(line.contains("is 5000, but class") && line.contains("expected at most"), "{line}");
}

#[test]
fn a_data_set_that_is_not_there_is_refused_with_where_it_was_looked_for() {
    let lab = Lab::with(&on_images("dataset = \"cifar-10\""));
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--out", "out"]),
        "x.toml:8:11: problem.dataset is \"cifar-10\", and no folder of data is known; expected --data DIR, the variable \
         JOSTLE_DATA or problem.path, or \"digits\", which needs no files"
    );
    std::fs::create_dir(lab.path("data")).unwrap();
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--data", "data"]),
        "x.toml:8:11: problem.dataset is \"cifar-10\", but its files are neither in data nor in cifar-10-batches-bin, \
         cifar-10, cifar10 there; expected data_batch_1.bin, ..., test_batch.bin, or \"digits\", which needs no files"
    );
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--data", "nowhere"]),
        "nowhere: cannot open the folder: No such file or directory (os error 2)"
    );
    let place = lab.path("data").canonicalize().unwrap().display().to_string();
    let answer = lab.refuses(&["run", "x.toml", "--set", "problem.path=data"]);
    assert_eq!(
        answer.replace(&place, "/lab/data").replace(&lab.path("data").display().to_string(), "/lab/data"),
        "--set problem.path: problem.path is \"/lab/data\", where no files of \"cifar-10\" are; expected \
         data_batch_1.bin, ..., test_batch.bin"
    );
    assert_eq!(
        lab.refuses(&["run", "x.toml", "--set", "problem.path=data", "--set", "problem.dataset=digits"]),
        "--set problem.path: problem.path stands beside \"digits\", which needs no files"
    );
}

#[test]
fn damaged_images_and_impossible_choices_are_refused() {
    let lab = Lab::with(&on_images("dataset = \"cifar-10\"\npath = \"data\""));
    lab.write("data/data_batch_1.bin", &records()[1..]);
    let answer = lab.refuses(&["run", "x.toml"]);
    assert!(
        answer.ends_with(
            "data_batch_1.bin: is not a readable CIFAR-10 file: record 11 has 3072 bytes; expected 3073"
        ),
        "{answer}"
    );
    let answer = |set: &str| Lab::with(&on_images("")).refuses(&["run", "x.toml", "--set", set]);
    assert_eq!(
        answer("problem.samples=1000"),
        "--set problem.samples: problem.samples is 1000, but \"digits\" with these classes has 263 training images; \
         expected at most 263"
    );
    assert_eq!(
        answer("problem.classes=[1, \"ten\"]"),
        "--set problem.classes: problem.classes has \"ten\", not a class of \"digits\"; expected a number from 0 to 9 or \
         one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    );
    assert_eq!(
        answer("problem.classes=3"),
        "--set problem.classes: problem.classes is 3; expected a list of names or whole numbers"
    );
    assert_eq!(
        answer("problem.dataset=cifar10"),
        "--set problem.dataset: problem.dataset is \"cifar10\"; did you mean \"cifar-10\"?"
    );
}

#[test]
fn generated_samples_to_test_on_are_kept_with_the_data() {
    let problem = "kind = \"gaussian\"\nsamples = 10\ndim = 4\ncovariance_decay = 1\ntest_samples = 6";
    let lab = Lab::with(&small(&[(SPARSE, problem), ("replicas = 3", "replicas = 3\n")]));
    lab.succeeds(&["run", "x.toml", "--out", "out"]);
    let mut arrays = ArrayReader::open(&lab.path("out/final.npz")).unwrap();
    assert_eq!(arrays.shape("X_test").unwrap(), [6, 4]);
    assert_eq!(arrays.shape("y_test").unwrap(), [6]);
    // With data of their own, the rows of replica 0 come first.
    lab.succeeds(&["run", "x.toml", "--out", "own", "--set", "problem.data_per_replica=true"]);
    let mut own = ArrayReader::open(&lab.path("own/final.npz")).unwrap();
    assert_eq!(own.shape("X_test").unwrap(), [18, 4]);
    let (of_first, shared) = (own.read("X_test").unwrap().values, arrays.read("X_test").unwrap().values);
    assert_eq!(of_first[..24], shared);
    // The arrays of a run are the data of another one.
    let file = problem.replace(problem, "kind = \"file\"\npath = \"out/final.npz\"");
    lab.write("y.toml", small(&[(SPARSE, &file)]));
    let said = lab.succeeds(&["check", "y.toml"]);
    assert!(said.contains("final.npz: 10 samples of 4 features; 6 samples to test on"), "{said}");
}

/// The paper's own setting has no fallback: on other images it would be another experiment.
#[test]
fn the_largest_network_of_shape_matters_asks_for_cifar_100() {
    let lab = Lab::new();
    for name in ["vgg19-cifar100", "vgg19-cifar100-label-noise", "vgg19-cifar100-isotropic"] {
        let file =
            format!("{}/../jostle-papers/experiments/shape-matters/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let line = lab.refuses(&["check", &file]);
        assert!(line.contains("cifar-100"), "{line}");
    }
}
