//! Products of small matrices, as the steps of a network need them: nothing is packed, and no bit depends on the width of
//! the vectors.

mod chains;
mod rows;

pub(crate) use chains::{View, add_product, product};
pub(crate) use rows::products_of_rows;

#[cfg(test)]
mod tests;
