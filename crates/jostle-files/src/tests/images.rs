//! Images from files, byte by byte, and every way in which the files can be wrong.

use super::super::images::file_names;
use super::super::{ImageCounts, ImageFiles, StorageError};
use super::{assert_says, folder};
use flate2::Compression;
use flate2::write::GzEncoder;
use jostle::problem::{ImageSet, ImageShape};
use jostle::setting::Kind;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A file of images whose values count up from 0, in which the first number of an image is its own.
pub(super) fn idx_images(count: u32, rows: u32, columns: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        [0x803, count, rows, columns].iter().flat_map(|v: &u32| v.to_be_bytes()).collect();
    bytes.extend((0..count * rows * columns).map(|v| v as u8));
    bytes
}

pub(super) fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = [0x801, labels.len() as u32].iter().flat_map(|v| v.to_be_bytes()).collect();
    bytes.extend(labels);
    bytes
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Records of CIFAR whose pixels all have the value of their place in the file.
fn records(labels: &[&[u8]]) -> Vec<u8> {
    let record = |(k, label): (usize, &&[u8])| [label.to_vec(), vec![k as u8; 3072]].concat();
    labels.iter().enumerate().flat_map(record).collect()
}

fn with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = folder();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn read(dataset: &str, files: &[(&str, &[u8])]) -> Result<ImageSet, StorageError> {
    let folder = with(files);
    ImageFiles::in_folder(dataset, folder.path())?.expect("files were found").read()
}

fn mnist(images: &[u8], labels: &[u8]) -> Result<ImageSet, StorageError> {
    read("mnist", &[("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)])
}

#[test]
fn every_data_set_that_an_experiment_may_name_is_known() {
    let entry = jostle::problem::ENTRIES.iter().find(|entry| entry.kind == "images").unwrap();
    let names = entry.settings.iter().find_map(|setting| match setting.kind {
        Kind::Choice(names) if setting.name == "dataset" => Some(names),
        _ => None,
    });
    assert!(names.unwrap().iter().all(|name| !file_names(name).is_empty()));
    let fallbacks = entry.settings.iter().find_map(|setting| match setting.kind {
        Kind::Choice(names) if setting.name == "fallback" => Some(names),
        _ => None,
    });
    assert!(fallbacks.unwrap().iter().all(|name| ImageFiles::embedded(name).is_some()));
}

#[test]
fn the_digits_are_those_of_the_repository_they_come_from() {
    let files = ImageFiles::embedded("digits").unwrap();
    let shape = ImageShape { channels: 1, height: 8, width: 8 };
    assert_eq!(files.counts().unwrap(), ImageCounts { train: 1297, test: 500, shape });
    let digits = files.read().unwrap();
    assert_eq!((digits.train.labels.len(), digits.test.labels.len(), digits.shape), (1297, 500, shape));
    let labels = || digits.train.labels.iter().chain(&digits.test.labels);
    // As scikit-learn's load_digits counts them, and its sum over all pixels.
    assert_eq!(classes(labels()), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    let pixels = || digits.train.pixels.iter().chain(&digits.test.pixels).map(|v| u64::from(*v));
    assert_eq!((pixels().sum::<u64>(), pixels().max()), (561_718, Some(u64::from(digits.white))));
    assert_eq!(digits.train.pixels[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    assert!(ImageFiles::embedded("mnist").is_none());
}

#[test]
fn cifar_10_is_read_record_by_record_in_the_order_of_the_batches() {
    let (one, two) = (records(&[&[3], &[9]]), records(&[&[0]]));
    let test = records(&[&[5]]);
    let files: &[(&str, &[u8])] = &[
        ("data_batch_2.bin", &two),
        ("test_batch.bin", &test),
        ("data_batch_1.bin", &one),
        ("batches.meta.txt", b"airplane\n"),
    ];
    let set = read("cifar-10", files).unwrap();
    assert_eq!((set.train.labels, set.test.labels), (vec![3, 9, 0], vec![5]));
    let first_pixels: Vec<u8> = set.train.pixels.iter().step_by(3072).copied().collect();
    assert_eq!((first_pixels, set.train.pixels.len()), (vec![0, 1, 0], 3 * 3072));
    assert_eq!(set.shape, ImageShape { channels: 3, height: 32, width: 32 });
    assert_eq!((set.classes[3].as_str(), set.classes.len()), ("cat", 10));
}

#[test]
fn cifar_100_has_its_fine_labels_and_the_names_of_its_file() {
    let (train, test) = (records(&[&[7, 99], &[19, 0]]), records(&[&[0, 42]]));
    let set = read("cifar-100", &[("train.bin", &train), ("test.bin", &test)]).unwrap();
    assert_eq!((set.train.labels, set.test.labels), (vec![99, 0], vec![42]));
    assert_eq!(set.classes[42], "42");
    let names = (0..100).map(|k| format!("class {k}")).collect::<Vec<_>>().join("\n");
    let files: &[(&str, &[u8])] = &[("train.bin", &train), ("fine_label_names.txt", names.as_bytes())];
    assert_eq!(read("cifar-100", files).unwrap().classes[42], "class 42");
    let files: &[(&str, &[u8])] = &[("train.bin", &train), ("fine_label_names.txt", b"apple\n")];
    assert_says(read("cifar-100", files), &["fine_label_names.txt", "1 names of classes; expected 100"]);
}

#[test]
fn idx_is_read_plain_and_compressed_whatever_stands_around_its_name() {
    let (images, labels) = (idx_images(2, 3, 4), idx_labels(&[4, 9]));
    let (more, others) = (gzip(&idx_images(3, 3, 4)), gzip(&idx_labels(&[0, 1, 2])));
    let files: &[(&str, &[u8])] = &[
        ("train-images.idx3-ubyte", &images),
        ("train-labels.idx1-ubyte", &labels),
        ("t10k-first3-images-idx3-ubyte.gz", &more),
        ("t10k-first3-labels-idx1-ubyte.gz", &others),
    ];
    let set = read("mnist", files).unwrap();
    assert_eq!((set.train.labels, set.test.labels), (vec![4, 9], vec![0, 1, 2]));
    assert_eq!(set.train.pixels, (0..24).collect::<Vec<u8>>());
    assert_eq!(set.shape, ImageShape { channels: 1, height: 3, width: 4 });
    let folder = with(files);
    let found = ImageFiles::in_folder("fashion-mnist", folder.path()).unwrap().unwrap();
    assert_eq!(found.counts().unwrap(), ImageCounts { train: 2, test: 3, shape: set.shape });
}

#[test]
fn of_one_part_alone_the_last_images_are_to_test_on() {
    let (images, labels) = (idx_images(7, 1, 1), idx_labels(&[0, 1, 2, 3, 4, 5, 6]));
    for part in ["train", "t10k"] {
        let (of_images, of_labels) =
            (format!("{part}-images-idx3-ubyte"), format!("{part}-labels-idx1-ubyte"));
        let files: &[(&str, &[u8])] = &[(&of_images, &images), (&of_labels, &labels)];
        let set = read("mnist", files).unwrap();
        assert_eq!((set.train.labels, set.test.labels), (vec![0, 1, 2, 3, 4], vec![5, 6]));
        assert_eq!(set.test.pixels, [5, 6]);
    }
}

#[test]
fn a_data_set_is_found_in_its_usual_folder_and_in_the_folder_itself() {
    let root = folder();
    let below = || ImageFiles::below("cifar-10", root.path()).unwrap();
    assert!(below().is_none());
    std::fs::write(root.path().join("test_batch.bin"), records(&[&[1]])).unwrap();
    assert_eq!(below().unwrap().folder(), Some(root.path()));
    let usual = root.path().join("cifar-10-batches-bin");
    std::fs::create_dir(&usual).unwrap();
    assert_eq!(below().unwrap().folder(), Some(root.path()));
    std::fs::write(usual.join("data_batch_1.bin"), records(&[&[1]])).unwrap();
    assert_eq!(below().unwrap().folder(), Some(usual.as_path()));
    assert_says(ImageFiles::below("mnist", Path::new("/no/such")), &["/no/such: cannot open the folder"]);
}

#[test]
fn a_file_that_is_there_plain_and_compressed_is_one() {
    let (images, labels) = (idx_images(1, 1, 1), idx_labels(&[0]));
    let (packed, packed_labels) = (gzip(&images), gzip(&labels));
    let files: &[(&str, &[u8])] = &[
        ("train-images-idx3-ubyte", &images),
        ("train-images-idx3-ubyte.gz", &packed),
        ("train-labels-idx1-ubyte.gz", &packed_labels),
    ];
    assert_eq!(read("mnist", files).unwrap().train.labels, [0]);
    let files: &[(&str, &[u8])] = &[
        ("train-images-idx3-ubyte", &images),
        ("train-labels-idx1-ubyte", &labels),
        ("train-old-images-idx3-ubyte", &images),
        ("train-old-labels-idx1-ubyte", &labels),
    ];
    assert_says(
        read("mnist", files),
        &["has both train-images-idx3-ubyte and train-old-images-idx3-ubyte, but one part is one file"],
    );
    assert_says(
        read("mnist", &[("t10k-images-idx3-ubyte", &images)]),
        &[
            "t10k-images-idx3-ubyte is there, but its labels, t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz, are not",
        ],
    );
}

#[test]
fn records_of_cifar_that_are_cut_off_or_have_no_class_are_refused() {
    let whole = records(&[&[3], &[9]]);
    let cut = |bytes: &[u8]| read("cifar-10", &[("data_batch_1.bin", bytes)]);
    assert_says(
        cut(&whole[..whole.len() - 1]),
        &["data_batch_1.bin: is not a readable CIFAR-10 file: record 1 has 3072 bytes; expected 3073"],
    );
    assert_says(cut(&[]), &["data_batch_1.bin: has no images"]);
    assert_says(cut(&records(&[&[3], &[10]])), &["record 1 has the label 10; expected at most 9"]);
}

#[test]
fn idx_files_that_are_cut_off_or_something_else_are_refused() {
    let (images, labels) = (idx_images(3, 2, 2), idx_labels(&[0, 1, 2]));
    for (bytes, expected) in [
        (&images[..20], "is not a readable IDX file: it ends within image 1 of 3"),
        (&images[..10], "it ends within its header"),
        (&[][..], "it ends within its header"),
        (&labels[..], "it begins with 0x00000801; expected 0x00000803, as files of images do"),
        (&[&images[..], &[0]].concat(), "it goes on after the 3 images that its header counts"),
        (&idx_images(0, 2, 2), "its header claims 0 images of 2 x 2 pixels"),
        (
            &[0x803, u32::MAX, u32::MAX, u32::MAX].map(u32::to_be_bytes).concat(),
            "its header claims 4294967295 images of 4294967295 x 4294967295 pixels",
        ),
    ] {
        assert_says(mnist(bytes, &labels), &["train-images-idx3-ubyte: ", expected]);
    }
    let packed = gzip(&images);
    assert_says(mnist(&packed[..packed.len() - 9], &labels), &["IDX file: it ends within image"]);
    let mut damaged = packed;
    let last = damaged.len() - 6;
    damaged[last] ^= 1;
    assert_says(mnist(&damaged, &labels), &["is not a readable IDX file: ", "within image 3 of 3"]);
    for (labels, expected) in [
        (idx_labels(&[0, 1]), "it holds 2 labels, but there are 3 images"),
        (idx_labels(&[0, 1, 10]), "label 2 is 10; expected at most 9"),
        (idx_labels(&[0, 1, 2])[..10].to_vec(), "it ends within label 2 of 3"),
    ] {
        assert_says(mnist(&images, &labels), &["train-labels-idx1-ubyte: ", expected]);
    }
}

#[test]
fn training_and_test_images_have_one_shape() {
    let labels = idx_labels(&[0]);
    let files: &[(&str, &[u8])] = &[
        ("train-images-idx3-ubyte", &idx_images(1, 2, 2)),
        ("train-labels-idx1-ubyte", &labels),
        ("t10k-images-idx3-ubyte", &idx_images(1, 2, 3)),
        ("t10k-labels-idx1-ubyte", &labels),
    ];
    assert_says(read("mnist", files), &["test images have the shape (2, 3), but training images (2, 2)"]);
}

/// The folder of data that the environment names, where the files that are counted below may be.
fn data() -> Option<PathBuf> {
    std::env::var_os("JOSTLE_DATA").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// How many labels there are of each of ten classes.
fn classes<'a>(labels: impl Iterator<Item = &'a u8>) -> [usize; 10] {
    let mut counts = [0; 10];
    labels.for_each(|label| counts[usize::from(*label)] += 1);
    counts
}

/// Mean and standard deviation of values from 0 to 1.
fn moments(values: impl Iterator<Item = u8>) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        let value = f64::from(value) / 255.0;
        (count, sum, squares) = (count + 1.0, sum + value, squares + value * value);
    }
    let mean = sum / count;
    (mean, (squares / count - mean * mean).sqrt())
}

#[test]
fn the_first_batches_of_cifar_10_have_their_known_means_and_classes() {
    let Some(files) = data().and_then(|data| ImageFiles::below("cifar-10", &data).unwrap()) else { return };
    let set = files.read().unwrap();
    let counts = files.counts().unwrap();
    assert_eq!((counts.train, counts.test), (set.train.labels.len(), set.test.labels.len()));
    // Published for the 50,000 images of the whole set; a part of it is near.
    for (channel, (mean, deviation)) in
        [(0.4914, 0.2470), (0.4822, 0.2435), (0.4465, 0.2616)].iter().enumerate()
    {
        let images = set.train.pixels.chunks_exact(3072);
        let pixels = images.flat_map(|image| image[1024 * channel..1024 * (channel + 1)].iter().copied());
        let found = moments(pixels);
        assert!((found.0 - mean).abs() < 0.004 && (found.1 - deviation).abs() < 0.004, "{found:?}");
    }
    let counts = classes(set.train.labels.iter());
    let tenth = set.train.labels.len() as f64 / 10.0;
    assert!(counts.iter().all(|count| (*count as f64 / tenth - 1.0).abs() < 0.1));
    // The first labels of data_batch_1.
    assert_eq!(set.train.labels[..10], [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
    if set.train.labels.len() == 8152 {
        assert_eq!(counts, [817, 782, 820, 789, 866, 795, 813, 806, 846, 818]);
        assert_eq!(set.test.labels.len(), 1017);
    }
}

#[test]
fn fashion_mnist_has_its_known_classes() {
    let Some(files) = data().and_then(|data| ImageFiles::below("fashion-mnist", &data).unwrap()) else {
        return;
    };
    let set = files.read().unwrap();
    assert_eq!(set.shape, ImageShape { channels: 1, height: 28, width: 28 });
    let labels = || set.train.labels.iter().chain(&set.test.labels);
    if labels().count() == 1770 {
        let counts: Vec<usize> =
            (0..10).map(|class| labels().filter(|label| **label == class).count()).collect();
        assert_eq!(counts, [174, 176, 194, 166, 201, 173, 183, 171, 166, 166]);
        // The first labels of the test set.
        assert_eq!(set.train.labels[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    }
}
