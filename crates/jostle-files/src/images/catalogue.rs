//! The data sets that are known by name: how their files are called and what their classes are.

use super::cifar::Cifar;
use crate::StorageError;
use std::path::Path;

/// A published data set of labelled images.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Its name in experiment files.
    pub(super) name: &'static str,
    /// How its folder is usually called.
    pub(super) folders: &'static [&'static str],
    /// How its files are called, for messages.
    pub(super) files: &'static str,
    /// The format of its files.
    pub(super) format: Format,
    /// Its images and its labels, where they are a part of jostle.
    pub(super) embedded: Option<[&'static [u8]; 2]>,
    /// The largest value of a pixel.
    pub(super) white: u8,
    classes: &'static [&'static str],
}

/// The formats of files of images.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    /// Records of labels and pixels.
    Cifar(&'static Cifar),
    /// Files of images and files of labels, each with a header, possibly compressed.
    Idx,
}

const IDX_FILES: &str = "*-images-idx3-ubyte and *-labels-idx1-ubyte, plain or .gz";
const NUMBERS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Every data set.
pub(super) const DATASETS: &[Dataset] = &[
    Dataset {
        name: "digits",
        folders: &[],
        files: IDX_FILES,
        format: Format::Idx,
        embedded: Some([
            include_bytes!("../../data/digits/digits-images-idx3-ubyte.gz"),
            include_bytes!("../../data/digits/digits-labels-idx1-ubyte.gz"),
        ]),
        white: 16,
        classes: NUMBERS,
    },
    Dataset {
        name: "cifar-10",
        folders: &["cifar-10-batches-bin", "cifar-10", "cifar10"],
        files: "data_batch_1.bin, ..., test_batch.bin",
        format: Format::Cifar(&Cifar {
            name: "CIFAR-10",
            train: "data_batch",
            test: "test_batch",
            label_bytes: 1,
            class_names: None,
        }),
        embedded: None,
        white: 255,
        classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    },
    Dataset {
        name: "cifar-100",
        folders: &["cifar-100-binary", "cifar-100", "cifar100"],
        files: "train.bin and test.bin",
        format: Format::Cifar(&Cifar {
            name: "CIFAR-100",
            train: "train",
            test: "test",
            label_bytes: 2,
            class_names: Some("fine_label_names.txt"),
        }),
        embedded: None,
        white: 255,
        classes: &[],
    },
    Dataset {
        name: "mnist",
        folders: &["mnist", "MNIST/raw", "MNIST"],
        files: IDX_FILES,
        format: Format::Idx,
        embedded: None,
        white: 255,
        classes: NUMBERS,
    },
    Dataset {
        name: "fashion-mnist",
        folders: &["fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "FashionMNIST"],
        files: IDX_FILES,
        format: Format::Idx,
        embedded: None,
        white: 255,
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
    },
];

impl Dataset {
    /// The names of the classes; of CIFAR-100 they stand in a file, and without it numbers are their names.
    pub(super) fn class_names(&self, folder: Option<&Path>) -> Result<Vec<String>, StorageError> {
        if let (Format::Cifar(Cifar { class_names: Some(file), .. }), Some(folder)) = (self.format, folder) {
            return super::cifar::class_names(&folder.join(file));
        }
        Ok(self.classes.iter().map(|name| (*name).to_owned()).collect())
    }
}
