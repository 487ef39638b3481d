//! Arrays in npz files.

use super::super::{Array, ArrayReader, ArrayWriter};
use super::{assert_says, file, folder, names_in};
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An npy file with the header given as text.
pub(super) fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16 + 1).to_le_bytes());
    bytes.extend(header.bytes().chain([b'\n']).chain(data.iter().copied()));
    bytes
}

pub(super) fn header(dtype: &str, fortran: bool, shape: &str) -> String {
    let fortran = if fortran { "True" } else { "False" };
    format!("{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

pub(super) fn npz(entries: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn with_array(bytes: Vec<u8>) -> (tempfile::TempDir, ArrayReader) {
    let (folder, path) = file("final.npz", npz(&[("X", bytes)], CompressionMethod::Deflated));
    let reader = ArrayReader::open(&path).unwrap();
    (folder, reader)
}

fn write_example(path: &Path) {
    let mut writer = ArrayWriter::create(path).unwrap();
    writer.vector("y", &[1.5, f64::NAN, f64::NEG_INFINITY]).unwrap();
    writer.matrix("beta_0", 2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, -0.0]).unwrap();
    writer.integers("steps", &[0, i64::MIN, i64::MAX]).unwrap();
    writer.vector("empty", &[]).unwrap();
    assert!(!path.exists());
    writer.finish().unwrap();
}

#[test]
fn arrays_come_back_bit_for_bit_in_their_order() {
    let folder = folder();
    let path = folder.path().join("final.npz");
    write_example(&path);
    assert_eq!(names_in(&folder), ["final.npz"]);
    let mut reader = ArrayReader::open(&path).unwrap();
    assert_eq!(reader.names(), ["y", "beta_0", "steps", "empty"]);
    assert_eq!(reader.shape("beta_0").unwrap(), [2, 3]);
    let (rows, columns, values) = reader.read_matrix("beta_0").unwrap();
    assert_eq!((rows, columns), (2, 3));
    assert_eq!(values[..5], [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(values[5] == 0.0 && values[5].is_sign_negative());
    let y = reader.read_vector("y").unwrap();
    assert!(y[0] == 1.5 && y[1].is_nan() && y[2] == f64::NEG_INFINITY);
    assert_eq!(reader.read_integers("steps").unwrap(), [0, i64::MIN, i64::MAX]);
    assert_eq!(reader.read("empty").unwrap(), Array { shape: vec![0], values: vec![] });
}

#[test]
fn the_bytes_do_not_depend_on_the_time() {
    let folder = folder();
    let (first, second) = (folder.path().join("1.npz"), folder.path().join("2.npz"));
    write_example(&first);
    // The clock of the zip format has steps of two seconds.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    write_example(&second);
    assert!(std::fs::read(&first).unwrap() == std::fs::read(&second).unwrap());
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&first).unwrap()).unwrap();
    assert_eq!(zip.by_index(0).unwrap().last_modified().unwrap().year(), 1980);
}

#[test]
fn every_numeric_type_is_read() {
    let cases: [(&str, Vec<u8>); 12] = [
        ("<f8", [1.0_f64, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect()),
        (">f8", [1.0_f64, 3.0].iter().flat_map(|v| v.to_be_bytes()).collect()),
        ("<f4", [1.0_f32, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("<i8", [1_i64, 3].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("<i4", [1_i32, 3].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("<i2", [1_i16, 3].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("|i1", vec![1, 3]),
        ("<u8", [1_u64, 3].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("<u4", [1_u32, 3].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("<u2", [1_u16, 3].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("|u1", vec![1, 3]),
        (">i4", [1_i32, 3].iter().flat_map(|v| v.to_be_bytes()).collect()),
    ];
    for (dtype, data) in cases {
        let (_folder, mut reader) = with_array(npy(&header(dtype, false, "(2,)"), &data));
        assert_eq!(reader.read_vector("X").unwrap(), [1.0, 3.0], "{dtype}");
    }
    let (_folder, mut reader) = with_array(npy(&header("|b1", false, "(2,)"), &[1, 0]));
    assert_eq!(reader.read_vector("X").unwrap(), [1.0, 0.0]);
}

#[test]
fn fortran_order_is_turned_into_rows() {
    let (_folder, mut reader) = with_array(npy(&header("|u1", true, "(2, 3)"), &[1, 4, 2, 5, 3, 6]));
    assert_eq!(reader.read_matrix("X").unwrap(), (2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
}

#[test]
fn what_was_found_is_named_with_what_was_expected() {
    let (_folder, mut reader) = with_array(npy(&header("<f2", false, "(3, 4)"), &[0; 24]));
    assert_says(
        reader.read("X"),
        &["final.npz: array \"X\" is f2 of shape (3, 4); expected real numbers: float32, float64"],
    );
    assert_says(reader.read_vector("X"), &["is f2 of shape (3, 4); expected one dimension"]);
    assert_says(reader.read_matrix("x"), &["final.npz: has no array \"x\"; did you mean \"X\"?; present: X"]);
    let (_folder, mut reader) = with_array(npy(&header("|O", false, "(3,)"), &[0; 24]));
    assert_says(reader.read("X"), &["is O of shape (3,); expected real numbers"]);
    let (_folder, mut reader) = with_array(npy(&header("<f8", false, "(1, 1, 1, 1)"), &[0; 8]));
    assert_says(reader.read("X"), &["is f8 of shape (1, 1, 1, 1); expected one to three dimensions"]);
    assert_says(reader.read_integers("X"), &["expected one dimension"]);
    let record = "{'descr': [('a', '<f8'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (1,)}";
    let (_folder, mut reader) = with_array(npy(record, &[0; 16]));
    assert_says(reader.read("X"), &["array \"X\" is [('a', '<f8'), ('b', '<i4', (2,))] of shape (1,)"]);
}

#[test]
fn lengths_that_contradict_the_header_are_errors() {
    for bytes in [0, 15, 17, 1000] {
        let (_folder, mut reader) = with_array(npy(&header("<f8", false, "(2,)"), &vec![0; bytes]));
        assert_says(reader.read("X"), &["is not a readable npz file: array \"X\""]);
    }
}

#[test]
fn a_header_that_claims_too_much_is_an_error_before_anything_is_allocated() {
    for shape in
        ["(1000000000000,)", "(1000000, 1000000)", "(18446744073709551615, 2)", "(0, 99999999999999999999)"]
    {
        let (_folder, mut reader) = with_array(npy(&header("<f8", false, shape), &[0; 8]));
        assert_says(reader.read("X"), &["array \"X\""]);
    }
    let (_folder, mut reader) = with_array(npy(&header("<f8", false, "(1000000000000,)"), &[0; 8]));
    assert_says(reader.read("X"), &["claims the shape (1000000000000,), more than the file holds"]);
}

#[test]
fn a_highly_compressible_array_is_not_mistaken_for_a_false_claim() {
    let (_folder, mut reader) = with_array(npy(&header("<f8", false, "(1000, 1000)"), &vec![0; 8_000_000]));
    assert_eq!(reader.read("X").unwrap().values.len(), 1_000_000);
}

#[test]
fn what_cannot_be_an_array_file_is_refused() {
    let (_folder, path) = file("points.npz", "X,y\n1,2\n");
    assert_says(ArrayReader::open(&path), &["points.npz: is not a readable npz file"]);
    assert_says(
        ArrayReader::open(&path.with_file_name("none.npz")),
        &["none.npz: cannot open the file: No such file"],
    );
}

#[test]
fn a_writer_refuses_a_wrong_shape_and_a_second_array_of_a_name() {
    let folder = folder();
    let mut writer = ArrayWriter::create(&folder.path().join("final.npz")).unwrap();
    assert_says(
        writer.matrix("beta", 2, 3, &[0.0; 5]),
        &["final.npz: array \"beta\" is given 5 values, but its shape is (2, 3)"],
    );
    writer.vector("y", &[1.0]).unwrap();
    assert_says(writer.integers("y", &[1]), &["has two arrays named \"y\""]);
    drop(writer);
    assert!(names_in(&folder).is_empty());
}
