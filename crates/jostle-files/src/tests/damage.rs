//! Damaged and hostile files end in an error, never in a panic.

use super::super::{
    ArrayReader, ArrayWriter, Column, ColumnData, ImageFiles, Reading, Table, load, read_parquet,
    write_parquet,
};
use super::arrays::{header, npy, npz};
use super::file;
use super::images::{gzip, idx_images, idx_labels};
use proptest::prelude::*;
use zip::CompressionMethod;

/// What becomes of a file on its way: changed bytes, and a cut end.
fn damage() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)> {
    (
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        any::<Option<prop::sample::Index>>(),
    )
}

fn apply(bytes: &mut Vec<u8>, changes: &[(prop::sample::Index, u8)], cut: Option<prop::sample::Index>) {
    for (place, byte) in changes {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
}

/// Reads bytes in every way there is; each must return.
fn read_all(bytes: &[u8]) {
    for name in ["data.npz", "data.csv", "data.parquet"] {
        let (_folder, path) = file(name, bytes);
        let _ = load(&path, Reading::default());
        let _ = load(&path, Reading::of_target("y"));
        let _ = load(&path, Reading { is_classes: true, ..Reading::of_target("y") });
        let _ = read_parquet(&path);
        if let Ok(mut reader) = ArrayReader::open(&path) {
            for array in reader.names().to_vec() {
                let _ = reader.read(&array);
                let _ = reader.read_integers(&array);
            }
        }
    }
}

fn good_arrays() -> Vec<u8> {
    let (_folder, path) = file("data.npz", "");
    let mut writer = ArrayWriter::create(&path).unwrap();
    writer.matrix("X", 2, 2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    writer.vector("y", &[1.0, 2.0]).unwrap();
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

fn good_table() -> Vec<u8> {
    let (_folder, path) = file("data.parquet", "");
    let table = Table::new(vec![
        Column::new("a", ColumnData::Integer((0..50).collect())),
        Column::new("word", ColumnData::Text((0..50).map(|i| format!("word {}", i % 5)).collect())),
        Column::new("flag", ColumnData::Flag((0..50).map(|i| i % 3 == 0).collect())),
        Column::new("y", ColumnData::Number((0..50).map(f64::from).collect())),
    ]);
    write_parquet(&table.unwrap(), &path).unwrap();
    std::fs::read(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n\r\"]{0,100}|([a-y0-9.,\n]{0,20}\n){0,8}") {
        read_all(text.as_bytes());
    }

    #[test]
    fn damaged_arrays_are_read_or_refused((changes, cut) in damage()) {
        let mut bytes = good_arrays();
        apply(&mut bytes, &changes, cut);
        read_all(&bytes);
    }

    #[test]
    fn damaged_array_headers_are_read_or_refused((changes, cut) in damage()) {
        // Damage inside an intact zip archive, whose checksum would hide it from what follows.
        let mut bytes = npy(&header("<f8", true, "(2, 2)"), &[0; 32]);
        apply(&mut bytes, &changes, cut);
        read_all(&npz(&[("X", bytes)], CompressionMethod::Deflated));
    }

    #[test]
    fn any_array_header_is_read_or_refused(text in "[(){}\\[\\]',: a-z0-9<|.+-]{0,60}") {
        read_all(&npz(&[("X", npy(&text, &[0; 16]))], CompressionMethod::Stored));
    }

    #[test]
    fn damaged_images_are_read_or_refused((changes, cut) in damage(), which in 0..4usize) {
        let (images, labels) = (idx_images(3, 2, 2), idx_labels(&[0, 1, 2]));
        let (mut images, mut labels) = if which < 2 { (images, labels) } else { (gzip(&images), gzip(&labels)) };
        apply(if which % 2 == 0 { &mut images } else { &mut labels }, &changes, cut);
        let (folder, _) = file("train-images-idx3-ubyte", images);
        std::fs::write(folder.path().join("train-labels-idx1-ubyte"), labels).unwrap();
        let files = ImageFiles::in_folder("mnist", folder.path()).unwrap().unwrap();
        let _ = files.counts();
        let _ = files.read();
    }

    #[test]
    fn damaged_tables_are_read_or_refused((changes, cut) in damage()) {
        let mut bytes = good_table();
        apply(&mut bytes, &changes, cut);
        read_all(&bytes);
    }
}
