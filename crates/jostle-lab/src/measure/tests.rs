//! Kernels that are too large to be decomposed.

use super::*;
use jostle_files::ArrayWriter;

/// Within a limit of work.
fn measure_within(path: &Path, question: Question, most_work: f64) -> Result<Answer, LabError> {
    answer(path, point::read(path)?, question, most_work, &Unwatched)
}

#[test]
fn beyond_the_limit_of_work_thresholds_are_intervals_around_the_exact_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point.npz");
    let entry = |k: usize| ((k * k) as f64 * 0.7).sin() + if k.is_multiple_of(5) { 1.0 } else { 0.0 };
    let mut file = ArrayWriter::create(&path).unwrap();
    file.matrix("jacobian", 12, 5, &(0..60).map(entry).collect::<Vec<_>>()).unwrap();
    file.vector("residuals", &(0..12).map(entry).collect::<Vec<_>>()).unwrap();
    file.finish().unwrap();
    let question = Question { learning_rate: None, batch: None, sampling: Sampling::WithoutReplacement };
    let exact = measure(&path, question, &Unwatched).unwrap();
    let wide = measure_within(&path, question, 0.0).unwrap();
    assert!(exact.is_exact() && !wide.is_exact());
    assert_eq!(exact.geometry, wide.geometry);
    for (exact, wide) in exact.stability.iter().zip(&wide.stability) {
        let (limit, between) = (exact.threshold.learning_rate, wide.threshold);
        assert!(between.lower_bound <= limit && limit <= between.learning_rate * (1.0 + 1e-9));
        assert!(between.learning_rate < 4.0 * between.lower_bound, "{between:?}");
        for (eta, verdict) in [
            (between.lower_bound, "stable"),
            (f64::midpoint(between.lower_bound, between.learning_rate), "undecided"),
            (1.1 * between.learning_rate, "unstable"),
        ] {
            let question = Question {
                learning_rate: Some(eta),
                batch: Some(wide.batches.size),
                sampling: Sampling::WithoutReplacement,
            };
            let json = measure_within(&path, question, 0.0).unwrap().to_json();
            assert_eq!(json["verdict"], verdict);
            assert_eq!(json["growth_rate"], Value::Null);
            assert_eq!(json["max_stable_learning_rate_low"], between.lower_bound);
            assert_eq!(json["max_stable_learning_rate_high"], between.learning_rate);
            assert!(json.get("max_stable_learning_rate").is_none(), "a bound is no threshold");
        }
    }
    let text = wide.to_text();
    assert!(text.contains("too large for its eigenvalues"), "{text}");
    assert!(
        text.contains("batch  max_stable_learning_rate_low  max_stable_learning_rate_high  trace_bound"),
        "{text}"
    );
    let page = folder.path().join("atlas.html");
    write_atlas(&wide, &page).unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("lies between"), "the page says that it is an interval");
}

#[test]
fn a_jacobian_of_three_dimensions_is_one_of_samples_outputs_and_parameters() {
    // The writer knows two dimensions only: a file of NumPy's.
    let array = |shape: &str, values: &[f64]| {
        let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        header += &" ".repeat(118 - header.len() - 1);
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        bytes
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point.npz");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, bytes) in [
        ("jacobian.npy", array("(2, 2, 3)", &(1..13).map(f64::from).collect::<Vec<_>>())),
        ("residuals.npy", array("(2, 2)", &[1.0, 0.0, -1.0, 0.5])),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, &bytes).unwrap();
    }
    zip.finish().unwrap();
    let question = Question { learning_rate: None, batch: Some(1), sampling: Sampling::WithReplacement };
    let answer = measure(&path, question, &Unwatched).unwrap();
    let geometry = answer.geometry;
    assert_eq!((geometry.samples, geometry.outputs, geometry.params), (2, 2, Some(3)));
    assert_eq!(geometry.curvature.trace, (1..13).map(|k| f64::from(k * k)).sum::<f64>() / 2.0);
    assert!(answer.to_text().contains("2 samples of 2 outputs, 3 parameters"), "{}", answer.to_text());
}
