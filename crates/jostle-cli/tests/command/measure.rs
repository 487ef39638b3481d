//! `jostle measure` answers by the names that scripts rely on.

use crate::lab::Lab;
use jostle_files::ArrayWriter;
use serde_json::Value;

/// Three samples, two parameters, and residuals, with everything about them worked out by hand.
const JACOBIAN: [f64; 6] = [1.0, 0.0, 0.0, 2.0, 1.0, 1.0];
const RESIDUALS: [f64; 3] = [1.0, -1.0, 2.0];

fn file(lab: &Lab, name: &str, arrays: &[(&str, &[usize], &[f64])]) {
    let mut file = ArrayWriter::create(&lab.path(name)).unwrap();
    for (array, shape, values) in arrays {
        match shape {
            [_] => file.vector(array, values).unwrap(),
            [rows, columns] => file.matrix(array, *rows, *columns, values).unwrap(),
            _ => unreachable!(),
        }
    }
    file.finish().unwrap();
}

fn with_jacobian() -> Lab {
    let lab = Lab::new();
    file(&lab, "point.npz", &[("jacobian", &[3, 2], &JACOBIAN), ("residuals", &[3], &RESIDUALS)]);
    lab
}

fn with_kernel(kernel: &[f64], residuals: &[f64]) -> Lab {
    let lab = Lab::new();
    let side = kernel.len().isqrt();
    file(
        &lab,
        "point.npz",
        &[("kernel", &[side, side], kernel), ("residuals", &[residuals.len()], residuals)],
    );
    lab
}

fn json(lab: &Lab, options: &[&str]) -> Value {
    let arguments = [&["measure", "point.npz", "--json"], options].concat();
    serde_json::from_str(&lab.succeeds(&arguments)).unwrap()
}

fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{found} instead of {expected}"));
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} instead of {expected}");
}

const QUANTITIES: [&str; 17] = [
    "n",
    "p",
    "loss",
    "trace_G",
    "frobenius_G",
    "lambda_max_G",
    "effective_rank",
    "trace_noise",
    "trace_noise_G",
    "trace_noise_uncentred",
    "trace_noise_G_uncentred",
    "gauss_newton_loss",
    "alignment",
    "alignment_centred",
    "angle_alignment",
    "size_alignment",
    "gd_limit",
];

#[test]
fn a_jacobian_by_hand() {
    // G = [[2, 1], [1, 5]]/3; g_i = (1, 0), (0, -2), (2, 2); grad L = (1, 0).
    let found = json(&with_jacobian(), &[]);
    let keys: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, [&QUANTITIES[..], &["stability"]].concat());
    assert_eq!((&found["n"], &found["p"]), (&Value::from(3), &Value::from(2)));
    let frobenius = 31f64.sqrt() / 3.0;
    let lambda = (7.0 + 13f64.sqrt()) / 6.0;
    close(&found["loss"], 1.0);
    close(&found["trace_G"], 7.0 / 3.0);
    close(&found["frobenius_G"], frobenius);
    close(&found["lambda_max_G"], lambda);
    close(&found["effective_rank"], 49.0 / 31.0);
    close(&found["trace_noise"], 13.0 / 3.0 - 1.0);
    // Tr(Sigma_1 G) = (1/9) sum_i g_i' (3 G) g_i = (2 + 20 + 36)/9.
    close(&found["trace_noise_G"], 58.0 / 9.0 - 2.0 / 3.0);
    close(&found["trace_noise_uncentred"], 13.0 / 3.0);
    close(&found["trace_noise_G_uncentred"], 58.0 / 9.0);
    close(&found["gauss_newton_loss"], 1.0);
    close(&found["alignment"], 58.0 / 9.0 / (2.0 * 31.0 / 9.0));
    close(&found["alignment_centred"], 52.0 / 9.0 / (2.0 * 31.0 / 9.0));
    // Sigma_1 = [[5, 4], [4, 8]]/3.
    let noise = 11.0 / 3.0;
    close(&found["angle_alignment"], 58.0 / 9.0 / (noise * frobenius));
    close(&found["size_alignment"], noise / (2.0 * frobenius));
    close(&found["gd_limit"], 2.0 / lambda);
}

#[test]
fn all_batches_in_powers_of_two_are_answered_where_none_is_given() {
    let lab = with_jacobian();
    let found = json(&lab, &["--learning-rate", "0.5"]);
    let list = found["stability"].as_array().unwrap();
    assert_eq!(list.iter().map(|entry| entry["batch"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    for entry in list {
        let keys: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            ["batch", "max_stable_learning_rate", "trace_bound", "frobenius_bound", "verdict", "growth_rate"]
        );
        let one = json(&lab, &["--learning-rate", "0.5", "--batch", &entry["batch"].to_string()]);
        for name in &keys[1..] {
            match one[name].as_f64() {
                Some(value) => close(&entry[name], value),
                None => assert_eq!(entry[name], one[name]),
            }
        }
    }
}

#[test]
fn one_batch_has_numbers_of_its_own() {
    let found = json(&with_jacobian(), &["--batch", "1", "--learning-rate", "0.45"]);
    let keys: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    let of_batch = ["max_stable_learning_rate", "trace_bound", "frobenius_bound", "verdict", "growth_rate"];
    assert_eq!(keys, [&QUANTITIES[..], &of_batch].concat());
    // (T) with p = 1: 2 Tr G / mean |g_i|^4 over the rows 1, 4, 2 of squared norms.
    close(&found["trace_bound"], 14.0 / 3.0 / (21.0 / 3.0));
    let mu = 58.0 / 62.0;
    close(&found["frobenius_bound"], (1.0f64 / mu).sqrt() / (31f64.sqrt() / 3.0));
    let limit = found["max_stable_learning_rate"].as_f64().unwrap();
    assert!(limit <= 2.0 / 3.0 && limit > 0.3, "{limit}");
    let stable = limit >= 0.45;
    assert_eq!(found["verdict"], if stable { "stable" } else { "unstable" });
    assert_eq!(found["growth_rate"].as_f64().unwrap() < 0.0, stable);
}

#[test]
fn a_kernel_gives_what_its_jacobian_gives_but_the_number_of_parameters() {
    let row = |i: usize| [JACOBIAN[2 * i], JACOBIAN[2 * i + 1]];
    let entry = |k: usize| row(k / 3)[0] * row(k % 3)[0] + row(k / 3)[1] * row(k % 3)[1];
    let kernel: Vec<f64> = (0..9).map(entry).collect();
    let options = ["--batch", "2", "--no-replacement", "--learning-rate", "0.9"];
    let found = json(&with_kernel(&kernel, &RESIDUALS), &options);
    let expected = json(&with_jacobian(), &options);
    assert!(found.get("p").is_none());
    for (name, value) in expected.as_object().unwrap().iter().filter(|(name, _)| *name != "p") {
        match value.as_f64() {
            Some(value) => close(&found[name], value),
            None => assert_eq!(&found[name], value),
        }
    }
}

#[test]
fn several_outputs_are_taken_together() {
    // One sample of two outputs, and two samples of one output, with the same rows.
    let lab = Lab::new();
    let rows = [1.0, 2.0, 3.0, -1.0];
    file(&lab, "two.npz", &[("jacobian", &[2, 2], &rows), ("residuals", &[1, 2], &[1.0, 1.0])]);
    let found: Value = serde_json::from_str(&lab.succeeds(&["measure", "two.npz", "--json"])).unwrap();
    assert_eq!(found["n"], 1);
    close(&found["loss"], 1.0);
    close(&found["trace_G"], 15.0);
    // One sample has one gradient: no noise, and stochastic gradient descent is gradient descent.
    assert!(found["trace_noise"].as_f64().unwrap() < 1e-12);
    close(&found["stability"][0]["max_stable_learning_rate"], found["gd_limit"].as_f64().unwrap());
}

#[test]
fn the_whole_batch_without_replacement_is_gradient_descent() {
    let found = json(&with_jacobian(), &["--batch", "3", "--no-replacement"]);
    close(&found["max_stable_learning_rate"], found["gd_limit"].as_f64().unwrap());
    assert_eq!(found["frobenius_bound"], Value::Null, "infinite: no bound");
}

#[test]
fn the_table_states_its_conventions() {
    let lab = with_jacobian();
    insta::assert_snapshot!(lab.succeeds(&[
        "measure",
        "point.npz",
        "--learning-rate",
        "0.4",
        "--no-replacement"
    ]));
    assert_eq!(lab.succeeds(&["measure", "point.npz", "-q"]), "");
}

#[test]
fn a_plot_is_one_file_that_opens_without_a_network() {
    let lab = with_jacobian();
    let said = lab.succeeds(&["measure", "point.npz", "--plot", "atlas.html", "--learning-rate", "0.4"]);
    assert!(said.ends_with("\nAtlas: atlas.html\n"), "{said}");
    let page = lab.read("atlas.html");
    assert!(page.starts_with("<!doctype html>") && page.contains("(T) by the trace"), "no page");
    assert!(lab.succeeds(&["measure", "point.npz", "--plot"]).ends_with("\nAtlas: point.html\n"));
    assert!(page.contains("<th scope=\"col\">at 0.4</th>"), "no table with the learning rate asked about");
    assert_eq!(lab.names_in("."), ["atlas.html", "point.html", "point.npz"]);
}

#[test]
fn files_that_are_no_point_are_refused() {
    let refusal = |arrays: &[(&str, &[usize], &[f64])]| {
        let lab = Lab::new();
        file(&lab, "point.npz", arrays);
        lab.refuses(&["measure", "point.npz"])
    };
    let kernel = ("kernel", &[2, 2][..], &[1.0, 0.5, 0.5, 1.0][..]);
    let residuals = ("residuals", &[2][..], &[1.0, 2.0][..]);
    assert_eq!(refusal(&[kernel]), r#"point.npz: has no array "residuals"; present: kernel"#);
    assert_eq!(
        refusal(&[residuals, ("kernal", kernel.1, kernel.2)]),
        r#"point.npz: has no array "jacobian" or "kernel"; did you mean "kernal"?; present: residuals, kernal"#
    );
    assert_eq!(
        refusal(&[kernel, residuals, ("jacobian", &[2, 1], &[1.0, 1.0])]),
        r#"point.npz: has the arrays "jacobian" and "kernel"; expected one of them"#
    );
    assert_eq!(
        refusal(&[kernel, ("residuals", &[3], &[1.0, 2.0, 3.0])]),
        "point.npz: kernel has shape 2 x 2, but it has to be 3 x 3 for residuals of shape 3"
    );
    assert_eq!(
        refusal(&[("jacobian", &[3, 2], &JACOBIAN), ("residuals", &[2, 2], &[1.0; 4])]),
        "point.npz: jacobian has shape 3 x 2, but it has to be 2 x 2 x p or 4 x p for residuals of shape 2 x 2"
    );
    assert_eq!(
        refusal(&[kernel, ("residuals", &[2], &[1.0, f64::NAN])]),
        "point.npz: residuals[1] is NaN; expected a finite number"
    );
    assert_eq!(
        refusal(&[residuals, ("kernel", &[2, 2], &[1.0, 0.5, 0.25, 1.0])]),
        "point.npz: kernel[row 1, column 0] is 0.25, but kernel[row 0, column 1] is 0.5; expected a symmetric matrix"
    );
    assert_eq!(
        refusal(&[residuals, ("kernel", &[2, 2], &[1.0, 3.0, 3.0, 1.0])]),
        "point.npz: kernel has the eigenvalue -2.000e0 beside its largest, 4.000e0; expected none below 0 but for \
         rounding, as K = J J' has"
    );
    let lab = Lab::new();
    assert!(lab.refuses(&["measure", "missing.npz"]).starts_with("missing.npz: cannot open the file: "));
    lab.write("text.npz", "no arrays");
    assert!(lab.refuses(&["measure", "text.npz"]).starts_with("text.npz: is not a readable npz file: "));
}

#[test]
fn files_of_other_formats_are_named_with_how_to_save_them() {
    let lab = with_jacobian();
    let refusal = |name: &str, bytes: &[u8]| {
        std::fs::write(lab.path(name), bytes).unwrap();
        lab.refuses(&["measure", name])
    };
    let expected = "expected an npz file of residuals and jacobian (or kernel), as numpy.savez(\"point.npz\", residuals=r, \
                    jacobian=J) writes it from NumPy arrays";
    for (name, bytes, what) in [
        ("a.npy", &b"\x93NUMPY\x01\x00v\x00"[..], "one array, in NumPy's npy format"),
        ("a.mat", b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file, which scipy.io.loadmat reads"),
        ("b.mat", b"\x89HDF\r\n\x1a\n", "an HDF5 file, as MATLAB 7.3 and h5py write it"),
        ("a.pkl", b"\x80\x04\x95\x0b", "a pickle, as torch.save and pickle.dump write it"),
    ] {
        assert_eq!(refusal(name, bytes), format!("{name}: is {what}; {expected}"));
    }
    let tensors = br#"{"jacobian":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let mut bytes = (tensors.len() as u64).to_le_bytes().to_vec();
    bytes.extend(tensors);
    bytes.extend([0; 4]);
    assert_eq!(
        refusal("a.safetensors", &bytes),
        format!("a.safetensors: is a safetensors file of arrays; {expected}")
    );
}

#[test]
fn kernels_near_the_ends_of_the_range_of_numbers_are_measured_in_full() {
    for (scale, rank) in [(1e300, 9.0 / 5.0), (1e-300, 9.0 / 5.0), (1.0, 9.0 / 5.0)] {
        let found = json(&with_kernel(&[scale, 0.0, 0.0, 2.0 * scale], &[1.0, 1.0]), &["--batch", "1"]);
        close(&found["effective_rank"], rank);
        close(
            &found["alignment"],
            json(&with_kernel(&[1.0, 0.0, 0.0, 2.0], &[1.0, 1.0]), &[])["alignment"].as_f64().unwrap(),
        );
        let unit = json(&with_kernel(&[1.0, 0.0, 0.0, 2.0], &[1.0, 1.0]), &["--batch", "1"]);
        close(&found["max_stable_learning_rate"], unit["max_stable_learning_rate"].as_f64().unwrap() / scale);
        close(&found["trace_bound"], unit["trace_bound"].as_f64().unwrap() / scale);
    }
    let lab = Lab::new();
    let jacobian = [1e80, 0.0, 0.0, 2e80];
    file(&lab, "point.npz", &[("jacobian", &[2, 2], &jacobian), ("residuals", &[2], &[1.0, 1.0])]);
    let found = json(&lab, &["--batch", "1"]);
    close(&found["effective_rank"], 25.0 / 17.0);
    close(&found["frobenius_G"], 17f64.sqrt() / 2.0 * 1e160);
    close(&found["gd_limit"], 1e-160);
    file(&lab, "point.npz", &[("jacobian", &[1, 1], &[1e200]), ("residuals", &[1], &[1.0])]);
    assert_eq!(
        lab.refuses(&["measure", "point.npz"]),
        "point.npz: the kernel is about 1e400, which no float64 holds with all its digits (2e-308 to 2e308); scale jacobian and \
         residuals, or kernel, by a power of two: alignments and effective_rank do not depend on it"
    );
}

#[test]
fn one_sample_is_drawn_as_bars() {
    let lab = Lab::new();
    file(&lab, "point.npz", &[("jacobian", &[1, 2], &[1.0, 2.0]), ("residuals", &[1], &[1.0])]);
    lab.succeeds(&["measure", "point.npz", "--plot", "atlas.html"]);
    let page = lab.read("atlas.html");
    assert!(page.contains("at a batch of 1 is 0.4"), "the threshold is 2 / 5");
    assert!(page.contains("batch of 1\",\"series\":\"exact threshold"), "a bar");
}

#[test]
fn batches_and_learning_rates_that_cannot_be_are_refused() {
    let lab = with_jacobian();
    let refusal = |options: &[&str]| lab.refuses(&[&["measure", "point.npz"], options].concat());
    assert_eq!(refusal(&["--batch", "4"]), "batch is 4; expected 1 to 3 (the number of samples)");
    assert_eq!(refusal(&["--batch", "0"]), "batch is 0; expected 1 to 3 (the number of samples)");
    let rate = "expected a finite number above 0";
    assert_eq!(refusal(&["--learning-rate", "-1"]), format!("learning_rate is -1; {rate}"));
    assert_eq!(refusal(&["--learning-rate", "nan", "--plot"]), format!("learning_rate is NaN; {rate}"));
}
