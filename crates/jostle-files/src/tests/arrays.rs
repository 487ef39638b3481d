//! Arrays in npz files.

use super::super::{Array, ArrayReader, ArrayWriter};
use super::{assert_says, file, folder, names_in};
use std::io::{Cursor, Read, Write};
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
fn fortran_order_is_turned_into_rows_in_three_dimensions_too() {
    // np.arange(24).reshape(2, 3, 4), saved in Fortran's order: the first index runs fastest.
    let at = |k: u8| (k % 2) * 12 + (k / 2 % 3) * 4 + k / 6;
    let data: Vec<u8> = (0..24).map(at).collect();
    let (_folder, mut reader) = with_array(npy(&header("|u1", true, "(2, 3, 4)"), &data));
    let array = reader.read("X").unwrap();
    assert_eq!(array.shape, [2, 3, 4]);
    assert_eq!(array.values, (0..24).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn floats_of_16_bits_are_read() {
    // np.array([1, -2.5, 65504, 2**-24], "float16"), and [1, -2.5, 3.39e38, 2**-133] of ml_dtypes.bfloat16.
    let half = [0x3c00_u16, 0xc100, 0x7bff, 0x0001];
    let brain = [0x3f80_u16, 0xc020, 0x7f7f, 0x0001];
    let exact = [1.0, -2.5, 65504.0, 2f64.powi(-24)];
    let largest = (2.0 - 2f64.powi(-7)) * 2f64.powi(127);
    let cases = [
        ("<f2", half.map(u16::to_le_bytes), exact),
        (">f2", half.map(u16::to_be_bytes), exact),
        ("<V2", brain.map(u16::to_le_bytes), [1.0, -2.5, largest, 2f64.powi(-133)]),
        ("|V2", brain.map(u16::to_le_bytes), [1.0, -2.5, largest, 2f64.powi(-133)]),
    ];
    for (dtype, data, expected) in cases {
        let (_folder, mut reader) = with_array(npy(&header(dtype, false, "(4,)"), data.as_flattened()));
        assert_eq!(reader.read_vector("X").unwrap(), expected, "{dtype}");
    }
    let (_folder, mut reader) = with_array(npy(&header("<f2", false, "(4,)"), &[0; 7]));
    assert_says(reader.read_vector("X"), &["array \"X\": reached EOF before reading all data"]);
    let (_folder, mut reader) = with_array(npy(&header("<f2", false, "(4,)"), &[0; 9]));
    assert_says(reader.read_vector("X"), &["array \"X\": file had 1 extra bytes before EOF"]);
}

#[test]
fn texts_are_written_as_numpy_does_and_read_back() {
    let (_folder, path) = file("final.npz", "");
    let names = ["a", "bc\u{e9}", ""].map(str::to_owned);
    let mut writer = ArrayWriter::create(&path).unwrap();
    writer.texts("names", &names).unwrap();
    writer.finish().unwrap();
    assert_eq!(ArrayReader::open(&path).unwrap().read_texts("names").unwrap(), names);
    // numpy.save(file, numpy.array(["a", "bc\u{e9}", ""])) of NumPy 2.3.
    let mut saved =
        b"\x93NUMPY\x01\x00\x76\x00{'descr': '<U3', 'fortran_order': False, 'shape': (3,), }".to_vec();
    saved.resize(127, b' ');
    saved.push(b'\n');
    saved.extend(b"a\0\0\0\0\0\0\0\0\0\0\0b\0\0\0c\0\0\0\xe9\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    let mut written = Vec::new();
    zip.by_index(0).unwrap().read_to_end(&mut written).unwrap();
    assert!(written == saved, "{written:?}");

    let (_folder, mut reader) = with_array(npy(&header(">U2", false, "(1,)"), b"\0\0\0o\0\0\0k"));
    assert_eq!(reader.read_texts("X").unwrap(), ["ok"]);
    let (_folder, mut reader) = with_array(npy(&header("<U1", false, "(1,)"), &[0xff; 4]));
    assert_says(reader.read_texts("X"), &["array \"X\": it holds what is not a character"]);
    let (_folder, mut reader) = with_array(npy(&header("<f8", false, "(1,)"), &[0; 8]));
    assert_says(
        reader.read_texts("X"),
        &["is f8 of shape (1,); expected texts (NumPy's str) in one dimension"],
    );
}

#[test]
fn what_was_found_is_named_with_what_was_expected() {
    let (_folder, mut reader) = with_array(npy(&header("<c8", false, "(3, 4)"), &[0; 96]));
    assert_says(
        reader.read("X"),
        &[
            "final.npz: array \"X\" is c8 of shape (3, 4); expected real numbers: floats of 16 to 64 bits, integers",
        ],
    );
    assert_says(reader.read_vector("X"), &["is c8 of shape (3, 4); expected one dimension"]);
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
