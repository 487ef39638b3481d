//! What the papers predict.
