//! Problems made of labelled images: which of them, what their labels are, and how pixels are scaled.

mod choice;
mod scale;

use super::{ImageShape, LOSS_FACTOR, Problem};
use crate::error::InputError;
use crate::random::Draws;
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};
use choice::{Classes, TooFew, choose, most};
use scale::Scale;

/// Images with their classes, as files hold them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Images {
    /// One byte a value, image after image, each channel by channel and row by row.
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<u8>,
}

/// A data set of images, as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    /// Its name.
    pub name: String,
    /// The shape of every image.
    pub shape: ImageShape,
    /// The largest value that a pixel may have.
    pub white: u8,
    /// The names of the classes; a label is a position in this list.
    pub classes: Vec<String>,
    /// Images to train on.
    pub train: Images,
    /// Images to test on; possibly none.
    pub test: Images,
}

impl ImageSet {
    /// The problem that checked settings of `kind = "images"` make of these images.
    ///
    /// Samples are pixels from 0 to 1, then scaled as `standardise` says, by the same transform in training and test
    /// images. Labels are +1 and -1 where two classes are chosen, otherwise one-hot.
    ///
    /// # Errors
    /// A class that there is not, or more samples than there are images.
    ///
    /// # Panics
    /// If there are not as many pixels as the shape and the labels say, or a label is beyond the list of classes.
    pub fn problem(&self, settings: &Settings) -> Result<Problem, InputError> {
        let (train, test) = self.chosen(settings).map_err(InputError::in_section("problem"))?;
        let scale = Scale::of(settings.text("standardise"), &train.0, self.shape);
        let samples = |(mut x, y): (Vec<f64>, Vec<f64>)| {
            scale.apply(&mut x);
            (x, y)
        };
        let (x, y) = samples(train);
        let outputs = y.len() * self.shape.values() / x.len();
        let problem = Problem::with_outputs(x, y, outputs)?.with_image(self.shape)?;
        let problem = match samples(test) {
            (_, y) if y.is_empty() => problem,
            (x, y) => problem.with_test(x, y)?,
        };
        problem.with_classes()
    }

    /// Pixels and labels of the images to train and to test on.
    fn chosen(&self, settings: &Settings) -> Result<(Samples, Samples), SettingError> {
        let classes = Classes::from_settings(settings, &self.classes, &self.name)?;
        let part = |images: &Images, setting: &'static str, what: &str, step: u64| {
            let count = settings.has(setting).then(|| settings.count(setting));
            let lanes: Vec<u32> = (0..classes.len() as u32).collect();
            let draws = Draws::new(settings.integer("seed"), &lanes, step);
            let random = (settings.text("subset") == "random").then_some(draws);
            let chosen = choose(&images.labels, &classes, count, random)
                .map_err(|few| self.refuse(setting, count.unwrap_or_default(), what, &few))?;
            Ok((self.pixels(images, &chosen), classes.labels(&images.labels, &chosen)))
        };
        let train = part(&self.train, "samples", "training", 0)?;
        if train.1.is_empty() {
            let problem = format!("has no training image of these classes in {:?}", self.name);
            return Err(SettingError::new("classes", problem));
        }
        Ok((train, part(&self.test, "test_samples", "test", 1)?))
    }

    /// How many training and test images checked settings may ask for, with their classes and their kind of subset.
    ///
    /// # Errors
    /// A class that there is not.
    pub fn most(&self, settings: &Settings) -> Result<[usize; 2], SettingError> {
        let classes = Classes::from_settings(settings, &self.classes, &self.name)?;
        let random = settings.text("subset") == "random";
        Ok([&self.train, &self.test].map(|images| most(&images.labels, &classes, random)))
    }

    fn refuse(&self, setting: &'static str, found: usize, what: &str, few: &TooFew) -> SettingError {
        let (name, most) = (&self.name, few.most);
        let whose = match few.class {
            Some(class) => format!("class {:?} of {name:?}", self.classes[usize::from(class)]),
            None => format!("{name:?} with these classes"),
        };
        let problem =
            format!("is {found}, but {whose} has {} {what} images; expected at most {most}", few.there);
        SettingError::new(setting, problem)
    }

    /// The pixels of the chosen images, from 0 to 1.
    fn pixels(&self, images: &Images, chosen: &[usize]) -> Vec<f64> {
        let (values, white) = (self.shape.values(), f64::from(self.white));
        let mut pixels = Vec::with_capacity(chosen.len() * values);
        for i in chosen {
            let image = &images.pixels[i * values..(i + 1) * values];
            pixels.extend(image.iter().map(|value| f64::from(*value) / white));
        }
        pixels
    }
}

/// Rows of pixels, and rows of labels.
type Samples = (Vec<f64>, Vec<f64>);

pub(super) const ENTRY: Entry = Entry {
    kind: "images",
    summary: "labelled images from files, or the handwritten digits that need none",
    detail: "Images of a published data set, with the labels +1 and -1 where two classes are chosen and one-hot labels \
             otherwise. The digits (Alpaydin and Kaynak 1998, 8x8 pixels, 1,297 for training and 500 to test) are part \
             of jostle; other data sets are read in their usual formats from a folder.",
    reference: "",
    settings: &[
        Setting {
            name: "dataset",
            symbol: "",
            kind: Kind::Choice(&["digits", "cifar-10", "cifar-100", "mnist", "fashion-mnist"]),
            fallback: Fallback::Text("digits"),
            doc: "The data set.",
        },
        Setting {
            name: "fallback",
            symbol: "",
            kind: Kind::Choice(&["digits"]),
            fallback: Fallback::Absent,
            doc: "The data set to use where the files of the first are not known; without it that is an error. The run \
                  says which one was used. Of more images than it has, all are used, but where the grid names their number.",
        },
        Setting {
            name: "path",
            symbol: "",
            kind: Kind::Text,
            fallback: Fallback::Absent,
            doc: "The folder of the files, relative to the experiment file; by default they are looked for in the folder \
                  of data that the option --data or the variable JOSTLE_DATA names.",
        },
        Setting {
            name: "classes",
            symbol: "",
            kind: Kind::Classes,
            fallback: Fallback::Absent,
            doc: "The classes to use, at least two, by name or by number from 0; all by default. Of two, the first has \
                  the label +1 and the second -1; otherwise labels are one-hot, in this order.",
        },
        Setting {
            name: "samples",
            symbol: "n",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Absent,
            doc: "Number of training images; all by default.",
        },
        Setting {
            name: "test_samples",
            symbol: "",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Absent,
            doc: "Number of test images; all by default.",
        },
        Setting {
            name: "subset",
            symbol: "",
            kind: Kind::Choice(&["first", "random"]),
            fallback: Fallback::Text("first"),
            doc: "Which of the images: the first of the files, or random ones of every class in equal parts (the first \
                  classes have one more where that does not come out even).",
        },
        Setting {
            name: "seed",
            symbol: "",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Integer(0),
            doc: "Seed of a random subset.",
        },
        Setting {
            name: "standardise",
            symbol: "",
            kind: Kind::Choice(&["channel", "pixel", "none"]),
            fallback: Fallback::Text("channel"),
            doc: "Subtract the mean and divide by the standard deviation of each channel, or of each pixel, over the \
                  training images used; or leave pixels as they are, from 0 to 1. What does not vary is not divided.",
        },
        LOSS_FACTOR,
    ],
};

#[cfg(test)]
mod tests;
