//! Which images of a data set make a problem, and which labels they have.

use crate::random::{Draws, Purpose};
use crate::setting::{SettingError, Settings};

/// The classes of a problem, in the order of its labels.
pub(super) struct Classes(Vec<u8>);

impl Classes {
    /// The classes that the setting `classes` names, of those of a data set.
    pub(super) fn from_settings(
        settings: &Settings,
        names: &[String],
        dataset: &str,
    ) -> Result<Self, SettingError> {
        let refuse = |problem: String| Err(SettingError::new("classes", problem));
        if !settings.has("classes") {
            return Ok(Self((0..names.len()).map(|class| class as u8).collect()));
        }
        let wanted = settings.names("classes");
        let mut classes = Vec::with_capacity(wanted.len());
        for name in wanted {
            let number = || name.parse().ok().filter(|number| *number < names.len());
            let Some(class) = names.iter().position(|known| known == name).or_else(number) else {
                let (last, known) = (names.len() - 1, names.join(", "));
                return refuse(format!(
                    "has {name:?}, not a class of {dataset:?}; expected a number from 0 to {last} or one of {known}"
                ));
            };
            if classes.contains(&(class as u8)) {
                return refuse(format!("has the class {class} ({}) twice", names[class]));
            }
            classes.push(class as u8);
        }
        match classes.len() {
            0 | 1 => refuse(format!("has {} classes; expected at least two", classes.len())),
            _ => Ok(Self(classes)),
        }
    }

    /// Number of classes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The position of a label of the data set among these classes.
    fn position(&self, label: u8) -> Option<usize> {
        self.0.iter().position(|class| *class == label)
    }

    /// The labels of the chosen images: a sign each with two classes, otherwise one-hot (images x classes).
    pub(super) fn labels(&self, labels: &[u8], chosen: &[usize]) -> Vec<f64> {
        let positions = chosen.iter().filter_map(|i| self.position(labels[*i]));
        match self.len() {
            2 => positions.map(|position| if position == 0 { 1.0 } else { -1.0 }).collect(),
            count => {
                positions.flat_map(|at| (0..count).map(move |k| if k == at { 1.0 } else { 0.0 })).collect()
            }
        }
    }
}

/// There are not as many images as are asked for.
pub(super) struct TooFew {
    /// The largest number that could be asked for.
    pub(super) most: usize,
    /// The class that has too few, if it is one.
    pub(super) class: Option<u8>,
    /// How many there are.
    pub(super) there: usize,
}

/// The images of these classes that are used, in the order of the files: the first `count`, or a random subset with as
/// many of each class, drawn with one lane a class; all by default.
pub(super) fn choose(
    labels: &[u8],
    classes: &Classes,
    count: Option<usize>,
    random: Option<Draws<'_>>,
) -> Result<Vec<usize>, TooFew> {
    let of_class = by_class(labels, classes);
    let available: usize = of_class.iter().map(Vec::len).sum();
    let Some(count) = count else { return Ok(sorted(of_class.concat())) };
    let Some(draws) = random else {
        if count > available {
            return Err(TooFew { most: available, class: None, there: available });
        }
        let mut first = sorted(of_class.concat());
        first.truncate(count);
        return Ok(first);
    };
    let mut chosen = Vec::with_capacity(count.min(available));
    let longest = of_class.iter().map(Vec::len).max().unwrap_or_default();
    let mut words = vec![0; longest * classes.len()];
    draws.bits(Purpose::DESIGN, &mut words);
    let mut marks = Vec::new();
    for (position, images) in of_class.iter().enumerate() {
        let part = share(count, position, classes.len());
        if part > images.len() {
            let class = Some(classes.0[position]);
            return Err(TooFew { most: most_in_equal_parts(&of_class), class, there: images.len() });
        }
        let mut picks = vec![0; part];
        let of_lane = words.iter().skip(position).step_by(classes.len()).copied();
        Draws::subset(of_lane, images.len(), &mut picks, &mut marks);
        chosen.extend(picks.iter().map(|pick| images[*pick]));
    }
    Ok(sorted(chosen))
}

/// How many images of these classes [`choose`] finds at most.
pub(super) fn most(labels: &[u8], classes: &Classes, random: bool) -> usize {
    let of_class = by_class(labels, classes);
    if random { most_in_equal_parts(&of_class) } else { of_class.iter().map(Vec::len).sum() }
}

/// The images of every class.
fn by_class(labels: &[u8], classes: &Classes) -> Vec<Vec<usize>> {
    let mut of_class = vec![Vec::new(); classes.len()];
    for (i, label) in labels.iter().enumerate() {
        if let Some(position) = classes.position(*label) {
            of_class[position].push(i);
        }
    }
    of_class
}

/// How many of `count` images the class at `position` has.
fn share(count: usize, position: usize, classes: usize) -> usize {
    count / classes + usize::from(position < count % classes)
}

/// The largest number of images of which every class has an equal part.
fn most_in_equal_parts(of_class: &[Vec<usize>]) -> usize {
    let classes = of_class.len();
    let least = of_class.iter().map(Vec::len).min().unwrap_or_default();
    // The first classes may have one more each, until one of them has no more.
    least * classes + of_class.iter().take_while(|images| images.len() > least).count()
}

fn sorted(mut images: Vec<usize>) -> Vec<usize> {
    images.sort_unstable();
    images
}
