//! `jostle reproduce`.
use crate::Ending;
use crate::args::{Output, ReproduceOptions};
use jostle_lab::run::LabError;
pub(crate) fn reproduce(_: &ReproduceOptions, _: &Output) -> Result<Ending, LabError> {
    todo!()
}
