//! Labelled images from files: the formats of CIFAR and MNIST, and the digits that are part of jostle.

mod catalogue;
mod cifar;
mod idx;

use super::StorageError;
use super::atomic::open;
use super::names::show_shape;
use catalogue::{DATASETS, Dataset, Format};
use jostle::problem::{ImageSet, ImageShape, Images};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The files of a data set, found but not read.
#[derive(Debug)]
pub struct ImageFiles {
    dataset: &'static Dataset,
    folder: Option<PathBuf>,
    train: Vec<Part>,
    test: Vec<Part>,
}

/// Images and their labels: two files, or twice the same one where they stand together.
#[derive(Debug)]
struct Part {
    images: Content,
    labels: Content,
}

/// A file, or what would be in it where it is a part of jostle.
#[derive(Debug, Clone)]
enum Content {
    File(PathBuf),
    Embedded(&'static [u8]),
}

impl Content {
    fn open(&self) -> Result<Box<dyn BufRead + '_>, StorageError> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::new(open(path)?)),
            Self::Embedded(bytes) => Box::new(*bytes),
        })
    }

    /// Says which file a problem is in.
    fn place(&self, error: StorageError) -> StorageError {
        match self {
            Self::File(path) => error.in_file(path),
            Self::Embedded(_) => error,
        }
    }
}

/// How many images a data set has, and of which shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageCounts {
    /// Images to train on.
    pub train: usize,
    /// Images to test on.
    pub test: usize,
    /// The shape of all of them.
    pub shape: ImageShape,
}

impl ImageFiles {
    /// The images of this name that are a part of jostle; `None` if there are none.
    pub fn embedded(name: &str) -> Option<Self> {
        let dataset = find(name)?;
        let [images, labels] = dataset.embedded?.map(Content::Embedded);
        Some(Self { dataset, folder: None, train: vec![Part { images, labels }], test: Vec::new() })
    }

    /// The files of the data set of this name in the folder `folder`; `None` if there are none.
    ///
    /// # Errors
    /// The folder cannot be read, several files claim to be the same part, or images have no labels.
    pub fn in_folder(name: &str, folder: &Path) -> Result<Option<Self>, StorageError> {
        let Some(dataset) = find(name) else { return Ok(None) };
        let names = names(folder).map_err(|e| e.in_file(folder))?;
        let [train, test] = match dataset.format {
            Format::Cifar(format) => cifar::find(&names, folder, format),
            Format::Idx => idx::find(&names, folder).map_err(|e| e.in_file(folder))?,
        };
        let found = !(train.is_empty() && test.is_empty());
        Ok(found.then(|| Self { dataset, folder: Some(folder.to_path_buf()), train, test }))
    }

    /// The files of the data set of this name in a folder of data: in one of its usual folders there, or in the folder
    /// itself; `None` if there are none.
    ///
    /// # Errors
    /// As [`ImageFiles::in_folder`].
    pub fn below(name: &str, root: &Path) -> Result<Option<Self>, StorageError> {
        let usual = folder_names(name).iter().map(|usual| root.join(usual));
        for folder in usual.filter(|folder| folder.is_dir()) {
            if let Some(files) = Self::in_folder(name, &folder)? {
                return Ok(Some(files));
            }
        }
        Self::in_folder(name, root)
    }

    /// The folder of the files; `None` for images that are a part of jostle.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// How many images there are, found without reading them.
    ///
    /// # Errors
    /// A file cannot be opened, or its header or its length does not make sense.
    pub fn counts(&self) -> Result<ImageCounts, StorageError> {
        let count = |parts: &[Part]| match self.dataset.format {
            Format::Cifar(format) => cifar::count(parts, format),
            Format::Idx => idx::count(parts),
        };
        let (train, test) = (count(&self.train)?, count(&self.test)?);
        let shape = self.one_shape(train.1, test.1)?;
        let (train, test) = split(train.0, test.0);
        Ok(ImageCounts { train, test, shape })
    }

    /// Reads all images.
    ///
    /// # Errors
    /// A file cannot be read, is cut off, is of another format, or has labels that there are not.
    pub fn read(&self) -> Result<ImageSet, StorageError> {
        let classes = self.dataset.class_names(self.folder())?;
        let read = |parts: &[Part]| match self.dataset.format {
            Format::Cifar(format) => cifar::read(parts, format, classes.len()),
            Format::Idx => idx::read(parts, classes.len()),
        };
        let ((mut all, shape), (test, of_test)) = (read(&self.train)?, read(&self.test)?);
        let shape = self.one_shape(shape, of_test)?;
        let (train, _) = split(all.labels.len(), test.labels.len());
        all.labels.extend(test.labels);
        all.pixels.extend(test.pixels);
        let test = Images {
            labels: all.labels.split_off(train),
            pixels: all.pixels.split_off(train * shape.values()),
        };
        let (name, white) = (self.dataset.name.to_owned(), self.dataset.white);
        Ok(ImageSet { name, shape, white, classes, train: all, test })
    }

    fn one_shape(
        &self,
        train: Option<ImageShape>,
        test: Option<ImageShape>,
    ) -> Result<ImageShape, StorageError> {
        let error = match (train, test) {
            (Some(train), Some(test)) if train != test => {
                let side = |shape: ImageShape| show_shape(&[shape.height, shape.width]);
                let found = format!("test images have the shape {}", side(test));
                StorageError::Lengths { found, expected: format!("training images {}", side(train)) }
            }
            (Some(shape), _) | (None, Some(shape)) => return Ok(shape),
            (None, None) => StorageError::Empty { what: "images" },
        };
        Err(match self.folder() {
            Some(folder) => error.in_file(folder),
            None => error,
        })
    }
}

/// The folders in which a data set is looked for below a folder of data.
pub fn folder_names(name: &str) -> &'static [&'static str] {
    find(name).map_or(&[], |dataset| dataset.folders)
}

/// How the files of a data set are called, for messages.
pub fn file_names(name: &str) -> &'static str {
    find(name).map_or("", |dataset| dataset.files)
}

fn find(name: &str) -> Option<&'static Dataset> {
    DATASETS.iter().find(|dataset| dataset.name == name)
}

/// How many images are for training and how many to test. Where there is only one part, its last images are to test.
fn split(train: usize, test: usize) -> (usize, usize) {
    const TEST: usize = 500;
    let all = train + test;
    if train > 0 && test > 0 {
        return (train, test);
    }
    let held_out = TEST.min(all / 3);
    (all - held_out, held_out)
}

/// The names of the files in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>, StorageError> {
    let entries = std::fs::read_dir(folder).map_err(StorageError::io("open the folder"))?;
    let files = entries.flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}
